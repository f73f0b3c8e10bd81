package pump

import (
	"cmp"
	"context"
	"errors"
	"time"

	"outpost/replicate/source"
)

// WatchInterval is how often the catalogue and the slot are looked at.
const WatchInterval = 5 * time.Second

// watch polls what the stream does not tell: the catalogue and the slot. It begins with
// a look, for there is no saying what happened while nobody was connected.
func (s *Session) watch(ctx context.Context) error {
	tick := time.NewTicker(cmp.Or(s.Watch, WatchInterval))
	defer tick.Stop()
	for {
		if err := s.compare(ctx); err != nil {
			return err
		}
		slot, err := s.Source.Slot(ctx)
		if err != nil {
			return err
		}
		s.Progress.retained.Store(slot.RetainedBytes)
		s.Progress.limit.Store(slot.LimitBytes)
		s.Progress.looks.Add(1)
		select {
		case <-tick.C:
		case <-s.Schema.look:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// compare ends the session if the catalogue shows a change that the stream has passed
// without telling.
func (s *Session) compare(ctx context.Context) error {
	// Twice: a commit is sent an instant before it is visible in the catalogue.
	for mismatches := 0; ; {
		version := s.Schema.version()
		found, at, err := s.Source.Published(ctx)
		if errors.Is(err, source.ErrPartial) || errors.Is(err, source.ErrNoPublication) {
			return Breaks("%v", err)
		}
		if err != nil {
			return err
		}
		reason := s.Schema.drift(found)
		if reason == "" {
			return nil
		}
		// Its announcement may be on its way.
		s.Progress.Expect(at)
		for s.Progress.Published() < at {
			if !sleep(ctx, 10*time.Millisecond) {
				return ctx.Err()
			}
		}
		if s.Schema.version() != version {
			mismatches = 0
		} else if mismatches++; mismatches == 2 {
			return Breaks("%s", reason)
		}
		if !sleep(ctx, 100*time.Millisecond) {
			return ctx.Err()
		}
	}
}
