package replica

import (
	"context"
	"path/filepath"
	"testing"

	"outpost/replicate/change"
	"outpost/replicate/wire"
)

// FuzzAlter applies changes of the schema that were made of arbitrary bytes: first in a
// part of a transaction that is given up, and where that went well, for good. Nothing of
// it may panic; what is refused leaves nothing behind, and what is accepted can be used.
func FuzzAlter(f *testing.F) {
	add := func(c change.SchemaChange) {
		record, err := wire.EncodeSchema(&c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(record)
	}
	item, missing := numbered(items()), "5"
	add(change.SchemaChange{Dropped: []uint32{100, 200}})
	add(change.SchemaChange{Tables: []*change.Table{becomes(item, func(t *change.Table) {
		t.Columns[2].Name, t.Columns[3].Name, t.SQLite = "rowid", "name", "other"
		t.Columns = append(t.Columns, change.Column{Name: "c", Number: 9, Kind: change.Float, Missing: &missing})
	})}})
	add(change.SchemaChange{Tables: []*change.Table{becomes(item, func(t *change.Table) {
		t.Columns[2].Name, t.Columns[3].Name = "note", "name"
	}), {OID: 5, SQLite: "new", Columns: []change.Column{{Name: "a"}, {Name: "A", Number: 1, Kind: change.Integer}}, Key: []int{1}}}})
	f.Add([]byte(`S{"tables":[{"oid":5,"sqlite":"x","columns":[{"name":"rowid"},{"name":"oid","number":1},{"name":"_rowid_","number":2}],"full":true}]}`))
	f.Add([]byte(`S{"tables":[{"oid":300,"sqlite":"s_loose","columns":[{"name":"z","number":9,"kind":"bytes","missing":"\\x00"}],"full":true}]}`))

	shared, h := alterable(f)
	before, at := everything(f, shared), *h
	f.Fuzz(func(t *testing.T, record []byte) {
		c, err := wire.DecodeSchema(record)
		if err != nil {
			return
		}
		*h = at
		h.seq = shared.State().Seq
		piece := h.parts(1, 2, record, make([]byte, 3*len(record)+1000))[0]
		err = shared.Apply(context.Background(), []Delivery{piece})
		must(t, shared.Abandon(context.Background()))
		if len(shared.Tables()) != 3 || everything(t, shared) != before {
			t.Fatalf("after it was given up (%v) the file holds\n%s", err, everything(t, shared))
		}
		if err != nil {
			return
		}
		dir := t.TempDir()
		h = newHub(numbered(items()), numbered(links()), keyless())
		fill(t, h, filepath.Join(dir, "replica.db"), row(1, 7, "one", nil), row(2, 7, "two", "noted"))
		r := reopen(t, Options{Path: filepath.Join(dir, "replica.db")})
		apply(t, r, h.tx(record))
		for _, table := range c.Tables {
			dump(t, r, "SELECT "+ColumnNames(table)[0]+", "+table.RowID()+" FROM "+quote(table.SQLite))
		}
		h.tables = r.Tables()
		must(t, r.Close())
		r = reopen(t, r.options)
		apply(t, r, h.tx())
	})
}
