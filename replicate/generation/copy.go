package generation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/dustin/go-humanize"

	"outpost/replicate/change"
	"outpost/replicate/replica"
	"outpost/replicate/source"
)

// Copy is a full copy of what a source publishes, into a fresh file.
type Copy struct {
	Source *source.Source
	Path   string
	// State says what the file will be, given the position of the copy.
	State func(at change.LSN) replica.State
	// Every is how often the copy is logged while it runs; 0 for never.
	Every time.Duration
	Log   *slog.Logger
}

// Run makes the file, whole or not at all, and the slot that continues it, which must
// not exist.
func (c *Copy) Run(ctx context.Context) (at change.LSN, rows int64, err error) {
	if err := c.Remove(); err != nil {
		return 0, 0, err
	}
	loader, err := replica.Create(ctx, c.Path)
	if err != nil {
		return 0, 0, err
	}
	defer c.tell(ctx)()
	at, err = c.Source.Copy(ctx, loader.Begin, func(t *change.Table, r change.Row) error {
		rows++
		return loader.Row(t, r)
	})
	if err != nil {
		loader.Abort()
		return 0, 0, err
	}
	return at, rows, loader.Finish(ctx, c.State(at))
}

// Remove removes a copy that a crash left behind, with its journals: SQLite would play
// them into the next one.
func (c *Copy) Remove() error {
	var errs []error
	for _, suffix := range []string{"", "-journal", "-wal", "-shm"} {
		if err := os.Remove(c.Path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("removing an unfinished copy: %w", err)
	}
	return nil
}

// tell logs how far the copy is until the function that it gives is called.
func (c *Copy) tell(ctx context.Context) (done func()) {
	ctx, cancel := context.WithCancel(ctx)
	told := make(chan struct{})
	go func() {
		defer close(told)
		for c.Every > 0 && Sleep(ctx, c.Every) {
			if p, ok := c.Source.Copying(); ok {
				LogCopy(c.Log, p)
			}
		}
	}()
	return func() {
		cancel()
		<-told
	}
}

// LogCopy writes one line about a copy that runs.
func LogCopy(log *slog.Logger, p source.Copied) {
	var names []string
	for _, t := range p.Tables {
		if t.Running {
			names = append(names, fmt.Sprintf("%s.%s (%d rows)", t.Schema, t.Name, t.Rows))
		}
	}
	args := []any{
		"rows", p.Rows(), "bytes", p.Bytes(), "per_second", humanize.IBytes(uint64(p.PerSecond())),
		"tables_done", p.Done(), "tables", len(p.Tables), "now", names,
	}
	if left, ok := p.Left(); ok {
		args = append(args, "left_s", int(left.Seconds()))
	}
	log.Info("copying", args...)
}
