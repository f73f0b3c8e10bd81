package hub

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/replica"
	"outpost/replicate/stream"
)

// TestFortyEdgesTakeOneSnapshot begins a new generation under forty edges that follow,
// and one more comes that has nothing: one snapshot serves all, whoever has it goes on
// following, and the hub does not grow with the number of edges.
func TestFortyEdgesTakeOneSnapshot(t *testing.T) {
	const edges = 40
	f := newFixture(t)
	f.watch = 100 * time.Millisecond
	f.incompressible(101, 600)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	all := make([]*replica.Replica, edges)
	for i := range all {
		all[i], _ = f.edge(fmt.Sprint("edge ", i), nil)
	}
	for i, r := range all {
		f.reaches(r, fmt.Sprint("edge ", i))
	}
	before := strings.Count(f.logged.String(), `msg="snapshot made"`)
	generation := f.generation()
	f.exec("ALTER TABLE course ALTER title TYPE text USING upper(title)")
	f.eventually("a new generation begins", func() error {
		if g := f.generation(); g <= generation {
			return fmt.Errorf("it is %d, it was %d", g, generation)
		}
		return nil
	})
	began := time.Now()
	for i, r := range all {
		f.eventually(fmt.Sprint("edge ", i, " is of the new generation"), func() error {
			if g := r.State().Position.Generation; g != f.generation() {
				return fmt.Errorf("it is of %d", g)
			}
			return nil
		})
	}
	t.Logf("all had the new generation after %v", time.Since(began))
	f.exec("UPDATE course SET title = 'afterwards' WHERE id = 7")
	for i, r := range all {
		f.reaches(r, fmt.Sprint("edge ", i))
	}
	if n := strings.Count(f.logged.String(), `msg="snapshot made"`) - before; n != 1 {
		t.Errorf("%d snapshots were made", n)
	}
}

// TestABadEdgeCostsOthersNothing lets one region ask for snapshots in a loop and send
// nonsense, and connect a thousand times, while another follows.
func TestABadEdgeCostsOthersNothing(t *testing.T) {
	f := newFixture(t)
	f.incompressible(101, 600)
	f.start()
	good, _ := f.edge("good", nil)
	f.reaches(good, "the good edge")
	generation := f.generation()
	runtime.GC()
	goroutines := runtime.NumGoroutine()

	stop := make(chan struct{})
	var bad sync.WaitGroup
	for range 4 {
		bad.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				// Never the sum of what is there, and never closed.
				if _, err := f.hub.OpenSnapshot(t.Context(), "bad", fmt.Sprint(i)); err != nil && !errors.Is(err, os.ErrClosed) {
					t.Error(err)
					return
				}
			}
		})
	}
	bad.Go(func() {
		for range 1000 {
			conn, err := stream.Connect(stream.ConnOptions{URL: "nats://" + f.server.Addr().String(), ClusterKey: key, Zone: stream.All, Log: f.log})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := conn.Bounds(t.Context()); err != nil {
				t.Error(err)
			}
			conn.Close()
		}
	})
	var slowest time.Duration
	for i := range 200 {
		f.exec("UPDATE course SET title = $1 WHERE id = 7", fmt.Sprint("title ", i))
		began := time.Now()
		if err := good.Wait(t.Context(), change.Position{Generation: generation, LSN: f.written()}); err != nil {
			t.Fatal(err)
		}
		slowest = max(slowest, time.Since(began))
	}
	close(stop)
	bad.Wait()
	t.Logf("the slowest of 200 writes arrived after %v", slowest)
	if slowest > 2*time.Second {
		t.Errorf("the good edge waited %v for a write", slowest)
	}
	s := &f.hub.snapshots
	s.mu.Lock()
	open, leases := len(s.downloads), len(s.leases)
	s.end(func(d *Download) bool { return d.region == "bad" })
	s.mu.Unlock()
	if open > regionDownloads+1 || leases > 2 {
		t.Errorf("%d downloads are open, %d leases held", open, leases)
	}
	f.eventually("what the bad edge had is gone", func() error {
		if n := runtime.NumGoroutine(); n > goroutines+50 {
			return fmt.Errorf("%d goroutines, %d before", n, goroutines)
		}
		return nil
	})
	f.reaches(good, "the good edge")
}
