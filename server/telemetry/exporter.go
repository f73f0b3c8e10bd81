package telemetry

import (
	"context"
	"log/slog"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// tellInterval is how often a log says that a collector takes no spans.
const tellInterval = time.Minute

// exporter sends spans until sending ends, and says itself when that fails: what it returned would
// go to a handler of the whole process. The SDK never calls it twice at once.
type exporter struct {
	sdk.SpanExporter
	sending context.Context // of all that is being sent; the SDK's contexts outlive the Tracer
	log     *slog.Logger

	lost int // since told
	told time.Time
}

// ExportSpans sends spans.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.sending, cancel)()
	if err := e.SpanExporter.ExportSpans(ctx, spans); err != nil {
		e.lost += len(spans)
		if time.Since(e.told) >= tellInterval {
			e.log.Warn("the collector took no spans", "error", err, "lost", e.lost)
			e.lost, e.told = 0, time.Now()
		}
	}
	return nil
}
