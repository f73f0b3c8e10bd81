package training

import (
	"math"
	"slices"
	"time"
)

// What makes up a risk score, and by how much. (DOMAIN, "Figures".)
const (
	weightPhishing   = 0.35
	weightReporting  = 0.20
	weightTimeliness = 0.20
	weightKnowledge  = 0.15
	weightExposure   = 0.10

	priorWeight    = 4    // of both priors, as so many simulations
	priorFailed    = 0.2  // of P
	priorReported  = 0.3  // of R
	clicked        = 0.6  // how much a click fails
	submitted      = 1.0  // and a submission
	halfLife       = 90.0 // days, of a simulation's weight
	fullyOverdue   = 30.0 // days
	lowExposure    = 0.2
	mediumExposure = 0.5
	highExposure   = 0.8
)

// Simulation is what somebody did in one phishing campaign that reached them.
type Simulation struct {
	SentAt    time.Time
	Clicked   bool
	Submitted bool
	Reported  bool
}

// RiskFacts are what a person's score is made of.
type RiskFacts struct {
	Simulations []Simulation
	Duties      []Duty
	LastQuiz    *int   // percent of the last attempt at any quiz; nil: none
	JobRisk     string // low, medium, high
}

// Risk is a person's score and its components, from 0 to 1 each, higher is worse; nil: no data.
type Risk struct {
	Score      float64 // 0 to 100, higher is worse
	Phishing   *float64
	Reporting  *float64
	Timeliness *float64
	Knowledge  *float64
	Exposure   *float64
}

// RiskAt is the score on the day of t. Ages and delays are counted in whole days of UTC, so that a
// score changes with no write at midnight only: see NextDay.
func (f *RiskFacts) RiskAt(t time.Time) Risk {
	r := Risk{Timeliness: f.timeliness(t), Exposure: exposure(f.JobRisk)}
	r.Phishing, r.Reporting = f.simulated(t)
	if f.LastQuiz != nil {
		k := 1 - float64(*f.LastQuiz)/100
		r.Knowledge = &k
	}
	sum, weights := 0.0, 0.0
	for _, c := range r.Components() {
		if c.Value != nil {
			sum += c.Weight * *c.Value
			weights += c.Weight
		}
	}
	if weights > 0 {
		r.Score = 100 * sum / weights
	}
	return r
}

// RiskComponent is one of the five.
type RiskComponent struct {
	Name   string
	Weight float64 // where all have data
	Value  *float64
}

// Components are all five in the order of the formula.
func (r *Risk) Components() []RiskComponent {
	return []RiskComponent{
		{"phishing", weightPhishing, r.Phishing},
		{"reporting", weightReporting, r.Reporting},
		{"timeliness", weightTimeliness, r.Timeliness},
		{"knowledge", weightKnowledge, r.Knowledge},
		{"exposure", weightExposure, r.Exposure},
	}
}

// simulated is P, (4·0.2 + Σ wᵢ·sᵢ) / (4 + Σ wᵢ), and R, 1 − (4·0.3 + reported) / (4 + simulations).
func (f *RiskFacts) simulated(t time.Time) (p, r *float64) {
	failed, weights, reported, n := 0.0, 0.0, 0.0, 0.0
	for _, s := range f.Simulations {
		age := days(s.SentAt, t)
		if age < 0 {
			continue // sent tomorrow
		}
		w := math.Exp2(-float64(age) / halfLife)
		weights += w
		n++
		switch {
		case s.Submitted:
			failed += w * submitted
		case s.Clicked:
			failed += w * clicked
		}
		if s.Reported {
			reported++
		}
	}
	if n == 0 {
		return nil, nil
	}
	phishing := (priorWeight*priorFailed + failed) / (priorWeight + weights)
	reporting := 1 - (priorWeight*priorReported+reported)/(priorWeight+n)
	return &phishing, &reporting
}

// timeliness is the mean of min(1, days overdue / 30) over the duties with a date, of each course the
// latest cycle.
func (f *RiskFacts) timeliness(t time.Time) *float64 {
	sum, n := 0.0, 0
	for i := range f.Duties {
		d := &f.Duties[i]
		later := func(other Duty) bool { return other.CourseID == d.CourseID && other.Cycle > d.Cycle }
		if d.DueAt.IsZero() || slices.ContainsFunc(f.Duties, later) {
			continue
		}
		n++
		if d.OverdueAt(t) {
			sum += math.Min(1, float64(days(d.DueAt, t))/fullyOverdue)
		}
	}
	if n == 0 {
		return nil
	}
	mean := sum / float64(n)
	return &mean
}

func exposure(jobRisk string) *float64 {
	var e float64
	switch jobRisk {
	case "low":
		e = lowExposure
	case "medium":
		e = mediumExposure
	case "high":
		e = highExposure
	default:
		return nil
	}
	return &e
}

// days is how often UTC's midnight has passed between two times.
func days(from, to time.Time) int {
	return int(to.UTC().Truncate(24*time.Hour).Sub(from.UTC().Truncate(24*time.Hour)) / (24 * time.Hour))
}

// NextDay is the midnight, UTC, that ends the day of t.
func NextDay(t time.Time) time.Time { return t.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1) }

// Band says what a score means.
type Band string

// The bands begin at 0, 25, 50 and 75.
const (
	LowRisk      Band = "low"
	ModerateRisk Band = "moderate"
	HighRisk     Band = "high"
	CriticalRisk Band = "critical"
)

// BandOf is the band of a score.
func BandOf(score float64) Band {
	switch {
	case score < 25:
		return LowRisk
	case score < 50:
		return ModerateRisk
	case score < 75:
		return HighRisk
	}
	return CriticalRisk
}

// GroupRisk is the scores of some people. It adds up.
type GroupRisk struct{ Scores []float64 }

// Add puts other people's scores to g.
func (g *GroupRisk) Add(other GroupRisk) { g.Scores = append(g.Scores, other.Scores...) }

// Mean and P90, the 90th percentile, are nil where nobody, or too few, have a score.
func (g *GroupRisk) Mean() *float64 {
	if len(g.Scores) < MinGroup {
		return nil
	}
	sum := 0.0
	for _, s := range g.Scores {
		sum += s
	}
	mean := sum / float64(len(g.Scores))
	return &mean
}

// P90 is described with Mean. It lies at 0.9·(n − 1) in the order of the scores, counted from 0, on the
// straight line between the two next to it, as Postgres' percentile_cont has it. The nearest rank would
// be one person's score, and in a group of five to nine the highest.
func (g *GroupRisk) P90() *float64 {
	if len(g.Scores) < MinGroup {
		return nil
	}
	sorted := slices.Sorted(slices.Values(g.Scores))
	tenths := 9 * (len(sorted) - 1)
	below, above := sorted[tenths/10], sorted[(tenths+9)/10]
	p90 := below + float64(tenths%10)/10*(above-below)
	return &p90
}
