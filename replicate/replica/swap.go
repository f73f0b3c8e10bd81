package replica

import (
	"context"
	"errors"
	"fmt"
)

// Swap puts the complete file at path in the replica's place; afterwards there is
// none at path. First the file is made ready and tried where it is: its structure,
// its objects, the readers' queries. Until that is done nothing changes, and if it
// fails the old file goes on serving. Then readers wait for an instant.
func (r *Replica) Swap(ctx context.Context, path string) error { return r.swap(ctx, path, true) }

// SwapSound is Swap for a file whose structure need not be looked through: this process has
// just made it, or Sound has looked, and its checksum says that it is the one. On a large
// file that takes longer than all the rest.
func (r *Replica) SwapSound(ctx context.Context, path string) error { return r.swap(ctx, path, false) }

func (r *Replica) swap(ctx context.Context, path string, check bool) error {
	r.applying.Lock()
	defer r.applying.Unlock()
	if r.closed.Load() {
		return ErrClosed
	}
	if err := r.rollback(); err != nil && r.file.Load().doubt.Load() == nil {
		return err
	}
	incarnation, err := r.makeReady(ctx, path, check)
	if err != nil {
		return fmt.Errorf("making the new replica file ready: %w", OnDisk(path, err))
	}
	r.snapshots.stop()
	defer r.snapshots.allow()
	if err := r.gate.close(ctx); err != nil {
		return fmt.Errorf("waiting for readers of the old replica file: %w", err)
	}
	defer r.gate.open()
	r.announce(incarnation)
	if err := r.exchange(context.WithoutCancel(ctx), path); err != nil {
		return fmt.Errorf("replacing the replica file: %w", OnDisk(path, err))
	}
	return nil
}

// makeReady stamps the incarnation that the file will have, and leaves it without a log: only
// the file itself is moved.
func (r *Replica) makeReady(ctx context.Context, path string, check bool) (incarnation uint64, err error) {
	f, err := r.openFile(ctx, path, check)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	incarnation = max(r.State().Incarnation, f.opened.Incarnation) + 1
	if err := f.writer.exec(ctx, `UPDATE _outpost_state SET incarnation = ?`, int64(incarnation)); err != nil {
		return 0, err
	}
	// Closing would not say that the disk had no room for it.
	emptied, err := f.emptyLog(ctx, true)
	if err == nil && !emptied {
		err = fmt.Errorf("%w: another program reads %s: end it", ErrDisk, path)
	}
	return incarnation, err
}

// exchange closes the old file and opens the new one in its place. Nobody reads.
// Should it fail, there is either the old file or none.
func (r *Replica) exchange(ctx context.Context, path string) error {
	old := r.file.Swap(nil)
	if err := r.moveIn(old, path); err != nil {
		if old != nil && old.doubt.Load() == nil && fileSize(r.options.Path) > 0 {
			back, e := r.openFile(ctx, r.options.Path, false)
			if e != nil {
				return errors.Join(err, e)
			}
			r.reinstall(back)
		}
		return err
	}
	f, err := r.openFile(ctx, r.options.Path, false)
	if err != nil {
		return err
	}
	r.install(f)
	return nil
}

// reinstall takes the old file back; the incarnation that was announced for the new
// one stays used.
func (r *Replica) reinstall(f *file) {
	f.opened.Incarnation = r.State().Incarnation
	r.install(f)
}

func (r *Replica) moveIn(old *file, path string) error {
	if old != nil {
		if err := old.close(); err != nil && old.doubt.Load() == nil {
			return fmt.Errorf("closing the old one: %w", err)
		}
	}
	// The log of the old file must never meet the new one. It is gone already, unless
	// closing could not empty it; then the old file is worth nothing without it.
	if fileSize(r.options.Path+"-wal") > 0 {
		if err := removeFile(r.options.Path); err != nil {
			return err
		}
	}
	if err := removeJournals(r.options.Path); err != nil {
		return err
	}
	return moveInto(path, r.options.Path)
}
