package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/replica"
	"outpost/replicate/stream"
)

// TestFortyEdgesTakeOneSnapshot begins a new generation under forty edges that follow: one
// snapshot serves all.
func TestFortyEdgesTakeOneSnapshot(t *testing.T) {
	const edges = 40
	f := newFixture(t)
	f.watch = 100 * time.Millisecond
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

// TestABadEdgeCostsOthersNothing lets one region ask for snapshots in a loop and leave in
// the middle, ask for nonsense, and connect a thousand times, while another follows.
func TestABadEdgeCostsOthersNothing(t *testing.T) {
	f := newFixture(t)
	f.incompressible(101, 600)
	f.start()
	good, _ := f.edge("good", nil)
	f.reaches(good, "the good edge")
	made := strings.Count(f.logged.String(), `msg="snapshot made"`)
	etag := f.given().Snapshot.ETag
	quiet := f.arrival(good)

	server := httptest.NewServer(http.HandlerFunc(f.serveSnapshot))
	defer server.Close()
	ctx, stop := context.WithCancel(t.Context())
	var bad sync.WaitGroup
	bad.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
			if err != nil {
				t.Error(err)
				return
			}
			from("bad")(request.Header)
			request.Header.Set("Range", []string{"bytes=1000-", "bytes=-5", "nonsense", "bytes=99999999999-"}[i%4])
			request.Header.Set(refusedHeader, []string{"nonsense", etag}[i%2])
			response, err := server.Client().Do(request)
			if err != nil {
				continue // it was told to end
			}
			_, _ = io.CopyN(io.Discard, response.Body, 100) // and leaves
			response.Body.Close()
		}
	})
	bad.Go(func() {
		for range 1000 {
			conn, err := stream.Connect(stream.ConnOptions{URL: "nats://" + f.server.Addr().String(), ClusterKey: key, Zone: stream.All, Log: f.log})
			if err != nil {
				t.Error(err)
				return
			}
			conn.Close()
		}
	})
	disturbed := f.arrival(good)
	stop()
	bad.Wait()
	t.Logf("half of the writes arrived within %v, with the bad edge within %v", quiet, disturbed)
	if disturbed > 10*quiet+100*time.Millisecond {
		t.Errorf("with the bad edge a write takes %v to arrive, else %v", disturbed, quiet)
	}
	if n := strings.Count(f.logged.String(), `msg="snapshot made"`); n != made {
		t.Errorf("%d snapshots were made for it", n-made)
	}
	s := &f.hub.snapshots
	f.eventually("its downloads are over", func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, d := range s.downloads {
			if d.region == "bad" {
				return errors.New("one is open")
			}
		}
		return nil
	})
	f.reaches(good, "the good edge")
}

// arrival is how long half of a hundred writes take to arrive, at most.
func (f *fixture) arrival(r *replica.Replica) time.Duration {
	f.t.Helper()
	all := make([]time.Duration, 100)
	for i := range all {
		f.exec("UPDATE course SET title = $1 WHERE id = 7", fmt.Sprint("title ", i))
		began := time.Now()
		if err := r.Wait(f.t.Context(), change.Position{Generation: f.generation(), LSN: f.written()}); err != nil {
			f.t.Fatal(err)
		}
		all[i] = time.Since(began)
	}
	slices.Sort(all)
	return all[len(all)/2]
}
