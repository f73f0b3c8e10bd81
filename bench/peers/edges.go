package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"outpost/bench/harness"
	"outpost/server/dev"
)

// far is how long it takes to the far edge's primary and back.
const far = 80 * time.Millisecond

// startMiss starts an edge that keeps no answers, next to its primary.
func (l *lab) startMiss(s *side) error {
	if err := l.needEdge(); err != nil {
		return err
	}
	s.addr, s.processes, s.from = l.edge.api, []*harness.Process{l.edge.Process}, l.edge
	return nil
}

// needEdge starts it for whichever side is the first to need it.
func (l *lab) needEdge() (err error) {
	if l.edge == nil {
		l.edge, err = l.startEdge("edge", l.primary.api, l.primary.hub)
	}
	return err
}

// startFar starts one that is a continent away from primary and Postgres: whatever it sends
// there, and gets from there, passes a line that takes its time.
func (l *lab) startFar(s *side) error {
	api, err := l.line(l.primary.api)
	if err != nil {
		return err
	}
	hub, err := l.line(l.primary.hub)
	if err != nil {
		return err
	}
	edge, err := l.startEdge("far", api, hub)
	if err != nil {
		return err
	}
	s.addr, s.processes, s.from = edge.api, []*harness.Process{edge.Process}, edge
	// A write goes home: it takes as long as that.
	began := time.Now()
	w := writer{primary: edge, people: l.people}
	if err := w.write(l.ctx, 0); err != nil {
		return err
	}
	if took := time.Since(began); took < far {
		return fmt.Errorf("a write through the far edge took %v, and its primary is %v away", took, far)
	}
	return nil
}

// line gives an address from which it takes far to another and back.
func (l *lab) line(to string) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("opening a line: %w", err)
	}
	go func() {
		if err := dev.Proxy(l.ctx, listener, to, far); err != nil && !errors.Is(err, context.Canceled) {
			l.fail(err)
		}
	}()
	return listener.Addr().String(), nil
}

// replica is the file of the edge that sides have in common.
func (l *lab) replica() (string, error) {
	if err := l.needEdge(); err != nil {
		return "", err
	}
	return filepath.Join(l.edge.dir, "replica", "replica.db"), nil
}
