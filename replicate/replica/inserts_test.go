package replica

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
)

// TestGatheredRowsAreThereForWhatFollows changes rows while they, or others, are gathered.
func TestGatheredRowsAreThereForWhatFollows(t *testing.T) {
	h := newHub(items(), links())
	items, links := h.tables[0], h.tables[1]
	path := filepath.Join(t.TempDir(), "replica.db")
	fill(t, h, path)
	r := reopen(t, Options{Path: path})
	var records [][]byte
	for i := range 2*insertRows + 3 {
		records = append(records, insert(items, row(i, 7, fmt.Sprint("item ", i), nil)))
	}
	last := 2*insertRows + 2
	records = append(records,
		update(items, nil, row(last, 7, "changed", nil)), // still gathered a moment ago
		remove(items, row(0, 7, nil, nil)),
		insert(items, row(0, 8, "again", nil)),
		insert(links, row("a", 1, "0.5")),
		insert(items, row(1000, 7, "between", nil)),
		update(links, nil, row("a", 1, "1.5")),
		truncate(links),
		insert(links, row("b", 2, "2.5")),
	)
	must(t, r.Apply(t.Context(), []Delivery{h.tx(records...)}))
	equal(t, "items", dump(t, r, "SELECT count(*), sum(company_id = 8), sum(name = 'changed' AND id = ?1), max(id) FROM items", last),
		fmt.Sprintf("%d|1|1|1000", 2*insertRows+4))
	equal(t, "links", dump(t, r, "SELECT * FROM links"), "b|2|2.5")

	// Several transactions of one message are gathered together.
	one := h.tx(insert(items, row(2001, 7, "one", nil)))
	two := h.tx(update(items, nil, row(2001, 7, "two", nil)), insert(items, row(2002, 7, "two", nil)))
	must(t, r.Apply(t.Context(), []Delivery{one, two}))
	equal(t, "items", dump(t, r, "SELECT id, name FROM items WHERE id > 2000"), "2001|two\n2002|two")
}

// TestARefusedRowTakesTheGatheredAlong has a row that is there already, or that no table
// could hold, in every place among those that are gathered.
func TestARefusedRowTakesTheGatheredAlong(t *testing.T) {
	h := newHub(items())
	table := h.tables[0]
	path := filepath.Join(t.TempDir(), "replica.db")
	fill(t, h, path, row(5000, 7, "there", nil))
	r := reopen(t, Options{Path: path})
	for _, bad := range [][]byte{insert(table, row(5000, 7, "twice", nil)), insert(table, row("no number", 7, "", nil))} {
		for _, before := range []int{0, 1, insertRows - 1, insertRows, insertRows + 1} {
			var records [][]byte
			for i := range before {
				records = append(records, insert(table, row(i, 7, "new", nil)))
			}
			at := h.lsn
			delivery := h.tx(append(records, bad)...)
			h.lsn, h.seq = at, h.seq-1 // it is not taken
			if err := r.Apply(t.Context(), []Delivery{delivery}); !errors.Is(err, ErrResync) {
				t.Errorf("behind %d rows: %v", before, err)
			}
			equal(t, "items", dump(t, r, "SELECT id, name FROM items"), "5000|there")
		}
	}
	must(t, r.Apply(t.Context(), []Delivery{h.tx(insert(table, row(1, 7, "good", nil)))}))
	equal(t, "items", dump(t, r, "SELECT id, name FROM items"), "1|good\n5000|there")
}
