package replica

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"outpost/replicate/change"
	"outpost/replicate/wire"
)

// numbered gives a table's columns the numbers that they keep.
func numbered(t *change.Table) *change.Table {
	for i := range t.Columns {
		t.Columns[i].Number = int16(i + 1)
	}
	return t
}

// keyless has no key.
func keyless() *change.Table {
	return &change.Table{
		OID: 300, Schema: "s", Name: "loose", SQLite: "s_loose", Full: true, Key: []int{}, Identity: []int{0, 1},
		Columns: []change.Column{
			{Name: "a", TypeOID: 25, Type: "text", Kind: change.Text, Number: 1},
			{Name: "b", TypeOID: 20, Type: "bigint", Kind: change.Integer, Number: 2},
		},
	}
}

// alterable gives a replica of items (with two rows), links and loose.
func alterable(t testing.TB, options ...func(*Options)) (*Replica, *hub) {
	t.Helper()
	h := newHub(numbered(items()), numbered(links()), keyless())
	o := Options{Path: filepath.Join(t.TempDir(), "replica.db")}
	for _, option := range options {
		option(&o)
	}
	fill(t, h, o.Path, row(1, 7, "one", nil), row(2, 7, "two", "noted"))
	return reopen(t, o), h
}

// becomes is a table's change, and what the table is afterwards.
func becomes(t *change.Table, alter func(*change.Table)) *change.Table {
	out := *t
	out.Columns, out.Key, out.Identity = slices.Clone(t.Columns), slices.Clone(t.Key), slices.Clone(t.Identity)
	alter(&out)
	return &out
}

func add(name string, oid uint32, kind change.Kind, missing ...string) func(*change.Table) {
	return func(t *change.Table) {
		c := change.Column{Name: name, TypeOID: oid, Type: string(kind), Kind: kind, Number: 100}
		for _, o := range t.Columns {
			c.Number = max(c.Number, o.Number+1)
		}
		if missing != nil {
			c.Missing = &missing[0]
		}
		t.Columns = append(t.Columns, c)
	}
}

func drop(column int) func(*change.Table) {
	return func(t *change.Table) { t.Columns = slices.Delete(t.Columns, column, column+1) }
}

func rename(column int, to string) func(*change.Table) {
	return func(t *change.Table) { t.Columns[column].Name = to }
}

func altering(t testing.TB, c change.SchemaChange) []byte {
	t.Helper()
	record, err := wire.EncodeSchema(&c)
	must(t, err)
	return record
}

