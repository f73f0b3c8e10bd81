package hub

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"outpost/replicate/stream/streamtest"
)

// TestAnExistingNATSIsUsed runs hub and edge on a NATS server that is not theirs: it is
// started again, purged while they run, and purged while the hub is away.
func TestAnExistingNATSIsUsed(t *testing.T) {
	f := newFixture(t)
	nats := streamtest.NewExternal(t)
	f.external = nats.URL
	f.start()
	edge, stopEdge := f.edge("syd", nil)
	f.reaches(edge, "the edge")
	// Larger than one message, so that it is cut.
	f.exec("UPDATE course SET body = repeat('y', 100000) WHERE id <= 30")
	f.reaches(edge, "the edge")
	generation := f.generation()

	nats.Stop()
	f.exec("UPDATE course SET title = 'while NATS is away'")
	nats.Start()
	f.reaches(edge, "the edge, after NATS was started again")
	f.reaches(f.replica, "the primary's replica")

	stopEdge()
	f.messages(3)
	nats.Purge()
	edge, _ = f.edge("syd", nil)
	f.ended(edge, generation, false)

	f.stop()
	nats.Purge()
	f.start()
	f.ended(edge, generation, true)
}

// TestAStreamThatIsAwayDoesNotCountAsCopies takes the stream away as a generation is to
// begin. Nothing is copied in vain, and when the stream is back that begins soon.
func TestAStreamThatIsAwayDoesNotCountAsCopies(t *testing.T) {
	f := newFixture(t)
	nats := streamtest.NewExternal(t)
	f.external = nats.URL
	var away sync.Once
	var lately atomic.Int64
	f.between = func(n int) time.Duration {
		away.Do(nats.Stop)
		lately.Store(int64(n))
		return 0
	}
	f.start()
	f.eventually("the hub has tried three times", func() error {
		if n := strings.Count(f.logged.String(), "replication failed"); n < 3 {
			return fmt.Errorf("it has %d times", n)
		}
		return nil
	})
	nats.Start()
	f.reaches(f.replica, "the primary's replica")
	if n := lately.Load(); n != 0 {
		t.Errorf("%d attempts without a stream passed for copies", n)
	}
}
