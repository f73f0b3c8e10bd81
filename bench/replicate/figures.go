package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// figures is how many there are.
const figures = 7

// sizes are what the figures are taken with.
type sizes struct {
	copied, large, huge int64 // rows
	pgbench             time.Duration
	rate                int // transactions a second of figure 4
	fanRate             int // of figure 6
	paced, warm         time.Duration
	idle                time.Duration // for what a primary uses by itself
	replicas            int
}

func sizesOf(quick bool) sizes {
	if quick {
		return sizes{
			copied: 2000, large: 1000, huge: 5000, pgbench: time.Second, rate: 200, fanRate: 100,
			paced: time.Second / 2, warm: time.Second / 10, idle: time.Second / 10, replicas: 2,
		}
	}
	return sizes{
		copied: 1_000_000, large: 500_000, huge: 5_000_000, pgbench: 30 * time.Second, rate: 1000, fanRate: 500,
		paced: 20 * time.Second, warm: 2 * time.Second, idle: 3 * time.Second, replicas: 32,
	}
}

// How often the other end is looked at.
const (
	pollBulk  = time.Millisecond
	pollSmall = 300 * time.Microsecond
	pollMany  = 5 * time.Millisecond // where every replica is looked at, on the same cores
)

// measure takes the figures that are wanted, in order.
func (l *lab) measure(done func(*figure)) error {
	type step struct {
		figures []int
		take    func() ([]*figure, error)
	}
	for _, s := range []step{
		{[]int{1, 5}, l.copies},
		{[]int{2}, l.oneLarge},
		{[]int{3}, l.sustained},
		{[]int{4}, l.latency},
		{[]int{6}, l.fan},
		{[]int{7}, l.memory},
	} {
		wanted := false
		for _, n := range s.figures {
			wanted = wanted || l.only[n]
		}
		if !wanted {
			continue
		}
		taken, err := s.take()
		if err != nil {
			return fmt.Errorf("figure %d: %w", s.figures[0], err)
		}
		for _, f := range taken {
			done(f)
		}
	}
	return nil
}

// turns runs both sides, the one and the other first in turns.
func (l *lab) turns(native, outpost func() error) error {
	for round := range l.rounds {
		order := []func() error{native, outpost}
		if round%2 == 1 {
			order[0], order[1] = order[1], order[0]
		}
		for _, side := range order {
			if err := side(); err != nil {
				return fmt.Errorf("round %d: %w", round+1, err)
			}
		}
	}
	return nil
}

func (l *lab) progress(format string, args ...any) {
	fmt.Fprintf(l.stdout, "  "+format+"\n", args...)
}

// with gives body a database of its own.
func (l *lab) with(body func(*database) error) (err error) {
	d, err := l.database()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.drop()) }()
	return body(d)
}

// native runs body with a subscriber that follows an empty table.
func (l *lab) native(body func(*database, *far) error) error {
	return l.with(func(d *database) (err error) {
		s, err := d.subscriber()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.close()) }()
		if err := s.subscribe(); err != nil {
			return err
		}
		if err := s.synchronised(); err != nil {
			return err
		}
		if err := d.mark(s.far); err != nil {
			return err
		}
		return body(d, s.far)
	})
}

// edges runs body with a primary and edges that follow an empty table.
func (l *lab) edges(count int, body func(*database, *nodes) error) error {
	return l.with(func(d *database) (err error) {
		n, err := d.nodes()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, n.close()) }()
		if err := n.primary.loaded(empty); err != nil {
			return err
		}
		for range count {
			if _, err := n.edge(); err != nil {
				return err
			}
		}
		for _, edge := range n.edges {
			if err := edge.loaded(empty); err != nil {
				return err
			}
			if err := edge.ready(); err != nil {
				return err
			}
		}
		for _, edge := range n.edges {
			if err := d.mark(edge.far); err != nil {
				return err
			}
		}
		return body(d, n)
	})
}

// empty is the newest id of a table without rows; markers have greater ones, below 1.
const empty = -1000

