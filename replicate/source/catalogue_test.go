package source

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"outpost/replicate/change"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/pgoutput"
)

func TestTablesDescribeWhatIsPublished(t *testing.T) {
	s, _ := database(t,
		"CREATE SCHEMA other",
		"CREATE TYPE mood AS ENUM ('good')",
		"CREATE DOMAIN small AS int",
		`CREATE TABLE "Every" (
			b2 int2, b4 int4, b8 int8 GENERATED ALWAYS AS IDENTITY, o oid, yes bool, r4 real, r8 float8, by bytea,
			tz timestamptz, ts timestamp, d date, tm time, n numeric(9,2), tx text, u uuid, js jsonb, m mood, dom small, a int[],
			twice int GENERATED ALWAYS AS (b4 * 2) STORED, gone int, PRIMARY KEY (tx, b8))`,
		`ALTER TABLE "Every" DROP COLUMN gone`,
		"CREATE TABLE every (id int PRIMARY KEY)",
		"CREATE TABLE other.every (id int PRIMARY KEY)",
		"CREATE TABLE other_every (id int PRIMARY KEY)",
		"CREATE TABLE sqlite_own (id int PRIMARY KEY)",
		"CREATE TABLE unpublished (id int)",
		`CREATE PUBLICATION outpost FOR TABLE "Every", every, other.every, other_every, sqlite_own`)
	tables, err := s.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, table := range tables {
		names = append(names, table.Schema+"."+table.Name+" → "+table.SQLite)
	}
	want := []string{
		"other.every → other_every_59065cd5",
		"public.Every → Every", "public.every → every_4667922b", "public.other_every → other_every",
		"public.sqlite_own → table_sqlite_own",
	}
	if !slices.Equal(names, want) {
		t.Errorf("got  %q\nwant %q", names, want)
	}
	every := tables[1]
	kinds := map[string]change.Kind{
		"b2": change.Integer, "b4": change.Integer, "b8": change.Integer, "o": change.Integer, "yes": change.Boolean,
		"r4": change.Float, "r8": change.Float, "by": change.Bytes, "tz": change.Timestamptz, "ts": change.Timestamp,
		"d": change.Date, "tm": change.Text, "n": change.Text, "tx": change.Text, "u": change.Text, "js": change.Text,
		"m": change.Text, "dom": change.Text, "a": change.Text,
	}
	if len(every.Columns) != len(kinds) {
		t.Errorf("%d columns, want %d (generated and dropped ones are left out)", len(every.Columns), len(kinds))
	}
	for _, c := range every.Columns {
		if c.Kind != kinds[c.Name] {
			t.Errorf("column %s (%s) is %s, want %s", c.Name, c.Type, c.Kind, kinds[c.Name])
		}
	}
	tx, b8 := every.Column("tx"), every.Column("b8")
	if !slices.Equal(every.Key, []int{tx, b8}) || !slices.Equal(every.Identity, []int{b8, tx}) {
		t.Errorf("key %v and identity %v, of tx %d and b8 %d", every.Key, every.Identity, tx, b8)
	}
	if typ := every.Columns[every.Column("n")].Type; typ != "numeric(9,2)" {
		t.Errorf("type %q", typ)
	}
}

func TestKeyIsThePrimaryKeyWhereTheIdentityContainsIt(t *testing.T) {
	s, _ := database(t,
		"CREATE TABLE contains (id int PRIMARY KEY, company int NOT NULL, zone text NOT NULL)",
		"CREATE UNIQUE INDEX contains_identity ON contains (zone, company, id) INCLUDE (id)",
		"ALTER TABLE contains REPLICA IDENTITY USING INDEX contains_identity",
		"CREATE TABLE every (id int PRIMARY KEY, company int)",
		"ALTER TABLE every REPLICA IDENTITY FULL",
		"CREATE TABLE lacks (id int PRIMARY KEY, code text NOT NULL UNIQUE)",
		"ALTER TABLE lacks REPLICA IDENTITY USING INDEX lacks_code_key",
		"CREATE TABLE none (code text NOT NULL UNIQUE, n int)", "ALTER TABLE none REPLICA IDENTITY FULL",
		"CREATE TABLE postponed (id int PRIMARY KEY DEFERRABLE, n int)", "ALTER TABLE postponed REPLICA IDENTITY FULL",
		publishAll)
	tables, err := s.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		key, identity []int
		full          bool
	}{
		{[]int{0}, []int{0, 1, 2}, false},
		{[]int{0}, []int{0, 1}, true},
		{[]int{1}, []int{1}, false},
		{nil, []int{0, 1}, true},
		{nil, []int{0, 1}, true},
	} {
		if tables[i].Full != want.full {
			t.Errorf("%s: full is %t", tables[i].Name, tables[i].Full)
		}
		if !slices.Equal(tables[i].Key, want.key) || !slices.Equal(tables[i].Identity, want.identity) {
			t.Errorf("%s: key %v and identity %v, want %v", tables[i].Name, tables[i].Key, tables[i].Identity, want)
		}
	}
}

func TestTablesMatchTheRelationMessages(t *testing.T) {
	s, url := database(t,
		"CREATE TABLE mixed (gone int, z text, id bigint PRIMARY KEY, g int GENERATED ALWAYS AS (1) STORED, a timestamptz)",
		"ALTER TABLE mixed DROP COLUMN gone",
		"CREATE TABLE part (id int PRIMARY KEY, hidden text, shown text)",
		"CREATE PUBLICATION outpost FOR TABLE mixed, part (id, shown)")
	m, lsn := copied(t, s)
	st := stream(t, s, lsn)
	pgtest.Exec(t, url, "INSERT INTO mixed (id) VALUES (1)", "INSERT INTO part VALUES (1)")
	for seen := 0; seen < 2; {
		message, _ := next(t, st)
		relation, ok := message.(*pgoutput.Relation)
		if !ok {
			continue
		}
		seen++
		table := m.tables[relation.OID]
		got := &change.Table{OID: relation.OID, Schema: relation.Namespace, Name: relation.Name}
		for i, c := range relation.Columns {
			got.Columns = append(got.Columns, change.Column{Name: c.Name, TypeOID: c.TypeOID})
			if c.Key {
				got.Identity = append(got.Identity, i)
			}
		}
		want := &change.Table{OID: table.OID, Schema: table.Schema, Name: table.Name, Identity: table.Identity}
		for _, c := range table.Columns {
			want.Columns = append(want.Columns, change.Column{Name: c.Name, TypeOID: c.TypeOID})
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("Postgres sent %+v, the catalogue says %+v", got, want)
		}
	}
}

func TestSlotNameIsValidAndOfOneDatabaseOnly(t *testing.T) {
	seen := map[string]string{}
	long := strings.Repeat("x", 63)
	for _, name := range []string{"app", "APP", "a-b", "a_b", "ä", "ö", long, long[:62] + "y", "", strings.Repeat("x", 55)} {
		slot := SlotName(name)
		if other, ok := seen[slot]; ok {
			t.Errorf("%q and %q share slot %s", name, other, slot)
		}
		seen[slot] = name
		if len(slot) > 63 || strings.Trim(slot, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			t.Errorf("%q gives %q", name, slot)
		}
	}
	if SlotName("app") != "outpost_app" {
		t.Errorf("app gives %s", SlotName("app"))
	}
}
