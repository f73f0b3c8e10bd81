package replicatest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// parted is a table in partitions of every make: its own, attached ones with other orders
// of columns and with dropped ones, partitions of partitions, and a default one.
var parted = []string{
	"CREATE TABLE parted (id int, region text, x text, n numeric, PRIMARY KEY (id, region)) PARTITION BY LIST (region)",
	"CREATE TABLE plain PARTITION OF parted FOR VALUES IN ('a')",
	"CREATE TABLE turned (n numeric, x text, region text NOT NULL, id int NOT NULL)",
	"ALTER TABLE parted ATTACH PARTITION turned FOR VALUES IN ('b')",
	"CREATE TABLE dropped (gone int, x text, id int NOT NULL, gone2 text, region text NOT NULL, n numeric)",
	"ALTER TABLE dropped DROP gone", "ALTER TABLE dropped DROP gone2",
	"ALTER TABLE parted ATTACH PARTITION dropped FOR VALUES IN ('c')",
	"CREATE TABLE nested PARTITION OF parted FOR VALUES IN ('d') PARTITION BY RANGE (id)",
	"CREATE TABLE nested_low PARTITION OF nested FOR VALUES FROM (MINVALUE) TO (100)",
	"CREATE TABLE nested_high (n numeric, region text NOT NULL, id int NOT NULL, x text)",
	"ALTER TABLE nested ATTACH PARTITION nested_high FOR VALUES FROM (100) TO (MAXVALUE)",
	"CREATE TABLE rest PARTITION OF parted DEFAULT",
	"INSERT INTO parted SELECT g, chr(97 + g % 5), 'copied', g / 10.0 FROM generate_series(1, 50) g",
}

// partedChanges touch every partition, and move rows from each to another.
var partedChanges = []string{
	"INSERT INTO parted SELECT g, chr(97 + g % 5), 'inserted', g FROM generate_series(51, 150) g",
	"UPDATE parted SET x = 'updated', n = n + 0.50 WHERE id % 3 = 0",
	"UPDATE parted SET region = chr(97 + (id + 1) % 5) WHERE id % 4 = 0",
	"UPDATE parted SET id = id + 1000 WHERE region = 'd' AND id < 60",
	"UPDATE turned SET x = 'of the partition'", "DELETE FROM nested_high WHERE id % 2 = 0",
	"DELETE FROM parted WHERE id % 7 = 0",
	"UPDATE parted SET x = NULL WHERE id % 5 = 0",
}

var leaves = []string{"plain", "turned", "dropped", "nested_low", "nested_high", "rest"}

func TestPartitionsArriveAsTheirRoot(t *testing.T) {
	f := database(t, append(slices.Clone(parted), "CREATE PUBLICATION outpost FOR TABLE parted WITH (publish_via_partition_root)")...)
	if tables := f.Replica.Tables(); len(tables) != 1 || tables[0].Name != "parted" {
		t.Fatalf("there are %d tables", len(tables))
	}
	f.EqualTables(t, "parted")
	for _, change := range partedChanges {
		f.exec(t, change)
		f.EqualTables(t, "parted")
	}
	f.exec(t, "TRUNCATE parted", "INSERT INTO parted VALUES (1, 'b', 'after', 1.50)")
	f.EqualTables(t, "parted")
}

func TestPartitionsArriveAsTables(t *testing.T) {
	f := database(t, append(slices.Clone(parted), "CREATE PUBLICATION outpost FOR TABLE parted")...)
	if len(f.Replica.Tables()) != len(leaves) {
		t.Fatalf("there are %d tables", len(f.Replica.Tables()))
	}
	f.EqualTables(t, leaves...)
	for _, change := range partedChanges {
		f.exec(t, change)
		f.EqualTables(t, leaves...)
	}
	f.exec(t, "TRUNCATE turned", "TRUNCATE nested", "INSERT INTO parted VALUES (1, 'b', 'after', 1.50)")
	f.EqualTables(t, leaves...)
	f.exec(t, "TRUNCATE parted")
	f.EqualTables(t, leaves...)
}

