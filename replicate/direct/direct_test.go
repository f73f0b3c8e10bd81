package direct

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"outpost/replicate/pgcluster/pgtest"
)

func TestAFileFollowsWhileAnotherProgramReadsIt(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.equal()
	f.exec("UPDATE item SET title = NULL WHERE id = 7", "DELETE FROM item WHERE id = 8", "UPDATE item SET id = 9000 WHERE id = 9",
		"INSERT INTO shop.orders VALUES ('north', 1000, 12.50)", "UPDATE shop.orders SET region = 'south' WHERE number = 1000",
		"TRUNCATE shop.orders", "INSERT INTO shop.orders VALUES ('south', 1, NULL)")
	f.equal()
	f.stop()
	if mode, err := lines(t.Context(), f.path, "PRAGMA journal_mode"); err != nil || mode[0] != "wal" {
		t.Errorf("the file is in mode %v: %v", mode, err)
	}
	f.exec("UPDATE item SET sold = NOT sold", "INSERT INTO item VALUES (5000, 'while nobody followed')")
	before := f.state()
	f.start()
	f.equal()
	f.stop()
	if after := f.state(); after.Position.Generation != before.Position.Generation || after.Position.LSN <= before.Position.LSN {
		t.Errorf("it went from %s to %s", before.Position, after.Position)
	}
}

func TestOnceCopiesCatchesUpAndStops(t *testing.T) {
	f := newFixture(t)
	for range 3 {
		if err := f.run(); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(f.path + "-wal"); err == nil && info.Size() > 0 {
			t.Error("the file is not whole by itself")
		}
		if err := f.compare(); err != nil {
			t.Fatal(err)
		}
		f.exec("UPDATE item SET price = price + 1", "INSERT INTO item SELECT max(id) + 1, 'more' FROM item")
	}
	if n := strings.Count(f.logged.String(), "msg=copied"); n != 1 {
		t.Errorf("it was copied %d times", n)
	}
}

func TestDropSlotLeavesNothingBehind(t *testing.T) {
	f := newFixture(t)
	drop := func(o *Options) { o.Drop = true }
	if err := f.run(drop); err != nil {
		t.Fatal(err)
	}
	if err := f.compare(); err != nil {
		t.Error(err)
	}
	if left := f.leftBehind(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := os.Stat(f.path + noteSuffix); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the note is left behind: %v", err)
	}
	// At a stop too; and the file can be used again.
	f.exec("DELETE FROM item WHERE id < 100")
	f.alter = append(f.alter, drop)
	f.start()
	f.equal()
	if left := f.leftBehind(); len(left) < 4 {
		t.Errorf("while it follows there is only: %v", left)
	}
	f.stop()
	if left := f.leftBehind(); len(left) > 0 {
		t.Errorf("left behind by a stop: %v", left)
	}
}

func TestALostSlotBecomesANewGeneration(t *testing.T) {
	f := newFixture(t)
	if err := f.run(); err != nil {
		t.Fatal(err)
	}
	before := f.state()
	f.exec("SELECT pg_drop_replication_slot('"+f.slot+"')", "DELETE FROM item WHERE id < 100")
	if err := f.run(); err != nil {
		t.Fatal(err)
	}
	if err := f.compare(); err != nil {
		t.Error(err)
	}
	if after := f.state(); after.Position.Generation <= before.Position.Generation {
		t.Errorf("from %s to %s", before.Position, after.Position)
	}
	if !strings.Contains(f.logged.String(), "slot is gone") {
		t.Error("the log does not say why")
	}
}

// TestASlotDroppedWhileFollowing is somebody who cleans up.
func TestASlotDroppedWhileFollowing(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.equal()
	f.eventually("the slot is dropped", func() error {
		_, err := f.pg.Exec(t.Context(), "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1", f.slot)
		if err == nil {
			_, err = f.pg.Exec(t.Context(), "SELECT pg_drop_replication_slot($1)", f.slot)
		}
		return err
	})
	f.exec("DELETE FROM item WHERE id < 100")
	f.equal()
}

