package collect

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"outpost/bench/report/result"
)

// A script that gives its requests no names would make a group of each URL. The rest of such a crowd is
// one group.
const (
	mostGroups = 60
	others     = "(others)"
)

// coarseStep is the step, in seconds, of the courses of endpoints, of which there are many.
const coarseStep = 5

// key is what requests are grouped by.
type key struct{ endpoint, region, user string }

// requests are the counted ones.
type requests struct {
	began    time.Time
	cells    map[key]*cell
	overall  *line
	region   map[string]*line
	endpoint map[string]*line
	from, to time.Time // of the first request and of the last
	leftOut  map[string]int64
}

// cell is one group, and where its course is kept.
type cell struct {
	took             histogram
	failed           int64
	statuses, errors map[string]int64
	cached, hits     int64
	lines            []*line // overall, region, endpoint; made by the first request
}

func newCell() *cell {
	return &cell{took: newHistogram(fine), statuses: make(map[string]int64), errors: make(map[string]int64)}
}

func newRequests(began time.Time) *requests {
	return &requests{
		began: began, cells: make(map[key]*cell), leftOut: make(map[string]int64),
		region: make(map[string]*line), endpoint: make(map[string]*line),
	}
}

// cell gives the group of requests with this key.
func (r *requests) cell(k key) *cell {
	c := r.cells[k]
	if c == nil && len(r.cells) >= 4*mostGroups {
		k = key{others, others, others}
		c = r.cells[k]
	}
	if c == nil {
		c = newCell()
		r.cells[k] = c
	}
	return c
}

// request counts one, which ended at this time.
func (r *requests) request(c *cell, k key, status string, ended time.Time, ms float64) {
	second := r.second(ended)
	if r.overall == nil {
		r.overall = newLine("", 1, second)
	}
	if r.from.IsZero() || ended.Before(r.from) {
		r.from = ended
	}
	if ended.After(r.to) {
		r.to = ended
	}
	if c.lines == nil {
		c.lines = []*line{r.overall, r.line(r.region, k.region, 1), r.line(r.endpoint, k.endpoint, coarseStep)}
	}
	c.took.add(ms)
	c.statuses[status]++
	for _, l := range c.lines {
		l.at(second).took.add(ms)
	}
}

// failure counts a request, which is counted as such already, as failed.
func (r *requests) failure(c *cell, why string, ended time.Time) {
	c.failed++
	c.errors[why]++
	for _, l := range c.lines {
		l.at(r.second(ended)).failed++
	}
}

func (r *requests) second(at time.Time) int { return int(math.Floor(at.Sub(r.began).Seconds())) }

func (r *requests) line(of map[string]*line, name string, step int) *line {
	if of[name] == nil && len(of) >= mostGroups {
		name = others
	}
	if of[name] == nil {
		of[name] = newLine(name, step, r.overall.From)
	}
	return of[name]
}

// seconds is how long requests were counted. A single burst counts as one second.
func (r *requests) seconds() float64 { return max(r.to.Sub(r.from).Seconds(), 1) }

// rows are the figures of the groups that by makes of all.
func (r *requests) rows(by func(key) key) []result.Row {
	merged := make(map[key]*cell)
	for k, c := range r.cells {
		into := merged[by(k)]
		if into == nil {
			into = newCell()
			merged[by(k)] = into
		}
		into.merge(c)
	}
	rows := make([]result.Row, 0, len(merged))
	for k, c := range merged {
		if c.took.TotalCount() > 0 {
			rows = append(rows, result.Row{Endpoint: k.endpoint, Region: k.region, User: k.user, Figures: c.figures(r.seconds())})
		}
	}
	slices.SortFunc(rows, func(a, b result.Row) int {
		return cmp.Or(cmp.Compare(a.Endpoint, b.Endpoint), cmp.Compare(a.Region, b.Region), cmp.Compare(a.User, b.User))
	})
	return rows
}

// all are the figures of all requests.
func (r *requests) all() result.Figures {
	rows := r.rows(func(key) key { return key{} })
	if len(rows) == 0 {
		return newCell().figures(1)
	}
	return rows[0].Figures
}

func (r *requests) series() result.Series {
	if r.overall == nil {
		return result.Series{}
	}
	return result.Series{Overall: r.overall.finish(), Region: finish(r.region), Endpoint: finish(r.endpoint)}
}

func finish(lines map[string]*line) []result.Line {
	finished := make([]result.Line, 0, len(lines))
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		finished = append(finished, lines[name].finish())
	}
	return finished
}

func (c *cell) merge(other *cell) {
	c.took.Merge(other.took.Histogram)
	c.failed += other.failed
	c.cached += other.cached
	c.hits += other.hits
	for status, n := range other.statuses {
		c.statuses[status] += n
	}
	for why, n := range other.errors {
		c.errors[why] += n
	}
}

func (c *cell) figures(seconds float64) result.Figures {
	f := result.Figures{
		Count: c.took.TotalCount(), Failed: c.failed, Statuses: c.statuses, Errors: c.errors, Cached: c.cached,
	}
	f.Rate = result.Round(float64(f.Count) / seconds)
	if c.cached > 0 {
		ratio := float64(c.hits) / float64(c.cached)
		f.HitRatio = &ratio
	}
	if f.Count > 0 {
		p := c.took.at(50, 90, 95, 99)
		f.P50, f.P90, f.P95, f.P99, f.Max = p[0], p[1], p[2], p[3], float64(c.took.Max())/1000
	}
	return f
}
