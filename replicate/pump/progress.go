package pump

import (
	"context"
	"sync/atomic"
	"time"

	"outpost/replicate/change"
)

// markAfter is how long an expected position may take to come by itself.
const markAfter = 10 * time.Millisecond

// Progress is how far the chain has come. It outlives sessions; its methods may be
// called at any time.
type Progress struct {
	published atomic.Uint64 // LSN of the newest position in the chain
	expected  atomic.Uint64 // highest LSN that somebody will wait for
	expecting chan struct{} // holds a token while expected may be ahead of published
	retained  atomic.Int64
	limit     atomic.Int64
	looks     atomic.Uint64
	streaming atomic.Bool
}

// NewProgress makes one for a chain of which nothing is known yet.
func NewProgress() *Progress { return &Progress{expecting: make(chan struct{}, 1)} }

// Published is the newest position in the chain.
func (p *Progress) Published() change.LSN { return change.LSN(p.published.Load()) }

// Begin says where the chain ends, before its first session.
func (p *Progress) Begin(at change.LSN) { p.published.Store(uint64(at)) }

// Forget drops what was expected: of a generation that is over.
func (p *Progress) Forget() { p.expected.Store(0) }

// Expected is the highest position that somebody will wait for.
func (p *Progress) Expected() change.LSN { return change.LSN(p.expected.Load()) }

// Streaming says whether a session is connected to the slot.
func (p *Progress) Streaming() bool { return p.streaming.Load() }

// Retained is how many bytes of WAL the slot holds back, as of the last look.
func (p *Progress) Retained() int64 { return p.retained.Load() }

// Limit is how many bytes of WAL Postgres keeps for the slot at most; 0 where it has no limit or
// nobody has looked.
func (p *Progress) Limit() int64 { return p.limit.Load() }

// Looks counts how often the catalogue was found to be what the replicas have.
func (p *Progress) Looks() uint64 { return p.looks.Load() }

// Expect says that somebody will wait for this position: where the slot does not reach
// it by itself, the session sees to it. It returns at once.
func (p *Progress) Expect(lsn change.LSN) {
	for {
		known := p.expected.Load()
		if uint64(lsn) <= known || p.expected.CompareAndSwap(known, uint64(lsn)) {
			break
		}
	}
	select {
	case p.expecting <- struct{}{}:
	default: // mark has been told
	}
}

// mark commits something behind an expected position that has not come by itself.
func (s *Session) mark(ctx context.Context) error {
	marker, err := s.Source.Marker(ctx)
	if err != nil {
		return err
	}
	defer marker.Close(context.WithoutCancel(ctx))
	for {
		select {
		case <-s.Progress.expecting:
		case <-ctx.Done():
			return ctx.Err()
		}
		if !sleep(ctx, markAfter) {
			return ctx.Err()
		}
		if s.Progress.Published() >= s.Progress.Expected() {
			continue
		}
		if err := marker.Mark(ctx); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
