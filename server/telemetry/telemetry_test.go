package telemetry

import (
	"bytes"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"
)

type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	b, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestMetricsHaveTheNamesThatDashboardsRelyOn(t *testing.T) {
	m := New("v1", "fra", nil)
	m.Endpoint("GET", "/api/v1/courses/{id}").Request(200, time.Millisecond, m.now())
	m.Endpoint("BREW", Unmatched).Request(404, time.Millisecond, m.now())
	m.Connections(1)
	m.Queries("sqlite")("courses", time.Millisecond)
	m.Endpoint("GET", "/api/v1/courses/{id}").Cache("hit", m.now())
	m.CacheMiss("courses")
	m.Forward("ok")
	if err := m.WatchReplica(func() Replica { return Replica{LagSeconds: .5, LSN: 7, Rows: 3, Transactions: 2} }); err != nil {
		t.Fatal(err)
	}
	if err := m.WatchSlot(func() (int64, bool) { return 99, true }); err != nil {
		t.Fatal(err)
	}
	if err := m.WatchVerify(func() Verify { return Verify{Rows: 12, Ended: time.UnixMilli(1_500), Differences: 4, Unsettled: 1} }); err != nil {
		t.Fatal(err)
	}
	got := scrape(t, m)
	for _, want := range []string{
		`http_requests_total{endpoint="/api/v1/courses/{id}",method="GET",status="200"} 1`,
		`http_requests_total{endpoint="unmatched",method="OTHER",status="404"} 1`,
		`http_request_duration_seconds_count{endpoint="/api/v1/courses/{id}",method="GET"} 1`,
		`active_connections 1`,
		`db_query_duration_seconds_count{engine="sqlite",query_type="courses"} 1`,
		`outpost_cache_requests_total{endpoint="/api/v1/courses/{id}",result="hit"} 1`,
		`outpost_cache_misses_total{tag_table="courses"} 1`,
		`outpost_forward_total{result="ok"} 1`,
		`outpost_replica_lag_seconds 0.5`,
		`outpost_replica_position_lsn 7`,
		`outpost_replica_applied_rows_total 3`,
		`outpost_replica_applied_transactions_total 2`,
		`outpost_slot_retained_bytes 99`,
		`outpost_verify_rows_total 12`,
		`outpost_verify_differences 4`,
		`outpost_verify_unsettled 1`,
		`outpost_verify_last_success_timestamp_seconds 1.5`,
		`outpost_build_info{`,
		`process_resident_memory_bytes`,
		`go_goroutines`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the figures lack %s", want)
		}
	}
}

// The server framework reuses the memory of a request's strings.
func TestALabelOutlivesTheRequest(t *testing.T) {
	m := New("v1", "fra", nil)
	method := []byte("GET")
	m.Endpoint(unsafe.String(&method[0], len(method)), "/x").Request(200, time.Millisecond, m.now())
	copy(method, "PUT")
	if !strings.Contains(scrape(t, m), `method="GET"`) {
		t.Error("the label changed with the request's memory")
	}
}

func TestTwoNodesInOneProcessDoNotShareFigures(t *testing.T) {
	a, b := New("v1", "fra", nil), New("v1", "syd", nil)
	a.Endpoint("GET", "/x").Request(200, time.Millisecond, a.now())
	if strings.Contains(scrape(t, b), `endpoint="/x"`) {
		t.Error("the second node shows the first one's request")
	}
}

func TestAnEdgeHasNoSlotFigure(t *testing.T) {
	m := New("v1", "syd", nil)
	if err := m.WatchSlot(func() (int64, bool) { return 0, false }); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(scrape(t, m), "outpost_slot_retained_bytes") {
		t.Error("a slot's figure is shown where there is no slot")
	}
}

func TestNothingIsSaidOfAPassThatHasNotEnded(t *testing.T) {
	m := New("v1", "fra", nil)
	if err := m.WatchVerify(func() Verify { return Verify{Rows: 5} }); err != nil {
		t.Fatal(err)
	}
	if got := scrape(t, m); !strings.Contains(got, "outpost_verify_rows_total 5") || strings.Contains(got, "outpost_verify_differences") {
		t.Error("differences are counted before a pass has ended")
	}
}

func TestTrafficForgetsAfterAMinute(t *testing.T) {
	c := &clock{t: time.Unix(1_000_000, 0)}
	m := New("v1", "fra", c.now)
	for range 98 {
		m.Endpoint("GET", "/x").Request(200, time.Millisecond, m.now())
	}
	m.Endpoint("GET", "/x").Request(200, time.Second, m.now())
	m.Endpoint("GET", "/x").Request(200, time.Second, m.now())
	m.Endpoint("GET", "/x").Cache("hit", m.now())
	m.Endpoint("GET", "/x").Cache("hit", m.now())
	m.Endpoint("GET", "/x").Cache("shared", m.now())
	m.Endpoint("GET", "/x").Cache("miss", m.now())
	c.add(10 * time.Second)
	got := m.Traffic()
	if got.Requests != 100 || got.Rate != 10 {
		t.Errorf("counted %d requests at %v a second, want 100 at 10", got.Requests, got.Rate)
	}
	if got.HitRatio != .75 {
		t.Errorf("hit ratio is %v, want 0.75", got.HitRatio)
	}
	near := func(name string, got, want time.Duration) {
		if got < want || float64(got) > float64(want)*growth*growth {
			t.Errorf("%s is %v, want about %v", name, got, want)
		}
	}
	near("P50", got.P50, time.Millisecond)
	near("P95", got.P95, time.Millisecond)
	near("P99", got.P99, time.Second)

	c.add(70 * time.Second)
	if got := m.Traffic(); got != (Traffic{}) {
		t.Errorf("after a quiet minute the traffic is %+v", got)
	}
	m.Endpoint("GET", "/x").Request(200, time.Millisecond, m.now())
	if got := m.Traffic(); got.Requests != 1 {
		t.Errorf("a reused slice counts %d requests, want 1", got.Requests)
	}
}

func TestTrafficIsCountedFromManyGoroutines(t *testing.T) {
	c := &clock{t: time.Unix(1_000_000, 0)}
	m := New("v1", "fra", c.now)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				m.Endpoint("GET", "/x").Request(200, time.Millisecond, m.now())
				m.Traffic()
			}
		})
	}
	wg.Wait()
	if got := m.Traffic().Requests; got != 8000 {
		t.Errorf("counted %d requests, want 8000", got)
	}
}

func TestLogIsJSONUnlessTold(t *testing.T) {
	for format, want := range map[string]string{"json": `"n":1`, "": `"n":1`, "text": "n=1"} {
		var b bytes.Buffer
		log := NewLog(&b, format, slog.LevelWarn)
		log.Info("quiet")
		log.Warn("loud", slog.Int("n", 1))
		if got := b.String(); strings.Contains(got, "quiet") || !strings.Contains(got, want) {
			t.Errorf("format %q logs %s, want %s", format, got, want)
		}
	}
}

func BenchmarkRequest(b *testing.B) {
	m := New("v1", "fra", nil)
	e := m.Endpoint("GET", "/api/v1/courses/{id}")
	b.ReportAllocs()
	for b.Loop() {
		e.Request(200, time.Millisecond, m.now())
	}
}

// BenchmarkRequestParallel is all that is counted of a hit, on every core.
func BenchmarkRequestParallel(b *testing.B) {
	m := New("v1", "fra", nil)
	e, now := m.Endpoint("GET", "/api/v1/courses/{id}"), time.Now()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			e.Cache("hit", now)
			e.Request(200, time.Millisecond, now)
		}
	})
}
