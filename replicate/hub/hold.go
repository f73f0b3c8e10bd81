package hub

import (
	"context"

	"outpost/replicate/source"
)

// holding does something that only one hub may do: read the slot, or make it anew. It
// first waits until no other hub holds the slot; what it does ends with the hold, which is
// kept from one call to the next. Whatever went wrong after the hold was lost is no reason
// for a new generation: another hub may have caused it.
func (h *Hub) holding(ctx context.Context, do func(context.Context) error) error {
	hold, err := h.take(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(hold.Lost(), cancel)()
	err = do(ctx)
	if lost := context.Cause(hold.Lost()); err != nil && lost != nil {
		return lost
	}
	return err
}

// take gives the hold that there is, or waits for another.
func (h *Hub) take(ctx context.Context) (*source.Hold, error) {
	if hold := h.hold.Load(); hold != nil && hold.Check() {
		return hold, nil
	}
	h.letGo(ctx)
	waited := false
	hold, err := h.Source.Hold(ctx, h.silence, func(other source.Holder) {
		waited = true
		h.stall("another hub reads the slot")
		h.Log.Warn("another hub reads the slot; this one waits, and its replica is not kept up: stop one of the two, or give this one a Postgres of its own",
			"slot", h.Source.Config.Slot, "process", other.PID, "client", other.Address, "since", other.Began)
	})
	if err != nil {
		return nil, err
	}
	if waited {
		h.Log.Info("the other hub is gone; this one reads the slot", "slot", h.Source.Config.Slot)
	}
	h.hold.Store(hold)
	return hold, nil
}

// holds says whether the slot is this hub's.
func (h *Hub) holds() bool {
	hold := h.hold.Load()
	return hold != nil && hold.Lost().Err() == nil
}

func (h *Hub) letGo(ctx context.Context) {
	if hold := h.hold.Swap(nil); hold != nil {
		hold.Release(ctx)
	}
}

// stall notes why nothing is read from the slot.
func (h *Hub) stall(why string) { h.stalled.Store(&why) }
