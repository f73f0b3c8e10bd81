// Package hub reads Postgres' one logical slot and publishes what it says to the
// stream, and hands snapshots of its own replica to edges.
//
// It guarantees that the slot's confirmed position moves only to positions that are
// in the stream on disk, that the stream is a chain in commit order, and that a
// history which cannot be continued is never continued: it begins a new generation
// instead, which is a full copy. DESIGN.md beside this file tells how it decides.
//
// It knows nothing of what the tables mean.
package hub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5" // exponential backoff with jitter
	"golang.org/x/sync/errgroup"
	"outpost/replicate/change"
	"outpost/replicate/follow"
	"outpost/replicate/replica"
	"outpost/replicate/source"
	"outpost/replicate/stream"
)

// Bounds of the hub.
const (
	// DefaultStreamBytes is how much the stream may hold. At half of it a snapshot is
	// made and what it contains is dropped.
	DefaultStreamBytes = 2 << 30

	firstPause   = 200 * time.Millisecond
	longestPause = 15 * time.Second
	// watchInterval is how often the catalogue and the slot are looked at.
	watchInterval = 5 * time.Second
	// markAfter is how long an expected position may take to come by itself.
	markAfter = 10 * time.Millisecond
	// renewals within this time of each other wait ever longer: a full copy that
	// fails or repeats must not become the primary's main work.
	renewalWindow = 10 * time.Minute
)

// Options say what to replicate and where to.
type Options struct {
	Source  *source.Source
	Conn    *stream.Conn
	Replica *replica.Replica // the primary's own; the hub bootstraps it
	Dir     string           // for the hub's notes, new copies and snapshots
	// StreamBytes bounds the stream on disk; 0 means DefaultStreamBytes.
	StreamBytes int64
	Log         *slog.Logger
}

// Hub is one running hub. There is one per Postgres: the slot is the lock.
type Hub struct {
	Options
	// Follower keeps the primary's own replica up with the stream.
	Follower  follow.Follower
	snapshots snapshots

	published atomic.Uint64 // LSN of the newest position in the stream
	expected  atomic.Uint64 // highest LSN that somebody will wait for
	expecting chan struct{} // holds a token while expected may be ahead of published
	retained  atomic.Int64  // bytes of WAL that the slot holds back
	streaming atomic.Bool
	broke     chan struct{} // holds a token after a session that ended with an error
}

// New builds a hub; Run runs it.
func New(o Options) *Hub {
	if o.StreamBytes == 0 {
		o.StreamBytes = DefaultStreamBytes
	}
	h := &Hub{Options: o, expecting: make(chan struct{}, 1), broke: make(chan struct{}, 1)}
	h.Follower.Replica, h.Follower.Conn, h.Follower.Log = o.Replica, o.Conn, o.Log
	h.snapshots.hub = h
	return h
}

// Run publishes until ctx ends. Whatever breaks is logged and tried again; a history
// that cannot be continued becomes a new generation.
func (h *Hub) Run(ctx context.Context) error {
	pause := newPause()
	var renewals int
	var renewed time.Time
	var broken *brokenHistory
	for {
		var err error
		if broken != nil {
			if time.Since(renewed) > renewalWindow {
				renewals = 0
			}
			if !sleep(ctx, renewalPause(renewals)) {
				return nil
			}
			renewals, renewed = renewals+1, time.Now()
			if h.Replica.Loaded() {
				h.Log.Warn("beginning a new generation; replicas serve what they have meanwhile, marked stale", "reason", broken.reason)
			} else {
				h.Log.Info("beginning the first generation", "reason", broken.reason)
			}
			if err = h.renew(ctx); err == nil {
				broken = nil
			}
		}
		began := time.Now()
		if err == nil {
			err = h.generation(ctx)
		}
		if time.Since(began) > longestPause {
			pause.Reset()
		}
		if ctx.Err() != nil {
			return nil
		}
		if errors.As(err, &broken) {
			continue
		}
		h.Log.Error("the hub failed; trying again", "error", err)
		if !sleep(ctx, pause.NextBackOff()) {
			return nil
		}
	}
}

// generation runs for as long as one generation can be continued. The primary's own
// replica takes what the stream holds even while Postgres is away.
func (h *Hub) generation(ctx context.Context) error {
	log, err := h.Conn.OpenLog(ctx, h.StreamBytes)
	if err != nil {
		return err
	}
	end, err := readTail(ctx, log, 0)
	if err != nil {
		return err
	}
	if broken := h.continues(ctx, log, end); broken != nil {
		return broken
	}
	h.published.Store(uint64(end.lsn))
	h.snapshots.open(end.generation)
	defer h.snapshots.close()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return h.followOwn(ctx) })
	group.Go(func() error { return h.publish(ctx) })
	group.Go(func() error { return h.retain(ctx, log) })
	return group.Wait()
}

