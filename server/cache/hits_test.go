package cache

import (
	"fmt"
	"testing"
)

func newHits(t *testing.T, size int) *Hits[string] {
	t.Helper()
	h, err := NewHits[string](size)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func as(name string) func() (string, bool) { return func() (string, bool) { return name, true } }

func TestWhatIsAskedMostOutlivesWhatIsAskedOnce(t *testing.T) {
	const size, hot = 100, 20
	h := newHits(t, size)
	ask := func(name string) { h.Count([]byte(name), 1, as(name)) }
	for i := range 5000 { // of a crawler, and now and then of somebody
		ask(fmt.Sprintf("once %d", i))
		ask(fmt.Sprintf("hot %d", i%hot))
	}
	top := h.Top(hot)
	if len(top) != hot || len(h.Top(10*size)) > size {
		t.Fatalf("it remembers %d, and %d of the hottest", len(h.Top(10*size)), len(top))
	}
	for _, c := range top {
		if c.What[:3] != "hot" || c.Count < 200 {
			t.Errorf("%q is among the hottest with %d", c.What, c.Count)
		}
	}
	h.Age()
	if aged := h.Top(1); aged[0].Count != top[0].Count/2 {
		t.Errorf("%d became %d", top[0].Count, aged[0].Count)
	}
}

func TestWhatNobodyAsksForAnyMoreIsNotAmongTheTop(t *testing.T) {
	h := newHits(t, 10)
	h.Count([]byte("once"), 1, as("once"))
	h.Count([]byte("often"), 5, as("often"))
	h.Age()
	if top := h.Top(10); len(top) != 1 || top[0] != (Counted[string]{"often", 2}) {
		t.Errorf("%v", top)
	}
	h.Count([]byte("once"), 1, as("once"))
	if top := h.Top(10); len(top) != 2 {
		t.Errorf("asked for again: %v", top)
	}
}

func TestOnlyWhatMayBeKeptIsRemembered(t *testing.T) {
	h := newHits(t, 10)
	h.Count([]byte("secret"), 1, func() (string, bool) { return "secret", false })
	var none *Hits[string]
	none.Count([]byte("any"), 1, as("any"))
	if top := h.Top(10); len(top) != 0 || none.Sampled() {
		t.Errorf("it remembers %v", top)
	}
}

func TestCountingAgainAllocatesNothing(t *testing.T) {
	h := newHits(t, 10)
	key := []byte("key")
	h.Count(key, 1, as("what"))
	sampled := 0
	allocated := testing.AllocsPerRun(1000, func() {
		if h.Sampled() {
			sampled++
		}
		h.Count(key, Sample, func() (string, bool) { return "what", true })
	})
	if allocated != 0 || sampled == 0 || sampled > 200 {
		t.Errorf("%v allocations; %d of 1,000 hits are counted", allocated, sampled)
	}
}

func BenchmarkHitsSampled(b *testing.B) {
	h, err := NewHits[string](4000)
	if err != nil {
		b.Fatal(err)
	}
	key := []byte("key")
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if h.Sampled() {
				h.Count(key, Sample, as("what"))
			}
		}
	})
}
