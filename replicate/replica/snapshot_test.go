package replica

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestSnapshotIsAReplicaOfItsOwn(t *testing.T) {
	objects := []Object{{Name: "items_name", SQL: "CREATE INDEX items_name ON items (name)"}}
	r, h := open(t, func(o *Options) { o.Objects = objects })
	apply(t, r, h.tx(insert(items(), row(1, 7, "one", nil))))
	apply(t, r, h.parts(1, 3, large(3)...)[:2]...) // not committed, so not in it
	path := filepath.Join(t.TempDir(), "snapshot.db")
	must(t, os.WriteFile(path, []byte("an older one"), 0o600))
	state, err := r.Snapshot(t.Context(), path)
	must(t, err)
	equal(t, "state", state, r.State())
	inspected, err := Inspect(t.Context(), path)
	must(t, err)
	equal(t, "state in the copy", inspected, state)
	entries, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	equal(t, "files", len(entries), 1)

	// Elsewhere it is installed and followed from there.
	must(t, r.Abandon(t.Context()))
	other := reopen(t, Options{Path: filepath.Join(t.TempDir(), "edge.db"), Objects: objects})
	must(t, other.Swap(t.Context(), path))
	h.seq, h.lsn = state.Seq, state.Position.LSN
	d := h.tx(insert(items(), row(2, 7, "two", nil)))
	apply(t, r, d)
	apply(t, other, d)
	equal(t, "items", dump(t, other, allItems), dump(t, r, allItems))
}

// Each snapshot holds the rows of exactly the state it names.
func TestSnapshotWhileApplying(t *testing.T) {
	r, h := open(t)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Add(1)
	go func() {
		defer wg.Done()
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				if err := r.Apply(context.Background(), []Delivery{h.tx(insert(items(), row(i, 7, "x", nil)))}); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	first := r.State().Seq
	for range 5 {
		path := filepath.Join(t.TempDir(), "snapshot.db")
		state, err := r.Snapshot(t.Context(), path)
		must(t, err)
		copied := reopen(t, Options{Path: path})
		equal(t, "rows", dump(t, copied, countItems), dump(t, copied, "SELECT ?", int64(state.Seq-first)))
	}
	close(stop)
	wg.Wait()
}

func TestSwapEndsASnapshot(t *testing.T) {
	r, h := open(t)
	ctx, end, err := r.snapshots.start(t.Context())
	must(t, err)
	var cause error
	go func() {
		<-ctx.Done()
		cause = context.Cause(ctx)
		end()
	}()
	must(t, r.Swap(t.Context(), freshFile(t, h, "new")))
	if !errors.Is(cause, errReplaced) {
		t.Errorf("it ended with %v", cause)
	}
	_, err = r.Snapshot(t.Context(), filepath.Join(t.TempDir(), "s.db"))
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(t.TempDir(), "s.db")
	if _, err := r.Snapshot(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	equal(t, "files", len(entries), 0)
}

func TestSetSeq(t *testing.T) {
	h := newHub(items())
	path := filepath.Join(t.TempDir(), "x.db")
	fill(t, h, path)
	must(t, SetSeq(t.Context(), path, 1<<63+5))
	state, err := Inspect(t.Context(), path)
	must(t, err)
	equal(t, "sequence", state.Seq, 1<<63+5)
	equal(t, "position", state.Position, h.state().Position)
	if err := SetSeq(t.Context(), path+"-none", 1); err == nil {
		t.Error("a file that is not there was stamped")
	}
}
