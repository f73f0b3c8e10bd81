package cache

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"
	lru "github.com/hashicorp/golang-lru/v2" // its 2Q keeps what is asked again, however much is asked once
)

// Sample is how many hits one counted hit stands for. At 80,000 hits a second the 2,500 that
// take Hits' lock do not meet, and a hit costs one random number more.
const Sample = 32

// Hits remembers what was asked for most often, as T says it, to ask for it again after a
// restart. What it knows is an estimate: misses are counted all, of hits every Sample-th.
// It is bounded, and safe for concurrent use. A nil *Hits remembers nothing.
type Hits[T any] struct {
	seen *lru.TwoQueueCache[uint64, *hits[T]]
}

// hits are those of one key.
type hits[T any] struct {
	what  T
	count atomic.Uint64
}

// Counted is something that was asked for, and about how often.
type Counted[T any] struct {
	What  T      `json:"what"`
	Count uint64 `json:"count"`
}

// NewHits makes one that remembers up to size keys.
func NewHits[T any](size int) (*Hits[T], error) {
	seen, err := lru.New2Q[uint64, *hits[T]](size)
	if err != nil {
		return nil, fmt.Errorf("making the memory of what is asked for: %w", err)
	}
	return &Hits[T]{seen: seen}, nil
}

// Sampled says of a hit whether it is one that is to be counted, as Sample.
func (h *Hits[T]) Sampled() bool { return h != nil && rand.Uint32()%Sample == 0 }

// Count counts n requests of the cache's key. what says what was asked, or that it is not to be
// remembered; it is called for a key that is not known, and key is not kept. For one that is known
// nothing is allocated.
func (h *Hits[T]) Count(key []byte, n uint64, what func() (T, bool)) {
	if h == nil {
		return
	}
	hash := xxhash.Sum64(key) // two keys of one hash count as one of them, which costs a miss
	known, ok := h.seen.Get(hash)
	if !ok {
		asked, keep := what()
		if !keep {
			return
		}
		known = &hits[T]{what: asked}
		h.seen.Add(hash, known)
	}
	known.count.Add(n)
}

// Top gives the most asked, at most n of them, the first the most, and nothing that counts nothing any more.
func (h *Hits[T]) Top(n int) []Counted[T] {
	all := h.seen.Values()
	counted := make([]Counted[T], 0, len(all))
	for _, known := range all {
		if count := known.count.Load(); count > 0 {
			counted = append(counted, Counted[T]{known.what, count})
		}
	}
	slices.SortStableFunc(counted, func(a, b Counted[T]) int { return cmp.Compare(b.Count, a.Count) })
	return counted[:min(n, len(counted))]
}

// Age lets what was asked until now count half, so that what nobody asks for any more counts nothing
// in the end.
func (h *Hits[T]) Age() {
	for _, known := range h.seen.Values() {
		known.count.Store(known.count.Load() / 2)
	}
}
