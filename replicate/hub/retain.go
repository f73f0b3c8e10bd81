package hub

import (
	"context"
	"errors"
	"time"

	"outpost/replicate/pump"
	"outpost/replicate/stream"
)

const (
	retainInterval = 10 * time.Second
	// maxMessages bounds the stream beside its bytes: an idle hub adds one a second.
	maxMessages = 200_000
)

// retain keeps the stream within its bounds. It never drops what the newest snapshot
// does not contain, and as long as there is room not what a download will need. A stream
// that one unfinished transaction fills is a history that cannot be continued.
func (h *Hub) retain(ctx context.Context, log *stream.Log) error {
	tick := time.NewTicker(retainInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-h.broke: // perhaps for want of room
		case <-ctx.Done():
			return ctx.Err()
		}
		if !h.holds() {
			continue // nothing of this hub's is added; the stream may be another's
		}
		err := h.trim(ctx, log)
		if broken := new(pump.Broken); errors.As(err, &broken) {
			return err
		}
		if err != nil && ctx.Err() == nil {
			h.Log.Warn("trimming the stream failed; trying again", "error", err)
		}
	}
}

func (h *Hub) trim(ctx context.Context, log *stream.Log) error {
	bounds, err := log.Bounds(ctx)
	if err != nil {
		return err
	}
	limit := uint64(h.StreamBytes)
	if bounds.Bytes < limit/2 && bounds.Messages < maxMessages {
		return nil
	}
	if h.droppable(bounds, limit) <= bounds.First {
		return nil // before a snapshot is made for nothing
	}
	snapshot, err := h.snapshots.fresh(ctx, retainInterval)
	if err != nil {
		return err
	}
	if err := h.drop(ctx, log, bounds, snapshot); err != nil {
		return err
	}
	if bounds, err = log.Bounds(ctx); err != nil {
		return err
	}
	// What is left is behind the snapshot, which has all that is whole; and still there is
	// no room for another message.
	if bounds.First > snapshot.State.Seq && bounds.Bytes+2*pump.MessageBytes > limit &&
		uint64(snapshot.State.Position.LSN) >= uint64(h.progress.Published()) {
		return pump.Breaks("a transaction is larger than the stream, which may hold %d bytes", limit)
	}
	return nil
}

// droppable is the sequence below which nobody will miss anything, but for what the
// newest snapshot does not contain.
func (h *Hub) droppable(bounds stream.Bounds, limit uint64) uint64 {
	// A quarter stays for replicas that are a little behind.
	below := bounds.Last - bounds.Messages/4
	if bounds.Bytes < limit*9/10 {
		h.snapshots.mu.Lock()
		defer h.snapshots.mu.Unlock()
		below = min(below, h.snapshots.leased(time.Now()))
	}
	return below
}

// drop purges what the snapshot contains, as far as it may, and ends the downloads whose
// edges would find their next message gone.
func (h *Hub) drop(ctx context.Context, log *stream.Log, bounds stream.Bounds, snapshot *Snapshot) error {
	below := min(h.droppable(bounds, uint64(h.StreamBytes)), snapshot.State.Seq+1)
	if below <= bounds.First {
		return nil
	}
	h.Log.Info("trimming the stream", "below", below, "first", bounds.First, "last", bounds.Last, "bytes", bounds.Bytes)
	if err := log.Purge(ctx, below); err != nil {
		return err
	}
	s := &h.snapshots
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(func(d *Download) bool { return d.Snapshot.State.Seq+1 < below })
	return nil
}