// everything is what a file holds: what SQLite knows of it, and its rows.
func everything(t testing.TB, r *Replica) string {
	t.Helper()
	out := dump(t, r, "SELECT type, name, sql FROM sqlite_schema ORDER BY 1, 2")
	for _, table := range strings.Split(dump(t, r, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1"), "\n") {
		out += "\n" + table + ":\n" + dump(t, r, "SELECT * FROM "+quote(table))
	}
	return out
}

func TestTablesAreAlteredInPlace(t *testing.T) {
	item := numbered(items())
	for name, c := range map[string]struct {
		alter func(*change.Table)
		row   change.Row // to be inserted afterwards
		query string
		want  string
	}{
		"added": {add("c", 25, change.Text), row(3, 7, "x", nil, "c"), "SELECT id, c FROM items ORDER BY id", "1|NULL\n2|NULL\n3|c"},
		"added with a text": {
			add("c", 25, change.Text, "it's \"x\" ä\n"), row(3, 7, "x", nil, nil),
			"SELECT id, typeof(c), c = 'it''s \"x\" ä\n' FROM items ORDER BY id", "1|text|1\n2|text|1\n3|null|NULL",
		},
		"added with an empty text": {add("c", 25, change.Text, ""), row(3, 7, "x", nil, "c"), "SELECT typeof(c) || c FROM items ORDER BY id", "text\ntext\ntextc"},
		"added with an integer": {
			add("c", 20, change.Integer, "-9223372036854775808"), row(3, 7, "x", nil, 5), "SELECT typeof(c), c FROM items ORDER BY id",
			"integer|-9223372036854775808\ninteger|-9223372036854775808\ninteger|5",
		},
		"added with a boolean":   {add("c", 16, change.Boolean, "t"), row(3, 7, "x", nil, "f"), "SELECT typeof(c), c FROM items ORDER BY id", "integer|1\ninteger|1\ninteger|0"},
		"added with a float":     {add("c", 701, change.Float, "0.1"), row(3, 7, "x", nil, "5e-324"), "SELECT typeof(c), c = 0.1 FROM items ORDER BY id", "real|1\nreal|1\nreal|0"},
		"added with a NaN":       {add("c", 701, change.Float, "NaN"), row(3, 7, "x", nil, "1"), "SELECT typeof(c), c FROM items ORDER BY id", "text|NaN\ntext|NaN\nreal|1"},
		"added with bytes":       {add("c", 17, change.Bytes, `\x00ff27`), row(3, 7, "x", nil, `\x`), "SELECT typeof(c), hex(c) FROM items ORDER BY id", "blob|00FF27\nblob|00FF27\nblob|"},
		"added with no bytes":    {add("c", 17, change.Bytes, `\x`), row(3, 7, "x", nil, nil), "SELECT typeof(c), hex(c) FROM items ORDER BY id", "blob|\nblob|\nnull|"},
		"added with a numeric":   {add("c", 1700, change.Text, "007.10"), row(3, 7, "x", nil, "1.0"), "SELECT typeof(c), c FROM items ORDER BY id", "text|007.10\ntext|007.10\ntext|1.0"},
		"added with a timestamp": {add("c", 1114, change.Timestamp, "2026-11-23 05:00:00"), row(3, 7, "x", nil, nil), "SELECT c FROM items ORDER BY id", "2026-11-23T05:00:00.000000\n2026-11-23T05:00:00.000000\nNULL"},
		"dropped":                {drop(2), row(3, 7, "note"), "SELECT * FROM items ORDER BY id", "1|7|NULL\n2|7|noted\n3|7|note"},
		"dropped and added": {
			func(t *change.Table) { drop(2)(t); add("name", 20, change.Integer, "5")(t) }, row(3, 7, "note", 6),
			"SELECT id, note, name FROM items ORDER BY id", "1|NULL|5\n2|noted|5\n3|note|6",
		},
		"renamed":     {rename(2, "title"), row(3, 7, "x", nil), "SELECT id, title FROM items ORDER BY id", "1|one\n2|two\n3|x"},
		"key renamed": {rename(0, `q"uo;te`), row(3, 7, "x", nil), `SELECT "q""uo;te" FROM items ORDER BY 1`, "1\n2\n3"},
		"renamed in case only": {
			rename(2, "NAME"), row(3, 7, "x", nil), "SELECT (SELECT name FROM pragma_table_info('items') WHERE cid = 2), name FROM items ORDER BY id",
			"NAME|one\nNAME|two\nNAME|x",
		},
		"names exchanged": {
			func(t *change.Table) { rename(2, "note")(t); rename(3, "name")(t) }, row(3, 7, "a", "b"),
			"SELECT id, name, note FROM items ORDER BY id", "1|NULL|one\n2|noted|two\n3|b|a",
		},
		"names passed on": {
			func(t *change.Table) { rename(1, "name")(t); rename(2, "note")(t); rename(3, "company_id")(t) }, row(3, 7, "a", "b"),
			"SELECT id, name, note, company_id FROM items ORDER BY id", "1|7|one|NULL\n2|7|two|noted\n3|7|a|b",
		},
		"twin in case added": {
			add("NAME", 25, change.Text, "twin"), row(3, 7, "x", nil, "y"),
			"SELECT name, NAME_2 FROM items ORDER BY id", "one|twin\ntwo|twin\nx|y",
		},
		"twin in case before it dropped": {
			func(t *change.Table) { rename(3, "NAME")(t); drop(2)(t) }, row(3, 7, "x"), "SELECT NAME FROM items ORDER BY id", "NULL\nnoted\nx",
		},
		"called rowid":          {rename(2, "rowid"), row(3, 7, "x", nil), `SELECT rowid FROM items ORDER BY id`, "one\ntwo\nx"},
		"added as oid":          {add("OID", 25, change.Text, "5"), row(3, 7, "x", nil, "y"), `SELECT oid, name FROM items ORDER BY id`, "5|one\n5|two\ny|x"},
		"all of rowid's names":  {func(t *change.Table) { rename(1, "oid")(t); rename(2, "rowid")(t); rename(3, "_rowid_")(t) }, row(3, 7, "x", "y"), `SELECT oid, rowid, _rowid__2 FROM items ORDER BY id`, "7|one|NULL\n7|two|noted\n7|x|y"},
		"table renamed":         {func(t *change.Table) { t.Name, t.SQLite = "things", "things" }, row(3, 7, "x", nil), "SELECT id FROM things", "1\n2\n3"},
		"renamed in case":       {func(t *change.Table) { t.Name, t.SQLite = "ITEMS", "ITEMS" }, row(3, 7, "x", nil), "SELECT name FROM sqlite_schema WHERE name = 'ITEMS'", "ITEMS"},
		"renamed and rebuilt":   {func(t *change.Table) { t.SQLite = "things"; rename(2, "rowid")(t) }, row(3, 7, "x", nil), "SELECT rowid FROM things", "one\ntwo\nx"},
		"nothing but a comment": {func(t *change.Table) { t.Files = "17" }, row(3, 7, "x", nil), "SELECT id FROM items ORDER BY id", "1\n2\n3"},
	} {
		t.Run(name, func(t *testing.T) {
			r, h := alterable(t)
			before := everything(t, r)
			now := becomes(item, c.alter)
			records := [][]byte{altering(t, change.SchemaChange{Tables: []*change.Table{now}}), relation(now), insert(now, c.row)}
			// First in a piece that is abandoned, and in one that is started over.
			piece := h.parts(1, 2, append(records, truncate(numbered(links())))...)[0]
			h.lsn = r.State().Position.LSN
			d := h.tx(records...)
			apply(t, r, piece)
			must(t, r.Abandon(t.Context()))
			equal(t, "after the rollback", everything(t, r), before)
			equal(t, "tables after the rollback", len(r.Tables()), 3)
			apply(t, r, piece, d)
			equal(t, "rows", dump(t, r, c.query), c.want)
			if got := r.Tables()[0]; got.Name != now.Name || len(got.Columns) != len(now.Columns) {
				t.Errorf("the replica's table is %+v", got)
			}
			// And it goes on, also with another process.
			must(t, r.Close())
			r = reopen(t, r.options)
			equal(t, "rows", dump(t, r, c.query), c.want)
			h.tables[0] = now
			next := slices.Clone(c.row)
			next[0] = row(4)[0]
			apply(t, r, h.tx(insert(now, next), remove(now, next)))
			equal(t, "rows in the end", dump(t, r, c.query), c.want)
		})
	}
}

func TestTablesComeAndGoInPlace(t *testing.T) {
	r, h := alterable(t)
	fresh := &change.Table{
		OID: 900, Schema: "public", Name: "fresh", SQLite: "fresh", Key: []int{0}, Identity: []int{0},
		Columns: []change.Column{{Name: "id", TypeOID: 20, Kind: change.Integer, Number: 1}},
	}
	apply(t, r, h.tx(
		altering(t, change.SchemaChange{Tables: []*change.Table{fresh}, Dropped: []uint32{200}}), relation(fresh), insert(fresh, row(5))))
	equal(t, "rows", dump(t, r, "SELECT * FROM fresh"), "5")
	equal(t, "tables", dump(t, r, "SELECT json_extract(definition, '$.name') FROM _outpost_tables ORDER BY ordinal"), "items\nloose\nfresh")
	equal(t, "dropped", dump(t, r, "SELECT count(*) FROM sqlite_schema WHERE name = 'links'"), "0")
	h.tables = []*change.Table{h.tables[0], h.tables[2], fresh}
	// One that comes and goes within a transaction, and another that takes its name.
	other := becomes(fresh, func(t *change.Table) { t.OID = 901 })
	apply(t, r, h.tx(
		altering(t, change.SchemaChange{Dropped: []uint32{900}}),
		altering(t, change.SchemaChange{Tables: []*change.Table{other}}), relation(other), insert(other, row(6)),
		altering(t, change.SchemaChange{Dropped: []uint32{901}}),
		altering(t, change.SchemaChange{Tables: []*change.Table{fresh}}), relation(fresh), insert(fresh, row(7))))
	equal(t, "rows", dump(t, r, "SELECT * FROM fresh"), "7")
	equal(t, "tables", len(r.Tables()), 3)
}

// TestEveryColumnReplaced is of a table without a key, whose last column SQLite would not drop.
func TestEveryColumnReplaced(t *testing.T) {
	r, h := alterable(t)
	was := keyless()
	now := becomes(was, func(t *change.Table) {
		drop(0)(t)
		drop(0)(t)
		add("c", 25, change.Text, "new")(t)
		t.Identity = []int{0}
	})
	apply(t, r, h.tx(insert(was, row("x", 1)), insert(was, row("x", 2)),
		altering(t, change.SchemaChange{Tables: []*change.Table{now}}), relation(now), insert(now, row("more"))))
	equal(t, "rows", dump(t, r, "SELECT * FROM s_loose ORDER BY c"), "more\nnew\nnew")
	h.tables[2] = now
	apply(t, r, h.tx(remove(now, row("new")), update(now, row("more"), row("most"))))
	equal(t, "rows", dump(t, r, "SELECT * FROM s_loose ORDER BY c"), "most\nnew")
}

// TestAlteringIsRefusedWhole changes what cannot be followed, or in whose way something stands.
func TestAlteringIsRefusedWhole(t *testing.T) {
	index := Object{"index", "CREATE INDEX items_name ON items (name)"}
	item, link := numbered(items()), numbered(links())
	altered := func(alter func(*change.Table)) change.SchemaChange {
		return change.SchemaChange{Tables: []*change.Table{becomes(link, rename(2, "w")), becomes(item, alter)}}
	}
	for name, c := range map[string]struct {
		objects []Object
		change  change.SchemaChange
	}{
		"the key":                     {nil, altered(func(t *change.Table) { t.Key = []int{1} })},
		"a kind":                      {nil, altered(func(t *change.Table) { t.Columns[2].Kind = change.Bytes })},
		"no columns":                  {nil, altered(func(t *change.Table) { t.Columns, t.Key, t.Identity = nil, nil, nil })},
		"a name of the replica's own": {nil, altered(func(t *change.Table) { t.SQLite = "_OUTPOST_state" })},
		"a name of SQLite's own":      {nil, altered(func(t *change.Table) { t.SQLite = "sqlite_x" })},
		"a name that is taken":        {nil, altered(func(t *change.Table) { t.SQLite = "S_LOOSE" })},
		"a value that is none":        {nil, altered(add("c", 20, change.Integer, "five"))},
		"a table that is not there":   {nil, change.SchemaChange{Dropped: []uint32{12345}}},
		"a zero byte":                 {nil, altered(rename(2, "a\x00b"))},
		"an index":                    {[]Object{index}, altered(drop(2))},
		"an index of a dropped table": {[]Object{index}, change.SchemaChange{Dropped: []uint32{100}}},
		"an index of a rebuilt table": {[]Object{index}, altered(rename(3, "rowid"))},
		"a trigger":                   {[]Object{{"counters", counters}}, altered(drop(1))},
		"a trigger of a dropped one":  {[]Object{{"counters", counters}}, change.SchemaChange{Dropped: []uint32{100}}},
		"a view":                      {[]Object{{"view", "CREATE VIEW item_names AS SELECT name FROM items"}}, altered(drop(2))},
		"a view of a rebuilt table":   {[]Object{{"view", "CREATE VIEW item_names AS SELECT name FROM items"}}, altered(rename(3, "rowid"))},
		"full text search":            {[]Object{{"search", search}}, altered(drop(2))},
	} {
		t.Run(name, func(t *testing.T) {
			r, h := alterable(t, func(o *Options) { o.Objects = c.objects })
			must(t, r.Read(t.Context(), func(View) error { return nil }))
			before, tables := everything(t, r), r.Tables()
			d := h.tx(insert(item, row(3, 7, "x", nil)), altering(t, c.change), insert(link, row("a", 1, 2)))
			if err := r.Apply(t.Context(), []Delivery{d}); !errors.Is(err, ErrResync) {
				t.Errorf("got %v", err)
			}
			equal(t, "the file", everything(t, r), before)
			if !slices.Equal(r.Tables(), tables) {
				t.Errorf("the tables are %+v", r.Tables())
			}
			h.lsn, h.seq = 1000, 10
			apply(t, r, h.tx(insert(item, row(3, 7, "after", nil)), insert(link, row("a", 1, 2))))
			equal(t, "rows", dump(t, r, countItems), "3")
		})
	}
}

// TestALocalObjectThatIsNotConcernedStays renames and adds beside an index and triggers.
func TestALocalObjectThatIsNotConcernedStays(t *testing.T) {
	r, h := alterable(t, func(o *Options) {
		o.Objects = []Object{{"index", "CREATE INDEX items_name ON items (name)"}, {"counters", counters}, {"search", search}}
	})
	now := becomes(numbered(items()), func(t *change.Table) { drop(3)(t); add("c", 25, change.Text, "x")(t) })
	apply(t, r, h.tx(altering(t, change.SchemaChange{Tables: []*change.Table{now}}), relation(now), insert(now, row(3, 7, "third", "c"))))
	equal(t, "counted", dump(t, r, "SELECT * FROM item_counts"), "7|3")
	equal(t, "found", dump(t, r, "SELECT rowid FROM items_search WHERE items_search MATCH 'third'"), "3")
	must(t, r.Close())
	r = reopen(t, r.options)
	equal(t, "objects", names(t, r), "item_counts items items_counted items_name items_search items_uncounted")
}

// TestReadersSeeTheOldTablesOrTheNew holds a read open over a change, and statements that
// were prepared before it.
func TestReadersSeeTheOldTablesOrTheNew(t *testing.T) {
	r, h := alterable(t)
	readers := r.file.Load().pool
	first, err := readers.take(t.Context())
	must(t, err)
	stmt, err := first.conn.PrepareContext(t.Context(), "SELECT * FROM items ORDER BY id")
	must(t, errors.Join(err, readers.give(first)))
	defer stmt.Close()
	outside := openReader(t, r.options.Path)
	now := becomes(numbered(items()), func(t *change.Table) { rename(2, "title")(t); add("c", 25, change.Text, "x")(t) })
	must(t, r.Read(t.Context(), func(v View) error {
		before, err := dumpTx(v.Tx, "SELECT * FROM items ORDER BY id")
		if err != nil {
			return err
		}
		apply(t, r, h.tx(altering(t, change.SchemaChange{Tables: []*change.Table{now}}), relation(now), insert(now, row(3, 7, "x", nil, "c"))))
		after, err := dumpTx(v.Tx, "SELECT * FROM items ORDER BY id")
		equal(t, "inside one read", after, before)
		tables, e := v.Tables(t.Context())
		equal(t, "column", tables[0].Columns[2].Name, "name")
		return errors.Join(err, e)
	}))
	rows, err := stmt.QueryContext(t.Context())
	must(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	must(t, errors.Join(err, rows.Err()))
	equal(t, "columns of a prepared statement", strings.Join(columns, " "), "id company_id title note c")
	equal(t, "rows", dump(t, r, "SELECT id, title, c FROM items"), "1|one|x\n2|two|x\n3|x|c")
	equal(t, "rows of another process", outside.dump(t, "SELECT id, title, c FROM items"), "1|one|x\n2|two|x\n3|x|c")
}

// replacements notes at which incarnation it hears of other tables, and what reads saw then.
type replacements struct {
	recorder
	heard func(incarnation uint64)
}

func (o *replacements) Replaced(incarnation uint64) { o.heard(incarnation) }

func TestAnObserverHearsOfOtherTablesBeforeReadersSeeThem(t *testing.T) {
	var o replacements
	r, h := alterable(t, func(options *Options) { options.Observer = &o })
	was, heard := r.State().Incarnation, 0
	o.heard = func(incarnation uint64) {
		heard++
		if incarnation <= was || r.State().Incarnation != incarnation {
			t.Errorf("incarnation %d after %d, the state has %d", incarnation, was, r.State().Incarnation)
		}
		equal(t, "columns while it is told", dump(t, r, "SELECT count(*) FROM pragma_table_info('items')"), "4")
	}
	now := becomes(numbered(items()), add("c", 25, change.Text))
	apply(t, r, h.tx(altering(t, change.SchemaChange{Tables: []*change.Table{now}})))
	equal(t, "times", heard, 1)
	equal(t, "columns", dump(t, r, "SELECT count(*) FROM pragma_table_info('items')"), "5")
	must(t, r.Read(context.Background(), func(v View) error {
		equal(t, "incarnation inside", v.At.Incarnation, was+1)
		return nil
	}))
}

// TestACrashLeavesTheOldTablesOrTheNew copies the files as they are directly before
// SQLite's COMMIT, and after it, as a power cut would leave them.
func TestACrashLeavesTheOldTablesOrTheNew(t *testing.T) {
	var o recorder
	r, h := alterable(t, func(options *Options) { options.Observer = &o })
	left := func() (*Replica, string) {
		to := filepath.Join(t.TempDir(), "replica.db")
		for _, suffix := range []string{"", "-wal"} {
			content, err := os.ReadFile(r.options.Path + suffix)
			must(t, err)
			must(t, os.WriteFile(to+suffix, content, 0o600))
		}
		found := reopen(t, Options{Path: to})
		return found, everything(t, found)
	}
	before := everything(t, r)
	item := numbered(items())
	now := becomes(item, func(t *change.Table) { drop(2)(t); add("rowid", 25, change.Text, "x")(t) })
	pieces := h.parts(1, 3, altering(t, change.SchemaChange{Tables: []*change.Table{now}, Dropped: []uint32{200}}), relation(now), insert(now, row(3, 7, nil, "y")))
	apply(t, r, pieces[:2]...)
	_, piece := left()
	equal(t, "after a piece", piece, before)
	o.commit = func() {
		_, content := left()
		equal(t, "before the commit", content, before)
	}
	apply(t, r, pieces[2])
	found, content := left()
	equal(t, "after the commit", content, everything(t, r))
	equal(t, "rows", dump(t, found, "SELECT id, note, rowid FROM items"), "1|NULL|x\n2|noted|x\n3|NULL|y")
	equal(t, "tables", len(found.Tables()), 2)
}
