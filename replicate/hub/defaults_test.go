package hub

import (
	"fmt"
	"strings"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
)

// TestEveryTypeAsADefault adds a column of each type for each example of TYPES.md, which
// older rows then have in it without having been written.
func TestEveryTypeAsADefault(t *testing.T) {
	ddl, types := readTypesMD(t)
	f := fixtureOf(t, pgtest.Database(t), append(ddl,
		"CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)", "CREATE PUBLICATION everything FOR TABLE t")...)
	t.Parallel()
	f.start()
	f.equals("at the beginning")
	before := f.generation()
	var isDomain bool
	n, since := 0, 0
	var added []string
	for _, typ := range types {
		if err := f.pg.QueryRow(t.Context(), "SELECT typtype = 'd' FROM pg_type WHERE oid = to_regtype($1)", typ.name).Scan(&isDomain); err == nil && isDomain {
			continue // Postgres rewrites the table for it
		}
		for _, literal := range typ.literals {
			n++
			added = append(added, fmt.Sprintf("ADD COLUMN c%d %s DEFAULT %s", n, typ.name, literal))
		}
	}
	for len(added) > 0 {
		k := min(40, len(added))
		f.exec("ALTER TABLE t " + strings.Join(added[:k], ", "))
		added = added[k:]
		since++
		f.exec(fmt.Sprintf("INSERT INTO t (id) VALUES (%d)", 10+since))
	}
	f.eventually("the replica equals Postgres", func() error {
		want, err := published(t.Context(), f.pg, f.url)
		if err != nil {
			return err
		}
		return sameAs(t.Context(), want, f.replica)
	})
	if f.generation() != before {
		t.Error("a new generation was begun")
	}
}
