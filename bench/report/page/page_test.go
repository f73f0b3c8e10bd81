package page

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"outpost/bench/report/result"
)

var update = flag.Bool("update", false, "write the pages that are expected")

// made is a run of so many seconds that never was, the same each time.
func made(seconds int) *result.Result {
	random := rand.New(rand.NewPCG(1, 2))
	ratio := 0.93
	figures := result.Figures{
		Count: int64(300 * seconds), Rate: 300, Failed: 12, Statuses: map[string]int64{"200": int64(300*seconds) - 12, "503": 9, result.NoStatus: 3},
		Errors: map[string]int64{"503": 9, "timed out": 3}, P50: 2.41, P90: 8.8, P95: 14.2, P99: 63.1, Max: 1234.5, Cached: 1000, HitRatio: &ratio,
	}
	value, outpost, share := 14.2, 0.71, 0.493
	r := &result.Result{
		Version: result.Version,
		Run: result.Run{
			Scenario: "learner", Commit: "abc1234", Started: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), Seconds: float64(seconds) + 25.5,
			SteadyFrom: 20, SteadyTo: 20 + float64(seconds), Ended: result.Complete,
			Targets:  []result.Target{{Host: "127.0.0.1:8080", Region: "fra"}, {Host: "127.0.0.1:8081", Region: "iad"}, {Host: "127.0.0.1:8082", Region: "syd"}},
			Settings: map[string]string{"USERS": "1000", "STEADY": "30m"}, Machine: result.Machine{CPU: "Some CPU @ 2.50GHz", Cores: 2, Memory: 24 << 30, OS: "linux/amd64"}, K6: "v2.2.0",
		},
		Totals:     result.Totals{Figures: figures, Iterations: 100_000, ChecksPassed: 12345, LeftOut: map[string]int64{"setup": 1000, "warmup": 6000}},
		CPU:        &result.CPU{Cores: 2, Machine: 1.41, Stolen: 0.04, K6: 0.52, Outpost: &outpost, RestShare: 0.618, OutpostShare: &share},
		Thresholds: []result.Threshold{{Metric: "http_req_duration{user:learner}", Bound: "p(95)<100", Value: &value, Verdict: result.Met}, {Metric: "http_req_failed", Bound: "rate==0", Verdict: result.NoData}, {Metric: "checks", Bound: "rate==1", Value: &ratio, Verdict: result.Missed}},
		Metrics:    []result.Metric{{Name: "checks", Type: "rate", Count: 12345, Value: 1}, {Name: "iteration_duration", Type: "trend", Count: 99, Value: 2001, P95: &value, P99: &value, Max: &value}},
		Users:      []result.Row{{User: "admin", Figures: figures}, {User: "learner", Figures: figures}},
	}
	r.Series.Overall = course1(random, "", seconds, 1, 300)
	for _, name := range []string{"fra", "iad", "syd"} {
		r.Regions = append(r.Regions, result.Row{Region: name, Figures: figures})
		r.Series.Region = append(r.Series.Region, course1(random, name, seconds, 1, 100))
	}
	for _, name := range []string{"GET /admin/analytics", "GET /courses", "GET /dashboard", "GET /me", "GET /me/enrollments", "POST /reports/compliance", "PUT /enrollments/{id}/lessons/{lesson}"} {
		r.Endpoints = append(r.Endpoints, result.Row{Endpoint: name, Figures: figures})
		r.Cells = append(r.Cells, result.Row{Endpoint: name, Region: "fra", Figures: figures}, result.Row{Endpoint: name, Region: "syd", Figures: figures})
		r.Series.Endpoint = append(r.Series.Endpoint, course1(random, name, seconds, 5, 40))
	}
	r.Samples = samples1(random, seconds+25)
	return r
}

