package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"outpost/bench/harness"
)

// report is what a run found out.
type report struct {
	options
	began      time.Time
	machine    string
	workload   string
	memory     []resident
	rounds     []round
	lines      []string // of the rounds, and of those that were refused
	incomplete error    // what ended the run early
}

func (r *report) head() string {
	kind := ""
	if r.quick {
		kind = "QUICK RUN: the sizes are tiny, the figures say nothing\n"
	}
	return fmt.Sprintf("Outpost's answers and its peers'\n%s\ncommit       %s\ndate         %s\ncommand      peers %s\nrounds       %d of %d s, wrk with %d thread(s)\n%s%s\n",
		kind, r.commit, r.began.UTC().Format("2006-01-02 15:04 UTC"), strings.Join(r.args, " "), r.options.rounds, r.seconds, r.threads, r.machine, r.workload)
}

// of are a side's rounds.
func (r *report) of(name string, value func(round) float64) (values []float64) {
	for _, each := range r.rounds {
		if each.side.name == name {
			values = append(values, value(each))
		}
	}
	return values
}

// tables are those for the documentation.
func (r *report) tables() string { return r.medians() + r.ratios() }

func (r *report) medians() string {
	var b strings.Builder
	b.WriteString("\n| | requests a second: median | least–most | p50, ms | p99, ms | CPU each, µs | hits, % | shared, % | wrk busy, % | refused |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, s := range allSides() {
		rates := r.of(s.name, round.rate)
		if len(rates) == 0 {
			continue
		}
		middle := func(value func(round) float64) float64 { return median(r.of(s.name, value)) }
		refused := 0
		for _, each := range r.rounds {
			if each.side.name == s.name {
				refused += each.refused
			}
		}
		hits := "?"
		if share := middle(func(x round) float64 { return x.hits }); share >= 0 {
			hits = fmt.Sprintf("%.1f", 100*share)
		}
		fmt.Fprintf(&b, "| %s | %.0f | %.0f–%.0f | %.2f | %.2f | %.1f | %s | %.1f | %.0f | %d |\n", s.title, median(rates), slices.Min(rates), slices.Max(rates),
			middle(func(x round) float64 { return x.P50 / 1000 }), middle(func(x round) float64 { return x.P99 / 1000 }), middle(round.micros),
			hits, 100*middle(func(x round) float64 { return x.shared }), 100*middle(func(x round) float64 { return x.wrk }), refused)
	}
	return b.String()
}

// save writes the report beside those of earlier runs, and gives its path.
func (r *report) save() (string, error) {
	var b strings.Builder
	b.WriteString(r.head())
	for _, each := range r.memory {
		b.WriteString(each.String())
	}
	for _, each := range r.lines {
		b.WriteString(each)
	}
	b.WriteString(r.tables())
	if r.incomplete != nil {
		fmt.Fprintf(&b, "\nINCOMPLETE: the run ended early: %v\n", r.incomplete)
	}
	return harness.Save(r.out, "peers", r.began, r.commit, b.String())
}

// median of rounds; 0 of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
