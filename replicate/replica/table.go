package replica

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"outpost/replicate/change"
)

// maxUpdates bounds the UPDATE statements kept prepared per table: there is one for
// each set of columns that came with an update, and unchanged TOAST values vary it.
const maxUpdates = 64

// table applies one table's rows through prepared statements.
type table struct {
	*change.Table
	conn    *conn
	columns []string // their SQLite names, quoted
	isKey   []bool

	inserts          inserts
	remove, truncate *statement
	updates          map[string]*statement // by the set of columns, a bit each
	set              []byte                // scratch for that

	relation  []byte // the Relation message that was last found equal
	described uint64 // the run of records in which it came last
}

func newTable(c *conn, t *change.Table) *table {
	out := &table{
		Table: t, conn: c, columns: columnNames(t), isKey: make([]bool, len(t.Columns)),
		updates: make(map[string]*statement), set: make([]byte, (len(t.Columns)+7)/8),
		inserts: newInserts(c, t),
	}
	for _, k := range t.Key {
		out.isKey[k] = true
	}
	return out
}

// columnNames gives the columns' names, quoted.
func columnNames(t *change.Table) []string {
	names := t.SQLiteColumns()
	for i, name := range names {
		names[i] = quote(name)
	}
	return names
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// createTable is the statement that makes t in a replica.
func createTable(t *change.Table) string {
	names := columnNames(t)
	rowid := len(t.Key) == 1 && t.Columns[t.Key[0]].Kind == change.Integer
	var parts []string
	for i, name := range names {
		part := name
		if affinity := affinity(t.Columns[i].Kind); affinity != "" {
			part += " " + affinity
		}
		if rowid && i == t.Key[0] {
			part += " PRIMARY KEY"
		}
		parts = append(parts, part)
	}
	if !rowid && len(t.Key) > 0 {
		parts = append(parts, "PRIMARY KEY ("+strings.Join(pick(names, t.Key), ", ")+")")
	}
	return "CREATE TABLE " + quote(t.SQLite) + " (\n\t" + strings.Join(parts, ",\n\t") + "\n)"
}

// affinity is never NUMERIC, which would turn numerics into floats, nor REAL, which
// would turn NaN into NULL.
func affinity(k change.Kind) string {
	switch k {
	case change.Integer, change.Boolean:
		return "INTEGER"
	case change.Bytes:
		return "BLOB"
	case change.Float:
		return ""
	}
	return "TEXT"
}

func pick(names []string, indexes []int) []string {
	out := make([]string, len(indexes))
	for i, n := range indexes {
		out[i] = names[n]
	}
	return out
}

// insertSQL inserts that many rows at once.
func insertSQL(t *change.Table, rows int) string {
	tuple := "(" + strings.TrimSuffix(strings.Repeat("?,", len(t.Columns)), ",") + ")"
	return "INSERT INTO " + quote(t.SQLite) + " (" + strings.Join(columnNames(t), ", ") + ") VALUES " +
		strings.TrimSuffix(strings.Repeat(tuple+",", rows), ",")
}

// identifying is how many parameters the condition takes that finds a row.
func (t *table) identifying() int {
	if len(t.Key) == 0 {
		return len(t.Columns)
	}
	return len(t.Key)
}

// whereRow is that condition. Rows of a table without a key are told apart by all their
// columns, and of those that are equal any one will do. They are compared as one row
// value: SQLite bounds how deep a chain of ANDs may nest.
func (t *table) whereRow() string {
	if len(t.Key) == 0 {
		row, places := strings.Join(t.columns, ", "), strings.TrimSuffix(strings.Repeat("?,", len(t.columns)), ",")
		if len(t.columns) > 1 {
			row, places = "("+row+")", "("+places+")"
		}
		id := t.RowID()
		return " WHERE " + id + " = (SELECT " + id + " FROM " + quote(t.SQLite) + " WHERE " + row + " IS " + places + " LIMIT 1)"
	}
	return " WHERE " + strings.Join(pick(t.columns, t.Key), " = ? AND ") + " = ?"
}

// prepared gives the statement at place, preparing it at its first use.
func (t *table) prepared(place **statement, parameters int, sql func() string) (*statement, error) {
	if *place == nil {
		s, err := t.conn.prepare(sql(), parameters)
		if err != nil {
			return nil, err
		}
		*place = s
	}
	return *place, nil
}

// update gives the statement that sets the columns whose bits are in t.set.
func (t *table) update() (*statement, error) {
	if s := t.updates[string(t.set)]; s != nil {
		return s, nil
	}
	if len(t.updates) == maxUpdates {
		for k, s := range t.updates {
			delete(t.updates, k)
			if err := s.close(); err != nil {
				return nil, err
			}
		}
	}
	var sets []string
	for i := range t.columns {
		if t.sets(i) {
			sets = append(sets, t.columns[i]+" = ?")
		}
	}
	parameters := len(sets) + t.identifying()
	if len(sets) == 0 { // nothing to set, but the row must be there all the same
		sets = append(sets, t.columns[0]+" = "+t.columns[0])
	}
	s, err := t.conn.prepare("UPDATE "+quote(t.SQLite)+" SET "+strings.Join(sets, ", ")+t.whereRow(), parameters)
	if err != nil {
		return nil, err
	}
	t.updates[string(t.set)] = s
	return s, nil
}

func (t *table) sets(column int) bool { return t.set[column/8]&(1<<(column%8)) != 0 }

// chooseSet picks the columns that an update sets: not what is unchanged, and the
// key only if it moves, since a statement that sets the key rewrites every index.
func (t *table) chooseSet(old, row change.Row) {
	clear(t.set)
	for i := range row {
		if row[i].Presence == change.Unchanged {
			continue
		}
		if t.isKey[i] && (old == nil || old[i].Presence == row[i].Presence && bytes.Equal(old[i].Data, row[i].Data)) {
			continue
		}
		t.set[i/8] |= 1 << (i % 8)
	}
}

func (t *table) close() error {
	errs := []error{t.inserts.close()}
	for _, s := range []*statement{t.remove, t.truncate} {
		if s != nil {
			errs = append(errs, s.close())
		}
	}
	for _, s := range t.updates {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

func (t *table) String() string { return fmt.Sprintf("%s.%s", t.Schema, t.Name) }
