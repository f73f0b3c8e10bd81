package source

import (
	"context"
	_ "embed" // the query
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed leftout.sql
var leftOutSQL string

// LeftOut is a relation of which a replica holds nothing, or not all.
type LeftOut struct {
	Schema string
	Name   string
	Why    string // one line, such as "a view: a replica holds tables"
	Part   bool   `db:"-"` // the table is sent, and columns or rows of it stay behind
}

func (l LeftOut) String() string {
	return pgx.Identifier{l.Schema, l.Name}.Sanitize() + ": " + l.Why
}

// LeftOut lists what the database has and the publication does not send, sorted by
// schema and name: views, foreign tables and the like, tables that are not published, and
// of published ones the columns and rows that stay behind. It is for people to read.
//
// Not listed are sequences (a replica hands out no keys), temporary tables, and Postgres'
// own schemas; nor partitions of a published root, and roots of published partitions,
// whose rows are all there. What cannot be replicated though it is published is an
// error of Tables.
func (s *Source) LeftOut(ctx context.Context) ([]LeftOut, error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer closeConn(ctx, conn.PgConn())
	rows, err := conn.Query(ctx, asking(leftOutSQL, "p.pubname = $1"), s.Publication)
	if err != nil {
		return nil, fmt.Errorf("looking for what publication %s leaves out: %w", s.Publication, err)
	}
	var list []LeftOut
	var r relation
	_, err = pgx.ForEachRow(rows, []any{
		&r.Schema, &r.Name, &r.kind, &r.unlogged, &r.sent, &r.through, &r.filter, &r.generated, &r.unlisted,
	}, func() error {
		reasons, err := r.reasons()
		for _, why := range reasons {
			list = append(list, LeftOut{Schema: r.Schema, Name: r.Name, Why: why, Part: r.sent})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking for what publication %s leaves out: %w", s.Publication, err)
	}
	return list, nil
}

// relation is one line of leftout.sql.
type relation struct {
	LeftOut
	kind                string
	unlogged            bool
	sent, through       bool
	filter              string
	generated, unlisted string // names of columns, as JSON
}

func (r *relation) reasons() ([]string, error) {
	switch {
	case r.kind == "v":
		return []string{"a view: a replica holds tables, and may have views of its own"}, nil
	case r.kind == "m":
		return []string{"a materialized view: Postgres sends no changes of it"}, nil
	case r.kind == "f":
		return []string{"a foreign table: its rows are elsewhere"}, nil
	case r.unlogged:
		return []string{"an unlogged table: Postgres sends no changes of it (ALTER TABLE … SET LOGGED)"}, nil
	case r.through:
		return nil, nil
	case !r.sent && r.kind == "p":
		return []string{"a partitioned table of which no partition is in the publication"}, nil
	case !r.sent:
		return []string{"not in the publication"}, nil
	}
	var reasons []string
	if r.filter != "" {
		reasons = append(reasons, "rows other than those WHERE "+r.filter)
	}
	for _, columns := range []struct{ names, why string }{
		{r.generated, "generated, and not sent by Postgres"},
		{r.unlisted, "not in the publication's column list"},
	} {
		var names []string
		if err := json.Unmarshal([]byte(columns.names), &names); err != nil {
			return nil, err
		}
		if len(names) > 0 {
			reasons = append(reasons, "columns "+strings.Join(names, ", ")+": "+columns.why)
		}
	}
	return reasons, nil
}