func course1(random *rand.Rand, name string, seconds, step, rate int) result.Line {
	l := result.Line{Name: name, Step: step, From: 20}
	for i := range seconds / step {
		n := float64(rate*step) * (0.9 + random.Float64()/5)
		p50 := 2 + random.Float64()
		p99 := 30 * math.Exp(random.NormFloat64()/2)
		failed := 0.0
		if i%97 == 50 {
			failed = 1
		}
		l.Count = append(l.Count, math.Round(n))
		l.Failed = append(l.Failed, failed)
		l.P50 = append(l.P50, result.Round(p50))
		l.P95 = append(l.P95, result.Round(p50+p99/5))
		l.P99 = append(l.P99, result.Round(p50+p99))
	}
	return l
}

func samples1(random *rand.Rand, seconds int) result.Samples {
	s := result.Samples{
		Processes: []result.Process{{
			Name: "fra + iad + syd", ResidentDrift: &result.Drift{First: 128e6, Last: 131e6, Most: 139e6},
			HeapDrift: &result.Drift{First: 75.1e6, Last: 75.9e6, Most: 89.7e6},
		}},
		Nodes: []result.Node{
			{Name: "fra", LagDrift: &result.Drift{First: 0.0034, Last: 0.0036, Most: 0.00487}},
			{Name: "iad", LagDrift: &result.Drift{First: 0.0035, Last: 0.0033, Most: 0.00461}},
			{Name: "syd"},
		},
		Missing: []string{"2 of 50 samples of syd: at first connection refused"},
	}
	for i := range seconds {
		s.At = append(s.At, float64(i))
		s.VUs = append(s.VUs, min(1000, float64(i*10)))
		s.K6 = append(s.K6, 0.5+random.Float64()/10)
		s.Machine = append(s.Machine, 1.4+random.Float64()/5)
		s.Stolen = append(s.Stolen, 0.04)
		p := &s.Processes[0]
		p.CPU = append(p.CPU, 0.7+random.Float64()/10)
		p.Resident = append(p.Resident, 120e6+2e7*random.Float64())
		p.Heap = append(p.Heap, 60e6+3e7*random.Float64())
		for n := range s.Nodes {
			node, lag := &s.Nodes[n], 0.002+0.003*random.Float64()
			if i%31 == 7 {
				lag = math.NaN()
			}
			node.Lag = append(node.Lag, lag)
			node.HitRatio = append(node.HitRatio, 0.9+random.Float64()/12)
			node.Forwarded = append(node.Forwarded, float64(n)*(6+random.Float64()))
		}
	}
	return s
}

func TestPagesAreAsTheyWere(t *testing.T) {
	r := made(20)
	var page bytes.Buffer
	if err := HTML(&page, r); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{"run.html": page.String(), "run.md": Markdown(r)} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s has changed: look at it, then `go test ./report/page -update`", path)
		}
	}
}

// A page is evidence that is committed: it must be there in ten years, without a network, and not be large.
func TestPageOfHalfAnHourIsSmallAndWhole(t *testing.T) {
	var page bytes.Buffer
	if err := HTML(&page, made(1800)); err != nil {
		t.Fatal(err)
	}
	if page.Len() > 500_000 {
		t.Errorf("the page has %d bytes, more than 500 kB", page.Len())
	}
	expectWhole(t, page.String())
}

func expectWhole(t *testing.T, page string) {
	t.Helper()
	if found := regexp.MustCompile(`(?i)https?:|//[a-z]|url\(|@import|<script`).FindString(page); found != "" {
		t.Errorf("the page asks for something: %q", found)
	}
	if found := regexp.MustCompile(`NaN|Inf|%!|ZgotmplZ`).FindString(page); found != "" {
		t.Errorf("the page shows %q", found)
	}
	var charts, titles, tables int
	for tokens := html.NewTokenizer(strings.NewReader(page)); ; {
		if tokens.Next() == html.ErrorToken {
			if err := tokens.Err(); !errors.Is(err, io.EOF) {
				t.Error(err)
			}
			break
		}
		token := tokens.Token()
		if token.Type != html.StartTagToken {
			continue
		}
		for _, a := range token.Attr {
			switch {
			case a.Key == "src" || a.Key == "href" || strings.HasPrefix(a.Key, "on"):
				t.Errorf("<%s %s=%q>", token.Data, a.Key, a.Val)
			case a.Key == "role" && a.Val == "img":
				charts++
			}
		}
		switch token.Data {
		case "figcaption":
			titles++
		case "details":
			tables++
		}
	}
	if charts == 0 || titles != charts || tables != charts {
		t.Errorf("%d charts, %d of them with a title and %d with a table", charts, titles, tables)
	}
}

