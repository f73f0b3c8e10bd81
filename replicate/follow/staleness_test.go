package follow

import (
	"errors"
	"testing"
	"time"

	"outpost/replicate/replica"
)

// TestAPrimaryThatIsAwayIsNoLag takes the hub away in the middle of a burst: an edge that
// knew of more than it has must stay ready, and say how old its data is.
func TestAPrimaryThatIsAwayIsNoLag(t *testing.T) {
	h := startHub(t, t.TempDir(), 0)
	h.beat(1, 5)
	f := h.follower(t.TempDir(), at(1, 0, 0))
	ended := run(t, f)
	eventually(t, "the replica has all", func() bool { return f.Replica.State().Seq == 5 })
	// As after a delivery with more behind it, which then did not come.
	f.age.hear(time.Now())
	f.age.applied(time.Now().Add(-time.Hour), 7)
	if lag := f.Lag(); lag < time.Hour {
		t.Errorf("with the hub there the lag is %v, want an hour", lag)
	}
	h.stop()
	eventually(t, "the lag is not known", func() bool { return f.Lag() == 0 })
	if age, stale := f.Stale(); !stale || age < time.Hour {
		t.Errorf("the data is %v old, stale: %v; want an hour", age, stale)
	}
	select {
	case err := <-ended:
		if errors.Is(err, replica.ErrResync) {
			t.Error(err)
		}
	default:
	}
}

func TestNothingHeardIsStale(t *testing.T) {
	h := startHub(t, t.TempDir(), 0)
	h.beat(1, 1)
	f := h.follower(t.TempDir(), at(1, 1, 1))
	if _, stale := f.Stale(); !stale {
		t.Error("a follower that never ran calls its replica current")
	}
	h.stop()
	ended := run(t, f)
	eventually(t, "it has begun", func() bool {
		f.age.mu.Lock()
		defer f.age.mu.Unlock()
		return !f.age.began.IsZero()
	})
	if _, stale := f.Stale(); !stale {
		t.Error("a follower that has not heard of the stream calls its replica current")
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it followed a hub that is away")
		}
	default:
	}
}

// TestASilentHubIsToldByTheStream starts beside a stream that ended long ago: the replica
// has all of it, and is as old as its last message.
func TestASilentHubIsToldByTheStream(t *testing.T) {
	h := startHub(t, t.TempDir(), 0)
	h.beat(1, 1)
	b, err := h.conn.Bounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f := h.follower(t.TempDir(), at(1, 1, 1))
	run(t, f)
	eventually(t, "it is known how old the data is", func() bool {
		f.age.mu.Lock()
		defer f.age.mu.Unlock()
		return !f.age.current.IsZero()
	})
	// Hub and edge have the same clock here.
	if age, _ := f.Stale(); age < time.Since(b.Newest)-time.Second || age > time.Since(b.Newest)+time.Second {
		t.Errorf("the replica counts as %v old, the stream ended %v ago", age, time.Since(b.Newest))
	}
}
