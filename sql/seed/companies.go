package seed

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// company is a tenant with what its people have to learn.
type company struct {
	brand
	id          int64
	place       *place
	rhythm      *rhythm
	size        int // numbered users
	departments []department
	diligence   []float64 // of each department; 0 is middling
	since       time.Time // it became a customer
	admin       *person
	plans       []*plan
	campaigns   []campaign
}

// The first companies, and which users work there, are the same at every size.
const (
	knownCompanies = 10
	knownUsers     = 1000
	tinyCompany    = 3 // users of the last known company, the last of the known users
)

// found makes the companies. The first one is the platform's operator.
func (w *world) found() error {
	for i, size := range w.sizes() {
		c := &company{id: w.next("companies"), size: size, departments: departments()}
		rng := w.random("company", int(c.id))
		if i < knownCompanies {
			c.brand = known()[i]
			c.place = w.places[slices.IndexFunc(w.places, func(p *place) bool { return p.country == c.country })]
		} else {
			c.place = w.pickPlace(rng)
			c.brand = w.invent(rng, c.place)
		}
		w.slugs[c.slug] = true
		if err := w.settle(c, rng); err != nil {
			return err
		}
		w.add("companies", c.id, c.zone, c.name, c.slug, c.country, c.locale, c.privacy, c.since, c.since)
		w.companies = append(w.companies, c)
	}
	return nil
}

// settle gives a company its character: how long it has been a customer, and how diligent its departments are.
func (w *world) settle(c *company, rng *rand.Rand) error {
	if c.locale == "" {
		c.locale = c.place.locale()
	}
	if c.zone == "" {
		c.zone = c.place.zone
	}
	if c.clock == "" {
		c.clock = choose(rng, c.place.clocks)
	}
	var err error
	if c.rhythm, err = w.rhythm(c.clock); err != nil {
		return err
	}
	c.since = c.rhythm.workday(w.ago(200 + rng.IntN(1200)))
	if c.size >= largeCompany {
		c.departments = append(c.departments, more()...)
	}
	mood := mood(c, rng)
	for range c.departments {
		c.diligence = append(c.diligence, mood+0.35*rng.NormFloat64())
	}
	c.diligence[rng.IntN(len(c.diligence))] -= 0.9 // one lags behind
	return nil
}

// mood is how diligent a company is as a whole. Most are middling, some are excellent, and at a few nobody
// looks after it; of the known ones one is like that, so that every size has it.
func mood(c *company, rng *rand.Rand) float64 {
	if c.id <= knownCompanies {
		return []float64{0, 0.2, 0.6, -0.3, 0.1, -1.6, 0.3, 1.4, 0, 0.5}[c.id-1]
	}
	mood := 0.45 * rng.NormFloat64()
	switch n := rng.IntN(100); {
	case n < 6:
		return mood - 2
	case n < 18:
		return mood + 1.4
	}
	return mood
}

func (w *world) pickPlace(rng *rand.Rand) *place {
	sum := 0
	for _, p := range w.places {
		sum += p.companies
	}
	n := rng.IntN(sum)
	for _, p := range w.places {
		if n -= p.companies; n < 0 {
			return p
		}
	}
	return w.places[0]
}

// rhythm gives a time zone's, which companies there share.
func (w *world) rhythm(clock string) (*rhythm, error) {
	if r := w.rhythms[clock]; r != nil {
		return r, nil
	}
	r, err := newRhythm(w.week, clock, w.ago(1500), w.day.AddDate(2, 0, 0))
	if err != nil {
		return nil, fmt.Errorf("company in %s: %w", clock, err)
	}
	w.rhythms[clock] = r
	return r, nil
}

// sizes are the numbers of users of all companies: log-normal, as companies are. Among the known ones
// the second, where user1 works, is the largest.
func (w *world) sizes() []int {
	order := []int{7, 5, 4, 6, 3, 2, 1, 0} // of the sizes, for the companies from the second on
	sizes := make([]int, 1, w.size.companies())
	first := logNormal(len(order), knownUsers-tinyCompany)
	for _, at := range order {
		sizes = append(sizes, first[at])
	}
	sizes = append(sizes, tinyCompany)
	if others := w.size.companies() - knownCompanies; others > 0 {
		rest := logNormal(others, w.size.Users()-knownUsers)
		w.random("sizes", 0).Shuffle(others, func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
		sizes = append(sizes, rest...)
	}
	return sizes
}

// logNormal shares people out among n companies: sizes at the middles of n equal parts of the
// distribution, in rising order, none below three.
func logNormal(n, people int) []int {
	const sigma, least = 1.3, 3
	weights, sum := make([]float64, n), 0.0
	for i := range weights {
		weights[i] = math.Exp(sigma * math.Sqrt2 * math.Erfinv(2*(float64(i)+0.5)/float64(n)-1))
		sum += weights[i]
	}
	sizes, rest := make([]int, n), people-least*n
	for i, given, until := 0, 0, 0.0; i < n; i++ {
		until += weights[i]
		upTo := int(math.Round(float64(rest) * until / sum))
		sizes[i], given = least+upTo-given, upTo
	}
	return sizes
}

// employers gives the company of each user, by number less one. The known ones are mixed; of the others,
// colleagues follow on each other, as if each company had been imported at once.
func (w *world) employers() []int32 {
	list := make([]int32, 0, w.size.Users())
	for i, c := range w.companies {
		for range c.size {
			list = append(list, int32(i))
		}
	}
	mixed := list[:knownUsers-tinyCompany]
	w.random("employers", 0).Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	home := slices.Index(mixed, 1)
	mixed[0], mixed[home] = mixed[home], mixed[0]
	return list
}
