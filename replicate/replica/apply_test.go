package replica

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"outpost/replicate/change"
)

const allItems = "SELECT * FROM items ORDER BY id"

// recorder writes down what an Observer hears.
type recorder struct {
	heard  []string
	commit func()
}

func (o *recorder) Row(t *change.Table, old, row change.Row) {
	text := t.Name
	for _, r := range []change.Row{old, row} {
		text += " ["
		for i, v := range r {
			if i > 0 {
				text += " "
			}
			switch v.Presence {
			case change.Present:
				text += string(v.Data)
			default:
				text += string(v.Presence)
			}
		}
		text += "]"
	}
	o.heard = append(o.heard, text)
}

func (o *recorder) Touched(name, key string, id int64) {
	o.heard = append(o.heard, fmt.Sprintf("touched %s %s %d", name, key, id))
}

func (o *recorder) Truncate(t *change.Table) { o.heard = append(o.heard, "truncate "+t.Name) }

func (o *recorder) Commit(at change.Position) {
	o.heard = append(o.heard, "commit "+at.String())
	if o.commit != nil {
		o.commit()
	}
}

func (o *recorder) Rollback() { o.heard = append(o.heard, "rollback") }

func (o *recorder) Replaced(incarnation uint64) {
	o.heard = append(o.heard, fmt.Sprintf("replaced %d", incarnation))
}

func (o *recorder) take() string {
	defer func() { o.heard = nil }()
	return strings.Join(o.heard, "\n")
}

func TestWhatTriggersNoteIsToldBeforeTheCommit(t *testing.T) {
	var seen recorder
	const renamed = `
CREATE TABLE noted (name TEXT NOT NULL, key TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (name, key, id));
CREATE TRIGGER items_renamed AFTER UPDATE ON items WHEN old.name IS NOT new.name BEGIN
	INSERT INTO noted VALUES ('names', 'company_id', new.company_id) ON CONFLICT DO NOTHING;
END;`
	r, h := open(t, func(o *Options) {
		o.Observer, o.Objects, o.Touched = &seen, []Object{{"renamed", renamed}}, "noted"
	})
	item := items()
	apply(t, r, h.tx(insert(item, row(1, 7, "one", nil)), insert(item, row(2, 7, "two", nil)), insert(item, row(3, 8, "three", nil))))
	seen.take()
	apply(t, r, h.tx(update(item, nil, row(1, 7, "uno", nil)), update(item, nil, row(2, 7, "due", nil)), update(item, nil, row(3, 8, "three", "a note"))))
	heard := seen.take()
	if told, committed := strings.Index(heard, "touched names company_id 7"), strings.Index(heard, "commit "); told < 0 || told > committed || strings.Count(heard, "touched") != 1 {
		t.Errorf("it heard\n%s", heard)
	}
	// It is told once.
	apply(t, r, h.tx(update(item, nil, row(3, 8, "three", "another note"))))
	if heard := seen.take(); strings.Contains(heard, "touched") {
		t.Errorf("it heard\n%s", heard)
	}
	equal(t, "noted", dump(t, r, "SELECT * FROM noted"), "")
}

func TestANoteThatCannotBeToldIsNotCommitted(t *testing.T) {
	for name, note := range map[string]string{"no name": "NULL, 'company_id', 7", "no key": "'names', NULL, 7", "a text for an id": "'names', 'company_id', 'x'"} {
		var seen recorder
		r, h := open(t, func(o *Options) {
			o.Observer, o.Touched = &seen, "noted"
			o.Objects = []Object{{"misnoted", `
CREATE TABLE noted (name TEXT, key TEXT, id INTEGER);
CREATE TRIGGER items_noted AFTER INSERT ON items BEGIN
	INSERT INTO noted VALUES (` + note + `);
END;`}}
		})
		before := r.State()
		err := r.Apply(t.Context(), []Delivery{h.tx(insert(items(), row(1, 7, "one", nil)))})
		if err == nil || !strings.Contains(err.Error(), "table noted holds") {
			t.Errorf("%s: %v", name, err)
		}
		if heard := seen.take(); !strings.Contains(heard, "rollback") || strings.Contains(heard, "commit") {
			t.Errorf("%s: it heard\n%s", name, heard)
		}
		equal(t, "state", r.State(), before)
		equal(t, "items and notes", dump(t, r, "SELECT (SELECT count(*) FROM items) || ' ' || (SELECT count(*) FROM noted)"), "0 0")
	}
}

