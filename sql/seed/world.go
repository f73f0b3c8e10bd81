package seed

import (
	"context"
	"math/rand/v2"
	"sort"
	"time"

	"github.com/jackc/pgx/v5"
)

// world is the demo while it is made.
type world struct {
	*loader
	catalogue   Catalogue
	size        Size
	seed        uint64
	courses     int
	hash        string
	day         time.Time // midnight, UTC: the demo's now
	offers      []*offer
	companies   []*company
	shares      []int // running sums of the companies' sizes
	departments []department
	names       map[string]names
}

// company is a tenant with what its people have to learn.
type company struct {
	brand
	id        int64
	zone      string
	since     time.Time // it became a customer
	admin     int64     // a user
	plans     []plan
	campaigns []campaign
}

func newWorld(tx pgx.Tx, c Catalogue, o Options) *world {
	return &world{
		loader: newLoader(tx, o.flushAt), catalogue: c, size: o.Size, seed: o.Seed, courses: o.Courses, hash: o.PasswordHash,
		day:         o.Now.UTC().Truncate(24 * time.Hour),
		departments: departments(), names: newNames(),
	}
}

// fill makes everything, in the order in which rows need each other.
func (w *world) fill(ctx context.Context) error {
	w.offers = publish(w.loader, w.catalogue, w.ago(500))
	w.found()
	w.staff()
	for _, c := range w.companies {
		w.plan(c)
		w.launch(c)
		w.report(c)
	}
	for i := 1; i <= w.size.Users(); i++ {
		w.learner(i)
		if err := w.flushWhenFull(ctx); err != nil {
			return err
		}
	}
	return w.flush(ctx)
}

// found makes the companies. The first one is the platform's operator.
func (w *world) found() {
	for i, b := range brands(w.size.companies()) {
		c := &company{brand: b, id: w.next("companies"), zone: "global", since: w.ago(340 + 17*(i%9))}
		w.add("companies", c.id, c.zone, c.name, c.slug, c.country, c.locale, c.privacy, c.since, c.since)
		w.companies = append(w.companies, c)
		share := 0
		if i > 0 && i < w.size.companies()-1 {
			share = 100 + 900/i // a few large ones, many small ones
		}
		if i > 0 {
			share += w.shares[i-1]
		}
		w.shares = append(w.shares, share)
	}
}

// employer gives the company of the user of that number. The last three of the first
// thousand are alone in the tiny one.
func (w *world) employer(number int, rng *rand.Rand) *company {
	at := rng.IntN(w.shares[len(w.shares)-1])
	switch {
	case number == 1:
		return w.companies[1]
	case number > 997 && number <= 1000:
		return w.companies[len(w.companies)-1]
	}
	return w.companies[sort.SearchInts(w.shares, at+1)]
}

func (w *world) ago(days int) time.Time { return w.day.AddDate(0, 0, -days) }
