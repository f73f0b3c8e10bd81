package follow

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"outpost/replicate/replica"
	"outpost/replicate/replicatest/logbuffer"
)

// TestAPrimaryThatIsAwayIsNoLag takes the hub away in the middle of a burst: an edge that
// knew of more than it has must stay ready, and say how old its data is.
func TestAPrimaryThatIsAwayIsNoLag(t *testing.T) {
	h := startHub(t, t.TempDir(), 0)
	h.beat(1, 5)
	f := h.follower(t.TempDir(), at(1, 0, 0))
	ended := run(t, f)
	eventually(t, "the replica has all, and that is noted", func() bool {
		f.age.mu.Lock()
		defer f.age.mu.Unlock()
		return f.Replica.State().Seq == 5 && !f.age.current.IsZero() && f.age.waiting.IsZero()
	})
	// As after a delivery with more behind it, which then did not come.
	f.age.hear(time.Now())
	f.age.applied(time.Now().Add(-time.Hour), 7)
	if lag := f.Lag(); lag < time.Hour {
		t.Errorf("with the hub there the lag is %v, want an hour", lag)
	}
	h.stop()
	eventually(t, "the lag is not known", func() bool { return f.Lag() == 0 })
	if age, stale := f.Stale(); !stale || age < time.Hour {
		t.Errorf("the data is %v old, stale: %v; want an hour", age, stale)
	}
	select {
	case err := <-ended:
		if errors.Is(err, replica.ErrResync) {
			t.Error(err)
		}
	default:
	}
}

func TestNothingHeardIsStale(t *testing.T) {
	h := startHub(t, t.TempDir(), 0)
	h.beat(1, 1)
	f := h.follower(t.TempDir(), at(1, 1, 1))
	if _, stale := f.Stale(); !stale {
		t.Error("a follower that never ran calls its replica current")
	}
	h.stop()
	ended := run(t, f)
	eventually(t, "it has begun", func() bool {
		f.age.mu.Lock()
		defer f.age.mu.Unlock()
		return !f.age.began.IsZero()
	})
	if _, stale := f.Stale(); !stale {
		t.Error("a follower that has not heard of the stream calls its replica current")
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it followed a hub that is away")
		}
	default:
	}
}

// TestASilentHubIsToldByTheStream starts beside a stream that ended long ago: the replica
// has all of it, and is as old as its last message.
func TestASilentHubIsToldByTheStream(t *testing.T) {
	h := startHub(t, t.TempDir(), 0)
	h.beat(1, 1)
	b, err := h.conn.Bounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f := h.follower(t.TempDir(), at(1, 1, 1))
	run(t, f)
	eventually(t, "it is known how old the data is", func() bool {
		f.age.mu.Lock()
		defer f.age.mu.Unlock()
		return !f.age.current.IsZero()
	})
	// Hub and edge have the same clock here.
	if age, _ := f.Stale(); age < time.Since(b.Newest)-time.Second || age > time.Since(b.Newest)+time.Second {
		t.Errorf("the replica counts as %v old, the stream ended %v ago", age, time.Since(b.Newest))
	}
}

// TestASlowReplicaShowsItsLag has one that cannot commit, beside one that can.
func TestASlowReplicaShowsItsLag(t *testing.T) {
	h := startHub(t, t.TempDir(), 0)
	h.beat(1, 1)
	held := make(chan struct{})
	path := filepath.Join(t.TempDir(), "replica.db")
	fill(t, path, at(1, 0, 0), 1, "first")
	slow := &Follower{Replica: open(t, replica.Options{Path: path, Log: quiet(), Delay: func() { <-held }}), Conn: h.conn, Log: quiet()}
	quick := h.follower(t.TempDir(), at(1, 0, 0))
	run(t, slow)
	run(t, quick)
	release := sync.OnceFunc(func() { close(held) })
	t.Cleanup(release)
	eventually(t, "it shows its lag", func() bool { return slow.Lag() > time.Second })
	if _, stale := slow.Stale(); !stale {
		t.Error("what it has counts as current")
	}
	h.beat(1, 100)
	eventually(t, "the other one has all", func() bool { return quick.Replica.State().Seq == 101 })
	release()
	eventually(t, "it has caught up", func() bool { return slow.Lag() == 0 && slow.Replica.State().Seq == 101 })
}

// TestAnEdgeSlowerThanTheStreamTakesASnapshot holds one up until the stream has dropped what
// it has not applied. The hub and the other one do not notice.
func TestAnEdgeSlowerThanTheStreamTakesASnapshot(t *testing.T) {
	h := startHub(t, t.TempDir(), 0)
	h.beat(1, 1)
	quick := h.follower(t.TempDir(), at(1, 0, 0))
	run(t, quick)

	dir, snapshot := t.TempDir(), filepath.Join(t.TempDir(), "snapshot.db")
	const end = 50 // messages, of about a MiB: more than an edge takes into its memory
	fill(t, snapshot, at(1, 1+(end-1)*crowded, end), 1, "second")
	held := make(chan struct{})
	release := sync.OnceFunc(func() { close(held) })
	path := filepath.Join(dir, "replica.db")
	fill(t, path, at(1, 0, 0), 1, "first")
	server, logged := serve(t, snapshot), new(logbuffer.Buffer)
	edge := NewEdge(open(t, replica.Options{Path: path, Log: quiet(), Delay: func() { <-held }}), quick.Conn,
		&Snapshots{URL: server.URL, Client: server.Client(), Sign: func(http.Header) {}, Dir: dir}, slog.New(slog.NewTextHandler(logged, nil)))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- edge.Run(ctx) }()
	t.Cleanup(func() {
		release()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})

	eventually(t, "it is held up", func() bool { return edge.Lag() > 0 })
	h.crowd(1, end-1)
	eventually(t, "the other one has all", func() bool { return quick.Replica.State().Seq == end })
	if err := h.log.Purge(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	h.beat(1, 1)
	eventually(t, "the other one has all", func() bool { return quick.Replica.State().Seq == end+1 })
	if lag := edge.Lag(); lag == 0 || texts(t, edge.Replica) != "first" {
		t.Errorf("its lag is %v, it shows %s", lag, texts(t, edge.Replica))
	}
	release()
	eventually(t, "it has all", func() bool { return edge.Replica.State().Seq == end+1 })
	if n := strings.Count(logged.String(), "snapshot installed"); n != 1 || texts(t, edge.Replica) != "second" {
		t.Errorf("it installed %d snapshots and shows %s", n, texts(t, edge.Replica))
	}
}
