package change

import (
	"slices"
	"strconv"
	"strings"
)

// Fold folds a name as SQLite does when it compares names: it knows ASCII only.
func Fold(name string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, name)
}

// rowids are SQLite's names for the number that each row has beside its columns. A
// column of that name hides it.
var rowids = [...]string{"rowid", "_rowid_", "oid"}

// RowIDName says whether a name is one of SQLite's own for a row.
func RowIDName(name string) bool { return slices.Contains(rowids[:], Fold(name)) }

// SQLiteColumns gives the names of the columns in a replica, unquoted. They are
// Postgres' names, but for two cases. Of columns that differ only in the case of ASCII
// letters the first keeps its name; each other one gets _2 behind it, or the lowest
// number that no column is called by. And where columns called rowid, _rowid_ and oid
// stand in one table, the last of the three is treated like a second one of its name,
// so that one name of SQLite's own for a row stays.
//
// The names follow from the names of all columns in their order, and so may change
// when one is added, dropped or renamed.
func (t *Table) SQLiteColumns() []string {
	taken := make(map[string]bool, len(t.Columns))
	for i := range t.Columns {
		taken[Fold(t.Columns[i].Name)] = true
	}
	hidden := 0
	seen := make(map[string]bool, len(t.Columns))
	names := make([]string, len(t.Columns))
	for i := range t.Columns {
		name := t.Columns[i].Name
		folded := Fold(name)
		first := !seen[folded]
		seen[folded] = true
		if first && slices.Contains(rowids[:], folded) {
			hidden++
			first = hidden < len(rowids)
		}
		for n := 2; !first; n++ {
			name = t.Columns[i].Name + "_" + strconv.Itoa(n)
			first = !taken[Fold(name)]
		}
		taken[Fold(name)] = true
		names[i] = name
	}
	return names
}

// RowID is a name by which SQL reaches SQLite's own number of a row of t: no column
// has it.
func (t *Table) RowID() string {
	names := t.SQLiteColumns()
	for _, name := range rowids {
		if !slices.ContainsFunc(names, func(column string) bool { return Fold(column) == name }) {
			return name
		}
	}
	panic("change: SQLiteColumns left no name for the row")
}
