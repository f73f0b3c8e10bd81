package cache

import (
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"sync/atomic"
	"time"

	"outpost/replicate/change"
)

// Filled is what a fill computed.
type Filled struct {
	Status      int
	ContentType string
	Body        []byte // must not be changed any more
	Value       any    // what is not bytes; Size is what it holds
	Size        int
	// ETag is strong and quoted; where it is empty and there is a body, the body's hash.
	ETag string
	// Tags are all that the answer depends on, as few and as narrow as it can. They must
	// not be changed any more.
	Tags []Tag
	// At was read inside the transaction that read the data. Of data from several transactions it is
	// the oldest of their states: a change between them makes the answer one that is never kept.
	At At
	// Newest is the newest of several transactions' positions, which whoever gets the answer must not
	// go back behind; zero: At's.
	Newest change.Position
	// ValidUntil is the earliest instant at which the answer would change without any
	// change of data; zero: never.
	ValidUntil time.Time
	// TTL bounds the age of the entry, for answers that need not be exact; 0: no bound.
	TTL       time.Duration
	Namespace string
	Store     bool // whether it may be kept at all
}

// Entry is an answer. It does not change, but for the compressed forms that are made when
// they are first asked for.
type Entry struct {
	Key         string
	Namespace   string
	Status      int
	ContentType string
	Body        []byte
	Value       any
	ETag        string
	Tags        []Tag
	At          At
	ValidUntil  time.Time
	Store       bool // as it was filled: whether it may be kept

	newest change.Position
	owner  *Cache
	hash   uint64
	epoch  uint64    // the purges that there had been before the fill began
	expiry time.Time // the earlier of ValidUntil and the time-to-live
	size   int

	encoding sync.Mutex
	forms    [encodings]atomic.Pointer[form]
}

// newEntry takes the answer of a fill that began at epoch.
func (c *Cache) newEntry(key string, hash, epoch uint64, f *Filled) *Entry {
	e := &Entry{
		Key: key, Namespace: f.Namespace,
		Status: f.Status, ContentType: f.ContentType, Body: f.Body, Value: f.Value, ETag: f.ETag,
		Tags: f.Tags, At: f.At, ValidUntil: f.ValidUntil, Store: f.Store,
		newest: later(f.Newest, f.At.Position), owner: c, hash: hash, epoch: epoch, expiry: f.ValidUntil, size: f.Size,
	}
	if e.ETag == "" && len(e.Body) > 0 {
		sum := sha256.Sum256(e.Body)
		e.ETag = `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
	}
	if f.TTL > 0 {
		if end := c.now().Add(f.TTL); e.expiry.IsZero() || end.Before(e.expiry) {
			e.expiry = end
		}
	}
	return e
}

// Reason says why an entry may not be served.
type Reason string

// The reasons.
const (
	fresh    Reason = ""
	Absent   Reason = "absent"   // never computed, evicted, or another key of the same hash
	Changed  Reason = "changed"  // a tag changed after it was computed
	Replaced Reason = "replaced" // computed from another incarnation
	Expired  Reason = "expired"  // valid_until or the time-to-live is past
	Purged   Reason = "purged"
)

// check is the whole of the rule; the position to send was read before it. It sees one era,
// so that incarnation and counters belong together, and each counter only grows.
func (c *Cache) check(e *Entry, now time.Time) (Reason, Tag) {
	era := c.era.Load()
	if era.incarnation != e.At.Incarnation || e.epoch < era.born {
		return Replaced, 0
	}
	if t, ok := era.changed(e.Tags, e.At.Position.LSN); ok {
		return Changed, t
	}
	if c.purged.names(e) {
		return Purged, 0
	}
	if !e.expiry.IsZero() && !now.Before(e.expiry) {
		return Expired, 0
	}
	return fresh, 0
}

// overhead is what an entry costs besides its bytes: itself, the store's and the policy's
// places in their maps.
const overhead = 768

func (e *Entry) cost() int64 {
	n := overhead + 2*len(e.Key) + len(e.Body) + len(e.ContentType) + len(e.ETag) + 8*len(e.Tags) + e.size
	for i := range e.forms {
		if f := e.forms[i].Load(); f != nil {
			n += len(f.body) + len(f.etag) + 64
		}
	}
	return int64(n)
}