func TestApplyChangesRows(t *testing.T) {
	var seen recorder
	r, h := open(t, func(o *Options) { o.Observer = &seen })
	item := items()
	apply(t, r,
		h.tx(insert(item, row(1, 7, "one", "a long note")), insert(item, row(2, 7, "two", nil))),
		h.tx(update(item, nil, row(1, 7, "uno", unchanged)), insert(item, row(3, 8, "three", ""))),
		h.tx(remove(item, row(2, 7, nil, nil)), insert(links(), row("x", 1, "NaN"))),
	)
	equal(t, "items", dump(t, r, allItems), "1|7|uno|a long note\n3|8|three|")
	equal(t, "links", dump(t, r, "SELECT * FROM links"), "x|1|NaN")
	equal(t, "state", r.State(), func() State { s := h.state(); s.Incarnation = 1; return s }())
	equal(t, "observed", seen.take(), strings.Join([]string{
		"items [] [1 7 one a long note]", "items [] [2 7 two n]", "items [] [1 7 uno u]", "items [] [3 8 three ]",
		"items [2 7 n n] []", "links [] [x 1 NaN]", "commit 7:0/406",
	}, "\n"))
	stats := r.Stats()
	equal(t, "rows", stats.Rows, 6)
	equal(t, "transactions", stats.Transactions, 3)
}

func TestApplyKeepsUnchangedValuesWhenTheKeyMoves(t *testing.T) {
	r, h := open(t)
	item, link := items(), links()
	apply(t, r, h.tx(insert(item, row(1, 7, "one", "kept")), insert(link, row("x", 1, 0.5)), insert(link, row("y", 2, 1))))
	apply(t, r, h.tx(
		update(item, row(1, 7, nil, nil), row(5, 7, "five", unchanged)),
		update(link, row("x", 1, nil), row("x", 9, unchanged)),
		// A toasted key that did not change comes only with the old row.
		update(link, row("y", 2, nil), row(unchanged, 2, 3)),
	))
	equal(t, "items", dump(t, r, allItems), "5|7|five|kept")
	equal(t, "links", dump(t, r, "SELECT * FROM links ORDER BY a"), "x|9|0.5\ny|2|3")
	// The identity changes, the key does not.
	apply(t, r, h.tx(update(item, row(5, 7, nil, nil), row(5, 8, unchanged, nil))))
	equal(t, "items", dump(t, r, allItems), "5|8|five|NULL")
	// Within a transaction a row may take a key that another has left.
	apply(t, r, h.tx(
		insert(item, row(6, 7, "six", nil)),
		update(item, row(6, 7, nil, nil), row(7, 7, "six", nil)),
		update(item, row(5, 8, nil, nil), row(6, 8, "five", nil)),
	))
	equal(t, "items", dump(t, r, allItems), "6|8|five|NULL\n7|7|six|NULL")
}

func TestApplyAcceptsAnUpdateThatChangesNothing(t *testing.T) {
	key := &change.Table{
		OID: 1, Schema: "public", Name: "keys", SQLite: "keys", Key: []int{0}, Identity: []int{0},
		Columns: []change.Column{{Name: "id", Kind: change.Integer}},
	}
	h := newHub(key)
	path := t.TempDir() + "/x.db"
	fill(t, h, path, row(1))
	r := reopen(t, Options{Path: path})
	apply(t, r, h.tx(update(key, nil, row(1))))
	if err := r.Apply(t.Context(), []Delivery{h.tx(update(key, nil, row(2)))}); !errors.Is(err, ErrResync) {
		t.Errorf("a row that is not there was updated: %v", err)
	}
}

func TestApplySkipsWhatItHas(t *testing.T) {
	var seen recorder
	r, h := open(t, func(o *Options) { o.Observer = &seen })
	first, second := h.tx(insert(items(), row(1, 7, "one", nil))), h.tx(insert(items(), row(2, 7, "two", nil)))
	apply(t, r, first)
	seen.take()
	apply(t, r, first)
	equal(t, "observed", seen.take(), "")
	apply(t, r, first, second, second)
	equal(t, "items", dump(t, r, allItems), "1|7|one|NULL\n2|7|two|NULL")
}

func TestHeartbeatMovesThePosition(t *testing.T) {
	r, h := open(t)
	apply(t, r, h.heartbeat(2000), h.heartbeat(2000))
	equal(t, "position", r.State().Position.LSN, 2000)
	equal(t, "sequence", r.State().Seq, h.seq)
	apply(t, r, h.tx(insert(items(), row(1, 7, "one", nil))), h.heartbeat(3000))
	equal(t, "position", r.State().Position.LSN, 3000)
	back := h.heartbeat(3500)
	back.Message.Heartbeat = 2999
	refuses(t, r, "goes back", back)
}

func TestTruncateBeginsAnIncarnation(t *testing.T) {
	var seen recorder
	r, h := open(t, func(o *Options) { o.Observer = &seen })
	apply(t, r, h.tx(insert(items(), row(1, 7, "one", nil)), insert(links(), row("x", 1, nil))))
	seen.take()
	before := r.State()
	apply(t, r, h.tx(truncate(items(), links()), insert(items(), row(2, 7, "two", nil))))
	equal(t, "items", dump(t, r, allItems), "2|7|two|NULL")
	equal(t, "links", dump(t, r, "SELECT * FROM links"), "")
	equal(t, "incarnation", r.State().Incarnation, before.Incarnation+1)
	equal(t, "observed", seen.take(), "truncate items\ntruncate links\nitems [] [2 7 two n]\ncommit "+
		r.State().Position.String()+"\nreplaced 2")
	must(t, r.Read(t.Context(), func(v View) error {
		equal(t, "state inside the transaction", v.At, r.State())
		return nil
	}))
}

