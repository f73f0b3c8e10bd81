package seed

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// plan is a course that a company's people take.
type plan struct {
	course     *offer
	assignment int64  // 0: nobody has to, some do
	department string // only this one has to; empty: everybody
	start      time.Time
	days       int // from start, or from joining, until it is due
	yearly     bool
}

// plan gives a company its courses: phishing everybody repeats yearly, the rest are by turns
// for everybody, for one department, or for whoever likes.
func (w *world) plan(c *company) {
	if c == w.companies[0] {
		return
	}
	for i, o := range w.offers {
		p := plan{course: o, start: w.ago(60 + 7*(int(c.id)%5)), days: 75}
		scope := "company"
		switch {
		case o.Slug == "phishing":
			p.start, p.days, p.yearly = c.since, 30, true
		case (i+int(c.id))%3 == 0:
			scope = ""
		case (i+int(c.id))%3 == 1:
			scope, p.department = "department", w.departments[0].name(c.locale)
		}
		if scope != "" {
			p.assignment = w.assign(c, p, scope, nil)
		}
		c.plans = append(c.plans, p)
	}
}

func (w *world) assign(c *company, p plan, scope string, user any) int64 {
	id := w.next("assignments")
	var months any
	if p.yearly {
		months = 12
	}
	due := p.start.AddDate(0, 0, p.days)
	w.add("assignments", id, c.id, c.zone, p.course.id, scope, p.department, user, due, months, c.admin, p.start, p.start)
	w.handOut(id, p, due)
	return id
}

// handOut says that everybody has what the assignment asks for at present, so that the demo stays as
// it is told until the next year's occurrence opens.
func (w *world) handOut(assignment int64, p plan, due time.Time) {
	occurrence, opens := 1, p.start
	var next any
	for p.yearly {
		if next = due; due.After(w.day) {
			break
		}
		occurrence, opens, due = occurrence+1, due, due.AddDate(1, 0, 0)
	}
	w.add("assignment_runs", assignment, occurrence, opens, due, next, opens)
}

// learn makes a person's enrollments.
func (w *world) learn(p *person) {
	if p.number == 1 {
		w.firstUser(p)
		return
	}
	for _, plan := range p.company.plans {
		switch {
		case p.number%90 == 7 && plan.assignment == 0:
			// asked by name, whatever the company's plan is
			plan.start, plan.days = w.ago(16), 30
			plan.assignment = w.assign(p.company, plan, "user", p.id)
		case plan.department != "" && plan.department != p.department.name(p.company.locale), plan.assignment == 0:
			plan.assignment = 0
			if !chance(p.rng, 25) {
				continue
			}
		}
		w.cycles(p, plan)
	}
}

// cycles takes a person through a plan, year by year if it asks for that. Cycles are counted
// from the one in which the person joined.
func (w *world) cycles(p *person, plan plan) {
	cycle := 1
	for year := 0; ; year++ {
		opens, closes := plan.start.AddDate(year, 0, 0), plan.start.AddDate(year+1, 0, 0)
		last := !plan.yearly || !closes.Before(w.day)
		if last || p.since.Before(closes) {
			w.enroll(&enrollment{person: p, plan: plan, cycle: cycle, open: later(opens, p.since), closes: closes}, last)
			cycle++
		}
		if last {
			return
		}
	}
}

// firstUser has begun the yearly course and may enroll in all others: where a tour starts.
func (w *world) firstUser(p *person) {
	yearly := p.company.plans[slices.IndexFunc(p.company.plans, func(p plan) bool { return p.yearly })]
	e := enrollment{person: p, plan: yearly, cycle: 1, open: w.ago(16), due: w.day.AddDate(0, 0, 14), status: "in_progress"}
	e.done = moments(p.rng, w.ago(9), w.ago(2), 2)
	w.write(&e)
}

// enrollment is one cycle of a course as it went.
type enrollment struct {
	person   *person
	plan     plan
	cycle    int
	open     time.Time
	closes   time.Time // when the next cycle begins
	due      time.Time
	status   string
	done     []time.Time // of the lessons, in their order
	attempts []attempt
}

