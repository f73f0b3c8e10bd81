package direct

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
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
	if err := source.Check(ctx, r.Source.Config); err != nil {
		return err
	}
	return r.tellPartial(ctx)
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

// checkSlot refuses a slot that continues something else than this file, and a file that
// another slot continues.
func (r *Replicator) checkSlot(ctx context.Context) error {
	if err := r.checkFormerSlot(ctx); err != nil {
		return err
	}
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

// checkFormerSlot refuses to leave behind the slot that has continued this file so far:
// nobody would stream from it again, and it would hold back WAL until the disk is full.
// The file may also be another database's, and named by mistake.
func (r *Replicator) checkFormerSlot(ctx context.Context) error {
	former := r.Source.Config
	if r.note.Slot == "" || r.note.Slot == former.Slot {
		return nil
	}
	identity, err := r.Source.Identify(ctx)
	if err != nil || r.note.System != identity.System {
		return err
	}
	former.Slot = r.note.Slot
	slot, err := source.New(former).Slot(ctx)
	if err != nil || !slot.Exists {
		return err
	}
	return fmt.Errorf("%s is continued by replication slot %s of database %s: go on with that by --slot %s, or name another file; "+
		"or, to begin anew, SELECT pg_drop_replication_slot('%s') there", r.Path, former.Slot, slot.Database, former.Slot, former.Slot)
}

// publish makes an own publication, and brings it up to date.
func (r *Replicator) publish(ctx context.Context) error {
	if !r.Own {
		return nil
	}
	left, err := r.Source.Publish(ctx, r.Tables)
	if err != nil {
		return err
	}
	for _, each := range left {
		r.tellLeftOut(each)
	}
	return nil
}

// tellPartial names what stays behind of the tables that are replicated, such as generated
// columns; and what somebody else's publication lacks.
func (r *Replicator) tellPartial(ctx context.Context) error {
	left, err := r.Source.LeftOut(ctx)
	var lacking []string
	for _, each := range left {
		switch {
		case each.Part:
			r.tellLeftOut(each)
		case !r.Own:
			lacking = append(lacking, each.Schema+"."+each.Name)
		}
	}
	if lacking != nil {
		r.tellOnce(strings.Join(lacking, ","), func() {
			r.Log.Info("the publication leaves out", "publication", r.Source.Publication, "tables", lacking)
		})
	}
	return err
}

func (r *Replicator) tellLeftOut(each source.LeftOut) {
	r.tellOnce(each.String(), func() { r.Log.Warn("left out", "table", each.Schema+"."+each.Name, "reason", each.Why) })
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
	if err := r.tellPartial(ctx); err != nil {
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
