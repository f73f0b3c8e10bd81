package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
)

// bound says by how much the median of a unit may grow.
type bound struct {
	unit   string
	share  float64 // of what it was
	amount float64 // below which growth is taken for noise, whatever the share
	zero   bool    // what was nothing stays nothing
}

// bounds are few, and not tight where a count varies from run to run: buffers that are pooled are made
// anew after a collection, and the bytes of that are shared out over however many rounds there were.
func bounds() []bound {
	return []bound{
		{unit: "allocs/op", share: 0.05, zero: true},
		{unit: "B/op", share: 0.10, amount: 32},
		{unit: "instructions/op", share: 0.05},
	}
}

func (b bound) broken(before, after float64) bool {
	if before == 0 && b.zero {
		return after > 0
	}
	return after-before > max(b.share*before, b.amount)
}

func (b bound) String() string {
	s := fmt.Sprintf("%.0f %% more %s", 100*b.share, b.unit)
	if b.amount > 0 {
		s += fmt.Sprintf(" and %.0f more", b.amount)
	}
	if b.zero {
		s += ", or any where there were none"
	}
	return s
}

// verdict is what became of all benchmarks, each list in the order of their names.
type verdict struct {
	worse, better []string
	added, gone   []string
	compared      int
	counted       map[string]int // benchmarks by unit, of those that were compared
}

func compare(before, after results) verdict {
	v := verdict{counted: map[string]int{}}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if before[name] == nil {
			v.added = append(v.added, name)
			continue
		}
		v.compared++
		v.benchmark(name, before[name], after[name])
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if after[name] == nil {
			v.gone = append(v.gone, name)
		}
	}
	return v
}

func (v *verdict) benchmark(name string, before, after map[string][]float64) {
	for _, b := range bounds() {
		if len(before[b.unit]) == 0 || len(after[b.unit]) == 0 {
			continue
		}
		v.counted[b.unit]++
		was, is := median(before[b.unit]), median(after[b.unit])
		line := fmt.Sprintf("%s: %s from %g to %g", name, b.unit, was, is)
		switch {
		case b.broken(was, is):
			v.worse = append(v.worse, line)
		case b.broken(is, was):
			v.better = append(v.better, line)
		}
	}
}

func (v *verdict) print(to io.Writer) {
	for _, list := range []struct {
		title string
		lines []string
	}{{"new", v.added}, {"gone", v.gone}, {"better", v.better}, {"WORSE", v.worse}} {
		for _, line := range list.lines {
			fmt.Fprintf(to, "%-7s%s\n", list.title, line)
		}
	}
	fmt.Fprintf(to, "Benchmarks: %d compared, %d new, %d gone. Counts: %d better, %d worse.\n",
		v.compared, len(v.added), len(v.gone), len(v.better), len(v.worse))
	for _, b := range bounds() {
		if n := v.counted[b.unit]; n > 0 {
			fmt.Fprintf(to, "Worse is %s: in %d of them.\n", b, n)
		} else {
			fmt.Fprintf(to, "None counts %s.\n", b.unit)
		}
	}
}
