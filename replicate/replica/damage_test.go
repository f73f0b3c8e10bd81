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
		"cut off": func(t *testing.T, path string) { must(t, os.Truncate(path, 50_000)) },
		"empty":   func(t *testing.T, path string) { must(t, os.Truncate(path, 0)) },
		"a page overwritten": func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			must(t, err)
			_, err = f.WriteAt(bytes.Repeat([]byte{0xAB}, 4096), 4096)
			must(t, errors.Join(err, f.Close()))
		},
		"another program's": func(t *testing.T, path string) {
			must(t, withFile(path, "rw", func(c *conn) error { return c.exec(t.Context(), "PRAGMA application_id = 1") }))
		},
		"a later format": func(t *testing.T, path string) {
			must(t, withFile(path, "rw", func(c *conn) error { return c.exec(t.Context(), "PRAGMA user_version = 99") }))
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

func TestDamageFoundWhileReadingAsksForAnotherFile(t *testing.T) {
	r, h := open(t)
	err := r.Read(t.Context(), func(View) error { return fmt.Errorf("reading a course: %w", errDamaged) })
	if !errors.Is(err, errDamaged) {
		t.Errorf("got %v", err)
	}
	refuses(t, r, "damaged", h.tx())
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