func TestPartitionsWithoutAKey(t *testing.T) {
	for _, root := range []string{"true", "false"} {
		statements := []string{
			"CREATE TABLE loose (id int, region text, x text) PARTITION BY LIST (region)",
			"CREATE TABLE one PARTITION OF loose FOR VALUES IN ('a')",
			"CREATE TABLE two (x text, region text, id int)", "ALTER TABLE loose ATTACH PARTITION two FOR VALUES IN ('b')",
			"INSERT INTO loose SELECT g % 5, chr(97 + g % 2), NULLIF(g % 3, 0)::text FROM generate_series(1, 40) g",
			"CREATE PUBLICATION outpost FOR TABLE loose WITH (publish_via_partition_root = " + root + ")",
		}
		// The identity of a root is not that of its partitions, and the latter counts.
		for _, table := range []string{"loose", "one", "two"} {
			statements = append(statements, "ALTER TABLE "+table+" REPLICA IDENTITY FULL")
		}
		f := database(t, statements...)
		names := []string{"loose"}
		if root == "false" {
			names = []string{"one", "two"}
		}
		for _, change := range []string{
			"UPDATE loose SET x = 'y' WHERE id = 2", "UPDATE loose SET region = 'a' WHERE id = 3", "DELETE FROM loose WHERE x IS NULL",
		} {
			f.exec(t, change)
			f.EqualTables(t, names...)
		}
	}
}

func TestInheritingTablesAreTablesOfTheirOwn(t *testing.T) {
	f := database(t,
		"CREATE TABLE parent (id int PRIMARY KEY, x text)",
		"CREATE TABLE child (extra int, PRIMARY KEY (id)) INHERITS (parent)",
		"CREATE TABLE grandchild (more jsonb, PRIMARY KEY (id)) INHERITS (child)",
		"INSERT INTO parent VALUES (1, 'parent')", "INSERT INTO child VALUES (1, 'child', 5)", "INSERT INTO grandchild VALUES (1, 'grand', 6, '{}')",
		"CREATE PUBLICATION outpost FOR TABLE parent")
	same := func() {
		t.Helper()
		f.Equal(t, "SELECT * FROM ONLY public.parent", "SELECT * FROM parent")
		f.Equal(t, "SELECT * FROM ONLY public.child", "SELECT * FROM child")
		f.EqualTables(t, "grandchild")
	}
	same()
	f.exec(t, "UPDATE parent SET x = x || '!'", "INSERT INTO child VALUES (2, 'two', NULL)", "DELETE FROM grandchild",
		"INSERT INTO grandchild VALUES (3, NULL, NULL, NULL)", "UPDATE child SET id = id + 10")
	same()
	f.exec(t, "TRUNCATE ONLY child")
	same()
	f.exec(t, "TRUNCATE parent")
	same()
}

