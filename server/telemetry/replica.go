package telemetry

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Replica are a replica's figures at one moment.
type Replica struct {
	LagSeconds   float64 // behind the stream's head
	LSN          uint64
	Rows         uint64 // applied since the start
	Transactions uint64
}

// WatchReplica lets every scrape ask read for the replica's figures.
func (m *Metrics) WatchReplica(read func() Replica) error {
	c := replicaCollector{
		read: read,
		lag:  prometheus.NewDesc("outpost_replica_lag_seconds", "Distance of the replica behind the stream's head.", nil, nil),
		lsn:  prometheus.NewDesc("outpost_replica_position_lsn", "LSN that the replica has reached.", nil, nil),
		rows: prometheus.NewDesc("outpost_replica_applied_rows_total", "Rows applied to the replica.", nil, nil),
		txs:  prometheus.NewDesc("outpost_replica_applied_transactions_total", "Transactions applied to the replica.", nil, nil),
	}
	if err := m.registry.Register(c); err != nil {
		return fmt.Errorf("registering the replica's metrics: %w", err)
	}
	return nil
}

// WatchSlot lets every scrape ask read how much WAL the slot retains; false: not known.
func (m *Metrics) WatchSlot(read func() (bytes int64, ok bool)) error {
	c := slotCollector{
		read:     read,
		retained: prometheus.NewDesc("outpost_slot_retained_bytes", "WAL that the primary keeps for the slot.", nil, nil),
	}
	if err := m.registry.Register(c); err != nil {
		return fmt.Errorf("registering the slot's metrics: %w", err)
	}
	return nil
}

type replicaCollector struct {
	read                func() Replica
	lag, lsn, rows, txs *prometheus.Desc
}

func (c replicaCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.lag
	ch <- c.lsn
	ch <- c.rows
	ch <- c.txs
}

func (c replicaCollector) Collect(ch chan<- prometheus.Metric) {
	r := c.read()
	ch <- prometheus.MustNewConstMetric(c.lag, prometheus.GaugeValue, r.LagSeconds)
	ch <- prometheus.MustNewConstMetric(c.lsn, prometheus.GaugeValue, float64(r.LSN))
	ch <- prometheus.MustNewConstMetric(c.rows, prometheus.CounterValue, float64(r.Rows))
	ch <- prometheus.MustNewConstMetric(c.txs, prometheus.CounterValue, float64(r.Transactions))
}

type slotCollector struct {
	read     func() (int64, bool)
	retained *prometheus.Desc
}

func (c slotCollector) Describe(ch chan<- *prometheus.Desc) { ch <- c.retained }

// Collect gives nothing while the figure is unknown: an edge has no slot, and 0 would be a lie.
func (c slotCollector) Collect(ch chan<- prometheus.Metric) {
	if n, ok := c.read(); ok {
		ch <- prometheus.MustNewConstMetric(c.retained, prometheus.GaugeValue, float64(n))
	}
}
