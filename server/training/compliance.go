package training

import (
	"slices"
	"time"
)

// Requirement is what a framework asks of everybody, and by which courses it is met.
type Requirement struct {
	ID        int64
	Framework string // code: gdpr, nis2, iso27001, pci_dss, hipaa
	Code      string // as the framework counts: Art. 32(4)
	Text      string
	Interval  int     // months; 0: once is enough
	Courses   []int64 // any of which satisfies it
}

// Duty is what of an enrollment matters for figures.
type Duty struct {
	EnrollmentID int64
	CourseID     int64
	Cycle        int
	Open         bool      // assigned or in progress
	DueAt        time.Time // zero: no date
	StartedAt    time.Time // zero: not begun
	CompletedAt  time.Time // zero: not completed
	ExpiresAt    time.Time // of the completion; zero: never
}

// DueBy says whether the duty's date has come at t.
func (d *Duty) DueBy(t time.Time) bool { return !d.DueAt.IsZero() && !t.Before(d.DueAt) }

// OverdueAt says whether the duty should have been done by t and is not.
func (d *Duty) OverdueAt(t time.Time) bool { return d.Open && d.DueBy(t) }

// CompleteAt says whether there is a completion at t that has not expired:
// completed_at ≤ t < expires_at.
func (d *Duty) CompleteAt(t time.Time) bool {
	return !d.CompletedAt.IsZero() && !t.Before(d.CompletedAt) && (d.ExpiresAt.IsZero() || t.Before(d.ExpiresAt))
}

// Verdict is how somebody stands to a requirement.
type Verdict uint8

// The verdicts.
const (
	NotOwed   Verdict = iota // no obligation yet
	Owed                     // an obligation that is not satisfied
	Satisfied                // a passed completion that is valid
)

// Judge says how somebody with these duties stands to r at t. It is an obligation once a course that
// satisfies it was due or done. (DOMAIN, "Figures".)
func (r *Requirement) Judge(duties []Duty, t time.Time) Verdict {
	verdict := NotOwed
	for i := range duties {
		d := &duties[i]
		if !slices.Contains(r.Courses, d.CourseID) {
			continue
		}
		if d.CompleteAt(t) {
			return Satisfied
		}
		if d.DueBy(t) || !d.CompletedAt.IsZero() && !t.Before(d.CompletedAt) {
			verdict = Owed
		}
	}
	return verdict
}

// Compliance is the figures of some people at one time. It adds up: over people, groups, companies.
type Compliance struct {
	Obligations int // active user × requirement, due or done
	Satisfied   int // of these
	People      int // with an obligation
	Compliant   int // of these, with all of theirs satisfied
	Due         int // enrollments in a course that satisfies a requirement, due by the time
	OnTime      int // of these, completed when they were due
	Timed       int // people with an enrollment that Due counts
}

// Count adds one active person. The second value is the first instant after t at which the figures
// change with no write; the zero time when they never do.
func (c *Compliance) Count(requirements []Requirement, duties []Duty, t time.Time) (verdicts []Verdict, validUntil time.Time) {
	verdicts = make([]Verdict, len(requirements))
	owed, satisfied := 0, 0
	for i := range requirements {
		switch verdicts[i] = requirements[i].Judge(duties, t); verdicts[i] {
		case Satisfied:
			satisfied++
			owed++
		case Owed:
			owed++
		case NotOwed:
		}
	}
	c.Obligations += owed
	c.Satisfied += satisfied
	if owed > 0 {
		c.People++
	}
	if owed > 0 && owed == satisfied {
		c.Compliant++
	}
	due := c.Due
	for i := range duties {
		d := &duties[i]
		if !slices.ContainsFunc(requirements, func(r Requirement) bool { return slices.Contains(r.Courses, d.CourseID) }) {
			continue
		}
		if d.DueBy(t) {
			c.Due++
			if !d.CompletedAt.IsZero() && !d.CompletedAt.After(d.DueAt) {
				c.OnTime++
			}
		}
		for _, at := range []time.Time{d.DueAt, d.CompletedAt, d.ExpiresAt} {
			if at.After(t) && (validUntil.IsZero() || at.Before(validUntil)) {
				validUntil = at
			}
		}
	}
	if c.Due > due {
		c.Timed++
	}
	return verdicts, validUntil
}

// Add puts other people's figures to c.
func (c *Compliance) Add(other Compliance) {
	c.Obligations += other.Obligations
	c.Satisfied += other.Satisfied
	c.People += other.People
	c.Compliant += other.Compliant
	c.Due += other.Due
	c.OnTime += other.OnTime
	c.Timed += other.Timed
}

// Rate is satisfied / obligations, from 0 to 1; nil, not 1, where there is no obligation, and where
// too few people have one.
func (c *Compliance) Rate() *float64 { return share(c.Satisfied, c.Obligations, c.People) }

// OnTimeRate is the share of what was due that was completed when it was due.
func (c *Compliance) OnTimeRate() *float64 { return share(c.OnTime, c.Due, c.Timed) }

func share(part, whole, people int) *float64 {
	if whole == 0 || !Enough(people) {
		return nil
	}
	rate := float64(part) / float64(whole)
	return &rate
}
