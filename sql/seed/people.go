package seed

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// person is an account with what its story needs.
type person struct {
	company    *company
	id         int64
	number     int // of user<number>@example.com; 0 for the others
	email      string
	role       string
	department int // of the company's
	since      time.Time
	left       bool
	care       float64   // in all that one does, from about -3 to 3; 0 is middling
	seen       time.Time // last; zero: never
	rng        *rand.Rand
}

func (p *person) works() department { return p.company.departments[p.department] }

// diligence is what becomes of care among one's colleagues.
func (p *person) diligence() float64 { return p.care + p.company.diligence[p.department] }

// The keys of the accounts that everybody knows; user<n> has n+2.
const (
	adminID   = 1
	managerID = 2
)

// staff makes the accounts that have no number: those who run the platform and the
// companies, and somebody who left each of them.
func (w *world) staff() {
	id := int64(managerID + w.size.Users())
	for i, c := range w.companies {
		p := &person{company: c, role: "admin", since: c.since, department: 2}
		switch i {
		case 0:
			p.id, p.email, p.role = adminID, "admin@example.com", "platform_admin"
		case 1:
			p.id, p.email = managerID, "manager@example.com"
		default:
			id++
			p.id, p.email = id, fmt.Sprintf("manager%d@example.com", c.id)
		}
		c.admin = p
		p.rng = w.random(p.email, 0)
		w.account(p)
		if i > 0 {
			w.apiKey(p)
		} else {
			w.activity(p)
		}
	}
	for _, c := range w.companies[1:] {
		id++
		p := &person{
			company: c, id: id, email: fmt.Sprintf("former%d@example.com", c.id), role: "learner",
			since: c.since, left: true, department: 3,
		}
		p.rng = w.random(p.email, 0)
		w.account(p)
		w.activity(p)
	}
}

// learner makes a numbered user and everything they did.
func (w *world) learner(number int, c *company) {
	p := w.hire(number, c)
	w.learn(p)
	w.phish(p)
	w.activity(p)
}

// hire makes the account of a numbered user.
func (w *world) hire(number int, c *company) *person {
	rng := w.random("user", number)
	p := &person{
		number: number, id: int64(managerID + number), email: fmt.Sprintf("user%d@example.com", number),
		role: "learner", company: c, department: pickDepartment(rng, c.departments), rng: rng,
	}
	if number == 1 {
		p.department = slices.IndexFunc(c.departments, func(d department) bool { return d.en == "Marketing" })
	}
	if number > 20 && number%25 == 0 {
		p.role = "manager"
	}
	p.since = c.since
	if chance(rng, 30) { // joined later
		p.since = c.rhythm.draw(rng, p.since, w.ago(20))
	}
	w.account(p)
	return p
}

func (w *world) account(p *person) {
	rng, c := p.rng, p.company
	p.care = min(max(rng.NormFloat64(), -3), 3)
	wish := ""
	if chance(rng, 12) {
		wish = map[string]string{"de": "en", "en": "de"}[c.locale]
	}
	updated := p.since
	if p.left {
		updated = c.rhythm.workday(w.ago(45))
	}
	w.add("users", p.id, c.id, c.zone, p.email, w.nameIn(rng, c), p.role, p.works().name(c.locale), p.works().jobRisk(rng), wish,
		!p.left, pseudonym(p.email), p.since, updated)
	w.add("user_credentials", p.id, w.hash, p.since, p.since)
	if chance(rng, 90) {
		p.seen = c.rhythm.draw(rng, later(p.since, w.ago(28)), w.day)
		if p.left {
			p.seen = updated
		}
	}
	if p.number%97 == 50 { // lost a device: every token from before is void
		at := later(p.since, w.ago(30))
		w.add("token_revocations", w.next("token_revocations"), p.company.id, p.company.zone, p.id, "device lost",
			at, at, at)
	}
}

// activity tells when a person was last there, who has by then done all that they did.
func (w *world) activity(p *person) {
	if p.seen.IsZero() {
		return
	}
	login := later(p.since, p.seen.Add(-25*time.Minute))
	w.add("user_activity", p.id, p.company.id, p.company.zone, login, p.seen)
	w.session(p, login)
}

// session makes one that was ended, or will run out without ever being used: no refresh
// token belongs to it.
func (w *world) session(p *person, began time.Time) {
	if p.number%4 != 1 {
		return
	}
	var revoked time.Time
	updated := began
	if p.number%8 == 1 {
		revoked = began.Add(20 * time.Minute)
		updated = revoked
	}
	w.add("sessions", w.next("sessions"), p.company.id, p.company.zone, p.id,
		began.AddDate(0, 0, 30), nullTime(revoked), began, updated)
}

// apiKey makes a revoked key: there is no secret that would open anything with it.
func (w *world) apiKey(p *person) {
	at := w.ago(120)
	id := w.next("api_keys")
	w.add("api_keys", id, p.company.id, p.company.zone, p.id, "HR sync (old)", fmt.Sprintf("opk_demo%04d", id),
		"users:read users:write", w.ago(60), at, w.ago(60))
}
