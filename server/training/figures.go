package training

import (
	"context"
	"time"
)

// CompanyProfile is what figures say of a company beside people.
type CompanyProfile struct {
	ID          int64 // 0: all companies together
	Name        string
	Locale      string
	Privacy     PrivacyMode // of all companies together: Aggregate
	ActiveUsers int
}

// PersonFacts are what figures know of one active person.
type PersonFacts struct {
	UserID     int64
	CompanyID  int64
	FullName   string
	Email      string
	Pseudonym  string
	Department string
	// Requirements are the same for everybody, and have no more than an id and courses.
	Requirements []Requirement
	RiskFacts
}

// Fact is a set of what is to be read of each person. Only that is.
type Fact int64

// The facts; the query counts on the values.
const (
	FactNames        Fact = 1 << iota // name, address, pseudonym
	FactDuties                        // enrollments
	FactSimulations                   // phishing
	FactQuiz                          // the last attempt
	FactRequirements                  // what the courses are good for, where a query of its own is to be saved
)

// FactFilter chooses people: the active ones of a company, of all companies where CompanyID is 0
// (for platform administrators), or one of them.
type FactFilter struct {
	CompanyID int64
	UserID    int64 // 0: all
	Want      Fact
}

// PopularCourse is a course and how many have taken it up.
type PopularCourse struct {
	CourseID    int64
	Slug        string
	Title       string
	Enrollments int // all cycles
	Completed   int // of these, also those that have expired since
}

// FigureQueries read what figures are made of. They do not ask who asks: whoever calls has decided
// whose figures these are, and shows of them what the privacy mode allows.
type FigureQueries interface {
	// Profile is the company's, or of all companies together.
	Profile(ctx context.Context, companyID int64) (CompanyProfile, error)
	// Requirements are those of a framework by its code, or all, in a language, in the order of their codes.
	Requirements(ctx context.Context, framework, locale string) ([]Requirement, error)
	// Facts gives the people that f chooses one by one, by their ids. What is given is good until the
	// next one is, but for its texts and Requirements. each must not ask anything itself.
	Facts(ctx context.Context, f FactFilter, each func(*PersonFacts) error) error
	// PopularCourses are those that were taken up most often, published ones only, and none that fewer
	// than MinGroup people have taken up.
	PopularCourses(ctx context.Context, companyID int64, locale string, limit int) ([]PopularCourse, error)
}

// ComplianceAt is that of a company, or of all where companyID is 0, and the first instant after t at
// which it changes with no write; the zero time when it never does.
func ComplianceAt(ctx context.Context, q FigureQueries, companyID int64, t time.Time) (c Compliance, validUntil time.Time, err error) {
	err = q.Facts(ctx, FactFilter{CompanyID: companyID, Want: FactDuties | FactRequirements}, func(p *PersonFacts) error {
		_, next := c.Count(p.Requirements, p.Duties, t)
		validUntil = earliest(validUntil, next)
		return nil
	})
	return c, validUntil, err
}

// riskFacts are all that a score is made of.
const riskFacts = FactDuties | FactSimulations | FactQuiz

// RiskAt is that of a company, or of all where companyID is 0, until NextDay.
func RiskAt(ctx context.Context, q FigureQueries, companyID int64, t time.Time) (g GroupRisk, err error) {
	err = q.Facts(ctx, FactFilter{CompanyID: companyID, Want: riskFacts}, func(p *PersonFacts) error {
		g.Scores = append(g.Scores, p.RiskAt(t).Score)
		return nil
	})
	return g, err
}

// PersonRisk is somebody's own, as p may see it: by name, or not at all. Figures are of active people
// only; of others, as of those whom p may not know of, it is NotFound.
func PersonRisk(ctx context.Context, q Queries, p Principal, userID int64, t time.Time) (companyID int64, r Risk, err error) {
	person, err := q.Person(ctx, p, userID, PersonCompany)
	if err != nil {
		return 0, r, err
	}
	companyID = person.CompanyID
	// By pseudonym it is not shown either: whoever asks knows whom they ask about.
	if mode := person.Company.PrivacyMode; mode.Sees(p, userID, companyID) != ByName {
		return companyID, r, Errorf(Forbidden, "The company's privacy mode is %s: nobody else sees this person's score.", mode)
	}
	found := false
	err = q.Facts(ctx, FactFilter{CompanyID: companyID, UserID: userID, Want: riskFacts}, func(f *PersonFacts) error {
		r, found = f.RiskAt(t), true
		return nil
	})
	if err == nil && !found {
		err = Errorf(NotFound, "There is no such active user.")
	}
	return companyID, r, err
}

// earliest is the earlier of two instants of which either may be zero: never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
