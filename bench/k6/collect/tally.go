package collect

import (
	"maps"
	"slices"

	"go.k6.io/k6/v2/metrics"

	"outpost/bench/report/result"
)

// tally is what has been seen of a metric.
type tally struct {
	kind      metrics.MetricType
	n, truths int64
	sum, last float64
	took      histogram // of a trend
}

func newTally(kind metrics.MetricType) *tally {
	t := &tally{kind: kind}
	if kind == metrics.Trend {
		t.took = newHistogram(fine)
	}
	return t
}

func (t *tally) add(value float64) {
	t.n++
	t.sum += value
	t.last = value
	if value != 0 {
		t.truths++
	}
	if t.kind == metrics.Trend {
		t.took.add(value)
	}
}

// tallies are of the metrics that are not about requests, by their names.
type tallies map[string]*tally

func (ts tallies) add(s metrics.Sample) {
	t := ts[s.Metric.Name]
	if t == nil {
		t = newTally(s.Metric.Type)
		ts[s.Metric.Name] = t
	}
	t.add(s.Value)
}

// count is the sum of a counter, and 0 of one that nothing was added to.
func (ts tallies) count(name string) int64 {
	if t := ts[name]; t != nil {
		return int64(t.sum)
	}
	return 0
}

func (ts tallies) checks() (passed, failed int64) {
	if t := ts[metrics.ChecksName]; t != nil {
		return t.truths, t.n - t.truths
	}
	return 0, 0
}

func (ts tallies) metrics() []result.Metric {
	list := make([]result.Metric, 0, len(ts))
	for _, name := range slices.Sorted(maps.Keys(ts)) {
		list = append(list, ts[name].metric(name))
	}
	return list
}

func (t *tally) metric(name string) result.Metric {
	m := result.Metric{Name: name, Type: t.kind.String(), Count: t.n, Value: t.sum}
	switch t.kind {
	case metrics.Gauge:
		m.Value = t.last
	case metrics.Rate:
		m.Value = float64(t.truths) / float64(t.n)
	case metrics.Trend:
		p := t.took.at(50, 95, 99, 100)
		m.Value, m.P95, m.P99, m.Max = p[0], &p[1], &p[2], &p[3]
	}
	return m
}
