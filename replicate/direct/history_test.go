package direct

import (
	"fmt"
	"strings"
	"testing"

	"outpost/replicate/change"
	"outpost/replicate/pgcluster"
	"outpost/replicate/pgcluster/pgtest"
)

// newClusterFixture takes a Postgres of its own, which can be killed and set back.
func newClusterFixture(t *testing.T) (*fixture, *pgcluster.Cluster) {
	t.Helper()
	t.Parallel()
	c := pgtest.Cluster(t)
	if err := c.CreateDatabase(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	return newFixtureAt(t, c.URL("shop")), c
}

func (f *fixture) reconnect() { f.pg = pgtest.Connect(f.t, f.url) }

// head is how far Postgres has written.
func (f *fixture) head() change.LSN {
	f.t.Helper()
	var text string
	if err := f.pg.QueryRow(f.t.Context(), "SELECT pg_current_wal_insert_lsn()::text").Scan(&text); err != nil {
		f.t.Fatal(err)
	}
	lsn, err := change.ParseLSN(text)
	if err != nil {
		f.t.Fatal(err)
	}
	return lsn
}

func TestPostgresKilledWhileItIsFollowed(t *testing.T) {
	f, c := newClusterFixture(t)
	f.start()
	f.equal()
	before := f.state().Position.Generation
	for round := range 3 {
		f.exec(fmt.Sprintf("INSERT INTO item SELECT i, 'round' FROM generate_series(%d, %d) i", 1000*(round+1), 1000*(round+1)+500),
			"UPDATE shop.orders SET total = total + 1")
		if err := c.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := c.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.reconnect()
		f.exec("DELETE FROM item WHERE id % 7 = 0")
		f.equal()
	}
	if after := f.state().Position.Generation; after != before {
		t.Errorf("a crash of Postgres cost a new generation: %d after %d", after, before)
	}
}

// TestARestoredHistoryIsFound sets Postgres back to a copy of its files, with its slot,
// and lets it write another history that is longer. Identity, timeline and slot are the
// same; only the last transaction of the file is not.
func TestARestoredHistoryIsFound(t *testing.T) {
	f, c := newClusterFixture(t)
	if err := f.run(); err != nil {
		t.Fatal(err)
	}
	restore := pgtest.Backup(t, c)
	f.reconnect()
	f.exec("INSERT INTO item VALUES (1001, 'that was lost')", "UPDATE item SET title = 'that was lost' WHERE id < 50")
	if err := f.run(); err != nil {
		t.Fatal(err)
	}
	before := f.state()
	restore()
	f.reconnect()
	for i := 0; f.head() <= before.Position.LSN; i++ {
		f.exec(fmt.Sprintf("INSERT INTO item VALUES (%d, 'of another history')", 2001+i))
	}
	if err := f.run(); err != nil {
		t.Fatal(err)
	}
	if err := f.compare(); err != nil {
		t.Error(err)
	}
	if after := f.state(); after.Position.Generation <= before.Position.Generation || after.System != before.System || after.Timeline != before.Timeline {
		t.Errorf("from %+v to %+v", before, after)
	}
	if !strings.Contains(f.logged.String(), "history was replaced") {
		t.Error("the log does not say that the history was replaced")
	}
}

// TestWhatPostgresSendsAgainIsSkipped gives the file more than the slot has confirmed, as
// after a crash of Postgres.
func TestWhatPostgresSendsAgainIsSkipped(t *testing.T) {
	f := newFixture(t)
	if err := f.run(); err != nil {
		t.Fatal(err)
	}
	older := f.slot + "_older"
	f.exec("SELECT pg_copy_logical_replication_slot('"+f.slot+"', '"+older+"')",
		"INSERT INTO item VALUES (1001, 'one')", "INSERT INTO item VALUES (1002, 'two')", "INSERT INTO item VALUES (1003, 'three')")
	if err := f.run(); err != nil {
		t.Fatal(err)
	}
	before := f.state()
	f.eventually("the slot is as it was", func() error {
		_, err := f.pg.Exec(t.Context(), "SELECT pg_drop_replication_slot($1)", f.slot)
		return err
	})
	f.exec("SELECT pg_copy_logical_replication_slot('"+older+"', '"+f.slot+"')", "SELECT pg_drop_replication_slot('"+older+"')")
	var confirmed string
	if err := f.pg.QueryRow(t.Context(), "SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = $1", f.slot).Scan(&confirmed); err != nil {
		t.Fatal(err)
	}
	at, err := change.ParseLSN(confirmed)
	if err != nil {
		t.Fatal(err)
	}
	if at >= before.Last.LSN {
		t.Fatalf("the slot was confirmed up to %s: nothing is sent again, and nothing tested", at)
	}
	f.exec("UPDATE item SET title = 'four' WHERE id = 1002")
	if err := f.run(); err != nil {
		t.Fatal(err)
	}
	if err := f.compare(); err != nil {
		t.Error(err)
	}
	if after := f.state(); after.Position.Generation != before.Position.Generation {
		t.Errorf("it took a new generation: %+v after %+v", after, before)
	}
}

// TestACutOffBeginningIsNotContinued ends a run after its new slot was made, before its
// copy is in place: the old file and the new slot must not pass for a pair.
func TestACutOffBeginningIsNotContinued(t *testing.T) {
	f := newFixture(t)
	if err := f.run(); err != nil {
		t.Fatal(err)
	}
	before := f.state()
	n, err := openNote(f.path + noteSuffix)
	if err != nil {
		t.Fatal(err)
	}
	cut := n.owned
	cut.Generation = 0
	if err := n.write(cut); err != nil {
		t.Fatal(err)
	}
	if err := n.close(); err != nil {
		t.Fatal(err)
	}
	if err := f.run(); err != nil {
		t.Fatal(err)
	}
	if after := f.state(); after.Position.Generation <= before.Position.Generation {
		t.Errorf("the cut-off generation was continued: %+v", after.Position)
	}
	if err := f.compare(); err != nil {
		t.Error(err)
	}
	var slots int
	if err := f.pg.QueryRow(t.Context(), "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()").Scan(&slots); err != nil {
		t.Fatal(err)
	}
	if slots != 1 {
		t.Errorf("there are %d slots", slots)
	}
}
