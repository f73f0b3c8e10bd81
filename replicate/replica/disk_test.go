package replica

import (
	"errors"
	"os"
	ossignal "os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"outpost/replicate/change"
	"outpost/replicate/replicatest/smalldisk"
)

// onDisk opens a replica on a small disk. Its steps of the log are of 256 KiB.
func onDisk(t *testing.T, d *smalldisk.Disk) (*Replica, *hub) {
	t.Helper()
	return open(t, func(o *Options) { o.Path, o.WALBytes = filepath.Join(d.Dir, "replica.db"), 1<<20 })
}

// refused applies what the disk has no room for.
func refused(t *testing.T, r *Replica, d Delivery) {
	t.Helper()
	before, rows := r.State(), dump(t, r, countItems)
	err := r.Apply(t.Context(), []Delivery{d})
	if !errors.Is(err, ErrDisk) || errors.Is(err, ErrResync) || !strings.Contains(err.Error(), filepath.Dir(r.options.Path)+" is full: make room") {
		t.Fatalf("got %v", err)
	}
	equal(t, "state", r.State(), before)
	equal(t, "rows", dump(t, r, countItems), rows)
}

func TestAFullDiskKeepsOutSmallTransactions(t *testing.T) {
	smalldisk.Run(t, 8<<20, func(t *testing.T, disk *smalldisk.Disk) {
		r, h := onDisk(t, disk)
		n := 0
		next := func() Delivery {
			n++
			return h.tx(insert(items(), row(n, 7, n, strings.Repeat("x", 3000))))
		}
		for range 20 {
			apply(t, r, next())
		}
		disk.Fill(64 << 10)
		d := next()
		var err error
		for err == nil { // some still find room
			if err = r.Apply(t.Context(), []Delivery{d}); err == nil {
				d = next()
			}
		}
		for range 5 {
			refused(t, r, d)
		}
		// A snapshot of it does not fit either, and leaves nothing behind.
		if _, err := r.Snapshot(t.Context(), filepath.Join(disk.Dir, "snapshot.db")); !errors.Is(err, ErrDisk) {
			t.Errorf("a snapshot: %v", err)
		}
		entries, err := os.ReadDir(disk.Dir)
		must(t, err)
		for _, entry := range entries {
			if strings.HasPrefix(entry.Name(), "snapshot") {
				t.Errorf("%s is left behind", entry.Name())
			}
		}
		disk.Free()
		apply(t, r, d)
		apply(t, r, next())
		equal(t, "rows", dump(t, r, "SELECT count(*) = max(id) AND min(id) = 1 FROM items"), "1")
		must(t, r.Read(t.Context(), func(v View) error { return sound(v.Tx) }))
		must(t, r.Close())
		equal(t, "loaded", reopen(t, r.options).Loaded(), true)
	})
}

func TestAFullDiskKeepsOutALargeTransaction(t *testing.T) {
	smalldisk.Run(t, 8<<20, func(t *testing.T, disk *smalldisk.Disk) {
		r, h := onDisk(t, disk)
		apply(t, r, h.tx(insert(items(), row(1, 7, "one", nil))))
		kept, seq := h.lsn, h.seq
		var records [][]byte
		// So that SQLite writes of it before its end.
		must(t, r.file.Load().writer.exec(t.Context(), "PRAGMA cache_size = -1000"))
		for i := range 120 {
			records = append(records, insert(items(), row(i+2, 7, "x", strings.Repeat("x", 100_000))))
		}
		var err error
		for _, part := range h.parts(1, 20, records...) {
			if err = r.Apply(t.Context(), []Delivery{part}); err != nil {
				break
			}
		}
		if !errors.Is(err, ErrDisk) {
			t.Fatalf("got %v", err)
		}
		// What it had written is given back: others have room.
		if size := r.Stats().WALBytes; size > 0 {
			t.Errorf("the log still holds %d bytes", size)
		}
		h.lsn, h.seq = kept, seq
		apply(t, r, h.parts(2, 20, records[:20]...)...)
		equal(t, "rows", dump(t, r, countItems), "21")
		must(t, r.Read(t.Context(), func(v View) error { return sound(v.Tx) }))
	})
}

