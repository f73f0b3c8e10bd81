package cache

import (
	"context"
	"fmt"
	"runtime/debug"

	"outpost/replicate/change"
)

// The ways in which Do came by its answer.
const (
	Hit    = "hit"
	Miss   = "miss"   // computed for this request
	Shared = "shared" // computed for another request, and checked for this one
)

// Result is an answer, and the position to send with it.
type Result struct {
	Entry  *Entry
	At     change.Position
	Status string
}

// flight is a fill under way and those who wait for it.
type flight struct {
	key     string
	cancel  context.CancelFunc
	waiting int // guarded by Cache.flying
	done    chan struct{}
	entry   *Entry // with err, set before done is closed
	err     error
}

// Do answers from the cache, or by fill, or by the fill that another request of the same
// key has under way. The caller has waited for the request's own position before.
//
// fill runs in a goroutine of its own: a caller that goes away cancels nothing while others
// wait, and the context that fill gets is cancelled when the last one has gone. It keeps
// the values of the context of the caller that began it, so that one must not be reused for
// another request. The key is copied.
//
// An answer, or an error, of a fill that began before this request came may be older than
// what the request has waited for. It is handed over only if the entry passes the check for
// this request too, and an error never is; then the request goes once more, and whatever it
// finds under way now began after it came. So nobody waits for more than two fills.
func (c *Cache) Do(ctx context.Context, key []byte, fill func(context.Context) (Filled, error)) (Result, error) {
	hash := c.hash(key)
	e, at, reason, tag := c.look(key, hash, c.now())
	if reason == fresh {
		c.hits.Add(1)
		return Result{Entry: e, At: at, Status: Hit}, nil
	}
	if c.missed != nil {
		table := ""
		if reason == Changed {
			table = c.tables[tag.table()]
		}
		c.missed(reason, table)
	}
	f, mine, err := c.wait(ctx, key, hash, fill)
	if err != nil {
		return Result{}, err
	}
	if !mine {
		if at, ok := c.handOver(f); ok {
			return c.share(f.entry, at), nil
		}
		// Another who was turned away as well may have been faster.
		if e, at, reason, _ := c.look(key, hash, c.now()); reason == fresh {
			return c.share(e, at), nil
		}
		if f, mine, err = c.wait(ctx, key, hash, fill); err != nil {
			return Result{}, err
		}
	}
	// What was read after the request came is exact at the position it was read at.
	switch {
	case f.err != nil:
		return Result{}, f.err
	case mine:
		return Result{Entry: f.entry, At: f.entry.newest, Status: Miss}, nil
	default:
		return c.share(f.entry, f.entry.newest), nil
	}
}

func (c *Cache) share(e *Entry, at change.Position) Result {
	c.shared.Add(1)
	return Result{Entry: e, At: at, Status: Shared}
}

// wait joins a flight and stays to its end.
func (c *Cache) wait(ctx context.Context, key []byte, hash uint64, fill func(context.Context) (Filled, error)) (f *flight, mine bool, err error) {
	if f, mine, err = c.join(ctx, key, hash, fill); err != nil {
		return nil, false, err
	}
	return f, mine, c.await(ctx, f)
}

// handOver checks, for one who joined, the answer of a fill that began before.
func (c *Cache) handOver(f *flight) (change.Position, bool) {
	if f.err != nil {
		return change.Position{}, false
	}
	at := c.published().Position
	reason, _ := c.check(f.entry, c.now())
	return later(at, f.entry.newest), reason == fresh
}

// join takes part in the fill that is under way for key, or begins one: mine.
func (c *Cache) join(ctx context.Context, key []byte, hash uint64, fill func(context.Context) (Filled, error)) (f *flight, mine bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	c.flying.Lock()
	defer c.flying.Unlock()
	if c.closed {
		return nil, false, ErrClosed
	}
	if f := c.flights[string(key)]; f != nil {
		f.waiting++
		return f, false, nil
	}
	filling, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.timeout)
	f = &flight{key: string(key), cancel: cancel, waiting: 1, done: make(chan struct{})}
	c.flights[f.key] = f
	c.misses.Add(1)
	c.landing.Add(1)
	go c.fly(filling, f, hash, fill)
	return f, true, nil
}

// await waits for f. The last one to give up cancels it, and takes it off the list in the
// same moment: whoever comes next must not join a fill that was cancelled.
func (c *Cache) await(ctx context.Context, f *flight) error {
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
	}
	c.flying.Lock()
	defer c.flying.Unlock()
	if f.waiting--; f.waiting == 0 {
		f.cancel()
		c.forget(f)
	}
	return ctx.Err()
}

func (c *Cache) forget(f *flight) {
	if c.flights[f.key] == f {
		delete(c.flights, f.key)
	}
}

func (c *Cache) fly(ctx context.Context, f *flight, hash uint64, fill func(context.Context) (Filled, error)) {
	defer c.landing.Done()
	defer f.cancel()
	epoch := c.purged.epoch.Load()
	filled, err := guarded(ctx, fill)
	if err != nil {
		f.err = err
	} else {
		f.entry = c.newEntry(f.key, hash, epoch, &filled)
		if reason, _ := c.check(f.entry, c.now()); filled.Store && reason == fresh {
			c.put(f.entry)
		}
	}
	// First off the list, then done: one who waited for this flight and goes again must not
	// meet it again.
	c.flying.Lock()
	c.forget(f)
	c.flying.Unlock()
	close(f.done)
}

// guarded turns a panic into an error for all who wait: in a goroutine of its own it would
// end the process, where the server recovers from one in a handler.
func guarded(ctx context.Context, fill func(context.Context) (Filled, error)) (f Filled, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("filling the cache: panic: %v\n%s", cause, debug.Stack())
		}
	}()
	return fill(ctx)
}
