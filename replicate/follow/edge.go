package follow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
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
		failed, err := e.once(ctx, resync)
		if ctx.Err() != nil {
			return nil
		}
		// A connection that breaks often is to cost no more than what it takes to come back.
		ahead := !resync && e.Replica.State().Seq > before
		resync = failed || errors.Is(err, replica.ErrResync) || !e.Replica.Loaded()
		switch {
		case errors.Is(err, ErrNoSnapshot):
			e.Log.Info("waiting for the primary to have a snapshot")
		case errors.Is(err, replica.ErrDisk):
			e.hindrance.met(e.Log, err)
		case failed:
			e.Log.Warn("taking a snapshot failed; trying again", "error", err)
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

// once follows, after a snapshot if it is to take one; failed says that this one is still to
// be taken.
func (e *Edge) once(ctx context.Context, resync bool) (failed bool, err error) {
	if resync {
		if err := e.install(ctx); err != nil {
			return true, err
		}
		at := e.Replica.State()
		e.Log.Info("snapshot installed", "position", at.Position, "stream_seq", at.Seq)
	}
	return false, e.Follower.Run(ctx)
}

// install takes a snapshot.
func (e *Edge) install(ctx context.Context) error {
	dir := e.Snapshots.Dir
	for _, name := range []string{"snapshot.part", "snapshot.part.etag", "snapshot.db"} {
		path := filepath.Join(dir, name)
		info, err := os.Lstat(path)
		if err != nil || info.Mode().IsRegular() {
			continue
		}
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("%s stands where the download of a snapshot is to be; move it away: %w", path, err)
		}
	}
	return replica.OnDisk(filepath.Join(dir, "snapshot.db"), e.Snapshots.Install(ctx, e.Replica))
}