// mark inserts a marker and waits until it is at the other end, which follows then.
func (d *database) mark(f *far) error {
	var id int64
	const insert = "INSERT INTO bench (id, note, n) SELECT coalesce(max(id), -1000) + 1, 'marker', 0 FROM bench RETURNING id"
	if err := d.conn.QueryRow(d.lab.ctx, insert).Scan(&id); err != nil {
		return fmt.Errorf("inserting a marker: %w", err)
	}
	if err := f.arrive(d.lab.ctx, id, pollBulk); err != nil {
		return err
	}
	return d.exec("CHECKPOINT")
}

// copies takes figures 1 and 5: the first copy on both sides, and edges beside the copy.
func (l *lab) copies() ([]*figure, error) {
	title := fmt.Sprintf("First copy of %d rows", l.copied)
	whole := &row{what: "from nothing until all rows are visible", unit: "s", against: "native", goal: ratioOf(1)}
	bare := &row{what: "the same without the start of the process", unit: "s"}
	ready := &row{what: "native until the subscription's state is r, Outpost until the process is ready", unit: "s", against: "native"}
	made := &row{what: "the snapshot has to be made first", unit: "s", against: "first copy", goal: ratioOf(3)}
	there := &row{what: "the snapshot is there", unit: "s", against: "first copy", goal: ratioOf(3)}
	idle := &row{what: "the primary's CPU afterwards, while nobody writes", unit: "ms/s"}
	err := l.with(func(d *database) error {
		if err := d.fill(l.copied); err != nil {
			return err
		}
		return l.turns(func() error {
			if !l.only[1] {
				return nil
			}
			return d.copyNative(whole, ready)
		}, func() error {
			return d.copyOutpost(whole, bare, ready, made, there, idle)
		})
	})
	if err != nil {
		return nil, err
	}
	made.base, there.base = whole.outpost, whole.outpost
	first := &figure{number: 1, title: title, rows: []*row{whole, bare, ready}}
	first.note("native: from CREATE SUBSCRIPTION in a fresh, running Postgres; Outpost: from the start of the primary's process on an empty folder until its replica can be read. The schema is migrated before.")
	fifth := &figure{number: 5, title: fmt.Sprintf("A new edge with %d rows", l.copied), rows: []*row{made, there, idle}}
	fifth.note("from the start of the edge's process on an empty folder until all rows are visible; compared with the primary's first copy in the same round")
	fifth.note("the primary compares its replica with Postgres at 1,000 rows a second beside all of this, which is most of what it uses while nobody writes")
	if l.only[1] {
		fifth.note("against the native first copy the ratios are %.2f and %.2f", median(whole.base)/median(made.outpost), median(whole.base)/median(there.outpost))
	}
	var taken []*figure
	for _, f := range []*figure{first, fifth} {
		if l.only[f.number] {
			taken = append(taken, f)
		}
	}
	return taken, nil
}

func (d *database) copyNative(whole, ready *row) (err error) {
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
	whole.base = append(whole.base, time.Since(began).Seconds())
	if err := s.synchronised(); err != nil {
		return err
	}
	ready.base = append(ready.base, time.Since(began).Seconds())
	d.lab.progress("first copy, native: %.2f s", whole.base[len(whole.base)-1])
	return nil
}

func (d *database) copyOutpost(whole, bare, ready, made, there, idle *row) (err error) {
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
	whole.outpost = append(whole.outpost, took.Seconds())
	bare.outpost = append(bare.outpost, (took - started.Sub(n.primary.began)).Seconds())
	if err := n.primary.ready(); err != nil {
		return err
	}
	ready.outpost = append(ready.outpost, time.Since(n.primary.began).Seconds())
	d.lab.progress("first copy, outpost: %.2f s", took.Seconds())
	if !d.lab.only[5] {
		return nil
	}
	for _, r := range []*row{made, there} {
		edge, err := n.edge()
		if err != nil {
			return err
		}
		if err := edge.loaded(d.lab.copied); err != nil {
			return err
		}
		took := time.Since(edge.began).Seconds()
		r.outpost = append(r.outpost, took)
		d.lab.progress("new edge, %s: %.2f s", r.what, took)
		if err := edge.ready(); err != nil {
			return err
		}
	}
	used, err := n.primary.rests(d.lab.idle)
	idle.outpost = append(idle.outpost, used)
	return err
}

