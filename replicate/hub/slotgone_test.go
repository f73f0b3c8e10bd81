package hub

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/replica"
	"outpost/replicate/source"
)

// keepsLittle is a Postgres that gives up slots soon.
func keepsLittle(t *testing.T) *fixture {
	t.Helper()
	t.Parallel()
	cluster := pgtest.Cluster(t, "max_slot_wal_keep_size=1MB", "min_wal_size=32MB", "max_wal_size=32MB")
	return newFixtureAt(t, cluster.URL("postgres"))
}

func TestASlotDroppedUnderTheHub(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	edge, _ := f.edge("syd", nil)
	f.reaches(edge, "the edge")
	older := f.generation()
	f.eventually("the slot is dropped", func() error { // before the hub has it again
		_, err := f.pg.Exec(t.Context(), `SELECT pg_terminate_backend(active_pid), pg_sleep(0.05)
			FROM pg_replication_slots WHERE database = current_database() AND active`)
		if err == nil {
			_, err = f.pg.Exec(t.Context(), "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()")
		}
		return err
	})
	f.renewed(edge, older, "the replication slot ") // "is gone", or "does not exist" where that was found later
}

func TestASlotInvalidatedWhileTheHubIsAway(t *testing.T) {
	f := keepsLittle(t)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	older := f.generation()
	f.stop()
	f.exec("UPDATE course SET title = 'while away' WHERE id = 7")
	pgtest.InvalidateSlots(t, f.url)
	f.start()
	edge, _ := f.edge("syd", nil)
	f.renewed(edge, older, "the replication slot was invalidated")
}

// TestASlotLostDuringTheCopy lets a copy lose its slot: it is given up before its end, the
// next waits for it, and when Postgres keeps enough all is well.
func TestASlotLostDuringTheCopy(t *testing.T) {
	f := keepsLittle(t)
	f.through = newProxy(t)
	var lately atomic.Int64
	f.between = func(n int) time.Duration {
		lately.Store(int64(n))
		return time.Duration(n) * 100 * time.Millisecond
	}
	f.exec("INSERT INTO course SELECT i, 'many', repeat(md5(i::text), 30) FROM generate_series(1001, 21000) i")
	f.through.stallAfter(1 << 20) // only the copy brings as much
	f.start()
	f.eventually("a copy runs", func() error {
		if c, ok := f.hub.Source.Copying(); !ok || c.Rows() == 0 {
			return errors.New("none does")
		}
		return nil
	})
	if s := f.hub.Status(); s.Streaming || !strings.Contains(s.Stalled, "is being copied") {
		t.Errorf("while it copies the hub says of itself: %+v", s)
	}
	pgtest.InvalidateSlots(t, f.url)
	f.eventually("the copy is given up", func() error {
		if s := f.hub.Status(); !strings.Contains(f.logged.String(), source.ErrSlotLost.Error()) {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
	f.through.stallAfter(0)
	f.reaches(f.replica, "the primary's replica")
	if n := lately.Load(); n != 1 {
		t.Errorf("the last pause was that after %d copies, not 1", n)
	}
	edge, _ := f.edge("syd", nil)
	f.exec("UPDATE course SET title = 'afterwards' WHERE id = 7")
	f.reaches(edge, "the edge")
	f.eventually("the hub reads", f.reads)
}

// reads is nil while the hub reads its slot.
func (f *fixture) reads() error {
	if s := f.hub.Status(); !s.Streaming || s.Stalled != "" {
		return fmt.Errorf("%+v", s)
	}
	return nil
}

// TestTheClockJumpsBetweenGenerations begins one with a clock that is a day ahead, and the
// next with one that is a day behind.
func TestTheClockJumpsBetweenGenerations(t *testing.T) {
	f := newFixture(t)
	var edge *replica.Replica
	for _, jump := range []time.Duration{24 * time.Hour, -24 * time.Hour} {
		f.now = func() time.Time { return time.Now().Add(jump) }
		older := change.Generation(0)
		if edge != nil {
			older = f.generation()
			f.stop()
			f.exec("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()")
			f.exec("DELETE FROM course WHERE id > 9000")
		}
		f.start()
		var stop func()
		edge, stop = f.edge("syd", nil)
		f.renewed(edge, older, "")
		stop()
	}
}
