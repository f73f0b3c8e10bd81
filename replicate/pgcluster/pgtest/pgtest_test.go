package pgtest_test

import (
	"os"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

func TestDatabasesAreFreshAndDroppedWithTheirSlots(t *testing.T) {
	var first string
	t.Run("first", func(t *testing.T) {
		first = pgtest.Database(t)
		pgtest.Exec(t, first, "CREATE TABLE mine (id int)",
			"SELECT pg_create_logical_replication_slot('mine', 'pgoutput')")
	})
	second := pgtest.Database(t)
	if first == second {
		t.Fatal("the same database twice")
	}
	conn := pgtest.Connect(t, second)
	var slots, databases int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_replication_slots").Scan(&slots); err != nil {
		t.Fatal(err)
	}
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE datname LIKE 'test%'").Scan(&databases); err != nil {
		t.Fatal(err)
	}
	if slots != 0 || databases != 1 {
		t.Errorf("%d slots and %d databases are left", slots, databases)
	}
}

func TestClusterTakesSettings(t *testing.T) {
	conn := pgtest.Connect(t, pgtest.Cluster(t, "wal_level=replica", "max_connections=11").URL("postgres"))
	var level string
	if err := conn.QueryRow(t.Context(), "SHOW wal_level").Scan(&level); err != nil || level != "replica" {
		t.Errorf("wal_level is %q (%v)", level, err)
	}
}
