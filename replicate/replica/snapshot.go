package replica

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// errReplaced ends a snapshot of content that is about to be replaced.
var errReplaced = errors.New("the replica was replaced while its snapshot was taken")

// snapshots lets one snapshot run at a time, and none while the file is exchanged.
type snapshots struct {
	mu     sync.Mutex
	idle   chan struct{}           // not nil while one runs; closed at its end
	cancel context.CancelCauseFunc // of the one that runs
	barred bool
}

// start waits for the snapshot before, or fails while they are barred.
func (s *snapshots) start(ctx context.Context) (_ context.Context, end func(), err error) {
	for {
		s.mu.Lock()
		if s.barred {
			s.mu.Unlock()
			return nil, nil, errReplaced
		}
		if s.idle == nil {
			break
		}
		idle := s.idle
		s.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
	defer s.mu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	s.idle, s.cancel = make(chan struct{}), cancel
	return ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		cancel(nil)
		close(s.idle)
		s.idle, s.cancel = nil, nil
	}, nil
}

// stop ends the one that runs and bars others until allow.
func (s *snapshots) stop() {
	s.mu.Lock()
	s.barred = true
	idle := s.idle
	if idle != nil {
		s.cancel(errReplaced)
	}
	s.mu.Unlock()
	if idle != nil {
		<-idle
	}
}

func (s *snapshots) allow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.barred = false
}

// Snapshot writes a complete, compact copy of one committed state to path, which
// appears there when it is whole, and gives that state. Applying and reading go on
// meanwhile; a Swap ends it with an error.
func (r *Replica) Snapshot(ctx context.Context, path string) (state State, err error) {
	ctx, end, err := r.snapshots.start(ctx)
	if err != nil {
		return State{}, fmt.Errorf("taking a snapshot: %w", err)
	}
	defer end()
	f := r.file.Load()
	if f == nil {
		return State{}, r.absent()
	}
	if err := f.doubtful(r.log); err != nil {
		return State{}, fmt.Errorf("taking a snapshot: %w", err)
	}
	if state, err = Duplicate(ctx, f.path, path); err == nil {
		if err = f.doubtful(r.log); err != nil { // it may be a copy of what is there now
			err = errors.Join(fmt.Errorf("taking a snapshot: %w", err), removeFile(path))
		}
		return state, err
	}
	f.suspect(err, r.log)
	if cause := context.Cause(ctx); cause != nil {
		err = fmt.Errorf("taking a snapshot: %w", cause)
	}
	return State{}, OnDisk(path, err)
}

// Duplicate is Snapshot for a file that another process may have open, or nobody. Both go
// on meanwhile, but while it reads, the write-ahead log of the file cannot be emptied.
func Duplicate(ctx context.Context, from, path string) (state State, err error) {
	part := path + ".part"
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("taking a snapshot: %w", err), removeFile(part), removeJournals(part))
		}
	}()
	if err := errors.Join(removeFile(part), removeJournals(part)); err != nil {
		return State{}, err
	}
	if err := vacuumInto(ctx, from, part); err != nil {
		return State{}, err
	}
	if state, err = Inspect(ctx, part); err != nil {
		return State{}, err
	}
	return state, moveInto(part, path)
}

// vacuumInto copies on a connection of its own, so that neither the applier nor the
// readers lose one.
func vacuumInto(ctx context.Context, from, to string) (err error) {
	c, err := openConn(dsn(from, "ro"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	return c.exec(ctx, "VACUUM INTO ?", to)
}
