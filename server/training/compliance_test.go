package training_test

import (
	"slices"
	"testing"
	"time"

	"outpost/server/training"
)

// june is a day of June 2026, at noon.
func june(day int) time.Time { return time.Date(2026, time.June, day, 12, 0, 0, 0, time.UTC) }

const instant = time.Microsecond

// TestHowSomebodyStandsToARequirement is worked out by hand from the definition: an obligation is what is
// due by t or already done, satisfied is a passed completion with completed_at ≤ t < expires_at.
func TestHowSomebodyStandsToARequirement(t *testing.T) {
	r := training.Requirement{ID: 1, Courses: []int64{10, 11}}
	due, never := june(10), time.Time{}
	open := training.Duty{CourseID: 10, Open: true, DueAt: due}
	early := training.Duty{CourseID: 10, DueAt: due, CompletedAt: june(5), ExpiresAt: june(20)}
	undated := training.Duty{CourseID: 10, CompletedAt: june(5), ExpiresAt: june(20)}
	forever := training.Duty{CourseID: 10, CompletedAt: june(5)}
	renewed := training.Duty{CourseID: 10, Cycle: 2, DueAt: june(25), CompletedAt: june(22), ExpiresAt: june(30)}
	for _, c := range []struct {
		name   string
		duties []training.Duty
		at     time.Time
		want   training.Verdict
	}{
		{"nothing at all", nil, june(30), training.NotOwed},
		{"a course of another requirement", []training.Duty{{CourseID: 12, DueAt: due, CompletedAt: june(5)}}, june(30), training.NotOwed},
		{"no date, not done", []training.Duty{{CourseID: 10, Open: true}}, june(30), training.NotOwed},
		{"an instant before it is due", []training.Duty{open}, due.Add(-instant), training.NotOwed},
		{"due at this instant", []training.Duty{open}, due, training.Owed},
		{"long due", []training.Duty{open}, june(30), training.Owed},
		{"an instant before it was done", []training.Duty{early}, june(5).Add(-instant), training.NotOwed},
		{"done at this instant, and not due yet", []training.Duty{early}, june(5), training.Satisfied},
		{"done early, now due", []training.Duty{early}, due, training.Satisfied},
		{"done without a date", []training.Duty{undated}, june(6), training.Satisfied},
		{"the last instant of a completion", []training.Duty{early}, june(20).Add(-instant), training.Satisfied},
		{"expired at this instant", []training.Duty{early}, june(20), training.Owed},
		{"expired, with no date", []training.Duty{undated}, june(21), training.Owed},
		{"never expires", []training.Duty{forever}, june(30).AddDate(50, 0, 0), training.Satisfied},
		{"expired, the next cycle is not due", []training.Duty{early, {CourseID: 10, Cycle: 2, Open: true, DueAt: june(25)}}, june(21), training.Owed},
		{"expired, not renewed yet", []training.Duty{early, renewed}, june(21), training.Owed},
		{"renewed at this instant", []training.Duty{early, renewed}, june(22), training.Satisfied},
		{"renewed, and expired again", []training.Duty{early, renewed}, june(30), training.Owed},
		{"renewed before it expired", []training.Duty{early, {CourseID: 10, Cycle: 2, CompletedAt: june(15), ExpiresAt: june(30)}}, june(20), training.Satisfied},
		{"one course is due, the other is done", []training.Duty{open, {CourseID: 11, CompletedAt: june(8)}}, due, training.Satisfied},
		{"one course is done and expired, the other is not due", []training.Duty{early, {CourseID: 11, Open: true, DueAt: june(28)}}, june(21), training.Owed},
		{"done late", []training.Duty{{CourseID: 10, DueAt: due, CompletedAt: june(15), ExpiresAt: never}}, june(15), training.Satisfied},
		{"due, done in the future", []training.Duty{{CourseID: 10, DueAt: due, CompletedAt: june(15)}}, june(12), training.Owed},
	} {
		if have := r.Judge(c.duties, c.at); have != c.want {
			t.Errorf("%s: %v, not %v", c.name, have, c.want)
		}
	}
}

