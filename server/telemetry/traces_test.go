package telemetry

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"outpost/server/telemetry/tracetest"
	"outpost/server/training"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// syncBuffer is a log that is written while it is read.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func newTracer(t *testing.T, endpoint string, bend func(*TraceOptions)) (*Tracer, *syncBuffer) {
	t.Helper()
	logs := new(syncBuffer)
	o := TraceOptions{
		Endpoint: endpoint, Service: "outpost", Version: "v1", Region: "syd", Sampler: "parentbased_always_on", Ratio: 1,
		Log: NewLog(logs, "json", slog.LevelInfo),
	}
	if bend != nil {
		bend(&o)
	}
	tracer, err := NewTracer(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return tracer, logs
}

const (
	parentTrace = "0af7651916cd43dd8448eb211c80319c"
	parentSpan  = "b7ad6b7169203331"
	parent      = "00-" + parentTrace + "-" + parentSpan + "-01"
)

func TestASpanOfARequestArrivesBelowItsParent(t *testing.T) {
	c := tracetest.New(t)
	tracer, _ := newTracer(t, c.URL, func(o *TraceOptions) { o.Headers = map[string]string{"Api-Key": "secret"} })
	root := tracer.Request("BREW", Unmatched, "r0", "", "")
	root.End(Answer{Status: 404})
	span := tracer.Request("GET", "/x/{id}", "r1", parent, "vendor=1")
	span.End(Answer{Status: 503, Cache: "outpost; hit", ForwardedBy: "iad"})
	tracer.Close()
	found := tracetest.ByName(c.Wait(t, 2))
	if got := found["OTHER unmatched"]; got.Parent != "" || got.TraceID == parentTrace || got.TraceID != root.TraceID() || got.Failed {
		t.Errorf("a request of no trace is %+v", got)
	}
	got := found["GET /x/{id}"]
	if got.TraceID != parentTrace || got.Parent != parentSpan || got.Kind != "server" || !got.Failed || got.Header.Get("Api-Key") != "secret" {
		t.Errorf("the span is %+v", got)
	}
	for name, want := range map[string]string{
		"service.name": "outpost", "service.version": "v1", "outpost.region": "syd", "http.request.method": "GET", "http.route": "/x/{id}",
		"http.response.status_code": "503", "outpost.cache_status": "outpost; hit", "outpost.forwarded_by": "iad", "outpost.request_id": "r1",
	} {
		if got.Attributes[name] != want {
			t.Errorf("%s is %q, want %q", name, got.Attributes[name], want)
		}
	}
	if want := "00-" + parentTrace + "-" + got.SpanID + "-01"; span.Traceparent() != want {
		t.Errorf("it calls itself %s, want %s", span.Traceparent(), want)
	}
}

func TestAnotherCallersWishesAreHeard(t *testing.T) {
	for _, c := range []struct {
		sampler     string
		ratio       float64
		traceparent string
		sent        bool
	}{
		{"parentbased_always_on", 1, "", true},
		{"parentbased_always_on", 1, strings.TrimSuffix(parent, "1") + "0", false},
		{"parentbased_always_off", 1, "", false},
		{"parentbased_always_off", 1, parent, true},
		{"parentbased_traceidratio", 0, "", false},
		{"parentbased_traceidratio", 1, "", true},
		{"always_on", 1, strings.TrimSuffix(parent, "1") + "0", true},
		{"always_off", 1, parent, false},
		{"traceidratio", 0, parent, false},
		{"traceidratio", 1, parent, true},
	} {
		receiver := tracetest.New(t)
		tracer, _ := newTracer(t, receiver.URL, func(o *TraceOptions) { o.Sampler, o.Ratio = c.sampler, c.ratio })
		tracer.Request("GET", "/x", "r", c.traceparent, "").End(Answer{Status: 200})
		tracer.Close()
		if sent := len(receiver.Spans()) == 1; sent != c.sent {
			t.Errorf("%s %v of %q: sent is %v", c.sampler, c.ratio, c.traceparent, sent)
		}
	}
	if _, err := NewTracer(t.Context(), TraceOptions{Endpoint: "http://127.0.0.1:1", Sampler: "some"}); err == nil {
		t.Error("a sampler that there is not was taken")
	}
}

