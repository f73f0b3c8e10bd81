package training

import (
	"slices"
	"time"
)

// Limits of trends, in days.
const (
	MinTrend     = 7
	MaxTrend     = 365
	DefaultTrend = 30
)

// TrendDay is what a day brought, and how things stood at its end.
type TrendDay struct {
	Day         time.Time // its beginning, UTC
	At          time.Time // its last microsecond; of the last day: the instant that the trends were asked for
	Completions int       // enrollments completed on the day, until At
	Begun       int       // enrollments begun on the day, until At
	Overdue     int       // enrollments that were due and not completed at At
	Compliance            // at At: what Compliance.Count gives for that instant
}

// Trends are figures day by day. They are made of what is recorded now: who has left since, and dates
// that were moved since, do not appear as they were.
//
// Each person is gone through once, however many days there are: what changes on a day is noted as the
// difference to the day before.
type Trends struct {
	days        []TrendDay // differences, until Days adds them up
	now         time.Time
	satisfiedBy map[int64][]int // by course, the numbers of the requirements that it satisfies
	owed        []int           // of the person at hand, by requirement: from which day
	valid       [][]span        // of the person at hand, by requirement: days on which a completion is valid
	gaps        []span          // of the person at hand: days on which an obligation was not satisfied
}

// NewTrends begins the trends of the last days until now, today included.
func NewTrends(requirements []Requirement, days int, now time.Time) *Trends {
	t := &Trends{
		days: make([]TrendDay, days+1), now: now, satisfiedBy: make(map[int64][]int),
		owed: make([]int, len(requirements)), valid: make([][]span, len(requirements)),
	}
	today := now.UTC().Truncate(24 * time.Hour)
	for i := range days {
		day := today.AddDate(0, 0, i-days+1)
		t.days[i].Day, t.days[i].At = day, day.AddDate(0, 0, 1).Add(-time.Microsecond)
	}
	t.days[days-1].At = now
	for i, r := range requirements {
		for _, course := range r.Courses {
			if of := t.satisfiedBy[course]; !slices.Contains(of, i) {
				t.satisfiedBy[course] = append(of, i)
			}
		}
	}
	return t
}

// Add counts one active person.
func (t *Trends) Add(duties []Duty) {
	end := len(t.days) - 1
	for i := range t.owed {
		t.owed[i], t.valid[i] = end, t.valid[i][:0]
	}
	timed := end
	for i := range duties {
		d := &duties[i]
		due, completed, expires := t.from(d.DueAt), t.from(d.CompletedAt), t.from(d.ExpiresAt)
		t.event(d, due, completed)
		satisfies := t.satisfiedBy[d.CourseID]
		if len(satisfies) == 0 {
			continue
		}
		timed = min(timed, due)
		t.days[due].Due++
		if !d.CompletedAt.IsZero() && !d.CompletedAt.After(d.DueAt) {
			t.days[due].OnTime++
		}
		for _, r := range satisfies {
			t.owed[r] = min(t.owed[r], due, completed)
			t.valid[r] = append(t.valid[r], span{completed, expires})
		}
	}
	t.days[timed].Timed++
	t.stand(end)
}

// event notes what happened with an enrollment.
func (t *Trends) event(d *Duty, due, completed int) {
	if on := t.on(d.CompletedAt); on >= 0 {
		t.days[on].Completions++
	}
	if on := t.on(d.StartedAt); on >= 0 {
		t.days[on].Begun++
	}
	switch end := len(t.days) - 1; {
	case d.Open:
		t.days[due].Overdue++
	case !d.CompletedAt.IsZero() && due < completed:
		t.days[due].Overdue++
		t.days[min(completed, end-1)].Overdue-- // what is closed is not overdue now, whatever its time says
	}
}

// stand notes how the person stood to the requirements.
func (t *Trends) stand(end int) {
	t.gaps = t.gaps[:0]
	first := end
	for r, owed := range t.owed {
		if owed == end {
			continue
		}
		first = min(first, owed)
		t.days[owed].Obligations++
		at := owed
		for _, s := range merge(t.valid[r]) {
			t.days[s.from].Satisfied++
			t.days[s.to].Satisfied--
			if at < s.from {
				t.gaps = append(t.gaps, span{at, s.from})
			}
			at = s.to
		}
		t.gaps = append(t.gaps, span{at, end})
	}
	if first == end {
		return
	}
	t.days[first].People++
	t.days[first].Compliant++
	for _, s := range merge(t.gaps) {
		t.days[s.from].Compliant--
		t.days[s.to].Compliant++
	}
}

// from is the first day at whose end the instant has come; the number of days where it has not come at
// the end of any, or never does.
func (t *Trends) from(instant time.Time) int {
	end := len(t.days) - 1
	if instant.IsZero() || instant.After(t.now) {
		return end
	}
	return max(0, days(t.days[0].Day, instant))
}

// on is the day on which something happened, -1 where it was on none of them.
func (t *Trends) on(instant time.Time) int {
	if instant.IsZero() || instant.Before(t.days[0].Day) || instant.After(t.now) {
		return -1
	}
	return days(t.days[0].Day, instant)
}

// Days are the days, the oldest first. They end the trends: nobody can be added any more.
func (t *Trends) Days() []TrendDay {
	list := t.days[:len(t.days)-1]
	for i := 1; i < len(list); i++ {
		list[i].Overdue += list[i-1].Overdue
		list[i].Compliance.Add(list[i-1].Compliance)
	}
	return list
}

// span is some days, from the one to before the other.
type span struct{ from, to int }

// merge sorts spans, leaves out those without a day, and makes one of those that touch.
func merge(spans []span) []span {
	spans = slices.DeleteFunc(spans, func(s span) bool { return s.from >= s.to })
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	merged := spans[:0]
	for _, s := range spans {
		if last := len(merged) - 1; last >= 0 && s.from <= merged[last].to {
			merged[last].to = max(merged[last].to, s.to)
		} else {
			merged = append(merged, s)
		}
	}
	return merged
}
