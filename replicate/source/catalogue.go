package source

import (
	"cmp"
	"context"
	_ "embed" // the queries
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/change"
)

// The queries are put together by asking.
var (
	//go:embed catalogue.sql
	catalogueSQL string
	//go:embed published.sql
	publishedSQL string
)

// asking puts what is wanted of the publications, p, and tables, c, into a query.
func asking(query, which string) string {
	return strings.Replace(query, "{{published}}", strings.Replace(publishedSQL, "{{which}}", which, 1), 1)
}

// Published is a table as the catalogue has it, with what a replica need not know.
type Published struct {
	*change.Table
	Partitioned bool
	Listed      bool   // the publication names its columns, and leaves some out
	Problem     string // why it cannot be replicated and what to do; "" when it can

	generated bool // sends generated columns, which COPY takes only from a query
	pages     int64
}

// Tables reads the published tables, sorted by schema and name. A table that cannot
// be replicated is an error which names it.
func (s *Source) Tables(ctx context.Context) ([]*change.Table, error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer closeConn(ctx, conn.PgConn())
	found, err := s.replicable(ctx, conn)
	if err != nil {
		return nil, err
	}
	return tables(found), nil
}

// Published reads what a publication holds now, what cannot be replicated included, and
// then a position: whatever of the schema the answer shows was committed before it.
func (s *Source) Published(ctx context.Context) (found []Published, at change.LSN, err error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer closeConn(ctx, conn.PgConn())
	if err := s.publishesAll(ctx, conn); err != nil {
		return nil, 0, err
	}
	if found, err = s.catalogue(ctx, conn); err != nil {
		return nil, 0, err
	}
	at, err = head(ctx, conn)
	return found, at, err
}

// head is where Postgres writes next.
func head(ctx context.Context, conn *pgx.Conn) (change.LSN, error) {
	var text string
	if err := conn.QueryRow(ctx, "SELECT pg_current_wal_insert_lsn()::text").Scan(&text); err != nil {
		return 0, fmt.Errorf("asking Postgres for its position: %w", err)
	}
	return change.ParseLSN(text)
}

// replicable reads the catalogue and refuses what cannot be replicated.
func (s *Source) replicable(ctx context.Context, conn *pgx.Conn) ([]Published, error) {
	found, err := s.catalogue(ctx, conn)
	if err != nil {
		return nil, err
	}
	return found, problems(found)
}

// problems gives one line that names every table that cannot be replicated.
func problems(found []Published) error {
	var lines []string
	for _, p := range found {
		if p.Problem != "" {
			lines = append(lines, p.Problem)
		}
	}
	if lines == nil {
		return nil
	}
	return errors.New(strings.Join(lines, "; "))
}

func tables(found []Published) []*change.Table {
	list := make([]*change.Table, len(found))
	for i, p := range found {
		list[i] = p.Table
	}
	return list
}

// line is one line of catalogue.sql.
type line struct {
	Publication string  `json:"publication"`
	OID         uint32  `json:"oid"`
	Schema      string  `json:"schema"`
	Name        string  `json:"name"`
	Kind        string  `json:"kind"`
	Identity    string  `json:"identity"`
	Pages       int64   `json:"pages"`
	Filter      string  `json:"filter"`
	Membership  string  `json:"membership"`
	Readable    bool    `json:"readable"`
	Files       string  `json:"files"`
	Unlogged    string  `json:"unlogged"` // partitions that are not in the WAL
	Number      int16   `json:"number"`
	Column      string  `json:"column"`
	TypeOID     uint32  `json:"type_oid"`
	Type        string  `json:"type"`
	Revision    uint32  `json:"revision"`
	Command     uint32  `json:"command"`
	Missing     *string `json:"missing"`
	Labels      labels  `json:"labels"`
	Generated   bool    `json:"generated"`
	Sent        bool    `json:"sent"`
	InPrimary   int     `json:"in_primary"` // position in the primary key, or -1
	InIndex     int     `json:"in_index"`   // position in the replica identity's index, or -1
}

// labels are an enum's, by their OIDs.
type labels = map[string]string

// catalogue reads the tables as conn's transaction sees them.
func (s *Source) catalogue(ctx context.Context, conn *pgx.Conn) ([]Published, error) {
	const query = `SELECT coalesce(json_agg(line ORDER BY schema COLLATE "C", name COLLATE "C", number), '[]')::text FROM (`
	var text string
	err := conn.QueryRow(ctx, query+asking(catalogueSQL, "p.pubname = $1")+") AS line", s.Publication).Scan(&text)
	if err != nil {
		return nil, fmt.Errorf("reading publication %s: %w", s.Publication, err)
	}
	var lines []line
	if err := json.Unmarshal([]byte(text), &lines); err != nil {
		return nil, fmt.Errorf("reading publication %s: %w", s.Publication, err)
	}
	found := assembleAll(lines)
	nameForSQLite(tables(found))
	return found, nil
}

// assembleAll makes tables of their lines, which stand together.
func assembleAll(lines []line) []Published {
	var found []Published
	for len(lines) > 0 {
		n := slices.IndexFunc(lines, func(l line) bool { return l.OID != lines[0].OID })
		if n < 0 {
			n = len(lines)
		}
		found = append(found, assemble(lines[:n]))
		lines = lines[n:]
	}
	return found
}

