package main

import (
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// sustained takes figure 3.
func (l *lab) sustained() ([]*figure, error) {
	lag := &row{what: "lag, median of the samples", unit: "ms", against: "native"}
	grows := &row{what: "growth of the lag from the first third to the last", unit: "ms", against: "native", absolute: true, goal: atMost(100, "ms")}
	caught := &row{what: "from pgbench's end until caught up", unit: "s", against: "native", goal: atMost(0.5, "s")}
	tps := &row{what: "transactions a second that pgbench reached", unit: "tps", against: "native", more: true}
	f := &figure{number: 3, title: fmt.Sprintf("pgbench, 8 clients, single inserts, %v", l.pgbench), rows: []*row{lag, grows, caught, tps}}
	take := func(d *database, other *far, at side) error {
		result, err := d.pgbench(other, l.pgbench)
		if err != nil {
			return err
		}
		var lags []float64
		for _, s := range result.samples {
			lags = append(lags, milliseconds(s.lag))
		}
		for r, value := range map[*row]float64{lag: median(lags), grows: growth(result.samples), caught: result.caught.Seconds(), tps: result.tps} {
			r.add(at, value)
		}
		f.note("%s, lag in ms twice a second: %s", at, join(lags))
		l.progress("pgbench, %s: %.0f tps, lag %.1f ms, growth %.1f ms, caught up after %.3f s",
			at, result.tps, median(lags), growth(result.samples), result.caught.Seconds())
		return nil
	}
	err := l.turns(func() error {
		return l.native(func(d *database, other *far) error { return take(d, other, reference) })
	}, func() error {
		return l.edges(1, func(d *database, n *nodes) error { return take(d, n.edges[0].far, measured) })
	})
	return []*figure{f}, err
}

// latency takes figure 4.
func (l *lab) latency() ([]*figure, error) {
	p50 := &row{what: "p50", unit: "ms", against: "native", goal: atMost(5, "ms")}
	p99 := &row{what: "p99", unit: "ms", against: "native", goal: atMost(20, "ms")}
	most := &row{what: "max", unit: "ms", against: "native"}
	rate := &row{what: "transactions a second, as committed", unit: "tps", against: "native", more: true}
	take := func(d *database, other *far, at side) error {
		list, reached, err := d.commitToVisible([]*far{other}, l.rate, pollSmall)
		if err != nil {
			return err
		}
		for r, value := range map[*row]float64{p50: percentile(list, 0.5), p99: percentile(list, 0.99), most: percentile(list, 1), rate: reached} {
			r.add(at, value)
		}
		l.progress("commit to visible, %s: p50 %.2f ms, p99 %.2f ms, max %.1f ms", at, percentile(list, 0.5), percentile(list, 0.99), percentile(list, 1))
		return nil
	}
	err := l.turns(func() error {
		return l.native(func(d *database, other *far) error { return take(d, other, reference) })
	}, func() error {
		return l.edges(1, func(d *database, n *nodes) error { return take(d, n.edges[0].far, measured) })
	})
	f := &figure{
		number: 4, title: fmt.Sprintf("%d transactions a second for %v, commit to visible", l.rate, l.paced), rows: []*row{p50, p99, most, rate},
	}
	f.note("the other end is looked at every %v, which adds up to that; %d connections write, on the same cores", pollSmall, writers)
	return []*figure{f}, err
}

// commitToVisible paces a load and gives the latencies of all its rows at all the ends.
func (d *database) commitToVisible(ends []*far, rate int, poll time.Duration) (list []float64, reached float64, err error) {
	warm := int64(d.lab.warm.Seconds() * float64(rate))
	n := warm + int64(d.lab.paced.Seconds()*float64(rate))
	group, ctx := errgroup.WithContext(d.lab.ctx)
	var committed []time.Time
	seen := make([][]time.Time, len(ends))
	group.Go(func() (err error) {
		committed, err = d.pace(n, rate)
		return err
	})
	for i, end := range ends {
		group.Go(func() (err error) {
			seen[i], err = end.watch(ctx, n, poll)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, 0, err
	}
	for _, s := range seen {
		list = append(list, latencies(committed, s, warm)...)
	}
	return list, achieved(committed), nil
}

// fan takes figure 6.
func (l *lab) fan() ([]*figure, error) {
	p50 := &row{what: "p50 over all replicas", unit: "ms", against: "1 replica"}
	p99 := &row{what: "p99 over all replicas", unit: "ms", against: "1 replica", goal: atMost(100, "ms")}
	cpu := &row{what: "the primary's CPU seconds per second", unit: "s/s", against: "1 replica"}
	resident := &row{what: "the primary's resident memory", unit: "MB", against: "1 replica"}
	perCPU := &row{what: "CPU for each further replica", unit: "ms/s"}
	perMemory := &row{what: "memory for each further replica", unit: "MB"}
	slots := &row{what: "slots in Postgres", unit: "slots", against: "1 replica", absolute: true, goal: atMost(1, "slot")}
	take := func(count int, at side) error {
		return l.edges(count, func(d *database, n *nodes) error {
			ends := make([]*far, count)
			for i, edge := range n.edges {
				ends[i] = edge.far
			}
			before, err := n.primary.use()
			if err != nil {
				return err
			}
			began := time.Now()
			list, reached, err := d.commitToVisible(ends, l.fanRate, pollMany)
			if err != nil {
				return err
			}
			took := time.Since(began)
			after, err := n.primary.use()
			if err != nil {
				return err
			}
			var held int
			if err := d.conn.QueryRow(l.ctx, "SELECT count(*) FROM pg_replication_slots").Scan(&held); err != nil {
				return fmt.Errorf("counting slots: %w", err)
			}
			for r, value := range map[*row]float64{
				p50: percentile(list, 0.5), p99: percentile(list, 0.99), cpu: (after.cpu - before.cpu).Seconds() / took.Seconds(),
				resident: after.Resident, slots: float64(held),
			} {
				r.add(at, value)
			}
			l.progress("%d replicas at %.0f tps: p50 %.1f ms, p99 %.1f ms", count, reached, percentile(list, 0.5), percentile(list, 0.99))
			return nil
		})
	}
	err := l.turns(func() error { return take(1, reference) }, func() error { return take(l.replicas, measured) })
	if err != nil {
		return nil, err
	}
	for i := range cpu.outpost {
		more := float64(l.replicas - 1)
		perCPU.add(measured, (cpu.outpost[i]-cpu.base[i])*1000/more)
		perMemory.add(measured, (resident.outpost[i]-resident.base[i])/more)
	}
	f := &figure{
		number: 6, title: fmt.Sprintf("%d replicas on one hub at %d transactions a second", l.replicas, l.fanRate),
		rows: []*row{p50, p99, slots, cpu, perCPU, resident, perMemory},
	}
	f.note("each replica is a process of its own, on the cores that also run Postgres, the hub and the %d readers, which look every %v", l.replicas, pollMany)
	return []*figure{f}, nil
}
