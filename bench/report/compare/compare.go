// Package compare holds a run against an earlier one of the same scenario, and tells what has become worse.
//
// An endpoint is worse when its p95 is past a bound, or its share of failed requests is. Where few requests
// were made, or the times are so short that the network between two processes makes up most of them,
// nothing is said.
package compare

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"outpost/bench/report/result"
)

// Bounds say what worse means.
type Bounds struct {
	Ratio float64 // p95, and share of failed requests, past so many times the earlier one
	Least int64   // requests on either side, below which nothing is said
	Floor float64 // ms by which a p95 must have grown as well
	Share float64 // by which the share of failed requests must have grown as well
}

// Usual are the bounds when nobody says otherwise.
func Usual() Bounds { return Bounds{Ratio: 1.25, Least: 200, Floor: 1, Share: 0.001} }

// Verdict on a pair.
type Verdict string

// The verdicts.
const (
	Worse  Verdict = "worse"
	Better Verdict = "better"
	Same   Verdict = "same"
	TooFew Verdict = "too few requests"
	Gone   Verdict = "not asked any more"
	New    Verdict = "not asked before"
)

// Pair is a group of requests in both runs; on one side there may have been none.
type Pair struct {
	Endpoint, Region string // empty: all
	Before, After    *result.Figures
	Verdict          Verdict
	Why              string // of a verdict that is worse or better
}

// Threshold is one in both runs.
type Threshold struct {
	Metric, Bound string
	Before, After *result.Threshold
	Verdict       Verdict
}

// Comparison is what two runs say together.
type Comparison struct {
	Before, After *result.Result
	Bounds        Bounds
	Differ        []string // circumstances that were not the same
	Pairs         []Pair   // all requests first, then each endpoint, and each in each region
	Thresholds    []Threshold
}

// Of compares two runs. It refuses those of which nothing could be said.
func Of(before, after *result.Result, bounds Bounds) (*Comparison, error) {
	if before.Run.Scenario != after.Run.Scenario {
		return nil, fmt.Errorf("one run is of %s, the other of %s: compare runs of the same scenario", before.Run.Scenario, after.Run.Scenario)
	}
	if least := min(before.Totals.Count, after.Totals.Count); least < bounds.Least {
		return nil, fmt.Errorf("a run of %d requests says nothing: at least %d are needed", least, bounds.Least)
	}
	c := &Comparison{Before: before, After: after, Bounds: bounds, Differ: differ(before, after)}
	c.Pairs = append(c.Pairs, c.pair("", "", &before.Totals.Figures, &after.Totals.Figures))
	c.pairs(before.Endpoints, after.Endpoints)
	if len(before.Regions) > 1 || len(after.Regions) > 1 {
		c.pairs(before.Cells, after.Cells)
	}
	c.thresholds()
	return c, nil
}

// Worse lists what is, in words; empty if nothing is.
func (c *Comparison) Worse() []string {
	var list []string
	for _, p := range c.Pairs {
		if p.Verdict == Worse {
			list = append(list, p.Name()+": "+p.Why)
		}
	}
	for _, t := range c.Thresholds {
		if t.Verdict == Worse {
			list = append(list, fmt.Sprintf("threshold %s %s: %s before, %s now", t.Metric, t.Bound, t.Before.Verdict, t.After.Verdict))
		}
	}
	return list
}

// Name of a pair for a reader.
func (p *Pair) Name() string {
	name := cmp.Or(p.Endpoint, "all requests")
	if p.Region != "" {
		name += " in " + p.Region
	}
	return name
}

type key struct{ endpoint, region string }

