package seed

import "time"

// campaign is a phishing simulation of a company.
type campaign struct {
	id      int64
	started time.Time
	ended   time.Time // zero: still running
}

// launch makes a company's simulations: three in the last year, the last of which still runs
// at some companies.
func (w *world) launch(c *company) {
	if c == w.companies[0] {
		return
	}
	subjects := []struct{ template, en, de string }{
		{"parcel-delivery", "A parcel is waiting", "Ein Paket wartet"},
		{"shared-document", "Document shared with you", "Für Sie freigegebenes Dokument"},
		{"salary-adjustment", "Salary adjustments", "Gehaltsanpassungen"},
	}
	offset := 5 * (int(c.id) % 7)
	for i, ago := range []int{270 + offset, 150 + offset, 40 + offset} {
		name := subjects[i].en
		if c.locale == "de" {
			name = subjects[i].de
		}
		one := campaign{id: w.next("phishing_campaigns"), started: w.ago(ago).Add(7 * time.Hour)}
		if i == 2 && c.id%3 == 0 {
			one.started = w.ago(3).Add(7 * time.Hour)
		} else {
			one.ended = one.started.AddDate(0, 0, 14)
		}
		prepared := one.started.AddDate(0, 0, -7)
		w.add("phishing_campaigns", one.id, c.id, c.zone, name, subjects[i].template, one.started, nullTime(one.ended), prepared,
			prepared)
		c.campaigns = append(c.campaigns, one)
	}
}

// phish makes what a person did in each simulation. People learn: they click less and report
// more from one to the next.
func (w *world) phish(p *person) {
	careless := 6 + p.rng.IntN(26) // percent
	for i, c := range p.company.campaigns {
		if c.started.Before(p.since) {
			continue
		}
		at := between(p.rng, c.started, c.started.Add(3*time.Hour))
		happened := func(kind string, after time.Duration) {
			at = at.Add(after)
			w.add("phishing_events", w.next("phishing_events"), p.company.id, p.company.zone, p.id, c.id, kind, at, at, at)
		}
		happened("sent", 0)
		if !chance(p.rng, 68) {
			continue
		}
		happened("opened", between(p.rng, at, at.Add(20*time.Hour)).Sub(at))
		reports := 22 + 9*i
		if chance(p.rng, careless*(10-2*i)/10) {
			happened("clicked", time.Duration(8+p.rng.IntN(90))*time.Second)
			reports = 11 + 4*i
			if chance(p.rng, 40) {
				happened("submitted", time.Duration(15+p.rng.IntN(60))*time.Second)
			}
		}
		if chance(p.rng, reports) {
			happened("reported", time.Duration(30+p.rng.IntN(1800))*time.Second)
		}
	}
}
