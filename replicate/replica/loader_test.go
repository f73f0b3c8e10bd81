package replica

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"outpost/replicate/change"
)

// Rows of several tables arrive mixed, in memory that is reused.
func TestLoaderKeepsNothingOfARow(t *testing.T) {
	h := newHub(items(), links())
	path := filepath.Join(t.TempDir(), "replica.db")
	l, err := Create(t.Context(), path)
	must(t, err)
	must(t, l.Begin(h.tables))
	buffer := make([]byte, 32)
	const n = 1000
	for i := range n {
		copy(buffer, fmt.Sprintf("%016d", i))
		r := row(i, i%7, "", nil)
		r[2].Data = buffer[:16]
		must(t, l.Row(h.tables[0], r))
		if i%3 == 0 {
			r := row("", i, "0.5")
			r[0].Data = buffer[:16]
			must(t, l.Row(h.tables[1], r))
		}
		copy(buffer, bytes.Repeat([]byte("?"), len(buffer)))
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("the file is there before it is complete")
	}
	must(t, l.Finish(t.Context(), h.state()))
	l.Abort() // nothing
	r := reopen(t, Options{Path: path})
	equal(t, "items", dump(t, r, "SELECT count(*), sum(name = printf('%016d', id)) FROM items"), "1000|1000")
	equal(t, "links", dump(t, r, "SELECT count(*), sum(a = printf('%016d', b)) FROM links"), "334|334")
	want := h.state()
	want.Incarnation = 1
	equal(t, "state", r.State(), want)
	if got := r.Tables(); len(got) != 2 || fmt.Sprint(*got[0]) != fmt.Sprint(*h.tables[0]) {
		t.Errorf("tables came back as %+v", got)
	}
}

func TestLoaderTakesLargeValues(t *testing.T) {
	h := newHub(items())
	path := filepath.Join(t.TempDir(), "replica.db")
	large := strings.Repeat("0123456789", 500_000)
	fill(t, h, path, row(1, 7, large, nil), row(2, 7, "small", large), row(3, 7, "small", nil))
	r := reopen(t, Options{Path: path})
	equal(t, "lengths", dump(t, r, "SELECT id, length(name), length(note) FROM items"), "1|5000000|NULL\n2|5|5000000\n3|5|NULL")
}

func TestAbortedLoadLeavesNothing(t *testing.T) {
	h := newHub(items())
	dir := t.TempDir()
	path := filepath.Join(dir, "replica.db")
	for range 2 { // what a crash left is no obstacle either
		l, err := Create(t.Context(), path)
		must(t, err)
		must(t, l.Begin(h.tables))
		must(t, l.Row(h.tables[0], row(1, 7, "one", nil)))
		t.Cleanup(l.Abort)
	}
	l, err := Create(t.Context(), path)
	must(t, err)
	l.Abort()
	entries, err := os.ReadDir(dir)
	must(t, err)
	equal(t, "files", len(entries), 0)
}

func TestLoaderRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		row  change.Row
		want string
	}{
		"a row twice":  {row(1, 7, "again", nil), "constraint"},
		"no key":       {row(nil, 7, "x", nil), "key id is NULL"},
		"a short row":  {row(2), "1 columns"},
		"a wrong text": {row("two", 7, "x", nil), "bigint cannot be"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub(items())
			l, err := Create(t.Context(), filepath.Join(t.TempDir(), "x.db"))
			must(t, err)
			defer l.Abort()
			must(t, l.Begin(h.tables))
			must(t, l.Row(h.tables[0], row(1, 7, "one", nil)))
			err = l.Row(h.tables[0], test.row)
			if err == nil {
				err = l.Finish(t.Context(), h.state())
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
