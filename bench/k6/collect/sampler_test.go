package collect

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A server that is not there yet, comes, starts anew and goes leaves gaps, and nothing below zero.
func TestServerThatStartsAnew(t *testing.T) {
	var asked, started float64
	up := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !up {
			http.Error(w, "not yet", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, "process_start_time_seconds %g\nprocess_cpu_seconds_total %g\nprocess_resident_memory_bytes 7e7\n", started, asked/100)
		fmt.Fprintf(w, "outpost_build_info{region=\"fra\"} 1\nhttp_request_duration_seconds_bucket{le=\"+Inf\"} no number\n")
		fmt.Fprintf(w, "outpost_cache_requests_total{result=\"hit\"} %g\noutpost_cache_requests_total{result=\"shared\"} %g\noutpost_cache_requests_total{result=\"miss\"} %g\n", asked, asked, 2*asked)
	}))
	defer server.Close()
	s := newSampler(time.Now(), []string{server.URL}, func() float64 { return 3 })
	sample := func(requests float64) { asked = requests; s.sample(t.Context()) }
	sample(0) // not there yet
	up, started = true, 1
	sample(100)
	sample(200)
	started = 2
	sample(50) // anew
	sample(50) // nobody asked
	sample(90)
	up = false
	sample(0)
	ended, end := context.WithCancel(t.Context())
	end()
	s.sample(ended) // cut off at the end of the run, which is no failure
	s.conclude()
	if got := fmt.Sprint(s.samples.Nodes[0].Name, s.samples.Nodes[0].HitRatio); got != "fra[NaN NaN 0.5 NaN NaN 0.5 NaN]" {
		t.Errorf("hit ratio of %s", got)
	}
	p := s.samples.Processes[0]
	if got := fmt.Sprint(p.Name, p.Resident); got != "fra[NaN 7e+07 7e+07 7e+07 7e+07 7e+07 NaN]" {
		t.Errorf("memory of %s", got)
	}
	if !(p.CPU[2] > 0) || !math.IsNaN(p.CPU[3]) || p.CPU[4] != 0 {
		t.Errorf("CPU: %v", p.CPU)
	}
	if missing := strings.Join(s.samples.Missing, "\n"); !strings.Contains(missing, "2 of 7 samples of fra: at first /metrics answered 503") {
		t.Errorf("missing: %q", missing)
	}
}
