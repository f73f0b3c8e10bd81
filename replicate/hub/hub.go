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
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"outpost/replicate/change"
	"outpost/replicate/follow"
	"outpost/replicate/generation"
	"outpost/replicate/pump"
	"outpost/replicate/replica"
	"outpost/replicate/source"
	"outpost/replicate/stream"
	"outpost/replicate/wire"
)

// Bounds of the hub.
const (
	// DefaultStreamBytes is how much the stream may hold. At half of it a snapshot is
	// made and what it contains is dropped.
	DefaultStreamBytes = 2 << 30
	// copyLogged is how often a copy that runs is logged.
	copyLogged = 10 * time.Second
	// silence is how long another hub may say nothing before the slot is taken from it.
	silence = 15 * time.Second
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

// Hub is one running hub. One per Postgres reads the slot; another waits until that one
// is gone.
type Hub struct {
	Options
	// Follower keeps the primary's own replica up with the stream.
	Follower  follow.Follower
	snapshots snapshots

	progress  *pump.Progress
	untracked string                  // why changes of the schema are not announced
	watch     time.Duration           // how often the catalogue is looked at, if not as usual
	between   func(int) time.Duration // pauses between renewals, if not as usual
	silence   time.Duration           // after which another hub is taken for gone
	now       func() time.Time        // wall time: a generation's number
	renewed   bool                    // the generation has just begun
	broke     chan struct{}           // holds a token after a session that ended with an error

	hold    atomic.Pointer[source.Hold] // nil until the slot was this hub's for the first time
	stalled atomic.Pointer[string]      // why nothing is read from the slot, when nothing is
}

// New builds a hub; Run runs it.
func New(o Options) *Hub {
	if o.StreamBytes == 0 {
		o.StreamBytes = DefaultStreamBytes
	}
	h := &Hub{
		Options: o, progress: pump.NewProgress(), silence: silence, now: time.Now, broke: make(chan struct{}, 1),
	}
	h.stall("starting")
	h.Follower.Replica, h.Follower.Conn, h.Follower.Log = o.Replica, o.Conn, o.Log
	h.snapshots.hub = h
	return h
}

// Run publishes until ctx ends. Whatever breaks is logged and tried again; a history
// that cannot be continued becomes a new generation.
func (h *Hub) Run(ctx context.Context) error {
	defer h.letGo(ctx)
	life := generation.Life{
		Ready: func(ctx context.Context) error { return h.failing(h.ready(ctx)) },
		Begin: func(ctx context.Context, reason string) error {
			return h.failing(h.holding(ctx, func(ctx context.Context) error { return h.begin(ctx, reason) }))
		},
		Continue: func(ctx context.Context) error { return h.failing(h.generation(ctx)) },
		Between:  h.between, Log: h.Log,
	}
	return life.Run(ctx)
}

// ready says why no generation can be begun now: Postgres or the stream is away.
func (h *Hub) ready(ctx context.Context) error {
	if _, err := h.Source.Identify(ctx); err != nil {
		return err
	}
	_, err := h.Conn.OpenLog(ctx, h.StreamBytes)
	return err
}

// failing notes an error, which is logged elsewhere, as what keeps the hub from reading.
func (h *Hub) failing(err error) error {
	if err != nil {
		h.stall(err.Error())
	}
	return err
}

func (h *Hub) begin(ctx context.Context, reason string) error {
	h.stall("a new generation is being copied: " + reason)
	if h.Replica.Loaded() {
		h.Log.Warn("beginning a new generation; replicas serve what they have meanwhile, marked stale", "reason", reason)
	} else {
		h.Log.Info("beginning the first generation", "reason", reason)
	}
	err := h.renew(ctx)
	h.renewed = err == nil
	return err
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
	h.progress.Begin(end.LSN)
	group, ctx := errgroup.WithContext(ctx)
	// Of a new generation every edge will want a snapshot at once.
	defer h.snapshots.open(ctx, end.Generation, h.renewed)()
	h.renewed = false
	group.Go(func() error { return h.followOwn(ctx) })
	group.Go(func() error { return h.publish(ctx) })
	group.Go(func() error { return h.retain(ctx, log) })
	return group.Wait()
}

// publish connects to Postgres, again and again, and publishes what the slot says.
func (h *Hub) publish(ctx context.Context) error {
	pause := generation.NewPause()
	for {
		began := time.Now()
		err := h.failing(h.holding(ctx, h.session))
		var broken *pump.Broken
		if ctx.Err() != nil || errors.As(err, &broken) {
			return err
		}
		h.Log.Error("reading from Postgres broke off; trying again", "error", err)
		select {
		case h.broke <- struct{}{}:
		default: // retain has been told
		}
		if time.Since(began) > generation.LongestPause {
			pause.Reset()
		}
		if !generation.Sleep(ctx, pause.NextBackOff()) {
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
	if err := h.track(ctx); err != nil {
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
	if end.empty {
		return pump.Breaks("the stream is empty")
	}
	if err := end.Resumable(identity, slot); err != nil {
		return err
	}
	if err := h.noted(end.Generation); err != nil {
		return err
	}
	// What the tables are at the end of the stream, the replica knows when it is there.
	h.stall("the primary's own replica does not have all of the stream yet")
	if err := h.Replica.Wait(ctx, change.Position{Generation: end.Generation, LSN: end.LSN}); err != nil {
		return err
	}
	session := pump.Session{
		Source: h.Source, Sink: sink{log}, Progress: h.progress, Schema: pump.NewSchema(h.Replica.Tables()),
		End: end.End, Confirmed: slot.Confirmed, Answered: h.hold.Load().Answered, Watch: h.watch, Log: h.Log,
	}
	return session.Run(ctx)
}

// sink keeps messages in the stream.
type sink struct{ log *stream.Log }

func (s sink) Publish(ctx context.Context, m *wire.Message) error {
	_, err := s.log.Publish(ctx, stream.All, m)
	return err
}

// Expect says that somebody will wait for this position: where the slot does not reach
// it by itself, the hub sees to it. It returns at once.
func (h *Hub) Expect(lsn change.LSN) { h.progress.Expect(lsn) }

// followOwn keeps the primary's own replica up with the stream. What it refuses, no
// snapshot of it could heal.
func (h *Hub) followOwn(ctx context.Context) error {
	pause := generation.NewPause()
	for {
		began := time.Now()
		err := h.Follower.Run(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, replica.ErrResync):
			return pump.Breaks("the primary's own replica: %v", err)
		}
		h.Log.Warn("the primary's replica stopped following; trying again", "error", err)
		if time.Since(began) > generation.LongestPause {
			pause.Reset()
		}
		if !generation.Sleep(ctx, pause.NextBackOff()) {
			return ctx.Err()
		}
	}
}

// Status is what the hub knows of itself.
type Status struct {
	Streaming     bool       // connected to the slot
	Stalled       string     // why it is not; empty when it is
	Published     change.LSN // newest position in the stream
	RetainedBytes int64      // WAL that the slot holds back
	RetainedLimit int64      // what Postgres keeps of it at most; 0: no limit, or not known
	StreamBytes   int64      // what the stream may hold
	Snapshot      time.Time  // when the newest snapshot was begun; zero while there is none
}

// Status may be called at any time.
func (h *Hub) Status() Status {
	s := Status{
		Streaming: h.progress.Streaming(),
		Published: h.progress.Published(), RetainedBytes: h.progress.Retained(), RetainedLimit: h.progress.Limit(),
		StreamBytes: h.StreamBytes, Snapshot: h.snapshots.made(),
	}
	if !s.Streaming {
		s.Stalled = *h.stalled.Load()
	}
	return s
}

func (h *Hub) path(name string) string { return filepath.Join(h.Dir, name) }
