package replicatest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"outpost/replicate/replica"
)

// everyKind has a column of each kind in which the replica stores values.
const everyKind = `(i int, b bool, r float4, d float8, y bytea, tz timestamptz, ts timestamp, day date, n numeric, x text)`

func TestRowsWithoutAKeyAreFoundByAllTheirColumns(t *testing.T) {
	f := database(t, publishAll,
		"CREATE TABLE loose "+everyKind, "ALTER TABLE loose REPLICA IDENTITY FULL",
		"INSERT INTO loose (i, x) VALUES (1, 'one'), (1, 'one'), (1, 'one'), (1, NULL), (NULL, NULL), (NULL, NULL), (2, '')")
	f.EqualTables(t, "loose")
	for _, values := range []string{
		"r, d) VALUES ('NaN', '-0'), ('-0', 'NaN'), ('0', '0'), ('Infinity', '-Infinity'), ('1e-45', '5e-324'), ('3.4028235e38', '0.1')",
		`y) VALUES (''), ('\x00'), ('\x0000'), ('\x00ff'), (NULL)`,
		"n) VALUES ('1.0'), ('1.00'), ('NaN'), ('Infinity'), (NULL)",
		"tz, ts, day) VALUES ('infinity', '-infinity', 'infinity'), ('2026-11-23 06:00+01', '0044-03-15 BC', '0044-03-15 BC')",
		"b) VALUES (true), (false), (NULL)",
		"x) VALUES ('1'), ('1.0'), ('Infinity'), ('NaN'), (' '), (''), (NULL), ('ä'), ('Ä'), ('a'), ('A')",
	} {
		f.exec(t, "INSERT INTO loose ("+values)
	}
	f.EqualTables(t, "loose")
	for _, change := range []string{
		"UPDATE loose SET x = 'first' WHERE ctid = (SELECT min(ctid) FROM loose WHERE x = 'one')",
		"DELETE FROM loose WHERE ctid = (SELECT max(ctid) FROM loose WHERE x = 'one')",
		"UPDATE loose SET i = 3 WHERE i IS NULL AND x IS NULL",
		"UPDATE loose SET d = NULL WHERE d = 'NaN'",
		"UPDATE loose SET d = '0' WHERE d::text = '-0'",
		"UPDATE loose SET d = '-0' WHERE d::text = '0' AND r = 0",
		"UPDATE loose SET r = 'NaN', d = 1 WHERE r = 'Infinity'",
		"DELETE FROM loose WHERE r::text = '-0'",
		`UPDATE loose SET y = NULL WHERE y = '\x00'`,
		`DELETE FROM loose WHERE y = '\x0000'`,
		"UPDATE loose SET n = '1.000' WHERE n::text = '1.00'",
		"DELETE FROM loose WHERE n = 'NaN'",
		"UPDATE loose SET tz = '-infinity' WHERE tz = 'infinity'",
		"DELETE FROM loose WHERE day < '0001-01-01' AND tz < now()",
		"UPDATE loose SET b = NOT b WHERE b IS NOT NULL",
		"UPDATE loose SET x = 'a' WHERE x = 'A'",
		"UPDATE loose SET x = NULL WHERE x = ''",
		"UPDATE loose SET x = x",
		"DELETE FROM loose WHERE x IS NULL",
		"DELETE FROM loose",
	} {
		f.exec(t, change)
		f.EqualTables(t, "loose")
	}
}

// Of equal rows any one will do, but it must be one, and the number has to be right.
func TestEqualRowsWithoutAKeyStayAsManyAsTheyAre(t *testing.T) {
	f := database(t, publishAll, "CREATE TABLE bag (n int, x text)", "ALTER TABLE bag REPLICA IDENTITY FULL")
	random := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		var sql strings.Builder
		for range 1 + random.IntN(5) {
			n, m := random.IntN(4), random.IntN(4)
			one := "ctid = (SELECT ctid FROM bag WHERE n IS NOT DISTINCT FROM %s LIMIT 1)"
			value := func(n int) string { return []string{"NULL", "1", "2", "3"}[n] }
			switch random.IntN(4) {
			case 0, 1:
				fmt.Fprintf(&sql, "INSERT INTO bag VALUES (%s, %s);", value(n), value(m))
			case 2:
				fmt.Fprintf(&sql, "UPDATE bag SET n = %s WHERE "+one+";", value(m), value(n))
			case 3:
				fmt.Fprintf(&sql, "DELETE FROM bag WHERE "+one+";", value(n))
			}
		}
		f.exec(t, "BEGIN;"+sql.String()+"COMMIT")
	}
	f.EqualTables(t, "bag")
}

