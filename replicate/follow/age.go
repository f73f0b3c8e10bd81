package follow

import (
	"sync"
	"time"
)

// age tells how old a replica is. What was measured here is compared here, by the clock
// that only goes forward: whoever sets this machine's time changes no age. The hub's times
// mean nothing here by themselves, for its clock may be another; they are compared with
// what the hub says its time is, which it is asked each time that following begins and
// every askInterval. A clock of the hub's that is set meanwhile is noticed by the messages
// themselves: none was stored after it came or before the one before it.
type age struct {
	mu      sync.Mutex
	began   time.Time // of the first Run
	hub     time.Time // what the hub's clock said
	hubAt   time.Time // when it said that
	current time.Time // as of when the replica has all; zero until the stream was heard of
	ordered bool      // current is of a message that came since hubAt
	waiting time.Time // since when the first message that has come waits to be applied; zero for none
	pending uint64    // messages in the stream behind it
	clock   func() time.Time
}

// now is replaced by tests.
func (a *age) now() time.Time {
	if a.clock != nil {
		return a.clock()
	}
	return time.Now()
}

func (a *age) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.began.IsZero() {
		a.began = a.now()
	}
}

// hear takes what the hub's clock says now.
func (a *age) hear(hub time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hub, a.hubAt, a.ordered = hub, a.now(), false
}

// heard is how long ago that was.
func (a *age) heard() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now().Sub(a.hubAt)
}

// applied says that the replica has what the hub stored at a time of its clock, and
// whatever was before it.
func (a *age) applied(stored time.Time, pending uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now, at := a.now(), a.local(stored)
	switch {
	case at.After(now):
		at = now
		a.hub, a.hubAt = stored, at
	case a.ordered && at.Before(a.current):
		at = a.current
		a.hub, a.hubAt = stored, at
	}
	a.current, a.ordered, a.pending, a.waiting = at, true, pending, time.Time{}
}

func (a *age) local(stored time.Time) time.Time { return a.hubAt.Add(stored.Sub(a.hub)) }

// arrived says that a message, stored at a time of the hub's clock, is about to be applied:
// that may take long, if the replica waits for a reader.
func (a *age) arrived(stored time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting = a.local(stored); a.waiting.After(a.now()) {
		a.waiting = a.now()
	}
}

// left says that nothing is being applied.
func (a *age) left() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting = time.Time{}
}

// lag is zero when there is nothing that is not applied.
func (a *age) lag() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.pending > 0:
		return a.now().Sub(a.current)
	case !a.waiting.IsZero():
		return a.now().Sub(a.waiting)
	}
	return 0
}

func (a *age) stale() (time.Duration, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case !a.current.IsZero():
		age := a.now().Sub(a.current)
		return age, age > staleAfter
	case !a.began.IsZero():
		return a.now().Sub(a.began), true
	}
	return 0, true
}
