package seed

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestRhythmKeepsToTheClockOnTheWall(t *testing.T) {
	for _, zone := range []string{"America/New_York", "Europe/Berlin", "Australia/Sydney", "Asia/Kolkata", "America/Sao_Paulo", "Atlantic/Canary"} {
		location, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		// A year in which clocks change, and in New York and Berlin not in the same week.
		from, to := time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
		r, err := newRhythm(newWeek(), zone, from, to)
		if err != nil {
			t.Fatal(err)
		}
		rng, quarters := rand.New(rand.NewPCG(1, 2)), [4]int{}
		for range 20_000 {
			at := r.draw(rng, from, to)
			local := at.In(location)
			if hour := local.Hour(); hour < 8 || hour > 22 || at.Before(from) || !at.Before(to) {
				t.Fatalf("%v in %s is %v", at, zone, local)
			}
			quarters[int(at.Sub(from)*4/to.Sub(from))]++
			if a, b := at, at.Add(time.Duration(rng.IntN(200))*time.Minute); b.After(a.Add(time.Second)) {
				if in := r.draw(rng, a, b); in.Before(a) || !in.Before(b) {
					t.Fatalf("%v is not from %v up to %v", in, a, b)
				}
			}
			if due := r.workday(at).In(location); due.Weekday() == 0 || due.Weekday() == 6 || due.Hour() != 12 || due.Sub(at).Abs() > 72*time.Hour {
				t.Fatalf("the working day of %v is %v", local, due)
			}
		}
		for _, n := range quarters {
			if n < 4700 || n > 5300 {
				t.Errorf("%s: the quarters of a year have %v of 20,000 moments", zone, quarters)
				break
			}
		}
	}
}

func BenchmarkDraw(b *testing.B) {
	from, to := time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	r, err := newRhythm(newWeek(), "America/New_York", from, to)
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		r.draw(rng, from, to)
	}
}