func TestUnchangedLargeValuesStayWithEveryIdentity(t *testing.T) {
	// Incompressible, so that it is stored outside of the row.
	const large = "(SELECT string_agg(md5(g::text || 'x'), '') FROM generate_series(1, 2000) g)"
	f := database(t, publishAll,
		"CREATE TABLE loose (n int, large text, gone text, twice int GENERATED ALWAYS AS (n * 2) STORED)",
		"ALTER TABLE loose REPLICA IDENTITY FULL",
		"CREATE TABLE keyed (n int PRIMARY KEY, large text, gone text)", "ALTER TABLE keyed REPLICA IDENTITY FULL",
		"CREATE TABLE indexed (n int PRIMARY KEY, code text NOT NULL UNIQUE, large text)",
		"ALTER TABLE indexed REPLICA IDENTITY USING INDEX indexed_code_key",
		"CREATE TABLE plain (n int PRIMARY KEY, large text)",
		"CREATE TABLE movable (n int PRIMARY KEY DEFERRABLE, large text)", "ALTER TABLE movable REPLICA IDENTITY FULL",
		"ALTER TABLE loose ALTER large SET STORAGE EXTERNAL", "ALTER TABLE keyed ALTER large SET STORAGE EXTERNAL")
	same := func() {
		t.Helper()
		f.EqualTables(t, "loose", "keyed", "indexed", "plain", "movable")
	}
	f.exec(t,
		"INSERT INTO loose SELECT g, "+large+", 'x' FROM generate_series(1, 4) g",
		"INSERT INTO keyed SELECT g, "+large+", 'x' FROM generate_series(1, 4) g",
		"INSERT INTO indexed SELECT g, 'c' || g, "+large+" FROM generate_series(1, 4) g",
		"INSERT INTO plain SELECT g, "+large+" FROM generate_series(1, 4) g",
		"INSERT INTO movable SELECT g, "+large+" FROM generate_series(1, 4) g")
	same()
	f.exec(t, // the key moves, and the large value was left alone
		"UPDATE loose SET n = n + 10 WHERE n < 3", "UPDATE keyed SET n = n + 10 WHERE n < 3",
		"UPDATE indexed SET code = 'moved' || n, n = n + 10 WHERE n < 3", "UPDATE plain SET n = n + 10 WHERE n < 3",
		"UPDATE movable SET n = n + 1", // each to where the next one was
		"UPDATE loose SET gone = NULL WHERE n = 3", "UPDATE keyed SET gone = NULL WHERE n = 3")
	same()
	f.exec(t,
		"UPDATE loose SET large = NULL WHERE n = 11", "UPDATE keyed SET large = 'short' WHERE n = 11",
		"UPDATE loose SET large = large", "UPDATE keyed SET n = n",
		"DELETE FROM loose WHERE n = 12", "DELETE FROM keyed WHERE n = 12", "DELETE FROM indexed WHERE code = 'moved2'",
		"DELETE FROM plain WHERE n = 12", "DELETE FROM movable WHERE n = 3")
	same()
}

// A key that is itself stored outside of the row comes with the old row.
func TestLargeKeysAreFound(t *testing.T) {
	f := database(t, publishAll, "CREATE TABLE large (k text PRIMARY KEY, n int)", "ALTER TABLE large ALTER k SET STORAGE EXTERNAL",
		"INSERT INTO large SELECT string_agg(md5(g::text), ''), 1 FROM generate_series(1, 80) g")
	f.exec(t, "UPDATE large SET n = 2")
	f.EqualTables(t, "large")
	f.exec(t, "UPDATE large SET k = k || 'x'", "UPDATE large SET n = 3")
	f.EqualTables(t, "large")
	f.exec(t, "DELETE FROM large")
	f.EqualTables(t, "large")
}

func TestReplicaRefusesARowWithoutAKeyThatItLacks(t *testing.T) {
	for _, change := range []string{"UPDATE loose SET x = 'b'", "DELETE FROM loose"} {
		f := database(t, publishAll, "CREATE TABLE loose (n int, x text)", "ALTER TABLE loose REPLICA IDENTITY FULL",
			"INSERT INTO loose VALUES (1, 'a'), (1, 'a')")
		// A row that the publication kept to itself for a while.
		f.exec(t, "ALTER PUBLICATION outpost SET (publish = 'update, delete')", "INSERT INTO loose VALUES (2, 'hidden')")
		f.CatchUp(t)
		before := f.Replica.State()
		f.exec(t, change)
		if err := f.Try(t); !errors.Is(err, replica.ErrResync) || !strings.Contains(err.Error(), "hit 0 rows") {
			t.Errorf("%s: got %v", change, err)
		}
		if f.Replica.State() != before {
			t.Errorf("%s: the state went from %+v to %+v", change, before, f.Replica.State())
		}
	}
}
