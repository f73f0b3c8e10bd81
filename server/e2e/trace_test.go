package e2e

import (
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"outpost/server/telemetry/tracetest"
)

// TestAWriteIsOneTraceInTwoRegions starts a primary and an edge as an operator would who wants traces,
// and an edge that was told all but where to send them; and looks at what the collector gets when they end.
func TestAWriteIsOneTraceInTwoRegions(t *testing.T) {
	collector := tracetest.New(t)
	w := newWorld(t, []string{"fra", "syd", "iad"})
	for _, region := range w.regions[:2] {
		w.env[region]["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.URL
		w.env[region]["OTEL_EXPORTER_OTLP_HEADERS"] = "Api-Key=" + marker
		w.env[region]["OTEL_BSP_SCHEDULE_DELAY"] = "3600000" // nothing goes out before the end
	}
	w.env["iad"]["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = collector.URL + "/v1/traces"
	w.env["iad"]["OTEL_SERVICE_NAME"] = "outpost"
	fra, syd, iad := w.serve("fra"), w.serve("syd"), w.serve("iad")
	learner := w.login("syd", "user1@example.com")
	learner.enroll(w.api("syd"), "passwords-and-passkeys")
	learner.get(w.api("iad") + "/api/v1/me")
	for _, p := range []*process{iad, syd, fra} {
		began := time.Now()
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		select {
		case <-p.ended:
		case <-time.After(patience):
			t.Fatalf("%s has not ended after %v", p.region, time.Since(began))
		}
		if strings.Contains(p.log.String(), marker) {
			t.Errorf("the log of %s shows the collector's header", p.region)
		}
	}
	var here, there *tracetest.Span // of the write
	spans := collector.Spans()
	for i, s := range spans {
		if s.Name != http.MethodPost+" /api/v1/enrollments" {
			continue
		}
		if s.Attributes["outpost.region"] == "syd" {
			here = &spans[i]
		} else {
			there = &spans[i]
		}
		if s.Attributes["service.name"] != "outpost" || s.Header.Get("Api-Key") != marker {
			t.Errorf("the span came as %+v", s)
		}
	}
	if here == nil || there == nil || there.TraceID != here.TraceID || there.Parent != here.SpanID || here.Parent != "" {
		t.Errorf("the spans of the write are %+v and %+v, of %d", here, there, len(spans))
	}
	if slices.ContainsFunc(spans, func(s tracetest.Span) bool { return strings.HasSuffix(s.Name, "/readyz") }) {
		t.Error("there are spans of probes")
	}
	if slices.ContainsFunc(spans, func(s tracetest.Span) bool { return s.Attributes["outpost.region"] == "iad" }) {
		t.Error("a region sends traces that was not told where to")
	}
}