func TestGeneratedColumnsColumnListsAndFilters(t *testing.T) {
	f := database(t,
		"CREATE TABLE generated (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED, x text, len int GENERATED ALWAYS AS (length(x)) STORED)",
		"CREATE TABLE loose (twice int GENERATED ALWAYS AS (n * 2) STORED, n int, x text)", "ALTER TABLE loose REPLICA IDENTITY FULL",
		"CREATE TABLE listed (secret text, id int PRIMARY KEY, big text, x text, gone int)", "ALTER TABLE listed DROP gone",
		"CREATE TABLE filtered (id int, kind text NOT NULL, x text, PRIMARY KEY (id, kind))",
		"INSERT INTO generated (id, x) SELECT g, repeat('x', g) FROM generate_series(1, 9) g",
		"INSERT INTO loose (n, x) SELECT g % 3, NULL FROM generate_series(1, 9) g",
		"INSERT INTO listed SELECT 'secret', g, repeat('b', 9), 'x' FROM generate_series(1, 9) g",
		"INSERT INTO filtered SELECT g, (ARRAY['in', 'out'])[g % 2 + 1], 'x' FROM generate_series(1, 20) g",
		"CREATE PUBLICATION outpost FOR TABLE generated, loose, listed (id, x), filtered WHERE (kind = 'in' AND id < 100)")
	same := func() {
		t.Helper()
		f.EqualTables(t, "generated", "loose")
		f.Equal(t, "SELECT id, x FROM public.listed", "SELECT * FROM listed")
		f.Equal(t, "SELECT * FROM public.filtered WHERE kind = 'in' AND id < 100", "SELECT * FROM filtered")
	}
	same()
	for _, change := range []string{
		"UPDATE generated SET id = id + 100 WHERE id % 2 = 0", "UPDATE generated SET x = NULL WHERE id < 4", "DELETE FROM generated WHERE id = 5",
		"UPDATE loose SET n = n + 1", "UPDATE loose SET x = 'x' WHERE n = 2", "DELETE FROM loose WHERE n = 1",
		"UPDATE listed SET secret = 'other'", "UPDATE listed SET x = 'y', big = 'c' WHERE id > 3", "INSERT INTO listed VALUES ('s', 10, 'b', 'z')", "DELETE FROM listed WHERE id = 1",
		"UPDATE filtered SET kind = 'in' WHERE id = 1",         // in
		"UPDATE filtered SET kind = 'out' WHERE id = 2",        // out
		"UPDATE filtered SET id = 104 WHERE id = 4",            // out by its key
		"UPDATE filtered SET id = 4 WHERE id = 104",            // and back
		"UPDATE filtered SET x = 'y'",                          // both kinds
		"UPDATE filtered SET id = id + 20 WHERE kind = 'in'",   // stays in
		"INSERT INTO filtered VALUES (50, 'in'), (51, 'out')",  // one of two
		"DELETE FROM filtered WHERE id IN (51, 3, 26, 28, 50)", // of both kinds
	} {
		f.exec(t, change)
		same()
	}
	f.exec(t, "TRUNCATE filtered, generated", "INSERT INTO filtered VALUES (1, 'in')")
	same()
}

func TestTruncateOfSeveralTables(t *testing.T) {
	f := database(t, publishAll,
		"CREATE TABLE a (id serial PRIMARY KEY)", "CREATE TABLE b (id serial PRIMARY KEY, a int REFERENCES a)",
		"CREATE TABLE c (b int REFERENCES b)", "ALTER TABLE c REPLICA IDENTITY FULL", "CREATE TABLE d (id int PRIMARY KEY)")
	names := []string{"a", "b", "c", "d"}
	for _, truncate := range []string{
		"TRUNCATE a CASCADE", "TRUNCATE a, b, c RESTART IDENTITY", "TRUNCATE c", "TRUNCATE d, c CONTINUE IDENTITY",
		"BEGIN; INSERT INTO d VALUES (2); TRUNCATE d; INSERT INTO d VALUES (3); COMMIT", "BEGIN; TRUNCATE a CASCADE; ROLLBACK",
	} {
		f.exec(t, "INSERT INTO a DEFAULT VALUES", "INSERT INTO b (a) SELECT max(id) FROM a", "INSERT INTO c SELECT max(id) FROM b",
			"INSERT INTO d VALUES (1) ON CONFLICT DO NOTHING")
		f.EqualTables(t, names...)
		before := f.Replica.State().Incarnation
		f.exec(t, truncate)
		f.EqualTables(t, names...)
		if changed := f.Replica.State().Incarnation > before; changed == strings.Contains(truncate, "ROLLBACK") {
			t.Errorf("%s: a new incarnation: %t", truncate, changed)
		}
	}
}

