package seed

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// learn makes a person's enrollments. A company's admin takes only what is asked of those who manage.
func (w *world) learn(p *person) {
	if p.number == 1 {
		w.firstUser(p)
		return
	}
	for _, plan := range p.company.plans {
		assignment, asked := plan.asks(p)
		switch {
		case p.role != "learner" && plan.managers:
			w.byName(p, plan, later(p.since.AddDate(0, 0, 1), plan.rounds[0].opens))
		case p.role == "admin":
		case asked:
			w.cycles(p, plan, plan.rounds, assignment)
		case p.number%90 == 7 && plan.scope == "" && !plan.managers:
			w.byName(p, plan, w.ago(16))
		case happens(p.rng, float64(plan.willing)/100*odds(p.care)*2):
			w.cycles(p, plan, []round{{opens: p.company.rhythm.draw(p.rng, p.since, w.day), closes: w.day}}, 0)
		}
	}
}

// byName has a person take a course that is asked of nobody else.
func (w *world) byName(p *person, plan *plan, from time.Time) {
	rounds := w.rounds(p.company, from, plan)
	w.cycles(p, plan, rounds, w.assign(p.company, plan, rounds, "", p.id))
}

// cycles takes a person through a plan, round by round. Cycles are counted from the one in which the
// person joined.
func (w *world) cycles(p *person, plan *plan, rounds []round, assignment int64) {
	cycle := 1
	for i, r := range rounds {
		last := i == len(rounds)-1
		if !last && !p.since.Before(r.closes) {
			continue
		}
		e := &enrollment{person: p, course: plan.course, assignment: assignment, cycle: cycle, open: r.opens, due: r.due, closes: r.closes}
		if p.since.After(r.opens) {
			e.open = p.since
			if assignment != 0 {
				e.due = p.company.rhythm.workday(p.since.AddDate(0, 0, plan.days))
			}
		}
		w.enroll(e, last)
		cycle++
	}
}

// firstUser has begun the yearly course and may enroll in all others: where a tour starts.
func (w *world) firstUser(p *person) {
	yearly := p.company.plans[slices.IndexFunc(p.company.plans, func(p *plan) bool { return p.yearly })]
	assignment, _ := yearly.asks(p)
	e := enrollment{
		person: p, course: yearly.course, assignment: assignment, cycle: 1, open: p.company.rhythm.workday(w.ago(18)),
		due: p.company.rhythm.workday(w.day.AddDate(0, 0, 12)), closes: w.day, status: "in_progress",
	}
	e.study(p.company.rhythm.draw(p.rng, w.ago(13), w.ago(10)), 2)
	w.write(&e)
}

// enrollment is one cycle of a course as it went.
type enrollment struct {
	person     *person
	course     *offer
	assignment int64 // 0: of one's own will
	cycle      int
	open       time.Time
	due        time.Time
	closes     time.Time // nothing happens from then on: the next cycle begins, or it is today
	status     string
	done       []done // lessons, in their order
	attempts   []attempt
}

// done is a lesson that was done.
type done struct {
	at      time.Time
	seconds int
}

type attempt struct {
	at      time.Time
	seconds int // 0: the quiz has no time limit, and nobody counts
	score   int
	passed  bool
}

// enroll decides how a cycle went. Who is diligent begins early and finishes; the others put it off, leave
// it in the middle or never begin. Only the last cycle can still be open.
func (w *world) enroll(e *enrollment, last bool) {
	p := e.person
	rng, diligence, texts := p.rng, p.diligence(), len(e.course.lessons)-1
	wanted := len(e.course.lessons)
	if happens(rng, odds(unfinished-1.15*diligence)) {
		wanted = rng.IntN(2) * (1 + rng.IntN(texts)) // nothing, or some of the texts
	}
	begins := e.open
	if e.assignment != 0 {
		window := e.due.Sub(e.open).Seconds()
		patience := math.Exp(-0.85 - 0.35*diligence + 0.55*rng.NormFloat64()) // part of the time that is given
		begins = e.open.Add(time.Duration(patience*window) * time.Second)
		begins = p.company.rhythm.within(rng, begins)
	}
	e.study(begins, wanted)
	e.judge(w.day, last)
	w.write(e)
}

// unfinished is the log odds of a middling person not to finish.
const unfinished = -3.7

// judge gives the enrollment the status that came of it.
func (e *enrollment) judge(today time.Time, last bool) {
	switch {
	case len(e.done) == len(e.course.lessons):
		e.status = "completed"
		if expiry := e.course.expiry(e.completed()); !expiry.IsZero() && !expiry.After(today) {
			e.status = "expired"
		}
	case !last:
		e.status = "expired" // the next cycle began before this one was done
	case len(e.done) > 0:
		e.status = "in_progress"
	default:
		e.status = "assigned"
	}
}

// completed is when the last lesson was done, if all are.
func (e *enrollment) completed() time.Time {
	if len(e.done) < len(e.course.lessons) {
		return time.Time{}
	}
	return e.done[len(e.done)-1].at
}

// write turns an enrollment into rows. It was last touched when the latest of all that
// happened.
func (w *world) write(e *enrollment) {
	id, person, company, course := w.next("enrollments"), e.person, e.person.company, e.course
	var started, expires time.Time
	var score, assignment any
	updated, completed := e.open, e.completed()
	if len(e.done) > 0 {
		started, updated = e.done[0].at, e.done[len(e.done)-1].at
	}
	if !completed.IsZero() {
		expires = course.expiry(completed)
	}
	for i, a := range e.attempts {
		score, updated = a.score, later(updated, a.at)
		w.add("quiz_attempts", w.next("quiz_attempts"), company.id, company.zone, person.id, id, course.quiz, i+1,
			a.score, a.passed, a.at, nullInt(a.seconds), a.at, a.at)
	}
	if len(e.done)+len(e.attempts) > 0 {
		person.seen = later(person.seen, updated)
	}
	if e.status == "expired" {
		updated = expires
		if completed.IsZero() {
			updated = e.closes
		}
	}
	if e.assignment != 0 {
		assignment = e.assignment
	}
	w.add("enrollments", id, company.id, company.zone, person.id, course.id, assignment, e.cycle, e.status, len(e.done),
		nullTime(e.due), nullTime(started), nullTime(completed), nullTime(expires), score, e.open, updated)
	for i, d := range e.done {
		w.add("lesson_progress", w.next("lesson_progress"), company.id, company.zone, person.id, id, course.lessons[i],
			d.at, d.seconds, d.at, d.at)
	}
	if !completed.IsZero() {
		code := certificateCode(fmt.Sprintf("certificate %s %s %d", person.email, course.Slug, e.cycle))
		w.add("certificates", w.next("certificates"), company.id, company.zone, person.id, id, course.id, code, completed,
			nullTime(expires), completed, completed)
	}
}