// The figures and both pages of a run have one number, and no earlier run loses any of them: not even one whose
// figures are gone.
func TestRunReplacesNoOther(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"x.json", "x-2.md", "x-3.html", "x-5.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("earlier"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"x-1", "x-4", "x-6"} {
		written, err := Keep(made(20), filepath.Join(dir, "x.json"))
		base := filepath.Join(dir, want)
		if err != nil || fmt.Sprint(written) != fmt.Sprint([]string{base + ".json", base + ".md", base + ".html"}) {
			t.Fatalf("written: %q, %v; not %s", written, err, want)
		}
		if r, err := result.Read(written[0]); err != nil || r.Run.Scenario != "learner" {
			t.Errorf("%+v, %v", r, err)
		}
	}
	for _, name := range []string{"x.json", "x-2.md", "x-3.html", "x-5.json"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(text) != "earlier" {
			t.Errorf("%s is now %.20q, %v", name, text, err)
		}
	}
	if _, err := Keep(made(20), filepath.Join(dir, "nowhere", "x.json")); err == nil {
		t.Error("a run is kept in a folder that is not there")
	}
}

// What a scenario calls an endpoint is text, whatever is in it.
func TestNamesAreText(t *testing.T) {
	r := made(20)
	r.Endpoints[0].Endpoint = `<script>alert(1)</script>|x`
	r.Series.Endpoint[0].Name = `"><script>alert(1)</script>`
	var page bytes.Buffer
	if err := HTML(&page, r); err != nil {
		t.Fatal(err)
	}
	expectWhole(t, page.String())
	if markdown := Markdown(r); strings.Contains(markdown, "<script") || !strings.Contains(markdown, `\|x`) {
		t.Error("Markdown lets a name be more than text")
	}
}

func TestPageOfNothing(t *testing.T) {
	var page bytes.Buffer
	if err := HTML(&page, &result.Result{Version: result.Version, Run: result.Run{Ended: result.Complete}}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.String(), "no thresholds") || strings.Contains(page.String(), "NaN") {
		t.Error("a run without requests makes no page")
	}
}

func TestAxis(t *testing.T) {
	for _, c := range []struct {
		values []float64
		top    float64
		times  bool
		want   string
	}{
		{[]float64{0, 0}, 0, true, "[0 0.2 0.4 0.6 0.8 1]"},
		{[]float64{3, 41}, 0, true, "[0 10 20 30 40 50]"},
		{[]float64{0.4, 1.6}, 2, false, "[0 0.5 1 1.5 2]"},
		{[]float64{2, 2, 3, 900}, 0, true, "[1 10 100 1000]"},
		{[]float64{2, 2, 3, 900}, 0, false, "[0 200 400 600 800 1000]"},
	} {
		var got []float64
		for _, v := range newAxis(c.values, c.top, c.times).ticks() {
			got = append(got, result.Round(v))
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%v up to %v: %v, not %v", c.values, c.top, got, c.want)
		}
	}
}

// Thinned out, times show the worst of each group, so that no peak is lost; others their mean.
func TestThin(t *testing.T) {
	p := points{}
	for i := range 3000 {
		p.x = append(p.x, float64(i))
		p.y = append(p.y, 1)
	}
	p.y[1234] = 100
	p.y[0] = math.NaN()
	mean := points{append([]float64(nil), p.x...), append([]float64(nil), p.y...)}
	if step := p.thin(true); step != 10 || len(p.y) != 300 || p.y[123] != 100 || p.y[0] != 1 {
		t.Errorf("step %g, %d points, peak %g, first %g", step, len(p.y), p.y[123], p.y[0])
	}
	if mean.thin(false); mean.y[123] != 10.9 {
		t.Errorf("mean %g", mean.y[123])
	}
}
