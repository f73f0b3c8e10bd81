package training

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Analyst makes Analytics of people, each of whom it sees once.
type Analyst struct {
	sight        Sight // of single people's scores
	requirements []Requirement
	out          Analytics
	trends       *Trends
	departments  Departments
	courses      map[int64]*CourseFigures
	overdue      ranking[OverdueItem]
	atRisk       ranking[AtRisk]
}

// NewAnalyst begins the figures of a company, or of all together, as whoever manages it may see them. They
// are the same for all of those: who is one of the people is not shown more of them.
func NewAnalyst(company CompanyProfile, requirements []Requirement, days int, now time.Time) *Analyst {
	a := &Analyst{
		requirements: requirements,
		out:          Analytics{At: now, ValidUntil: NextDay(now)},
		trends:       NewTrends(requirements, days, now),
		departments:  make(Departments), courses: make(map[int64]*CourseFigures),
		overdue: ranking[OverdueItem]{limit: MaxOverdue, compare: func(a, b OverdueItem) int {
			return cmp.Or(a.DueAt.Compare(b.DueAt), cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.EnrollmentID, b.EnrollmentID))
		}},
		atRisk: ranking[AtRisk]{limit: MaxAtRisk, compare: func(a, b AtRisk) int {
			return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.Pseudonym, b.Pseudonym))
		}},
	}
	const manager, somebody = -1, -2
	if company.ID == 0 {
		a.out.Unlisted = SeveralReason
	} else if a.sight = company.Privacy.Sees(Principal{UserID: manager, CompanyID: company.ID, Role: Manager}, somebody, company.ID); a.sight == Unseen {
		a.out.Unlisted = PrivacyReason
	}
	return a
}

// Add counts one active person, of whom all facts are known. Of p, no more than its texts is kept.
func (a *Analyst) Add(p *PersonFacts) {
	now := a.out.At
	a.trends.Add(p.Duties)
	g := a.departments.Of(p.Department)
	g.People++
	_, changes := g.Figures.Count(a.requirements, p.Duties, now)
	a.expect(changes)
	overdue := 0
	for i := range p.Duties {
		if a.learns(p, i) {
			overdue++
		}
	}
	g.Figures.Overdue += overdue
	a.out.OverdueCount += overdue
	if overdue > 0 {
		a.out.OverduePeople++
	}
	risk := p.RiskAt(now)
	g.Figures.Risk.Scores = append(g.Figures.Risk.Scores, risk.Score)
	a.out.Risk.Scores = append(a.out.Risk.Scores, risk.Score)
	a.rank(p, risk)
}

// learns counts an enrollment for its course, and says whether it is overdue.
func (a *Analyst) learns(p *PersonFacts, i int) bool {
	now, d := a.out.At, &p.Duties[i]
	c, ok := a.courses[d.CourseID]
	if !ok {
		c = &CourseFigures{CourseID: d.CourseID}
		a.courses[d.CourseID] = c
	}
	if !slices.ContainsFunc(p.Duties[:i], func(other Duty) bool { return other.CourseID == d.CourseID }) {
		c.People++
	}
	switch {
	case d.Open && d.StartedAt.IsZero():
		c.Assigned++
	case d.Open:
		c.InProgress++
	case d.CompleteAt(now):
		c.Completed++
	default:
		c.Expired++
	}
	if d.Open {
		a.expect(d.DueAt)
	} else {
		a.expect(d.ExpiresAt)
	}
	if !d.OverdueAt(now) {
		return false
	}
	c.Overdue++
	a.overdue.add(OverdueItem{
		EnrollmentID: d.EnrollmentID, UserID: p.UserID, FullName: p.FullName, Department: p.Department, CourseID: d.CourseID,
		DueAt: d.DueAt, Days: days(d.DueAt, now),
	})
	return true
}

// rank takes somebody among those with the highest scores, with no more of them than may be seen.
func (a *Analyst) rank(p *PersonFacts, risk Risk) {
	r := AtRisk{Sight: a.sight}
	switch a.sight {
	case Unseen:
		return
	case ByPseudonym:
		r.Pseudonym, r.Score = p.Pseudonym, math.Round(risk.Score) // more would tell whose it is
	case ByName:
		r.UserID, r.FullName, r.Department, r.Risk = p.UserID, p.FullName, p.Department, risk
	}
	a.atRisk.add(r)
}

// expect notes an instant at which something changes, if that is still to come.
func (a *Analyst) expect(instant time.Time) {
	if instant.After(a.out.At) {
		a.out.ValidUntil = earliest(a.out.ValidUntil, instant)
	}
}

// Done are the figures of all that were added. Nobody can be added any more.
func (a *Analyst) Done() *Analytics {
	out := &a.out
	out.Trends, out.Departments = a.trends.Days(), a.departments.Disclosed()
	out.Overdue = a.overdue.items
	courses := ranking[CourseFigures]{limit: MaxCourseFigures, compare: func(a, b CourseFigures) int {
		return cmp.Or(cmp.Compare(b.Enrollments(), a.Enrollments()), cmp.Compare(a.CourseID, b.CourseID))
	}}
	few := false
	for _, c := range a.courses {
		if Enough(c.People) {
			courses.add(*c)
		} else {
			few = true
		}
	}
	out.Courses = courses.items
	out.AtRisk = a.atRisk.items
	if a.sight == ByPseudonym && !Enough(len(out.Risk.Scores)) {
		out.AtRisk, out.Unlisted = nil, FewReason
	}
	if slices.ContainsFunc(out.Trends, func(d TrendDay) bool { return !Enough(d.People) }) {
		out.Withheld = append(out.Withheld, "trends")
	}
	apart := slices.DeleteFunc(slices.Clone(out.Departments), func(g Group[DepartmentFigures]) bool { return g.Rest })
	if len(apart) < len(a.departments) {
		out.Withheld = append(out.Withheld, "departments")
	}
	if few {
		out.Withheld = append(out.Withheld, "courses")
	}
	if !Enough(len(out.Risk.Scores)) {
		out.Withheld = append(out.Withheld, "risk")
	}
	return out
}

// ranking is the first of many.
type ranking[T any] struct {
	limit   int
	compare func(a, b T) int
	items   []T
}

// add puts an item where it belongs if it is among the first.
func (r *ranking[T]) add(item T) {
	at, _ := slices.BinarySearchFunc(r.items, item, r.compare)
	if at == r.limit {
		return
	}
	if len(r.items) == r.limit {
		r.items = r.items[:r.limit-1]
	}
	r.items = slices.Insert(r.items, at, item)
}
