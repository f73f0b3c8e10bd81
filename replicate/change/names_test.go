package change

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func columns(names ...string) *Table {
	t := &Table{}
	for _, name := range names {
		t.Columns = append(t.Columns, Column{Name: name})
	}
	return t
}

func TestColumnsThatSQLiteTakesForOneGetANumber(t *testing.T) {
	for _, test := range []struct{ names, want []string }{
		{[]string{"id", "ID", "Id"}, []string{"id", "ID_2", "Id_3"}},
		{[]string{"Name", "name", "name_2", "NAME"}, []string{"Name", "name_3", "name_2", "NAME_4"}},
		{[]string{"a", "A", "A_2"}, []string{"a", "A_3", "A_2"}},
		{[]string{"ÄÖ", "äö"}, []string{"ÄÖ", "äö"}},
		{[]string{"rowid", "oid"}, []string{"rowid", "oid"}},
		{[]string{"rowid", "OID", "_rowid_"}, []string{"rowid", "OID", "_rowid__2"}},
		{[]string{"_ROWID_", "rowid", "oid_2", "oid", "oID"}, []string{"_ROWID_", "rowid", "oid_2", "oid_3", "oID_4"}},
	} {
		if got := columns(test.names...).SQLiteColumns(); !slices.Equal(got, test.want) {
			t.Errorf("%q become %q, want %q", test.names, got, test.want)
		}
	}
}

func TestColumnNamesAreApartAndLeaveTheRowOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
			"a", "A", "a_2", "A_2", "a_3", "rowid", "ROWID", "rowid_2", "_rowid_", "_ROWID_", "oid", "Oid", "oid_2", "oid_3",
		}), 0, 14, rapid.ID).Draw(t, "names")
		table := columns(names...)
		seen := map[string]bool{}
		for i, name := range table.SQLiteColumns() {
			if seen[Fold(name)] {
				t.Fatalf("%q become %q", names, table.SQLiteColumns())
			}
			seen[Fold(name)] = true
			if name != names[i] && !slices.Contains(rowids[:], Fold(names[i])) && !slices.ContainsFunc(names[:i], func(other string) bool {
				return Fold(other) == Fold(names[i])
			}) {
				t.Fatalf("%q lost its name without need: %q", names[i], table.SQLiteColumns())
			}
		}
		if seen[table.RowID()] {
			t.Fatalf("%q hides the row in %q", table.RowID(), table.SQLiteColumns())
		}
	})
}