func TestAColumnIsAddedInPlaceUnderLoad(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.equal()
	before := f.state().Position.Generation
	writer := pgtest.Connect(t, f.url)
	ctx, cancel := context.WithCancel(t.Context())
	written := make(chan error, 1)
	go func() {
		for i := 10_000; ctx.Err() == nil; i++ {
			if _, err := writer.Exec(context.Background(), "INSERT INTO item (id, title) VALUES ($1, $2)", i, fmt.Sprint("load ", i)); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	f.exec("ALTER TABLE item ADD COLUMN stock int DEFAULT 42", "UPDATE item SET stock = id WHERE id < 50",
		"ALTER TABLE item ADD COLUMN note text", "UPDATE item SET note = 'noted' WHERE id > 100 AND id < 200")
	cancel()
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	f.equal()
	var want string
	const query = "SELECT count(*) || ' ' || sum(stock) || ' ' || count(note) FROM item"
	if err := f.pg.QueryRow(t.Context(), query).Scan(&want); err != nil {
		t.Fatal(err)
	}
	got, err := lines(t.Context(), f.path, query)
	if err != nil || !slices.Equal(got, []string{want}) {
		t.Errorf("Postgres has %s, the file %v (%v)", want, got, err)
	}
	if after := f.state().Position.Generation; after != before {
		t.Errorf("it took a new generation: %d after %d", after, before)
	}
}

// TestTablesMadeLaterAreTakenUp makes tables while the file is followed: one that is empty
// when it is seen costs no copy, one that was filled before does.
func TestTablesMadeLaterAreTakenUp(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.equal()
	before := f.state().Position.Generation
	f.exec("CREATE TABLE later (id int PRIMARY KEY, x text)", "CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id)",
		"CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10)")
	shows := func(query, want string) {
		t.Helper()
		f.eventually("the file shows "+want, func() error {
			got, err := lines(t.Context(), f.path, query)
			if err == nil && !slices.Equal(got, []string{want}) {
				err = fmt.Errorf("it shows %q", got)
			}
			return err
		})
	}
	const both = "SELECT (SELECT count(*) FROM later) || ' ' || (SELECT count(*) FROM parted)"
	shows(both, "0 0")
	f.exec("INSERT INTO later VALUES (1, 'one')", "INSERT INTO parted VALUES (1), (2)", "ALTER TABLE later ADD COLUMN y int DEFAULT 7")
	shows("SELECT id || x || y FROM later", "1one7")
	shows(both, "1 2")
	if after := f.state().Position.Generation; after != before {
		t.Errorf("empty tables took a new generation: %d after %d", after, before)
	}
	f.exec("BEGIN", "CREATE TABLE filled (id int PRIMARY KEY)", "INSERT INTO filled SELECT generate_series(1, 100)", "COMMIT")
	shows("SELECT count(*) FROM filled", "100")
	f.exec("DROP TABLE later")
	f.eventually("the dropped table is gone", func() error {
		if _, err := lines(t.Context(), f.path, "SELECT 1 FROM later"); err == nil {
			return errors.New("it is there")
		}
		return nil
	})
	f.equal()
}

// TestALargeTransactionComesInPieces has transactions of several megabytes.
func TestALargeTransactionComesInPieces(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.equal()
	before := f.state().Position.Generation
	f.exec("INSERT INTO item (id, title) SELECT i, repeat('x', 1000) FROM generate_series(100001, 105000) i",
		"UPDATE item SET price = 1, title = title || id WHERE id > 100000", "DELETE FROM item WHERE id > 100100")
	f.equal()
	if after := f.state().Position.Generation; after != before {
		t.Errorf("it took a new generation: %d after %d", after, before)
	}
}

func TestStoppingTakesSeconds(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.equal()
	began := time.Now()
	f.stop()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	sound, err := lines(t.Context(), f.path, "PRAGMA integrity_check")
	if err != nil || !slices.Equal(sound, []string{"ok"}) {
		t.Errorf("the file: %v, %v", sound, err)
	}
}
