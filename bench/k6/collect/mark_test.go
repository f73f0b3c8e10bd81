package collect

import (
	"fmt"
	"testing"
	"time"

	"go.k6.io/k6/v2/metrics"
)

// What is said of a threshold is what k6 itself finds in the same samples.
func TestThresholdsAreK6s(t *testing.T) {
	bounds := map[string][]string{
		"http_req_duration":                      {"p(95)<100", "p(99.9)<1", "avg<50", "med<1", "min<1", "max<100"},
		"http_req_duration{name:GET /me/{id}}":   {"p(95)<1"},
		"http_req_duration{ name:\"GET /you\" }": {"p(50)<1000"},
		"http_req_failed":                        {"rate<0.2"},
		"http_reqs":                              {"count>=100", "rate>1000"},
		"http_reqs{name:nothing}":                {"count==0"},
	}
	thresholds := make(map[string]metrics.Thresholds)
	for name, sources := range bounds {
		list := metrics.NewThresholds(sources)
		if err := list.Parse(); err != nil {
			t.Fatal(err)
		}
		thresholds[name] = list
	}
	f := newFeed(t, thresholds)
	duration, failed, requests := metrics.NewTrendSink(), &metrics.RateSink{}, &metrics.CounterSink{}
	for i := range 100 {
		ms := float64(1 + i)
		f.send(time.Second, ms, i%10 == 0, map[string]string{"name": []string{"GET /me/{id}", "GET /you"}[i%2], "phase": []string{"warmup", "steady"}[i/50]})
		duration.Add(metrics.Sample{Value: ms})
		failed.Add(metrics.Sample{Value: map[bool]float64{true: 1}[i%10 == 0]})
		requests.Add(metrics.Sample{Value: 1})
	}
	const lasted = 10 * time.Second
	for name, sink := range map[string]metrics.Sink{"http_req_duration": duration, "http_req_failed": failed, "http_reqs": requests} {
		list := thresholds[name]
		if _, err := list.Run(sink, lasted); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, v := range verdicts(f.marks, lasted) {
		value := "–"
		if v.Value != nil {
			value = fmt.Sprintf("%.3g", *v.Value)
		}
		got = append(got, fmt.Sprintf("%s %s: %s, %s", v.Metric, v.Bound, value, v.Verdict))
	}
	want := []string{
		"http_req_duration p(95)<100: 95, met",
		"http_req_duration p(99.9)<1: 100, missed",
		"http_req_duration avg<50: 50.5, missed",
		"http_req_duration med<1: 50, missed",
		"http_req_duration min<1: 1, missed",
		"http_req_duration max<100: 100, missed",
		"http_req_duration{ name:\"GET /you\" } p(50)<1000: 50, met",
		"http_req_duration{name:GET /me/{id}} p(95)<1: 95, met", // k6 was not asked
		"http_req_failed rate<0.2: 0.1, met",
		"http_reqs count>=100: 100, met",
		"http_reqs rate>1000: 10, missed",
		"http_reqs{name:nothing} count==0: 0, met",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("verdicts\n%q\nnot\n%q", got, want)
	}
}