// The observer hears of a commit before any read can see it, and the position is
// published after it.
func TestCommitOrder(t *testing.T) {
	var r *Replica
	seen := &recorder{}
	r, h := open(t, func(o *Options) { o.Observer = seen })
	seen.commit = func() {
		equal(t, "items before the commit", dump(t, r, allItems), "")
		equal(t, "published before the commit", r.State().Position.LSN, 1000)
	}
	d := h.tx(insert(items(), row(1, 7, "one", nil)))
	waited := make(chan string, 1)
	go func() {
		err := r.Wait(context.Background(), h.state().Position)
		text, _ := readAll(r)
		waited <- fmt.Sprint(err, " ", text)
	}()
	apply(t, r, d)
	equal(t, "what a waiter sees", <-waited, "<nil> 1|7|one|NULL")
}

func readAll(r *Replica) (out string, err error) {
	err = r.Read(context.Background(), func(v View) error {
		out, err = dumpTx(v.Tx, allItems)
		return err
	})
	return out, err
}

func TestApplyEndsWithItsContext(t *testing.T) {
	var seen recorder
	r, h := open(t, func(o *Options) { o.Observer = &seen })
	ctx, cancel := context.WithCancel(t.Context())
	d := h.tx(insert(items(), row(1, 7, "one", nil)))
	cancel()
	if err := r.Apply(ctx, []Delivery{d}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	apply(t, r, d)
	equal(t, "items", dump(t, r, allItems), "1|7|one|NULL")
}

func TestUnloadedReplica(t *testing.T) {
	r := reopen(t, Options{Path: t.TempDir() + "/none.db"})
	equal(t, "loaded", r.Loaded(), false)
	equal(t, "state", r.State(), State{})
	equal(t, "tables", len(r.Tables()), 0)
	if err := r.Read(t.Context(), func(View) error { return nil }); !errors.Is(err, ErrNotLoaded) {
		t.Errorf("reading: %v", err)
	}
	if err := r.Apply(t.Context(), []Delivery{newHub().heartbeat(1)}); !errors.Is(err, ErrNotLoaded) {
		t.Errorf("applying: %v", err)
	}
	if _, err := r.Snapshot(t.Context(), t.TempDir()+"/s.db"); !errors.Is(err, ErrNotLoaded) {
		t.Errorf("taking a snapshot: %v", err)
	}
	if err := r.Wait(t.Context(), change.Position{Generation: 1}); !errors.Is(err, ErrAhead) {
		t.Errorf("waiting: %v", err)
	}
	must(t, r.Abandon(t.Context()))
}

func TestClosedReplica(t *testing.T) {
	r, h := open(t)
	must(t, r.Close())
	must(t, r.Close())
	for doing, err := range map[string]error{
		"reading":  r.Read(t.Context(), func(View) error { return nil }),
		"applying": r.Apply(t.Context(), []Delivery{h.heartbeat(2000)}),
		"swapping": r.Swap(t.Context(), "x"),
		"waiting":  r.Wait(t.Context(), change.Position{Generation: 7, LSN: 9999}),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", doing, err)
		}
	}
}

// A full disk is no reason to load everything again.
func TestApplyRecoversFromAFullDisk(t *testing.T) {
	var seen recorder
	r, h := open(t, func(o *Options) { o.Observer = &seen })
	limit := func(pages int) {
		must(t, r.file.Load().writer.exec(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages)))
	}
	limit(1) // as many as there are
	d := h.tx(insert(items(), row(1, 7, "one", strings.Repeat("x", 1<<20))))
	err := r.Apply(t.Context(), []Delivery{d})
	if err == nil || errors.Is(err, ErrResync) || !strings.Contains(err.Error(), "full") {
		t.Fatalf("got %v", err)
	}
	equal(t, "observed", seen.take(), "rollback")
	equal(t, "items", dump(t, r, countItems), "0")
	limit(1 << 30)
	apply(t, r, d)
	equal(t, "items", dump(t, r, countItems), "1")
}

func TestDelayComesBeforeEachCommit(t *testing.T) {
	delays := 0
	var r *Replica
	r, h := open(t, func(o *Options) {
		o.Delay = func() {
			delays++
			equal(t, "published", r.State().Position.LSN, 1000)
		}
	})
	apply(t, r, h.tx(insert(items(), row(1, 7, "one", nil))), h.heartbeat(2000))
	equal(t, "delays", delays, 1)
}
