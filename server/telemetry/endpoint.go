package telemetry

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Endpoint counts the requests of one method of one route. What it counts most often it looks up
// once: finding a counter by its labels takes a lock that all cores share, and several times as long as
// counting. Like any labelled counter, each is there from its first event on.
type Endpoint struct {
	metrics        *Metrics
	method, name   string
	took           lazy[prometheus.Observer]
	ok, unmodified lazy[prometheus.Counter] // 200 and 304
	hits           lazy[prometheus.Counter]
}

// lazy is a value that is made when it is first asked for; one that two make at once is the same.
type lazy[T any] struct{ value atomic.Pointer[T] }

func (l *lazy[T]) get(make func() T) T {
	if v := l.value.Load(); v != nil {
		return *v
	}
	v := make()
	l.value.Store(&v)
	return v
}

// Endpoint gives what counts the requests of that method and name, which is the route's pattern or
// Unmatched. An unknown method is counted as OTHER.
func (m *Metrics) Endpoint(method, name string) *Endpoint {
	return &Endpoint{metrics: m, method: knownMethod(method), name: name}
}

// Request counts a request that was answered now.
func (e *Endpoint) Request(status int, took time.Duration, now time.Time) {
	switch status {
	case http.StatusOK:
		e.ok.get(func() prometheus.Counter { return e.answered(status) }).Inc()
	case http.StatusNotModified:
		e.unmodified.get(func() prometheus.Counter { return e.answered(status) }).Inc()
	default:
		e.answered(status).Inc()
	}
	e.took.get(func() prometheus.Observer { return e.metrics.durations.WithLabelValues(e.method, e.name) }).Observe(took.Seconds())
	e.metrics.window.request(took, now)
}

func (e *Endpoint) answered(status int) prometheus.Counter {
	return e.metrics.requests.WithLabelValues(e.method, e.name, strconv.Itoa(status))
}

// Cache counts what became, now, of a request to the cache: hit, miss or shared.
func (e *Endpoint) Cache(result string, now time.Time) {
	if result == "hit" {
		e.hits.get(func() prometheus.Counter { return e.cached(result) }).Inc()
	} else {
		e.cached(result).Inc()
	}
	e.metrics.window.cache(result == "hit" || result == "shared", now)
}

func (e *Endpoint) cached(result string) prometheus.Counter {
	return e.metrics.cache.WithLabelValues(e.name, result)
}
