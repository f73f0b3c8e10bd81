package seed

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// world is the demo while it is made.
type world struct {
	*loader
	catalogue Catalogue
	size      Size
	seed      uint64
	courses   int
	hash      string
	day       time.Time // midnight, UTC: the demo's now
	offers    []*offer
	companies []*company

	// What it is made of.
	places  []*place
	styles  map[string]style
	slugs   map[string]bool // of companies, as far as they exist
	names   map[string][]names
	abroad  []string
	week    *week
	rhythms map[string]*rhythm // by time zone
}

func newWorld(tx pgx.Tx, c Catalogue, o Options) *world {
	return &world{
		loader: newLoader(tx, o.flushAt), catalogue: c, size: o.Size, seed: o.Seed, courses: o.Courses, hash: o.PasswordHash,
		day:    o.Now.UTC().Truncate(24 * time.Hour),
		places: places(), styles: styles(), slugs: map[string]bool{}, names: newNames(), abroad: abroad(),
		week: newWeek(), rhythms: map[string]*rhythm{},
	}
}

// fill makes everything, in the order in which rows need each other.
func (w *world) fill(ctx context.Context) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	for i, employer := range w.employers() {
		w.learner(i+1, w.companies[employer])
		if err := w.flushWhenFull(ctx); err != nil {
			return err
		}
	}
	return w.flush(ctx)
}

// begin makes what there is before the numbered users come.
func (w *world) begin(ctx context.Context) error {
	w.offers = publish(w.loader, w.catalogue, w.ago(1500))
	if err := w.found(); err != nil {
		return err
	}
	w.staff()
	for _, c := range w.companies[1:] {
		w.plan(c)
		w.launch(c)
		w.report(c)
		w.learn(c.admin)
		w.activity(c.admin)
		if err := w.flushWhenFull(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) ago(days int) time.Time { return w.day.AddDate(0, 0, -days) }
