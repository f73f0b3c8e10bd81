package follow

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"outpost/replicate/replica"
)

// TestAStreamBegunAnewIsNoticed loses the stream while an edge follows it. The new one's
// sequences start over, and a consumer that was only recreated would wait past its end.
func TestAStreamBegunAnewIsNoticed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "stream")
	h := startHub(t, dir, 0)
	h.beat(1, 20)
	f := h.follower(t.TempDir(), at(1, 0, 0))
	ended := run(t, f)
	eventually(t, "the replica has all", func() bool { return f.Replica.State().Seq == 20 })

	port := h.port()
	h.stop()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	h = startHub(t, dir, port)
	h.beat(2, 3)
	err := within(ended)
	if !errors.Is(err, replica.ErrResync) {
		if errors.Is(err, errPatience) {
			t.Fatal("the follower waits past the end of the new stream")
		}
		err = within(run(t, f)) // as Edge.Run and the hub do
	}
	if !errors.Is(err, replica.ErrResync) {
		t.Errorf("got %v, want ErrResync", err)
	}
}

// TestStoppingDoesNotWaitForAHubThatIsAway stops an edge whose primary has been gone long
// enough for its consumer to be given up.
func TestStoppingDoesNotWaitForAHubThatIsAway(t *testing.T) {
	h := startHub(t, t.TempDir(), 0)
	h.beat(1, 1)
	f := h.follower(t.TempDir(), at(1, 0, 0))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	eventually(t, "the replica has all", func() bool { return f.Replica.State().Seq == 1 })
	h.stop()
	eventually(t, "the edge notices", func() bool { return !f.Conn.Connected() })
	eventually(t, "the edge is stale", func() bool {
		_, stale := f.Stale()
		return stale
	})
	began := time.Now()
	cancel()
	if err := within(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("stopping took %v", took)
	}
}
