package replica

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"outpost/replicate/change"
)

// Tables are the replicated tables as v.Tx sees them: they belong to the rows that the
// same transaction reads, whatever becomes of the tables meanwhile.
func (v View) Tables(ctx context.Context) (tables []*change.Table, err error) {
	rows, err := v.Tx.QueryContext(ctx, `SELECT definition FROM _outpost_tables ORDER BY ordinal`)
	if err != nil {
		return nil, fmt.Errorf("reading the replica's tables: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, fmt.Errorf("reading the replica's tables: %w", err)
		}
		t, err := readTable(text)
		if err != nil {
			return nil, err
		}
		tables = append(tables, t)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the replica's tables: %w", err)
	}
	return tables, nil
}

// Table is one of Tables, or nil if there is none of that OID.
func (v View) Table(ctx context.Context, oid uint32) (*change.Table, error) {
	const query = `SELECT definition FROM _outpost_tables WHERE json_extract(definition, '$.oid') = ?`
	var text string
	err := v.Tx.QueryRowContext(ctx, query, int64(oid)).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the replica's table %d: %w", oid, err)
	}
	return readTable(text)
}

func readTable(text string) (*change.Table, error) {
	t := new(change.Table)
	if err := json.Unmarshal([]byte(text), t); err != nil {
		return nil, fmt.Errorf("%w: the definition of a table: %w", errDamaged, err)
	}
	return t, nil
}

// ColumnNames gives the names of t's columns in a replica, quoted for SQL.
func ColumnNames(t *change.Table) []string { return columnNames(t) }

// Stored gives what a replica stores for a value in Postgres' text form: an int64, a
// float64, a string or bytes.
func Stored(column *change.Column, text []byte) (any, error) {
	c := converter{keep: true}
	return c.value(column, change.Value{Presence: change.Present, Data: text})
}
