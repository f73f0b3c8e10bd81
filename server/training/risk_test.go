package training_test

import (
	"math"
	"testing"
	"time"

	"outpost/server/training"
)

// value is a number to point to; none is what a component without data is.
func value(v float64) *float64 { return &v }

func percent(n int) *int { return &n }

func close(have, want *float64) bool {
	return have == nil && want == nil || have != nil && want != nil && math.Abs(*have-*want) < 1e-9
}

// TestRiskOfOnePerson: each component worked out by hand from the formula, and the score from those that
// have data. It is 22 June, noon.
func TestRiskOfOnePerson(t *testing.T) {
	now := june(22)
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	open := func(course int64, cycle int, due time.Time) training.Duty {
		return training.Duty{CourseID: course, Cycle: cycle, Open: true, DueAt: due}
	}
	for _, c := range []struct {
		name          string
		facts         training.RiskFacts
		p, r, t, k, e *float64
		score         float64
	}{
		{"nothing is known", training.RiskFacts{}, nil, nil, nil, nil, nil, 0},
		// 0.10·0.2 / 0.10 = 0.2: the only component is all of it.
		{"a job of low risk alone", training.RiskFacts{JobRisk: "low"}, nil, nil, nil, nil, value(0.2), 20},
		{"a job of medium risk alone", training.RiskFacts{JobRisk: "medium"}, nil, nil, nil, nil, value(0.5), 50},
		{"a job of high risk alone", training.RiskFacts{JobRisk: "high"}, nil, nil, nil, nil, value(0.8), 80},
		{"a job of a risk that is not known", training.RiskFacts{JobRisk: "extreme"}, nil, nil, nil, nil, nil, 0},
		// P = (4·0.2 + 1·0) / (4 + 1) = 0.16; R = 1 − (4·0.3 + 0) / (4 + 1) = 1 − 0.24 = 0.76.
		// (0.35·0.16 + 0.20·0.76) / 0.55 = (0.056 + 0.152) / 0.55 = 0.208 / 0.55.
		{"one simulation today, nothing done", training.RiskFacts{Simulations: []training.Simulation{{SentAt: now}}}, value(0.16), value(0.76), nil, nil, nil, 100 * 0.208 / 0.55},
		// P = (0.8 + 0.6) / 5 = 0.28; R = 1 − (1.2 + 1) / 5 = 0.56. (0.098 + 0.112) / 0.55.
		{
			"clicked and reported",
			training.RiskFacts{Simulations: []training.Simulation{{SentAt: now, Clicked: true, Reported: true}}},
			value(0.28), value(0.56), nil, nil, nil, 100 * 0.21 / 0.55,
		},
		// P = (0.8 + 1) / 5 = 0.36: a submission is not a click on top.
		{
			"clicked and submitted",
			training.RiskFacts{Simulations: []training.Simulation{{SentAt: now, Clicked: true, Submitted: true}}},
			value(0.36), value(0.76), nil, nil, nil, 100 * (0.35*0.36 + 0.2*0.76) / 0.55,
		},
		// 90 days: weight ½. P = (0.8 + 0.5·1) / (4 + 0.5) = 1.3 / 4.5. R counts simulations whole: 0.76.
		{
			"submitted half a life ago",
			training.RiskFacts{Simulations: []training.Simulation{{SentAt: ago(90), Submitted: true}}},
			value(1.3 / 4.5), value(0.76), nil, nil, nil, 100 * (0.35*1.3/4.5 + 0.152) / 0.55,
		},
		// Weights 1, ½, ¼: P = (0.8 + 0.6 + 0.5 + 0) / (4 + 1.75) = 1.9 / 5.75. R = 1 − (1.2 + 2) / 7 = 3.8 / 7.
		{
			"three simulations",
			training.RiskFacts{Simulations: []training.Simulation{
				{SentAt: now, Clicked: true}, {SentAt: ago(90), Submitted: true, Reported: true}, {SentAt: ago(180), Reported: true},
			}},
			value(1.9 / 5.75), value(3.8 / 7), nil, nil, nil, 100 * (0.35*1.9/5.75 + 0.2*3.8/7) / 0.55,
		},
		{"a simulation of tomorrow", training.RiskFacts{Simulations: []training.Simulation{{SentAt: now.AddDate(0, 0, 1), Clicked: true}}}, nil, nil, nil, nil, nil, 0},
		// Sent this evening: of today, as all that day. Weight 1: P = (0.8 + 0.6) / 5.
		{
			"a simulation of this evening",
			training.RiskFacts{Simulations: []training.Simulation{{SentAt: now.Add(11 * time.Hour), Clicked: true}}},
			value(0.28), value(0.76), nil, nil, nil, 100 * (0.35*0.28 + 0.152) / 0.55,
		},
		{"no date", training.RiskFacts{Duties: []training.Duty{{CourseID: 1, Open: true}}}, nil, nil, nil, nil, nil, 0},
		{"due in the future", training.RiskFacts{Duties: []training.Duty{open(1, 1, ago(-5))}}, nil, nil, value(0), nil, nil, 0},
		{"due at this instant", training.RiskFacts{Duties: []training.Duty{open(1, 1, now)}}, nil, nil, value(0), nil, nil, 0},
		// Last night at 23:59 is one midnight ago: 1/30.
		{"due last night", training.RiskFacts{Duties: []training.Duty{open(1, 1, time.Date(2026, 6, 21, 23, 59, 0, 0, time.UTC))}}, nil, nil, value(1.0 / 30), nil, nil, 100.0 / 30},
		{"due 15 days ago", training.RiskFacts{Duties: []training.Duty{open(1, 1, ago(15))}}, nil, nil, value(0.5), nil, nil, 50},
		{"due 300 days ago: no more than all", training.RiskFacts{Duties: []training.Duty{open(1, 1, ago(300))}}, nil, nil, value(1), nil, nil, 100},
		{"late, but done", training.RiskFacts{Duties: []training.Duty{{CourseID: 1, Cycle: 1, DueAt: ago(15), CompletedAt: ago(1)}}}, nil, nil, value(0), nil, nil, 0},
		// Courses 1 (15 of 30 days), 2 (done), 3 (to come): (0.5 + 0 + 0) / 3; 4 has no date.
		{
			"a mean over what has a date",
			training.RiskFacts{Duties: []training.Duty{
				open(1, 1, ago(15)), {CourseID: 2, Cycle: 1, DueAt: ago(20), CompletedAt: ago(30)}, open(3, 1, ago(-10)), {CourseID: 4, Cycle: 1, Open: true},
			}},
			nil, nil, value(0.5 / 3), nil, nil, 50.0 / 3,
		},
		// Only the latest cycle of a course: the first, which was never done, is made up for.
		{
			"an old cycle is forgotten",
			training.RiskFacts{Duties: []training.Duty{open(1, 1, ago(300)), {CourseID: 1, Cycle: 2, DueAt: ago(5), CompletedAt: ago(6)}}},
			nil, nil, value(0), nil, nil, 0,
		},
		// The latest cycle has no date, and the one before it does not count: no data.
		{"the latest cycle has no date", training.RiskFacts{Duties: []training.Duty{{CourseID: 1, Cycle: 2, Open: true}, open(1, 1, ago(300))}}, nil, nil, nil, nil, nil, 0},
		{"a quiz with nothing right", training.RiskFacts{LastQuiz: percent(0)}, nil, nil, nil, value(1), nil, 100},
		{"a quiz with all right", training.RiskFacts{LastQuiz: percent(100)}, nil, nil, nil, value(0), nil, 0},
		// K = 1 − 0.8 = 0.2, E = 0.5: (0.15·0.2 + 0.10·0.5) / 0.25 = 0.08 / 0.25 = 0.32.
		{"quiz and job", training.RiskFacts{LastQuiz: percent(80), JobRisk: "medium"}, nil, nil, nil, value(0.2), value(0.5), 32},
		// All five: P 0.28, R 0.56, T 0.5, K 0.3, E 0.8:
		// 0.35·0.28 + 0.20·0.56 + 0.20·0.5 + 0.15·0.3 + 0.10·0.8 = 0.098 + 0.112 + 0.1 + 0.045 + 0.08 = 0.435.
		{
			"everything is known",
			training.RiskFacts{
				Simulations: []training.Simulation{{SentAt: now, Clicked: true, Reported: true}}, Duties: []training.Duty{open(1, 1, ago(15))},
				LastQuiz: percent(70), JobRisk: "high",
			},
			value(0.28), value(0.56), value(0.5), value(0.3), value(0.8), 43.5,
		},
	} {
		have := c.facts.RiskAt(now)
		for i, want := range []*float64{c.p, c.r, c.t, c.k, c.e} {
			if component := have.Components()[i]; !close(component.Value, want) {
				t.Errorf("%s: %s is %v, not %v", c.name, component.Name, show(component.Value), show(want))
			}
		}
		if !close(&have.Score, &c.score) {
			t.Errorf("%s: a score of %v, not %v", c.name, have.Score, c.score)
		}
	}
}

