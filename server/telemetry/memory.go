package telemetry

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Memory is what the cache holds and may hold, and what the process may, 0 where that is not known.
type Memory struct {
	CacheBytes, CacheLimit, Limit int64
}

// WatchMemory lets every scrape ask read for the figures. shrunk counts that the cache gave up
// memory: action is shrink or empty.
func (m *Metrics) WatchMemory(read func() Memory) (shrunk func(action string), err error) {
	count := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "outpost_cache_shrunk_total", Help: "Times that the cache gave up memory, since there was too little.",
	}, []string{"action"})
	for _, action := range []string{"shrink", "empty"} {
		count.WithLabelValues(action) // a rise can be seen from the first on
	}
	c := memoryCollector{
		read:       read,
		cacheBytes: prometheus.NewDesc("outpost_cache_bytes", "Bytes that the cache holds.", nil, nil),
		cacheLimit: prometheus.NewDesc("outpost_cache_limit_bytes", "Bytes that the cache may hold now.", nil, nil),
		limit:      prometheus.NewDesc("outpost_memory_limit_bytes", "Bytes that the process may take.", nil, nil),
	}
	for _, collector := range []prometheus.Collector{count, c} {
		if err := m.registry.Register(collector); err != nil {
			return nil, fmt.Errorf("registering the metrics of memory: %w", err)
		}
	}
	return func(action string) { count.WithLabelValues(action).Inc() }, nil
}

type memoryCollector struct {
	read                          func() Memory
	cacheBytes, cacheLimit, limit *prometheus.Desc
}

func (c memoryCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.cacheBytes
	ch <- c.cacheLimit
	ch <- c.limit
}

// Collect gives no limit where none is known: 0 would be a lie.
func (c memoryCollector) Collect(ch chan<- prometheus.Metric) {
	m := c.read()
	ch <- prometheus.MustNewConstMetric(c.cacheBytes, prometheus.GaugeValue, float64(m.CacheBytes))
	ch <- prometheus.MustNewConstMetric(c.cacheLimit, prometheus.GaugeValue, float64(m.CacheLimit))
	if m.Limit > 0 {
		ch <- prometheus.MustNewConstMetric(c.limit, prometheus.GaugeValue, float64(m.Limit))
	}
}
