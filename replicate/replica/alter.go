package replica

import (
	"context"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"outpost/replicate/change"
)

// alterTable matches columns by their numbers. Names are exchanged by way of names that
// nobody has, for SQLite alters one at a time and ignores case.
func alterTable(ctx context.Context, c *conn, old, t *change.Table) error {
	if err := createsTable(t); err != nil {
		return err
	}
	was, is := columnNames(old), columnNames(t)
	if !slices.Equal(keyNumbers(old), keyNumbers(t)) {
		return errors.New("its key changed, which cannot be followed in place")
	}
	for i := range t.Columns {
		if n := find(old.Columns, t.Columns[i].Number); n >= 0 && old.Columns[n].Kind != t.Columns[i].Kind {
			return fmt.Errorf("column %s cannot become %s in place", was[n], t.Columns[i].Type)
		}
	}
	if needsRebuild(old, t) {
		return rebuildTable(ctx, c, old, t)
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
	value, err := missing(column)
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

// missing is what a replica stores of an added column in the rows that are there.
func missing(column *change.Column) (driver.Value, error) {
	if column.Missing == nil {
		return nil, nil
	}
	var cv converter
	return cv.value(column, change.Value{Presence: change.Present, Data: []byte(*column.Missing)})
}

func find(columns []change.Column, number int16) int {
	return slices.IndexFunc(columns, func(c change.Column) bool { return c.Number == number })
}

// needsRebuild says whether SQLite has no ALTER TABLE for it: a column that is called by
// one of its own names for the row comes and goes only with the table, and so does the last.
func needsRebuild(old, t *change.Table) bool {
	was, is := old.SQLiteColumns(), t.SQLiteColumns()
	kept := false
	for i, name := range is {
		n := find(old.Columns, t.Columns[i].Number)
		kept = kept || n >= 0
		if change.RowIDName(name) && (n < 0 || was[n] != name) {
			return true
		}
	}
	for i, name := range was {
		if n := find(t.Columns, old.Columns[i].Number); change.RowIDName(name) && (n < 0 || is[n] != name) {
			return true
		}
	}
	return !kept
}

// rebuildTable makes the table anew and moves the rows. What a replica has beside the
// table would be lost with the old one, so it stands in the way.
func rebuildTable(ctx context.Context, c *conn, old, t *change.Table) error {
	if err := noLocalObjects(ctx, c, old); err != nil {
		return err
	}
	fresh := *t
	fresh.SQLite = "_outpost_rebuilt"
	was, is := columnNames(old), columnNames(t)
	from := make([]string, len(is))
	var values []driver.Value
	for i := range t.Columns {
		if n := find(old.Columns, t.Columns[i].Number); n >= 0 {
			from[i] = was[n]
			continue
		}
		value, err := missing(&t.Columns[i])
		if err != nil {
			return err
		}
		from[i], values = "?", append(values, value)
	}
	for _, step := range []struct {
		sql    string
		values []driver.Value
	}{
		{createTable(&fresh), nil},
		{"INSERT INTO " + fresh.SQLite + " (" + strings.Join(is, ", ") + ") SELECT " + strings.Join(from, ", ") + " FROM " + quote(old.SQLite), values},
		{"DROP TABLE " + quote(old.SQLite), nil},
		{"ALTER TABLE " + fresh.SQLite + " RENAME TO " + quote(t.SQLite), nil}, // refused if a view has lost its table
	} {
		if err := c.exec(ctx, step.sql, step.values...); err != nil {
			return err
		}
	}
	return nil
}

// noLocalObjects refuses to drop a table of which a replica has indexes or triggers of
// its own: they would go down with it, and what triggers keep would be as it was.
func noLocalObjects(ctx context.Context, c *conn, t *change.Table) error {
	const local = "SELECT name FROM sqlite_schema WHERE tbl_name = ? COLLATE NOCASE AND type IN ('index', 'trigger') AND sql IS NOT NULL"
	objects, err := c.query(ctx, local, t.SQLite)
	if err == nil && len(objects) > 0 {
		err = fmt.Errorf("%v stands in the way: it would be dropped too", objects[0][0])
	}
	return err
}
