package training_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"outpost/server/training"
)

// noon is the now of the tables: the days are 23, 24 and 25 November, and so on back.
var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// hour is that hour of a day of November, in which 24 is the midnight that ends it.
func hour(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC) }

// TestTrends is worked out by hand. Two requirements: the first is met by course 1 or 2, the second by
// course 2; course 3 meets none. Seven days, 19 to 25 November; the last one is looked at at noon.
func TestTrends(t *testing.T) {
	requirements := []training.Requirement{{ID: 1, Courses: []int64{1, 2, 2}}, {ID: 2, Courses: []int64{2}}}
	people := [][]training.Duty{
		// Owes the first from the 20th, 24 o'clock, which is the 21st; satisfied from the 22nd, and until the 24th.
		{{CourseID: 1, DueAt: hour(20, 24), StartedAt: hour(21, 9), CompletedAt: hour(22, 8), ExpiresAt: hour(24, 10)}},
		// Owes both from the 21st on and satisfies them all the time; was on time for a date still to come.
		{{CourseID: 2, StartedAt: hour(18, 9), CompletedAt: hour(21, 23), DueAt: hour(24, 1)}},
		// Nothing yet: due at a quarter of an hour too late for today's noon.
		{{CourseID: 1, Open: true, StartedAt: hour(25, 11), DueAt: noon.Add(time.Microsecond)}},
		// Overdue with a course that meets nothing, since before the first day.
		{{CourseID: 3, Open: true, DueAt: hour(1, 0)}},
		// One completion runs out on the 23rd, the next follows on the 24th; was never asked with a date.
		{
			{CourseID: 1, Cycle: 1, CompletedAt: hour(2, 0), ExpiresAt: hour(23, 5)},
			{CourseID: 1, Cycle: 2, StartedAt: hour(23, 6), CompletedAt: hour(24, 7)},
		},
		// Nobody who learns anything.
		nil,
	}
	want := []training.TrendDay{
		{Compliance: training.Compliance{Obligations: 1, Satisfied: 1, People: 1, Compliant: 1}, Overdue: 1},                                                                    // 19
		{Compliance: training.Compliance{Obligations: 1, Satisfied: 1, People: 1, Compliant: 1}, Overdue: 1},                                                                    // 20
		{Compliance: training.Compliance{Obligations: 4, Satisfied: 3, People: 3, Compliant: 2, Due: 1, Timed: 1}, Overdue: 2, Begun: 1, Completions: 1},                        // 21
		{Compliance: training.Compliance{Obligations: 4, Satisfied: 4, People: 3, Compliant: 3, Due: 1, Timed: 1}, Overdue: 1, Completions: 1},                                  // 22
		{Compliance: training.Compliance{Obligations: 4, Satisfied: 3, People: 3, Compliant: 2, Due: 1, Timed: 1}, Overdue: 1, Begun: 1},                                        // 23
		{Compliance: training.Compliance{Obligations: 4, Satisfied: 3, People: 3, Compliant: 2, Due: 2, Timed: 2, OnTime: 1}, Overdue: 1, Completions: 1},                       // 24
		{Compliance: training.Compliance{Obligations: 4, Satisfied: 3, People: 3, Compliant: 2, Due: 2, Timed: 2, OnTime: 1}, Overdue: 1, Begun: 1, Day: hour(25, 0), At: noon}, // 25
	}
	for i := range want[:6] {
		want[i].Day, want[i].At = hour(19+i, 0), hour(19+i, 24).Add(-time.Microsecond)
	}
	trends := training.NewTrends(requirements, 7, noon)
	for _, duties := range people {
		trends.Add(duties)
	}
	got := trends.Days()
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s:\n got %+v\nwant %+v", want[i].Day.Format(time.DateOnly), got[i], want[i])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d days, want %d", len(got), len(want))
	}
}

