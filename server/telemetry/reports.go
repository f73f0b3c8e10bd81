package telemetry

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"outpost/server/training"
)

// reportMetrics are the figures of reports.
type reportMetrics struct {
	stages *prometheus.HistogramVec
	ended  *prometheus.CounterVec
}

func newReportMetrics() reportMetrics {
	return reportMetrics{
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "outpost_report_stage_seconds", Help: "Time of one stage of the work on a report, failed ones included.",
			// From one person's report to that of ten thousand.
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"stage", "type"}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "outpost_reports_total", Help: "Reports by what became of them.",
		}, []string{"type", "format", "result"}),
	}
}

// Report counts a report that has come to its end, by its result: completed, failed or cancelled.
func (m *Metrics) Report(t training.ReportType, f training.ReportFormat, result string) {
	m.reports.ended.WithLabelValues(string(t), string(f), result).Inc()
}

// Stages gives what observes the stages of the work on reports, such as fetch_compliance_data: each
// is a span of tracer, which may be nil, and a duration. The function that a stage gives ends it, with
// the error it failed with.
func (m *Metrics) Stages(tracer *Tracer) func(ctx context.Context, name string, t training.ReportType) (context.Context, func(error)) {
	return func(ctx context.Context, name string, t training.ReportType) (context.Context, func(error)) {
		began := m.now()
		ctx, end := tracer.begin(ctx, name, trace.SpanKindInternal, reportTypeKey.String(string(t)))
		return ctx, func(err error) {
			m.reports.stages.WithLabelValues(name, string(t)).Observe(m.now().Sub(began).Seconds())
			end(err)
		}
	}
}
