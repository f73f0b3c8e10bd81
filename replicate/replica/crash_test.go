package replica

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"outpost/replicate/change"
	"outpost/replicate/wire"
)

// The variables that make this binary the child process, and what it does.
const (
	crashFile = "REPLICA_TEST_CRASH_FILE"
	crashWork = "REPLICA_TEST_CRASH_WORK"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(crashFile); path != "" {
		work := map[string]func(string) error{"apply": applyForEver, "swap": swapForEver, "alter": alterForEver}[os.Getenv(crashWork)]
		fmt.Fprintln(os.Stderr, work(path))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// applyForEver applies transactions that each insert an item and count it in a link,
// and moves the LSN by ten; every fourth comes in parts. It prints each position
// after Apply returned.
func applyForEver(path string) error {
	// A small log, so that checkpoints are among what is interrupted.
	r, err := Open(context.Background(), Options{Path: path, WALBytes: 256 << 10})
	if err != nil {
		return err
	}
	h := newHub(items(), links())
	h.seq, h.lsn = r.State().Seq, r.State().Position.LSN
	note := strings.Repeat("note ", 200)
	for {
		n := int(h.lsn-1000)/10 + 1
		records := [][]byte{insert(items(), row(n, 7, "x", note)), update(links(), nil, row("count", 1, n))}
		deliveries := []Delivery{h.tx(records...)}
		if n%4 == 0 {
			h.lsn, h.seq = h.lsn-10, h.seq-1
			deliveries = h.parts(1, 5, records...)
		}
		for _, d := range deliveries {
			if err := r.Apply(context.Background(), []Delivery{d}); err != nil {
				return err
			}
		}
		fmt.Println(uint64(r.State().Position.LSN))
	}
}

func TestReplicaSurvivesKill(t *testing.T) {
	h := newHub(items(), links())
	path := filepath.Join(t.TempDir(), "replica.db")
	fill(t, h, path)
	r, err := Open(t.Context(), Options{Path: path})
	must(t, err)
	apply(t, r, h.tx(insert(links(), row("count", 1, 0))))
	must(t, r.Close())
	// The first transaction counted nothing.
	setLSN(t, path, 1000)

	var last uint64
	for round := range 8 {
		last = max(last, killChild(t, path, "apply", 1+rand.IntN(300)))
		r, err := Open(t.Context(), Options{Path: path})
		must(t, err)
		state := r.State()
		if uint64(state.Position.LSN) < last {
			t.Fatalf("round %d: position %d was applied, now it is at %d", round, last, state.Position.LSN)
		}
		n := strconv.Itoa(int(state.Position.LSN-1000) / 10)
		equal(t, "items", dump(t, r, countItems), n)
		equal(t, "counted", dump(t, r, "SELECT CAST(weight AS INTEGER) FROM links"), n)
		must(t, r.Read(t.Context(), func(v View) error {
			equal(t, "state inside", v.At, state)
			return nil
		}))
		must(t, r.Close())
	}
	if last == 1000 {
		t.Error("no child got anywhere")
	}
}

// script lets fill work without a test around it.
type script struct{ ctx context.Context }

func (script) Helper()                    {}
func (script) Fatal(args ...any)          { panic(fmt.Sprint(args...)) }
func (s script) Context() context.Context { return s.ctx }

// swapForEver puts one generation after the other in place; each has an item that
// bears its number. Of each something is applied, so that the log is not empty.
func swapForEver(path string) error {
	ctx := context.Background()
	r, err := Open(ctx, Options{Path: path})
	if err != nil {
		return err
	}
	for {
		h := newHub(items(), links())
		h.header.Generation = r.State().Position.Generation + 1
		fill(script{ctx}, h, path+".fresh", row(1, 7, uint64(h.header.Generation), nil))
		if err := r.Swap(ctx, path+".fresh"); err != nil {
			return err
		}
		if err := r.Apply(ctx, []Delivery{h.tx(insert(items(), row(2, 7, "x", nil)))}); err != nil {
			return err
		}
		fmt.Println(uint64(r.State().Position.Generation))
	}
}

func TestSwapSurvivesKill(t *testing.T) {
	h := newHub(items(), links())
	path := filepath.Join(t.TempDir(), "replica.db")
	fill(t, h, path, row(1, 7, 7, nil))
	for round := range 6 {
		last := killChild(t, path, "swap", 1+rand.IntN(5))
		r, err := Open(t.Context(), Options{Path: path})
		must(t, err)
		if !r.Loaded() {
			t.Fatalf("round %d: there is no file", round)
		}
		generation := uint64(r.State().Position.Generation)
		if generation < last {
			t.Errorf("round %d: generation %d was there, now it is %d", round, last, generation)
		}
		equal(t, "item", dump(t, r, "SELECT name FROM items WHERE id = 1"), strconv.FormatUint(generation, 10))
		must(t, r.Close())
	}
}

// killChild lets a child print that many positions, kills it and gives the last one.
func killChild(t *testing.T, path, work string, lines int) (last uint64) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), crashFile+"="+path, crashWork+"="+work)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	lineScanner := bufio.NewScanner(out)
	for i := 0; lineScanner.Scan(); i++ {
		if last, err = strconv.ParseUint(lineScanner.Text(), 10, 64); err != nil {
			break // a line that the kill cut
		}
		if i == lines {
			must(t, child.Process.Kill())
		}
	}
	if err := child.Wait(); err == nil || child.ProcessState.ExitCode() != -1 {
		t.Fatalf("the child was not killed: %v", err)
	}
	return last
}

