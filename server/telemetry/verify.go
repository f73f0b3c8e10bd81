package telemetry

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Verify are the figures of the comparison of the replica with Postgres.
type Verify struct {
	Rows uint64 // compared since the start
	// Ended is when the last whole pass ended; zero before the first has. What follows
	// are its figures.
	Ended       time.Time
	Differences int64
	Unsettled   int64
}

// WatchVerify lets every scrape ask read for the comparison's figures.
func (m *Metrics) WatchVerify(read func() Verify) error {
	c := verifyCollector{
		read:        read,
		rows:        prometheus.NewDesc("outpost_verify_rows_total", "Rows of Postgres compared with the replica.", nil, nil),
		differences: prometheus.NewDesc("outpost_verify_differences", "Rows that differed in the last whole pass.", nil, nil),
		unsettled:   prometheus.NewDesc("outpost_verify_unsettled", "Rows that changed whenever they were compared, and tables that could not be, in the last whole pass.", nil, nil),
		ended:       prometheus.NewDesc("outpost_verify_last_success_timestamp_seconds", "When the last whole pass ended, whatever it found.", nil, nil),
	}
	if err := m.registry.Register(c); err != nil {
		return fmt.Errorf("registering the comparison's metrics: %w", err)
	}
	return nil
}

type verifyCollector struct {
	read                                func() Verify
	rows, differences, unsettled, ended *prometheus.Desc
}

func (c verifyCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.rows
	ch <- c.differences
	ch <- c.unsettled
	ch <- c.ended
}

// Collect gives no figures of a pass before there was one: 0 differences would be a lie.
func (c verifyCollector) Collect(ch chan<- prometheus.Metric) {
	v := c.read()
	ch <- prometheus.MustNewConstMetric(c.rows, prometheus.CounterValue, float64(v.Rows))
	if v.Ended.IsZero() {
		return
	}
	ch <- prometheus.MustNewConstMetric(c.differences, prometheus.GaugeValue, float64(v.Differences))
	ch <- prometheus.MustNewConstMetric(c.unsettled, prometheus.GaugeValue, float64(v.Unsettled))
	ch <- prometheus.MustNewConstMetric(c.ended, prometheus.GaugeValue, float64(v.Ended.UnixMilli())/1000)
}
