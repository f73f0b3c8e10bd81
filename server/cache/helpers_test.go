package cache

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"outpost/replicate/change"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// replica is a stand-in: what it has published, and the clock.
type replica struct {
	at    atomic.Pointer[At]
	clock atomic.Pointer[time.Time]
}

func (r *replica) published() At        { return *r.at.Load() }
func (r *replica) now() time.Time       { return *r.clock.Load() }
func (r *replica) advance(to LSN)       { r.set(1, to, 1) }
func (r *replica) pass(d time.Duration) { t := r.now().Add(d); r.clock.Store(&t) }
func (r *replica) set(g change.Generation, l LSN, incarnation uint64) {
	r.at.Store(&At{Position: change.Position{Generation: g, LSN: l}, Incarnation: incarnation})
}

type LSN = change.LSN

func start(t testing.TB, change ...func(*Options)) (*Cache, *replica) {
	t.Helper()
	r := &replica{}
	clock := time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)
	r.clock.Store(&clock)
	r.advance(10)
	o := Options{MaxBytes: 1 << 20, Published: r.published, Now: r.now}
	for _, f := range change {
		f(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.Reset(1)
	return c, r
}

// answer is a fill that computes body from what r has published.
func answer(r *replica, body string, tags ...Tag) func(context.Context) (Filled, error) {
	return func(context.Context) (Filled, error) {
		return Filled{Status: 200, Body: []byte(body), Tags: tags, At: r.published(), Store: true}, nil
	}
}

// ask is a request that must be answered in the given way.
func ask(t testing.TB, c *Cache, key, status string, fill func(context.Context) (Filled, error)) Result {
	t.Helper()
	result, err := c.Do(context.Background(), []byte(key), fill)
	if err != nil {
		t.Fatalf("asking for %q: %v", key, err)
	}
	if result.Status != status {
		t.Fatalf("asking for %q: %s, want %s", key, result.Status, status)
	}
	return result
}
