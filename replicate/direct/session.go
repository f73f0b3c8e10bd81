package direct

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"outpost/replicate/change"
	"outpost/replicate/pump"
	"outpost/replicate/replica"
	"outpost/replicate/wire"
)

// session is one connection to the slot, from its start to its end. With Once it ends
// without an error when the file has caught up.
func (r *Replicator) session(ctx context.Context) error {
	file := r.replica.Load()
	// Of what a session before left half done, nothing may be open.
	if err := file.Abandon(ctx); err != nil {
		return err
	}
	if err := r.continues(file); err != nil {
		return err
	}
	identity, err := r.Source.Identify(ctx)
	if err != nil {
		return err
	}
	if err := r.track(ctx); err != nil {
		return err
	}
	slot, err := r.Source.Slot(ctx)
	if err != nil {
		return err
	}
	end := end(file.State(), slot.Confirmed)
	if err := end.Resumable(identity, slot); err != nil {
		return err
	}
	head, err := r.Source.Head(ctx)
	if err != nil {
		return err
	}
	if slot.Active {
		r.Log.Warn("somebody streams from the slot; that connection is ended", "slot", r.Source.Config.Slot, "process", slot.ActivePID)
	}
	r.Log.Info("following", "position", file.State().Position, "behind_bytes", int64(head)-int64(end.LSN))
	r.lag.begin(head)
	defer r.lag.end()
	session := pump.Session{
		Source: r.Source, Sink: &sink{file, file.State().Seq}, Progress: r.progress,
		Schema: pump.NewSchema(file.Tables()), End: end, Confirmed: slot.Confirmed, Log: r.Log,
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reached := false
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return session.Run(running) })
	if r.adopts() {
		group.Go(func() error { return r.adopt(running) })
	}
	group.Go(func() error { return r.measure(running) })
	if r.Once {
		group.Go(func() error {
			r.progress.Expect(head)
			err := file.Wait(running, change.Position{Generation: end.Generation, LSN: head})
			reached = err == nil
			cancel()
			return err
		})
	}
	err = group.Wait()
	if reached {
		r.Log.Info("caught up", "position", file.State().Position)
		return nil
	}
	return err
}

// continues says why there is nothing to continue. It does not ask Postgres.
func (r *Replicator) continues(file *replica.Replica) error {
	at := file.State().Position.Generation
	switch {
	case !file.Loaded():
		return pump.Breaks("nothing has been copied yet")
	case r.note.Slot != r.Source.Config.Slot:
		return pump.Breaks("the file has no slot")
	case r.note.Generation == 0:
		return pump.Breaks("a copy was cut off")
	case r.note.Generation != at:
		return pump.Breaks("the file is of generation %d, its slot continues %d", at, r.note.Generation)
	}
	return nil
}

// end is where a file stands: it remembers no more than its last transaction.
func end(at replica.State, confirmed change.LSN) pump.End {
	e := pump.End{
		Generation: at.Position.Generation, System: at.System, Timeline: at.Timeline,
		LSN: at.Position.LSN, Known: at.Last.LSN,
	}
	if at.Last.LSN > confirmed {
		e.Commits = []change.Commit{at.Last}
	}
	return e
}

// sink applies each message before Publish returns.
type sink struct {
	replica *replica.Replica
	seq     uint64 // of the newest message
}

func (s *sink) Publish(ctx context.Context, m *wire.Message) error {
	var deliveries []replica.Delivery
	// A heartbeat that moves nothing would cost a sync a second; the file is looked at all the same.
	if m.Kind != wire.Heartbeat || m.Heartbeat != m.Prev {
		s.seq++
		deliveries = []replica.Delivery{{Seq: s.seq, Message: *m}}
	}
	err := s.replica.Apply(ctx, deliveries)
	if errors.Is(err, replica.ErrResync) {
		return pump.Breaks("%v", err)
	}
	if err != nil {
		return fmt.Errorf("writing to the file: %w", err)
	}
	return nil
}
