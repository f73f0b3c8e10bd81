package replica

import (
	"container/heap"
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"outpost/replicate/change"
)

// ErrAhead says that a position belongs to a newer generation than the replica's: it
// is the replica that is behind, and waiting for its own positions is pointless.
var ErrAhead = errors.New("the position is of a newer generation than this replica")

// Wait returns nil once the published position has reached p, and at once if p is of
// an older generation, whose positions mean nothing any more. Otherwise it gives
// ErrAhead, ErrClosed, or the context's error.
func (r *Replica) Wait(ctx context.Context, p change.Position) error {
	return r.waiters.wait(ctx, p)
}

// waiters hold those who wait for a position, the nearest first. Publishing costs
// only those whose position is reached, however many others there are.
type waiters struct {
	published atomic.Pointer[State]

	mu     sync.Mutex
	queue  waiterHeap
	closed bool
}

type waiter struct {
	position change.Position
	done     chan error // buffered, so that publishing never waits
	index    int        // in the heap, -1 once out of it
}

// reached decides: done says whether there is anything to wait for.
func reached(state *State, p change.Position) (done bool, err error) {
	at := state.Position
	switch {
	case p.Generation < at.Generation:
		return true, nil
	case p.Generation > at.Generation:
		return true, ErrAhead
	}
	return p.LSN <= at.LSN, nil
}

func (w *waiters) wait(ctx context.Context, p change.Position) error {
	if done, err := reached(w.published.Load(), p); done {
		return err
	}
	me, err := w.enter(p)
	if me == nil {
		return err
	}
	select {
	case err := <-me.done:
		return err
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if me.index < 0 { // it was reached in the same instant
		return <-me.done
	}
	heap.Remove(&w.queue, me.index)
	return ctx.Err()
}

// enter queues a waiter, or gives none where there is nothing to wait for.
func (w *waiters) enter(p change.Position) (*waiter, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	// Again under the lock: publish takes it after it has stored the state, so
	// whatever is published after this look finds the waiter in the queue.
	if done, err := reached(w.published.Load(), p); done {
		return nil, err
	}
	if w.closed {
		return nil, ErrClosed
	}
	me := &waiter{position: p, done: make(chan error, 1)}
	heap.Push(&w.queue, me)
	return me, nil
}

// publish makes s what readers may rely on and wakes those whom it satisfies.
func (w *waiters) publish(s State) {
	old := w.published.Swap(&s)
	w.mu.Lock()
	defer w.mu.Unlock()
	if old != nil && old.Position.Generation != s.Position.Generation {
		w.reconsider(&s)
		return
	}
	for len(w.queue) > 0 {
		done, err := reached(&s, w.queue[0].position)
		if !done {
			return
		}
		heap.Pop(&w.queue).(*waiter).done <- err
	}
}

// reconsider looks at everyone: with another generation the order means nothing.
func (w *waiters) reconsider(s *State) {
	all := w.queue
	w.queue = nil
	for _, each := range all {
		if done, err := reached(s, each.position); done {
			each.index = -1
			each.done <- err
		} else {
			heap.Push(&w.queue, each)
		}
	}
}

func (w *waiters) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for len(w.queue) > 0 {
		heap.Pop(&w.queue).(*waiter).done <- ErrClosed
	}
}

type waiterHeap []*waiter

func (h waiterHeap) Len() int           { return len(h) }
func (h waiterHeap) Less(i, j int) bool { return h[i].position.Compare(h[j].position) < 0 }

func (h waiterHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *waiterHeap) Push(x any) {
	w := x.(*waiter)
	w.index = len(*h)
	*h = append(*h, w)
}

func (h *waiterHeap) Pop() any {
	old := *h
	w := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	w.index = -1
	return w
}
