package follow

import (
	"strings"
	"testing"
	"time"
)

// world has a clock that only goes forward, and a hub whose clock says anything.
type world struct {
	age
	here, hub time.Time
}

func newWorld(hubAhead time.Duration) *world {
	w := &world{here: time.Now()}
	w.hub = w.here.Add(hubAhead).Round(0) // as from the wire: without a monotonic reading
	w.clock = func() time.Time { return w.here }
	w.begin()
	return w
}

func (w *world) pass(d time.Duration) { w.here, w.hub = w.here.Add(d), w.hub.Add(d) }

func (w *world) expect(t *testing.T, what string, age, lag time.Duration, stale bool) {
	t.Helper()
	gotAge, gotStale := w.stale()
	if gotAge != age || gotStale != stale || w.lag() != lag {
		t.Errorf("%s: %v old, stale: %v, lag %v; want %v, %v, %v", what, gotAge, gotStale, w.lag(), age, stale, lag)
	}
}

// TestAgesDoNotDependOnWhatTheHubsClockSays follows hubs whose clock is right, or hours off.
func TestAgesDoNotDependOnWhatTheHubsClockSays(t *testing.T) {
	for _, ahead := range []time.Duration{0, 5 * time.Hour, -5 * time.Hour} {
		w := newWorld(ahead)
		w.pass(2 * time.Second)
		w.expect(t, "before anything was heard", 2*time.Second, 0, true)
		w.hear(w.hub)
		w.applied(w.hub.Add(-time.Minute), 1000)
		w.expect(t, "behind by a minute", time.Minute, time.Minute, true)
		w.pass(time.Second)
		w.applied(w.hub.Add(-100*time.Millisecond), 0)
		w.expect(t, "caught up", 100*time.Millisecond, 0, false)
		w.pass(time.Hour)
		w.expect(t, "after an hour without the hub", time.Hour+100*time.Millisecond, 0, true)
	}
}

// TestTheHubsClockIsSet sets it while an edge follows, to and fro.
func TestTheHubsClockIsSet(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, -time.Hour} {
		w := newWorld(0)
		w.hear(w.hub)
		w.applied(w.hub, 0)
		w.hub = w.hub.Add(jump)
		for range 3 {
			w.pass(time.Second)
			w.applied(w.hub, 5)
			if age, _ := w.stale(); age > time.Second || w.lag() > time.Second {
				t.Errorf("set by %v: it counts as %v old, the lag as %v", jump, age, w.lag())
			}
		}
		w.pass(time.Minute)
		if age, stale := w.stale(); !stale || age < time.Minute || age > time.Minute+time.Second {
			t.Errorf("set by %v, and away for a minute: it counts as %v old, stale: %v", jump, age, stale)
		}
		// Asked again, it is exact.
		w.hear(w.hub)
		w.applied(w.hub.Add(-10*time.Second), 5)
		w.expect(t, "asked again", 10*time.Second, 10*time.Second, true)
	}
}

// TestOwnTimesAreMonotonic is why setting this machine's clock changes nothing: what is
// kept has a monotonic reading, by which Go compares, even where it came from the hub.
func TestOwnTimesAreMonotonic(t *testing.T) {
	h := startHub(t, t.TempDir(), 0)
	h.beat(1, 3)
	f := h.follower(t.TempDir(), at(1, 0, 0))
	run(t, f)
	eventually(t, "the replica has all", func() bool { return f.Replica.State().Seq == 3 })
	h.beat(1, 1)
	eventually(t, "the replica has all", func() bool {
		_, stale := f.Stale()
		return f.Replica.State().Seq == 4 && !stale
	})
	f.age.mu.Lock()
	defer f.age.mu.Unlock()
	for name, kept := range map[string]time.Time{"began": f.age.began, "hubAt": f.age.hubAt, "current": f.age.current} {
		if !strings.Contains(kept.String(), " m=") {
			t.Errorf("%s is %v", name, kept)
		}
	}
	if f.age.hub.IsZero() {
		t.Error("the hub did not say its time")
	}
}
