package source

import (
	"context"
	_ "embed" // the query
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/change"
)

//go:embed candidates.sql
var candidatesSQL string

// ownPublication marks, in its comment, a publication that Publish made.
const ownPublication = "made by outpost replicate, which keeps its tables up to date; --drop-slot removes it"

// Publish makes the publication for whoever has none: of the tables named, as in SQL
// (without a schema they are in public), or, where none are named, of every table whose
// rows can be told apart, a partitioned one with its root. One that it made before is
// brought up to date, and left alone where it is; anybody else's is refused.
//
// What was left out, and why, is told. Of tables that are named none is left out: that is
// an error.
func (s *Source) Publish(ctx context.Context, names []string) (left []LeftOut, err error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer closeConn(ctx, conn.PgConn())
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		var tables []pgx.Identifier
		if tables, left, err = choose(ctx, tx, names); err != nil {
			return err
		}
		return s.publish(ctx, tx, tables)
	})
	return left, err
}

// choose gives the tables to publish, sorted.
func choose(ctx context.Context, tx pgx.Tx, names []string) (tables []pgx.Identifier, left []LeftOut, err error) {
	rows, err := tx.Query(ctx, candidatesSQL, len(names) > 0)
	if err != nil {
		return nil, nil, fmt.Errorf("looking for tables to publish: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[LeftOut])
	if err != nil {
		return nil, nil, fmt.Errorf("looking for tables to publish: %w", err)
	}
	if len(names) > 0 {
		tables, err = named(ctx, tx, names, found)
		return tables, nil, err
	}
	for _, each := range found {
		if each.Why != "" {
			left = append(left, each)
			continue
		}
		tables = append(tables, pgx.Identifier{each.Schema, each.Name})
	}
	if tables == nil {
		return nil, nil, nothingToPublish(left)
	}
	return tables, left, nil
}

// toldTables is how many tables an error names for one reason.
const toldTables = 3

func nothingToPublish(left []LeftOut) error {
	if left == nil {
		return errors.New("the database has no tables: there is nothing to replicate")
	}
	var reasons []string
	tables := make(map[string][]string) // by reason: a role that owns nothing has one for all
	for _, each := range left {
		if tables[each.Why] == nil {
			reasons = append(reasons, each.Why)
		}
		tables[each.Why] = append(tables[each.Why], pgx.Identifier{each.Schema, each.Name}.Sanitize())
	}
	for i, why := range reasons {
		names := tables[why]
		if more := len(names) - toldTables; more > 0 {
			names = append(names[:toldTables:toldTables], fmt.Sprintf("%d more", more))
		}
		reasons[i] = strings.Join(names, ", ") + ": " + why
	}
	return fmt.Errorf("there is no table that can be replicated: %s", strings.Join(reasons, "; "))
}

// named finds the tables that are named, and refuses what cannot be published.
func named(ctx context.Context, tx pgx.Tx, names []string, found []LeftOut) (tables []pgx.Identifier, err error) {
	var lines []string
	for _, text := range names {
		var name []string
		if err := tx.QueryRow(ctx, "SELECT parse_ident($1)", text).Scan(&name); err != nil || len(name) == 0 || len(name) > 2 {
			lines = append(lines, fmt.Sprintf("%q is not the name of a table: write table, schema.table or \"Quoted\"", text))
			continue
		}
		if len(name) == 1 {
			name = []string{"public", name[0]}
		}
		table := pgx.Identifier(name)
		at := slices.IndexFunc(found, func(f LeftOut) bool { return f.Schema == name[0] && f.Name == name[1] })
		switch {
		case at < 0:
			lines = append(lines, fmt.Sprintf("table %s does not exist", table.Sanitize()))
		case found[at].Why != "":
			lines = append(lines, found[at].String())
		default:
			tables = append(tables, table)
		}
	}
	if lines != nil {
		return nil, errors.New(strings.Join(lines, "; "))
	}
	slices.SortFunc(tables, func(a, b pgx.Identifier) int { return slices.Compare(a, b) })
	return slices.CompactFunc(tables, func(a, b pgx.Identifier) bool { return slices.Equal(a, b) }), nil
}

// publish makes the publication hold just these tables.
func (s *Source) publish(ctx context.Context, tx pgx.Tx, tables []pgx.Identifier) error {
	list := make([]string, len(tables))
	for i, t := range tables {
		list[i] = t.Sanitize()
	}
	name, all := pgx.Identifier{s.Publication}.Sanitize(), strings.Join(list, ", ")
	var have []string
	const query = `
		SELECT coalesce(obj_description(p.oid, 'pg_publication'), ''), array(
			SELECT format('%s.%s', '"' || replace(n.nspname, '"', '""') || '"', '"' || replace(c.relname, '"', '""') || '"')
			FROM pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE r.prpubid = p.oid ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C")
		FROM pg_publication p WHERE pubname = $1`
	var comment string
	err := tx.QueryRow(ctx, query, s.Publication).Scan(&comment, &have)
	var script string
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		script = fmt.Sprintf("CREATE PUBLICATION %s FOR TABLE %s WITH (publish_via_partition_root = true); COMMENT ON PUBLICATION %s IS '%s'",
			name, all, name, ownPublication)
	case err != nil:
		return fmt.Errorf("looking for publication %s: %w", name, err)
	case comment != ownPublication:
		return fmt.Errorf("publication %s exists and is somebody else's: use it with --publication, or choose another --slot", name)
	case slices.Equal(have, list):
		return nil
	default:
		if err := hold(ctx, tx, list, have); err != nil {
			return err
		}
		script = fmt.Sprintf("ALTER PUBLICATION %s SET TABLE %s", name, all)
	}
	_, err = tx.Exec(ctx, script, pgx.QueryExecModeSimpleProtocol)
	if code(err) == codeForbidden {
		return fmt.Errorf("this role may not make a publication: GRANT CREATE ON DATABASE %s TO it, "+
			"or let a superuser run CREATE PUBLICATION outpost FOR TABLE …, and name it with --publication",
			pgx.Identifier{tx.Conn().Config().Database}.Sanitize())
	}
	if err != nil {
		return fmt.Errorf("making publication %s: %w", name, err)
	}
	return nil
}

// hold keeps the new tables of a publication from being written to, those that are still
// empty: whoever follows it can then begin with nothing instead of with a copy. One that
// somebody is using is left alone.
func hold(ctx context.Context, tx pgx.Tx, list, have []string) error {
	for _, table := range list {
		if slices.Contains(have, table) {
			continue
		}
		err := pgx.BeginFunc(ctx, tx, func(nested pgx.Tx) error {
			var empty bool
			if err := nested.QueryRow(ctx, "SELECT pg_relation_size($1::regclass) = 0", table).Scan(&empty); err != nil || !empty {
				return err
			}
			_, err := nested.Exec(ctx, "SET LOCAL lock_timeout = '500ms'; LOCK TABLE "+table+" IN SHARE ROW EXCLUSIVE MODE; RESET lock_timeout",
				pgx.QueryExecModeSimpleProtocol)
			return err
		})
		if err != nil && code(err) != codeLocked {
			return fmt.Errorf("looking at table %s: %w", table, err)
		}
	}
	return nil
}

// Relations changes whenever tables are made or dropped, or get another key.
func (s *Source) Relations(ctx context.Context) (mark string, err error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return "", err
	}
	defer closeConn(ctx, conn.PgConn())
	const query = `
		SELECT concat_ws(' ', count(*), max(oid::bigint), count(*) FILTER (WHERE relreplident = 'f'), count(*) FILTER (WHERE relreplident = 'n'),
			(SELECT concat_ws(' ', count(*), max(indexrelid::bigint), count(*) FILTER (WHERE indisreplident)) FROM pg_index))
		FROM pg_class WHERE relkind IN ('r', 'p') AND relpersistence = 'p'`
	if err := conn.QueryRow(ctx, query).Scan(&mark); err != nil {
		return "", fmt.Errorf("counting tables: %w", err)
	}
	return mark, nil
}

// Unpublish removes a publication that Publish made, and leaves any other alone.
func (s *Source) Unpublish(ctx context.Context) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer closeConn(ctx, conn.PgConn())
	const query = "SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = $1 AND obj_description(oid, 'pg_publication') = $2)"
	var ours bool
	if err := conn.QueryRow(ctx, query, s.Publication, ownPublication).Scan(&ours); err != nil {
		return fmt.Errorf("looking for publication %s: %w", s.Publication, err)
	}
	if !ours {
		return nil
	}
	if _, err := conn.Exec(ctx, "DROP PUBLICATION IF EXISTS "+pgx.Identifier{s.Publication}.Sanitize()); err != nil {
		return fmt.Errorf("dropping publication %s: %w", s.Publication, err)
	}
	return nil
}

// Head is how far Postgres has written: whatever was committed before lies below it.
func (s *Source) Head(ctx context.Context) (at change.LSN, err error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return 0, err
	}
	defer closeConn(ctx, conn.PgConn())
	return head(ctx, conn)
}
