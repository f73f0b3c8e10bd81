package cache

import (
	"slices"

	"github.com/cespare/xxhash/v2"

	"outpost/replicate/change"
)

// Recorder turns the rows that a replica applies into raised tags. It has the methods of
// the replica's observer, and like that it is used by the applying goroutine only.
//
// Each row raises its table and, for every integer column of the replica identity and of
// the key, the rows that hold that value: Row by id, Tenant by company_id, Ref by any
// other. The old row's values are raised beside the new one's, so both tenants of a row
// that moves see it. Where Postgres sends no old row, the identity did not change.
//
// What it remembers is bounded by the number of counters, however large a transaction is.
type Recorder struct {
	cache *Cache
	plans map[uint32]*plan
	seen  []uint64 // one bit per counter
	slots []uint32 // those that are set
}

// plan is how the rows of one table are tagged.
type plan struct {
	table   *change.Table
	whole   Tag
	hash    uint64
	columns []tagged
}

type tagged struct {
	index int
	hash  uint64
}

// NewRecorder makes a recorder that raises the tags of c.
func NewRecorder(c *Cache) *Recorder {
	return &Recorder{
		cache: c, plans: make(map[uint32]*plan),
		seen: make([]uint64, max(len(c.era.Load().newest)/64, 1)),
	}
}

// Row notes one changed row: old is nil for an insert, new for a delete.
func (r *Recorder) Row(t *change.Table, old, new change.Row) {
	p := r.plan(t)
	r.note(p.whole)
	for _, column := range p.columns {
		for _, row := range [2]change.Row{old, new} {
			if column.index >= len(row) {
				continue
			}
			if id, ok := integer(row[column.index]); ok {
				r.note(ref(p.hash, column.hash, id))
			}
		}
	}
}

// Touched notes that what name stands for has changed where key is id: Ref(name, key, id), and
// Table(name) for whoever depends on all of it.
func (r *Recorder) Touched(name, key string, id int64) {
	r.note(Table(name))
	r.note(Ref(name, key, id))
}

// Truncate notes that a table was emptied. Which rows it had is not said: the replica
// announces another incarnation.
func (r *Recorder) Truncate(t *change.Table) { r.note(r.plan(t).whole) }

// Commit raises what was noted. It must return before the replica commits.
func (r *Recorder) Commit(at change.Position) {
	r.cache.raiseSlots(r.slots, at.LSN)
	clear(r.seen)
	r.slots = r.slots[:0]
}

// Rollback says that what was noted did not happen. It is kept all the same: to raise too
// much costs a needless miss, to forget a row that was part of what does commit would
// cost the truth.
func (r *Recorder) Rollback() {}

// Replaced says that another incarnation is about to be visible. What was noted is kept, as it
// may belong to the transaction that brings it.
func (r *Recorder) Replaced(incarnation uint64) {
	clear(r.plans)
	r.cache.Reset(incarnation)
}

func (r *Recorder) note(t Tag) {
	for _, slot := range r.cache.era.Load().slots(t) {
		word, bit := slot/64, uint64(1)<<(slot%64)
		if r.seen[word]&bit == 0 {
			r.seen[word] |= bit
			r.slots = append(r.slots, slot)
		}
	}
}

func (r *Recorder) plan(t *change.Table) *plan {
	p, ok := r.plans[t.OID]
	if ok && p.table == t {
		return p
	}
	name := t.SQLite
	if name == "" {
		name = t.Name
	}
	p = &plan{table: t, hash: xxhash.Sum64String(name), whole: Table(name)}
	for _, i := range slices.Concat(t.Identity, t.Key) {
		known := slices.ContainsFunc(p.columns, func(c tagged) bool { return c.index == i })
		if t.Columns[i].Kind == change.Integer && !known {
			p.columns = append(p.columns, tagged{index: i, hash: xxhash.Sum64String(t.Columns[i].Name)})
		}
	}
	r.plans[t.OID] = p
	return p
}

// integer reads Postgres' text of an integer without allocating.
func integer(v change.Value) (int64, bool) {
	if v.Presence != change.Present || len(v.Data) == 0 {
		return 0, false
	}
	digits, negative := v.Data, v.Data[0] == '-'
	if negative {
		digits = digits[1:]
	}
	var n uint64
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, false
		}
		n = n*10 + uint64(d-'0')
	}
	if negative {
		n = -n
	}
	return int64(n), len(digits) > 0
}
