package node

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"
)

const (
	// farewellTimeout is for the goodbye to reach the hub; without it the others find out by themselves.
	farewellTimeout = 500 * time.Millisecond
	// streamInterval is how often the primary asks how large the stream is.
	streamInterval = 2 * time.Second
)

// announce tells the other regions how this one is, and listens to them.
func (n *Node) announce(ctx context.Context) error {
	stop, err := n.conn.Announcements(n.board.hear)
	if err != nil {
		return err
	}
	defer stop()
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	var said time.Time
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			n.farewell(context.WithoutCancel(ctx))
			return ctx.Err()
		}
		n.applied.count(time.Now(), n.replica.Stats())
		own := n.region()
		changed := n.board.look(own)
		if !changed && time.Since(said) < announceInterval-lookInterval/2 {
			continue
		}
		said = time.Now()
		if err := n.say(own); err != nil {
			n.log.Debug("the other regions were not told", "error", err) // the connection's own messages say why
		}
	}
}

func (n *Node) say(r Region) error {
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("describing this region: %w", err)
	}
	return n.conn.Announce(n.config.Region, data)
}

// farewell tells the others that this node stops, so that they need not find out.
func (n *Node) farewell(ctx context.Context) {
	r := n.region()
	r.State, r.Ready, r.Reason = stateStopped, false, "stopped"
	err := n.say(r)
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, farewellTimeout)
		defer cancel()
		err = n.conn.Flush(ctx)
	}
	if err != nil {
		n.log.Debug("the other regions were not told of the end", "error", err)
	}
}

// region is this node as it is now.
func (n *Node) region() Region {
	now, traffic := time.Now(), n.metrics.Traffic()
	started := n.started.UTC()
	r := Region{
		Region: n.config.Region, Role: role(n.config.Primary()), Ready: true,
		Position: position(n.replica.State().Position), LagSeconds: seconds(n.follow.Lag()),
		HitRatio: traffic.HitRatio, Requests: traffic.Rate,
		P50: milliseconds(traffic.P50), P95: milliseconds(traffic.P95), P99: milliseconds(traffic.P99),
		StartedAt: &started, Uptime: seconds(now.Sub(n.started)), Version: n.options.Version,
	}
	if err := n.Ready(); err != nil {
		r.Ready, r.Reason = false, err.Error()
	}
	r.State = state(r.Ready)
	if age, stale := n.follow.Stale(); stale {
		r.StaleSeconds = seconds(age)
	}
	r.AppliedRows, r.AppliedTransactions = n.applied.rates(now, n.replica.Stats())
	if n.verify != nil {
		if last := n.verify.Status().Last; last != nil {
			ended := last.Ended.UTC()
			r.VerifiedAt, r.VerifiedRows, r.VerifiedDifferences = &ended, &last.Rows, &last.Differences
		}
	}
	return r
}

// watchStream keeps what the status says of the stream.
func (n *Node) watchStream(ctx context.Context) error {
	tick := time.NewTicker(streamInterval)
	defer tick.Stop()
	for {
		limit, cancel := context.WithTimeout(ctx, streamInterval)
		bounds, err := n.conn.Bounds(limit)
		cancel()
		if err == nil {
			n.stream.Store(&bounds)
		} else {
			n.stream.Store(nil) // not known; the hub's own messages say why
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func tenth(f float64) float64 { return math.Round(10*f) / 10 }
