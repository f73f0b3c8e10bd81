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
	now := a.now()
	at := a.hubAt.Add(stored.Sub(a.hub))
	switch {
	case at.After(now):
		at = now
		a.hub, a.hubAt = stored, at
	case a.ordered && at.Before(a.current):
		at = a.current
		a.hub, a.hubAt = stored, at
	}
	a.current, a.ordered, a.pending = at, true, pending
}

// lag is zero when there is nothing that is not applied.
func (a *age) lag() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pending == 0 {
		return 0
	}
	return a.now().Sub(a.current)
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
