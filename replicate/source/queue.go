package source

import (
	"context"
	"sync"
)

// queue holds what was read ahead: any number of events of a bounded number of bytes.
// One goroutine pushes, one pops.
type queue struct {
	limit  int
	filled chan struct{} // something to pop may be there, or the end
	roomy  chan struct{} // room may be there

	mu     sync.Mutex
	events []Event
	head   int
	bytes  int
	err    error // after the last event
}

func newQueue(limit int) *queue {
	return &queue{limit: limit, filled: make(chan struct{}, 1), roomy: make(chan struct{}, 1)}
}

// quietBytes is how much may be added without waking whoever waits to pop.
const quietBytes = 64 << 10

// overhead is what an event costs besides its data.
const overhead = 64

// push waits for room and adds an event. One that is larger than the queue is let in
// when the queue is empty. It is false when ctx ended first. Whoever waits to pop may be
// left asleep until wake: waking costs more than an event.
func (q *queue) push(ctx context.Context, e Event) bool {
	size := len(e.Data) + overhead
	for {
		q.mu.Lock()
		if q.bytes == 0 || q.bytes+size <= q.limit {
			if len(q.events) == cap(q.events) && q.head > len(q.events)/2 {
				n := copy(q.events, q.events[q.head:])
				clear(q.events[n:])
				q.events, q.head = q.events[:n], 0
			}
			q.events = append(q.events, e)
			q.bytes += size
			wake := q.bytes >= quietBytes
			q.mu.Unlock()
			if wake {
				q.wake()
			}
			return true
		}
		q.mu.Unlock()
		q.wake()
		select {
		case <-q.roomy:
		case <-ctx.Done():
			return false
		}
	}
}

// pop takes the oldest event. The error comes when all events are gone, and stays.
func (q *queue) pop() (Event, bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.head == len(q.events) {
		return Event{}, false, q.err
	}
	e := q.events[q.head]
	q.events[q.head] = Event{} // lets go of its data
	q.head++
	q.bytes -= len(e.Data) + overhead
	if q.head == len(q.events) {
		q.events, q.head = q.events[:0], 0
	}
	signal(q.roomy)
	return e, true, nil
}

// wake tells whoever waits to pop.
func (q *queue) wake() { signal(q.filled) }

// close says what comes after the last event.
func (q *queue) close(err error) {
	q.mu.Lock()
	q.err = err
	q.mu.Unlock()
	q.wake()
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// arena copies small slices into shared blocks: an allocation for hundreds of messages
// instead of one each.
type arena struct{ block []byte }

const arenaBlock = 64 << 10

func (a *arena) clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	if len(b) > arenaBlock/4 {
		return append(make([]byte, 0, len(b)), b...)
	}
	if cap(a.block)-len(a.block) < len(b) {
		a.block = make([]byte, 0, arenaBlock)
	}
	start := len(a.block)
	a.block = append(a.block, b...)
	return a.block[start:len(a.block):len(a.block)]
}
