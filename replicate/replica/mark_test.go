package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const manyRows = 40

// step gives all rows, which fill a page each, the same new name.
func step(h *hub, n int) Delivery {
	var records [][]byte
	for id := range manyRows {
		records = append(records, update(items(), nil, row(id+1, 7, n, strings.Repeat("x", 3000))))
	}
	return h.tx(records...)
}

// image is what a process that is killed leaves of its replica.
type image struct{ file, log, mark []byte }

func take(t *testing.T, path string) image {
	t.Helper()
	var out image
	for suffix, into := range map[string]*[]byte{"": &out.file, "-wal": &out.log, markSuffix: &out.mark} {
		content, err := os.ReadFile(path + suffix)
		must(t, err)
		*into = content
	}
	return out
}

// crashes gives images of a replica that applied ten steps, by what was going on when it
// was killed.
func crashes(t *testing.T) map[string]image {
	t.Helper()
	h := newHub(items(), links())
	o := Options{Path: filepath.Join(t.TempDir(), "replica.db")}
	var rows [][]byte
	for id := range manyRows {
		rows = append(rows, insert(items(), row(id+1, 7, 0, strings.Repeat("x", 3000))))
	}
	fill(t, h, o.Path)
	r := reopen(t, o)
	apply(t, r, h.tx(rows...))
	if done, err := r.file.Load().emptyLog(t.Context(), false); err != nil || !done {
		t.Fatalf("the log was not emptied: %v", err)
	}
	for n := range 10 {
		apply(t, r, step(h, n+1))
	}
	before := take(t, o.Path)
	f := r.file.Load()
	_, _, err := f.move(t.Context(), "PASSIVE")
	must(t, err)
	after := take(t, o.Path)
	// In the middle of the checkpoint: some pages are moved, others not.
	middle := image{file: bytes.Clone(before.file), log: before.log}
	copy(middle.file, after.file[:len(after.file)/8192*4096])
	middle.mark = []byte((&mark{phase: moving, at: r.State()}).text())
	return map[string]image{"before a checkpoint": before, "during a checkpoint": middle, "after a checkpoint": after}
}

// TestALogThatIsLostAfterACrashIsNoticed loses the log of a replica whose process was
// killed, or a part of it. What is opened then is one committed state, or nothing.
func TestALogThatIsLostAfterACrashIsNoticed(t *testing.T) {
	images := crashes(t)
	const refused = -1
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, path string, log []byte)
		want  map[string]int // which step is shown
	}{
		{"nothing", func(*testing.T, string, []byte) {}, map[string]int{"before a checkpoint": 10, "during a checkpoint": 10, "after a checkpoint": 10}},
		{
			"removed", func(t *testing.T, path string, _ []byte) { must(t, os.Remove(path+"-wal")) },
			map[string]int{"before a checkpoint": 0, "during a checkpoint": refused, "after a checkpoint": 10},
		},
		{
			"emptied", func(t *testing.T, path string, _ []byte) { must(t, os.Truncate(path+"-wal", 0)) },
			map[string]int{"before a checkpoint": 0, "during a checkpoint": refused, "after a checkpoint": 10},
		},
		{
			"its first page lost", func(t *testing.T, path string, _ []byte) { scribble(t, path+"-wal", 64) },
			map[string]int{"before a checkpoint": 0, "during a checkpoint": refused, "after a checkpoint": 10},
		},
		{
			"cut to half", func(t *testing.T, path string, log []byte) { must(t, os.Truncate(path+"-wal", int64(len(log)/2))) },
			map[string]int{"before a checkpoint": 4, "during a checkpoint": refused, "after a checkpoint": refused},
		},
		{
			"rubbish in its middle", func(t *testing.T, path string, log []byte) { scribble(t, path+"-wal", int64(len(log)/2)) },
			map[string]int{"before a checkpoint": 4, "during a checkpoint": refused, "after a checkpoint": refused},
		},
		{
			"played in by another program", func(t *testing.T, path string, _ []byte) {
				// As the sqlite3 shell does when it ends.
				must(t, withFile(path, "rw", func(c *conn) error {
					_, err := c.query(t.Context(), "SELECT count(*) FROM items")
					return err
				}))
			},
			map[string]int{"before a checkpoint": 10, "after a checkpoint": 10},
		},
		{
			"read by another program", func(t *testing.T, path string, _ []byte) {
				reader, err := OpenReader(t.Context(), path)
				must(t, err)
				must(t, reader.Close())
			},
			map[string]int{"before a checkpoint": 10, "during a checkpoint": 10, "after a checkpoint": 10},
		},
		{
			"with its index of rubbish", func(t *testing.T, path string, _ []byte) {
				must(t, os.WriteFile(path+"-shm", bytes.Repeat([]byte{0x5A}, 32768), 0o600))
			},
			map[string]int{"before a checkpoint": 10, "during a checkpoint": 10, "after a checkpoint": 10},
		},
		{
			"removed, and the mark is rubbish", func(t *testing.T, path string, _ []byte) {
				must(t, os.Remove(path+"-wal"))
				must(t, os.WriteFile(path+markSuffix, []byte("whole incarnation 1 sequence 1\n"), 0o600))
			},
			map[string]int{"during a checkpoint": refused},
		},
	} {
		for when, want := range c.want {
			t.Run(when+", "+c.name, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "replica.db")
				killed := images[when]
				must(t, os.WriteFile(path, killed.file, 0o600))
				must(t, os.WriteFile(path+"-wal", killed.log, 0o600))
				must(t, os.WriteFile(path+markSuffix, killed.mark, 0o600))
				c.spoil(t, path, killed.log)
				for range 2 { // and once more after a clean end
					r, err := Open(t.Context(), Options{Path: path})
					must(t, err)
					equal(t, "loaded", r.Loaded(), want != refused)
					if r.Loaded() {
						equal(t, "names", dump(t, r, "SELECT group_concat(DISTINCT name) FROM items"), strconv.Itoa(want))
						equal(t, "sequence", r.State().Seq, uint64(11+want))
					}
					must(t, r.Close())
				}
				if _, err := os.Stat(path + markSuffix); err == nil {
					t.Error("the mark is left behind")
				}
			})
		}
	}
}

