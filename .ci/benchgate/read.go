package main

import (
	"io"
	"slices"

	"golang.org/x/perf/benchfmt" // the format's own reader, as benchstat has it
)

// results are the values of each unit by benchmark: its package and its name.
type results map[string]map[string][]float64

func read(from io.Reader, name string) (results, error) {
	out := results{}
	r := benchfmt.NewReader(from, name)
	for r.Scan() {
		switch record := r.Result().(type) {
		case *benchfmt.SyntaxError:
			return nil, record
		case *benchfmt.Result:
			out.add(record)
		}
	}
	return out, r.Err()
}

func (r results) add(record *benchfmt.Result) {
	name := record.GetConfig("pkg") + " " + record.Name.String()
	if r[name] == nil {
		r[name] = map[string][]float64{}
	}
	for _, v := range record.Values {
		r[name][v.Unit] = append(r[name][v.Unit], v.Value)
	}
}

// median is the middle one, or the mean of the two in the middle.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