func show(v *float64) any {
	if v == nil {
		return "none"
	}
	return *v
}

func TestWeightsAddUpToOne(t *testing.T) {
	sum := 0.0
	for _, c := range (&training.Risk{}).Components() {
		sum += c.Weight
	}
	if math.Abs(sum-1) > 1e-12 {
		t.Errorf("the weights add up to %v", sum)
	}
}

// TestAScoreChangesAtMidnightOnly looks at a day and the next, by the clock of UTC whatever the zone of t.
func TestAScoreChangesAtMidnightOnly(t *testing.T) {
	midnight := time.Date(2026, 6, 23, 0, 0, 0, 0, time.UTC)
	f := training.RiskFacts{
		Simulations: []training.Simulation{{SentAt: june(20), Clicked: true}, {SentAt: june(22).Add(5 * time.Hour), Submitted: true}},
		Duties:      []training.Duty{{CourseID: 1, Open: true, DueAt: june(22).Add(3 * time.Hour)}, {CourseID: 2, Open: true, DueAt: june(10)}},
	}
	first := f.RiskAt(midnight.AddDate(0, 0, -1)).Score
	for _, at := range []time.Time{june(22), june(22).Add(4 * time.Hour), midnight.Add(-instant), midnight.Add(-instant).In(time.FixedZone("", 9*3600))} {
		if have := f.RiskAt(at).Score; have != first {
			t.Errorf("at %v the score is %v, not %v", at, have, first)
		}
		if next := training.NextDay(at); !next.Equal(midnight) {
			t.Errorf("the day of %v ends at %v", at, next)
		}
	}
	if f.RiskAt(midnight).Score == first {
		t.Error("the next day changes nothing")
	}
	if next := training.NextDay(midnight); !next.Equal(midnight.AddDate(0, 0, 1)) {
		t.Errorf("midnight begins a day that ends at %v", next)
	}
}

