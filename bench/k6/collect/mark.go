package collect

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.k6.io/k6/v2/metrics"

	"outpost/bench/report/result"
)

// mark is a metric, perhaps with tags, for which the scenario has thresholds. The verdicts are k6's; it
// does not say the values that led there, which are counted here a second time. Unlike all else they are
// of every sample, in whatever phase, that the threshold's own tags let through: as k6 does it.
type mark struct {
	name       string // as the scenario wrote it
	metric     string
	tags       map[string]string
	thresholds []*metrics.Threshold
	seen       *tally // nil until the first sample
}

func newMarks(thresholds map[string]metrics.Thresholds) ([]*mark, error) {
	var marks []*mark
	for name, list := range thresholds {
		metric, tags, err := metrics.ParseMetricName(name)
		if err != nil {
			return nil, fmt.Errorf("threshold of %s: %w", name, err)
		}
		m := &mark{name: name, metric: metric, tags: make(map[string]string), thresholds: list.Thresholds}
		for _, tag := range tags {
			key, value, _ := strings.Cut(tag, ":")
			m.tags[unquoted(key)] = unquoted(value)
		}
		marks = append(marks, m)
	}
	slices.SortFunc(marks, func(a, b *mark) int { return cmp.Compare(a.name, b.name) })
	return marks, nil
}

// unquoted reads a tag's name or value as k6 does.
func unquoted(s string) string { return strings.Trim(strings.TrimSpace(s), `"'`) }

// of tells whether samples of this metric, with these tags, are meant.
func (m *mark) of(series metrics.TimeSeries) bool {
	if series.Metric.Name != m.metric {
		return false
	}
	for key, value := range m.tags {
		if has, ok := series.Tags.Get(key); !ok || has != value {
			return false
		}
	}
	if m.seen == nil {
		m.seen = newTally(series.Metric.Type)
	}
	return true
}

func (m *mark) add(value float64) { m.seen.add(value) }

// verdicts are those of all marks, after k6 has come to its own.
func verdicts(marks []*mark, lasted time.Duration) []result.Threshold {
	list := make([]result.Threshold, 0, len(marks))
	for _, m := range marks {
		for _, t := range m.thresholds {
			list = append(list, m.verdict(t, lasted))
		}
	}
	return list
}

func (m *mark) verdict(t *metrics.Threshold, lasted time.Duration) result.Threshold {
	v := result.Threshold{Metric: m.name, Bound: t.Source, Verdict: result.Met}
	switch {
	case t.LastFailed:
		v.Verdict = result.Missed
	case m.seen == nil && !strings.HasPrefix(strings.TrimSpace(t.Source), "count"):
		// A counter that was never added to is 0. Of all else nothing is known, and k6 lets it pass.
		v.Verdict = result.NoData
		return v
	}
	if value, ok := m.value(t.Source, lasted); ok {
		value = result.Round(value)
		v.Value = &value
	}
	return v
}

// bound is how a threshold begins: with what it is about.
var bound = regexp.MustCompile(`^\s*(?:(count|rate|value|avg|min|med|max)|p\(\s*([0-9.]+)\s*\))`)

// value is what a threshold looks at.
func (m *mark) value(source string, lasted time.Duration) (float64, bool) {
	found := bound.FindStringSubmatch(source)
	if found == nil {
		return 0, false
	}
	if m.seen == nil {
		return 0, found[1] == "count"
	}
	switch t := m.seen; {
	case found[1] == "count":
		return t.sum, true
	case found[1] == "value":
		return t.last, true
	case found[1] == "rate" && t.kind == metrics.Rate:
		return float64(t.truths) / float64(t.n), true
	case found[1] == "rate":
		return t.sum / lasted.Seconds(), true
	case t.kind != metrics.Trend:
		return 0, false
	case found[1] == "avg":
		return t.sum / float64(t.n), true
	}
	percentile, ok := map[string]float64{"min": 0, "med": 50, "max": 100}[found[1]]
	if !ok {
		var err error
		if percentile, err = strconv.ParseFloat(found[2], 64); err != nil {
			return 0, false
		}
	}
	return m.seen.took.at(percentile)[0], true
}