func TestRelationsThatAreNoTablesStayBehind(t *testing.T) {
	f := database(t, publishAll, "CREATE TABLE base (id int PRIMARY KEY, x text)",
		"CREATE VIEW a_view AS SELECT * FROM base", "CREATE MATERIALIZED VIEW a_matview AS SELECT * FROM base",
		"CREATE UNLOGGED TABLE an_unlogged (id int PRIMARY KEY)", "CREATE EXTENSION file_fdw",
		"CREATE SERVER files FOREIGN DATA WRAPPER file_fdw",
		"CREATE FOREIGN TABLE a_foreign (x text) SERVER files OPTIONS (program 'echo 1')")
	f.exec(t, "INSERT INTO a_view VALUES (1, 'through the view')", "REFRESH MATERIALIZED VIEW a_matview", "INSERT INTO an_unlogged VALUES (1)")
	f.EqualTables(t, "base")
	if tables := f.Replica.Tables(); len(tables) != 1 {
		t.Errorf("there are %d tables", len(tables))
	}
	left, err := f.Source.LeftOut(t.Context())
	must(t, err)
	var names []string
	for _, l := range left {
		names = append(names, l.Name)
	}
	if want := []string{"a_foreign", "a_matview", "a_view", "an_unlogged"}; !slices.Equal(names, want) {
		t.Errorf("left out are %q, want %q", names, want)
	}
}

// keys are types of a key, with values of which no two are equal in Postgres.
var keys = []struct {
	name, typ string
	values    []string
}{
	{"int2", "smallint", []string{"-32768", "0", "32767", "5"}},
	{"int8", "bigint", []string{"-9223372036854775808", "9223372036854775807", "0", "9007199254740993"}},
	{"oid", "oid", []string{"0", "4294967295", "7", "8"}},
	{"bool", "boolean", []string{"true", "false"}},
	{"text", "text", []string{"'a'", "'A'", "''", "' '", "'ä'", "'1'", "'1.0'", "'01'"}},
	{"char", "character(3)", []string{"'a'", "''", "'b c'", "'abc'"}},
	{"citext", "citext", []string{"'Abc'", "'b'", "'ÄÖ'", "''"}},
	{"nocase", "text COLLATE nocase", []string{"'Abc'", "'b'", "'c'", "''"}},
	{"uuid", "uuid", []string{"gen_random_uuid()", "gen_random_uuid()", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "gen_random_uuid()"}},
	{"numeric", "numeric", []string{"'1.10'", "'NaN'", "'Infinity'", "'-Infinity'", "'1e40'", "'0.00'"}},
	{"float8", "double precision", []string{"'NaN'", "'-0'", "'0.1'", "'Infinity'", "'-Infinity'", "'5e-324'", "1", "1e300"}},
	{"float4", "real", []string{"'NaN'", "0", "'0.1'", "'Infinity'", "'-Infinity'", "'1e-45'", "'3.4028235e38'"}},
	{"tz", "timestamptz", []string{"'2026-11-23 05:00+01'", "'infinity'", "'-infinity'", "'0044-03-15 BC'", "'2026-11-23 05:00:00.000001+01'"}},
	{"ts", "timestamp", []string{"'2026-11-23 05:00'", "'infinity'", "'-infinity'", "'294276-12-31'"}},
	{"date", "date", []string{"'2026-11-23'", "'infinity'", "'0044-03-15 BC'", "'5874897-12-31'"}},
	{"time", "timetz", []string{"'05:00+01'", "'05:00+02'", "'24:00+00'"}},
	{"interval", "interval", []string{"'1 day'", "'-1 day'", "'1 mon 1 day'", "'0'"}},
	{"bytea", "bytea", []string{`''`, `'\x00'`, `'\x0000'`, `'\xff'`, `'\x61'`}},
	{"enum", "mood", []string{"'sad'", "'ok'", "'happy'"}},
	{"range", "numrange", []string{"'empty'", "'[1,2)'", "'[1.0,2.5)'", "'(,)'"}},
	{"multirange", "int4multirange", []string{"'{}'", "'{[1,2),[5,6)}'", "'{(,)}'"}},
	{"array", "text[]", []string{"'{}'", "'{a,NULL}'", "'{{a},{b}}'", "'[2:2]={a}'"}},
	{"jsonb", "jsonb", []string{`'{}'`, `'{"a": [1.0]}'`, `'null'`, `'"x"'`}},
	{"inet", "inet", []string{"'10.0.0.1'", "'10.0.0.1/8'", "'::1'"}},
	{"bit", "varbit", []string{"B''", "B'0'", "B'00'"}},
	{"composite", "place", []string{"ROW('a', 1)", "ROW('', NULL)", "ROW(NULL, NULL)"}},
	{"domain", "positive", []string{"1", "2", "10"}},
	{"money", "money", []string{"1", "'1000.5'", "-1"}},
	{"lsn", "pg_lsn", []string{"'0/0'", "'16/B374D848'"}},
	{"tsvector", "tsvector", []string{"'a b'", "''", "'a:1'"}},
}