func setLSN(t *testing.T, path string, lsn change.LSN) {
	t.Helper()
	must(t, withFile(path, "rw", func(c *conn) error {
		return c.exec(context.Background(), "UPDATE _outpost_state SET lsn = ?", int64(lsn))
	}))
}

// alterForEver replaces in its n-th transaction the column c<n-1> of items by c<n>, in which
// older rows have n, and inserts a row. Every third comes in parts. It prints like
// applyForEver.
func alterForEver(path string) error {
	r, err := Open(context.Background(), Options{Path: path, WALBytes: 256 << 10})
	if err != nil {
		return err
	}
	h := newHub()
	h.seq, h.lsn = r.State().Seq, r.State().Position.LSN
	for {
		n := int(h.lsn-1000)/10 + 1
		now := alteredItems(n)
		step, err := wire.EncodeSchema(&change.SchemaChange{Tables: []*change.Table{now}})
		if err != nil {
			return err
		}
		records := [][]byte{step, relation(now), insert(now, row(n, 7, strings.Repeat("name ", 200), nil, n))}
		parts := 1
		if n%3 == 0 {
			parts = 4
		}
		for _, d := range h.parts(1, parts, records...) {
			if err := r.Apply(context.Background(), []Delivery{d}); err != nil {
				return err
			}
		}
		fmt.Println(uint64(r.State().Position.LSN))
	}
}

// alteredItems is items after the n-th transaction; every fifth is made anew for it.
func alteredItems(n int) *change.Table {
	t := items()
	for i := range t.Columns {
		t.Columns[i].Number = int16(i + 1)
	}
	name, value := "c"+strconv.Itoa(n), strconv.Itoa(n)
	if n%5 == 0 {
		name = "rowid"
	}
	t.Columns = append(t.Columns, change.Column{Name: name, TypeOID: 20, Kind: change.Integer, Number: int16(100 + n%30000), Missing: &value})
	return t
}

func TestAlteringSurvivesKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replica.db")
	fill(t, newHub(alteredItems(0)), path)
	var last uint64
	for round := range 6 {
		last = max(last, killChild(t, path, "alter", 1+rand.IntN(100)))
		r, err := Open(t.Context(), Options{Path: path})
		must(t, err)
		if got := uint64(r.State().Position.LSN); got < last {
			t.Fatalf("round %d: position %d was applied, now it is at %d", round, last, got)
		}
		n := int(r.State().Position.LSN-1000) / 10
		want := alteredItems(n)
		equal(t, "column", r.Tables()[0].Columns[4].Name, want.Columns[4].Name)
		equal(t, "columns", dump(t, r, "SELECT group_concat(name, ' ') FROM pragma_table_info('items')"), "id company_id name note "+want.Columns[4].Name)
		equal(t, "rows", dump(t, r, fmt.Sprintf("SELECT count(*), min(%[1]s), max(%[1]s), max(id) FROM items", quote(want.Columns[4].Name))), fmt.Sprintf("%[1]d|%[1]d|%[1]d|%[1]d", n))
		must(t, r.Close())
	}
	if last == 1000 {
		t.Error("no child got anywhere")
	}
}
