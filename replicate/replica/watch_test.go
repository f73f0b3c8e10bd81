package replica

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"outpost/replicate/replicatest/logbuffer"
)

// touched are the ways in which somebody else may touch an open replica: whether what it
// reads is still to be believed, and what is done.
var touched = []struct {
	name     string
	damaged  bool
	touch    func(t *testing.T, path string)
	silently bool // nothing but a look at the files can tell
}{
	{"the file removed", false, func(t *testing.T, path string) { must(t, os.Remove(path)) }, true},
	{"all of it removed", false, func(t *testing.T, path string) {
		must(t, errors.Join(os.Remove(path), os.Remove(path+"-wal"), os.Remove(path+"-shm")))
	}, true},
	{"the log removed", false, func(t *testing.T, path string) { must(t, os.Remove(path+"-wal")) }, true},
	{"the index removed", false, func(t *testing.T, path string) { must(t, os.Remove(path+"-shm")) }, true},
	{"another file in its place", false, func(t *testing.T, path string) {
		h := newHub(items(), links())
		fill(t, h, path+".other", row(1, 7, "somebody else's", nil))
		must(t, os.Rename(path+".other", path))
	}, true},
	{"emptied", true, func(t *testing.T, path string) { must(t, os.Truncate(path, 0)) }, false},
	{"cut to half", true, func(t *testing.T, path string) { must(t, os.Truncate(path, fileSize(path)/2)) }, false},
	{"cut off by a page", true, func(t *testing.T, path string) { must(t, os.Truncate(path, fileSize(path)-4096)) }, false},
	{"header overwritten", true, func(t *testing.T, path string) { scribble(t, path, 0) }, false},
	{"a value overwritten", true, func(t *testing.T, path string) {
		content, err := os.ReadFile(path)
		must(t, err)
		at := bytes.LastIndex(content, []byte("wwwwwwww"))
		if at < 0 {
			t.Fatal("the file has no such value")
		}
		scribble(t, path, int64(at)-504)
	}, true},
	{"rubbish throughout", true, func(t *testing.T, path string) {
		for at := int64(0); at < fileSize(path); at += 512 {
			scribble(t, path, at)
		}
	}, false},
	{"the log emptied", true, func(t *testing.T, path string) { must(t, os.Truncate(path+"-wal", 0)) }, false},
	{"the log cut to half", true, func(t *testing.T, path string) { must(t, os.Truncate(path+"-wal", fileSize(path+"-wal")/2)) }, false},
}

// openTouched opens a replica with rows in the file and in its log; its readers have each
// one connection open.
func openTouched(t *testing.T) (*Replica, *hub, *logbuffer.Buffer) {
	t.Helper()
	logged := new(logbuffer.Buffer)
	r, h := open(t, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(logged, nil)) })
	for i := range 30 {
		apply(t, r, h.tx(insert(items(), row(i+1, 7, "right", strings.Repeat("w", 20_000)))))
	}
	if done, err := r.file.Load().emptyLog(t.Context(), false); err != nil || !done {
		t.Fatalf("the log was not emptied: %v", err)
	}
	for i := range 5 {
		apply(t, r, h.tx(update(items(), nil, row(i+1, 7, "right", strings.Repeat("w", 10_000)))))
	}
	equal(t, "rows", dump(t, r, countItems), "30")
	return r, h, logged
}

// TestFilesThatSomebodyTouchesAreLoadedAgain applies the next message after somebody
// touched the files: it is refused, with what to read still right, or nothing to read.
func TestFilesThatSomebodyTouchesAreLoadedAgain(t *testing.T) {
	for _, c := range touched {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, h, logged := openTouched(t)
			c.touch(t, r.options.Path)
			before := r.State()
			for range 3 {
				err := r.Apply(t.Context(), []Delivery{h.tx(insert(items(), row(100, 7, "more", nil)))})
				if !errors.Is(err, ErrResync) {
					t.Fatalf("got %v", err)
				}
				h.seq, h.lsn = h.seq-1, h.lsn-10
			}
			equal(t, "state", r.State(), before)
			equal(t, "loaded", r.Loaded(), !c.damaged)
			if _, err := r.Snapshot(t.Context(), filepath.Join(t.TempDir(), "snapshot.db")); err == nil {
				t.Error("a snapshot was taken")
			}
			readsAreRight(t, r, c.damaged)
			if n := strings.Count(logged.String(), "ERROR"); n != 1 {
				t.Errorf("logged %d times:\n%s", n, logged.String())
			}

			h.header.Generation++
			must(t, r.Swap(t.Context(), freshFile(t, h, "new")))
			apply(t, r, h.tx(insert(items(), row(2, 7, "two", nil))))
			equal(t, "items", dump(t, r, allItems), "1|7|new|NULL\n2|7|two|NULL")
			must(t, r.Close())
			again := reopen(t, r.options)
			equal(t, "items", dump(t, again, allItems), "1|7|new|NULL\n2|7|two|NULL")
		})
	}
}

// TestFilesThatSomebodyTouchesAreNoticedWhileNothingArrives has no message to apply.
func TestFilesThatSomebodyTouchesAreNoticedWhileNothingArrives(t *testing.T) {
	for _, c := range touched {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, _, _ := openTouched(t)
			f := r.file.Load()
			began := time.Now()
			c.touch(t, r.options.Path)
			until(t, func() bool { return f.doubt.Load() != nil })
			if took := time.Since(began); took > watchInterval+time.Second {
				t.Errorf("it took %v", took)
			}
			equal(t, "loaded", r.Loaded(), !c.damaged)
			readsAreRight(t, r, c.damaged)
		})
	}
}

