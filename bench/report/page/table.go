package page

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"outpost/bench/report/result"
)

// table is one of a page, whether that is Markdown or HTML. Its first Names columns are words, the others numbers.
type table struct {
	Title string
	Note  string
	Names int
	Head  []string
	Rows  [][]cell
}

// cell is text with what it says about a goal: met, missed, or nothing.
type cell struct{ Text, Class string }

func plain(texts ...string) []cell {
	cells := make([]cell, len(texts))
	for i, text := range texts {
		cells[i].Text = text
	}
	return cells
}

// filled leaves out tables without rows.
func filled(list ...table) []table {
	return slices.DeleteFunc(list, func(t table) bool { return len(t.Rows) == 0 })
}

// tables are those of a run beside its thresholds, the most telling first.
func tables(r *result.Result) []table {
	list := []table{
		rows("By endpoint", "endpoint", r.Endpoints, func(x result.Row) []string { return []string{x.Endpoint} }),
	}
	if len(r.Regions) > 1 {
		list = append(list,
			rows("By region", "region", r.Regions, func(x result.Row) []string { return []string{x.Region} }),
			rows("By endpoint and region", "endpoint|region", r.Cells, func(x result.Row) []string { return []string{x.Endpoint, x.Region} }))
	}
	if len(r.Users) > 1 {
		list = append(list, rows("By kind of user", "user", r.Users, func(x result.Row) []string { return []string{cmp.Or(x.User, "–")} }))
	}
	return filled(append(list, answers(r), others(r))...)
}

func thresholds(r *result.Result) table {
	t := table{
		Title: "Thresholds", Note: "The verdicts are k6’s, which counts between two requests where a percentile falls between them; the measured value is that of the nearer one.",
		Names: 2, Head: []string{"metric", "bound", "measured", "verdict"},
	}
	for _, x := range r.Thresholds {
		value := "–"
		if x.Value != nil {
			value = fmt.Sprintf("%.4g", *x.Value)
		}
		t.Rows = append(t.Rows, []cell{{Text: x.Metric}, {Text: x.Bound}, {Text: value}, verdict(x.Verdict)})
	}
	return t
}

func verdict(v result.Verdict) cell {
	switch v {
	case result.Met:
		return cell{"✓ met", "good"}
	case result.Missed:
		return cell{"✗ MISSED", "bad"}
	default:
		return cell{"? no data", "open"}
	}
}

// rows is a table of groups of requests.
func rows(title, names string, list []result.Row, name func(result.Row) []string) table {
	heads := strings.Split(names, "|")
	t := table{Title: title, Names: len(heads)}
	t.Head = append(heads, "requests", "a second", "failed", "p50 ms", "p90 ms", "p95 ms", "p99 ms", "max ms", "from the cache")
	for _, row := range list {
		t.Rows = append(t.Rows, append(plain(name(row)...), figures(&row.Figures)...))
	}
	return t
}

func figures(f *result.Figures) []cell {
	failed := cell{Text: "0"}
	if f.Failed > 0 {
		failed = cell{count(f.Failed) + " (" + percent(f.ErrorRate()) + ")", "bad"}
	}
	hits := "–"
	if f.HitRatio != nil {
		hits = percent(*f.HitRatio)
	}
	cells := append(plain(count(f.Count), number(f.Rate)), failed)
	return append(cells, plain(number(f.P50), number(f.P90), number(f.P95), number(f.P99), number(f.Max), hits)...)
}

// answers are the statuses, and what went wrong.
func answers(r *result.Result) table {
	t := table{Title: "Answers", Names: 2, Head: []string{"endpoint", "status", "requests", "of them failed"}}
	for _, row := range r.Endpoints {
		for _, status := range slices.Sorted(maps.Keys(row.Statuses)) {
			n, failed, shown := row.Statuses[status], row.Errors[status], status
			if status == result.NoStatus {
				failed, shown = n, status+": "+strings.Join(reasons(row), ", ")
			}
			t.Rows = append(t.Rows, plain(row.Endpoint, shown, count(n), count(failed)))
		}
	}
	return t
}

// reasons are why requests got no answer: the errors that are not a status.
func reasons(row result.Row) []string {
	var list []string
	for _, why := range slices.Sorted(maps.Keys(row.Errors)) {
		if _, answered := row.Statuses[why]; !answered {
			list = append(list, fmt.Sprintf("%s (%s)", why, count(row.Errors[why])))
		}
	}
	return list
}

// others are the metrics that are not about requests.
func others(r *result.Result) table {
	t := table{
		Title: "Other metrics", Note: "The value of a trend is its median, of a rate the share that was true, of a counter the sum.",
		Names: 2, Head: []string{"metric", "kind", "samples", "value", "p95", "p99", "max"},
	}
	for _, m := range r.Metrics {
		optional := func(v *float64) string {
			if v == nil {
				return "–"
			}
			return number(*v)
		}
		t.Rows = append(t.Rows, plain(m.Name, m.Type, count(m.Count), number(m.Value), optional(m.P95), optional(m.P99), optional(m.Max)))
	}
	return t
}
