package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"outpost/bench/report/result"
)

// The program under test is this binary, started again: main's code is in it, and to link k6 once more
// would take longer than to run it.
func TestMain(m *testing.M) {
	if os.Getenv("AS_K6") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// demo answers as two regions do, of which each third write fails, and as their admin listeners.
type demo struct {
	asked, written atomic.Int64
}

func (d *demo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/metrics":
		n := d.asked.Load()
		fmt.Fprintf(w, "# HELP outpost_build_info Always 1.\n# TYPE outpost_build_info gauge\n")
		fmt.Fprintf(w, "outpost_build_info{region=%q,version=\"1\"} 1\n", r.Host)
		fmt.Fprintf(w, "process_start_time_seconds 1.7e9\nprocess_resident_memory_bytes 5e7\nprocess_cpu_seconds_total %g\n", float64(n)/1000)
		fmt.Fprintf(w, "go_memstats_heap_inuse_bytes 2e7\noutpost_replica_lag_seconds 0.004\n")
		fmt.Fprintf(w, "outpost_cache_requests_total{endpoint=\"/courses\",result=\"hit\"} %d\n", 3*n)
		fmt.Fprintf(w, "outpost_cache_requests_total{endpoint=\"/courses\",result=\"miss\"} %d\n", n)
		fmt.Fprintf(w, "outpost_forward_total{result=\"ok\"} %d\n", d.written.Load())
	case r.Method == http.MethodPut:
		if d.written.Add(1)%3 == 0 {
			http.Error(w, "no", http.StatusServiceUnavailable)
		}
	default:
		if d.asked.Add(1)%4 == 0 {
			w.Header().Set("Cache-Status", "outpost; fwd=miss")
		} else {
			w.Header().Set("Cache-Status", "outpost; hit")
		}
		fmt.Fprint(w, `{"items":[]}`)
	}
}

func TestRunOfTinyScenario(t *testing.T) {
	var d demo
	fra, iad := httptest.NewServer(&d), httptest.NewServer(&d)
	defer fra.Close()
	defer iad.Close()
	path := filepath.Join(t.TempDir(), "results", "tiny.json")
	k6 := exec.CommandContext(t.Context(), os.Args[0], "run", "--quiet", "--no-usage-report", "--out", "outpost="+path, "testdata/tiny.js")
	k6.Env = append(os.Environ(), "AS_K6=1", "BASE_URLS="+fra.URL+","+iad.URL, "REGIONS=fra,iad", "ADMIN_URLS="+fra.URL+","+iad.URL+",http://127.0.0.1:1",
		"COMMIT=abc1234", "USERS=7", "DURATION=https://user:word@host/", "PASSWORD=hunter2", "NOTES=nothing real")
	said, err := k6.CombinedOutput()
	if code := k6.ProcessState.ExitCode(); code != 99 { // k6's, for thresholds that were missed
		t.Fatalf("k6 ended with %d (%v):\n%s", code, err, said)
	}
	path = strings.TrimSuffix(path, ".json") + "-1.json"
	r, err := result.Read(path)
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	expectFigures(t, r, &d)
	expectThresholds(t, r)
	expectSamples(t, r)
	expectFiles(t, path)
	if r.Run.Scenario != "tiny" || r.Run.Commit != "abc1234" || r.Run.Ended != result.Complete || r.Run.Notes != "nothing real" {
		t.Errorf("the run is %+v", r.Run)
	}
	if got := fmt.Sprint(r.Run.Settings); got != "map[USERS:7]" {
		t.Errorf("settings are %s: only what shapes a run, and no URL", got)
	}
}

