package hub

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"outpost/replicate/disktest"
	"outpost/replicate/replica"
	"outpost/replicate/stream"
)

// onDisk has the stream on a disk of its own.
func onDisk(t *testing.T) (*fixture, *disktest.Disk) {
	f := newFixture(t)
	disk := disktest.New(t, 64<<20)
	f.streamDir = filepath.Join(disk.Path, "stream")
	return f, disk
}

// TestAFullDiskOfTheStreamIsOutlasted fills the disk under a hub that runs. NATS never
// writes again after that; with room it goes on by itself, and nothing was lost.
func TestAFullDiskOfTheStreamIsOutlasted(t *testing.T) {
	f, disk := onDisk(t)
	f.start()
	edge, _ := f.edge("syd", nil)
	f.reaches(edge, "the edge")
	generation := f.generation()

	disk.Fill()
	// What cannot be packed: what can would find room in the block that there is.
	f.exec("INSERT INTO course SELECT i, 'while it is full', noise(10000) FROM generate_series(1001, 1400) i")
	written := f.written()
	f.eventually("the log says so", func() error { return f.says("is full; make room on it") })
	f.exec("UPDATE course SET title = 'while it is full' WHERE id <= 100")
	for _, r := range []*replica.Replica{f.replica, edge} {
		if n := rows(t, r); n != 100 {
			t.Errorf("while the disk is full a replica has %d rows, want what it had", n)
		}
	}
	f.eventually("the hub says why it waits", func() error {
		return f.says("reading from Postgres broke off; trying again\" error=\"opening the stream: the disk of the stream")
	})
	f.eventually("what is served is marked stale", func() error {
		if age, stale := f.hub.Follower.Stale(); !stale {
			return fmt.Errorf("it counts as %v old", age)
		}
		return nil
	})
	if n := strings.Count(f.logged.String(), "the stream cannot be written to"); n != 1 {
		t.Errorf("the full disk was logged %d times", n)
	}
	if confirmed := f.confirmed(); confirmed >= written {
		t.Errorf("Postgres was told to forget up to %s, and with that what was written up to %s and nobody has", confirmed, written)
	}

	disk.Empty()
	f.reaches(edge, "the edge")
	f.reaches(f.replica, "the primary's replica")
	f.exec("UPDATE course SET title = 'afterwards' WHERE id <= 100")
	f.reaches(edge, "the edge")
	if f.generation() != generation {
		t.Error("a new generation was begun although nothing was lost")
	}
}

// TestAReadOnlyDiskOfTheStreamIsOutlasted makes the disk read-only under a hub that runs,
// as a kernel does that no longer trusts it.
func TestAReadOnlyDiskOfTheStreamIsOutlasted(t *testing.T) {
	f, disk := onDisk(t)
	f.start()
	edge, _ := f.edge("syd", nil)
	f.reaches(edge, "the edge")
	generation := f.generation()

	disk.Seal()
	f.exec("UPDATE course SET title = 'while it is read-only' WHERE id <= 100")
	f.eventually("the log says so", func() error { return f.says("is read-only; mount it writable") })
	f.exec("UPDATE course SET title = 'still read-only' WHERE id <= 50")

	disk.Unseal()
	f.reaches(edge, "the edge")
	f.reaches(f.replica, "the primary's replica")
	if f.generation() != generation {
		t.Error("a new generation was begun although nothing was lost")
	}
}

// TestAServerOnAFullDiskSaysSo starts one there.
func TestAServerOnAFullDiskSaysSo(t *testing.T) {
	f, disk := onDisk(t)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	f.stop()
	start := func() error {
		s, err := stream.StartServer(stream.ServerOptions{Dir: f.streamDir, Log: f.log})
		if err == nil {
			s.Shutdown()
		}
		return err
	}
	disk.Fill()
	if err := start(); err == nil || !strings.Contains(err.Error(), "is full; make room on it") {
		t.Errorf("on a full disk: %v", err)
	}
	disk.Empty()
	disk.Seal()
	if err := start(); err == nil || !strings.Contains(err.Error(), "is read-only") {
		t.Errorf("on a read-only disk: %v", err)
	}
	disk.Unseal()
	generation := f.generation()
	f.start()
	f.exec("UPDATE course SET title = 'afterwards'")
	f.reaches(f.replica, "the primary's replica")
	if f.generation() != generation {
		t.Error("a new generation was begun although nothing was lost")
	}
}

func rows(t *testing.T, r *replica.Replica) (n int) {
	t.Helper()
	err := r.Read(t.Context(), func(v replica.View) error { return v.Tx.QueryRow("SELECT count(*) FROM course").Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}
