package replicatest

import (
	"strings"
	"testing"

	"outpost/replicate/change"
)

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// odd are names that some part might trip over: as a table's name and as a column's.
var odd = []string{
	"select", "table", "order", "group", "index", "values", "Default", "NULL", "true", "rowid", "_rowid_", "oid", "ctid_", "main", "temp",
	"pragma_table_info", "json_each", "dbstat", "sqlite", "sqlite_own", "SQLITE_Own2", "_outpost_state", "_OUTPOST_other", "outpost",
	`quo"te`, `"`, `""quoted""`, "'", "it's", "`", "[b]", "a.b", ".", " ", " a ", "a b", "tab\tline\n", "%s", "$1", "?", ":a", "@a", "--", "/*", ";",
	"äöü", "ÄÖÜ", "Straße", "😀", "名前", "e\u0301", "\u00e9", "\\", `\N`, "0", "1a", "é" + strings.Repeat("x", 61), strings.Repeat("n", 63),
}

func TestTablesAndColumnsMayHaveAnyName(t *testing.T) {
	statements := []string{publishAll}
	for _, name := range odd {
		other := odd[len(name)%len(odd)]
		columns := quote(name) + " text, " + quote("k"+name[:min(len(name), 8)]) + " int PRIMARY KEY"
		if strings.ContainsAny(name, "é\u0301名😀äÄß") { // must not be cut within a letter
			columns = quote(name) + " text, k int PRIMARY KEY"
		}
		if other != name {
			columns += ", " + quote(other) + " text"
		}
		statements = append(statements, "CREATE TABLE "+quote(name)+" ("+columns+")",
			"INSERT INTO "+quote(name)+" VALUES ('one', 1), ('two', 2)")
	}
	f := database(t, statements...)
	for _, table := range f.Replica.Tables() {
		id := "public." + quote(table.Name)
		f.exec(t, "INSERT INTO "+id+" VALUES ('three', 3)", "UPDATE "+id+" SET "+quote(table.Columns[0].Name)+" = 'zwei' WHERE "+quote(table.Columns[1].Name)+" = 2",
			"DELETE FROM "+id+" WHERE "+quote(table.Columns[1].Name)+" = 1")
	}
	for _, table := range f.Replica.Tables() {
		reserved := strings.HasPrefix(change.Fold(table.Name), "sqlite_") || strings.HasPrefix(change.Fold(table.Name), "_outpost_")
		if want := table.Name; !reserved && table.SQLite != want || reserved && table.SQLite != "table_"+want {
			t.Errorf("%q is called %q", table.Name, table.SQLite)
		}
		f.Equal(t, "SELECT * FROM public."+quote(table.Name), "SELECT * FROM "+quote(table.SQLite))
	}
	if len(f.Replica.Tables()) != len(odd) {
		t.Errorf("%d tables of %d", len(f.Replica.Tables()), len(odd))
	}
}

// All of them as columns of one table, once with a key and once without: SQLite's own
// names for a row are among them.
func TestOneTableMayHaveEveryOddColumn(t *testing.T) {
	columns := make([]string, len(odd))
	for i, name := range odd {
		columns[i] = quote(name) + " text"
	}
	list := strings.Join(columns, ", ")
	f := database(t, publishAll,
		"CREATE TABLE keyed ("+list+", PRIMARY KEY (rowid, _rowid_))",
		"CREATE TABLE loose ("+list+")", "ALTER TABLE loose REPLICA IDENTITY FULL",
		"INSERT INTO keyed (rowid, _rowid_, oid) VALUES ('1', '2', '3'), ('2', '3', '1')",
		"INSERT INTO loose (rowid, _rowid_, oid) VALUES ('1', '2', '3'), ('2', '3', '1'), ('1', '2', '3')")
	for _, table := range []string{"keyed", "loose"} {
		f.exec(t, "INSERT INTO "+table+" (rowid, _rowid_, oid) VALUES ('3', '1', '2')",
			"UPDATE "+table+` SET "select" = 'x', oid = '9' WHERE rowid = '3'`,
			"UPDATE "+table+" SET rowid = '5' WHERE rowid = '2'",
			"DELETE FROM "+table+" WHERE ctid = (SELECT min(ctid) FROM "+table+" WHERE rowid = '1')")
	}
	f.EqualTables(t, "keyed", "loose")
	f.Equal(t, `SELECT rowid, _rowid_, oid, "Straße" FROM public.loose`, `SELECT rowid, _rowid_, oid_2, "Straße" FROM loose`)
}