// readsAreRight reads over all connections at once, new ones among them.
func readsAreRight(t *testing.T, r *Replica, damaged bool) {
	t.Helper()
	var all sync.WaitGroup
	begun := make(chan struct{}, r.options.Readers)
	for range r.options.Readers {
		all.Go(func() {
			err := r.Read(context.Background(), func(v View) error {
				begun <- struct{}{}
				out, err := dumpTx(v.Tx, "SELECT count(*), count(DISTINCT name), min(name), min(note) > 'wwww', max(note) < 'x' FROM items")
				if err == nil && out != "30|1|right|1|1" {
					t.Errorf("read %s", out)
				}
				return err
			})
			if damaged && !errors.Is(err, ErrNotLoaded) {
				t.Errorf("read from a damaged file: %v", err)
			}
		})
	}
	all.Wait()
	if !damaged && len(begun) == 0 {
		t.Error("nobody could read")
	}
}

// TestAReaderOfAnotherFileIsTurnedAway replaces the file and reads at once, over a new
// connection: it would lead to the other file.
func TestAReaderOfAnotherFileIsTurnedAway(t *testing.T) {
	for _, c := range touched {
		if !c.silently || c.damaged {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			r, _, _ := openTouched(t)
			c.touch(t, r.options.Path)
			readsAreRight(t, r, false)
		})
	}
}

// TestAnIndexOfRubbishIsMadeAnew overwrites SQLite's index of the log while it is used.
func TestAnIndexOfRubbishIsMadeAnew(t *testing.T) {
	r, h, _ := openTouched(t)
	f, err := os.OpenFile(r.options.Path+"-shm", os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteAt(bytes.Repeat([]byte{0x5A}, 32768), 0)
	must(t, errors.Join(err, f.Close()))
	readsAreRight(t, r, false)
	apply(t, r, h.tx(insert(items(), row(31, 7, "right", strings.Repeat("w", 20_000)))))
	equal(t, "rows", dump(t, r, countItems), "31")
	must(t, r.Read(t.Context(), func(v View) error { return sound(v.Tx) }))
}

// TestTheFilesChangeUnderTheEyesOfTheWatch applies, empties the log, exchanges the file and
// takes snapshots while somebody looks all the time: nothing of it is taken for a fault.
func TestTheFilesChangeUnderTheEyesOfTheWatch(t *testing.T) {
	logged := new(logbuffer.Buffer)
	r, h := open(t, func(o *Options) {
		o.WALBytes, o.Log = 64<<10, slog.New(slog.NewTextHandler(logged, nil))
	})
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 1 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				f := r.file.Load()
				if f == nil {
					continue
				}
				if err := f.intact(); err != nil && r.file.Load() == f {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := r.examineTables(t.Context()); err != nil && !errors.Is(err, errReplaced) && !errors.Is(err, context.Canceled) {
				t.Error(err)
				return
			}
		}
	})
	for round := range 3 {
		for i := range 25 {
			apply(t, r, h.tx(insert(items(), row(100*round+i+10, 7, "x", strings.Repeat("x", 8000)))))
		}
		h.header.Generation++
		must(t, r.Swap(t.Context(), freshFile(t, h, strconv.Itoa(round))))
	}
	close(stop)
	all.Wait()
	if said := logged.String(); said != "" {
		t.Errorf("logged %s", said)
	}
}

// TestDamageIsFoundBeforeSomebodyMeetsIt overwrites pages as a disk does that fails: the
// file system knows nothing of it.
func TestDamageIsFoundBeforeSomebodyMeetsIt(t *testing.T) {
	r, h, _ := openTouched(t)
	must(t, r.examineTables(t.Context()))
	info, err := os.Stat(r.options.Path)
	must(t, err)
	for page := int64(3); page < 8; page++ {
		for at := int64(0); at < 4096; at += 512 {
			scribble(t, r.options.Path, page*4096+at)
		}
	}
	must(t, os.Chtimes(r.options.Path, time.Time{}, info.ModTime()))
	must(t, r.file.Load().intact())
	if err := r.examineTables(t.Context()); !isDamage(err) {
		t.Errorf("got %v", err)
	}
	equal(t, "loaded", r.Loaded(), false)
	if err := r.Apply(t.Context(), []Delivery{h.tx()}); !errors.Is(err, ErrResync) {
		t.Errorf("got %v", err)
	}
}

func TestASnapshotThatMeetsDamageTellsOfIt(t *testing.T) {
	r, h, _ := openTouched(t)
	info, err := os.Stat(r.options.Path)
	must(t, err)
	for page := int64(3); page < 8; page++ {
		scribble(t, r.options.Path, page*4096)
	}
	must(t, os.Chtimes(r.options.Path, time.Time{}, info.ModTime()))
	folder := t.TempDir()
	if _, err := r.Snapshot(t.Context(), filepath.Join(folder, "snapshot.db")); !isDamage(err) {
		t.Errorf("got %v", err)
	}
	entries, err := os.ReadDir(folder)
	must(t, err)
	equal(t, "files", len(entries), 0)
	if err := r.Apply(t.Context(), []Delivery{h.tx()}); !errors.Is(err, ErrResync) {
		t.Errorf("got %v", err)
	}
}
