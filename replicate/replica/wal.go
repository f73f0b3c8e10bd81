package replica

import (
	"context"
	"fmt"
)

// checkpoint keeps the write-ahead log bounded. SQLite's own checkpoints cannot start
// the log over while some reader is always inside; past Options.WALBytes this one
// waits for the readers of that moment (later ones do not matter to it) and empties
// the log. A reader that does not end makes it try again after a quarter more, and at
// four times the bound the applier waits for that reader: the disk stays bounded, and
// the lag shows it.
func (f *file) checkpoint(ctx context.Context, r *Replica) error {
	size := fileSize(f.path + "-wal")
	if size <= f.forceAt {
		return nil
	}
	bound := 4 * r.options.WALBytes
	for warned := false; ; {
		done, err := f.truncateLog(ctx)
		if err != nil {
			return fmt.Errorf("emptying the replica's log: %w", err)
		}
		if done {
			f.forceAt = r.options.WALBytes
			return nil
		}
		if size < bound || r.closed.Load() {
			f.forceAt = min(size+r.options.WALBytes/4, bound)
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

// truncateLog says whether the log is empty now. It waits as long as the writer's
// busy timeout.
func (f *file) truncateLog(ctx context.Context) (bool, error) {
	rows, err := f.writer.query(context.WithoutCancel(ctx), "PRAGMA wal_checkpoint(TRUNCATE)")
	if err != nil {
		return false, err
	}
	return len(rows) == 1 && rows[0][0] == int64(0), nil
}
