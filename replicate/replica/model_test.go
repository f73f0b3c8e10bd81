package replica

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"outpost/replicate/change"
	"pgregory.net/rapid"
)

// model is the table items as a map of its rows' text.
type model map[int][3]string

func (m model) String() string {
	keys := make([]int, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	lines := make([]string, len(keys))
	for i, k := range keys {
		lines[i] = fmt.Sprintf("%d|%s", k, strings.Join(func(r [3]string) []string { return r[:] }(m[k]), "|"))
	}
	return strings.Join(lines, "\n")
}

func (m model) clone() model {
	out := make(model, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// change draws one change that fits m, and makes it there too.
func (m model) change(t *rapid.T, item *change.Table) []byte {
	id := rapid.IntRange(1, 12).Draw(t, "id")
	fresh := [3]string{
		fmt.Sprint(rapid.IntRange(1, 3).Draw(t, "company")),
		rapid.SampledFrom([]string{"", "a", "ä", "007"}).Draw(t, "name"),
		rapid.SampledFrom([]string{"x", strings.Repeat("y", 5000)}).Draw(t, "note"),
	}
	was, there := m[id]
	if !there {
		m[id] = fresh
		return insert(item, row(id, fresh[0], fresh[1], fresh[2]))
	}
	old := row(id, was[0], nil, nil)
	switch rapid.SampledFrom([]string{"update", "move", "delete", "truncate"}).Draw(t, "change") {
	case "delete":
		delete(m, id)
		return remove(item, old)
	case "truncate":
		if rapid.IntRange(0, 3).Draw(t, "really") == 0 {
			clear(m)
			return truncate(item)
		}
	case "move":
		to := rapid.IntRange(1, 12).Draw(t, "to")
		if _, taken := m[to]; taken {
			break
		}
		delete(m, id)
		id = to
	}
	name, note := fresh[1], fresh[2]
	if rapid.Bool().Draw(t, "name unchanged") {
		name, fresh[1] = unchanged, was[1]
	}
	if rapid.Bool().Draw(t, "note unchanged") {
		note, fresh[2] = unchanged, was[2]
	}
	m[id] = fresh
	if string(old[0].Data) == fmt.Sprint(id) && was[0] == fresh[0] {
		old = nil // the identity stays
	}
	return update(item, old, row(id, fresh[0], name, note))
}

// TestReplicaEqualsItsModel applies random transactions, whole, in parts and broken
// off, with reopening between, and compares after each.
func TestReplicaEqualsItsModel(outer *testing.T) {
	rapid.Check(outer, func(t *rapid.T) {
		item := items()
		h := newHub(item)
		o := Options{Path: filepath.Join(outer.TempDir(), "replica.db")}
		fill(t, h, o.Path)
		r, err := Open(t.Context(), o)
		must(t, err)
		defer func() { must(t, r.Close()) }()
		m := model{}
		for range rapid.IntRange(1, 15).Draw(t, "transactions") {
			before := m.clone()
			var records [][]byte
			for range rapid.IntRange(0, 12).Draw(t, "changes") {
				records = append(records, m.change(t, item))
			}
			var deliveries []Delivery
			switch rapid.SampledFrom([]string{"batch", "parts", "broken", "heartbeat", "reopen"}).Draw(t, "how") {
			case "batch":
				half := len(records) / 2
				deliveries = []Delivery{h.batch(records[:half], records[half:])}
			case "parts":
				deliveries = h.parts(1, rapid.IntRange(1, 5).Draw(t, "parts"), records...)
			case "broken":
				deliveries = h.parts(1, 4, records...)[:3]
				h.lsn -= 10
				m = before
			case "heartbeat":
				deliveries = []Delivery{h.heartbeat(h.lsn + 5)}
				m = before
			case "reopen":
				must(t, r.Close())
				r, err = Open(t.Context(), o)
				must(t, err)
				m = before
			}
			must(t, r.Apply(t.Context(), deliveries))
			var got string
			must(t, r.Read(t.Context(), func(v View) error {
				if v.At != r.State() {
					t.Errorf("the transaction sees %+v, published is %+v", v.At, r.State())
				}
				got, err = dumpTx(v.Tx, allItems)
				return err
			}))
			if got != m.String() {
				t.Fatalf("the replica has\n%s\nthe model\n%s", got, m)
			}
			if at := r.State().Position.LSN; at != h.lsn {
				t.Fatalf("the replica is at %s, the hub at %s", at, h.lsn)
			}
		}
	})
}