func TestKeysMayBeOfAnyType(t *testing.T) {
	statements := []string{
		publishAll, "CREATE EXTENSION citext", "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')", "CREATE TYPE place AS (name text, n int)",
		"CREATE DOMAIN positive AS int CHECK (VALUE > 0)",
		"CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
	}
	var names, changes []string
	for _, key := range keys {
		single, double := "k_"+key.name, "d_"+key.name
		names = append(names, single, double)
		statements = append(statements,
			fmt.Sprintf("CREATE TABLE %s (k %s PRIMARY KEY, n int)", single, key.typ),
			fmt.Sprintf("CREATE TABLE %s (x text, b %s, n int, a int, PRIMARY KEY (a, b))", double, key.typ))
		for i, value := range key.values {
			insert := []string{
				fmt.Sprintf("INSERT INTO %s VALUES (%s, %d)", single, value, i),
				fmt.Sprintf("INSERT INTO %s VALUES ('x', %s, %d, %d)", double, value, i, i%2),
			}
			if i%2 == 0 {
				statements = append(statements, insert...)
			} else {
				changes = append(changes, insert...)
			}
		}
		// Each row in turn: changed, its key moved to that of the one before, which has gone.
		for i := range key.values {
			changes = append(changes,
				fmt.Sprintf("UPDATE %s SET n = n + 100 WHERE n = %d", single, i), fmt.Sprintf("UPDATE %s SET n = n + 100, x = NULL WHERE n = %d", double, i))
			if i == 0 {
				changes = append(changes, fmt.Sprintf("DELETE FROM %s WHERE n = 100", single), fmt.Sprintf("DELETE FROM %s WHERE n = 100", double))
				continue
			}
			before := key.values[i-1]
			if strings.HasPrefix(before, "gen_") {
				before = "gen_random_uuid()"
			}
			changes = append(changes,
				fmt.Sprintf("UPDATE %s SET k = %s WHERE n = %d", single, before, i+100),
				fmt.Sprintf("UPDATE %s SET b = %s, a = %d WHERE n = %d", double, before, (i-1)%2, i+100))
		}
	}
	f := database(t, statements...)
	f.EqualTables(t, names...)
	f.exec(t, together(changes...))
	f.EqualTables(t, names...)
	// Keys that Postgres takes for equal, and that are not the same text.
	f.exec(t, "UPDATE k_citext SET k = upper(k::text)", "UPDATE k_nocase SET k = upper(k)", "UPDATE k_numeric SET k = k * 1.000 WHERE k::text = '1.10'",
		"UPDATE k_float8 SET k = -k WHERE k = 0", "UPDATE k_interval SET k = '24:00' WHERE k = '1 day'", "UPDATE d_citext SET b = lower(b::text)")
	f.EqualTables(t, names...)
	var deletes []string
	for _, name := range names {
		deletes = append(deletes, "DELETE FROM "+name+" WHERE n % 2 = 0")
	}
	f.exec(t, deletes...)
	f.EqualTables(t, names...)
}