func (c *Comparison) pairs(before, after []result.Row) {
	index := func(rows []result.Row) map[key]*result.Figures {
		all := make(map[key]*result.Figures)
		for i := range rows {
			all[key{rows[i].Endpoint, rows[i].Region}] = &rows[i].Figures
		}
		return all
	}
	old, now := index(before), index(after)
	keys := maps.Clone(old)
	maps.Copy(keys, now)
	sorted := slices.SortedFunc(maps.Keys(keys), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.endpoint, b.endpoint), cmp.Compare(a.region, b.region))
	})
	for _, k := range sorted {
		c.Pairs = append(c.Pairs, c.pair(k.endpoint, k.region, old[k], now[k]))
	}
}

func (c *Comparison) pair(endpoint, region string, before, after *result.Figures) Pair {
	p := Pair{Endpoint: endpoint, Region: region, Before: before, After: after}
	switch {
	case after == nil:
		p.Verdict = Gone
	case before == nil:
		p.Verdict = New
	case min(before.Count, after.Count) < c.Bounds.Least:
		p.Verdict = TooFew
	default:
		p.judge(c.Bounds)
	}
	return p
}

func (p *Pair) judge(b Bounds) {
	old, now := p.Before, p.After
	p.Verdict = Same
	switch {
	case grown(old.ErrorRate(), now.ErrorRate(), b.Ratio, b.Share):
		p.Verdict, p.Why = Worse, fmt.Sprintf("%.2f %% failed before, %.2f %% now", 100*old.ErrorRate(), 100*now.ErrorRate())
	case grown(old.P95, now.P95, b.Ratio, b.Floor):
		p.Verdict, p.Why = Worse, fmt.Sprintf("p95 %.2f ms before, %.2f ms now", old.P95, now.P95)
	case grown(now.ErrorRate(), old.ErrorRate(), b.Ratio, b.Share):
		p.Verdict, p.Why = Better, fmt.Sprintf("%.2f %% failed before, %.2f %% now", 100*old.ErrorRate(), 100*now.ErrorRate())
	case grown(now.P95, old.P95, b.Ratio, b.Floor):
		p.Verdict, p.Why = Better, fmt.Sprintf("p95 %.2f ms before, %.2f ms now", old.P95, now.P95)
	}
}

// grown tells that a figure is past so many times what it was, and by at least so much.
func grown(old, now, ratio, by float64) bool { return now > old*ratio && now-old >= by }

// thresholds pairs those that both runs have. One that was met and is not any more is worse, by however little.
func (c *Comparison) thresholds() {
	for i := range c.After.Thresholds {
		now := &c.After.Thresholds[i]
		at := slices.IndexFunc(c.Before.Thresholds, func(t result.Threshold) bool { return t.Metric == now.Metric && t.Bound == now.Bound })
		if at < 0 {
			continue
		}
		t := Threshold{Metric: now.Metric, Bound: now.Bound, Before: &c.Before.Thresholds[at], After: now, Verdict: Same}
		switch {
		case t.Before.Verdict == result.Met && now.Verdict != result.Met:
			t.Verdict = Worse
		case t.Before.Verdict != result.Met && now.Verdict == result.Met:
			t.Verdict = Better
		}
		c.Thresholds = append(c.Thresholds, t)
	}
}

// differ lists what else was different, and may be the cause.
func differ(before, after *result.Result) []string {
	var list []string
	note := func(what string, old, now any) {
		if a, b := fmt.Sprint(old), fmt.Sprint(now); a != b {
			list = append(list, fmt.Sprintf("%s: %s before, %s now", what, cmp.Or(a, "none"), cmp.Or(b, "none")))
		}
	}
	a, b := &before.Run, &after.Run
	note("scenario", a.Scenario, b.Scenario)
	note("how it ended", a.Ended, b.Ended)
	note("machine", a.Machine, b.Machine)
	note("k6", a.K6, b.K6)
	note("notes", a.Notes, b.Notes)
	note("number of targets", len(a.Targets), len(b.Targets))
	names := maps.Clone(a.Settings)
	if names == nil {
		names = make(map[string]string)
	}
	maps.Copy(names, b.Settings)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		note(name, a.Settings[name], b.Settings[name])
	}
	return list
}
