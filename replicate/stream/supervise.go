package stream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5" // exponential backoff with jitter
	"github.com/nats-io/nats-server/v2/server"
	"outpost/replicate/wire"
)

const (
	// checkInterval is how often the server is asked how it is.
	checkInterval = time.Second
	// longestRest is how long a server that cannot be healed is left alone, at most.
	longestRest = 5 * time.Second
	// settled is how long it must have been well for the pauses to start over.
	settled = time.Minute
	// roomNeeded is what must fit on the disk before a server that found it full is
	// started again.
	roomNeeded = 2 * wire.MaxMessage
)

// supervise starts the server again when it cannot keep messages any more. NATS never
// forgets a failed write: after a full disk, or one that was read-only, it answers no
// publish until it is started again, however much room there is by then. And a folder
// that was removed beneath it, it goes on writing to. Until the disk takes writes again
// the server stays as it is, for what it has can still be read. Who is connected
// reconnects and resumes.
func (s *Server) supervise(ctx context.Context) {
	defer close(s.done)
	rest := backoff.NewExponentialBackOff()
	rest.InitialInterval, rest.MaxInterval = checkInterval, longestRest
	var folder os.FileInfo // of the stream; nil as long as there is none
	var ill time.Time      // when it was last found so
	pause := checkInterval
	for wait(ctx, pause) {
		pause = checkInterval
		err := s.check(&folder)
		if err != nil && s.Failed() == nil {
			if !wait(ctx, checkInterval) {
				return
			}
			err = s.check(&folder) // it may have been purged, which replaces files
		}
		if err == nil {
			// The folder may have been out of reach, and is there again.
			if !s.fail(nil) {
				s.options.Log.Info("the stream can be written to again")
			}
			continue
		}
		if time.Since(ill) > settled {
			rest.Reset()
		}
		if s.heal(err) == nil {
			folder = nil
		}
		ill, pause = time.Now(), rest.NextBackOff()
	}
}

// check says why the server cannot keep messages; nil when it can.
func (s *Server) check(folder *os.FileInfo) error {
	nats := s.running()
	if nats == nil {
		return errDown
	}
	health := nats.Healthz(&server.HealthzOptions{Account: server.DEFAULT_GLOBAL_ACCOUNT, Stream: name, Details: true})
	switch {
	case health.StatusCode == http.StatusNotFound && nats.GlobalAccount().JetStreamUsage().Streams == 0:
		return nil // nobody has opened the log yet
	case health.StatusCode == http.StatusNotFound:
		return errFolderLost
	case health.StatusCode != http.StatusOK:
		return errors.New(health.Errors[0].Error)
	}
	path := filepath.Join(s.options.Dir, server.JetStreamStoreDir, server.DEFAULT_GLOBAL_ACCOUNT, "streams", name)
	now, err := os.Stat(path)
	if err != nil {
		return errFolderLost
	}
	if *folder == nil {
		*folder = now
	}
	files, err := os.ReadDir(filepath.Join(path, "msgs"))
	block := func(f os.DirEntry) bool { return filepath.Ext(f.Name()) == ".blk" }
	if err != nil || !slices.ContainsFunc(files, block) || !os.SameFile(now, *folder) {
		return errFolderLost
	}
	return nil
}

var (
	errDown       = errors.New("the embedded NATS server is down")
	errFolderLost = errors.New("the folder of the stream was removed or replaced while it was in use")
)

// heal starts the server again, if the disk takes writes.
func (s *Server) heal(reason error) error {
	if err := writable(s.options.Dir, roomNeeded); err != nil {
		if s.fail(err) {
			s.options.Log.Error("the stream cannot be written to; it goes on by itself once it can, and until then "+
				"replicas serve what they have, marked stale, and Postgres keeps the WAL", "error", err, "reason", reason)
		}
		return err
	}
	s.options.Log.Warn("starting the embedded NATS server again", "reason", reason)
	s.fail(reason)
	s.mu.Lock()
	nats := s.nats
	s.nats = nil
	s.mu.Unlock()
	if nats != nil {
		halt(nats)
	}
	if err := s.launch(); err != nil {
		s.options.Log.Error("the embedded NATS server cannot be started; trying again", "error", err)
		s.fail(err)
		return err
	}
	s.fail(nil)
	s.options.Log.Info("the embedded NATS server was started again")
	return nil
}

// fail notes why nothing can be kept, and says whether that is new; nil is that it can.
func (s *Server) fail(err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := s.well.Err() == nil
	if err == nil && !first {
		s.well, s.sicken = context.WithCancelCause(context.Background())
	}
	if err != nil {
		s.sicken(err)
	}
	return first
}

// Failed says why nothing can be kept in the log right now; nil when it can.
func (s *Server) Failed() error { return context.Cause(s.wellness()) }

// wellness ends, with the cause, when nothing can be kept any more.
func (s *Server) wellness() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.well
}

// writable finds out whether the disk under a folder takes n bytes, by writing them.
func writable(dir string, n int) (err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return unwritable(dir, err)
	}
	path := filepath.Join(dir, "room")
	defer func() {
		if gone := os.Remove(path); gone != nil && !errors.Is(gone, os.ErrNotExist) {
			err = errors.Join(err, unwritable(dir, gone))
		}
	}()
	file, err := os.Create(path)
	if err != nil {
		return unwritable(dir, err)
	}
	_, err = file.Write(make([]byte, n))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return unwritable(dir, err)
	}
	return nil
}

func unwritable(dir string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("the disk of the stream, under %s, is full; make room on it, or enlarge it: %w", dir, err)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("the disk of the stream, under %s, is read-only; mount it writable: %w", dir, err)
	}
	return fmt.Errorf("the folder of the stream, %s, cannot be written to: %w", dir, err)
}

// wait is false when ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
