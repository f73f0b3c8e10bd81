package source

import (
	"fmt"
	"strings"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
)

func TestLeftOutNamesWhatAReplicaDoesNotHold(t *testing.T) {
	s, url := database(t,
		"CREATE EXTENSION file_fdw", "CREATE SERVER files FOREIGN DATA WRAPPER file_fdw", `CREATE SCHEMA "Other"`,
		people, "CREATE VIEW a_view AS SELECT * FROM people", "CREATE MATERIALIZED VIEW a_matview AS SELECT * FROM people",
		"CREATE FOREIGN TABLE a_foreign (x text) SERVER files OPTIONS (program 'echo 1')",
		"CREATE UNLOGGED TABLE an_unlogged (id int PRIMARY KEY)", `CREATE TABLE "Other".unpublished (id serial)`,
		"CREATE TABLE sparse (id int PRIMARY KEY, a text, b text, twice int GENERATED ALWAYS AS (id * 2) STORED)",
		"CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id)",
		"CREATE TABLE part1 PARTITION OF parted FOR VALUES FROM (0) TO (10)",
		"CREATE TABLE bare (id int PRIMARY KEY) PARTITION BY RANGE (id)",
		"CREATE TABLE heir () INHERITS (people)",
		"CREATE PUBLICATION outpost FOR TABLE ONLY people, sparse (id, a) WHERE (id > 5), parted")
	want := `Other.unpublished: not in the publication
public.a_foreign: a foreign table: its rows are elsewhere
public.a_matview: a materialized view: Postgres sends no changes of it
public.a_view: a view: a replica holds tables, and may have views of its own
public.an_unlogged: an unlogged table: Postgres sends no changes of it (ALTER TABLE … SET LOGGED)
public.bare: a partitioned table of which no partition is in the publication
public.heir: not in the publication
public.sparse: rows other than those WHERE (id > 5)
public.sparse: columns twice: generated, and not sent by Postgres
public.sparse: columns b: not in the publication's column list
`
	for _, root := range []string{"false", "true"} {
		pgtest.Exec(t, url, "ALTER PUBLICATION outpost SET (publish_via_partition_root = "+root+")")
		found, err := s.LeftOut(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, l := range found {
			fmt.Fprintf(&got, "%s.%s: %s\n", l.Schema, l.Name, l.Why)
		}
		if got.String() != want {
			t.Errorf("via root %s: got\n%swant\n%s", root, got.String(), want)
		}
	}
}

// Postgres 15 lists partitions as published of which it sends nothing.
func TestPartitionsThatAreNotInTheWAL(t *testing.T) {
	statements := []string{
		"CREATE EXTENSION file_fdw", "CREATE SERVER files FOREIGN DATA WRAPPER file_fdw",
		"CREATE TABLE parted (id int NOT NULL, x text) PARTITION BY RANGE (id)",
		"CREATE TABLE p1 PARTITION OF parted (PRIMARY KEY (id)) FOR VALUES FROM (0) TO (10)",
		"CREATE UNLOGGED TABLE p2 PARTITION OF parted FOR VALUES FROM (10) TO (20)",
		"CREATE FOREIGN TABLE p3 PARTITION OF parted FOR VALUES FROM (20) TO (30) SERVER files OPTIONS (program 'echo 25,x', format 'csv')",
		"ALTER TABLE parted REPLICA IDENTITY FULL", "INSERT INTO parted VALUES (1), (11)",
		"CREATE PUBLICATION outpost FOR TABLE parted",
	}
	s, url := database(t, statements...)
	m, _ := copied(t, s)
	if len(m.tables) != 1 || only(m).Name != "p1" || len(m.rows[only(m).OID]) != 1 {
		t.Errorf("copied %v", m.rows)
	}
	pgtest.Exec(t, url, "ALTER PUBLICATION outpost SET (publish_via_partition_root)")
	refused(t, s.Config, `"public"."parted"`, "no changes of public.p2, public.p3", "publish_via_partition_root = false")
}
