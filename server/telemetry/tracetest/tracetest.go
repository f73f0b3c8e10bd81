// Package tracetest is a collector for tests: it takes spans by OTLP over HTTP, as a real one does, and
// gives them to whoever asks. It knows nothing of how they are made.
package tracetest

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1" // what travels
	common "go.opentelemetry.io/proto/otlp/common/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is one that arrived. Its ids are hexadecimal.
type Span struct {
	Name                    string
	TraceID, SpanID, Parent string
	Kind                    string // server, consumer, internal
	Failed                  bool
	Attributes              map[string]string // the resource's too
	Header                  http.Header       // of the request that brought it
}

// Collector has taken spans.
type Collector struct {
	URL string

	mu    sync.Mutex
	spans []Span
	wrong error
}

// New makes a collector that listens until the test ends.
func New(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{}
	server := httptest.NewServer(http.HandlerFunc(c.take))
	c.URL = server.URL
	t.Cleanup(func() {
		server.Close()
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.wrong != nil {
			t.Errorf("the collector was sent what is no traces: %v", c.wrong)
		}
	})
	return c
}

// Spans are those that have arrived.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

// Wait waits until n spans have arrived, and gives them.
func (c *Collector) Wait(t testing.TB, n int) []Span {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		spans := c.Spans()
		if len(spans) >= n {
			return spans
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d spans have arrived, not %d: %+v", len(spans), n, spans)
		}
	}
}

// ByName gives each span by its name.
func ByName(spans []Span) map[string]Span {
	found := make(map[string]Span, len(spans))
	for _, s := range spans {
		found[s.Name] = s
	}
	return found
}

func (c *Collector) take(w http.ResponseWriter, r *http.Request) {
	var request collector.ExportTraceServiceRequest
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = proto.Unmarshal(body, &request)
	}
	if err == nil && (r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf") {
		err = fmt.Errorf("%s %s of type %s", r.Method, r.URL, r.Header.Get("Content-Type"))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.wrong = err
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for _, of := range request.GetResourceSpans() {
		for _, scope := range of.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, Span{
					Name: s.GetName(), TraceID: hex.EncodeToString(s.GetTraceId()), SpanID: hex.EncodeToString(s.GetSpanId()),
					Parent: hex.EncodeToString(s.GetParentSpanId()), Header: r.Header,
					Kind:       strings.ToLower(strings.TrimPrefix(s.GetKind().String(), "SPAN_KIND_")),
					Failed:     s.GetStatus().GetCode() == trace.Status_STATUS_CODE_ERROR,
					Attributes: texts(of.GetResource().GetAttributes(), s.GetAttributes()),
				})
			}
		}
	}
}

func texts(lists ...[]*common.KeyValue) map[string]string {
	out := make(map[string]string)
	for _, a := range slices.Concat(lists...) {
		switch v := a.GetValue().GetValue().(type) {
		case *common.AnyValue_StringValue:
			out[a.GetKey()] = v.StringValue
		case *common.AnyValue_IntValue:
			out[a.GetKey()] = fmt.Sprint(v.IntValue)
		}
	}
	return out
}
