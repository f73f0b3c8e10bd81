package main

import (
	"fmt"
	"time"

	"outpost/bench/harness"
)

const medium = "medium"

// resident is what an edge has in memory.
type resident struct {
	harness.Memory
	what  string
	limit float64 // MB
}

func (r resident) String() string {
	verdict := "met"
	if r.Resident > r.limit {
		verdict = "NOT MET"
	}
	return fmt.Sprintf("resident     %s: %.1f MB, %.1f of them pages of files, %.1f at most; goal below %.0f MB: %s\n",
		r.what, r.Resident, r.Files, r.Most, r.limit, verdict)
}

// rests is for how long an edge has nothing to do before it is looked at, or as much as it can do.
func (l *lab) rests() time.Duration {
	if l.quick {
		return time.Second
	}
	return 30 * time.Second
}

// idle looks at an edge with the small demo that nobody asks.
func (l *lab) idle(found func(resident)) error {
	edge, err := l.ownEdge(l.primary, database)
	if err != nil {
		return err
	}
	select {
	case <-time.After(l.rests()):
	case <-l.ctx.Done():
		return l.ctx.Err()
	}
	memory, err := edge.Memory()
	if err != nil {
		return err
	}
	found(resident{memory, "an edge with small data, idle", 64})
	return edge.End(grace)
}

// loaded looks at an edge with the medium demo, which takes minutes to make, at the end of a while
// in which it had all that it could do.
func (l *lab) loaded(found func(resident)) error {
	l.say("making the medium demo")
	if err := l.demo(medium); err != nil {
		return err
	}
	primary, err := l.startPrimary(medium)
	if err != nil {
		return err
	}
	if err := l.draw(primary, medium); err != nil {
		return err
	}
	edge, err := l.ownEdge(primary, medium)
	if err != nil {
		return err
	}
	if _, err := l.wrk(&side{addr: edge.api}, int(l.rests().Seconds())); err != nil {
		return err
	}
	memory, err := edge.Memory()
	if err != nil {
		return err
	}
	found(resident{memory, "an edge with medium data, under load", 150})
	if err := edge.End(grace); err != nil {
		return err
	}
	return primary.End(grace)
}

// ownEdge starts an edge with the product's own settings.
func (l *lab) ownEdge(primary *node, name string) (*node, error) {
	return l.serve("edge-"+name, func(*node) map[string]string {
		return map[string]string{"OUTPOST_PRIMARY_URL": "http://" + primary.api, "OUTPOST_HUB_URL": "nats://" + primary.hub}
	})
}
