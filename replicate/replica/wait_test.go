package replica

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"outpost/replicate/change"
)

func at(lsn change.LSN) change.Position { return change.Position{Generation: 7, LSN: lsn} }

// waiting waits until n are in the queue.
func waiting(t testing.TB, r *Replica, n int) {
	t.Helper()
	until(t, func() bool {
		r.waiters.mu.Lock()
		defer r.waiters.mu.Unlock()
		return len(r.waiters.queue) == n
	})
}

func until(t testing.TB, done func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it did not happen within 20 s")
		}
	}
}

func TestWaitKnowsWhatNeedsNoWaiting(t *testing.T) {
	r, _ := open(t)
	for name, test := range map[string]struct {
		p    change.Position
		want error
	}{
		"reached":            {at(1000), nil},
		"long reached":       {at(1), nil},
		"zero":               {change.Position{}, nil},
		"older generation":   {change.Position{Generation: 6, LSN: 1 << 60}, nil},
		"a newer generation": {change.Position{Generation: 8, LSN: 1}, ErrAhead},
	} {
		if err := r.Wait(t.Context(), test.p); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := r.Wait(ctx, at(1001)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	waiting(t, r, 0)
}

func TestTenThousandWaiters(t *testing.T) {
	r, h := open(t)
	const n, steps = 10_000, 10
	var wg sync.WaitGroup
	errs := make(chan error, n)
	quitting, quit := context.WithCancel(t.Context())
	for i := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			p := at(change.LSN(1001 + i%steps*100))
			if i%4 == 0 { // some give up
				if err := r.Wait(quitting, at(1<<40)); !errors.Is(err, context.Canceled) {
					errs <- err
				}
				return
			}
			if err := r.Wait(context.Background(), p); err != nil {
				errs <- err
			} else if r.State().Position.LSN < p.LSN {
				errs <- errors.New("woken before its position")
			}
		}()
	}
	waiting(t, r, n)
	quit()
	waiting(t, r, n-n/4)
	for step := range steps {
		apply(t, r, h.heartbeat(change.LSN(1001+step*100)))
		if step == steps/2 {
			r.waiters.mu.Lock()
			for _, w := range r.waiters.queue {
				if w.position.LSN <= r.State().Position.LSN {
					t.Errorf("one still waits for %s", w.position)
				}
			}
			r.waiters.mu.Unlock()
		}
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
}

func TestAnotherGenerationWakesWaiters(t *testing.T) {
	r, h := open(t)
	errs := make(chan error, 2)
	go func() { errs <- r.Wait(context.Background(), at(5000)) }()
	go func() { errs <- r.Wait(context.Background(), at(1<<50)) }()
	waiting(t, r, 2)
	h.header.Generation++
	path := filepath.Join(t.TempDir(), "new.db")
	fill(t, h, path)
	must(t, r.Swap(t.Context(), path))
	for range 2 {
		must(t, <-errs) // their generation is an old one now
	}
}

func TestCloseWakesWaiters(t *testing.T) {
	r, _ := open(t)
	errs := make(chan error, 1)
	go func() { errs <- r.Wait(context.Background(), at(5000)) }()
	waiting(t, r, 1)
	must(t, r.Close())
	if err := <-errs; !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkWaitReached(b *testing.B) {
	r, _ := open(b)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Wait(ctx, at(1000)); err != nil {
			b.Fatal(err)
		}
	}
}