// TestTrendsAreWhatCountingEachDayGives compares with the definitions, for each day by itself.
func TestTrendsAreWhatCountingEachDayGives(t *testing.T) {
	const seeds = 400
	for seed := range uint64(seeds) {
		rng := rand.New(rand.NewPCG(seed, 6))
		length := training.MinTrend + rng.IntN(training.MaxTrend-training.MinTrend+1)
		now := hour(25, 0).Add(time.Duration(rng.Int64N(int64(48 * time.Hour))).Truncate(time.Microsecond))
		requirements := make([]training.Requirement, rng.IntN(6))
		for i := range requirements {
			for range 1 + rng.IntN(3) {
				requirements[i].Courses = append(requirements[i].Courses, int64(rng.IntN(7)))
			}
		}
		people := make([][]training.Duty, rng.IntN(12))
		for i := range people {
			people[i] = randomDuties(rng, now, length)
		}
		trends := training.NewTrends(requirements, length, now)
		for _, duties := range people {
			trends.Add(slices.Clone(duties))
		}
		got := trends.Days()
		if len(got) != length || !got[length-1].At.Equal(now) {
			t.Fatalf("seed %d: %d days until %v", seed, len(got), got[len(got)-1].At)
		}
		for i, day := range got {
			want := training.TrendDay{Day: now.Truncate(24*time.Hour).AddDate(0, 0, i-length+1), At: day.At}
			if i < length-1 && !day.At.Equal(want.Day.AddDate(0, 0, 1).Add(-time.Microsecond)) {
				t.Fatalf("seed %d: day %d is looked at at %v", seed, i, day.At)
			}
			for _, duties := range people {
				want.Compliance.Count(requirements, duties, day.At)
				for _, d := range duties {
					count(&want, d, now)
				}
			}
			if day != want {
				t.Fatalf("seed %d, %d people, %d requirements, day %d of %d:\n got %+v\nwant %+v", seed, len(people), len(requirements), i, length, day, want)
			}
		}
	}
}

// count says what an enrollment adds to a day.
func count(day *training.TrendDay, d training.Duty, now time.Time) {
	within := func(at time.Time) bool { return !at.Before(day.Day) && !at.After(day.At) }
	if within(d.CompletedAt) {
		day.Completions++
	}
	if within(d.StartedAt) {
		day.Begun++
	}
	stillOpen := d.Open || day.At.Before(now) && day.At.Before(d.CompletedAt)
	if stillOpen && d.DueBy(day.At) {
		day.Overdue++
	}
}

// randomDuties are full of coincidences: midnights, the now itself, equal times.
func randomDuties(rng *rand.Rand, now time.Time, length int) []training.Duty {
	instant := func() time.Time {
		switch rng.IntN(8) {
		case 0:
			return time.Time{}
		case 1:
			return now.Add(time.Duration(rng.IntN(3)-1) * time.Microsecond)
		case 2:
			return now.Truncate(24*time.Hour).AddDate(0, 0, rng.IntN(length+4)-length-1).Add(time.Duration(rng.IntN(3)-1) * time.Microsecond)
		}
		return now.Add(time.Duration(rng.Int64N(int64(length+10))-int64(length)-5) * 24 * time.Hour).Add(time.Duration(rng.Int64N(int64(24 * time.Hour))).Truncate(time.Microsecond))
	}
	duties := make([]training.Duty, rng.IntN(6))
	for i := range duties {
		d := training.Duty{CourseID: int64(rng.IntN(8)), Cycle: 1 + rng.IntN(3), DueAt: instant(), StartedAt: instant()}
		switch rng.IntN(4) {
		case 0:
			d.Open = true
		case 1: // closed, and never completed
		default:
			d.CompletedAt, d.ExpiresAt = instant(), instant()
		}
		duties[i] = d
	}
	return duties
}

// BenchmarkAnalyst leaves out what reading costs: see BenchmarkAnalytics in server/store.
func BenchmarkAnalyst(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 6))
	requirements := make([]training.Requirement, 20)
	for i := range requirements {
		requirements[i].Courses = []int64{int64(i % 8), int64((i + 3) % 8), int64((i + 5) % 8)}
	}
	people := make([]training.PersonFacts, 20000)
	for i := range people {
		people[i] = training.PersonFacts{UserID: int64(i), Department: []string{"A", "B", "C"}[i%3], RiskFacts: training.RiskFacts{JobRisk: "low"}}
		for len(people[i].Duties) < 12 {
			people[i].Duties = append(people[i].Duties, randomDuties(rng, noon, training.MaxTrend)...)
		}
	}
	for b.Loop() {
		a := training.NewAnalyst(training.CompanyProfile{ID: 1, Privacy: training.Individual}, requirements, training.MaxTrend, noon)
		for i := range people {
			a.Add(&people[i])
		}
		a.Done()
	}
}
