// Package cache keeps answers that were computed from the replica and hands one out
// only where it is exactly what the replica would answer now.
//
// An entry names the position and the incarnation of the replica that it was computed
// from, both read inside the transaction that read the data, and the tags it depends on.
// A fixed array of counters holds, per tag, the position of the last change. Whoever
// applies changes raises the counters BEFORE the SQLite commit and publishes the position
// after it. So whatever is computed in between has a lower position than its counter and
// is never believed, and an entry that passes the check has seen every change up to the
// position that was published before the check began. Nothing has to be deleted for
// this to hold; the store underneath may drop, delay or evict as it likes.
//
// What the package guarantees, and model_test.go explores exhaustively: an answer is the
// replica's own answer at the position sent with it; that position is never below the one
// published when the request was checked; and the answer is not older than what was
// committed here when the request came, so one client without positions never goes back in
// time within a region. Hence a hit is sent with the LATER of the published position and the
// entry's own. An entry may have been read after a commit and before its publication: a
// client that was told only the published position could meet older content in the next
// region. The entry's own position alone would be as wrong: it may be arbitrarily old.
//
// It must not know what is cached, who asks, nor SQL, HTTP or the replica.
package cache

import (
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/ristretto/v2"

	"outpost/replicate/change"
)

// ErrClosed is what Do answers after Close.
var ErrClosed = errors.New("the cache is closed")

// At is a state of the replica: its position and its incarnation, the number of the file,
// generation and schema behind it.
type At struct {
	Position    change.Position
	Incarnation uint64
}

// Options are what a Cache needs.
type Options struct {
	// MaxBytes bounds what the entries hold, their compressed forms included. A single
	// answer larger than this is never kept.
	MaxBytes int64
	// Counters is the number of counters, a power of two; 0 is 65,536, half a megabyte.
	// Tags that share both of their counters with others cost needless misses, never a wrong answer.
	Counters int
	// Published is the state that waiters were told of. It must be cheap and allocate
	// nothing: every Get asks it.
	Published func() At
	// FillTimeout ends a fill that all its callers would otherwise wait on for ever; 0 is
	// 30 s.
	FillTimeout time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Tables are names of tables by which a changed tag is named to Missed.
	Tables []string
	// Missed is told of every miss of Do; table is the one whose change made it a miss
	// where reason is Changed and Tables lists it, else empty. May be nil.
	Missed func(reason Reason, table string)
}

// Cache is safe for concurrent use.
type Cache struct {
	published func() At
	now       func() time.Time
	timeout   time.Duration
	missed    func(Reason, string)
	tables    map[uint16]string

	seed  maphash.Seed
	store *ristretto.Cache[uint64, *Entry]
	codec *codec

	era     atomic.Pointer[era]
	writing sync.Mutex // one Raise, Reset or purge at a time; no reader takes it
	purged  purged

	flying  sync.Mutex // guards flights and closed
	flights map[string]*flight
	closed  bool
	landing sync.WaitGroup

	hits, misses, shared atomic.Uint64
}

const (
	defaultCounters    = 1 << 16
	defaultFillTimeout = 30 * time.Second
	maxCounters        = 1 << 26
)

