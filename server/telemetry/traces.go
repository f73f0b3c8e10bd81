package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace" // spans, and their way to a collector in the background
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// flushTime bounds how long a collector may hold up the end of a node.
const flushTime = 3 * time.Second

// TraceOptions say where the spans of a node go, and which there are.
type TraceOptions struct {
	Endpoint string            // the collector's, for OTLP over HTTP; without /v1/traces
	Headers  map[string]string // for the collector; secret
	Service  string
	Version  string
	Region   string
	Sampler  string  // as OTEL_TRACES_SAMPLER names them
	Ratio    float64 // of the samplers with traceidratio in their names: 0 to 1
	Log      *slog.Logger
}

// Tracer makes the spans of one node and sends them to a collector. Nobody waits for that: spans wait
// in a bounded queue, and those that find it full are lost. A nil Tracer traces nothing.
//
// It is a value of the node, and nothing is set for the process, in which there may be more nodes.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	log      *slog.Logger
	stop     context.CancelFunc // of what is being sent
}

// NewTracer makes a Tracer. It does not ask whether the collector is there.
func NewTracer(ctx context.Context, o TraceOptions) (*Tracer, error) {
	chosen, err := sampler(o.Sampler, o.Ratio)
	if err != nil {
		return nil, err
	}
	target, err := url.JoinPath(o.Endpoint, "v1/traces")
	if err != nil {
		return nil, fmt.Errorf("reading the collector's URL: %w", err)
	}
	// A compression, timeouts and certificates it takes from OTEL_EXPORTER_OTLP_*, as is the standard's.
	sender, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(target), otlptracehttp.WithHeaders(o.Headers))
	if err != nil {
		return nil, fmt.Errorf("preparing to send spans: %w", err)
	}
	sending, stop := context.WithCancel(context.Background())
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(&exporter{SpanExporter: sender, sending: sending, log: o.Log}),
		sdk.WithSampler(chosen),
		sdk.WithResource(resource.NewWithAttributes(semconv.SchemaURL,
			semconv.ServiceName(o.Service), semconv.ServiceVersion(o.Version), regionKey.String(o.Region))),
	)
	return &Tracer{provider: provider, tracer: provider.Tracer("outpost"), log: o.Log, stop: stop}, nil
}

// Close sends what has not been sent yet, for as long as flushTime. It is called once, when no more
// spans are begun.
func (t *Tracer) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.log.Warn("the last spans were not sent to the collector", "error", err)
	}
	t.stop()
}

// sampler knows samplers by the names that OTEL_TRACES_SAMPLER has for them.
func sampler(name string, ratio float64) (sdk.Sampler, error) {
	switch name {
	case "parentbased_always_on":
		return sdk.ParentBased(sdk.AlwaysSample()), nil
	case "parentbased_always_off":
		return sdk.ParentBased(sdk.NeverSample()), nil
	case "parentbased_traceidratio":
		return sdk.ParentBased(sdk.TraceIDRatioBased(ratio)), nil
	case "always_on":
		return sdk.AlwaysSample(), nil
	case "always_off":
		return sdk.NeverSample(), nil
	case "traceidratio":
		return sdk.TraceIDRatioBased(ratio), nil
	}
	return nil, fmt.Errorf("there is no sampler %q", name)
}

// Traceparent is the W3C header that names the span in ctx, empty where there is none: for work that
// is done later, see Continue.
func Traceparent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier.Get("traceparent")
}

// continued is ctx below the span that the headers name, if they name one.
func continued(ctx context.Context, traceparent, tracestate string) context.Context {
	if traceparent == "" {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": traceparent, "tracestate": tracestate})
}