// assemble makes a table of its lines.
func assemble(lines []line) Published {
	first := lines[0]
	t := change.Table{
		OID: first.OID, Schema: first.Schema, Name: first.Name,
		Full: first.Identity == "f", Filter: first.Filter, Membership: first.Membership, Files: first.Files,
	}
	p := Published{Table: &t, Partitioned: first.Kind == "p", pages: first.Pages}
	type part struct{ place, column int }
	var primary, identity []part
	var missing []string // of the identity, but not sent
	hasPrimary := slices.ContainsFunc(lines, func(l line) bool { return l.InPrimary >= 0 })
	primarySent := hasPrimary
	for _, l := range lines {
		if l.Number == 0 {
			continue // a table without columns
		}
		place := -1
		switch first.Identity {
		case "d":
			place = l.InPrimary
		case "i":
			place = l.InIndex
		case "f":
			place = int(l.Number)
		}
		if !l.Sent {
			t.Unsent = append(t.Unsent, l.Number)
			p.Listed = p.Listed || !l.Generated
			// Generated columns are no part of what FULL sends.
			if place >= 0 && (!t.Full || !l.Generated) {
				missing = append(missing, l.Column)
			}
			primarySent = primarySent && l.InPrimary < 0
			continue
		}
		at := len(t.Columns)
		t.Columns = append(t.Columns, change.Column{
			Name: l.Column, TypeOID: l.TypeOID, Type: l.Type, Kind: kindOf(l.TypeOID),
			Number: l.Number, Revision: l.Revision, Command: l.Command, Missing: l.Missing, Labels: l.Labels,
		})
		p.generated = p.generated || l.Generated
		if place >= 0 {
			identity = append(identity, part{place, at})
		}
		if l.InPrimary >= 0 {
			primary = append(primary, part{l.InPrimary, at})
		}
	}
	inOrder := func(parts []part) []int {
		slices.SortFunc(parts, func(a, b part) int { return cmp.Compare(a.place, b.place) })
		columns := make([]int, len(parts))
		for i, part := range parts {
			columns[i] = part.column
		}
		return columns
	}
	t.Identity = inOrder(identity)
	within := func(part part) bool { return slices.Contains(t.Identity, part.column) }
	switch {
	case primarySent && !slices.ContainsFunc(primary, func(part part) bool { return !within(part) }):
		t.Key = inOrder(primary)
	case !t.Full:
		t.Key = slices.Clone(t.Identity)
	}
	slices.Sort(t.Identity)
	p.Problem = problem(first, &t, hasPrimary, missing)
	return p
}

// problem says why a table cannot be replicated, and what to do about it.
func problem(l line, t *change.Table, hasPrimary bool, missing []string) string {
	name := pgx.Identifier{t.Schema, t.Name}.Sanitize()
	remedy := fmt.Sprintf("add a primary key (one that is not DEFERRABLE), or a unique index over NOT NULL columns with ALTER TABLE %s REPLICA IDENTITY USING INDEX, or ALTER TABLE %s REPLICA IDENTITY FULL", name, name)
	switch {
	case len(t.Columns) == 0:
		return fmt.Sprintf("table %s publishes no columns, and SQLite has no tables without: add one, or take the table out of the publication", name)
	case l.Identity == "n" && hasPrimary:
		return fmt.Sprintf("table %s has REPLICA IDENTITY NOTHING, so its rows cannot be told apart: ALTER TABLE %s REPLICA IDENTITY DEFAULT", name, name)
	case l.Identity == "n":
		return fmt.Sprintf("table %s has REPLICA IDENTITY NOTHING, so its rows cannot be told apart: %s", name, remedy)
	case l.Identity == "d" && !hasPrimary:
		return fmt.Sprintf("table %s has no replica identity, so its rows cannot be told apart: %s", name, remedy)
	case len(missing) > 0:
		return fmt.Sprintf("table %s does not publish column %s of its replica identity: add it to the publication's column list",
			name, strings.Join(missing, ", "))
	case len(t.Identity) == 0:
		return fmt.Sprintf("table %s has lost the index of its replica identity: %s", name, remedy)
	case l.Unlogged != "":
		return fmt.Sprintf("partitioned table %s is published as one table, but Postgres sends no changes of %s, foreign or unlogged: detach it or SET LOGGED, or set publish_via_partition_root = false",
			name, l.Unlogged)
	case !l.Readable:
		return fmt.Sprintf("table %s cannot be read by this user: GRANT SELECT ON %s TO it", name, name)
	}
	return ""
}

// kindOf maps built-in types; all others travel as Postgres' text.
func kindOf(oid uint32) change.Kind {
	switch oid {
	case 20, 21, 23, 26: // int8, int2, int4, oid
		return change.Integer
	case 16:
		return change.Boolean
	case 700, 701: // float4, float8
		return change.Float
	case 17: // bytea
		return change.Bytes
	case 1184:
		return change.Timestamptz
	case 1114:
		return change.Timestamp
	case 1082:
		return change.Date
	}
	return change.Text
}
