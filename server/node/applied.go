package node

import (
	"sync"
	"time"

	"outpost/replicate/replica"
)

// appliedSpan is what rates of replication are averaged over: a single transaction is to be seen, and a steady
// flow to be steady.
const appliedSpan = 10 * time.Second

// applied tells from a replica's counters how fast it applies.
type applied struct {
	mu   sync.Mutex
	seen []counted // the oldest first; the first is about appliedSpan old
}

// counted are the counters at one moment.
type counted struct {
	at                 time.Time
	rows, transactions uint64
}

// count takes the counters, once per announceInterval at most.
func (a *applied) count(now time.Time, s replica.Stats) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.seen); n > 0 && now.Sub(a.seen[n-1].at) < announceInterval {
		return
	}
	for len(a.seen) > 1 && now.Sub(a.seen[1].at) >= appliedSpan {
		a.seen = a.seen[1:]
	}
	a.seen = append(a.seen, counted{now, s.Rows, s.Transactions})
}

// rates gives rows and transactions a second.
func (a *applied) rates(now time.Time, s replica.Stats) (rows, transactions float64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.seen) == 0 {
		return 0, 0
	}
	first := a.seen[0]
	// At the start there is no second yet to divide by.
	span := max(now.Sub(first.at).Seconds(), 1)
	return tenth(float64(s.Rows-first.rows) / span), tenth(float64(s.Transactions-first.transactions) / span)
}
