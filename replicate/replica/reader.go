package replica

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"modernc.org/sqlite"
	"outpost/replicate/change"
)

const (
	// pollInterval is how often a Reader looks whether a position was reached.
	pollInterval = 20 * time.Millisecond
	// exchangeTime is how long a file may be away while its owner exchanges it.
	exchangeTime = 5 * time.Second
)

// Reader reads a replica file that another process may be writing at the same time, and
// may exchange for another: that is noticed, and the next read sees the new one, which
// has another incarnation. It never writes. Its methods may be called from any
// goroutine; reads happen one after the other.
type Reader struct {
	path string

	mu     sync.Mutex // held during a read
	pool   *pool
	opened os.FileInfo // of the file that pool reads
	closed bool
}

// OpenReader opens the replica file at path for reading.
func OpenReader(ctx context.Context, path string) (*Reader, error) {
	r := &Reader{path: path}
	if err := r.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the replica %s: %w", path, err), r.Close())
	}
	return r, nil
}

// Read runs fn in a read transaction, as Replica.Read does: reads are to be short, and
// fn must not call a method of the Reader.
func (r *Reader) Read(ctx context.Context, fn func(View) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.current(ctx); err != nil {
		return err
	}
	return r.pool.read(ctx, fn)
}

// State is what the file holds now. It reads the file.
func (r *Reader) State(ctx context.Context) (state State, err error) {
	err = r.Read(ctx, func(v View) error {
		state = v.At
		return nil
	})
	return state, err
}

// Wait is Replica.Wait. It looks at the file again and again.
func (r *Reader) Wait(ctx context.Context, p change.Position) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		state, err := r.State(ctx)
		if err != nil {
			return err
		}
		if done, err := reached(&state, p); done {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close ends the reader, once the read that runs has ended.
func (r *Reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return r.release()
}

// current sees to it that what is open is the file that is at the path now.
func (r *Reader) current(ctx context.Context) error {
	if r.closed {
		return ErrClosed
	}
	for deadline := time.Now().Add(exchangeTime); ; {
		now, err := os.Stat(r.path)
		switch {
		case err == nil && r.pool != nil && os.SameFile(now, r.opened):
			return nil
		case err == nil:
			if err = errors.Join(r.release(), r.open(ctx)); err == nil {
				return nil
			}
		case !errors.Is(err, os.ErrNotExist):
			return fmt.Errorf("looking at the replica file: %w", err)
		}
		// Its owner removes the old file and the old log, and then renames the new one.
		if time.Now().After(deadline) {
			return fmt.Errorf("opening the replica %s again: %w", r.path, err)
		}
		select {
		case <-time.After(pollInterval):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// open opens what is at the path. It has one connection, which stays: another one might
// open another file.
func (r *Reader) open(ctx context.Context) (err error) {
	before, err := os.Stat(r.path)
	if err != nil {
		return err
	}
	if _, err := Inspect(ctx, r.path); err != nil {
		return err
	}
	connector, err := sqlite.NewConnector(dsn(r.path, "ro", "query_only(1)", "temp_store(2)", "cache_size(-8192)"))
	if err != nil {
		return err
	}
	r.pool = newPool(connector, 1, nil)
	if err := r.pool.open(ctx); err != nil {
		return errors.Join(err, r.release())
	}
	after, err := os.Stat(r.path)
	if err == nil && !os.SameFile(before, after) {
		err = errors.New("the file was exchanged at the same moment")
	}
	if err != nil {
		return errors.Join(err, r.release())
	}
	r.opened = after
	return nil
}

func (r *Reader) release() (err error) {
	if r.pool != nil {
		err = r.pool.close()
	}
	r.pool, r.opened = nil, nil
	return err
}
