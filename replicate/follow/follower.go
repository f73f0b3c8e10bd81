// Package follow keeps a replica up with the stream: it applies what the hub
// publishes, and where the stream no longer fits the replica it downloads a snapshot
// and goes on from there. While it does, the replica serves what it has.
//
// A Follower is the applying alone, as the primary's own replica needs it; an Edge
// is a Follower that can also bootstrap itself.
package follow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"outpost/replicate/replica"
	"outpost/replicate/stream"
	"outpost/replicate/wire"
)

// staleAfter is how long nothing may be heard before the replica counts as behind:
// the hub publishes at least every second.
const staleAfter = 3 * time.Second

// Follower applies the stream to one replica. The zero value with Replica, Conn and
// Log set is ready.
type Follower struct {
	Replica *replica.Replica
	Conn    *stream.Conn
	Log     *slog.Logger

	began   atomic.Int64  // local time of the first Run, unix nanoseconds
	current atomic.Int64  // as of when the replica is known to have all that the stream had
	stored  atomic.Int64  // when the hub stored what was applied last, by the hub's clock
	pending atomic.Uint64 // messages in the stream behind it
}

// Run applies messages until ctx ends, the connection breaks for good, or the
// replica refuses one: replica.ErrResync then says that only another snapshot helps.
func (f *Follower) Run(ctx context.Context) (err error) {
	f.began.CompareAndSwap(0, time.Now().UnixNano())
	at := f.Replica.State()
	// The feed first: it ends with the connection, so that what it is compared with below
	// cannot be another server's stream.
	feed, err := f.Conn.Follow(ctx, at.Seq+1)
	if err != nil {
		return err
	}
	defer feed.Stop()
	bounds, err := f.Conn.Bounds(ctx)
	if err != nil {
		return err
	}
	switch {
	case at.Seq+1 < bounds.First:
		return fmt.Errorf("%w: the stream begins at message %d, this replica has %d", replica.ErrResync, bounds.First, at.Seq)
	case at.Seq > bounds.Last:
		return fmt.Errorf("%w: the stream ends at message %d, this replica has %d: it is another stream", replica.ErrResync, bounds.Last, at.Seq)
	}
	if at.Seq == bounds.Last {
		f.pending.Store(0)
		f.current.Store(earlier(bounds.Newest, time.Now()).UnixNano())
	}
	// Half a large transaction may have been applied; after a new start its first
	// part comes again.
	defer func() { err = errors.Join(err, f.Replica.Abandon(context.WithoutCancel(ctx))) }()

	f.Log.Debug("following the stream", "from", at.Seq+1, "end", bounds.Last)
	var deliveries []stream.Delivery
	var batch []replica.Delivery
	for {
		deliveries, err = feed.Next(ctx, deliveries)
		if errors.Is(err, wire.ErrFormat) { // it would be the same again
			return fmt.Errorf("%w: %w", replica.ErrResync, err)
		}
		if err != nil {
			return err
		}
		batch = batch[:0]
		for i := range deliveries {
			batch = append(batch, replica.Delivery{Seq: deliveries[i].Seq, Message: deliveries[i].Message})
		}
		newest := &deliveries[len(deliveries)-1]
		if err = f.Replica.Apply(ctx, batch); err != nil {
			return err
		}
		current := time.Now()
		if newest.Pending > 0 {
			current = earlier(newest.Stored, current)
		}
		f.stored.Store(newest.Stored.UnixNano())
		f.pending.Store(newest.Pending)
		f.current.Store(current.UnixNano())
	}
}

// Lag is the distance behind the stream's newest message, in time: zero when there
// is none that is not applied, however long ago it was written. While the stream
// cannot be reached there is no saying, and it is zero too: that is Stale's to tell,
// and no reason to take a replica out of service.
func (f *Follower) Lag() time.Duration {
	if f.pending.Load() == 0 || !f.Conn.Connected() {
		return 0
	}
	return max(0, time.Since(time.Unix(0, f.stored.Load())))
}

// Stale says whether the replica is known to be behind, or not known to be current, and
// for how long: the hub or its source is away, or a resync is running. What was the case
// before this process began is not known; until it has heard of the stream, the age is
// at least what it gives.
func (f *Follower) Stale() (time.Duration, bool) {
	current, known := f.current.Load(), true
	if current == 0 {
		current, known = f.began.Load(), false
	}
	if current == 0 {
		return 0, true
	}
	age := max(0, time.Since(time.Unix(0, current)), f.Lag())
	return age, !known || age > staleAfter
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
