package cache

import "slices"

// Resize bounds what the entries hold from now on, and gives up at once what is above that.
func (c *Cache) Resize(bytes int64) {
	c.store.UpdateMaxCost(bytes)
	c.giveUp(bytes)
}

// Empty gives up every entry. PurgeAll says that none may be served any more; this says that none is
// worth its memory, and what is being filled meanwhile is kept.
func (c *Cache) Empty() { c.giveUp(0) }

// Bound is what the entries may hold now.
func (c *Cache) Bound() int64 { return c.store.MaxCost() }

// giveUp leaves no more than so many bytes, and none of what could not be served any more. Of the
// rest it does not choose: what is hot is back after one fill each. The store itself makes room only
// for a key that is new to it, and refuses that where it would have to make too much.
func (c *Cache) giveUp(bytes int64) {
	var dead, live []*Entry
	now := c.now()
	c.store.IterValues(func(e *Entry) bool {
		if reason, _ := c.check(e, now); reason == fresh {
			live = append(live, e)
		} else {
			dead = append(dead, e)
		}
		return false
	})
	held := c.Stats().Bytes
	for i, e := range slices.Concat(dead, live) {
		if i >= len(dead) && held <= bytes {
			break
		}
		held -= e.cost()
		c.store.Del(e.hash)
	}
	c.store.Wait()
}