func TestColumnsThatDifferInCaseOnly(t *testing.T) {
	f := database(t, publishAll,
		`CREATE TABLE twins (id int, "ID" int, "Id" text, "Id_2" text, "ÄH" text, "äh" text, PRIMARY KEY (id, "ID"))`,
		`CREATE TABLE loose (n int, "N" int, rowid int, "ROWID" int, oid int, _rowid_ int)`, "ALTER TABLE loose REPLICA IDENTITY FULL",
		"INSERT INTO twins VALUES (1, 2, 'x', 'y', 'Ä', 'ä'), (2, 1, 'x', 'y', 'Ä', 'ä')", "INSERT INTO loose VALUES (1, 2, 3, 4, 5, 6), (2, 1, 4, 3, 6, 5)")
	f.exec(t,
		"INSERT INTO twins VALUES (3, 3)", `UPDATE twins SET "Id" = 'z', "äh" = NULL WHERE "ID" = 1`, `UPDATE twins SET "ID" = 7 WHERE id = 1`, "DELETE FROM twins WHERE id = 3",
		"INSERT INTO loose VALUES (3, 3)", `UPDATE loose SET "ROWID" = 9 WHERE "N" = 1`, `UPDATE loose SET "N" = 7, oid = NULL WHERE n = 1`, "DELETE FROM loose WHERE n = 3")
	f.Equal(t, `SELECT id, "ID", "Id", "Id_2", "ÄH", "äh" FROM public.twins`, `SELECT id, "ID_3", "Id_4", "Id_2", "ÄH", "äh" FROM twins`)
	f.Equal(t, `SELECT n, "N", rowid, "ROWID", oid, _rowid_ FROM public.loose`, `SELECT n, "N_2", rowid, "ROWID_2", oid, "_rowid__2" FROM loose`)
}

func TestTablesOfSeveralSchemasNeverShareAName(t *testing.T) {
	type name struct{ schema, table string }
	names := []name{
		{"public", "item"},
		{"public", "Item"},
		{"public", "a_b_c"},
		{"a", "b_c"},
		{"a_b", "c"},
		{"A_b", "c"},
		{"A", "B_C"},
		{"a.b", "c"},
		{"a", "b.c"},
		{`a"`, "b"},
		{"a", `"b`},
		{"public", "a_b"},
		{"a", "b"},
		{"sqlite", "x"},
		{"_outpost", "state"},
		{"public", "sqlite_x"},
		{"public", "table_sqlite_x"},
		{"table", "sqlite_x"},
		{" ", " "},
		{"ä", "ö"},
		{"Ä", "Ö"},
		{strings.Repeat("s", 63), strings.Repeat("t", 63)},
		{"select", "from"},
		{"public", "a_b_59065cd5"},
		{"a", "b_59065cd5"},
	}
	statements := []string{publishAll}
	for _, n := range names {
		id := quote(n.schema) + "." + quote(n.table)
		statements = append(statements, "CREATE SCHEMA IF NOT EXISTS "+quote(n.schema),
			"CREATE TABLE "+id+" (k int PRIMARY KEY, x text)",
			"INSERT INTO "+id+" VALUES (1, "+"'"+strings.ReplaceAll(id, "'", "''")+"'), (2, 'two')")
	}
	f := database(t, statements...)
	seen := map[string]bool{}
	for _, table := range f.Replica.Tables() {
		if seen[change.Fold(table.SQLite)] {
			t.Errorf("two tables are called %q", table.SQLite)
		}
		seen[change.Fold(table.SQLite)] = true
		id := quote(table.Schema) + "." + quote(table.Name)
		f.exec(t, "INSERT INTO "+id+" VALUES (3, 'three')", "UPDATE "+id+" SET x = 'zwei' WHERE k = 2")
		f.Equal(t, "SELECT * FROM "+id, "SELECT * FROM "+quote(table.SQLite))
	}
	if len(seen) != len(names) {
		t.Errorf("%d tables of %d", len(seen), len(names))
	}
}
