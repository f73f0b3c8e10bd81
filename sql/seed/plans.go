package seed

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"outpost/server/training" // when an assignment's occurrences open and fall due is decided there
)

// plan is a course that a company's people take.
type plan struct {
	course      *offer
	scope       string // who has to: everybody of the "company" or of some "department"; empty: some do
	managers    bool   // those who manage others have to, each by name
	assignments []assignment
	willing     int // of a hundred who do not have to, so many do
	days        int // from the beginning, or from joining, until it is due
	yearly      bool
	rounds      []round
}

// assignment is what the company asks of everybody, or of a department.
type assignment struct {
	id         int64
	department int // place in the company's departments; of everybody: -1
}

// round is one cycle of a plan: once, or one of each year.
type round struct{ opens, due, closes time.Time }

// audiences are the courses that only some have to take, with their departments; managers, if there are
// none.
func audiences() map[string][]string {
	return map[string][]string{
		"gdpr-in-hr-and-marketing":         {"Human Resources", "Marketing"},
		"secure-development":               {"IT", "R&D"},
		"supply-chain":                     {"Procurement", "Operations"},
		"spear-phishing-and-invoice-fraud": {"Finance", "Procurement"},
		"physical-security":                {"Facilities", "Logistics", "Production"},
		"phone-social-engineering":         {"Customer Service", "Sales"},
		"nis2-for-management":              {},
	}
}

// Every company thinks of these first, whatever its character.
var always = []string{"phishing", "passwords-and-passkeys"}

// plan gives a company its courses: some that everybody repeats yearly, some for everybody once, some for
// those whose work needs them, and the rest for whoever likes.
func (w *world) plan(c *company) {
	rng := w.random("plans", int(c.id))
	core, once := 3+rng.IntN(3), 3+rng.IntN(3)
	roles := audiences()
	for i, o := range w.inOrder(rng) {
		p := &plan{course: o, days: 30 + 5*rng.IntN(4), willing: 10 + rng.IntN(20)}
		departments, some := roles[o.Slug]
		switch {
		case !c.place.inEurope() && european(o):
			p.willing = 4
		case some && len(departments) == 0:
			p.managers, p.yearly, p.willing = true, true, 3
			p.rounds = w.rounds(c, c.since.AddDate(0, 0, 30+rng.IntN(100)), p)
		case some && chance(rng, 85):
			p.scope, p.yearly, p.willing = "department", chance(rng, 50), 6
			p.rounds = w.rounds(c, c.since.AddDate(0, 0, 20+rng.IntN(150)), p)
			for at, d := range c.departments {
				if slices.Contains(departments, d.en) {
					p.assignments = append(p.assignments, assignment{w.assign(c, p, p.rounds, d.name(c.locale), nil), at})
				}
			}
		case some:
			p.willing = 5
		case i == 0:
			p.scope, p.yearly = "company", true
			p.rounds = w.rounds(c, c.since, p)
		case core > 0 && (i > 1 || chance(rng, 50)):
			core--
			p.scope, p.yearly = "company", true
			p.rounds = w.rounds(c, c.since.AddDate(0, 0, 10+rng.IntN(170)), p)
		case once > 0 && i > 1:
			once--
			p.scope = "company"
			age := int(w.day.Sub(c.since).Hours() / 24)
			p.rounds = w.rounds(c, c.since.AddDate(0, 0, 30+rng.IntN(age-45)), p)
		}
		if p.scope == "company" {
			p.assignments = []assignment{{w.assign(c, p, p.rounds, "", nil), -1}}
		}
		c.plans = append(c.plans, p)
	}
}

// european tells whether a course is about what the European Union asks for.
func european(o *offer) bool {
	return strings.HasPrefix(o.Slug, "gdpr") || strings.HasPrefix(o.Slug, "nis2")
}

// inOrder gives the courses in the order in which a company takes to them.
func (w *world) inOrder(rng *rand.Rand) []*offer {
	var first, others []*offer
	for _, slug := range always {
		if i := slices.IndexFunc(w.offers, func(o *offer) bool { return o.Slug == slug }); i >= 0 {
			first = append(first, w.offers[i])
		}
	}
	for _, o := range w.offers {
		if !slices.Contains(first, o) {
			others = append(others, o)
		}
	}
	rng.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
	list := append(first, others...)
	if w.courses > 0 && w.courses < len(list) {
		list = list[:w.courses]
	}
	return list
}

// rounds gives a plan's cycles from a day on that have begun. Of one that is repeated each closes when the
// next one opens; each is due on a working day.
func (w *world) rounds(c *company, start time.Time, p *plan) []round {
	first := c.rhythm.workday(start)
	opens := first
	var list []round
	for year := 1; opens.Before(w.day); year++ {
		r := round{opens: opens, due: c.rhythm.workday(opens.AddDate(0, 0, p.days)), closes: w.day}
		opens = c.rhythm.workday(first.AddDate(year, 0, 0))
		if !p.yearly {
			return append(list, r)
		}
		r.closes = earlier(opens, w.day)
		list = append(list, r)
	}
	return list
}

// assign makes an assignment that opens and falls due with the first of the rounds.
func (w *world) assign(c *company, p *plan, rounds []round, department string, user any) int64 {
	id, scope := w.next("assignments"), "company"
	switch {
	case user != nil:
		scope = "user"
	case department != "":
		scope = "department"
	}
	recurrence := 0 // months
	if p.yearly {
		recurrence = 12
	}
	first := rounds[0]
	w.add("assignments", id, c.id, c.zone, p.course.id, scope, department, user, first.due, nullInt(recurrence), c.admin.id, first.opens,
		first.opens)
	w.handOut(id, &training.Assignment{CreatedAt: first.opens, DueAt: &first.due, Recurrence: recurrence})
	return id
}

// handOut says that everybody has what the assignment asks for at present, so that the demo stays as
// it is told until the next occurrence opens: when the one before falls due.
func (w *world) handOut(id int64, a *training.Assignment) {
	o := a.Occurrence(w.day)
	var next any
	if a.Recurrence > 0 {
		next = *o.DueAt
	}
	w.add("assignment_runs", id, o.Number, o.OpensAt, *o.DueAt, next, o.OpensAt)
}

// asks tells whether the company wants a person to take the course, with the assignment that says so.
func (p *plan) asks(who *person) (assignment int64, ok bool) {
	for _, a := range p.assignments {
		if a.department < 0 || a.department == who.department {
			return a.id, true
		}
	}
	return 0, false
}
