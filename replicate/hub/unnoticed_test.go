package hub

import (
	"testing"

	"outpost/replicate/pgcluster/pgtest"
)

// TestPartitionEmptiedBehindTheWhole empties a partitioned table, fills it again, and then
// empties one partition, which the stream does not tell: all before the catalogue is
// looked at.
func TestPartitionEmptiedBehindTheWhole(t *testing.T) {
	t.Parallel()
	setup, _ := readSchemaMD(t)
	f := fixtureOf(t, pgtest.Database(t), setup...)
	f.start()
	f.equals("at the beginning")
	f.stop()
	f.exec("TRUNCATE parts")
	f.exec("INSERT INTO parts SELECT i, CASE i % 2 WHEN 0 THEN 'eu' ELSE 'us' END, 'again' FROM generate_series(1, 10) i")
	f.exec("TRUNCATE parts_eu")
	f.start()
	f.equals("after the hub was away")
}

// TestAnnouncementThatIsOldWhenItCommits describes all tables, and before it is committed
// another transaction alters one of them.
func TestAnnouncementThatIsOldWhenItCommits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, begin string
		statements  []string
	}{
		{"made before", "BEGIN", []string{"ALTER TABLE parts ADD COLUMN z int", "", "COMMIT"}},
		{"of an old snapshot", "BEGIN ISOLATION LEVEL REPEATABLE READ", []string{"SELECT 1", "", "SELECT outpost.schema_changed()", "COMMIT"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			setup, _ := readSchemaMD(t)
			f := fixtureOf(t, pgtest.Database(t), setup...)
			f.start()
			f.equals("at the beginning")
			other := pgtest.Connect(t, f.url)
			for _, statement := range append([]string{test.begin}, test.statements...) {
				if statement == "" {
					f.exec("ALTER TABLE t ADD COLUMN c int")
					f.exec("UPDATE t SET c = id")
				} else if _, err := other.Exec(t.Context(), statement); err != nil {
					t.Fatalf("%s: %v", statement, err)
				}
			}
			f.exec("ALTER TABLE t ALTER n SET DEFAULT 3")
			f.equals("in the end")
		})
	}
}

// TestFiltersAreReadAlikeInAnySession alters a filtered table in a session that quotes all
// names, as pg_dump's and some tools' do.
func TestFiltersAreReadAlikeInAnySession(t *testing.T) {
	t.Parallel()
	setup, _ := readSchemaMD(t)
	f := fixtureOf(t, pgtest.Database(t), append(setup, "ALTER PUBLICATION everything SET TABLE t WHERE (id > 100), parts, TABLES IN SCHEMA s")...)
	f.ends(statements("SET quote_all_identifiers = on; ALTER TABLE t ADD COLUMN c int DEFAULT 1"), "in place")
}
