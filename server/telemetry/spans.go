package telemetry

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// What no convention has a name for.
const (
	regionKey      = attribute.Key("outpost.region") // of every span, as the resource's
	cacheKey       = attribute.Key("outpost.cache_status")
	forwardedByKey = attribute.Key("outpost.forwarded_by")
	requestIDKey   = attribute.Key("outpost.request_id")
	reportTypeKey  = attribute.Key("outpost.report_type")
)

// RequestSpan is the span of one HTTP request.
type RequestSpan struct{ span trace.Span }

// Request begins the span of a request: below the one that the headers name, which may be empty.
// endpoint is the route's pattern, or Unmatched. No argument may lie in a buffer that is reused.
func (t *Tracer) Request(method, endpoint, requestID, traceparent, tracestate string) *RequestSpan {
	method = knownMethod(method)
	_, span := t.tracer.Start(continued(context.Background(), traceparent, tracestate), method+" "+endpoint,
		trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(semconv.HTTPRequestMethodKey.String(method), semconv.HTTPRoute(endpoint), requestIDKey.String(requestID)))
	return &RequestSpan{span}
}

// Context is for work that belongs to the request.
func (s *RequestSpan) Context(ctx context.Context) context.Context {
	return trace.ContextWithSpan(ctx, s.span)
}

// Traceparent names the span to whom the request is passed on.
func (s *RequestSpan) Traceparent() string { return Traceparent(s.Context(context.Background())) }

// TraceID is the trace's, for the log.
func (s *RequestSpan) TraceID() string { return s.span.SpanContext().TraceID().String() }

// Answer is what became of a request.
type Answer struct {
	Status      int
	Cache       string // Cache-Status; empty: none of the cache's business
	ForwardedBy string // the region that sent it on; may be empty
}

// End ends the span.
func (s *RequestSpan) End(a Answer) {
	s.span.SetAttributes(semconv.HTTPResponseStatusCode(a.Status))
	if a.Cache != "" {
		s.span.SetAttributes(cacheKey.String(a.Cache))
	}
	if a.ForwardedBy != "" {
		s.span.SetAttributes(forwardedByKey.String(a.ForwardedBy))
	}
	if a.Status >= http.StatusInternalServerError {
		s.span.SetStatus(codes.Error, "") // why stands in the log
	}
	s.span.End()
}

// Continue begins the span of work that was asked for earlier, below the span that traceparent names
// (see Traceparent; it may be empty). The function it gives ends it, with the error of the work.
func (t *Tracer) Continue(ctx context.Context, name, traceparent string) (context.Context, func(error)) {
	return t.begin(continued(ctx, traceparent, ""), name, trace.SpanKindConsumer)
}

// begin begins a span below the one in ctx.
func (t *Tracer) begin(ctx context.Context, name string, kind trace.SpanKind, attributes ...attribute.KeyValue) (context.Context, func(error)) {
	if t == nil {
		return ctx, func(error) {}
	}
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(kind), trace.WithAttributes(attributes...))
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}
