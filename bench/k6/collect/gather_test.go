package collect

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"go.k6.io/k6/v2/metrics"

	"outpost/bench/report/result"
)

// feed makes k6's samples of requests, at offsets of a run that has begun.
type feed struct {
	t        *testing.T
	began    time.Time
	registry *metrics.Registry
	builtin  *metrics.BuiltinMetrics
	hits     *metrics.Metric
	*gatherer
}

func newFeed(t *testing.T, thresholds map[string]metrics.Thresholds) *feed {
	t.Helper()
	f := &feed{t: t, began: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), registry: metrics.NewRegistry()}
	f.builtin = metrics.RegisterBuiltinMetrics(f.registry)
	f.hits = f.registry.MustNewMetric(cacheHits, metrics.Rate)
	var err error
	if f.gatherer, err = newGatherer(f.began, thresholds); err != nil {
		t.Fatal(err)
	}
	return f
}

// send hands over one request that ended at an offset.
func (f *feed) send(at time.Duration, ms float64, failed bool, tags map[string]string) {
	set := f.registry.RootTagSet().WithTagsFromMap(tags)
	sample := func(m *metrics.Metric, value float64) metrics.Sample {
		return metrics.Sample{TimeSeries: metrics.TimeSeries{Metric: m, Tags: set}, Time: f.began.Add(at), Value: value}
	}
	wrong := 0.0
	if failed {
		wrong = 1
	}
	f.take([]metrics.SampleContainer{metrics.Samples{
		sample(f.builtin.HTTPReqs, 1), sample(f.builtin.HTTPReqDuration, ms), sample(f.builtin.HTTPReqWaiting, ms), sample(f.builtin.HTTPReqFailed, wrong),
	}})
}

// percentile of values, the plain way: the one at the nearest rank.
func percentile(values []float64, p float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(int(math.Round(p/100*float64(len(sorted))))-1, 0)]
}

func expectNear(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance*want {
		t.Errorf("%s is %g, and %g of the sorted values", what, got, want)
	}
}

// Figures of each group, and of each second, are those of the sorted values.
func TestPercentilesAreThoseOfSortedValues(t *testing.T) {
	f := newFeed(t, nil)
	random := rand.New(rand.NewPCG(8, 8))
	all := map[string][]float64{}
	for i := range 40_000 {
		at := 5*time.Second + time.Duration(i)*time.Millisecond/2 // twenty seconds
		tags := map[string]string{
			"name": []string{"GET /courses", "GET /me", "PUT /x"}[random.IntN(3)], "region": []string{"fra", "syd"}[random.IntN(2)],
			"user": "learner", "status": "200",
		}
		ms := math.Round(1000*2*math.Exp(random.NormFloat64()*1.2)) / 1000
		f.send(at, ms, false, tags)
		for _, group := range []string{"all", tags["name"], tags["region"], tags["name"] + tags["region"], fmt.Sprint("second ", int(at.Seconds())), fmt.Sprint("second ", int(at.Seconds()), tags["region"])} {
			all[group] = append(all[group], ms)
		}
	}
	expect := func(group string, got result.Figures) {
		values := all[group]
		if got.Count != int64(len(values)) || got.Statuses["200"] != got.Count {
			t.Errorf("%s: %d requests of %d", group, got.Count, len(values))
		}
		for p, v := range map[float64]float64{50: got.P50, 90: got.P90, 95: got.P95, 99: got.P99, 100: got.Max} {
			expectNear(t, fmt.Sprintf("%s: p%g", group, p), v, percentile(values, p), 0.001)
		}
	}
	expect("all", f.all())
	expectNear(t, "the rate", f.all().Rate, 2000, 0.001)
	for _, row := range f.rows(func(k key) key { return key{endpoint: k.endpoint, region: k.region} }) {
		expect(row.Endpoint+row.Region, row.Figures)
	}
	for _, row := range f.rows(func(k key) key { return key{endpoint: k.endpoint} }) {
		expect(row.Endpoint, row.Figures)
	}
	series := f.series()
	for _, l := range append([]result.Line{series.Overall}, series.Region...) {
		if l.From != 5 || len(l.Count) != 20 {
			t.Fatalf("%d steps from %d on, not 20 from 5", len(l.Count), l.From)
		}
		for i := range l.Count {
			values := all[fmt.Sprint("second ", 5+i, l.Name)]
			if int(l.Count[i]) != len(values) {
				t.Errorf("second %d of %q: %g requests, not %d", 5+i, l.Name, l.Count[i], len(values))
			}
			expectNear(t, "p50 of a second", l.P50[i], percentile(values, 50), 0.01)
			expectNear(t, "p99 of a second", l.P99[i], percentile(values, 99), 0.01)
		}
	}
	if n := len(series.Endpoint); n != 3 || len(series.Endpoint[0].Count) != 4 || series.Endpoint[0].Step != 5 {
		t.Errorf("by endpoint: %+v", series.Endpoint)
	}
}

