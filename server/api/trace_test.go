package api

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"outpost/server/telemetry"
	"outpost/server/telemetry/tracetest"
)

// traced makes the Tracer of a node.
func traced(t *testing.T, c *tracetest.Collector, d *Deps, n *node) {
	t.Helper()
	tracer, err := telemetry.NewTracer(t.Context(), telemetry.TraceOptions{
		Endpoint: c.URL, Service: "outpost", Region: d.Region, Sampler: "parentbased_always_on", Log: telemetry.NewLog(n.logs, "json", slog.LevelInfo),
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Tracer = tracer
	t.Cleanup(tracer.Close)
}

func TestAWriteOfAnEdgeIsOneTrace(t *testing.T) {
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
	c := tracetest.New(t)
	primary := newNode(t, func(d *Deps, n *node) { traced(t, c, d, n) })
	edge := newEdge(t, primary.listen(), func(d *Deps, n *node) { traced(t, c, d, n) })
	const trace, client = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	given := "00-" + trace + "-" + client + "-01"
	a := edge.do("POST", "/api/v1/enrollments", edge.as(1, "Traceparent", given), `{"course_id":42}`)
	if a.StatusCode != http.StatusCreated || a.Header.Get("Traceparent") != given {
		t.Errorf("answered %d with the trace %s: %s", a.StatusCode, a.Header.Get("Traceparent"), a.body)
	}
	const name = "POST /api/v1/enrollments"
	spans := map[string]tracetest.Span{}
	for _, s := range c.Wait(t, 2) {
		spans[s.Attributes["outpost.region"]] = s
		if s.Name != name || s.TraceID != trace || s.Attributes["http.response.status_code"] != "201" || s.Attributes["outpost.request_id"] != a.Header.Get("X-Request-Id") {
			t.Errorf("the span is %+v", s)
		}
	}
	if spans["syd"].Parent != client || spans["fra"].Parent != spans["syd"].SpanID || spans["fra"].Attributes["outpost.forwarded_by"] != "syd" {
		t.Errorf("the spans hang together as %+v", spans)
	}
	if !strings.Contains(edge.logs.String(), `"trace_id":"`+trace+`"`) {
		t.Errorf("the log does not name the trace: %s", edge.logs)
	}
}

func TestASpanSaysWhatBecameOfItsRequest(t *testing.T) {
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
	c := tracetest.New(t)
	n := newNode(t, func(d *Deps, n *node) { traced(t, c, d, n) })
	n.do("GET", "/livez", nil, "") // of probes there are no spans
	n.do("GET", "/api/v1/courses/phishing", n.as(1), "")
	n.do("HEAD", "/api/v1/courses/phishing", n.as(1), "")
	n.do("GET", "/api/v1/courses?category=panic", n.as(1), "")
	n.do("GET", "/nowhere/private", nil, "")
	spans := c.Wait(t, 4)
	if len(spans) != 4 {
		t.Errorf("there are %d spans", len(spans))
	}
	found := tracetest.ByName(spans)
	for name, want := range map[string]struct {
		status, cache string
		failed        bool
	}{
		"GET /api/v1/courses/{course}":  {"200", missed, false},
		"HEAD /api/v1/courses/{course}": {"200", "outpost; hit", false},
		"GET /api/v1/courses":           {"500", "", true},
		"GET unmatched":                 {"404", "", false},
	} {
		s := found[name]
		if s.Attributes["http.response.status_code"] != want.status || s.Attributes["outpost.cache_status"] != want.cache || s.Failed != want.failed || s.Kind != "server" {
			t.Errorf("%s is %+v", name, s)
		}
		for key, value := range s.Attributes {
			if strings.Contains(value, "private") {
				t.Errorf("%s says %s=%s", name, key, value)
			}
		}
	}
}
