package hub

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/pump"
)

// TestATransactionLargerThanTheStreamIsCopied fills the stream with the parts of one
// transaction: nothing of it can be dropped, and waiting would not help.
func TestATransactionLargerThanTheStreamIsCopied(t *testing.T) {
	f := newFixture(t)
	f.streamBytes = 8 << 20
	f.start()
	f.reaches(f.replica, "the primary's replica")
	generation := f.generation()
	f.exec("INSERT INTO course SELECT i, 'large', noise(100000) FROM generate_series(2001, 2120) i")
	f.reaches(f.replica, "the primary's replica")
	if f.generation() == generation {
		t.Error("the transaction went through the stream")
	}
	f.exec("UPDATE course SET title = 'afterwards' WHERE id = 7")
	f.reaches(f.replica, "the primary's replica")
}

// TestASnapshotOfTheSameStateCanBeGivenAgain is a hub whose Postgres is away: nothing moves,
// and edges come all the same. Files of an earlier process do not stay.
func TestASnapshotOfTheSameStateCanBeGivenAgain(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	f.stop()
	f.build()
	left := filepath.Join(f.dir, "hub", "snapshot-1-1.zst")
	if err := os.WriteFile(left, []byte("of an earlier process"), 0o600); err != nil {
		t.Fatal(err)
	}
	defer f.hub.snapshots.open(t.Context(), f.generation(), false)()
	first, err := f.hub.OpenSnapshot(t.Context(), "syd", "")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	was, err := first.Stat()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		f.hub.snapshots.newest.made = time.Now().Add(-2 * snapshotAge)
		again, err := f.hub.OpenSnapshot(t.Context(), "syd", "")
		if err != nil {
			t.Fatalf("a snapshot of the same state: %v", err)
		}
		defer again.Close()
		info, err := again.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if os.SameFile(was, info) {
			t.Error("a file that somebody is downloading was written again")
		}
	}
	files, err := filepath.Glob(filepath.Join(f.dir, "hub", "snapshot*"))
	if err != nil || len(files) != 1 {
		t.Errorf("files kept: %q, %v", files, err)
	}
}

func TestLeasesThatAreOverAreForgotten(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	s := &f.hub.snapshots
	s.mu.Lock()
	s.leases = make(map[string]lease)
	for i := range 1000 {
		s.leases[fmt.Sprint("region ", i)] = lease{}
	}
	s.mu.Unlock()
	f.eventually("a snapshot is given", func() error {
		d, err := f.hub.OpenSnapshot(t.Context(), "syd", "")
		if err == nil {
			err = d.Close()
		}
		return err
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.leases); n != 1 {
		t.Errorf("%d leases are held for one download", n)
	}
}

// TestUnpublishedTrafficDoesNotFillTheStream writes beside the publication as fast as it
// can: the position moves, with few messages, and at once when somebody waits for it.
func TestUnpublishedTrafficDoesNotFillTheStream(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	messages := func() uint64 {
		t.Helper()
		b, err := f.hub.Conn.Bounds(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return b.Last
	}
	began, before := time.Now(), messages()
	for i := range 1000 {
		f.exec("INSERT INTO private VALUES ($1, repeat('x', 1000))", i)
	}
	took, sent := time.Since(began), messages()-before
	if limit := 2 + uint64(took/pump.BeatInterval); sent > limit {
		t.Errorf("1000 unpublished writes in %v made %d messages, want at most %d", took, sent, limit)
	}
	for i := range 20 {
		f.exec("INSERT INTO private VALUES ($1, 'waited for')", 1000+i)
		at := change.Position{Generation: f.generation(), LSN: f.written()}
		f.hub.Expect(at.LSN)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err := f.replica.Wait(ctx, at)
		cancel()
		if err != nil {
			t.Fatalf("position %s, which is waited for: %v", at, err)
		}
	}
}
