package follow

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"outpost/replicate/replica"
	"outpost/replicate/replicatest/logbuffer"
	"outpost/replicate/replicatest/smalldisk"
)

// edgeOn runs an edge of h whose folder is dir, with snapshots of the file.
func (h *hub) edgeOn(t *testing.T, dir, snapshot string) (*Edge, *logbuffer.Buffer) {
	t.Helper()
	f := h.follower(dir, at(1, 0, 0))
	server, logged := serve(t, snapshot), new(logbuffer.Buffer)
	edge := NewEdge(f.Replica, f.Conn, &Snapshots{URL: server.URL, Client: server.Client(), Sign: func(http.Header) {}, Dir: dir},
		slog.New(slog.NewTextHandler(logged, nil)))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- edge.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return edge, logged
}

// texts are the different texts in a replica's notes.
func texts(t *testing.T, r *replica.Replica) (out string) {
	t.Helper()
	err := r.Read(t.Context(), func(v replica.View) error {
		return v.Tx.QueryRowContext(t.Context(), "SELECT group_concat(DISTINCT text) FROM note").Scan(&out)
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestAnEdgeWaitsForRoom fills its disk while it follows, and again when it needs a snapshot.
func TestAnEdgeWaitsForRoom(t *testing.T) {
	smalldisk.Run(t, 8<<20, func(t *testing.T, disk *smalldisk.Disk) {
		h := startHub(t, t.TempDir(), 0)
		h.beat(1, 5)
		snapshot := filepath.Join(t.TempDir(), "snapshot.db")
		edge, logged := h.edgeOn(t, disk.Dir, snapshotOf(t, snapshot))
		r := edge.Replica
		has := func(seq uint64) func() bool { return func() bool { return r.State().Seq == seq } }
		told := func(n int) func() bool {
			return func() bool { return strings.Count(logged.String(), "level=ERROR") == n }
		}
		eventually(t, "the replica has all", has(5))

		// What its log held is room, too, until all of it is used up.
		eventually(t, "it is stale", func() bool {
			disk.Fill(0)
			h.beat(1, 1)
			_, stale := edge.Stale()
			return stale
		})
		eventually(t, "it says so", told(1))
		if got := texts(t, r); got != "first" || has(uint64(h.next))() {
			t.Errorf("it shows %s at %v", got, r.State())
		}
		disk.Free()
		eventually(t, "it has all, and is current", func() bool {
			h.beat(1, 1)
			_, stale := edge.Stale()
			return !stale && has(uint64(h.next))()
		})

		resynced := time.Now()
		disk.Fill(64 << 10)
		h.beat(2, 1)
		eventually(t, "it takes a snapshot", func() bool {
			return strings.Contains(logged.String(), "takes a new snapshot")
		})
		eventually(t, "it lacks the room", func() bool {
			edge.hindrance.mu.Lock()
			defer edge.hindrance.mu.Unlock()
			return edge.hindrance.last.After(resynced)
		})
		if got := texts(t, r); got != "first" {
			t.Errorf("it shows %s", got)
		}
		disk.Free()
		eventually(t, "it has the snapshot", func() bool { return r.State().Position.Generation == 2 })
		if got := texts(t, r); got != "second" {
			t.Errorf("it shows %s", got)
		}
		said := logged.String()
		if n := strings.Count(said, "level=ERROR"); n > 2 {
			t.Errorf("it was told %d times", n)
		}
		if !strings.Contains(said, "the disk of "+disk.Dir+" is full: make room there") {
			t.Errorf("logged %s", said)
		}
	})
}

// snapshotOf makes one of generation 2, as large as a third of the disk.
func snapshotOf(t *testing.T, path string) string {
	t.Helper()
	fill(t, path, at(2, 9, 1000), 10_000, "second")
	return path
}

// TestWhatStandsInTheWayOfASnapshot has folders, and what other downloads left, where a
// snapshot is to be.
func TestWhatStandsInTheWayOfASnapshot(t *testing.T) {
	newer := filepath.Join(t.TempDir(), "newer.db")
	fill(t, newer, at(1, 20, 20), 4000, "newer")
	server := serve(t, newer)
	long := bytes.Repeat([]byte("long "), 1<<20)
	for name, put := range map[string]func(dir string) error{
		"a folder for the download": func(dir string) error { return os.Mkdir(filepath.Join(dir, "snapshot.part"), 0o700) },
		"a folder for its tag":      func(dir string) error { return os.Mkdir(filepath.Join(dir, "snapshot.part.etag"), 0o700) },
		"a folder for the file":     func(dir string) error { return os.Mkdir(filepath.Join(dir, "snapshot.db"), 0o700) },
		"a download without a tag":  func(dir string) error { return os.WriteFile(filepath.Join(dir, "snapshot.part"), long, 0o600) },
		"a tag without a download": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "snapshot.part.etag"), []byte("tag"), 0o600)
		},
		"a download that is longer": func(dir string) error {
			if err := os.WriteFile(filepath.Join(dir, "snapshot.part.etag"), []byte("tag"), 0o600); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, "snapshot.part"), long, 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := put(dir); err != nil {
				t.Fatal(err)
			}
			r := open(t, replica.Options{Path: filepath.Join(dir, "replica.db"), Log: quiet()})
			edge := NewEdge(r, nil, &Snapshots{URL: server.URL, Client: server.Client(), Sign: func(http.Header) {}, Dir: dir}, quiet())
			var err error
			for range 2 { // what was spoilt is thrown away first
				if err = edge.install(t.Context()); err == nil {
					break
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := texts(t, r); got != "newer" {
				t.Errorf("it shows %s", got)
			}
		})
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "snapshot.part", "somebody's"), 0o700); err != nil {
		t.Fatal(err)
	}
	r := open(t, replica.Options{Path: filepath.Join(dir, "replica.db"), Log: quiet()})
	edge := NewEdge(r, nil, &Snapshots{URL: server.URL, Client: server.Client(), Sign: func(http.Header) {}, Dir: dir}, quiet())
	if err := edge.install(t.Context()); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("got %v", err)
	}
}
