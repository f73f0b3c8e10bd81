package replica

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func freshFile(t testing.TB, h *hub, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fresh.db")
	fill(t, h, path, row(1, 7, name, nil))
	return path
}

func TestSwapReplacesEverything(t *testing.T) {
	var seen recorder
	var r *Replica
	r, h := open(t, func(o *Options) { o.Observer = &seen })
	apply(t, r, h.tx(insert(items(), row(1, 7, "old", nil))))
	apply(t, r, h.parts(1, 3, large(5)...)[0]) // forgotten
	seen.take()
	before := r.State()
	h.header.Generation++
	h.seq = 3
	path := freshFile(t, h, "new")
	must(t, r.Swap(t.Context(), path))
	equal(t, "items", dump(t, r, allItems), "1|7|new|NULL")
	want := h.state()
	want.Incarnation = before.Incarnation + 1
	equal(t, "state", r.State(), want)
	equal(t, "observed", seen.take(), "rollback\nreplaced 2")
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("the new file is still at its old place")
	}
	apply(t, r, h.tx(insert(items(), row(2, 7, "two", nil))))

	// It lasts.
	must(t, r.Close())
	again := reopen(t, r.options)
	equal(t, "items", dump(t, again, allItems), "1|7|new|NULL\n2|7|two|NULL")
	want = h.state()
	want.Incarnation = before.Incarnation + 1
	equal(t, "state", again.State(), want)
}

func TestSwapLoadsAnEmptyReplica(t *testing.T) {
	h := newHub(items(), links())
	r := reopen(t, Options{Path: filepath.Join(t.TempDir(), "replica.db")})
	must(t, r.Swap(t.Context(), freshFile(t, h, "first")))
	equal(t, "loaded", r.Loaded(), true)
	equal(t, "items", dump(t, r, allItems), "1|7|first|NULL")
	equal(t, "tables", len(r.Tables()), 2)
}

func TestSwapWaitsForReadersAndHoldsNewOnes(t *testing.T) {
	r, h := open(t)
	apply(t, r, h.tx(insert(items(), row(1, 7, "old", nil))))
	h.header.Generation++
	path := freshFile(t, h, "new")

	reading, release, results := make(chan struct{}), make(chan struct{}), make(chan string, 2)
	go func() {
		_ = r.Read(context.Background(), func(v View) error {
			close(reading)
			<-release
			out, err := dumpTx(v.Tx, allItems)
			if err != nil {
				out = err.Error()
			}
			results <- out
			return nil
		})
	}()
	<-reading

	// One that gives up leaves all as it was.
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := r.Swap(short, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	equal(t, "items", dump(t, r, allItems), "1|7|old|NULL")

	swapped := make(chan error, 1)
	go func() { swapped <- r.Swap(context.Background(), path) }()
	until(t, func() bool {
		r.gate.mu.Lock()
		defer r.gate.mu.Unlock()
		return r.gate.reopen != nil
	})
	held, cancelHeld := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancelHeld()
	if err := r.Read(held, func(View) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a new reader got in: %v", err)
	}
	go func() {
		out, err := readAll(r)
		if err != nil {
			out = err.Error()
		}
		results <- out
	}()
	close(release)
	equal(t, "the old reader", <-results, "1|7|old|NULL")
	must(t, <-swapped)
	equal(t, "the new reader", <-results, "1|7|new|NULL")
}

// Readers go on while files are exchanged and rows applied; each sees one state whole:
// the marker's text and the incarnation belong together.
func TestSwapWhileReading(t *testing.T) {
	r, h := open(t)
	must(t, r.Swap(t.Context(), freshFile(t, h, "2")))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := r.Read(context.Background(), func(v View) error {
					out, err := dumpTx(v.Tx, "SELECT name, (SELECT incarnation FROM _outpost_state) FROM items WHERE id = 1")
					if err != nil {
						return err
					}
					if name, incarnation, _ := strings.Cut(out, "|"); name != incarnation {
						t.Errorf("read %s of incarnation %s", name, incarnation)
					}
					return nil
				}); err != nil {
					t.Error(err)
					return
				}
			}
		}()
	}
	for i := range 8 {
		h.header.Generation++
		must(t, r.Swap(t.Context(), freshFile(t, h, string(rune('3'+i)))))
		for n := range 5 {
			apply(t, r, h.tx(insert(items(), row(10+n, 7, "more", nil))))
		}
		if t.Failed() || i == 6 {
			break
		}
	}
	close(done)
	wg.Wait()
}

type closer struct{ closed *int }

func (c closer) Close() error { *c.closed++; return nil }

func TestPreparedStatementsFollowTheFile(t *testing.T) {
	var prepared, closed int
	var firsts []bool
	fail := false
	r, h := open(t, func(o *Options) {
		o.Prepare = func(_ context.Context, _ *sql.Conn, first bool) (io.Closer, error) {
			firsts = append(firsts, first)
			if fail {
				return nil, errors.New("no such column")
			}
			prepared++
			return closer{&closed}, nil
		}
	})
	must(t, r.Read(t.Context(), func(v View) error {
		if _, ok := v.Stmts.(closer); !ok {
			t.Errorf("Stmts is %T", v.Stmts)
		}
		return r.Read(t.Context(), func(View) error { return nil }) // by a second connection
	}))
	must(t, r.Swap(t.Context(), freshFile(t, h, "new")))
	equal(t, "prepared, with the trial,", fmt.Sprint(firsts), "[true false true true]")
	equal(t, "closed", closed, 3)
	// A file that the queries do not fit is not put in place.
	fail = true
	before := r.State()
	if err := r.Swap(t.Context(), freshFile(t, h, "newer")); err == nil || !strings.Contains(err.Error(), "no such column") {
		t.Errorf("got %v", err)
	}
	equal(t, "state", r.State(), before)
	equal(t, "items", dump(t, r, allItems), "1|7|new|NULL")
	must(t, r.Close())
	equal(t, "closed", closed, prepared)
	// And one that is in place is not used.
	again := reopen(t, r.options)
	equal(t, "loaded", again.Loaded(), false)
	if _, err := os.Stat(r.options.Path); err != nil {
		t.Error(err)
	}
}

func TestSwapRefusesWhatIsNoReplica(t *testing.T) {
	r, h := open(t)
	apply(t, r, h.tx(insert(items(), row(1, 7, "old", nil))))
	before := r.State()
	path := filepath.Join(t.TempDir(), "x.db")
	must(t, os.WriteFile(path, []byte("not a database, but long enough to be looked at as one, one would think"), 0o600))
	if err := r.Swap(t.Context(), path); err == nil {
		t.Error("garbage was accepted")
	}
	if err := r.Swap(t.Context(), path+"-none"); err == nil {
		t.Error("nothing was accepted")
	}
	equal(t, "state", r.State(), before)
	equal(t, "items", dump(t, r, allItems), "1|7|old|NULL")
}
