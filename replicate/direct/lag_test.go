package direct

import (
	"testing"
	"time"

	"outpost/replicate/change"
)

func TestLagIsTheAgeOfWhatTheFileShows(t *testing.T) {
	now := time.Now()
	seen := func(ago time.Duration, head change.LSN) sample { return sample{now.Add(-ago), head} }
	for name, c := range map[string]struct {
		lag       *lag
		at        change.LSN
		committed time.Time
		bytes     int64
		age       time.Duration
	}{
		"caught up": {&lag{head: 100, seen: []sample{seen(9*time.Second, 100)}}, 100, now.Add(-time.Hour), 0, 0},
		"ahead":     {&lag{head: 100}, 150, now.Add(-time.Hour), 0, 0},
		"just started, far behind": {
			&lag{head: 900, seen: []sample{seen(time.Second, 900)}}, 100, now.Add(-time.Hour), 800, time.Hour,
		},
		"nothing committed for long, a little behind": {
			&lag{head: 300, seen: []sample{seen(4*time.Second, 200), seen(2*time.Second, 300)}}, 250, now.Add(-time.Hour), 50, 4 * time.Second,
		},
		"a transaction newer than what was seen": {
			&lag{head: 300, seen: []sample{seen(4*time.Second, 200), seen(2*time.Second, 300)}}, 250, now.Add(-3 * time.Second), 50, 3 * time.Second,
		},
		"a clock that is ahead": {
			&lag{head: 300, seen: []sample{seen(2*time.Second, 300)}}, 250, now.Add(time.Minute), 50, 0,
		},
	} {
		bytes, age, known := c.lag.of(c.at, c.committed, now)
		if !known || bytes != c.bytes || age != c.age {
			t.Errorf("%s: %d bytes, %v, want %d, %v", name, bytes, age, c.bytes, c.age)
		}
	}
	if _, _, known := new(lag).of(1, now, now); known {
		t.Error("without a session a lag is known")
	}
}
