package follow

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5" // exponential backoff with jitter
	"outpost/replicate/replica"
	"outpost/replicate/stream"
)

// The pauses between attempts to follow or to bootstrap.
const (
	firstPause   = 200 * time.Millisecond
	longestPause = 15 * time.Second
	// settled is how long following must have gone well for the pauses to start over.
	settled = 10 * time.Second
)

// Edge is a replica that bootstraps itself and follows.
type Edge struct {
	Follower
	Snapshots *Snapshots
}

// NewEdge follows conn's zone into r, with snapshots from s.
func NewEdge(r *replica.Replica, conn *stream.Conn, s *Snapshots, log *slog.Logger) *Edge {
	return &Edge{Follower: Follower{Replica: r, Conn: conn, Log: log}, Snapshots: s}
}

// Run follows until ctx ends; whatever breaks meanwhile is logged and tried again.
func (e *Edge) Run(ctx context.Context) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = firstPause, longestPause
	resync := !e.Replica.Loaded()
	for {
		began, before := time.Now(), e.Replica.State().Seq
		err := e.once(ctx, resync)
		if ctx.Err() != nil {
			return nil
		}
		// A connection that breaks often is to cost no more than what it takes to come back.
		ahead := !resync && e.Replica.State().Seq > before
		resync = errors.Is(err, replica.ErrResync) || !e.Replica.Loaded()
		switch {
		case errors.Is(err, ErrNoSnapshot):
			resync = true
			e.Log.Info("waiting for the primary to have a snapshot")
		case resync:
			e.Log.Warn("this replica takes a new snapshot; what it has is served meanwhile, marked stale", "reason", err)
		default:
			e.Log.Warn("following the stream broke off; trying again", "error", err)
		}
		if ahead || time.Since(began) > settled {
			pause.Reset()
		}
		select {
		case <-time.After(pause.NextBackOff()):
		case <-ctx.Done():
			return nil
		}
	}
}

func (e *Edge) once(ctx context.Context, resync bool) error {
	if resync {
		if err := e.Snapshots.Install(ctx, e.Replica); err != nil {
			return err
		}
		at := e.Replica.State()
		e.Log.Info("snapshot installed", "position", at.Position, "stream_seq", at.Seq)
	}
	return e.Follower.Run(ctx)
}
