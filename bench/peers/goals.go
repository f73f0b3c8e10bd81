package main

import (
	"fmt"
	"slices"
	"strings"
)

// goal is how many times as many requests one side has to answer as another.
type goal struct {
	side, than string
	least      float64
}

func goals() []goal {
	return []goal{
		{"hit", "nginx", 0.9},
		{"hit", "fiber", 0.8},
		{"hit", "varnish", 1.3},
		{"miss", "sqlite", 0.6},
		{"miss", "pgx", 5},
		{"far", "miss", 0},
		{"hit", "aside-hit", 1.5},
		{"miss", "aside-miss", 5},
	}
}

// ratios is a table of the goals whose sides were measured. What is compared is what two sides did
// in the same round, within a minute; the ratio is the median of those.
func (r *report) ratios() string {
	var b strings.Builder
	for _, g := range goals() {
		own, other := r.of(g.side, round.rate), r.of(g.than, round.rate)
		n := min(len(own), len(other))
		if n == 0 {
			continue
		}
		each := make([]float64, n)
		for i := range each {
			each[i] = own[i] / other[i]
		}
		ratio := median(each)
		text, verdict := "", ""
		if g.least > 0 {
			text, verdict = fmt.Sprintf("≥ %.1f", g.least), "NOT MET"
			if ratio >= g.least {
				verdict = "met"
			}
		}
		ownCost, otherCost := r.of(g.side, round.micros), r.of(g.than, round.micros)
		costs := make([]float64, n)
		for i := range costs {
			costs[i] = otherCost[i] / ownCost[i]
		}
		fmt.Fprintf(&b, "| %s : %s | %.2f | %.2f–%.2f | %.2f | %s | %s |\n", g.side, g.than, ratio, slices.Min(each), slices.Max(each), median(costs), text, verdict)
	}
	if b.Len() == 0 {
		return ""
	}
	return "\n| Outpost : peer | median of the rounds' ratios | least–most | by CPU each | goal | |\n| --- | --- | --- | --- | --- | --- |\n" + b.String()
}
