// Package direct replicates from a slot into one SQLite file, with nothing between: the
// chain that pump makes is applied as it comes.
//
// It guarantees what package replica does, and
//   - that Postgres is told to forget only what is committed in the file and synced, so
//     that after a crash of either at any instant, or a power cut, it goes on where it
//     stopped;
//   - that nothing is taken which is not its own: a file that is no replica, a slot or a
//     publication that it did not make are refused by name;
//   - that only one process follows into a file.
//
// What cannot be continued becomes a new generation, a full copy that takes the file's
// place when it is whole. DESIGN.md beside this file tells how it decides. It knows
// neither a stream nor who reads the file.
package direct

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"outpost/replicate/generation"
	"outpost/replicate/pump"
	"outpost/replicate/replica"
	"outpost/replicate/source"
)

// leaving bounds how long it may take to remove what was made in Postgres.
const leaving = 30 * time.Second

// Options say what to replicate and where to.
type Options struct {
	Source *source.Source
	Path   string // of the file; its folder must exist
	// Own says that the publication is made here and kept up to date; otherwise it must
	// exist, and is never altered.
	Own bool
	// Tables are what an own publication holds, named as in SQL; none: every table whose
	// rows can be told apart.
	Tables []string
	// Once ends it when the file has caught up with where Postgres was at the beginning of
	// catching up.
	Once bool
	// Drop removes from Postgres, at the end, whatever was made there.
	Drop bool
	// Report logs how far it is: so often while it copies or catches up, and once a minute
	// otherwise. 0 for never.
	Report time.Duration
	Log    *slog.Logger
}

// Replicator keeps one file in step with a publication.
type Replicator struct {
	Options
	note     *note
	replica  atomic.Pointer[replica.Replica] // while Run runs
	progress *pump.Progress
	lag      lag
	// completing is set from when all rows of a copy are there until the file is in place.
	completing atomic.Bool
	told       map[string]bool // what was logged once already
}

// New builds one; Run runs it.
func New(o Options) *Replicator {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Replicator{Options: o, progress: pump.NewProgress(), told: make(map[string]bool)}
}

// Run replicates until ctx ends, or until the file has caught up where Once is set. What
// it must not touch, or cannot begin with, it refuses at once; whatever breaks later is
// logged and tried again. With Once it is not: a copy or a connection that fails is the
// error, and to run again goes on where that one stopped.
func (r *Replicator) Run(ctx context.Context) (err error) {
	if r.Path, err = located(r.Path); err != nil {
		return err
	}
	if r.note, err = openNote(r.Path + noteSuffix); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.note.close()) }()
	if err := r.prepare(ctx); err != nil {
		return err
	}
	file, err := replica.Open(ctx, replica.Options{Path: r.Path, Log: r.Log, Durable: true, Readers: 1})
	if err != nil {
		return err
	}
	r.replica.Store(file)
	err = r.replicate(ctx)
	err = errors.Join(err, file.Close())
	if r.Drop {
		err = errors.Join(err, r.leave(ctx))
	}
	return err
}

func (r *Replicator) replicate(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	reported := make(chan struct{})
	go func() {
		defer close(reported)
		r.report(ctx)
	}()
	defer func() {
		cancel()
		<-reported
	}()
	if r.Once {
		return r.once(ctx)
	}
	life := generation.Life{Ready: r.ready, Begin: r.begin, Continue: r.session, Log: r.Log}
	return life.Run(ctx)
}

func (r *Replicator) ready(ctx context.Context) error {
	_, err := r.Source.Identify(ctx)
	return err
}

var errStopped = errors.New("stopped before the file had caught up; run it again to go on")

// attempts is how many generations a run with Once begins before it gives up.
const attempts = 3

func (r *Replicator) once(ctx context.Context) error {
	for begun := 0; ; begun++ {
		err := r.session(ctx)
		var broken *pump.Broken
		if err != nil && ctx.Err() != nil {
			return errStopped
		}
		if !errors.As(err, &broken) || begun == attempts {
			return err
		}
		if err := r.begin(ctx, broken.Reason); err != nil {
			if ctx.Err() != nil {
				return errStopped
			}
			return err
		}
	}
}

// leave removes what was made in Postgres, also when ctx has ended. The file stays, and
// nothing continues it.
func (r *Replicator) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaving)
	defer cancel()
	if err := r.Source.DropSlot(ctx); err != nil {
		return fmt.Errorf("the slot is left behind and holds back WAL: SELECT pg_drop_replication_slot('%s'): %w", r.Source.Config.Slot, err)
	}
	if r.Own {
		if err := r.Source.Unpublish(ctx); err != nil {
			return err
		}
	}
	if err := r.Source.Untrack(ctx); err != nil {
		return err
	}
	r.Log.Info("what was made in Postgres is removed", "slot", r.Source.Config.Slot)
	return r.note.clear()
}

// located follows a symbolic link, for a new generation replaces what is at the path.
func located(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("finding %s: %w", path, err)
	}
	if folder, err := os.Stat(filepath.Dir(path)); err != nil || !folder.IsDir() {
		return "", fmt.Errorf("the folder of %s does not exist: create it", path)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return path, nil
	case err != nil:
		return "", fmt.Errorf("looking for the file: %w", err)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is no file: name one", path)
	}
	return filepath.EvalSymlinks(path)
}
