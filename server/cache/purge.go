package cache

import (
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
)

// purged numbers the purges. An entry knows how many there had been when its fill began:
// where that is still the number, nothing else has to be looked at; where a purge that
// names the entry has a higher number, the entry is dead. Nothing is deleted, for the same
// reasons as with changes: a fill that is under way would put it back.
type purged struct {
	epoch      atomic.Uint64
	all        atomic.Uint64
	namespaces [256]atomic.Uint64
	tags       [4096]atomic.Uint64
}

// begin gives the number of a purge that is being written down, end makes it known. An
// entry with that number began after the purge was complete.
func (p *purged) begin() uint64 { return p.epoch.Load() + 1 }
func (p *purged) end()          { p.epoch.Add(1) }

func (p *purged) namespace(name string) *atomic.Uint64 {
	return &p.namespaces[xxhash.Sum64String(name)%uint64(len(p.namespaces))]
}

func (p *purged) tag(t Tag) *atomic.Uint64 { return &p.tags[uint64(t)%uint64(len(p.tags))] }

func (p *purged) names(e *Entry) bool {
	if p.epoch.Load() == e.epoch {
		return false
	}
	if p.all.Load() > e.epoch || p.namespace(e.Namespace).Load() > e.epoch {
		return true
	}
	for _, t := range e.Tags {
		if p.tag(t).Load() > e.epoch {
			return true
		}
	}
	return false
}

// PurgeAll forgets everything, and what is being filled.
func (c *Cache) PurgeAll() { c.purge(&c.purged.all) }

// PurgeNamespace forgets the entries of one namespace.
func (c *Cache) PurgeNamespace(name string) { c.purge(c.purged.namespace(name)) }

// PurgeTag forgets the entries that depend on one tag.
func (c *Cache) PurgeTag(t Tag) { c.purge(c.purged.tag(t)) }

func (c *Cache) purge(what *atomic.Uint64) {
	c.writing.Lock()
	defer c.writing.Unlock()
	what.Store(c.purged.begin())
	c.purged.end()
}