// TestAFullDiskStopsACheckpoint has room for the log only, so that the file cannot grow.
func TestAFullDiskStopsACheckpoint(t *testing.T) {
	smalldisk.Run(t, 8<<20, func(t *testing.T, disk *smalldisk.Disk) {
		r, h := onDisk(t, disk)
		r.file.Load().checkpointAt = 2 << 20
		n := 0
		next := func() Delivery {
			n++
			return h.tx(insert(items(), row(n, 7, n, strings.Repeat("x", 20_000))))
		}
		for r.Stats().WALBytes < 2<<20-50_000 {
			apply(t, r, next())
		}
		disk.Fill(128 << 10)
		var err error
		for err == nil {
			err = r.Apply(t.Context(), []Delivery{next()})
		}
		if !errors.Is(err, ErrDisk) || !strings.Contains(err.Error(), "log") {
			t.Fatalf("got %v", err)
		}
		equal(t, "phase", r.file.Load().mark.phase, moving)
		h.seq, h.lsn = r.State().Seq, r.State().Position.LSN
		n = int(h.seq - 10)
		rows := dump(t, r, countItems)
		// Whoever kills it now finds the same after a new start.
		killed := filepath.Join(t.TempDir(), "replica.db")
		for _, suffix := range []string{"", "-wal", markSuffix} {
			content, err := os.ReadFile(r.options.Path + suffix)
			must(t, err)
			must(t, os.WriteFile(killed+suffix, content, 0o600))
		}
		equal(t, "rows", dump(t, reopen(t, Options{Path: killed}), countItems), rows)
		disk.Free()
		for range 40 {
			apply(t, r, next())
		}
		equal(t, "phase", r.file.Load().mark.phase, whole)
		equal(t, "rows", dump(t, r, "SELECT count(*) = max(id) AND min(id) = 1 FROM items"), "1")
		must(t, r.Read(t.Context(), func(v View) error { return sound(v.Tx) }))
	})
}

// TestAFullDiskEndsACopy leaves nothing of it behind, nor changes the replica.
func TestAFullDiskEndsACopy(t *testing.T) {
	smalldisk.Run(t, 8<<20, func(t *testing.T, disk *smalldisk.Disk) {
		r, h := onDisk(t, disk)
		apply(t, r, h.tx(insert(items(), row(1, 7, "one", nil))))
		for _, room := range []int64{0, 1 << 20} {
			disk.Fill(room)
			var before, after syscall.Statfs_t
			must(t, syscall.Statfs(disk.Dir, &before))
			path := filepath.Join(disk.Dir, "copy.db")
			loader, err := Create(t.Context(), path)
			if err == nil {
				err = loader.Begin(h.tables)
			}
			for i := 0; err == nil && i < 1000; i++ {
				err = loader.Row(items(), row(i+1, 7, "x", strings.Repeat("x", 100_000)))
			}
			if err = OnDisk(path, err); !errors.Is(err, ErrDisk) {
				t.Errorf("got %v", err)
			}
			if loader != nil {
				loader.Abort()
			}
			left, err := filepath.Glob(path + "*")
			must(t, err)
			equal(t, "files left behind", len(left), 0)
			must(t, syscall.Statfs(disk.Dir, &after)) // a file that is removed while it is open takes its room still
			equal(t, "blocks free", after.Bfree, before.Bfree)
			disk.Free()
		}
		apply(t, r, h.tx(insert(items(), row(2, 7, "two", nil))))
		equal(t, "items", dump(t, r, allItems), "1|7|one|NULL\n2|7|two|NULL")
	})
}

// TestAFullDiskKeepsOutAChangeOfTheSchema is a matter of room too, which another file does not help.
func TestAFullDiskKeepsOutAChangeOfTheSchema(t *testing.T) {
	smalldisk.Run(t, 16<<20, func(t *testing.T, disk *smalldisk.Disk) {
		r, h := alterable(t, func(o *Options) { o.Path, o.WALBytes = filepath.Join(disk.Dir, "replica.db"), 1<<20 })
		for i := range 100 {
			apply(t, r, h.tx(insert(items(), row(i+3, 7, "x", strings.Repeat("x", 20_000)))))
		}
		disk.Fill(64 << 10)
		// So that SQLite writes of it before its end.
		must(t, r.file.Load().writer.exec(t.Context(), "PRAGMA cache_size = -100"))
		now := becomes(numbered(items()), rename(3, "rowid")) // for which the table is made anew
		d := h.tx(altering(t, change.SchemaChange{Tables: []*change.Table{now}}))
		for range 2 {
			refused(t, r, d)
		}
		disk.Free()
		apply(t, r, d)
		equal(t, "rows", dump(t, r, "SELECT count(rowid) FROM items"), "101")
		must(t, r.Read(t.Context(), func(v View) error { return sound(v.Tx) }))
	})
}

