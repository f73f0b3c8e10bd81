package pump

import (
	"fmt"

	"outpost/replicate/change"
	"outpost/replicate/source"
)

// Broken is the error of a chain that cannot be continued: a new generation is needed.
type Broken struct{ Reason string }

func (e *Broken) Error() string { return "a new generation is needed: " + e.Reason }

// Breaks makes a Broken.
func Breaks(format string, v ...any) *Broken { return &Broken{Reason: fmt.Sprintf(format, v...)} }

// End is where a chain stands, and what its sink knows to tell its history from
// another.
type End struct {
	Generation change.Generation
	System     uint64
	Timeline   uint32
	LSN        change.LSN
	Attempt    uint32 // of the cut transaction that the chain ends in, if any
	// Commits are those beyond the slot's confirmed position, oldest first. They must
	// arrive again, just so.
	Commits []change.Commit
	// Known is the position from which on Commits lacks none. Of what arrives again with
	// an END below it nothing is known, and nothing compared. A sink that remembers only
	// its last commit is right to begin there: a history that was replaced does not have
	// that one, or was replaced behind it.
	Known change.LSN
}

// of says whether the chain is of this server's history; nil if so.
func (e *End) of(identity source.Identity) *Broken {
	switch {
	case identity.System != e.System:
		return Breaks("it is another Postgres: system %d, what is here comes from %d", identity.System, e.System)
	case identity.Timeline != e.Timeline:
		return Breaks("Postgres is on timeline %d, what is here on %d", identity.Timeline, e.Timeline)
	}
	return nil
}

// Resumable says whether what Postgres will send can continue the chain; nil if so.
// Only content can tell a restored volume from the original: a Session compares what
// is sent again.
func (e *End) Resumable(identity source.Identity, slot source.Slot) error {
	if broken := e.of(identity); broken != nil {
		return broken
	}
	switch {
	case !slot.Exists:
		return Breaks("the replication slot is gone")
	case slot.WALStatus == "lost":
		return Breaks("the replication slot was invalidated: Postgres no longer has the WAL it needs")
	case slot.Confirmed > e.LSN:
		return Breaks("the slot was confirmed up to %s, what is here ends at %s", slot.Confirmed, e.LSN)
	case identity.WALFlush < e.LSN:
		return Breaks("Postgres' WAL ends at %s, what is here at %s: it is an earlier copy", identity.WALFlush, e.LSN)
	}
	return nil
}