func expectFigures(t *testing.T, r *result.Result, d *demo) {
	t.Helper()
	counted, leftOut := r.Totals.Count, r.Totals.LeftOut
	if all := counted + leftOut["setup"] + leftOut["warmup"]; all != d.asked.Load()+d.written.Load() {
		t.Errorf("%d requests counted and %v left out, of %d", counted, leftOut, d.asked.Load()+d.written.Load())
	}
	if leftOut["setup"] != 7 || leftOut["warmup"] < 50 || counted < 150 {
		t.Errorf("%d requests counted and %v left out; of 120 a second for three seconds the first is warm-up", counted, leftOut)
	}
	if len(r.Endpoints) != 2 || len(r.Regions) != 2 || len(r.Users) != 2 || len(r.Cells) != 4 {
		t.Fatalf("groups: %+v", r.Cells)
	}
	get, put := r.Endpoints[0], r.Endpoints[1]
	if get.Endpoint != "GET /courses" || get.Failed != 0 || get.HitRatio == nil || *get.HitRatio < 0.6 || *get.HitRatio > 0.9 {
		t.Errorf("reads: %+v", get)
	}
	if put.Endpoint != "PUT /enrollments/{id}" || put.Failed == 0 || put.Errors["503"] != put.Failed || put.Statuses["503"] != put.Failed || put.HitRatio != nil {
		t.Errorf("writes: %+v", put)
	}
	var counts, failed float64
	for i, n := range r.Series.Overall.Count {
		counts += n
		failed += r.Series.Overall.Failed[i]
	}
	if int64(counts) != counted || int64(failed) != put.Failed {
		t.Errorf("over time %g requests and %g failures, in all %d and %d", counts, failed, counted, put.Failed)
	}
}

func expectThresholds(t *testing.T, r *result.Result) {
	t.Helper()
	want := map[string]result.Verdict{
		"checks rate>0.9": result.Met,
		"http_req_duration{user:learner} p(95)<5000":          result.Met,
		"http_req_duration{user:learner} max<10000":           result.Met,
		"http_req_duration{user:nobody} p(95)<1":              result.NoData,
		"http_req_failed{name:PUT /enrollments/{id}} rate==0": result.Missed,
		"went_back count==0":                                  result.Met,
	}
	for _, x := range r.Thresholds {
		name := x.Metric + " " + x.Bound
		if want[name] != x.Verdict || (x.Value == nil) != (x.Verdict == result.NoData) {
			t.Errorf("threshold %s is %+v, and should be %q", name, x, want[name])
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

func expectSamples(t *testing.T, r *result.Result) {
	t.Helper()
	s := r.Samples
	if len(s.At) < 3 || len(s.K6) != len(s.At) || len(s.VUs) != len(s.At) {
		t.Fatalf("samples: %+v", s)
	}
	// Both listeners tell of one process, as those of `outpost dev` do.
	if len(s.Processes) != 1 || !strings.Contains(s.Processes[0].Name, " + ") || s.Processes[0].Resident[1] != 5e7 {
		t.Errorf("processes: %+v", s.Processes)
	}
	if len(s.Nodes) != 3 || s.Nodes[0].Lag[1] != 0.004 || s.Nodes[1].HitRatio[1] != 0.75 {
		t.Errorf("nodes: %+v", s.Nodes)
	}
	if len(s.Missing) != 1 || !strings.Contains(s.Missing[0], "127.0.0.1:1: at first dial tcp") {
		t.Errorf("missing is %q: the third listener is not there", s.Missing)
	}
	if r.CPU == nil || r.CPU.Outpost == nil || r.CPU.K6 <= 0 {
		t.Errorf("CPU is %+v", r.CPU)
	}
}

// expectFiles: all three are there, and none tells what it should not.
func expectFiles(t *testing.T, path string) {
	t.Helper()
	for _, ext := range []string{".json", ".md", ".html"} {
		text, err := os.ReadFile(strings.TrimSuffix(path, ".json") + ext)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, secret := range []string{"secret", "hunter2", "word@"} {
			if strings.Contains(string(text), secret) {
				t.Errorf("%s tells %q", ext, secret)
			}
		}
		if ext == ".json" && !json.Valid(text) {
			t.Errorf("no JSON: %s", text)
		}
	}
}

func TestOutputRefusesToBeNowhere(t *testing.T) {
	k6 := exec.CommandContext(t.Context(), os.Args[0], "run", "--quiet", "--no-usage-report", "--out", "outpost", "testdata/tiny.js")
	k6.Env = append(os.Environ(), "AS_K6=1", "BASE_URLS=http://127.0.0.1:1", "REGIONS=x")
	said, err := k6.CombinedOutput()
	if err == nil || !strings.Contains(string(said), "--out outpost=bench/results/name.json") {
		t.Errorf("%v: %s", err, said)
	}
}
