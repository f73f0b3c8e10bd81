package seed

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// maintenanceMemory is what Postgres may take to sort an index or to check a foreign key, if it may not
// take more anyhow.
const maintenanceMemory = "256MB"

// crowded are the tables that grow with people.
func crowded() []string {
	return []string{
		"users", "user_credentials", "user_activity", "sessions", "token_revocations", "enrollments", "lesson_progress",
		"quiz_attempts", "certificates", "phishing_events",
	}
}

// postponed is what was taken from the crowded tables until all rows are in: all indexes and
// constraints that replication and other tables do not need. Sorting an index at the end costs
// less than keeping it up to date row by row, and one join checks a foreign key for all rows.
type postponed struct {
	indexes     []part
	constraints []part
}

// part is an index or a constraint.
type part struct{ table, name, definition string }

// What Postgres' definitions do not tell, such as a comment or a tablespace, would be lost: what
// has such a thing stays. So do primary keys, replica identities and what foreign keys refer to.
const (
	indexesQuery = `
		SELECT indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid)
		FROM pg_index i JOIN pg_class c ON c.oid = indexrelid
		WHERE indrelid = ANY ($1::text[]::regclass[]) AND NOT indisprimary AND NOT indisexclusion AND NOT indisreplident
			AND NOT indisclustered AND indisvalid AND reltablespace = 0 AND obj_description(indexrelid, 'pg_class') IS NULL
			AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
			AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = indexrelid AND attstattarget >= 0)
		ORDER BY i.indexrelid`

	// Triggers of foreign keys fire in the order in which the keys were made: among these it is kept. Those of
	// other tables, which stay, come before them.
	constraintsQuery = `
		SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(c.oid)
		FROM pg_constraint c LEFT JOIN pg_index i ON contype = 'u' AND indexrelid = conindid
			LEFT JOIN pg_class ic ON ic.oid = indexrelid
		WHERE contype IN ('u', 'f') AND conparentid = 0 AND conrelid = ANY ($1::text[]::regclass[])
			AND obj_description(c.oid, 'pg_constraint') IS NULL AND obj_description(indexrelid, 'pg_class') IS NULL
			AND indisreplident IS NOT TRUE AND indisclustered IS NOT TRUE AND coalesce(ic.reltablespace, 0) = 0 AND ic.reloptions IS NULL
			AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conindid = indexrelid)
			AND NOT EXISTS (SELECT FROM pg_trigger WHERE tgconstraint = c.oid AND tgenabled <> 'O')
		ORDER BY contype DESC, c.oid`
)

// postpone takes them away. Whoever owns the tables may.
func postpone(ctx context.Context, tx pgx.Tx) (p postponed, err error) {
	if p.indexes, err = readParts(ctx, tx, indexesQuery); err != nil {
		return p, fmt.Errorf("reading indexes: %w", err)
	}
	if p.constraints, err = readParts(ctx, tx, constraintsQuery); err != nil {
		return p, fmt.Errorf("reading constraints: %w", err)
	}
	for _, c := range p.constraints {
		if _, err := tx.Exec(ctx, fmt.Sprintf("ALTER TABLE %s DROP CONSTRAINT %s", c.table, c.name)); err != nil {
			return p, fmt.Errorf("putting off the constraint %s of %s: %w", c.name, c.table, err)
		}
	}
	for _, i := range p.indexes {
		if _, err := tx.Exec(ctx, "DROP INDEX "+i.name); err != nil {
			return p, fmt.Errorf("putting off the index %s: %w", i.name, err)
		}
	}
	return p, nil
}

func readParts(ctx context.Context, tx pgx.Tx, query string) ([]part, error) {
	rows, err := tx.Query(ctx, query, crowded())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p part, err error) {
		return p, row.Scan(&p.table, &p.name, &p.definition)
	})
}

// restore makes them again, exactly as they were.
func (p postponed) restore(ctx context.Context, tx pgx.Tx, begin func(doing, table string)) error {
	if len(p.indexes)+len(p.constraints) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, `SELECT set_config('maintenance_work_mem', $1, true)
		WHERE pg_size_bytes(current_setting('maintenance_work_mem')) < pg_size_bytes($1)`, maintenanceMemory); err != nil {
		return fmt.Errorf("asking for memory to make indexes in: %w", err)
	}
	for _, i := range p.indexes {
		begin("making the index "+i.name, i.table)
		if _, err := tx.Exec(ctx, i.definition); err != nil {
			return fmt.Errorf("making the index %s again: %w", i.name, err)
		}
	}
	begin("analyzing", "")
	// So that foreign keys are checked by a plan for full tables.
	if _, err := tx.Exec(ctx, "ANALYZE "+strings.Join(crowded(), ", ")); err != nil {
		return fmt.Errorf("analyzing: %w", err)
	}
	for _, c := range p.constraints {
		begin("making the constraint "+c.name, c.table)
		if _, err := tx.Exec(ctx, fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT %s %s", c.table, c.name, c.definition)); err != nil {
			return fmt.Errorf("making the constraint %s of %s again: %w", c.name, c.table, err)
		}
	}
	return nil
}
