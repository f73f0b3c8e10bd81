package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

const (
	// leaseTime is how long the stream keeps the tail for a download after its end: it may
	// have broken off, and is resumed; or it was the last, and the edge follows soon.
	leaseTime = 15 * time.Minute
	// regionDownloads is how many downloads one region may run: the oldest makes room.
	regionDownloads = 4
)

// lease is what a region will need of the stream when its download is over.
type lease struct {
	seq   uint64
	until time.Time
}

// Download is a snapshot in somebody's hands. While it is open, and for a while after,
// the stream keeps what follows it, if there is room. The hub ends one that has become
// useless: reading it then fails.
type Download struct {
	*os.File
	Snapshot *Snapshot

	region string
	all    *snapshots
}

// OpenSnapshot gives a region the newest snapshot, made now if there is none that is
// young enough; while ctx lasts, that is waited for. Refused is the ETag of one that
// arrived damaged there: if it is damaged here, another is made. The caller closes it.
func (h *Hub) OpenSnapshot(ctx context.Context, region, refused string) (*Download, error) {
	s := &h.snapshots
	s.purged(ctx)
	for {
		snapshot, err := s.fresh(ctx, snapshotAge)
		if err != nil {
			return nil, err
		}
		var damage error
		if refused == snapshot.ETag {
			damage = s.check(snapshot)
		}
		if damage == nil {
			var d *Download
			if d, damage = s.download(snapshot, region); damage == nil {
				return d, nil
			}
			if !errors.Is(damage, errDamaged) {
				return nil, fmt.Errorf("opening a snapshot: %w", damage)
			}
		}
		s.forget(snapshot, damage)
	}
}

// purged forgets the newest snapshot if the stream does not have what follows it: whoever
// else purged it did not ask. While the stream is away, there is no saying.
func (s *snapshots) purged(ctx context.Context) {
	s.mu.Lock()
	n := s.usable()
	s.mu.Unlock()
	if n == nil {
		return
	}
	if bounds, err := s.hub.Conn.Bounds(ctx); err == nil && n.State.Seq+1 < bounds.First {
		s.forget(n, fmt.Errorf("the stream begins at message %d, it has %d", bounds.First, n.State.Seq))
	}
}

var (
	errDamaged = errors.New("it is not as it was made")
	errTurned  = fmt.Errorf("%w: another generation began", ErrNoSnapshot)
)

// download opens a snapshot's file, if it is all there.
func (s *snapshots) download(n *Snapshot, region string) (*Download, error) {
	file, err := os.Open(n.path)
	if errors.Is(err, os.ErrNotExist) {
		err = fmt.Errorf("%w: %w", errDamaged, err)
	}
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || info.Size() != n.Size {
		return nil, errors.Join(errDamaged, err, file.Close())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n.State.Position.Generation != s.generation {
		return nil, errors.Join(errTurned, file.Close())
	}
	running := 0
	for _, d := range slices.Backward(s.downloads) {
		if d.region == region {
			if running++; running == regionDownloads {
				s.end(func(other *Download) bool { return other == d })
				break
			}
		}
	}
	d := &Download{File: file, Snapshot: n, region: region, all: s}
	s.downloads = append(s.downloads, d)
	return d, nil
}

// Close ends the download. From here on its lease runs.
func (d *Download) Close() error {
	s := d.all
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.downloads, d)
	if i < 0 {
		return nil // the hub ended it
	}
	s.downloads = slices.Delete(s.downloads, i, i+1)
	now := time.Now()
	s.leased(now) // forgets those that are over
	if s.leases == nil {
		s.leases = make(map[string]lease)
	}
	s.leases[d.region] = lease{d.Snapshot.State.Seq, now.Add(leaseTime)}
	return d.File.Close()
}

// end ends downloads that are of no use any more, without a lease; mu is held. Their
// edges come again, and get what there is then.
func (s *snapshots) end(useless func(*Download) bool) {
	s.downloads = slices.DeleteFunc(s.downloads, func(d *Download) bool {
		if !useless(d) {
			return false
		}
		if err := d.File.Close(); err != nil {
			s.hub.Log.Warn("ending a download failed", "region", d.region, "error", err)
		}
		return true
	})
}

// leased is the sequence from which on the stream is held for downloads; mu is held.
func (s *snapshots) leased(now time.Time) uint64 {
	floor := ^uint64(0)
	for _, d := range s.downloads {
		floor = min(floor, d.Snapshot.State.Seq+1)
	}
	for region, l := range s.leases {
		if !now.Before(l.until) {
			delete(s.leases, region)
			continue
		}
		floor = min(floor, l.seq+1)
	}
	return floor
}
