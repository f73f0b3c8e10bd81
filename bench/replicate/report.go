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
	figures    []*figure
	incomplete error // what ended the run early
}

// figure is one numbered measurement, in several rows.
type figure struct {
	number int
	title  string
	rows   []*row
	notes  []string
}

// row is one quantity, measured in several rounds on one or two sides.
type row struct {
	what, unit string
	against    string    // what base is
	base       []float64 // one for each round; empty where there is nothing to compare with
	outpost    []float64
	more       bool // more is better
	absolute   bool // a ratio says nothing
	goal       *goal
}

// side is one of the two that are compared.
type side int

const (
	reference side = iota
	measured
)

func (s side) String() string { return [...]string{"native", "outpost"}[s] }

// add takes a round's value.
func (r *row) add(at side, value float64) {
	if at == reference {
		r.base = append(r.base, value)
	} else {
		r.outpost = append(r.outpost, value)
	}
}

// goal is what a row has to reach.
type goal struct {
	text string
	met  func(*row) bool
}

// ratioOf wants Outpost to be as good as the base, this many times over.
func ratioOf(least float64) *goal {
	return &goal{fmt.Sprintf("ratio ≥ %.1f", least), func(r *row) bool { return r.ratio() >= least }}
}

// atMost bounds the median of Outpost's rounds.
func atMost(most float64, unit string) *goal {
	return &goal{fmt.Sprintf("≤ %g %s", most, unit), func(r *row) bool { return median(r.outpost) <= most }}
}

// ratio is above 1 where Outpost is better, 0 where there is nothing to compare with.
func (r *row) ratio() float64 {
	if r.absolute {
		return 0
	}
	base, own := median(r.base), median(r.outpost)
	if r.more {
		base, own = own, base
	}
	if own == 0 {
		return 0
	}
	return base / own
}

func (r *row) verdict() string {
	switch {
	case r.goal == nil:
		return ""
	case r.goal.met(r):
		return "met"
	default:
		return "NOT MET"
	}
}

func (f *figure) note(format string, args ...any) {
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
}

// String is the figure with every round.
func (f *figure) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%d. %s\n", f.number, f.title)
	for _, r := range f.rows {
		fmt.Fprintf(&b, "   %s (%s)\n", r.what, r.unit)
		side := func(name string, rounds []float64) {
			if len(rounds) > 0 {
				fmt.Fprintf(&b, "     %-12s median %9s   rounds %s\n", name, number(median(rounds)), join(rounds))
			}
		}
		side(r.against, r.base)
		side("outpost", r.outpost)
		if ratio := r.ratio(); ratio > 0 {
			fmt.Fprintf(&b, "     %-12s %16.2f\n", "ratio", ratio)
		}
		if r.goal != nil {
			fmt.Fprintf(&b, "     %-12s %s: %s\n", "goal", r.goal.text, r.verdict())
		}
	}
	for _, note := range f.notes {
		fmt.Fprintf(&b, "   note: %s\n", note)
	}
	return b.String()
}

func (r *report) head() string {
	kind := ""
	if r.quick {
		kind = "QUICK RUN: the sizes are tiny, the figures say nothing\n"
	}
	return fmt.Sprintf("Outpost's replication and Postgres' logical subscription\n%s\ncommit   %s\ndate     %s\nrounds   %d\n%s"+
		"\nA ratio above 1 says that Outpost is better.\n",
		kind, r.commit, r.began.UTC().Format("2006-01-02 15:04 UTC"), r.rounds, r.machine)
}

// markdown is the table for the documentation.
func (r *report) markdown() string {
	var b strings.Builder
	b.WriteString("\n| | | compared with | it | Outpost | ratio | goal | |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, f := range r.figures {
		for _, row := range f.rows {
			base, ratio, goal := "", "", ""
			if len(row.base) > 0 {
				base = number(median(row.base)) + " " + row.unit
			}
			if x := row.ratio(); x > 0 {
				ratio = fmt.Sprintf("%.2f", x)
			}
			if row.goal != nil {
				goal = row.goal.text
			}
			fmt.Fprintf(&b, "| %d | %s: %s | %s | %s | %s %s | %s | %s | %s |\n",
				f.number, f.title, row.what, row.against, base, number(median(row.outpost)), row.unit, ratio, goal, row.verdict())
		}
	}
	return b.String()
}

// save writes the report beside those of earlier runs, and gives its path.
func (r *report) save() (string, error) {
	var b strings.Builder
	b.WriteString(r.head())
	for _, f := range r.figures {
		b.WriteString(f.String())
	}
	b.WriteString(r.markdown())
	if r.incomplete != nil {
		fmt.Fprintf(&b, "\nINCOMPLETE: the run ended early: %v\n", r.incomplete)
	}
	return harness.Save(r.out, "replicate", r.began, r.commit, b.String())
}

// median of rounds; 0 of none.
func median(rounds []float64) float64 { return percentile(rounds, 0.5) }

// percentile interpolates between the two neighbours.
func percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	at := p * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}

// number shows three digits that matter, and no more of a large one.
func number(v float64) string {
	switch {
	case v >= 100 || v <= -100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10 || v <= -10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1 || v <= -1:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.2g", v)
	}
}

func join(values []float64) string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = number(v)
	}
	return strings.Join(list, " ")
}