// oneLarge takes figure 2.
func (l *lab) oneLarge() ([]*figure, error) {
	r := &row{what: "from COMMIT until all rows are visible", unit: "s", against: "native", goal: ratioOf(1.5)}
	take := func(d *database, other *far) (seconds float64, err error) {
		if err := d.exec(insertRows, l.large); err != nil {
			return 0, err
		}
		committed := time.Now()
		err = other.arrive(l.ctx, l.large, pollBulk)
		return time.Since(committed).Seconds(), err
	}
	err := l.turns(func() error {
		return l.native(func(d *database, other *far) error {
			took, err := take(d, other)
			r.base = append(r.base, took)
			l.progress("one transaction, native: %.2f s", took)
			return err
		})
	}, func() error {
		return l.edges(1, func(d *database, n *nodes) error {
			took, err := take(d, n.edges[0].far)
			r.outpost = append(r.outpost, took)
			l.progress("one transaction, outpost: %.2f s", took)
			return err
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

// profiled keeps CPU profiles of primary and edge while body runs.
func (n *nodes) profiled(seconds int, body func() error) error {
	if err := os.MkdirAll(n.lab.profile, 0o755); err != nil {
		return fmt.Errorf("keeping profiles: %w", err)
	}
	group, ctx := errgroup.WithContext(n.lab.ctx)
	for _, each := range []*node{n.primary, n.edges[0]} {
		group.Go(func() (err error) {
			file, err := os.Create(filepath.Join(n.lab.profile, each.name+".pprof"))
			if err != nil {
				return fmt.Errorf("keeping profiles: %w", err)
			}
			defer func() { err = errors.Join(err, file.Close()) }()
			return each.get(ctx, fmt.Sprintf("/debug/pprof/profile?seconds=%d", seconds), file)
		})
	}
	group.Go(body)
	return group.Wait()
}

// sustained takes figure 3.
func (l *lab) sustained() ([]*figure, error) {
	lag := &row{what: "lag, median of the samples", unit: "ms", against: "native"}
	grows := &row{what: "growth of the lag from the first third to the last", unit: "ms", against: "native", absolute: true, goal: atMost(100, "ms")}
	caught := &row{what: "from pgbench's end until caught up", unit: "s", against: "native", goal: atMost(0.5, "s")}
	tps := &row{what: "transactions a second that pgbench reached", unit: "tps", against: "native", more: true}
	f := &figure{number: 3, title: fmt.Sprintf("pgbench, 8 clients, single inserts, %v", l.pgbench), rows: []*row{lag, grows, caught, tps}}
	take := func(d *database, other *far, side func(*row) *[]float64, name string) error {
		result, err := d.pgbench(other, l.pgbench)
		if err != nil {
			return err
		}
		var lags []float64
		for _, s := range result.samples {
			lags = append(lags, milliseconds(s.lag))
		}
		for r, value := range map[*row]float64{lag: median(lags), grows: growth(result.samples), caught: result.caught.Seconds(), tps: result.tps} {
			*side(r) = append(*side(r), value)
		}
		f.note("%s, lag in ms twice a second: %s", name, join(lags))
		l.progress("pgbench, %s: %.0f tps, lag %.1f ms, growth %.1f ms, caught up after %.3f s",
			name, result.tps, median(lags), growth(result.samples), result.caught.Seconds())
		return nil
	}
	err := l.turns(func() error {
		return l.native(func(d *database, other *far) error { return take(d, other, (*row).baseSide, "native") })
	}, func() error {
		return l.edges(1, func(d *database, n *nodes) error { return take(d, n.edges[0].far, (*row).outpostSide, "outpost") })
	})
	return []*figure{f}, err
}

func (r *row) baseSide() *[]float64    { return &r.base }
func (r *row) outpostSide() *[]float64 { return &r.outpost }

// latency takes figure 4.
func (l *lab) latency() ([]*figure, error) {
	p50 := &row{what: "p50", unit: "ms", against: "native", goal: atMost(5, "ms")}
	p99 := &row{what: "p99", unit: "ms", against: "native", goal: atMost(20, "ms")}
	most := &row{what: "max", unit: "ms", against: "native"}
	rate := &row{what: "transactions a second, as committed", unit: "tps", against: "native", more: true}
	take := func(d *database, other *far, side func(*row) *[]float64, name string) error {
		list, reached, err := d.commitToVisible([]*far{other}, l.rate, pollSmall)
		if err != nil {
			return err
		}
		for r, value := range map[*row]float64{p50: percentile(list, 0.5), p99: percentile(list, 0.99), most: percentile(list, 1), rate: reached} {
			*side(r) = append(*side(r), value)
		}
		l.progress("commit to visible, %s: p50 %.2f ms, p99 %.2f ms, max %.1f ms", name, percentile(list, 0.5), percentile(list, 0.99), percentile(list, 1))
		return nil
	}
	err := l.turns(func() error {
		return l.native(func(d *database, other *far) error { return take(d, other, (*row).baseSide, "native") })
	}, func() error {
		return l.edges(1, func(d *database, n *nodes) error { return take(d, n.edges[0].far, (*row).outpostSide, "outpost") })
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
	take := func(count int, side func(*row) *[]float64) error {
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
				resident: after.resident, slots: float64(held),
			} {
				*side(r) = append(*side(r), value)
			}
			l.progress("%d replicas at %.0f tps: p50 %.1f ms, p99 %.1f ms", count, reached, percentile(list, 0.5), percentile(list, 0.99))
			return nil
		})
	}
	err := l.turns(func() error { return take(1, (*row).baseSide) }, func() error { return take(l.replicas, (*row).outpostSide) })
	if err != nil {
		return nil, err
	}
	for i := range cpu.outpost {
		more := float64(l.replicas - 1)
		perCPU.outpost = append(perCPU.outpost, (cpu.outpost[i]-cpu.base[i])*1000/more)
		perMemory.outpost = append(perMemory.outpost, (resident.outpost[i]-resident.base[i])/more)
	}
	f := &figure{
		number: 6, title: fmt.Sprintf("%d replicas on one hub at %d transactions a second", l.replicas, l.fanRate),
		rows: []*row{p50, p99, slots, cpu, perCPU, resident, perMemory},
	}
	f.note("each replica is a process of its own, on the cores that also run Postgres, the hub and the %d readers, which look every %v", l.replicas, pollMany)
	return []*figure{f}, nil
}

// memory takes figure 7, once.
func (l *lab) memory() ([]*figure, error) {
	took := &row{what: "from COMMIT until all rows are visible", unit: "s"}
	hub := &row{what: "the primary's peak memory", unit: "MB", goal: atMost(300, "MB")}
	edge := &row{what: "the edge's peak memory", unit: "MB", goal: atMost(300, "MB")}
	err := l.edges(1, func(d *database, n *nodes) error {
		if err := d.exec(insertRows, l.huge); err != nil {
			return err
		}
		committed := time.Now()
		if err := n.edges[0].far.arrive(l.ctx, l.huge, pollMany); err != nil {
			return err
		}
		took.outpost = append(took.outpost, time.Since(committed).Seconds())
		for _, each := range []struct {
			*node
			*row
		}{{n.primary, hub}, {n.edges[0], edge}} {
			u, err := each.use()
			if err != nil {
				return err
			}
			each.outpost = append(each.outpost, u.mostResident)
		}
		return nil
	})
	f := &figure{number: 7, title: fmt.Sprintf("One transaction of %d inserts", l.huge), rows: []*row{took, hub, edge}}
	f.note("one round; peak memory is VmHWM, which counts pages of mapped files too")
	return []*figure{f}, err
}

// logged gives when the node first said something.
func (n *node) logged(message string) (time.Time, error) {
	text, err := os.ReadFile(n.log.Name())
	if err != nil {
		return time.Time{}, fmt.Errorf("reading the log of %s: %w", n.name, err)
	}
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, message) {
			continue
		}
		for field := range strings.FieldsSeq(line) {
			if value, ok := strings.CutPrefix(field, "time="); ok {
				return time.Parse(time.RFC3339Nano, value)
			}
		}
	}
	return time.Time{}, fmt.Errorf("%s never logged %q", n.name, message)
}
