package hub

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/pump"
	"outpost/replicate/replica"
	"outpost/replicate/stream"
)

const (
	// snapshotAge is how long a snapshot is handed out before a newer one is made.
	snapshotAge = 10 * time.Minute
	// leaseTime is how long the stream keeps the tail for a download that was begun.
	leaseTime = 15 * time.Minute

	retainInterval = 10 * time.Second
	// maxMessages bounds the stream beside its bytes: an idle hub adds one a second.
	maxMessages = 200_000
)

// ErrNoSnapshot means that there is none to give right now: a new generation is
// being copied, or the primary's replica does not follow.
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

// snapshots makes and keeps the newest snapshot, and the leases on what follows it.
type snapshots struct {
	hub *Hub

	mu         sync.Mutex
	generation change.Generation // that may be handed out; 0 for none
	newest     *Snapshot
	leases     []lease
}

type lease struct {
	seq   uint64
	until time.Time
}

func (s *snapshots) open(g change.Generation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation = g
}

func (s *snapshots) close() { s.open(0) }

// OpenSnapshot gives the newest snapshot, made now if there is none that is young
// enough, and takes a lease on the part of the stream that follows it. The caller
// closes the file.
func (h *Hub) OpenSnapshot(ctx context.Context) (*os.File, *Snapshot, error) {
	s := &h.snapshots
	s.mu.Lock()
	defer s.mu.Unlock()
	age := snapshotAge
	if s.newest != nil {
		// Whoever else purged the stream did not ask what the snapshot has.
		if bounds, err := h.Conn.Bounds(ctx); err == nil && s.newest.State.Seq+1 < bounds.First {
			age = 0
		}
	}
	snapshot, err := s.fresh(ctx, age)
	if err != nil {
		return nil, nil, err
	}
	file, err := os.Open(snapshot.path)
	if err != nil {
		return nil, nil, fmt.Errorf("opening a snapshot: %w", err)
	}
	now := time.Now()
	s.leased(now) // forgets those that are over
	s.leases = append(s.leases, lease{snapshot.State.Seq, now.Add(leaseTime)})
	return file, snapshot, nil
}

// fresh is called with mu held, so that many edges wait for one snapshot.
func (s *snapshots) fresh(ctx context.Context, age time.Duration) (*Snapshot, error) {
	if s.generation == 0 {
		return nil, ErrNoSnapshot
	}
	if n := s.newest; n != nil && n.State.Position.Generation == s.generation && time.Since(n.made) < age {
		return n, nil
	}
	made, err := s.hub.makeSnapshot(ctx)
	if err != nil {
		return nil, err
	}
	if made.State.Position.Generation != s.generation {
		return nil, errors.Join(ErrNoSnapshot, os.Remove(made.path))
	}
	s.newest = made
	if err := s.hub.removeSnapshots(made.path); err != nil {
		s.hub.Log.Warn("removing old snapshots failed", "error", err)
	}
	return made, nil
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
	if err := remove(plain); err != nil {
		return nil, fmt.Errorf("making a snapshot: %w", err)
	}
	state, err := h.Replica.Snapshot(ctx, plain)
	if err != nil {
		return nil, fmt.Errorf("making a snapshot: %w", err)
	}
	// Named by the time: one of the same state may be in somebody's hands.
	s := &Snapshot{State: state, made: began, path: h.path(fmt.Sprintf("snapshot-%d.zst", began.UnixNano()))}
	hash := sha256.New()
	if s.Size, err = replica.Compress(plain, s.path, hash); err != nil {
		return nil, errors.Join(fmt.Errorf("making a snapshot: %w", err), remove(plain, s.path))
	}
	s.ETag = hex.EncodeToString(hash.Sum(nil))
	if err := os.Remove(plain); err != nil {
		return nil, fmt.Errorf("making a snapshot: %w", err)
	}
	h.Log.Info("snapshot made", "position", state.Position, "bytes", s.Size, "took_ms", time.Since(began).Milliseconds())
	return s, nil
}

// retain keeps the stream within its bounds. It never drops what the newest snapshot
// does not contain, and as long as there is room not what a download will need. A stream
// that one unfinished transaction fills is a history that cannot be continued.
func (h *Hub) retain(ctx context.Context, log *stream.Log) error {
	tick := time.NewTicker(retainInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-h.broke: // perhaps for want of room
		case <-ctx.Done():
			return ctx.Err()
		}
		if !h.holds() {
			continue // nothing of this hub's is added; the stream may be another's
		}
		err := h.trim(ctx, log)
		if broken := new(pump.Broken); errors.As(err, &broken) {
			return err
		}
		if err != nil && ctx.Err() == nil {
			h.Log.Warn("trimming the stream failed; trying again", "error", err)
		}
	}
}

func (h *Hub) trim(ctx context.Context, log *stream.Log) error {
	bounds, err := log.Bounds(ctx)
	if err != nil {
		return err
	}
	limit := uint64(h.StreamBytes)
	if bounds.Bytes < limit/2 && bounds.Messages < maxMessages {
		return nil
	}
	s := &h.snapshots
	s.mu.Lock()
	defer s.mu.Unlock()
	// A quarter stays for replicas that are a little behind.
	below := bounds.Last - bounds.Messages/4
	if bounds.Bytes < limit*9/10 {
		below = min(below, s.leased(time.Now()))
	}
	if below <= bounds.First {
		return nil // before a snapshot is made for nothing
	}
	snapshot, err := s.fresh(ctx, retainInterval)
	if err != nil {
		return err
	}
	if below = min(below, snapshot.State.Seq+1); below > bounds.First {
		h.Log.Info("trimming the stream", "below", below, "first", bounds.First, "last", bounds.Last, "bytes", bounds.Bytes)
		if err := log.Purge(ctx, below); err != nil {
			return err
		}
		if bounds, err = log.Bounds(ctx); err != nil {
			return err
		}
	}
	// What is left is behind the snapshot, which has all that is whole; and still there is
	// no room for another message.
	if bounds.First > snapshot.State.Seq && bounds.Bytes+2*pump.MessageBytes > limit &&
		uint64(snapshot.State.Position.LSN) >= uint64(h.progress.Published()) {
		return pump.Breaks("a transaction is larger than the stream, which may hold %d bytes", limit)
	}
	return nil
}

// leased is the sequence from which on the stream is held for running downloads.
func (s *snapshots) leased(now time.Time) uint64 {
	var held []lease
	floor := ^uint64(0)
	for _, l := range s.leases {
		if now.Before(l.until) {
			held = append(held, l)
			floor = min(floor, l.seq+1)
		}
	}
	s.leases = held
	return floor
}