// Samples come late and not in order, and some seconds have none.
func TestSamplesOutOfOrderCount(t *testing.T) {
	f := newFeed(t, nil)
	for _, ms := range []int{3100, 2900, 4000, 3200, 9500, 9100, 8000, 3000, 20_000} {
		f.send(time.Duration(ms)*time.Millisecond, 1, ms == 3000, nil)
	}
	l := f.series().Overall
	// The request of second 3 that comes after those of second 9 is counted in the oldest that is open: 7.
	if got := fmt.Sprint(l.From, l.Count, l.Failed); got != "3 [3 1 0 0 1 1 2 0 0 0 0 0 0 0 0 0 0 1] [0 0 0 0 1 0 0 0 0 0 0 0 0 0 0 0 0 0]" {
		t.Error(got)
	}
	if !math.IsNaN(l.P95[2]) {
		t.Errorf("a second without requests has a p95 of %g", l.P95[2])
	}
}

func TestOnlySteadyRequestsCount(t *testing.T) {
	f := newFeed(t, nil)
	for phase, n := range map[string]int{"setup": 3, "warmup": 4, "steady": 5, "": 2} {
		for range n {
			f.send(time.Second, 1, false, map[string]string{"name": "GET /me", "phase": phase})
		}
	}
	f.send(time.Second, 1, false, map[string]string{"name": "http://h/login", "group": "::setup"})
	f.send(time.Second, 1, false, map[string]string{"name": "http://h/x", "group": "::teardown"})
	if n := f.all().Count; n != 7 || fmt.Sprint(f.leftOut) != "map[setup:4 teardown:1 warmup:4]" {
		t.Errorf("%d count, and of %v none", n, f.leftOut)
	}
}

func TestErrorsByStatusAndReason(t *testing.T) {
	f := newFeed(t, nil)
	tags := func(status, code string) map[string]string {
		return map[string]string{"name": "GET /me", "status": status, "error_code": code}
	}
	f.send(time.Second, 1, false, tags("200", ""))
	f.send(time.Second, 1, false, tags("503", "1503")) // which the scenario allows
	f.send(time.Second, 1, true, tags("500", "1500"))
	f.send(time.Second, 60_000, true, tags("0", "1050"))
	f.send(time.Second, 1, true, tags("0", "1212"))
	f.send(time.Second, 1, true, tags("0", "1999"))
	all := f.all()
	if got := fmt.Sprint(all.Statuses, all.Errors, all.Failed); got != "map[200:1 500:1 503:1 none:3] map[500:1 connection refused:1 no answer: k6's error 1999:1 timed out:1] 4" {
		t.Error(got)
	}
}

// A script without names must not fill the memory, nor tell what is in its URLs.
func TestCrowdOfURLs(t *testing.T) {
	f := newFeed(t, nil)
	for i := range 1000 {
		f.send(time.Second, 1, false, map[string]string{"name": fmt.Sprintf("http://127.0.0.1:80/api/courses/%d?token=secret%d", i, i)})
		f.send(time.Second, 1, false, map[string]string{"name": fmt.Sprintf("http://127.0.0.1:80/api/x%d", i)})
	}
	rows := f.rows(func(k key) key { return key{endpoint: k.endpoint, region: k.region} })
	if len(rows) > 4*mostGroups+1 || len(f.series().Endpoint) > mostGroups+1 {
		t.Errorf("%d groups, %d courses", len(rows), len(f.series().Endpoint))
	}
	if first := rows[1]; first.Endpoint != "/api/courses/{id}" || first.Region != "127.0.0.1:80" || first.Count != 1000 {
		t.Errorf("%+v", first)
	}
	if all := f.all(); all.Count != 2000 {
		t.Errorf("%d requests", all.Count)
	}
	for name, want := range map[string]string{
		"GET /me?token=secret": "GET /me", "http://h/": "/", "http://h/users/a@example.com/risk": "/users/{id}/risk",
		"http://h/a/0b7e9f6a-1f0e-4d5e-8b43-0123456789ab/1": "/a/{id}/{id}", "http://h/%zz": others,
	} {
		if got, _ := endpointOf(name); got != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
}

// BenchmarkTake is what a request costs k6 beside its own work: two cores are shared with what is measured.
func BenchmarkTake(b *testing.B) {
	registry := metrics.NewRegistry()
	builtin := metrics.RegisterBuiltinMetrics(registry)
	began := time.Now()
	limits := metrics.NewThresholds([]string{"p(95)<100"})
	g, err := newGatherer(began, map[string]metrics.Thresholds{"http_req_duration": limits, "http_req_duration{user:learner}": limits})
	if err != nil {
		b.Fatal(err)
	}
	var tags []*metrics.TagSet
	for i := range 60 {
		tags = append(tags, registry.RootTagSet().WithTagsFromMap(map[string]string{
			"name": fmt.Sprint("GET /", i%20), "region": fmt.Sprint("r", i%3), "user": "learner", "status": "200", "phase": "steady",
		}))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		sample := func(m *metrics.Metric, value float64) metrics.Sample {
			return metrics.Sample{TimeSeries: metrics.TimeSeries{Metric: m, Tags: tags[i%len(tags)]}, Time: began.Add(time.Duration(i) * time.Millisecond / 5), Value: value}
		}
		g.take([]metrics.SampleContainer{metrics.Samples{
			sample(builtin.HTTPReqs, 1), sample(builtin.HTTPReqDuration, float64(i%500)/10), sample(builtin.HTTPReqBlocked, 0),
			sample(builtin.HTTPReqConnecting, 0), sample(builtin.HTTPReqTLSHandshaking, 0), sample(builtin.HTTPReqSending, 0),
			sample(builtin.HTTPReqWaiting, 1), sample(builtin.HTTPReqReceiving, 0), sample(builtin.HTTPReqFailed, 0),
		}})
	}
}
