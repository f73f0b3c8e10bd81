package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"outpost/bench/report/result"
)

//go:embed page.html
var source string

// view is what the template shows.
type view struct {
	Title     string
	Subtitle  string
	Outcome   cell
	Tiles     []tile
	Facts     []fact
	First     []table // what is to be read before all plots
	Plots     []*chart
	Endpoints []*chart
	Tables    []table
}

// tile is one of the figures at the top.
type tile struct{ Name, Value, Unit, Class string }

// HTML writes a run as a page.
func HTML(w io.Writer, r *result.Result) error {
	return render(w, &view{
		Title:     r.Run.Scenario,
		Subtitle:  fmt.Sprintf("%s, commit %s", r.Run.Started.Format("2006-01-02 15:04 UTC"), r.Run.Commit),
		Outcome:   outcome(r),
		Tiles:     tiles(r),
		Facts:     facts(r),
		Plots:     plots(r),
		First:     filled(thresholds(r)),
		Endpoints: endpoints(r),
		Tables:    tables(r),
	})
}

func render(w io.Writer, v *view) error {
	t, err := template.New("page").Parse(source)
	if err != nil {
		return fmt.Errorf("the template of the page: %w", err)
	}
	if err := t.Execute(w, v); err != nil {
		return fmt.Errorf("making the page: %w", err)
	}
	return nil
}

func tiles(r *result.Result) []tile {
	t := &r.Totals
	failed := tile{Name: "failed", Value: count(t.Failed), Class: "good"}
	if t.Failed > 0 {
		failed = tile{Name: "failed", Value: percent(t.ErrorRate()), Class: "bad"}
	}
	list := []tile{
		{Name: "requests", Value: count(t.Count)},
		{Name: "throughput", Value: number(t.Rate), Unit: "a second"},
		{Name: "p50", Value: number(t.P50), Unit: "ms"},
		{Name: "p95", Value: number(t.P95), Unit: "ms"},
		{Name: "p99", Value: number(t.P99), Unit: "ms"},
		failed,
	}
	if t.HitRatio != nil {
		list = append(list, tile{Name: "from the cache", Value: percent(*t.HitRatio)})
	}
	if r.CPU != nil && r.CPU.OutpostShare != nil {
		list = append(list, tile{Name: "of the CPU left", Value: percent(*r.CPU.OutpostShare)})
	}
	return list
}
