package main

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// copying is what figures 1 and 5 find out.
type copying struct {
	whole, bare, ready *row // the first copy
	made, there, idle  *row // edges beside it
}

// copies takes figures 1 and 5: the first copy on both sides, and edges beside Outpost's.
func (l *lab) copies() ([]*figure, error) {
	c := copying{
		whole: &row{what: "from nothing until all rows are visible", unit: "s", against: "native", goal: ratioOf(1)},
		bare:  &row{what: "the same without the start of the process", unit: "s"},
		ready: &row{what: "until the subscription's state is r, until the process is ready", unit: "s", against: "native"},
		made:  &row{what: "the snapshot has to be made first", unit: "s", against: "first copy", goal: ratioOf(3)},
		there: &row{what: "the snapshot is there", unit: "s", against: "first copy", goal: ratioOf(3)},
		idle:  &row{what: "the primary's CPU afterwards, while nobody writes", unit: "ms/s"},
	}
	err := l.with(func(d *database) error {
		if err := d.fill(l.copied); err != nil {
			return err
		}
		return l.turns(func() error {
			if !l.only[1] {
				return nil
			}
			return d.copyNative(c)
		}, func() error { return d.copyOutpost(c) })
	})
	if err != nil {
		return nil, err
	}
	var taken []*figure
	if l.only[1] {
		f := &figure{number: 1, title: fmt.Sprintf("First copy of %d rows", l.copied), rows: []*row{c.whole, c.bare, c.ready}}
		f.note("native: from CREATE SUBSCRIPTION in a fresh Postgres that runs; Outpost: from the start of the primary's process on an empty folder; the schema is there before on both sides")
		taken = append(taken, f)
	}
	if l.only[5] {
		c.made.base, c.there.base = c.whole.outpost, c.whole.outpost
		f := &figure{number: 5, title: fmt.Sprintf("A new edge with %d rows", l.copied), rows: []*row{c.made, c.there, c.idle}}
		f.note("from the start of the edge's process on an empty folder; compared with the primary's first copy in the same round")
		if l.only[1] {
			f.note("compared with the native first copy the ratios are %.2f and %.2f",
				median(c.whole.base)/median(c.made.outpost), median(c.whole.base)/median(c.there.outpost))
		}
		f.note("the primary compares its replica with Postgres, 1,000 rows a second, beside the edges' start and while nobody writes")
		taken = append(taken, f)
	}
	return taken, nil
}

func (d *database) copyNative(c copying) (err error) {
	s, err := d.subscriber()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(), d.dropSlots()) }()
	began := time.Now()
	if err := s.subscribe(); err != nil {
		return err
	}
	if err := s.far.arrive(d.lab.ctx, d.lab.copied, pollBulk); err != nil {
		return err
	}
	c.whole.add(reference, time.Since(began).Seconds())
	if err := s.synchronised(); err != nil {
		return err
	}
	c.ready.add(reference, time.Since(began).Seconds())
	d.lab.progress("first copy, native: %.2f s", c.whole.base[len(c.whole.base)-1])
	return nil
}

func (d *database) copyOutpost(c copying) (err error) {
	n, err := d.nodes()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close(), d.dropSlots()) }()
	if err := n.primary.loaded(d.lab.copied); err != nil {
		return err
	}
	took := time.Since(n.primary.began)
	started, err := n.primary.logged("beginning the first generation")
	if err != nil {
		return err
	}
	c.whole.add(measured, took.Seconds())
	c.bare.add(measured, (took - started.Sub(n.primary.began)).Seconds())
	if err := n.primary.ready(); err != nil {
		return err
	}
	c.ready.add(measured, time.Since(n.primary.began).Seconds())
	d.lab.progress("first copy, outpost: %.2f s", took.Seconds())
	if !d.lab.only[5] {
		return nil
	}
	for _, r := range []*row{c.made, c.there} {
		edge, err := n.edge()
		if err != nil {
			return err
		}
		if err := edge.loaded(d.lab.copied); err != nil {
			return err
		}
		took := time.Since(edge.began).Seconds()
		r.add(measured, took)
		d.lab.progress("new edge, %s: %.2f s", r.what, took)
		if err := edge.ready(); err != nil {
			return err
		}
	}
	used, err := n.primary.rests(d.lab.idle)
	c.idle.add(measured, used)
	return err
}

// oneLarge takes figure 2.
func (l *lab) oneLarge() ([]*figure, error) {
	r := &row{what: "from COMMIT until all rows are visible", unit: "s", against: "native", goal: ratioOf(1.5)}
	take := func(d *database, other *far, at side) error {
		if err := d.exec(insertRows, l.large); err != nil {
			return err
		}
		committed := time.Now()
		if err := other.arrive(l.ctx, l.large, pollBulk); err != nil {
			return err
		}
		took := time.Since(committed).Seconds()
		r.add(at, took)
		l.progress("one transaction, %s: %.2f s", at, took)
		return nil
	}
	err := l.turns(func() error {
		return l.native(func(d *database, other *far) error {
			return take(d, other, reference)
		})
	}, func() error {
		return l.edges(1, func(d *database, n *nodes) error {
			return take(d, n.edges[0].far, measured)
		})
	})
	f := &figure{number: 2, title: fmt.Sprintf("One transaction of %d inserts", l.large), rows: []*row{r}}
	if err != nil || l.profile == "" {
		return []*figure{f}, err
	}
	err = l.edges(1, func(d *database, n *nodes) error {
		if err := d.exec(insertRows, l.large); err != nil {
			return err
		}
		return n.profiled(int(math.Ceil(median(r.outpost)))+1, func() error {
			return n.edges[0].far.arrive(l.ctx, l.large, pollBulk)
		})
	})
	f.note("CPU profiles from COMMIT on, of one more round, are in %s", l.profile)
	return []*figure{f}, err
}

// memory takes figure 7, once.
func (l *lab) memory() ([]*figure, error) {
	took := &row{what: "from COMMIT until all rows are visible", unit: "s"}
	hub := &row{what: "the primary's peak memory", unit: "MB", goal: atMost(300, "MB")}
	edge := &row{what: "the edge's peak memory", unit: "MB", goal: atMost(300, "MB")}
	f := &figure{number: 7, title: fmt.Sprintf("One transaction of %d inserts", l.huge), rows: []*row{took, hub, edge}}
	f.note("one round; peak memory is VmHWM, which counts pages of mapped files too")
	err := l.edges(1, func(d *database, n *nodes) error {
		if err := d.exec(insertRows, l.huge); err != nil {
			return err
		}
		committed := time.Now()
		if err := n.edges[0].far.arrive(l.ctx, l.huge, pollMany); err != nil {
			return err
		}
		took.add(measured, time.Since(committed).Seconds())
		for _, each := range []struct {
			*node
			*row
		}{{n.primary, hub}, {n.edges[0], edge}} {
			u, err := each.use()
			if err != nil {
				return err
			}
			each.add(measured, u.Most)
			if l.profile != "" {
				if err := each.profile(l.ctx, "heap", "heap"); err != nil {
					return err
				}
			}
			f.note("%s at the end: %.0f MB resident, of which %.0f MB are pages of files", each.Name, u.Resident, u.Files)
		}
		return nil
	})
	return []*figure{f}, err
}
