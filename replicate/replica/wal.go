package replica

import (
	"context"
	"errors"
	"fmt"
)

// checkpoint keeps the write-ahead log bounded. Each time that it has grown by a quarter
// of Options.WALBytes what no reader needs there is moved into the file, and if no reader
// needs any of it the log is emptied. Some reader may always be inside, so past WALBytes it
// waits for the readers of that moment (later ones do not matter to it); and at four times
// the bound the applier waits for one that does not end: the disk stays bounded, and the
// lag shows it. SQLite makes no checkpoints of its own; see mark for why.
func (f *file) checkpoint(ctx context.Context, r *Replica, at State) error {
	f.at = at
	size := fileSize(f.path + "-wal")
	f.logged(size)
	if size <= f.checkpointAt {
		return nil
	}
	step, bound := r.options.WALBytes/4, 4*r.options.WALBytes
	for warned := false; ; {
		done, err := f.emptyLog(ctx, size > r.options.WALBytes)
		if err != nil {
			return fmt.Errorf("emptying the replica's log: %w", err)
		}
		if done {
			f.checkpointAt = step
			return nil
		}
		if size < bound || r.closed.Load() {
			f.checkpointAt = min(size+step, bound)
			return nil
		}
		if !warned {
			warned = true
			r.log.Warn("a long read keeps the replica's log from being emptied; nothing is applied until it ends", "bytes", size)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// emptyLog moves the log into the file and empties it, as far as no reader needs it; it
// says whether the log is empty now. With wait it waits as long as the writer's busy timeout.
func (f *file) emptyLog(ctx context.Context, wait bool) (_ bool, err error) {
	ctx = context.WithoutCancel(ctx)
	f.change()
	defer func() {
		if e := f.remember(); err == nil {
			err = e
		}
	}()
	mode := "FULL"
	if !wait {
		mode = "PASSIVE"
		if err := f.writer.exec(ctx, "PRAGMA busy_timeout(0)"); err != nil {
			return false, err
		}
		defer func() { err = errors.Join(err, f.writer.exec(ctx, busyTimeout)) }()
	}
	log, moved, err := f.move(ctx, mode)
	if err != nil || moved < log {
		return false, err
	}
	// Only now: a log that is empty while the mark says "moving" would count as lost.
	rows, err := f.writer.query(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	if err != nil || len(rows) != 1 || rows[0][0] != int64(0) {
		return false, err
	}
	return true, nil
}

// move is one checkpoint between its two marks. It gives the pages in the log, and how
// many of them are in the file; the file then is one committed state, if not the newest.
func (f *file) move(ctx context.Context, mode string) (log, moved int64, err error) {
	if log, moved, err = f.runCheckpoint(ctx, "NOOP"); err != nil {
		return 0, 0, err
	}
	if moved < log {
		if err := f.mark.write(moving, f.at); err != nil {
			return 0, 0, err
		}
		if log, moved, err = f.runCheckpoint(ctx, mode); err != nil {
			return 0, 0, err
		}
	}
	if f.mark != nil && f.mark.phase == moving {
		err = f.mark.write(whole, f.at)
	}
	return log, moved, err
}

func (f *file) runCheckpoint(ctx context.Context, mode string) (log, moved int64, err error) {
	rows, err := f.writer.query(ctx, "PRAGMA wal_checkpoint("+mode+")")
	if err != nil {
		return 0, 0, err
	}
	if len(rows) == 1 && len(rows[0]) == 3 {
		log, _ = rows[0][1].(int64)
		moved, _ = rows[0][2].(int64)
	}
	if len(rows) != 1 || log < 0 {
		return 0, 0, fmt.Errorf("another program keeps the checkpoint from being made: %v", rows)
	}
	return log, moved, nil
}

// check finds out by the mark whether the log is there that the file needs.
func (f *file) check(ctx context.Context) error {
	if m := f.mark; m != nil && m.phase != "" {
		if f.opened.older(m.at) {
			return errLogLost
		}
		log, _, err := f.runCheckpoint(ctx, "NOOP")
		if err != nil {
			return err
		}
		if m.phase == moving && log == 0 {
			return errLogLost
		}
	}
	f.at = f.opened
	return nil
}
