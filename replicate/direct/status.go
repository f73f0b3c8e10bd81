package direct

import (
	"context"
	"sync"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/generation"
	"outpost/replicate/source"
)

const (
	// headInterval is how often Postgres is asked how far it has written.
	headInterval = 2 * time.Second
	// near is how far behind a file may be that counts as caught up.
	near = 5 * time.Second
	// steady is how often it is reported that there is nothing to report.
	steady = time.Minute
)

// Phase is what a Replicator is doing.
type Phase string

// The phases.
const (
	Waiting    Phase = "waiting" // for Postgres, or to try again
	Copying    Phase = "copying"
	Completing Phase = "completing the copy"
	CatchingUp Phase = "catching up"
	Following  Phase = "following"
)

// Status is how far a Replicator is.
type Status struct {
	Phase    Phase
	Copied   source.Copied // while it copies
	Position change.Position
	// Behind is how much WAL lies between the file and Postgres, in bytes, of which not all
	// concerns the publication; Lag is how old the file is.
	Behind             int64
	Lag                time.Duration
	Rows, Transactions uint64 // applied since the start
	Uncommitted        uint64 // rows of the transaction that is being applied
	Retained           int64  // bytes of WAL that the slot holds back
}

// Status may be called at any time.
func (r *Replicator) Status() Status {
	s := Status{Phase: Waiting, Retained: r.progress.Retained()}
	if copied, ok := r.Source.Copying(); ok {
		s.Phase, s.Copied = Copying, copied
		return s
	}
	file := r.replica.Load()
	if r.completing.Load() {
		s.Phase = Completing
	}
	if file == nil || s.Phase == Completing {
		return s
	}
	at, stats := file.State(), file.Stats()
	s.Position, s.Rows, s.Transactions, s.Uncommitted = at.Position, stats.Rows, stats.Transactions, stats.Uncommitted
	var known bool
	if s.Behind, s.Lag, known = r.lag.of(at.Position.LSN, at.Last.Time, time.Now()); known {
		if s.Phase = Following; s.Lag > near {
			s.Phase = CatchingUp
		}
	}
	return s
}

// lag tells how far a position is behind Postgres.
type lag struct {
	mu    sync.Mutex
	head  change.LSN // the newest known; 0 while there is no session
	seen  []sample   // heads that the position has not passed, oldest first
	fresh time.Time  // when the newest head was seen that the position has passed
}

type sample struct {
	at   time.Time
	head change.LSN
}

func (l *lag) begin(head change.LSN) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.head, l.seen, l.fresh = head, []sample{{time.Now(), head}}, time.Time{}
}

func (l *lag) see(head change.LSN) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.head = head
	l.seen = append(l.seen, sample{time.Now(), head})
}

func (l *lag) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.head, l.seen = 0, nil
}

// of gives the distance of a position whose last transaction was committed at a time. It
// is as old as the moment at which Postgres was there, known from the heads that were
// seen, or else as its last transaction.
func (l *lag) of(at change.LSN, committed, now time.Time) (bytes int64, age time.Duration, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head == 0 {
		return 0, 0, false
	}
	for len(l.seen) > 0 && l.seen[0].head <= at {
		l.fresh = l.seen[0].at
		l.seen = l.seen[1:]
	}
	if at >= l.head {
		return 0, 0, true
	}
	newest := l.fresh
	if committed.After(newest) {
		newest = committed
	}
	if newest.IsZero() {
		newest = l.seen[0].at // of a copy; it is older, but nobody knows how much
	}
	return int64(l.head - at), max(0, now.Sub(newest)), true
}

// measure asks Postgres again and again how far it has written.
func (r *Replicator) measure(ctx context.Context) error {
	for generation.Sleep(ctx, headInterval) {
		head, err := r.Source.Head(ctx)
		if err != nil {
			return err
		}
		r.lag.see(head)
	}
	return ctx.Err()
}

// report logs how far it is until ctx ends.
func (r *Replicator) report(ctx context.Context) {
	var before Status
	told := time.Now()
	for r.Report > 0 && generation.Sleep(ctx, r.Report) {
		s := r.Status()
		switch {
		case s.Phase == Copying:
			generation.LogCopy(r.Log, s.Copied)
		case s.Phase == Waiting, s.Phase == Completing:
			continue // what it waits for is logged; nothing else is known
		case s.Phase == Following && before.Phase == Following && time.Since(told) < steady:
			continue
		default:
			r.Log.Info("progress", "phase", s.Phase, "position", s.Position, "behind_bytes", s.Behind, "lag_ms", s.Lag.Milliseconds(),
				"rows", s.Rows, "transactions", s.Transactions, "uncommitted_rows", s.Uncommitted, "retained_bytes", s.Retained)
		}
		before, told = s, time.Now()
	}
}
