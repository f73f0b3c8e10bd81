package cache

import (
	"sync/atomic"

	"outpost/replicate/change"
)

// era is one incarnation's counters. It is replaced whole, so that a check sees one
// incarnation with that incarnation's counters: zeroing them in place would let an entry
// of the old one pass for an instant.
type era struct {
	incarnation uint64
	born        uint64 // the epoch of purges; what was filled before it is dead
	newest      []atomic.Uint64
}

func newEra(incarnation, born uint64, counters int) *era {
	return &era{incarnation: incarnation, born: born, newest: make([]atomic.Uint64, counters)}
}

// slots are the two counters of a tag. It has changed only where both say so: whatever shares one with it is
// unlikely to share the other, or that to have been raised by something else since. See DESIGN.md.
func (e *era) slots(t Tag) [2]uint32 {
	mask := uint32(len(e.newest) - 1)
	return [2]uint32{uint32(t) & mask, uint32(t>>22) & mask}
}

// raise is called by one goroutine at a time.
func (e *era) raise(slot uint32, at change.LSN) {
	if counter := &e.newest[slot]; counter.Load() < uint64(at) {
		counter.Store(uint64(at))
	}
}

// changed gives the first of the tags that changed after at.
func (e *era) changed(tags []Tag, at change.LSN) (Tag, bool) {
	for _, t := range tags {
		if s := e.slots(t); e.newest[s[0]].Load() > uint64(at) && e.newest[s[1]].Load() > uint64(at) {
			return t, true
		}
	}
	return 0, false
}

// Raise says that what the tags name changes at position at. It must return before the
// replica commits that change. A commit that then fails costs needless misses only.
func (c *Cache) Raise(tags []Tag, at change.LSN) {
	c.writing.Lock()
	defer c.writing.Unlock()
	e := c.era.Load()
	for _, t := range tags {
		for _, slot := range e.slots(t) {
			e.raise(slot, at)
		}
	}
}

func (c *Cache) raiseSlots(slots []uint32, at change.LSN) {
	c.writing.Lock()
	defer c.writing.Unlock()
	e := c.era.Load()
	for _, slot := range slots {
		e.raise(slot, at)
	}
}

// Reset says that another file, generation or schema is about to be visible under this
// incarnation. It must return before any read can see it. Everything that was computed or
// begun before is dead, even when the number is not new: a swap that failed is announced
// again under the same number.
func (c *Cache) Reset(incarnation uint64) {
	c.writing.Lock()
	defer c.writing.Unlock()
	old := c.era.Load()
	next := newEra(incarnation, c.purged.begin(), len(old.newest))
	if old.incarnation == 0 {
		// The first one is told after the replica is open; what was raised until then belongs
		// to it, and a commit of it may still be under way.
		for i := range old.newest {
			next.newest[i].Store(old.newest[i].Load())
		}
	}
	c.era.Store(next)
	c.purged.end()
}
