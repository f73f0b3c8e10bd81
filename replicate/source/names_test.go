package source

import (
	"testing"

	"outpost/replicate/change"
)

// A hash that was put behind a name may be what another table is called already.
func TestNamesAreApartThoughAHashIsSomebodysName(t *testing.T) {
	tables := []*change.Table{{Schema: "a", Name: "b_c"}, {Schema: "a_b", Name: "c"}}
	nameForSQLite(tables)
	if tables[0].SQLite != "a_b_c" || tables[1].SQLite == "a_b_c" {
		t.Fatalf("they are called %q and %q", tables[0].SQLite, tables[1].SQLite)
	}
	occupied := tables[1].SQLite
	tables = append(tables, &change.Table{Schema: "public", Name: occupied})
	nameForSQLite(tables)
	if tables[2].SQLite != occupied || tables[1].SQLite == occupied || tables[1].SQLite == tables[0].SQLite {
		t.Errorf("they are called %q, %q and %q", tables[0].SQLite, tables[1].SQLite, tables[2].SQLite)
	}
}
