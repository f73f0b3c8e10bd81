package page

import (
	"fmt"
	"io"
	"strings"

	"outpost/bench/report/compare"
	"outpost/bench/report/result"
)

// CompareMarkdown is a comparison as a page.
func CompareMarkdown(c *compare.Comparison) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: %s\n\n", c.After.Run.Scenario, compared(c).Text)
	markdownFacts(&b, comparedFacts(c))
	for _, t := range comparedTables(c) {
		t.markdown(&b)
	}
	return b.String()
}

// CompareHTML writes a comparison as a page.
func CompareHTML(w io.Writer, c *compare.Comparison) error {
	return render(w, &view{
		Title:     c.After.Run.Scenario + ", compared",
		Subtitle:  fmt.Sprintf("commit %s with %s", c.After.Run.Commit, c.Before.Run.Commit),
		Outcome:   compared(c),
		Facts:     comparedFacts(c),
		First:     comparedTables(c),
		Plots:     comparedPlots(c),
		Endpoints: comparedEndpoints(c),
	})
}

func compared(c *compare.Comparison) cell {
	if n := len(c.Worse()); n > 0 {
		return cell{fmt.Sprintf("%d WORSE", n), "bad"}
	}
	return cell{"nothing is worse", "good"}
}

func comparedFacts(c *compare.Comparison) []fact {
	list := []fact{
		{"before", fmt.Sprintf("%s, commit %s: %s", c.Before.Run.Started.Format("2006-01-02 15:04 UTC"), c.Before.Run.Commit, summary(c.Before))},
		{"now", fmt.Sprintf("%s, commit %s: %s", c.After.Run.Started.Format("2006-01-02 15:04 UTC"), c.After.Run.Commit, summary(c.After))},
	}
	for _, text := range c.Differ {
		list = append(list, fact{"DIFFERENT", text})
	}
	b := c.Bounds
	return append(list, fact{"worse is", fmt.Sprintf("a p95 past %g times what it was, and %g ms more; a share of failed requests past %g times, and %.1f points more; each of at least %d requests; a threshold that is not met any more",
		b.Ratio, b.Floor, b.Ratio, 100*b.Share, b.Least)})
}

func comparedTables(c *compare.Comparison) []table {
	pairs := table{
		Title: "Requests", Note: "Before → now, and how many times the one before it is.", Names: 3,
		Head: []string{"endpoint", "region", "verdict", "requests", "failed", "p50 ms", "", "p95 ms", "", "p99 ms", "", "from the cache"},
	}
	for _, p := range c.Pairs {
		pairs.Rows = append(pairs.Rows, comparedRow(&p))
	}
	thresholds := table{Title: "Thresholds", Names: 2, Head: []string{"metric", "bound", "before", "now", "verdict"}}
	for _, t := range c.Thresholds {
		thresholds.Rows = append(thresholds.Rows, []cell{{Text: t.Metric}, {Text: t.Bound}, verdict(t.Before.Verdict), verdict(t.After.Verdict), judged(t.Verdict)})
	}
	return filled(pairs, thresholds)
}

func comparedRow(p *compare.Pair) []cell {
	endpoint, region := p.Endpoint, p.Region
	if endpoint == "" {
		endpoint = "all requests"
	}
	if region == "" {
		region = "all"
	}
	none := &result.Figures{}
	old, now := p.Before, p.After
	if old == nil {
		old = none
	}
	if now == nil {
		now = none
	}
	row := append(plain(endpoint, region), judged(p.Verdict))
	row = append(row, plain(arrow(count(old.Count), count(now.Count)), arrow(percent(old.ErrorRate()), percent(now.ErrorRate())))...)
	for _, pair := range [][2]float64{{old.P50, now.P50}, {old.P95, now.P95}, {old.P99, now.P99}} {
		times := "–"
		if pair[0] > 0 && pair[1] > 0 {
			times = fmt.Sprintf("× %.2f", pair[1]/pair[0])
		}
		row = append(row, plain(arrow(number(pair[0]), number(pair[1])), times)...)
	}
	ratio := func(f *result.Figures) string {
		if f.HitRatio == nil {
			return "–"
		}
		return percent(*f.HitRatio)
	}
	return append(row, cell{Text: arrow(ratio(old), ratio(now))})
}

func arrow(old, now string) string { return old + " → " + now }

func judged(v compare.Verdict) cell {
	switch v {
	case compare.Worse:
		return cell{"✗ WORSE", "bad"}
	case compare.Better:
		return cell{"✓ better", "good"}
	default:
		return cell{Text: string(v)}
	}
}

// comparedPlots lay both runs over each other, from the first counted request of each on.
func comparedPlots(c *compare.Comparison) []*chart {
	both := func(title, unit string, worst bool, of func(*result.Result) points) *chart {
		plot := newChart(longer(c), title, unit, "")
		plot.add("before", of(c.Before))
		plot.add("now", of(c.After))
		return plot.prepare(worst)
	}
	overall := func(column func(result.Line) result.Column) func(*result.Result) points {
		return func(r *result.Result) points { return course(r, r.Series.Overall, column(r.Series.Overall)) }
	}
	return []*chart{
		both("Throughput", "requests a second", false, func(r *result.Result) points { return perSecond(r, r.Series.Overall, r.Series.Overall.Count) }),
		both("p50", "ms", true, overall(func(l result.Line) result.Column { return l.P50 })),
		both("p95", "ms", true, overall(func(l result.Line) result.Column { return l.P95 })),
		both("p99", "ms", true, overall(func(l result.Line) result.Column { return l.P99 })),
	}
}

// comparedEndpoints have the p95 of each endpoint that both runs asked.
func comparedEndpoints(c *compare.Comparison) []*chart {
	var list []*chart
	for _, old := range c.Before.Series.Endpoint {
		for _, now := range c.After.Series.Endpoint {
			if old.Name != now.Name {
				continue
			}
			plot := newChart(longer(c), old.Name, "ms", "p95.")
			plot.Small = true
			plot.add("before", course(c.Before, old, old.P95))
			plot.add("now", course(c.After, now, now.P95))
			list = append(list, plot.prepare(true))
		}
	}
	return list
}

// longer is the run whose time the axis must hold.
func longer(c *compare.Comparison) *result.Result {
	length := func(r *result.Result) float64 { return r.Run.SteadyTo - r.Run.SteadyFrom }
	if length(c.Before) > length(c.After) {
		return c.Before
	}
	return c.After
}
