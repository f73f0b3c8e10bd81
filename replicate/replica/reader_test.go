package replica

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
	"outpost/replicate/change"
)

func openReader(t testing.TB, path string) *Reader {
	t.Helper()
	r, err := OpenReader(t.Context(), path)
	must(t, err)
	t.Cleanup(func() { must(t, r.Close()) })
	return r
}

func (r *Reader) dump(t testing.TB, query string) (out string) {
	t.Helper()
	must(t, r.Read(t.Context(), func(v View) (err error) {
		out, err = dumpTx(v.Tx, query)
		return err
	}))
	return out
}

func TestReaderSeesWhatIsAppliedMeanwhile(t *testing.T) {
	w, h := open(t)
	r := openReader(t, w.options.Path)
	equal(t, "rows", r.dump(t, "SELECT count(*) FROM items"), "0")
	waited := make(chan error, 1)
	target := h.state().Position
	target.LSN += 10
	go func() { waited <- r.Wait(context.Background(), target) }()
	apply(t, w, h.tx(insert(items(), row(1, 5, "one", nil))))
	must(t, <-waited)
	equal(t, "rows", r.dump(t, "SELECT * FROM items"), "1|5|one|NULL")
	state, err := r.State(t.Context())
	must(t, err)
	equal(t, "state", state, w.State())
}

func TestReaderWaitsOnlyForWhatCanCome(t *testing.T) {
	w, h := open(t)
	r := openReader(t, w.options.Path)
	at := h.state().Position
	must(t, r.Wait(t.Context(), change.Position{Generation: at.Generation - 1, LSN: at.LSN + 1000}))
	if err := r.Wait(t.Context(), change.Position{Generation: at.Generation + 1}); !errors.Is(err, ErrAhead) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*pollInterval)
	defer cancel()
	if err := r.Wait(ctx, change.Position{Generation: at.Generation, LSN: at.LSN + 1}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestReaderNoticesThatTheFileWasExchanged(t *testing.T) {
	w, h := open(t)
	r := openReader(t, w.options.Path)
	apply(t, w, h.tx(insert(items(), row(1, 5, "old", nil))))
	equal(t, "rows", r.dump(t, "SELECT name FROM items"), "old")
	before, err := r.State(t.Context())
	must(t, err)
	next := filepath.Join(t.TempDir(), "next.db")
	fill(t, h, next, row(2, 5, "new", nil))
	must(t, w.Swap(t.Context(), next))
	equal(t, "rows", r.dump(t, "SELECT name FROM items"), "new")
	after, err := r.State(t.Context())
	must(t, err)
	if after.Incarnation <= before.Incarnation {
		t.Errorf("the incarnation went from %d to %d", before.Incarnation, after.Incarnation)
	}
	apply(t, w, h.tx(insert(items(), row(3, 5, "more", nil))))
	equal(t, "rows", r.dump(t, "SELECT count(*) FROM items"), "2")
}

// TestReaderWaitsForAFileThatIsAwayForAnInstant takes the file away as an exchange does.
func TestReaderWaitsForAFileThatIsAwayForAnInstant(t *testing.T) {
	h := newHub(items(), links())
	path := filepath.Join(t.TempDir(), "replica.db")
	fill(t, h, path, row(1, 5, "one", nil))
	r := openReader(t, path)
	must(t, os.Rename(path, path+".away"))
	read := make(chan string, 1)
	go func() { read <- r.dump(t, "SELECT name FROM items") }()
	select {
	case got := <-read:
		t.Errorf("read %q from a file that is not there", got)
	case <-time.After(3 * pollInterval):
	}
	must(t, os.Rename(path+".away", path))
	equal(t, "rows", <-read, "one")
}

func TestReaderRefusesWhatIsNoReplica(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replica.db")
	if _, err := OpenReader(t.Context(), path); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("no file: got %v", err)
	}
	must(t, os.WriteFile(path, []byte(strings.Repeat("no database ", 100)), 0o600))
	if _, err := OpenReader(t.Context(), path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("no database: got %v", err)
	}
}

func TestReaderNeverWrites(t *testing.T) {
	w, _ := open(t)
	r := openReader(t, w.options.Path)
	err := r.Read(t.Context(), func(v View) error {
		var id int64
		return v.Tx.QueryRow("DELETE FROM items RETURNING id").Scan(&id)
	})
	if sqliteCode(err) != sqlite3.SQLITE_READONLY {
		t.Errorf("writing gives %v", err)
	}
}

func TestViewGivesTheTablesOfItsTransaction(t *testing.T) {
	w, _ := open(t)
	must(t, w.Read(t.Context(), func(v View) error {
		tables, err := v.Tables(t.Context())
		must(t, err)
		equal(t, "tables", len(tables), 2)
		one, err := v.Table(t.Context(), tables[1].OID)
		must(t, err)
		equal(t, "name", one.Name, tables[1].Name)
		none, err := v.Table(t.Context(), 4711)
		must(t, err)
		if none != nil {
			t.Errorf("a table that is not there is %v", none)
		}
		return nil
	}))
}
