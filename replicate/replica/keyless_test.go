package replica

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"outpost/replicate/change"
)

// loose has neither key nor identity but its whole rows.
func loose() *change.Table {
	return &change.Table{
		OID: 400, Schema: "public", Name: "loose", SQLite: "loose", Full: true, Identity: []int{0, 1, 2},
		Columns: []change.Column{
			{Name: "n", TypeOID: 23, Type: "integer", Kind: change.Integer},
			{Name: "weight", TypeOID: 701, Type: "double precision", Kind: change.Float},
			{Name: "rowid", TypeOID: 25, Type: "text", Kind: change.Text}, // hides SQLite's
		},
	}
}

func looseReplica(t *testing.T) (*Replica, *hub, *change.Table) {
	t.Helper()
	h := newHub(loose(), items())
	o := Options{Path: filepath.Join(t.TempDir(), "replica.db")}
	fill(t, h, o.Path, row(1, "NaN", "a"), row(1, "NaN", "a"), row(1, "0", nil), row(nil, nil, nil), row(1, "-0", nil))
	return reopen(t, o), h, h.tables[0]
}

const allLoose = "SELECT n, weight, rowid FROM loose ORDER BY _rowid_"

func TestRowsWithoutAKeyAreFoundWhole(t *testing.T) {
	r, h, table := looseReplica(t)
	apply(t, r, h.tx(
		update(table, row(1, "NaN", "a"), row(1, "NaN", "b")),
		update(table, row(1, "-0", nil), row(2, "-0", unchanged)),
		update(table, row(1, "0", nil), row(1, "0", unchanged)),
		update(table, row(nil, nil, nil), row(nil, "1", nil)),
		update(table, row(1, "NaN", "b"), row(unchanged, unchanged, unchanged)),
		insert(table, row(nil, nil, "")),
		remove(table, row(1, "NaN", "a")),
		remove(table, row(nil, nil, "")),
	))
	equal(t, "rows", dump(t, r, allLoose), "1|NaN|b\n1|0|NULL\nNULL|1|NULL\n2|-0|NULL")
}

func TestReplicaRefusesWhatDoesNotTellARowWithoutAKey(t *testing.T) {
	for want, record := range map[string][]byte{
		"lacks the old row":                     update(loose(), nil, row(1, "0", "x")),
		"old value of weight":                   update(loose(), row(1, unchanged, nil), row(1, "0", "x")),
		"old value of rowid":                    remove(loose(), row(1, "0", unchanged)),
		"updating public.loose hit 0 rows":      update(loose(), row(1, "0", ""), row(1, "0", "x")),
		"deleting from public.loose hit 0 rows": remove(loose(), row(nil, "0", nil)),
		"1 columns":                             remove(loose(), row(1)),
		"cannot be":                             remove(loose(), row("one", "0", nil)),
		"lacks the value":                       insert(loose(), row(1, unchanged, nil)),
	} {
		t.Run(want, func(t *testing.T) {
			r, h, table := looseReplica(t)
			before := dump(t, r, allLoose)
			refuses(t, r, want, h.tx(remove(table, row(1, "NaN", "a")), record))
			equal(t, "rows", dump(t, r, allLoose), before)
		})
	}
}

// Looking for a row is looking through the table, unless there is an index.
func TestAnIndexOfOnesOwnFindsRowsWithoutAKey(t *testing.T) {
	h := newHub(loose())
	table := h.tables[0]
	path := filepath.Join(t.TempDir(), "replica.db")
	var rows []change.Row
	for n := range 1000 {
		rows = append(rows, row(n, "0", nil))
	}
	fill(t, h, path, rows...)
	r := reopen(t, Options{Path: path, Objects: []Object{{"index", "CREATE INDEX loose_n ON loose (n)"}}})
	must(t, r.Read(t.Context(), func(v View) error {
		sql := "EXPLAIN QUERY PLAN DELETE FROM loose" + r.file.Load().byOID[table.OID].whereRow()
		plan, err := dumpTx(v.Tx, sql, nil, nil, nil)
		if !strings.Contains(plan, "USING INDEX loose_n (n=?)") {
			t.Errorf("%s: the plan is\n%s", sql, plan)
		}
		return err
	}))
}

func TestTablesMayBeAsWideAsSQLiteHasThem(t *testing.T) {
	for _, columns := range []int{1, 2000} {
		table := &change.Table{OID: 1, Schema: "public", Name: "wide", SQLite: "wide", Full: true}
		var values []any
		for i := range columns {
			table.Columns = append(table.Columns, change.Column{Name: fmt.Sprintf("c%d", i), Kind: change.Integer})
			table.Identity = append(table.Identity, i)
			values = append(values, i)
		}
		h := newHub(table)
		path := filepath.Join(t.TempDir(), "replica.db")
		var rows []change.Row
		for range 40 {
			rows = append(rows, row(values...))
		}
		fill(t, h, path, rows...)
		r := reopen(t, Options{Path: path})
		apply(t, r, h.tx(remove(table, row(values...)), update(table, row(values...), row(values...))))
		last := fmt.Sprintf("c%d", columns-1)
		equal(t, "rows", dump(t, r, "SELECT count(*), min("+last+"), max("+last+") FROM wide"), fmt.Sprintf("39|%d|%d", columns-1, columns-1))
	}
}
