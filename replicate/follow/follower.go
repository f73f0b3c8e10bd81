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
	"time"

	"outpost/replicate/replica"
	"outpost/replicate/stream"
	"outpost/replicate/wire"
)

// staleAfter is how long nothing may be heard before the replica counts as behind:
// the hub publishes at least every second.
const staleAfter = 3 * time.Second

// askInterval is how often the hub is asked for its clock.
const askInterval = time.Minute

// Follower applies the stream to one replica. The zero value with Replica, Conn and
// Log set is ready.
type Follower struct {
	Replica *replica.Replica
	Conn    *stream.Conn
	Log     *slog.Logger

	age       age
	hindrance hindrance
}

// Run applies messages until ctx ends, the connection breaks for good, or the
// replica refuses one: replica.ErrResync then says that only another snapshot helps.
// While the replica's disk does not take anything, it waits and says so once.
func (f *Follower) Run(ctx context.Context) error {
	f.age.begin()
	return f.hindrance.wait(ctx, f.Log, f.run)
}

func (f *Follower) run(ctx context.Context) (err error) {
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
	f.age.hear(bounds.Now)
	if at.Seq == bounds.Last {
		f.age.applied(bounds.Newest, 0)
	}
	// Half a large transaction may have been applied; after a new start its first
	// part comes again.
	defer func() { err = errors.Join(err, f.Replica.Abandon(context.WithoutCancel(ctx))) }()

	defer f.age.left()
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
		f.age.arrived(deliveries[0].Stored)
		if err = f.Replica.Apply(ctx, batch); err != nil {
			return err
		}
		f.hindrance.over(f.Log)
		f.age.applied(newest.Stored, newest.Pending)
		if f.age.heard() > askInterval {
			if bounds, err = f.Conn.Bounds(ctx); err != nil {
				return err
			}
			f.age.hear(bounds.Now)
		}
	}
}

// Lag is the distance behind the stream's newest message, in time: zero when there
// is none that is not applied, however long ago it was written. While the stream
// cannot be reached there is no saying, and it is zero too: that is Stale's to tell,
// and no reason to take a replica out of service.
func (f *Follower) Lag() time.Duration {
	if !f.Conn.Connected() {
		return 0
	}
	return f.age.lag()
}

// Stale says whether the replica is known to be behind, or not known to be current, and
// for how long: the hub or its source is away, or a resync is running. What was the case
// before this process began is not known; until it has heard of the stream, the age is
// at least what it gives.
func (f *Follower) Stale() (time.Duration, bool) { return f.age.stale() }
