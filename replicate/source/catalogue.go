package source

import (
	"cmp"
	"context"
	_ "embed" // the queries
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/change"
)

//go:embed catalogue.sql
var catalogueSQL string

//go:embed fingerprint.sql
var fingerprintSQL string

// published is a table with what only copying it needs to know.
type published struct {
	*change.Table
	partitioned bool
	generated   bool // sends generated columns, which COPY takes only from a query
	filter      string
	pages       int64
	problem     string // why it cannot be replicated and what to do; "" when it can
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

// Fingerprint changes whenever something changes about the published tables that
// Tables would show, or when one is rewritten. It is cheap enough for every few
// seconds. TRUNCATE changes it too, for that also gives a table another file.
func (s *Source) Fingerprint(ctx context.Context) (string, error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return "", err
	}
	defer closeConn(ctx, conn.PgConn())
	var sum string
	if err := conn.QueryRow(ctx, fingerprintSQL, s.Publication).Scan(&sum); err != nil {
		return "", fmt.Errorf("reading the fingerprint of publication %s: %w", s.Publication, err)
	}
	return sum, nil
}

// replicable reads the catalogue and refuses what cannot be replicated.
func (s *Source) replicable(ctx context.Context, conn *pgx.Conn) ([]published, error) {
	found, err := s.catalogue(ctx, conn)
	if err != nil {
		return nil, err
	}
	return found, problems(found)
}

// problems gives one line that names every table that cannot be replicated.
func problems(found []published) error {
	var lines []string
	for _, p := range found {
		if p.problem != "" {
			lines = append(lines, p.problem)
		}
	}
	if lines == nil {
		return nil
	}
	return errors.New(strings.Join(lines, "; "))
}

func tables(found []published) []*change.Table {
	list := make([]*change.Table, len(found))
	for i, p := range found {
		list[i] = p.Table
	}
	return list
}

// row is one line of catalogue.sql.
type row struct {
	table     change.Table
	kind      string
	identity  string
	pages     int64
	filter    string
	readable  bool
	number    int
	column    change.Column
	generated bool
	sent      bool
	inPrimary int // position in the primary key, or -1
	inIndex   int // position in the replica identity's index, or -1
}

// catalogue reads the tables as conn's transaction sees them.
func (s *Source) catalogue(ctx context.Context, conn *pgx.Conn) ([]published, error) {
	lines, err := conn.Query(ctx, catalogueSQL, s.Publication)
	if err != nil {
		return nil, fmt.Errorf("reading publication %s: %w", s.Publication, err)
	}
	rows, err := pgx.CollectRows(lines, func(line pgx.CollectableRow) (r row, err error) {
		err = line.Scan(&r.table.OID, &r.table.Schema, &r.table.Name, &r.kind, &r.identity, &r.pages, &r.filter, &r.readable,
			&r.number, &r.column.Name, &r.column.TypeOID, &r.column.Type, &r.generated, &r.sent, &r.inPrimary, &r.inIndex)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading publication %s: %w", s.Publication, err)
	}
	var found []published
	for len(rows) > 0 {
		n := slices.IndexFunc(rows, func(r row) bool { return r.table.OID != rows[0].table.OID })
		if n < 0 {
			n = len(rows)
		}
		found = append(found, assemble(rows[:n]))
		rows = rows[n:]
	}
	nameForSQLite(tables(found))
	return found, nil
}

// assemble makes a table of its lines.
func assemble(rows []row) published {
	first := rows[0]
	t := first.table
	p := published{Table: &t, partitioned: first.kind == "p", filter: first.filter, pages: first.pages}
	type part struct{ place, column int }
	var primary, identity []part
	var missing []string // of the identity, but not sent
	hasPrimary := slices.ContainsFunc(rows, func(r row) bool { return r.inPrimary >= 0 })
	primarySent := hasPrimary
	for _, r := range rows {
		if r.number == 0 {
			continue // a table without columns
		}
		place := -1
		switch first.identity {
		case "d":
			place = r.inPrimary
		case "i":
			place = r.inIndex
		case "f":
			place = r.number
		}
		if !r.sent {
			// Generated columns are no part of what FULL sends.
			if place >= 0 && (first.identity != "f" || !r.generated) {
				missing = append(missing, r.column.Name)
			}
			primarySent = primarySent && r.inPrimary < 0
			continue
		}
		at := len(t.Columns)
		r.column.Kind = kindOf(r.column.TypeOID)
		t.Columns = append(t.Columns, r.column)
		p.generated = p.generated || r.generated
		if place >= 0 {
			identity = append(identity, part{place, at})
		}
		if r.inPrimary >= 0 {
			primary = append(primary, part{r.inPrimary, at})
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
	t.Key = slices.Clone(t.Identity)
	within := func(part part) bool { return slices.Contains(t.Identity, part.column) }
	if primarySent && !slices.ContainsFunc(primary, func(part part) bool { return !within(part) }) {
		t.Key = inOrder(primary)
	}
	slices.Sort(t.Identity)
	p.problem = problem(first, &t, hasPrimary, missing)
	return p
}

// problem says why a table cannot be replicated, and what to do about it.
func problem(r row, t *change.Table, hasPrimary bool, missing []string) string {
	name := pgx.Identifier{t.Schema, t.Name}.Sanitize()
	remedy := fmt.Sprintf("add a primary key, or a unique index over NOT NULL columns with ALTER TABLE %s REPLICA IDENTITY USING INDEX", name)
	switch {
	case r.identity == "n":
		return fmt.Sprintf("table %s has REPLICA IDENTITY NOTHING, so its rows cannot be told apart: ALTER TABLE %s REPLICA IDENTITY DEFAULT", name, name)
	case r.identity == "d" && !hasPrimary:
		return fmt.Sprintf("table %s has no replica identity, so its rows cannot be told apart: %s", name, remedy)
	case r.identity == "f" && !hasPrimary:
		return fmt.Sprintf("table %s has REPLICA IDENTITY FULL and no primary key, so equal rows cannot be told apart: %s", name, remedy)
	case len(missing) > 0:
		return fmt.Sprintf("table %s does not publish column %s of its replica identity: add it to the publication's column list",
			name, strings.Join(missing, ", "))
	case len(t.Identity) == 0:
		return fmt.Sprintf("table %s has lost the index of its replica identity: %s", name, remedy)
	case !r.readable:
		return fmt.Sprintf("table %s cannot be read by this user: GRANT SELECT ON %s", name, name)
	}
	if a, b, ok := twins(t.Columns); ok {
		return fmt.Sprintf("table %s has columns %q and %q, which SQLite cannot tell apart: rename one", name, a, b)
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