// publish connects to Postgres, again and again, and publishes what the slot says.
func (h *Hub) publish(ctx context.Context) error {
	pause := newPause()
	for {
		began := time.Now()
		err := h.session(ctx)
		h.streaming.Store(false)
		var broken *brokenHistory
		if ctx.Err() != nil || errors.As(err, &broken) {
			return err
		}
		h.Log.Error("reading from Postgres broke off; trying again", "error", err)
		select {
		case h.broke <- struct{}{}:
		default: // retain has been told
		}
		if time.Since(began) > longestPause {
			pause.Reset()
		}
		if !sleep(ctx, pause.NextBackOff()) {
			return ctx.Err()
		}
	}
}

// session is one connection to the slot, from its start to its end.
func (h *Hub) session(ctx context.Context) error {
	identity, err := h.Source.Identify(ctx)
	if err != nil {
		return err
	}
	slot, err := h.Source.Slot(ctx)
	if err != nil {
		return err
	}
	// Opened anew each time: it reads which message the next one must follow.
	log, err := h.Conn.OpenLog(ctx, h.StreamBytes)
	if err != nil {
		return err
	}
	end, err := readTail(ctx, log, slot.Confirmed)
	if err != nil {
		return err
	}
	if err := h.resumable(ctx, end, identity, slot); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return h.pump(ctx, log, end, slot.Confirmed) })
	group.Go(func() error { return h.watch(ctx) })
	group.Go(func() error { return h.mark(ctx) })
	return group.Wait()
}

// Expect says that somebody will wait for this position: where the slot does not reach
// it by itself, the hub sees to it. It returns at once.
func (h *Hub) Expect(lsn change.LSN) {
	for {
		known := h.expected.Load()
		if uint64(lsn) <= known || h.expected.CompareAndSwap(known, uint64(lsn)) {
			break
		}
	}
	select {
	case h.expecting <- struct{}{}:
	default: // mark has been told
	}
}

// mark commits something behind an expected position that has not come by itself.
func (h *Hub) mark(ctx context.Context) error {
	marker, err := h.Source.Marker(ctx)
	if err != nil {
		return err
	}
	defer marker.Close(context.WithoutCancel(ctx))
	for {
		select {
		case <-h.expecting:
		case <-ctx.Done():
			return ctx.Err()
		}
		if !sleep(ctx, markAfter) {
			return ctx.Err()
		}
		if h.published.Load() >= h.expected.Load() {
			continue
		}
		if err := marker.Mark(ctx); err != nil {
			return err
		}
	}
}

// followOwn keeps the primary's own replica up with the stream. What it refuses, no
// snapshot of it could heal.
func (h *Hub) followOwn(ctx context.Context) error {
	pause := newPause()
	for {
		began := time.Now()
		err := h.Follower.Run(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, replica.ErrResync):
			return breaks("the primary's own replica: %v", err)
		}
		h.Log.Warn("the primary's replica stopped following; trying again", "error", err)
		if time.Since(began) > longestPause {
			pause.Reset()
		}
		if !sleep(ctx, pause.NextBackOff()) {
			return ctx.Err()
		}
	}
}

// Status is what the hub knows of itself.
type Status struct {
	Streaming     bool       // connected to the slot
	Published     change.LSN // newest position in the stream
	RetainedBytes int64      // WAL that the slot holds back
}

// Status may be called at any time.
func (h *Hub) Status() Status {
	return Status{
		Streaming: h.streaming.Load(),
		Published: change.LSN(h.published.Load()), RetainedBytes: h.retained.Load(),
	}
}

func (h *Hub) path(name string) string { return filepath.Join(h.Dir, name) }

func newPause() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = firstPause, longestPause
	return b
}

func renewalPause(n int) time.Duration {
	if n == 0 {
		return 0
	}
	return min(time.Second<<min(n, 8), 5*time.Minute)
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// brokenHistory is the error of a session whose history cannot be continued.
type brokenHistory struct{ reason string }

func (e *brokenHistory) Error() string { return "a new generation is needed: " + e.reason }

func breaks(format string, v ...any) *brokenHistory {
	return &brokenHistory{reason: fmt.Sprintf(format, v...)}
}
