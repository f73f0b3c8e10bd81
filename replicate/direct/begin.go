package direct

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/generation"
	"outpost/replicate/replica"
	"outpost/replicate/source"
)

// copySuffix names the file in which a new generation grows.
const copySuffix = ".copy"

// prepare refuses what is not ours, and says what keeps it from beginning.
func (r *Replicator) prepare(ctx context.Context) error {
	if err := r.checkFile(ctx); err != nil {
		return err
	}
	if err := source.CheckServer(ctx, r.Source.Config); err != nil {
		return err
	}
	if err := r.checkSlot(ctx); err != nil {
		return err
	}
	if err := r.publish(ctx); err != nil {
		return err
	}
	return source.Check(ctx, r.Source.Config)
}

// checkFile refuses a file that is something else. One that is damaged, or of another
// version, was ours.
func (r *Replicator) checkFile(ctx context.Context) error {
	if _, err := os.Stat(r.Path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if _, err := replica.Inspect(ctx, r.Path); errors.Is(err, replica.ErrNoReplica) {
		return fmt.Errorf("%s is no replica, and is not overwritten: name another file, or move it away", r.Path)
	}
	return nil
}

// checkSlot refuses a slot that continues something else than this file.
func (r *Replicator) checkSlot(ctx context.Context) error {
	slot, err := r.Source.Slot(ctx)
	if err != nil || !slot.Exists {
		return err
	}
	identity, err := r.Source.Identify(ctx)
	if err != nil {
		return err
	}
	name := r.Source.Config.Slot
	if r.note.Slot != name || r.note.System != identity.System {
		return fmt.Errorf("replication slot %s exists and does not belong to %s: choose another --slot; or end with --drop-slot what replicates from it; "+
			"or, if nothing does, SELECT pg_drop_replication_slot('%s')", name, r.Path, name)
	}
	return nil
}

// publish makes an own publication, or brings it up to date, and tells what is left out,
// unless tables were named: then that is meant.
func (r *Replicator) publish(ctx context.Context) (err error) {
	var left []source.LeftOut
	if r.Own {
		left, err = r.Source.Publish(ctx, r.Tables)
	} else {
		left, err = r.Source.LeftOut(ctx)
	}
	if err != nil {
		return err
	}
	for _, each := range left {
		r.tellOnce(each.String(), func() { r.Log.Warn("left out", "table", each.Schema+"."+each.Name, "reason", each.Why) })
	}
	return nil
}

// track sees to it that changes of the schema come with the stream.
func (r *Replicator) track(ctx context.Context) error {
	untracked, err := r.Source.Track(ctx)
	if err == nil && untracked != "" {
		r.tellOnce(untracked, func() {
			r.Log.Info("changes of the schema will be followed by a full copy instead of in place", "reason", untracked)
		})
	}
	return err
}

func (r *Replicator) tellOnce(what string, tell func()) {
	if !r.told[what] {
		r.told[what] = true
		tell()
	}
}

// begin begins a new generation: a new slot, a full copy under its snapshot into a fresh
// file, and that file in the place of the old one. The note says from before the old slot
// is dropped until all is done that the file there is belongs to no slot.
func (r *Replicator) begin(ctx context.Context, reason string) error {
	file := r.replica.Load()
	if file.Loaded() {
		r.Log.Warn("beginning a new generation; the file keeps what it has until that is whole", "reason", reason)
	} else {
		r.Log.Info("beginning", "reason", reason)
	}
	began := time.Now()
	identity, err := r.Source.Identify(ctx)
	if err != nil {
		return err
	}
	if err := r.publish(ctx); err != nil {
		return err
	}
	if err := r.track(ctx); err != nil {
		return err
	}
	ours := owned{Slot: r.Source.Config.Slot, System: identity.System}
	if err := r.note.write(ours); err != nil {
		return err
	}
	if err := r.Source.DropSlot(ctx); err != nil {
		return err
	}
	ours.Generation = generation.Next(began, file.State().Position.Generation)
	fresh := generation.Copy{Source: r.Source, Path: r.Path + copySuffix, State: func(at change.LSN) replica.State {
		r.completing.Store(true)
		return replica.State{
			Position: change.Position{Generation: ours.Generation, LSN: at},
			System:   identity.System, Timeline: identity.Timeline,
		}
	}}
	defer r.completing.Store(false)
	at, rows, err := fresh.Run(ctx)
	if err != nil {
		return err
	}
	if err := file.Swap(ctx, fresh.Path); err != nil {
		return err
	}
	if err := r.note.write(ours); err != nil {
		return err
	}
	r.progress.Forget()
	r.Log.Info("copied", "generation", ours.Generation, "position", at, "rows", rows, "took_ms", time.Since(began).Milliseconds())
	return nil
}
