package replica

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"outpost/replicate/change"
)

// alter makes the tables what they became in Postgres at this place of the transaction.
// What SQLite refuses (a local object stands in the way) only another file helps.
func (a *applier) alter(c *change.SchemaChange) error {
	tx := &a.r.tx
	tx.replaced = true
	if tx.altered == nil {
		tx.altered = maps.Clone(a.f.byOID)
	}
	for _, oid := range c.Dropped {
		if err := a.drop(oid); err != nil {
			return resync("dropping table %d: %w", oid, err)
		}
	}
	for _, t := range c.Tables {
		if err := a.become(t); err != nil {
			return resync("altering table %s.%s: %w", t.Schema, t.Name, err)
		}
	}
	return nil
}

func (a *applier) drop(oid uint32) error {
	t := a.r.tx.altered[oid]
	if t == nil {
		return errors.New("the replica does not have it")
	}
	if err := a.forget(t); err != nil {
		return err
	}
	if err := a.f.writer.exec(a.ctx, "DROP TABLE "+quote(t.SQLite)); err != nil {
		return err
	}
	return a.f.writer.exec(a.ctx, "DELETE FROM _outpost_tables WHERE json_extract(definition, '$.oid') = ?", int64(oid))
}

// become creates a table, or alters the one that has its OID.
func (a *applier) become(t *change.Table) error {
	definition, err := json.Marshal(t)
	if err != nil {
		return err
	}
	c := a.f.writer
	old := a.r.tx.altered[t.OID]
	if old == nil {
		if err := createsTable(t); err != nil {
			return err
		}
		err = c.exec(a.ctx, createTable(t))
		if err == nil {
			err = c.exec(a.ctx, "INSERT INTO _outpost_tables SELECT coalesce(max(ordinal), 0) + 1, ? FROM _outpost_tables", string(definition))
		}
	} else {
		if err := a.forget(old); err != nil {
			return err
		}
		if err = alterTable(a.ctx, c, old.Table, t); err == nil {
			err = c.exec(a.ctx, "UPDATE _outpost_tables SET definition = ? WHERE json_extract(definition, '$.oid') = ?", string(definition), int64(t.OID))
		}
	}
	if err != nil {
		return err
	}
	a.r.tx.altered[t.OID] = newTable(c, t)
	return nil
}

// forget takes a table out of the transaction's. One that this transaction made itself
// nobody else knows.
func (a *applier) forget(t *table) error {
	delete(a.r.tx.altered, t.OID)
	if a.f.byOID[t.OID] == t {
		return nil // until the commit
	}
	return t.close()
}

// install makes the tables of a transaction that was committed the file's own.
func (f *file) install(altered map[uint32]*table) error {
	if altered == nil {
		return nil
	}
	var errs []error
	for oid, t := range f.byOID {
		if altered[oid] != t {
			errs = append(errs, t.close())
		}
	}
	f.byOID = altered
	tables, err := readTables(context.Background(), f.writer)
	if err == nil {
		f.tables.Store(&tables)
		for _, t := range tables { // one description, for all who compare them
			f.byOID[t.OID].Table = t
		}
	}
	return errors.Join(append(errs, err)...)
}

// discard lets go of the tables of a transaction that is rolled back.
func (f *file) discard(altered map[uint32]*table) error {
	var errs []error
	for oid, t := range altered {
		if f.byOID[oid] != t {
			errs = append(errs, t.close())
		}
	}
	return errors.Join(errs...)
}

// createsTable says why SQLite cannot have a table.
func createsTable(t *change.Table) error {
	switch {
	case strings.HasPrefix(change.Fold(t.SQLite), "_outpost_"):
		return errors.New("names that begin with _outpost_ are the replica's own")
	case len(t.Columns) == 0:
		return errors.New("SQLite has no tables without columns")
	}
	return nil
}

// alterTable matches columns by their numbers. Names are exchanged by way of names that
// nobody has, for SQLite alters one at a time and ignores case.
func alterTable(ctx context.Context, c *conn, old, t *change.Table) error {
	if err := createsTable(t); err != nil {
		return err
	}
	was, is := columnNames(old), columnNames(t)
	find := func(columns []change.Column, number int16) int {
		return slices.IndexFunc(columns, func(c change.Column) bool { return c.Number == number })
	}
	if !slices.Equal(keyNumbers(old), keyNumbers(t)) {
		return errors.New("its key changed, which cannot be followed in place")
	}
	var steps []string
	step := func(format string, v ...any) {
		steps = append(steps, "ALTER TABLE "+quote(t.SQLite)+" "+fmt.Sprintf(format, v...))
	}
	if old.SQLite != t.SQLite {
		const between = "_outpost_renamed"
		steps = append(steps,
			"ALTER TABLE "+quote(old.SQLite)+" RENAME TO "+between,
			"ALTER TABLE "+between+" RENAME TO "+quote(t.SQLite))
	}
	var renames, finals []string
	for i := range old.Columns {
		switch n := find(t.Columns, old.Columns[i].Number); {
		case n < 0:
			step("DROP COLUMN %s", was[i])
		case old.Columns[i].Kind != t.Columns[n].Kind:
			return fmt.Errorf("column %s cannot become %s in place", was[i], t.Columns[n].Type)
		case was[i] != is[n]:
			between := fmt.Sprintf("_outpost_column_%d", n)
			renames = append(renames, "RENAME COLUMN "+was[i]+" TO "+between)
			finals = append(finals, "RENAME COLUMN "+between+" TO "+is[n])
		}
	}
	for _, rename := range slices.Concat(renames, finals) {
		step("%s", rename)
	}
	for _, sql := range steps {
		if err := c.exec(ctx, sql); err != nil {
			return err
		}
	}
	for i := range t.Columns {
		if find(old.Columns, t.Columns[i].Number) < 0 {
			if err := addColumn(ctx, c, t, i, is[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// addColumn adds a column in which the rows that are there have one value.
func addColumn(ctx context.Context, c *conn, t *change.Table, i int, name string) error {
	column := &t.Columns[i]
	sql := strings.TrimSpace("ALTER TABLE " + quote(t.SQLite) + " ADD COLUMN " + name + " " + affinity(column.Kind))
	if column.Missing == nil {
		return c.exec(ctx, sql)
	}
	var cv converter
	value, err := cv.value(column, change.Value{Presence: change.Present, Data: []byte(*column.Missing)})
	if err != nil {
		return err
	}
	switch v := value.(type) {
	case int64:
		return c.exec(ctx, sql+" DEFAULT "+strconv.FormatInt(v, 10))
	case string:
		return c.exec(ctx, sql+" DEFAULT '"+strings.ReplaceAll(v, "'", "''")+"'")
	case []byte:
		return c.exec(ctx, sql+" DEFAULT x'"+hex.EncodeToString(v)+"'")
	}
	// A float: SQLite may read one it is told in decimal as its neighbour.
	if err := c.exec(ctx, sql); err != nil {
		return err
	}
	return c.exec(ctx, "UPDATE "+quote(t.SQLite)+" SET "+name+" = ?", value)
}

func keyNumbers(t *change.Table) []int16 {
	out := make([]int16, len(t.Key))
	for i, k := range t.Key {
		out[i] = t.Columns[k].Number
	}
	return out
}