func scribble(t *testing.T, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	_, err = f.WriteAt(bytes.Repeat([]byte{0xAB}, 512), at)
	must(t, err)
	must(t, f.Close())
}

// TestALostLogIsNeverPassedOver kills processes at any instant and takes their log, or a
// part of it.
func TestALostLogIsNeverPassedOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replica.db")
	begin := func() {
		h := newHub(items(), links())
		h.lsn = 990
		fill(t, h, path)
		r, err := Open(t.Context(), Options{Path: path})
		must(t, err)
		apply(t, r, h.tx(insert(links(), row("count", 1, 0))))
		must(t, r.Close())
	}
	begin()
	refused := 0
	for round := range 10 {
		killChild(t, path, "apply", 1+rand.IntN(60))
		size := fileSize(path + "-wal")
		what := "nothing"
		switch rand.IntN(3) {
		case 0:
			what = "the log removed"
			must(t, removeFile(path+"-wal"))
		case 1:
			cut := rand.Int64N(size + 1)
			what = fmt.Sprintf("the log cut from %d to %d bytes", size, cut)
			must(t, os.Truncate(path+"-wal", cut))
		case 2:
			if size > 0 {
				at := rand.Int64N(size)
				what = fmt.Sprintf("rubbish in the log of %d bytes at %d", size, at)
				scribble(t, path+"-wal", at)
			}
		}
		r, err := Open(t.Context(), Options{Path: path})
		must(t, err)
		if !r.Loaded() {
			refused++
			must(t, r.Close())
			begin()
			continue
		}
		n := strconv.Itoa(int(r.State().Position.LSN-1000) / 10)
		if got := dump(t, r, countItems) + " " + dump(t, r, "SELECT CAST(weight AS INTEGER) FROM links"); got != n+" "+n {
			t.Errorf("round %d, %s: at position %s it shows %s", round, what, n, got)
		}
		must(t, r.Read(t.Context(), func(v View) error { return sound(v.Tx) }))
		must(t, r.Close())
	}
	t.Logf("%d of 10 were refused", refused)
}

func sound(tx *Tx) error {
	var said string
	err := tx.QueryRowContext(context.Background(), "PRAGMA integrity_check").Scan(&said)
	if err == nil && said != "ok" {
		err = errors.New(said)
	}
	return err
}