func TestWorkIsContinuedAndItsStagesAreBelowIt(t *testing.T) {
	c := tracetest.New(t)
	tracer, _ := newTracer(t, c.URL, nil)
	metrics := New("v1", "syd", nil)
	request := tracer.Request("POST", "/reports", "r", "", "")
	later := Traceparent(request.Context(t.Context()))
	request.End(Answer{Status: 202})

	ctx, done := tracer.Continue(t.Context(), "report", later)
	stage := metrics.Stages(tracer)
	_, fetched := stage(ctx, "fetch_compliance_data", training.GDPR)
	fetched(nil)
	inner, made := stage(ctx, "generate_pdf", training.GDPR)
	if Traceparent(inner) == Traceparent(ctx) {
		t.Error("a stage gives no context of its own")
	}
	made(errors.New("no ink"))
	done(errors.New("no ink"))
	tracer.Close()

	found := tracetest.ByName(c.Wait(t, 4))
	report := found["report"]
	if report.Parent != found["POST /reports"].SpanID || report.TraceID != found["POST /reports"].TraceID || report.Kind != "consumer" || !report.Failed {
		t.Errorf("the work is %+v", report)
	}
	for name, failed := range map[string]bool{"fetch_compliance_data": false, "generate_pdf": true} {
		if s := found[name]; s.Parent != report.SpanID || s.Failed != failed || s.Attributes["outpost.report_type"] != "gdpr" {
			t.Errorf("the stage is %+v", s)
		}
	}
	figures := scrape(t, metrics)
	for _, want := range []string{
		`outpost_report_stage_seconds_count{stage="fetch_compliance_data",type="gdpr"} 1`,
		`outpost_report_stage_seconds_count{stage="generate_pdf",type="gdpr"} 1`,
	} {
		if !strings.Contains(figures, want) {
			t.Errorf("the figures lack %s", want)
		}
	}
}

func TestStagesAreTimedWithoutATracer(t *testing.T) {
	c := &clock{t: time.Unix(1_000_000, 0)}
	metrics := New("v1", "syd", c.now)
	var off *Tracer
	ctx, done := off.Continue(t.Context(), "report", parent)
	_, end := metrics.Stages(off)(ctx, "generate_csv", training.RiskNow)
	c.add(3 * time.Second)
	end(nil)
	done(nil)
	metrics.Report(training.RiskNow, training.CSV, "completed")
	figures := scrape(t, metrics)
	for _, want := range []string{
		`outpost_report_stage_seconds_sum{stage="generate_csv",type="risk"} 3`,
		`outpost_reports_total{format="csv",result="completed",type="risk"} 1`,
	} {
		if !strings.Contains(figures, want) {
			t.Errorf("the figures lack %s", want)
		}
	}
	if got := Traceparent(t.Context()); got != "" {
		t.Errorf("a context of no span gives %q", got)
	}
}

// A collector that takes requests and never answers must hold up nothing.
func TestAHungCollectorHoldsUpNothing(t *testing.T) {
	asked := make(chan struct{}, 1)
	release := make(chan struct{})
	collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		select {
		case asked <- struct{}{}:
		default:
		}
		<-release
	}))
	defer collector.Close()
	defer close(release)
	tracer, logs := newTracer(t, collector.URL, nil)
	began := time.Now()
	for range 20_000 { // many times the queue's length
		tracer.Request("GET", "/x", "r", "", "").End(Answer{Status: 200})
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("20,000 spans took %v", took)
	}
	select {
	case <-asked:
	case <-time.After(10 * time.Second):
		t.Fatal("the collector was not asked")
	}
	began = time.Now()
	tracer.Close()
	if took := time.Since(began); took > flushTime+5*time.Second {
		t.Errorf("it took %v to end", took)
	}
	if !strings.Contains(logs.String(), "the last spans were not sent") {
		t.Errorf("the log does not say so: %s", logs)
	}
}

func TestACollectorThatIsAwayIsToldOfOnce(t *testing.T) {
	t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
	away := httptest.NewServer(http.NotFoundHandler())
	defer away.Close()
	tracer, logs := newTracer(t, away.URL, func(o *TraceOptions) { o.Headers = map[string]string{"Api-Key": "geheim"} })
	for range 5 {
		tracer.Request("GET", "/x", "r", "", "").End(Answer{Status: 200})
	}
	tracer.Close()
	if n := strings.Count(logs.String(), "the collector took no spans"); n != 1 || strings.Contains(logs.String(), "geheim") {
		t.Errorf("it is told of %d times: %s", n, logs)
	}
}
