package seed

import (
	"math"
	"time"
)

// campaign is a phishing simulation of a company.
type campaign struct {
	id      int64
	lure    lure
	started time.Time
	ended   time.Time // zero: still running
	past    float64   // part of the year, from 0 to 1, in which people have learned from those before
}

// lure is what a simulation's message is about.
type lure struct {
	template, en, de string
	caught           float64 // part of people of middling care who click
}

// lures range from one that few believe to one that a third does.
func lures() []lure {
	return []lure{
		{"password-expiry", "Your password expires today", "Ihr Passwort läuft heute ab", 0.035},
		{"mailbox-full", "Your mailbox is full", "Ihr Postfach ist voll", 0.04},
		{"it-survey", "Short survey of your IT", "Kurze Umfrage Ihrer IT", 0.045},
		{"voicemail", "You have a new voice message", "Neue Sprachnachricht", 0.05},
		{"invoice", "Overdue invoice", "Offene Rechnung", 0.055},
		{"parcel-delivery", "A parcel is waiting", "Ein Paket wartet", 0.065},
		{"calendar-invitation", "Invitation: talk about your targets", "Einladung: Gespräch über Ihre Ziele", 0.07},
		{"shared-document", "Document shared with you", "Für Sie freigegebenes Dokument", 0.08},
		{"salary-adjustment", "Salary adjustments", "Gehaltsanpassungen", 0.12},
		{"holiday-policy", "New rules for annual leave", "Neue Urlaubsregelung", 0.33},
	}
}

// launch makes a company's simulations: ten in the last year, each with another lure, unless it is a
// customer for less. At a third of the companies the last one still runs.
func (w *world) launch(c *company) {
	const (
		spacing = 36 // days
		runs    = 14
	)
	rng := w.random("campaigns", int(c.id))
	list := lures()
	rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	for i, lure := range list {
		one := campaign{lure: lure, past: float64(i) / float64(len(list)-1)}
		begins := w.ago(355 - spacing*i - rng.IntN(8))
		running := i == len(list)-1 && c.id%3 == 0
		if running {
			begins = w.ago(4 + rng.IntN(6))
		}
		one.started = c.rhythm.workday(begins).Add(-time.Duration(60+rng.IntN(180)) * time.Minute)
		if !running {
			one.ended = one.started.AddDate(0, 0, runs)
		}
		prepared := one.started.AddDate(0, 0, -7)
		if prepared.Before(c.since) {
			continue
		}
		name := lure.en
		if c.locale == "de" {
			name = lure.de
		}
		one.id = w.next("phishing_campaigns")
		w.add("phishing_campaigns", one.id, c.id, c.zone, name, lure.template, one.started, nullTime(one.ended), prepared, prepared)
		c.campaigns = append(c.campaigns, one)
	}
}

// reaction is what a person does with a simulation's message.
type reaction struct{ opened, clicked, submitted, reported bool }

// react decides it. Whoever cares is caught less often and reports more; over the year both get better.
func (p *person) react(c *campaign) reaction {
	rng := p.rng
	var r reaction
	care := p.care + 0.3*p.company.diligence[p.department]
	r.clicked = happens(rng, odds(logOdds(c.lure.caught)-0.55*care-0.3*(c.past-0.5)))
	r.submitted = r.clicked && chance(rng, 40)
	reports := logOdds(0.19+0.16*c.past) + 0.5*care
	if r.clicked {
		reports -= 0.8
	}
	r.reported = happens(rng, odds(reports))
	r.opened = r.clicked || r.reported || chance(rng, 55)
	return r
}

// phish makes what a person did in each simulation, as far as it is over.
func (w *world) phish(p *person) {
	rng, rhythm := p.rng, p.company.rhythm
	for i := range p.company.campaigns {
		c := &p.company.campaigns[i]
		if c.started.Before(p.since) {
			continue
		}
		at := between(rng, c.started, c.started.Add(90*time.Minute))
		happened := func(kind string) {
			if at.Before(w.day) {
				w.add("phishing_events", w.next("phishing_events"), p.company.id, p.company.zone, p.id, c.id, kind, at, at, at)
			}
		}
		happened("sent")
		r := p.react(c)
		if !r.opened {
			continue
		}
		// Half look within hours, a few after days: hardly anybody after the end.
		soon := time.Duration(20*math.Exp(1.6*math.Abs(rng.NormFloat64()))) * time.Minute
		at = rhythm.draw(rng, at.Add(time.Second), at.Add(min(soon, 12*24*time.Hour)))
		happened("opened")
		if r.clicked {
			at = at.Add(time.Duration(8+rng.IntN(90)) * time.Second)
			happened("clicked")
		}
		if r.submitted {
			at = at.Add(time.Duration(15+rng.IntN(60)) * time.Second)
			happened("submitted")
		}
		if r.reported {
			at = at.Add(time.Duration(30+rng.IntN(1800)) * time.Second)
			happened("reported")
		}
	}
}
