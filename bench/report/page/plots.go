package page

import (
	"cmp"
	"math"
	"slices"

	"outpost/bench/report/result"
)

// mostCurves bounds what one chart shows; more could not be told apart.
const mostCurves = 8

// plots are the charts of a run, without those that have nothing to show.
func plots(r *result.Result) []*chart {
	return slices.DeleteFunc([]*chart{
		throughput(r), times(r, r.Series.Overall, "Response times", false), byRegion(r), failures(r), users(r),
		cores(r), memory(r), lag(r), hits(r), forwarded(r),
	}, (*chart).Empty)
}

// endpoints are small charts, one for each endpoint.
func endpoints(r *result.Result) []*chart {
	var list []*chart
	for _, line := range r.Series.Endpoint {
		list = append(list, times(r, line, line.Name, true))
	}
	return slices.DeleteFunc(list, (*chart).Empty)
}

func newChart(r *result.Result, title, unit, note string) *chart {
	return &chart{Title: title, Unit: unit, Note: note, Long: max(r.Run.SteadyTo-r.Run.SteadyFrom, 1)}
}

func (c *chart) add(name string, p points) {
	if len(c.Curves) < mostCurves {
		c.Curves = append(c.Curves, curve{Name: name, Style: len(c.Curves), points: p})
	}
}

// course has the values of a line, each in the middle of its step.
func course(r *result.Result, l result.Line, values result.Column) points {
	p := points{y: values}
	for i := range values {
		p.x = append(p.x, float64(l.From+i*l.Step)+float64(l.Step)/2-r.Run.SteadyFrom)
	}
	return p.within(r)
}

// within moves the first and the last point, whose steps reach out of the counted time, onto its edges.
func (p points) within(r *result.Result) points {
	for i, x := range p.x {
		p.x[i] = min(max(x, 0), max(r.Run.SteadyTo-r.Run.SteadyFrom, 1))
	}
	return p
}

// perSecond has the rate of each step. Of the first and the last only the part counts in which requests
// were counted; a sliver of a step says nothing.
func perSecond(r *result.Result, l result.Line, counts result.Column) points {
	rates := make(result.Column, len(counts))
	for i, n := range counts {
		from := float64(l.From + i*l.Step)
		lasted := min(from+float64(l.Step), r.Run.SteadyTo) - max(from, r.Run.SteadyFrom)
		rates[i] = n / lasted
		if lasted < float64(l.Step)/4 {
			rates[i] = math.NaN()
		}
	}
	return course(r, l, rates)
}

func throughput(r *result.Result) *chart {
	c := newChart(r, "Throughput", "requests a second", "")
	c.add("all", perSecond(r, r.Series.Overall, r.Series.Overall.Count))
	if len(r.Series.Region) > 1 {
		for _, l := range r.Series.Region {
			c.add(l.Name, perSecond(r, l, l.Count))
		}
	}
	return c.prepare(false)
}

func times(r *result.Result, l result.Line, title string, small bool) *chart {
	c := newChart(r, title, "ms", "")
	c.Small, c.Ordered = small, true
	c.add("p50", course(r, l, l.P50))
	c.add("p95", course(r, l, l.P95))
	c.add("p99", course(r, l, l.P99))
	return c.prepare(true)
}

func byRegion(r *result.Result) *chart {
	c := newChart(r, "p95 by region", "ms", "")
	if len(r.Series.Region) > 1 {
		for _, l := range r.Series.Region {
			c.add(l.Name, course(r, l, l.P95))
		}
	}
	return c.prepare(true)
}

func failures(r *result.Result) *chart {
	c := newChart(r, "Failed requests", "a second", "")
	if r.Totals.Failed == 0 {
		c.Note = "None failed."
	}
	c.add("all", perSecond(r, r.Series.Overall, r.Series.Overall.Failed))
	if len(r.Series.Region) > 1 && r.Totals.Failed > 0 {
		for _, l := range r.Series.Region {
			c.add(l.Name, perSecond(r, l, l.Failed))
		}
	}
	return c.prepare(false)
}

// sampled has the values of a column of samples, in another unit.
func sampled(r *result.Result, values result.Column, scale float64) points {
	var p points
	for i, at := range r.Samples.At {
		if x := at - r.Run.SteadyFrom; x >= 0 && x <= r.Run.SteadyTo-r.Run.SteadyFrom {
			p.x = append(p.x, x)
			p.y = append(p.y, values[i]*scale)
		}
	}
	return p
}

func users(r *result.Result) *chart {
	c := newChart(r, "Virtual users", "users", "")
	c.add("users", sampled(r, r.Samples.VUs, 1))
	return c.prepare(true)
}

func cores(r *result.Result) *chart {
	c := newChart(r, "CPU", "cores", "The machine includes k6, Outpost and all else that runs there, and not what other guests of its host took.")
	c.Top = float64(r.Run.Machine.Cores)
	c.add("machine", sampled(r, r.Samples.Machine, 1))
	c.add("k6", sampled(r, r.Samples.K6, 1))
	if slices.ContainsFunc(r.Samples.Stolen, func(v float64) bool { return v > 0 }) {
		c.add("other guests", sampled(r, r.Samples.Stolen, 1))
	}
	for _, p := range r.Samples.Processes {
		c.add(p.Name, sampled(r, p.CPU, 1))
	}
	return c.prepare(false)
}

func memory(r *result.Result) *chart {
	c := newChart(r, "Memory", "MB", "Resident, and what of it is Go's heap in use.")
	for _, p := range r.Samples.Processes {
		c.add(p.Name+" resident", sampled(r, p.Resident, 1e-6))
		c.add(p.Name+" heap", sampled(r, p.Heap, 1e-6))
	}
	return c.prepare(true)
}

func lag(r *result.Result) *chart {
	c := newChart(r, "Lag of the replicas", "ms", "")
	for _, n := range r.Samples.Nodes {
		c.add(n.Name, sampled(r, n.Lag, 1000))
	}
	return c.prepare(true)
}

func hits(r *result.Result) *chart {
	c := newChart(r, "Answered from the cache", "% of the requests to it", "As the servers count: what shared another's miss is among them.")
	c.Top = 100
	for _, n := range r.Samples.Nodes {
		c.add(n.Name, sampled(r, n.HitRatio, 100))
	}
	return c.prepare(false)
}

func forwarded(r *result.Result) *chart {
	c := newChart(r, "Sent on to the primary", "requests a second", "")
	for _, n := range r.Samples.Nodes {
		if slices.ContainsFunc(n.Forwarded, func(v float64) bool { return v > 0 }) {
			c.add(n.Name, sampled(r, n.Forwarded, 1))
		}
	}
	return c.prepare(false)
}

// median of values; 0 of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.SortedFunc(slices.Values(values), cmp.Compare[float64])
	return sorted[len(sorted)/2]
}
