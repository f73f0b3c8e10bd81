package replica

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"outpost/replicate/change"
)

// damaged gives a path with a file of some hundred pages, and its options.
func sizable(t *testing.T) (Options, *hub) {
	t.Helper()
	h := newHub(items(), links())
	o := Options{Path: filepath.Join(t.TempDir(), "replica.db")}
	fill(t, h, o.Path)
	r, err := Open(t.Context(), o)
	must(t, err)
	for i := range 20 {
		apply(t, r, h.tx(insert(items(), row(i, 7, "x", strings.Repeat("x", 20_000)))))
	}
	must(t, r.Close())
	return o, h
}

func TestDamagedFileIsSetAside(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, path string){
		"garbage": func(t *testing.T, path string) {
			must(t, os.WriteFile(path, bytes.Repeat([]byte("garbage "), 4096), 0o600))
		},
		"cut off":            func(t *testing.T, path string) { must(t, os.Truncate(path, 50_000)) },
		"cut off by a page":  func(t *testing.T, path string) { must(t, os.Truncate(path, fileSize(path)-4096)) },
		"cut to half":        func(t *testing.T, path string) { must(t, os.Truncate(path, fileSize(path)/2)) },
		"header overwritten": func(t *testing.T, path string) { scribble(t, path, 0) },
		"a page in the middle overwritten": func(t *testing.T, path string) {
			for at := int64(0); at < 4096; at += 512 {
				scribble(t, path, fileSize(path)/8192*4096+at)
			}
		},
		"empty": func(t *testing.T, path string) { must(t, os.Truncate(path, 0)) },
		"a page overwritten": func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			must(t, err)
			_, err = f.WriteAt(bytes.Repeat([]byte{0xAB}, 4096), 4096)
			must(t, errors.Join(err, f.Close()))
		},
		"another program's": func(t *testing.T, path string) {
			must(t, withFile(path, "rw", func(c *conn) error { return c.exec(t.Context(), "PRAGMA application_id = 1") }))
		},
		"without a state": func(t *testing.T, path string) {
			must(t, withFile(path, "rw", func(c *conn) error { return c.exec(t.Context(), "DELETE FROM _outpost_state") }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			o, h := sizable(t)
			var log bytes.Buffer
			o.Log = slog.New(slog.NewTextHandler(&log, nil))
			must(t, os.WriteFile(o.Path+".damaged", []byte("an older one"), 0o600))
			spoil(t, o.Path)
			spoilt, err := os.ReadFile(o.Path)
			must(t, err)

			r := reopen(t, o)
			equal(t, "loaded", r.Loaded(), false)
			aside, err := os.ReadFile(o.Path + ".damaged")
			must(t, err)
			if name == "garbage" && !bytes.Equal(aside, spoilt) {
				t.Error("what was set aside is not the damaged file")
			}
			if !strings.Contains(log.String(), "damaged") {
				t.Errorf("the log says %q", log.String())
			}
			must(t, r.Swap(t.Context(), freshFile(t, h, "new")))
			equal(t, "items", dump(t, r, allItems), "1|7|new|NULL")
		})
	}
}

func TestAFileOfAnotherFormatIsLoadedAgain(t *testing.T) {
	o, h := sizable(t)
	var log bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	must(t, withFile(o.Path, "rw", func(c *conn) error { return c.exec(t.Context(), "PRAGMA user_version = 1") }))
	r := reopen(t, o)
	equal(t, "loaded", r.Loaded(), false)
	if said := log.String(); !strings.Contains(said, "another version") || strings.Contains(said, "damaged") {
		t.Errorf("the log says %q", said)
	}
	if _, err := os.Stat(o.Path); err != nil {
		t.Errorf("it was not left where it is: %v", err)
	}
	must(t, r.Swap(t.Context(), freshFile(t, h, "new")))
	equal(t, "items", dump(t, r, allItems), "1|7|new|NULL")
}

func TestWhatIsNoReplicaIsToldApart(t *testing.T) {
	folder := t.TempDir()
	files := map[string]func(path string) error{
		"text":  func(path string) error { return os.WriteFile(path, bytes.Repeat([]byte("text "), 999), 0o600) },
		"empty": func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"another program's": func(path string) error {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				return err
			}
			return withFile(path, "rw", func(c *conn) error { return c.exec(t.Context(), "CREATE TABLE theirs (a)") })
		},
	}
	for name, write := range files {
		path := filepath.Join(folder, name)
		must(t, write(path))
		if _, err := Inspect(t.Context(), path); !errors.Is(err, ErrNoReplica) {
			t.Errorf("%s: %v", name, err)
		}
	}
	o, _ := sizable(t)
	if _, err := Inspect(t.Context(), o.Path); err != nil {
		t.Error(err)
	}
}

func TestTheLastTransactionIsRemembered(t *testing.T) {
	r, h := open(t)
	equal(t, "of a copy", r.State().Last.Time.IsZero(), true)
	at := time.Date(2026, 11, 23, 5, 0, 0, 123456000, time.UTC)
	m := h.tx(insert(items(), row(2, 7, "two", nil)))
	m.Message.Txs[0].XID, m.Message.Txs[0].Time = 4_000_000_000, at
	apply(t, r, m)
	want := change.Commit{LSN: m.Message.Txs[0].End, XID: 4_000_000_000, Time: at}
	equal(t, "published", r.State().Last.Is(want), true)
	must(t, r.Close())
	kept, err := Inspect(t.Context(), r.options.Path)
	must(t, err)
	equal(t, "kept", kept.Last.Is(want), true)
}

func TestDamageFoundWhileReadingAsksForAnotherFile(t *testing.T) {
	r, h := open(t)
	err := r.Read(t.Context(), func(View) error { return fmt.Errorf("reading a course: %w", errDamaged) })
	if !errors.Is(err, errDamaged) {
		t.Errorf("got %v", err)
	}
	equal(t, "loaded", r.Loaded(), false)
	if err := r.Read(t.Context(), func(View) error { return nil }); !errors.Is(err, ErrNotLoaded) {
		t.Errorf("it is read on: %v", err)
	}
	if err := r.Apply(t.Context(), []Delivery{h.tx()}); !errors.Is(err, ErrResync) || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("got %v", err)
	}
	h.seq, h.lsn = h.seq-1, h.lsn-10
	must(t, r.Swap(t.Context(), freshFile(t, h, "new")))
	apply(t, r, h.tx(insert(items(), row(2, 7, "two", nil))))
}

func TestJournalsOfAMissingFileAreRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replica.db")
	for _, suffix := range []string{"-wal", "-shm"} {
		must(t, os.WriteFile(path+suffix, []byte("left behind"), 0o600))
	}
	reopen(t, Options{Path: path})
	for _, suffix := range []string{"-wal", "-shm"} {
		if _, err := os.Stat(path + suffix); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there", suffix)
		}
	}
}

func TestOpenReportsWhatIsNoDamage(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(t.Context(), Options{Path: dir}); err == nil {
		t.Error("a folder was opened")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("the folder was set aside: %v", err)
	}
}