// New makes an empty cache that belongs to no incarnation yet: call Reset with the
// replica's once that is open, and before anything is served.
func New(o Options) (*Cache, error) {
	if o.Counters == 0 {
		o.Counters = defaultCounters
	}
	switch {
	case o.MaxBytes <= 0:
		return nil, fmt.Errorf("making the cache: MaxBytes is %d and must be more than 0", o.MaxBytes)
	case o.Counters < 0 || o.Counters > maxCounters || o.Counters&(o.Counters-1) != 0:
		return nil, fmt.Errorf("making the cache: Counters is %d and must be a power of two up to %d", o.Counters, maxCounters)
	case o.Published == nil:
		return nil, errors.New("making the cache: Published is missing")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.FillTimeout == 0 {
		o.FillTimeout = defaultFillTimeout
	}
	codec, err := newCodec()
	if err != nil {
		return nil, fmt.Errorf("making the cache: %w", err)
	}
	store, err := ristretto.NewCache(&ristretto.Config[uint64, *Entry]{
		// Ten counters for each entry of 2 KiB, as its documentation advises.
		NumCounters: max(o.MaxBytes/200, 1<<10),
		MaxCost:     o.MaxBytes,
		BufferItems: 64,
		// Costs are real bytes already; counting its own on top halves the hit ratio of
		// small entries.
		IgnoreInternalCost: true,
		// The key is a hash made here, and the whole key is compared on every Get.
		KeyToHash: func(hash uint64) (uint64, uint64) { return hash, 0 },
	})
	if err != nil {
		return nil, fmt.Errorf("making the cache: %w", err)
	}
	c := &Cache{
		published: o.Published, now: o.Now, timeout: o.FillTimeout, missed: o.Missed,
		tables: make(map[uint16]string, len(o.Tables)),
		seed:   maphash.MakeSeed(), store: store, codec: codec,
		flights: make(map[string]*flight),
	}
	for _, name := range o.Tables {
		c.tables[Table(name).table()] = name
	}
	c.era.Store(newEra(0, 0, o.Counters))
	return c, nil
}

// Get gives the entry of that key if it may be served now, and the position to send with
// it, by a clock that says now. The caller has waited for the request's own position before. It
// allocates nothing and does not keep key.
func (c *Cache) Get(key []byte, now time.Time) (*Entry, change.Position, bool) {
	e, at, reason, _ := c.look(key, c.hash(key), now)
	if reason != fresh {
		return nil, at, false
	}
	c.hits.Add(1)
	return e, at, true
}

// look reads the published position first and checks after it: every change up to that
// position has raised its counters by then. The other way round, a change could be
// published between the check and the reading of the position.
func (c *Cache) look(key []byte, hash uint64, now time.Time) (*Entry, change.Position, Reason, Tag) {
	at := c.published().Position
	e, ok := c.store.Get(hash)
	if !ok || e.Key != string(key) {
		return nil, at, Absent, 0
	}
	reason, tag := c.check(e, now)
	return e, later(at, e.newest), reason, tag
}

// later is the position to send with content that was read at content and found still
// valid at published.
func later(published, content change.Position) change.Position {
	if content.Compare(published) > 0 {
		return content
	}
	return published
}

func (c *Cache) hash(key []byte) uint64 { return maphash.Bytes(c.seed, key) }

// put keeps e and returns when a Get would find it. An entry that grew past what is left
// is given up at once: the store makes room only for keys that are new to it, and of those refuses what is
// larger than all it may hold.
func (c *Cache) put(e *Entry) {
	c.store.Set(e.hash, e, e.cost())
	c.store.Wait()
	if c.store.RemainingCost() < 0 {
		c.store.Del(e.hash)
		c.store.Wait()
	}
}

// grown accounts for the bytes that a kept entry has gained.
func (c *Cache) grown(e *Entry) {
	if kept, ok := c.store.Get(e.hash); ok && kept == e {
		c.put(e)
	}
}

// Stats are figures since the start.
type Stats struct {
	Hits   uint64 // by Get and Do
	Misses uint64 // of Do: fills that were begun
	Shared uint64 // of Do: answered by a fill that another request began
	Bytes  int64  // held now
}

// Stats gives the figures so far.
func (c *Cache) Stats() Stats {
	return Stats{
		Hits: c.hits.Load(), Misses: c.misses.Load(), Shared: c.shared.Load(),
		Bytes: c.store.MaxCost() - c.store.RemainingCost(),
	}
}

// Close cancels the fills that are under way, waits for them and stops the store. The
// last Get and Do must have been called by then.
func (c *Cache) Close() {
	c.flying.Lock()
	already := c.closed
	c.closed = true
	for _, f := range c.flights {
		f.cancel()
	}
	c.flying.Unlock()
	c.landing.Wait()
	if !already {
		c.store.Close()
		c.codec.close()
	}
}
