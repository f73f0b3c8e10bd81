package replica

import (
	"context"
	"sync"
)

// gate lets readers in together and keeps them out while the file is exchanged. It
// is a read-write lock whose both sides give up when their context ends.
type gate struct {
	mu      sync.Mutex
	inside  int
	reopen  chan struct{} // not nil while closed; closed when it opens again
	drained chan struct{} // not nil while someone waits for the last reader
}

// enter waits while the gate is closed.
func (g *gate) enter(ctx context.Context) error {
	for {
		g.mu.Lock()
		if g.reopen == nil {
			g.inside++
			g.mu.Unlock()
			return nil
		}
		reopen := g.reopen
		g.mu.Unlock()
		select {
		case <-reopen:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.inside == 0 && g.drained != nil {
		close(g.drained)
		g.drained = nil
	}
}

// close keeps new readers out and waits until the last has left. If ctx ends first
// the gate is open again. Only one goroutine closes at a time.
func (g *gate) close(ctx context.Context) error {
	g.mu.Lock()
	g.reopen = make(chan struct{})
	if g.inside == 0 {
		g.mu.Unlock()
		return nil
	}
	drained := make(chan struct{})
	g.drained = drained
	g.mu.Unlock()
	select {
	case <-drained:
		return nil
	case <-ctx.Done():
		g.open()
		return ctx.Err()
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.drained = nil
	close(g.reopen)
	g.reopen = nil
}
