package replica

import (
	"path/filepath"
	"strings"
	"testing"
)

// counters keeps a derived table by triggers, as company_stats is kept.
const counters = `
CREATE TABLE item_counts (company_id INTEGER PRIMARY KEY, items INTEGER NOT NULL);
INSERT INTO item_counts SELECT company_id, count(*) FROM items GROUP BY company_id;
CREATE TRIGGER items_counted AFTER INSERT ON items BEGIN
	INSERT INTO item_counts VALUES (new.company_id, 1) ON CONFLICT DO UPDATE SET items = items + 1;
END;
CREATE TRIGGER items_uncounted AFTER DELETE ON items BEGIN
	UPDATE item_counts SET items = items - 1 WHERE company_id = old.company_id;
END;`

// search keeps an FTS5 table.
const search = `
CREATE VIRTUAL TABLE items_search USING fts5 (name, content = 'items', content_rowid = 'id');
INSERT INTO items_search (items_search) VALUES ('rebuild');
CREATE TRIGGER items_search_insert AFTER INSERT ON items BEGIN
	INSERT INTO items_search (rowid, name) VALUES (new.id, new.name);
END;
CREATE TRIGGER items_search_update AFTER UPDATE ON items BEGIN
	INSERT INTO items_search (items_search, rowid, name) VALUES ('delete', old.id, old.name);
	INSERT INTO items_search (rowid, name) VALUES (new.id, new.name);
END;`

func objectsReplica(t *testing.T, objects ...Object) (*Replica, *hub) {
	t.Helper()
	h := newHub(items(), links())
	o := Options{Path: filepath.Join(t.TempDir(), "replica.db"), Objects: objects}
	fill(t, h, o.Path, row(1, 7, "first lesson", nil), row(2, 8, "second lesson", nil))
	return reopen(t, o), h
}

func names(t *testing.T, r *Replica) string {
	t.Helper()
	return strings.ReplaceAll(dump(t, r, `SELECT name FROM sqlite_schema WHERE name LIKE 'item%' AND name NOT LIKE 'items_search_%' ORDER BY name`), "\n", " ")
}

func TestObjectsLiveWithTheRows(t *testing.T) {
	r, h := objectsReplica(t, Object{"counters", counters}, Object{"search", search},
		Object{"index", "CREATE INDEX items_company ON items (company_id)"})
	apply(t, r,
		h.tx(insert(items(), row(3, 7, "third lesson", nil)), update(items(), nil, row(2, 8, "changed", nil))),
		h.tx(remove(items(), row(1, 7, nil, nil)), update(items(), row(3, 7, nil, nil), row(9, 7, "moved", nil))))
	equal(t, "counted", dump(t, r, "SELECT * FROM item_counts ORDER BY 1"), "7|1\n8|1")
	equal(t, "found", dump(t, r, "SELECT rowid FROM items_search WHERE items_search MATCH 'changed OR moved' ORDER BY 1"), "2\n9")
	equal(t, "lessons found", dump(t, r, "SELECT rowid FROM items_search WHERE items_search MATCH 'third'"), "")
	equal(t, "changes", r.Stats().Rows, 4)
	// TRUNCATE goes through the triggers.
	apply(t, r, h.tx(truncate(items())))
	equal(t, "counted", dump(t, r, "SELECT sum(items) FROM item_counts"), "0")
}

func TestObjectsAreRebuiltWhenTheyChange(t *testing.T) {
	index := Object{"index", "CREATE INDEX items_company ON items (company_id)"}
	onDerived := Object{"derived index", "CREATE INDEX item_counts_items ON item_counts (items)"}
	r, h := objectsReplica(t, Object{"counters", counters}, index, onDerived)
	apply(t, r, h.tx(insert(items(), row(3, 7, "third", nil))))
	equal(t, "objects", names(t, r), "item_counts item_counts_items items items_company items_counted items_uncounted")
	change := func(objects ...Object) {
		t.Helper()
		must(t, r.Close())
		o := r.options
		o.Objects = objects
		r = reopen(t, o)
		equal(t, "loaded", r.Loaded(), true)
	}
	// A mark shows what was left alone.
	mark := func() {
		must(t, r.file.Load().writer.exec(t.Context(), "UPDATE item_counts SET items = 100 WHERE company_id = 7"))
	}
	const marked = "SELECT items FROM item_counts WHERE company_id = 7"
	mark()
	change(Object{"counters", counters}, index, onDerived)
	equal(t, "the same objects", dump(t, r, marked), "100")

	index.SQL = "CREATE INDEX items_name ON items (name)"
	change(Object{"counters", counters}, index, onDerived)
	equal(t, "another's change", dump(t, r, marked), "100")
	equal(t, "objects", names(t, r), "item_counts item_counts_items items items_counted items_name items_uncounted")

	// What goes down with a rebuilt table comes back too.
	change(Object{"counters", counters + " "}, index, onDerived)
	equal(t, "rebuilt", dump(t, r, marked), "2")
	equal(t, "objects", names(t, r), "item_counts item_counts_items items items_counted items_name items_uncounted")
	apply(t, r, h.tx(insert(items(), row(4, 7, "fourth", nil))))
	equal(t, "counted on", dump(t, r, marked), "3")

	change(Object{"search", search})
	equal(t, "objects", names(t, r), "items items_search")
	change()
	equal(t, "objects", names(t, r), "items")
	equal(t, "items", dump(t, r, countItems), "4")
}

func TestObjectsThatFailLeaveTheFileAlone(t *testing.T) {
	r, _ := objectsReplica(t, Object{"index", "CREATE INDEX items_company ON items (company_id)"})
	must(t, r.Close())
	o := r.options
	o.Objects = []Object{{"index", "CREATE INDEX items_company ON items (nothing)"}}
	equal(t, "loaded", reopen(t, o).Loaded(), false)
	again := reopen(t, r.options)
	equal(t, "objects", names(t, again), "items items_company")
}

func TestObjectsOfASnapshotAreMadeToFit(t *testing.T) {
	r, h := objectsReplica(t, Object{"counters", counters})
	path := filepath.Join(t.TempDir(), "fresh.db")
	fill(t, h, path, row(1, 7, "one", nil), row(2, 7, "two", nil))
	must(t, r.Swap(t.Context(), path))
	equal(t, "counted", dump(t, r, "SELECT * FROM item_counts"), "7|2")
}
