package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/pgcluster"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/wire"
)

// TestAConnectionTornInsideAMessage cuts the connection to Postgres after a number of bytes,
// while small transactions and one that comes in parts are on their way.
func TestAConnectionTornInsideAMessage(t *testing.T) {
	f := newFixture(t)
	f.through = newProxy(t)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	generation := f.generation()
	after := []int64{1, 33, 1000, 70_001, 1_100_003}
	if os.Getenv("OUTPOST_TEST_LONG") != "" {
		for n := int64(2); n < 1_400_000; n += n/20 + 3 {
			after = append(after, n)
		}
	}
	for i, n := range after {
		if i%5 == 4 { // the hub pauses ever longer between attempts
			f.stop()
			f.start()
			f.reaches(f.replica, "the primary's replica")
		}
		f.eventually("the hub reads", f.reads)
		f.through.cut(n)
		for range 3 {
			f.exec("UPDATE course SET title = $1 WHERE id % 3 = 0", fmt.Sprint("round ", i))
		}
		f.exec("UPDATE course SET body = repeat($1, 30000) WHERE id <= 50", string(rune('a'+i%26))) // 1.5 MB
		f.exec("UPDATE course SET title = 'after ' || title WHERE id % 3 = 1")
		f.eventually("the connection is cut", func() error {
			if left := f.through.uncut(); left > 0 {
				return fmt.Errorf("%d bytes before", left)
			}
			return nil
		})
		f.reaches(f.replica, "the primary's replica")
		f.exec("UPDATE course SET title = 'course ' || id")
	}
	edge, _ := f.edge("syd", nil)
	f.reaches(edge, "the edge")
	if g := f.generation(); g != generation {
		t.Errorf("generation %d was begun after %d", g, generation)
	}
}

// TestPostgresRestartsUnderWrites ends it in an orderly way, at once, and by a crash, while others
// write, and while the hub has parts of a long transaction whose rest is to come.
func TestPostgresRestartsUnderWrites(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*pgcluster.Cluster) error{
		"restart":            nil,
		"immediate shutdown": func(c *pgcluster.Cluster) error { return syscall.Kill(c.PID(), syscall.SIGQUIT) },
		"crash":              (*pgcluster.Cluster).Kill,
	} {
		t.Run(name, func(t *testing.T) {
			cluster := pgtest.Cluster(t)
			f := newFixtureAt(t, cluster.URL("postgres"))
			f.through = newProxy(t)
			f.start()
			f.reaches(f.replica, "the primary's replica")
			edge, _ := f.edge("syd", nil)
			f.reaches(edge, "the edge")
			generation := f.generation()
			stop := f.writesThrough()
			f.through.stallAfter(3 << 20)
			f.exec("INSERT INTO course SELECT i, 'long', repeat('y', 20000) FROM generate_series(1001, 1300) i") // 6 MB
			f.eventually("the stream has parts of the long transaction", f.unfinished)
			if end != nil {
				if err := end(cluster); err != nil {
					t.Fatal(err)
				}
			}
			restarted := make(chan error, 1)
			go func() { restarted <- cluster.Restart(t.Context()) }()
			if end == nil { // it waits until the hub has all
				f.eventually("the server lets nobody in", func() error {
					conn, err := pgx.Connect(t.Context(), f.url)
					if err != nil {
						return nil
					}
					return errors.Join(errors.New("it does"), conn.Close(t.Context()))
				})
			}
			f.through.stallAfter(0)
			if err := <-restarted; err != nil {
				t.Fatal(err)
			}
			f.connect()
			f.exec("UPDATE course SET title = 'afterwards' WHERE id = 7")
			stop()
			f.reaches(edge, "the edge")
			f.reaches(f.replica, "the primary's replica")
			if g := f.generation(); g != generation {
				t.Errorf("generation %d was begun after %d", g, generation)
			}
		})
	}
}

// unfinished is nil when the stream ends in the middle of a transaction.
func (f *fixture) unfinished() error {
	log, err := f.hub.Conn.OpenLog(f.t.Context(), DefaultStreamBytes)
	if err != nil {
		return err
	}
	bounds, err := log.Bounds(f.t.Context())
	if err != nil {
		return err
	}
	m, ok, err := log.Message(f.t.Context(), bounds.Last)
	if err == nil && (!ok || m.Kind != wire.Piece || m.Part.Last) {
		err = errors.New("it does not end so")
	}
	return err
}

// writesThrough commits without a pause until it is told to stop, by way of other
// connections where one ends.
func (f *fixture) writesThrough() (stop func()) {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.t.Context())
	url := f.url
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ctx.Err() == nil; i++ {
			conn, err := pgx.Connect(ctx, url)
			for ; err == nil; i++ {
				_, err = conn.Exec(ctx, "UPDATE course SET title = $1 WHERE id = 2", fmt.Sprint("write ", i))
			}
			if conn != nil {
				_ = conn.Close(context.WithoutCancel(ctx)) // what it did is compared
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// TestAPostgresThatFallsSilent loses every byte that Postgres sends, and no connection ends.
// What nobody can know to be current is not called so.
func TestAPostgresThatFallsSilent(t *testing.T) {
	f := newFixture(t)
	f.through = newProxy(t)
	f.silence = 12 * time.Second // until the connections are given up
	f.start()
	f.reaches(f.replica, "the primary's replica")
	generation := f.generation()
	stale := func(want bool) func() error {
		return func() error {
			if age, is := f.hub.Follower.Stale(); is != want {
				return fmt.Errorf("stale: %v, as of %v ago", is, age)
			}
			return nil
		}
	}
	f.eventually("the hub reads", f.reads)
	f.eventually("the replica is current", stale(false))
	f.through.stallAfter(1)
	f.exec("UPDATE course SET title = 'not heard of' WHERE id = 7")
	f.eventually("the replica is stale before anybody gave up", func() error { return errors.Join(stale(true)(), f.reads()) })
	f.through.stallAfter(0)
	f.reaches(f.replica, "the primary's replica")
	f.eventually("the replica is current", stale(false))
	if g := f.generation(); g != generation {
		t.Errorf("generation %d was begun after %d", g, generation)
	}
}
