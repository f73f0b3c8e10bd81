package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/generation"
	"outpost/replicate/replica"
	"outpost/replicate/source"
	"outpost/replicate/stream"
	"outpost/replicate/wire"
)

// copyFile is where a new generation's copy grows.
const copyFile = "copy.db"

// renew begins a new generation: a new slot, a full copy under its snapshot into a
// fresh file, a cleared stream whose first message is a heartbeat at the copy's
// position, and that file in the replica's place. A crash anywhere in between leaves
// no note, or a stream and a replica that do not fit each other, and the
// next start begins anew.
func (h *Hub) renew(ctx context.Context) error {
	began := time.Now()
	log, err := h.Conn.OpenLog(ctx, h.StreamBytes)
	if err != nil {
		return err
	}
	end, err := readTail(ctx, log, 0)
	if err != nil {
		return err
	}
	identity, err := h.Source.Identify(ctx)
	if err != nil {
		return err
	}
	if err := h.track(ctx); err != nil {
		return err
	}
	// First of all, for the new slot could fit the old stream: of a server that was set
	// back, the WAL grows past the stream's end again.
	if err := removeFile(h.path(noteFile)); err != nil {
		return err
	}
	// Once more, for this may have been paused meanwhile: the slot would be another hub's.
	if hold := h.hold.Load(); hold != nil && !hold.Check() {
		return source.ErrHoldLost
	}
	if err := h.Source.DropSlot(ctx); err != nil {
		return err
	}
	number := generation.Next(h.now(), max(end.Generation, h.Replica.State().Position.Generation))
	path := h.path(copyFile)
	lsn, rows, err := h.copy(ctx, path, func(lsn change.LSN) replica.State {
		return replica.State{
			Position: change.Position{Generation: number, LSN: lsn},
			System:   identity.System, Timeline: identity.Timeline,
		}
	})
	if err != nil {
		return err
	}
	// Only what was there: a hub that took over while this one was paused has written since,
	// and the publish below is refused.
	if err := log.Purge(ctx, end.seq+1); err != nil {
		return err
	}
	seq, err := log.Publish(ctx, stream.All, &wire.Message{
		Header: wire.Header{
			Generation: number, System: identity.System, Timeline: identity.Timeline,
			Prev: lsn, Sent: time.Now(),
		},
		Kind: wire.Heartbeat, Heartbeat: lsn,
	})
	if err != nil {
		return err
	}
	if err := replica.SetSeq(ctx, path, seq); err != nil {
		return err
	}
	if err := writeFile(h.path(noteFile), note(number)); err != nil {
		return err
	}
	// Written and synced a moment ago; the snapshot of it is looked through before any edge
	// gets it.
	if err := h.Replica.SwapSound(ctx, path); err != nil {
		return err
	}
	h.progress.Forget()
	h.Log.Info("generation begun", "generation", number, "position", lsn, "rows", rows,
		"took_ms", time.Since(began).Milliseconds())
	return nil
}

// track sees to it that changes of the schema come with the stream.
func (h *Hub) track(ctx context.Context) error {
	untracked, err := h.Source.Track(ctx)
	if err == nil && untracked != "" && untracked != h.untracked {
		h.Log.Info("changes of the schema will be followed by a full copy instead of in place", "reason", untracked)
	}
	h.untracked = untracked
	return err
}

// copy makes a fresh replica file of everything that is published.
func (h *Hub) copy(ctx context.Context, path string, state func(change.LSN) replica.State) (at change.LSN, rows int64, err error) {
	c := generation.Copy{Source: h.Source, Path: path, State: state, Every: copyLogged, Log: h.Log}
	return c.Run(ctx)
}

// writeFile replaces a file so that a crash leaves the old or the new one, synced.
func writeFile(path, content string) (err error) {
	file, err := os.Create(path + ".new")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = file.WriteString(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return syncFolder(path)
}

// removeFile removes a file that may not be there, durably.
func removeFile(path string) error {
	if err := remove(path); err != nil {
		return fmt.Errorf("removing %s: %w", path, err)
	}
	return syncFolder(path)
}

// syncFolder makes durable which names the folder of path holds.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("syncing the folder of %s: %w", path, err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("syncing the folder of %s: %w", path, err)
	}
	return nil
}

// remove removes files that may not be there.
func remove(paths ...string) error {
	var errs []error
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
