// Package telemetry is what a node tells its operators: metrics under fixed names, a
// rolling picture of the traffic for the status page, structured logs, and traces.
//
// Every node has its own registry and its own tracer, since several nodes may live in one process. Labels
// are bounded: an endpoint is a route's pattern, never a path, and a method or status
// that is not known is not invented. It knows nothing of HTTP routing, SQL or the cache;
// they hand their figures in.
package telemetry

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Unmatched is the endpoint of requests that fit no route.
const Unmatched = "unmatched"

// Metrics are one node's figures. Its methods may be called from any goroutine.
type Metrics struct {
	registry *prometheus.Registry
	window   *window
	now      func() time.Time

	requests    *prometheus.CounterVec
	durations   *prometheus.HistogramVec
	connections prometheus.Gauge
	queries     *prometheus.HistogramVec
	cache       *prometheus.CounterVec
	misses      *prometheus.CounterVec
	forwards    *prometheus.CounterVec
	reports     reportMetrics
}

// New makes the figures of one node. now is its clock; nil means time.Now.
func New(version, region string, now func() time.Time) *Metrics {
	if now == nil {
		now = time.Now
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		window:   newWindow(now),
		now:      now,
		reports:  newReportMetrics(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_requests_total", Help: "Requests answered.",
		}, []string{"method", "endpoint", "status"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_duration_seconds", Help: "Time from the request's arrival to its answer.",
			// A hot hit takes tens of microseconds, a forwarded write an ocean's round trip.
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .2, .5, 1, 2.5, 5, 10},
		}, []string{"method", "endpoint"}),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "active_connections", Help: "Open client connections of the API.",
		}),
		queries: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "db_query_duration_seconds", Help: "Time of one query.",
			Buckets: []float64{.00001, .000025, .00005, .0001, .00025, .0005, .001, .0025, .005, .01, .05, .1, .5, 1, 5},
		}, []string{"engine", "query_type"}),
		cache: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "outpost_cache_requests_total", Help: "Requests to the cache by what became of them.",
		}, []string{"endpoint", "result"}),
		misses: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "outpost_cache_misses_total", Help: "Entries found out of date, by the table of the tag that changed.",
		}, []string{"tag_table"}),
		forwards: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "outpost_forward_total", Help: "Requests sent on to the primary region.",
		}, []string{"result"}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "outpost_build_info", Help: "Always 1; the labels say which binary runs where.",
		ConstLabels: prometheus.Labels{
			"version": version, "goversion": runtime.Version(), "region": region,
		},
	})
	info.Set(1)
	m.registry.MustRegister(m.requests, m.durations, m.connections, m.queries, m.cache, m.misses, m.forwards, m.reports.stages, m.reports.ended, info,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Connections adds n to the open connections.
func (m *Metrics) Connections(n int) { m.connections.Add(float64(n)) }

// Queries gives what observes the queries of one engine: sqlite or postgres.
func (m *Metrics) Queries(engine string) func(queryType string, took time.Duration) {
	vec := m.queries.MustCurryWith(prometheus.Labels{"engine": engine})
	return func(queryType string, took time.Duration) {
		vec.WithLabelValues(queryType).Observe(took.Seconds())
	}
}

// CacheMiss counts an entry that was out of date because a row of table changed.
func (m *Metrics) CacheMiss(table string) { m.misses.WithLabelValues(table).Inc() }

// Forward counts a request sent to the primary region by its result.
func (m *Metrics) Forward(result string) { m.forwards.WithLabelValues(result).Inc() }

// Traffic is what happened in the last minute.
func (m *Metrics) Traffic() Traffic { return m.window.traffic() }

// Registry is where further collectors of this node register.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

// Handler serves the figures to Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, EnableOpenMetrics: true})
}

// knownMethod gives a constant: the argument may lie in a buffer that is reused, and a label
// lives for ever.
func knownMethod(method string) string {
	for _, known := range [...]string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
	} {
		if method == known {
			return known
		}
	}
	return "OTHER"
}