// TestComplianceOfACompany is a company of six at four instants. Requirement 1 is met by courses 10 and 11,
// requirement 2 by 11 and 12; course 13 meets none.
func TestComplianceOfACompany(t *testing.T) {
	requirements := []training.Requirement{{ID: 1, Courses: []int64{10, 11}}, {ID: 2, Courses: []int64{11, 12}}, {ID: 3, Courses: []int64{99}}}
	people := [][]training.Duty{
		{{CourseID: 11, DueAt: june(10), CompletedAt: june(9), ExpiresAt: june(20)}},                           // a: one course for both
		{{CourseID: 10, DueAt: june(10), CompletedAt: june(10)}, {CourseID: 12, Open: true, DueAt: june(10)}},  // b: one of two
		{{CourseID: 10, DueAt: june(10), CompletedAt: june(11)}, {CourseID: 12, CompletedAt: june(1)}},         // c: one late, one with no date
		{{CourseID: 10, Open: true, DueAt: june(15)}, {CourseID: 13, DueAt: june(1), CompletedAt: june(1)}},    // d: later; 13 counts for nothing
		{{CourseID: 12, DueAt: june(1), CompletedAt: june(1), ExpiresAt: june(8)}, {CourseID: 10, Open: true}}, // e: expired long ago
		nil, // f: has nothing to do
	}
	for _, c := range []struct {
		at    time.Time
		want  training.Compliance
		until time.Time
		rate  float64
	}{
		// 1 June: c and e have done 12. Of 2 obligations 2 are satisfied; 1 date (e's) has come, in time. Too few people to tell.
		{june(1), training.Compliance{Obligations: 2, Satisfied: 2, People: 2, Compliant: 2, Due: 1, OnTime: 1, Timed: 1}, june(8), -1},
		// 10 June, at the instant: a owes 1 and 2 and has both; b owes 1, done at this very instant, and 2, not done; c owes 1, not yet done,
		// and 2, done; e owes 2, expired. d owes nothing. 2 + 2 + 2 + 1 = 7 owed, 2 + 1 + 1 + 0 = 4 satisfied; a alone has all. Dates that have
		// come: a's, b's two, c's, e's = 5; in time a's, b's first, e's = 3; of four people.
		{june(10), training.Compliance{Obligations: 7, Satisfied: 4, People: 4, Compliant: 1, Due: 5, OnTime: 3, Timed: 4}, june(11), -1},
		// 15 June: c has done 1 on the 11th: 2 of 2; d's 10 is due and open. 8 owed, a 2 + b 1 + c 2 = 5 satisfied; a and c have all.
		// Dates: one more, not kept. Five people: 5/8.
		{june(15), training.Compliance{Obligations: 8, Satisfied: 5, People: 5, Compliant: 2, Due: 6, OnTime: 3, Timed: 5}, june(20), 0.625},
		// 20 June: a's has expired for both. 3/8, c alone has all. Nothing changes any more.
		{june(20), training.Compliance{Obligations: 8, Satisfied: 3, People: 5, Compliant: 1, Due: 6, OnTime: 3, Timed: 5}, time.Time{}, 0.375},
	} {
		var have training.Compliance
		var until time.Time
		for _, duties := range people {
			var one training.Compliance
			_, next := one.Count(requirements, duties, c.at)
			have.Add(one)
			if !next.IsZero() && (until.IsZero() || next.Before(until)) {
				until = next
			}
		}
		if have != c.want || !until.Equal(c.until) {
			t.Errorf("%v: %+v until %v, not %+v until %v", c.at, have, until, c.want, c.until)
		}
		if rate := have.Rate(); rate == nil && c.rate >= 0 || rate != nil && *rate != c.rate {
			t.Errorf("%v: a rate of %v, not %v", c.at, rate, c.rate)
		}
	}
}

func TestVerdictsAreInTheOrderOfTheRequirements(t *testing.T) {
	requirements := []training.Requirement{{ID: 1, Courses: []int64{1}}, {ID: 2, Courses: []int64{2}}, {ID: 3, Courses: []int64{3}}}
	duties := []training.Duty{{CourseID: 3, CompletedAt: june(1)}, {CourseID: 1, Open: true, DueAt: june(1)}}
	var c training.Compliance
	verdicts, _ := c.Count(requirements, duties, june(2))
	if want := []training.Verdict{training.Owed, training.NotOwed, training.Satisfied}; !slices.Equal(verdicts, want) {
		t.Errorf("%v, not %v", verdicts, want)
	}
}

// TestRatesOfNobodyAndOfFew: no obligation is no rate, and neither is one of 1 to 4 people.
func TestRatesOfNobodyAndOfFew(t *testing.T) {
	for _, c := range []struct {
		c            training.Compliance
		rate, onTime float64 // -1: none
	}{
		{training.Compliance{}, -1, -1},
		{training.Compliance{Obligations: 8, Satisfied: 8, People: 4, Due: 4, OnTime: 4, Timed: 4}, -1, -1},
		{training.Compliance{Obligations: 10, Satisfied: 4, People: 5, Due: 0}, 0.4, -1},
		{training.Compliance{Obligations: 10, Satisfied: 10, People: 5, Due: 6, OnTime: 3, Timed: 4}, 1, -1}, // four have a date
		{training.Compliance{Obligations: 10, Satisfied: 0, People: 5, Due: 8, OnTime: 2, Timed: 5}, 0, 0.25},
	} {
		for name, pair := range map[string]struct {
			have *float64
			want float64
		}{"rate": {c.c.Rate(), c.rate}, "on-time rate": {c.c.OnTimeRate(), c.onTime}} {
			if (pair.have == nil) != (pair.want < 0) || pair.have != nil && *pair.have != pair.want {
				t.Errorf("%s of %+v: %v, not %v", name, c.c, pair.have, pair.want)
			}
		}
	}
}

func TestOverdueBeginsWhenItIsDue(t *testing.T) {
	d := training.Duty{Open: true, DueAt: june(10)}
	closed := training.Duty{DueAt: june(10), CompletedAt: june(12)}
	if d.OverdueAt(june(10).Add(-instant)) || !d.OverdueAt(june(10)) || closed.OverdueAt(june(11)) || (&training.Duty{Open: true}).OverdueAt(june(30)) {
		t.Error("what is open is overdue from its date on, and nothing else")
	}
}

// BenchmarkCompliance is a company of 20,000 with 12 enrollments each, 20 requirements of 3 courses.
func BenchmarkCompliance(b *testing.B) {
	var requirements []training.Requirement
	for i := range int64(20) {
		requirements = append(requirements, training.Requirement{ID: i, Courses: []int64{i % 12, (i + 4) % 12, (i + 8) % 12}})
	}
	var duties []training.Duty
	for i := range int64(12) {
		duties = append(duties, training.Duty{CourseID: i, DueAt: june(10), CompletedAt: june(int(i) + 1), ExpiresAt: june(20 + int(i%5))})
	}
	for b.Loop() {
		var c training.Compliance
		for range 20000 {
			c.Count(requirements, duties, june(22))
		}
	}
}
