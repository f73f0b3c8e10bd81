package hub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"outpost/replicate/change"
	"outpost/replicate/replica"
)

const (
	// snapshotAge is how long a snapshot is handed out before a newer one is made.
	snapshotAge = 10 * time.Minute
	// retryTime lies between attempts to make a snapshot that fail, and between checks of
	// one that edges refuse: who asks in a loop does not keep the hub busy.
	retryTime = 10 * time.Second
)

// ErrNoSnapshot means that there is none to give right now: a new generation is
// being copied, the first snapshot of one is being made, or the primary's replica does
// not follow.
var ErrNoSnapshot = errors.New("no snapshot can be given now")

// Snapshot is one compressed copy of the primary's replica, shared by all who
// download it.
type Snapshot struct {
	ETag  string // SHA-256 of the compressed file, in hex
	Size  int64  // compressed, in bytes
	State replica.State

	path string
	made time.Time
}

// snapshots makes and keeps the newest snapshot, and knows what of the stream those who
// download one will need.
type snapshots struct {
	hub *Hub

	mu         sync.Mutex
	generation change.Generation // that may be handed out; 0 for none
	life       context.Context   // of that generation
	newest     *Snapshot
	making     *making // the one that runs, or the last
	downloads  []*Download
	leases     map[string]lease // by region

	checking sync.Mutex
	checked  time.Time
}

// making is a snapshot that is being made for all who wait for it.
type making struct {
	done     chan struct{} // closed at its end
	ended    time.Time
	snapshot *Snapshot
	err      error
}

// over says that another may begin.
func (m *making) over() bool {
	return m == nil || !m.ended.IsZero() && (m.err == nil || time.Since(m.ended) > retryTime)
}

// open lets snapshots of a generation be made and handed out until the end that it gives;
// one is made at once if it is eager.
func (s *snapshots) open(ctx context.Context, g change.Generation, eager bool) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation, s.life, s.making = g, ctx, nil
	if eager {
		s.make()
	}
	return func() {
		s.mu.Lock()
		s.generation = 0
		running := s.making
		s.end(func(*Download) bool { return true })
		s.mu.Unlock()
		cancel()
		if running != nil {
			<-running.done
		}
	}
}

// usable is the newest snapshot, if it is of the generation; mu is held.
func (s *snapshots) usable() *Snapshot {
	if s.generation == 0 || s.newest == nil || s.newest.State.Position.Generation != s.generation {
		return nil
	}
	return s.newest
}

// made is when the newest usable snapshot was begun; zero while there is none.
func (s *snapshots) made() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.usable(); n != nil {
		return n.made
	}
	return time.Time{}
}

// fresh gives a snapshot that is young enough. All who need a new one wait for the same,
// and who leaves does not end it. One that is older is given where none can be made: the
// stream has what follows it.
func (s *snapshots) fresh(ctx context.Context, age time.Duration) (*Snapshot, error) {
	s.mu.Lock()
	if s.generation == 0 {
		s.mu.Unlock()
		return nil, ErrNoSnapshot
	}
	if n := s.usable(); n != nil && time.Since(n.made) < age {
		s.mu.Unlock()
		return n, nil
	}
	if s.making.over() {
		s.make()
	}
	m := s.making
	s.mu.Unlock()
	select {
	case <-m.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: it is being made", ErrNoSnapshot)
	}
	if m.err == nil {
		return m.snapshot, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.usable(); n != nil {
		return n, nil
	}
	return nil, m.err
}

// make begins one; mu is held.
func (s *snapshots) make() {
	m := &making{done: make(chan struct{})}
	s.making = m
	go func(ctx context.Context, g change.Generation) {
		defer close(m.done)
		made, err := s.hub.makeSnapshot(ctx)
		if err == nil && made.State.Position.Generation != g {
			err = errors.Join(ErrNoSnapshot, os.Remove(made.path))
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		m.snapshot, m.err, m.ended = made, err, time.Now()
		if err != nil {
			if ctx.Err() == nil {
				s.hub.Log.Error("making a snapshot failed; the one before is given, if there is one", "error", err)
			}
			return
		}
		s.newest = made
		if err := s.hub.removeSnapshots(made.path); err != nil {
			s.hub.Log.Warn("removing old snapshots failed", "error", err)
		}
	}(s.life, s.generation)
}

// forget lets another be made in the place of one that nobody could use.
func (s *snapshots) forget(n *Snapshot, reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.newest == n {
		s.newest = nil
		s.hub.Log.Error("the snapshot is of no use any more; another is made", "file", n.path, "error", reason)
	}
}

// check looks whether the file is what its ETag promises, for an edge that says it is not.
func (s *snapshots) check(n *Snapshot) (err error) {
	s.checking.Lock()
	defer s.checking.Unlock()
	if time.Since(s.checked) < retryTime {
		return nil
	}
	defer func() { s.checked = time.Now() }() // when it has ended: of a large file it takes longer
	file, err := os.Open(n.path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return err
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != n.ETag {
		return errors.New("its checksum is wrong")
	}
	return nil
}

// removeSnapshots removes all but one, those of an earlier process among them. Whoever
// is downloading one has it open and goes on.
func (h *Hub) removeSnapshots(except string) error {
	all, err := os.ReadDir(h.Dir)
	if err != nil {
		return err
	}
	for _, entry := range all {
		path := h.path(entry.Name())
		if ours, err := filepath.Match("snapshot-*.zst", entry.Name()); err != nil || !ours || path == except {
			continue
		}
		if err := remove(path); err != nil {
			return err
		}
	}
	return nil
}

func (h *Hub) makeSnapshot(ctx context.Context) (_ *Snapshot, err error) {
	began := time.Now()
	plain := h.path("snapshot.db")
	// Named by the time: one of the same state may be in somebody's hands.
	s := &Snapshot{made: began, path: h.path(fmt.Sprintf("snapshot-%d.zst", began.UnixNano()))}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("making a snapshot: %w", err), remove(s.path))
		}
		err = errors.Join(err, remove(plain))
	}()
	if err := remove(plain); err != nil {
		return nil, err
	}
	if s.State, err = h.Replica.Snapshot(ctx, plain); err != nil {
		return nil, err
	}
	copied := time.Since(began)
	hash := sha256.New()
	group, ctx := errgroup.WithContext(ctx)
	// Here once, and not again at each edge.
	group.Go(func() error { return replica.Sound(ctx, plain) })
	group.Go(func() (err error) {
		s.Size, err = replica.Compress(ctx, plain, s.path, hash)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	s.ETag = hex.EncodeToString(hash.Sum(nil))
	h.Log.Info("snapshot made", "position", s.State.Position, "bytes", s.Size,
		"took_ms", time.Since(began).Milliseconds(), "copy_ms", copied.Milliseconds())
	return s, nil
}