type attempt struct {
	at     time.Time
	score  int
	passed bool
}

// enroll decides how a cycle went. Only the last one can still be open.
func (w *world) enroll(e *enrollment, last bool) {
	rng, texts := e.person.rng, len(e.plan.course.lessons)-1
	e.status = "assigned"
	if e.plan.assignment != 0 {
		e.due = e.open.AddDate(0, 0, e.plan.days)
	}
	luck := rng.IntN(100)
	until := earlier(w.day, e.open.AddDate(0, 0, 12+rng.IntN(35)))
	switch {
	case luck < 66 || !last && luck < 88:
		w.finish(e, until, texts)
	case !last:
		e.status = "expired" // the next cycle began before this one was done
	case luck < 84:
		e.status = "in_progress"
		e.done = moments(rng, e.open, until, 1+rng.IntN(texts))
		if len(e.done) == texts && chance(rng, 60) {
			e.attempts = []attempt{{at: between(rng, until, w.day), score: e.score(false)}}
		}
	}
	w.write(e)
}

// finish takes a person through all lessons and, at the first to third attempt, the quiz.
func (w *world) finish(e *enrollment, until time.Time, texts int) {
	rng, attempts := e.person.rng, 1
	for attempts < 3 && chance(rng, 22) {
		attempts++
	}
	all := moments(rng, e.open, until, texts+attempts)
	for i, at := range all[texts:] {
		passed := i == attempts-1
		e.attempts = append(e.attempts, attempt{at: at, score: e.score(passed), passed: passed})
	}
	completed := all[len(all)-1]
	e.done = append(all[:texts], completed)
	e.status = "completed"
	if expiry := e.plan.course.expiry(completed); !expiry.IsZero() && !expiry.After(w.day) {
		e.status = "expired"
	}
}

// score is what some number of right answers gives, in percent.
func (e *enrollment) score(pass bool) int {
	quiz := e.plan.course.Quiz
	n := len(quiz.Questions)
	need := (quiz.PassPercent*n + 99) / 100
	right := e.person.rng.IntN(need)
	if pass {
		right = need + e.person.rng.IntN(n-need+1)
	}
	return int(math.Round(100 * float64(right) / float64(n)))
}

// write turns an enrollment into rows. It was last touched when the latest of all that
// happened.
func (w *world) write(e *enrollment) {
	id, person, company, course := w.next("enrollments"), e.person, e.person.company, e.plan.course
	var started, completed, expires, updated time.Time
	var score, assignment any
	updated = e.open
	if len(e.done) > 0 {
		started, updated = e.done[0], e.done[len(e.done)-1]
	}
	if len(e.done) == len(course.lessons) {
		completed, expires = updated, course.expiry(updated)
	}
	for i, a := range e.attempts {
		score, updated = a.score, later(updated, a.at)
		w.add("quiz_attempts", w.next("quiz_attempts"), company.id, company.zone, person.id, id, course.quiz, i+1,
			a.score, a.passed, a.at, a.at, a.at)
	}
	if e.status == "expired" {
		updated = expires
		if completed.IsZero() {
			updated = e.closes
		}
	}
	if e.plan.assignment != 0 {
		assignment = e.plan.assignment
	}
	w.add("enrollments", id, company.id, company.zone, person.id, course.id, assignment, e.cycle, e.status, len(e.done),
		nullTime(e.due), nullTime(started), nullTime(completed), nullTime(expires), score, e.open, updated)
	for i, at := range e.done {
		seconds := course.Lessons[i].Minutes * (30 + person.rng.IntN(60))
		w.add("lesson_progress", w.next("lesson_progress"), company.id, company.zone, person.id, id, course.lessons[i],
			at, seconds, at, at)
	}
	if !completed.IsZero() {
		code := certificateCode(fmt.Sprintf("certificate %s %s %d", person.email, course.Slug, e.cycle))
		w.add("certificates", w.next("certificates"), company.id, company.zone, person.id, id, course.id, code, completed,
			nullTime(expires), completed, completed)
	}
}