// TestAFullDiskKeepsOutANewFile has room for what the program's objects add to it in its log,
// but not in the file too: without its log that would be torn.
func TestAFullDiskKeepsOutANewFile(t *testing.T) {
	smalldisk.Run(t, 16<<20, func(t *testing.T, disk *smalldisk.Disk) {
		derived := Object{Name: "derived", SQL: "CREATE TABLE derived AS SELECT * FROM items"}
		r, h := open(t, func(o *Options) {
			o.Path, o.Objects = filepath.Join(disk.Dir, "replica.db"), []Object{derived}
		})
		apply(t, r, h.tx(insert(items(), row(1, 7, "old", nil))))
		var rows []change.Row
		for i := range 200 {
			rows = append(rows, row(i+1, 7, "new", strings.Repeat("x", 15_000)))
		}
		path := filepath.Join(disk.Dir, "fresh.db")
		fill(t, h, path, rows...)
		disk.Fill(4 << 20)
		for range 2 {
			if err := r.Swap(t.Context(), path); !errors.Is(err, ErrDisk) {
				t.Fatalf("got %v", err)
			}
			equal(t, "items", dump(t, r, allItems), "1|7|old|NULL")
		}
		disk.Free()
		must(t, r.Swap(t.Context(), path))
		equal(t, "rows", dump(t, r, "SELECT count(*) FROM derived"), "200")
		must(t, r.Read(t.Context(), func(v View) error { return sound(v.Tx) }))
	})
}

// TestOpeningOnADiskThatTakesNothing is refused with what to do, and the file left as it is.
func TestOpeningOnADiskThatTakesNothing(t *testing.T) {
	smalldisk.Run(t, 8<<20, func(t *testing.T, disk *smalldisk.Disk) {
		r, h := onDisk(t, disk)
		apply(t, r, h.tx(insert(items(), row(1, 7, "one", nil))))
		must(t, r.Close())
		o := r.options
		for what, refuse := range map[string]func(yes bool){
			"is full": func(yes bool) {
				if yes {
					disk.Fill(0)
				} else {
					disk.Free()
				}
			},
			"cannot be written to": disk.ReadOnly,
		} {
			refuse(true)
			_, err := Open(t.Context(), o)
			if !errors.Is(err, ErrDisk) || !strings.Contains(err.Error(), disk.Dir) {
				t.Errorf("on a disk that %s: %v", what, err)
			}
			refuse(false)
			r, err := Open(t.Context(), o)
			must(t, err)
			equal(t, "items", dump(t, r, allItems), "1|7|one|NULL")
			must(t, r.Close())
		}
	})
}

// TestALockThatAnotherProgramHoldsIsWaitedFor begins to write the file in another program.
func TestALockThatAnotherProgramHoldsIsWaitedFor(t *testing.T) {
	r, h := open(t)
	d := h.tx(insert(items(), row(1, 7, "one", nil)))
	must(t, withFile(r.options.Path, "rw", func(c *conn) error {
		must(t, c.exec(t.Context(), "BEGIN IMMEDIATE"))
		err := r.Apply(t.Context(), []Delivery{d})
		if !errors.Is(err, ErrDisk) || errors.Is(err, ErrResync) || !strings.Contains(err.Error(), "another program holds a lock on "+r.options.Path) {
			t.Errorf("got %v", err)
		}
		equal(t, "items", dump(t, r, countItems), "0")
		return c.exec(t.Context(), "ROLLBACK")
	}))
	apply(t, r, d)
	equal(t, "items", dump(t, r, allItems), "1|7|one|NULL")
}

// TestADiskThatFails lets no file grow, as one that fails: a write ends in an error that is
// not want of room.
func TestADiskThatFails(t *testing.T) {
	smalldisk.Run(t, 8<<20, func(t *testing.T, disk *smalldisk.Disk) {
		r, h := onDisk(t, disk)
		apply(t, r, h.tx(insert(items(), row(1, 7, "one", nil))))
		ossignal.Ignore(syscall.SIGXFSZ)
		var limit syscall.Rlimit
		must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit))
		d := h.tx(insert(items(), row(2, 7, "two", strings.Repeat("x", 100_000))))
		must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(r.Stats().WALBytes), Max: limit.Max}))
		for range 3 {
			err := r.Apply(t.Context(), []Delivery{d})
			if !errors.Is(err, ErrDisk) || errors.Is(err, ErrResync) || !strings.Contains(err.Error(), "the disk of "+disk.Dir+" fails") {
				t.Fatalf("got %v", err)
			}
			equal(t, "items", dump(t, r, countItems), "1")
		}
		must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit))
		apply(t, r, d)
		equal(t, "items", dump(t, r, countItems), "2")
		must(t, r.Read(t.Context(), func(v View) error { return sound(v.Tx) }))
	})
}

// TestAFileThatMayNotBeWritten is what SQLite says when the disk was mounted read-only.
func TestAFileThatMayNotBeWritten(t *testing.T) {
	r, h := open(t)
	writer := r.file.Load().writer
	d := h.tx(insert(items(), row(1, 7, "one", nil)))
	must(t, writer.exec(t.Context(), "PRAGMA query_only = 1"))
	if err := r.Apply(t.Context(), []Delivery{d}); !errors.Is(err, ErrDisk) || errors.Is(err, ErrResync) || !strings.Contains(err.Error(), "cannot be written to") {
		t.Errorf("got %v", err)
	}
	must(t, writer.exec(t.Context(), "PRAGMA query_only = 0"))
	apply(t, r, d)
	equal(t, "items", dump(t, r, countItems), "1")
}
