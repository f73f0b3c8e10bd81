package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"outpost/bench/report/result"
)

// kept writes a run of one endpoint and gives its path.
func kept(t *testing.T, name string, p95 float64) string {
	t.Helper()
	f := result.Figures{Count: 5000, Rate: 100, P50: 2, P95: p95, P99: 2 * p95, Max: 90}
	line := result.Line{Name: "GET /courses", Step: 5, From: 3, Count: result.Column{500}, Failed: result.Column{0}, P50: result.Column{2}, P95: result.Column{p95}, P99: result.Column{2 * p95}}
	r := &result.Result{
		Version:   result.Version,
		Run:       result.Run{Scenario: "learner", Commit: name, Started: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC), SteadyFrom: 3, SteadyTo: 8, Ended: result.Complete},
		Totals:    result.Totals{Figures: f},
		Endpoints: []result.Row{{Endpoint: "GET /courses", Figures: f}},
		Series:    result.Series{Overall: line, Endpoint: []result.Line{line}},
	}
	path := filepath.Join(t.TempDir(), name+".json")
	if err := r.Write(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCompare(t *testing.T) {
	before, after := kept(t, "aaa", 10), kept(t, "bbb", 20)
	page := filepath.Join(t.TempDir(), "out.html")
	var out strings.Builder
	err := command([]string{"compare", before, after, "-html", page}, &out)
	if !errors.Is(err, errWorse) || !strings.Contains(err.Error(), "GET /courses: p95 10.00 ms before, 20.00 ms now") {
		t.Errorf("twice as slow: %v", err)
	}
	if want := "| GET /courses | all | ✗ WORSE | 5,000 → 5,000 | 0.0 % → 0.0 % | 2.00 → 2.00 | × 1.00 | 10.0 → 20.0 | × 2.00 | 20.0 → 40.0 | × 2.00 | – → – |"; !strings.Contains(out.String(), want) {
		t.Errorf("%s\nis not in\n%s", want, &out)
	}
	html, err := os.ReadFile(page)
	if err != nil || strings.Count(string(html), `role="img"`) != 5 || strings.Contains(string(html), "NaN") {
		t.Errorf("the page has not four charts and one of an endpoint (%v): %s", err, html)
	}
	if err := command([]string{"compare", "-bound", "3", before, after}, &out); err != nil {
		t.Errorf("within a wide bound: %v", err)
	}
	if err := command([]string{"compare", after, before}, &out); err != nil {
		t.Errorf("twice as fast: %v", err)
	}
}

func TestCompareRefuses(t *testing.T) {
	one := kept(t, "aaa", 10)
	old := filepath.Join(t.TempDir(), "old.json")
	if err := os.WriteFile(old, []byte(`{"version": 0}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{}, {"other"}, {"compare"}, {"compare", one}, {"compare", one, old}, {"compare", one, "nowhere.json"}, {"compare", "-bound", "0.5", one, one}, {"render"}, {"render", "x.html"}} {
		if err := command(args, &strings.Builder{}); err == nil || errors.Is(err, errWorse) {
			t.Errorf("%q: %v", args, err)
		}
	}
}

func TestRender(t *testing.T) {
	path := kept(t, "aaa", 10)
	if err := command([]string{"render", path}, &strings.Builder{}); err != nil {
		t.Fatal(err)
	}
	again, err := result.Read(path)
	if err != nil || again.Series.Overall.P95[0] != 10 {
		t.Errorf("%+v, %v", again, err)
	}
	for _, ext := range []string{".md", ".html"} {
		if _, err := os.Stat(strings.TrimSuffix(path, ".json") + ext); err != nil {
			t.Error(err)
		}
	}
}
