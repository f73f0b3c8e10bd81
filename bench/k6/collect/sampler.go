package collect

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"outpost/bench/report/result"
)

// sampler reads once a second what the machine, k6 and the servers use. What cannot be read is missing
// from the result, which says so.
type sampler struct {
	began   time.Time
	users   func() float64
	own     *usage
	nodes   []*node
	samples result.Samples
}

// node is a server whose figures are read.
type node struct {
	scraper
	last      *figures // the reading before; nil where there was none
	process   int      // its index; -1 until the first reading
	failed    int
	firstFail error
}

func newSampler(began time.Time, adminURLs []string, users func() float64) *sampler {
	s := &sampler{began: began, users: users}
	var err error
	if s.own, err = newUsage(); err != nil {
		s.samples.Missing = append(s.samples.Missing, "CPU of k6 and of the machine: "+err.Error())
	}
	if len(adminURLs) == 0 {
		s.samples.Missing = append(s.samples.Missing, "memory, CPU, lag and cache of the servers: ADMIN_URLS is not set")
	}
	for _, base := range adminURLs {
		s.nodes = append(s.nodes, &node{scraper: newScraper(base), process: -1})
		s.samples.Nodes = append(s.samples.Nodes, result.Node{Name: host(base)})
	}
	return s
}

// run samples until it is told to end.
func (s *sampler) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		s.sample(ctx)
		select {
		case <-ctx.Done():
			s.conclude()
			return
		case <-tick.C:
		}
	}
}

func (s *sampler) sample(ctx context.Context) {
	readings := make([]*figures, len(s.nodes))
	var reading sync.WaitGroup
	for i, n := range s.nodes {
		reading.Go(func() { readings[i] = n.read(ctx) })
	}
	reading.Wait()
	if ctx.Err() != nil {
		return // cut off in the middle
	}
	s.append(time.Now())
	for i, now := range readings {
		if now != nil {
			s.take(i, now)
		}
	}
}

// read asks the server, and remembers that there was no answer.
func (n *node) read(ctx context.Context) *figures {
	f, err := n.scrape(ctx)
	if err != nil && ctx.Err() == nil {
		n.failed++
		n.firstFail = cmp.Or(n.firstFail, err)
	}
	return f
}

// append begins a row: what is known of every second, and nothing of the servers yet.
func (s *sampler) append(at time.Time) {
	add := func(column *result.Column, value float64) { *column = append(*column, value) }
	own := unread()
	if s.own != nil {
		own = s.own.since(at)
	}
	add(&s.samples.At, at.Sub(s.began).Seconds())
	add(&s.samples.VUs, s.users())
	add(&s.samples.K6, own.k6)
	add(&s.samples.Machine, own.machine)
	add(&s.samples.Stolen, own.stolen)
	for i := range s.samples.Processes {
		p := &s.samples.Processes[i]
		add(&p.CPU, math.NaN())
		add(&p.Resident, math.NaN())
		add(&p.Heap, math.NaN())
	}
	for i := range s.samples.Nodes {
		n := &s.samples.Nodes[i]
		add(&n.Lag, math.NaN())
		add(&n.HitRatio, math.NaN())
		add(&n.Forwarded, math.NaN())
	}
}

// take enters a node's reading in the newest row.
func (s *sampler) take(i int, now *figures) {
	n, row := s.nodes[i], len(s.samples.At)-1
	if n.process < 0 {
		s.introduce(i, now)
	}
	out, p := &s.samples.Nodes[i], &s.samples.Processes[n.process]
	out.Lag[row] = now.value(replicaLag)
	p.Resident[row] = now.value(resident)
	p.Heap[row] = now.value(heap)
	if last := n.last; last != nil {
		seconds := now.at.Sub(last.at).Seconds()
		p.CPU[row] = grown(last.value(processCPU), now.value(processCPU)) / seconds
		out.Forwarded[row] = grown(last.sum(forwards), now.sum(forwards)) / seconds
		if asked := grown(last.sum(cacheRequests), now.sum(cacheRequests)); asked > 0 {
			out.HitRatio[row] = grown(last.sum(cacheRequests, "hit", "shared"), now.sum(cacheRequests, "hit", "shared")) / asked
		}
	}
	n.last = now
}

// grown is by how much a counter has; NaN when its process has started anew.
func grown(last, now float64) float64 {
	if now < last {
		return math.NaN()
	}
	return now - last
}

// introduce gives a node its name, and finds the process it lives in: `outpost dev` is all nodes at once,
// and each of them would tell the same figures as its own.
func (s *sampler) introduce(i int, now *figures) {
	n := s.nodes[i]
	if region := now.region; region != "" {
		s.samples.Nodes[i].Name = region
	}
	name := s.samples.Nodes[i].Name
	for _, other := range s.nodes {
		if other.process >= 0 && other.machine == n.machine && other.last.value(processStart) == now.value(processStart) {
			n.process = other.process
			s.samples.Processes[n.process].Name += " + " + name
			return
		}
	}
	unknown := func() result.Column { return slices.Repeat(result.Column{math.NaN()}, len(s.samples.At)) }
	n.process = len(s.samples.Processes)
	s.samples.Processes = append(s.samples.Processes, result.Process{Name: name, CPU: unknown(), Resident: unknown(), Heap: unknown()})
}

// conclude says what was missing.
func (s *sampler) conclude() {
	for i, n := range s.nodes {
		if n.failed > 0 {
			s.samples.Missing = append(s.samples.Missing, fmt.Sprintf("%d of %d samples of %s: at first %v",
				n.failed, len(s.samples.At), s.samples.Nodes[i].Name, n.firstFail))
		}
	}
}