func TestBands(t *testing.T) {
	for score, want := range map[float64]training.Band{
		0: training.LowRisk, 24.999: training.LowRisk, 25: training.ModerateRisk, 49.999: training.ModerateRisk, 50: training.HighRisk,
		74.999: training.HighRisk, 75: training.CriticalRisk, 100: training.CriticalRisk,
	} {
		if have := training.BandOf(score); have != want {
			t.Errorf("%v is %s, not %s", score, have, want)
		}
	}
}

// TestScoresOfAGroup: P90 lies at 0.9·(n − 1), from 0, between the scores in their order.
func TestScoresOfAGroup(t *testing.T) {
	upTo := func(n int) (scores []float64) {
		for i := n; i > 0; i-- {
			scores = append(scores, float64(i))
		}
		return scores
	}
	for _, c := range []struct {
		scores    []float64
		mean, p90 *float64
	}{
		{nil, nil, nil},
		// too few
		{upTo(4), nil, nil},
		// 3.6: 4 + 0.6·(5 − 4)
		{upTo(5), value(3), value(4.6)},
		// 3.6: 20 + 0.6·(80 − 20)
		{[]float64{80, 20, 20, 20, 10}, value(30), value(56)},
		// 8.1: 9 + 0.1·(10 − 9)
		{upTo(10), value(5.5), value(9.1)},
		// 9: the tenth
		{upTo(11), value(6), value(10)},
		// 89.1: 90 + 0.1·(91 − 90)
		{upTo(100), value(50.5), value(90.1)},
		{[]float64{7, 7, 7, 7, 7, 7}, value(7), value(7)},
	} {
		g := training.GroupRisk{Scores: c.scores}
		if !close(g.Mean(), c.mean) || !close(g.P90(), c.p90) {
			t.Errorf("%d scores: mean %v, P90 %v", len(c.scores), show(g.Mean()), show(g.P90()))
		}
	}
	all := training.GroupRisk{Scores: upTo(3)}
	all.Add(training.GroupRisk{Scores: upTo(2)})
	if !close(all.Mean(), value(1.8)) { // (1+2+3+1+2) / 5
		t.Errorf("together: %v", show(all.Mean()))
	}
}
