package cache

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// bubble is a cache whose goroutines synctest can wait for.
func bubble(t *testing.T, test func(t *testing.T, c *Cache, r *replica)) {
	synctest.Test(t, func(t *testing.T) {
		c, r := start(t)
		test(t, c, r)
		c.Close()
	})
}

type outcome struct {
	Result
	err error
}

// request runs Do in a goroutine of its own, up to where it waits.
func request(ctx context.Context, c *Cache, fill func(context.Context) (Filled, error)) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		result, err := c.Do(ctx, []byte("k"), fill)
		done <- outcome{result, err}
	}()
	synctest.Wait()
	return done
}

func TestConcurrentMissesShareOneFill(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, r *replica) {
		release := make(chan struct{})
		fills := 0
		fill := func(ctx context.Context) (Filled, error) {
			fills++
			<-release
			return answer(r, "x", Table("t"))(ctx)
		}
		var all []<-chan outcome
		for range 20 {
			all = append(all, request(t.Context(), c, fill))
		}
		close(release)
		count := map[string]int{}
		for _, done := range all {
			got := <-done
			if got.err != nil {
				t.Fatal(got.err)
			}
			count[got.Status]++
		}
		if fills != 1 || count[Miss] != 1 || count[Shared] != 19 {
			t.Errorf("%d fills, answers %v", fills, count)
		}
	})
}

func TestJoinerIsNotHandedWhatIsOlderThanItWaitedFor(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, r *replica) {
		release, read := make(chan struct{}), 0
		fill := func(ctx context.Context) (Filled, error) {
			read++
			filled, err := answer(r, fmt.Sprint("read ", read), Table("t"))(ctx)
			if read == 1 {
				<-release
			}
			return filled, err
		}
		first := request(t.Context(), c, fill) // reads at 10
		c.Raise([]Tag{Table("t")}, 11)
		r.advance(11)
		joined := []<-chan outcome{request(t.Context(), c, fill), request(t.Context(), c, fill)}
		close(release)
		if got := <-first; string(got.Entry.Body) != "read 1" || got.At.LSN != 10 {
			t.Errorf("the first was answered %q at %s", got.Entry.Body, got.At)
		}
		for _, done := range joined {
			if got := <-done; string(got.Entry.Body) != "read 2" || got.At.LSN != 11 {
				t.Errorf("a joiner was answered %q at %s", got.Entry.Body, got.At)
			}
		}
		if read != 2 {
			t.Errorf("%d fills, want 2", read)
		}
	})
}

func TestErrorIsNotSharedWithOneWhoCameLater(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, r *replica) {
		missing := errors.New("no such enrollment")
		release, exists := make(chan struct{}), false
		fill := func(ctx context.Context) (Filled, error) {
			if !exists {
				<-release
				return Filled{}, missing
			}
			return answer(r, "x")(ctx)
		}
		first := request(t.Context(), c, fill)
		exists = true // as the second request has written it and waited for it
		second := request(t.Context(), c, fill)
		close(release)
		if got := <-first; !errors.Is(got.err, missing) {
			t.Errorf("the first: %v", got.err)
		}
		if got := <-second; got.err != nil || got.Status != Miss {
			t.Errorf("the second: %s, %v", got.Status, got.err)
		}
	})
}

func TestOneCallerLeavingCancelsNobodyElse(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, r *replica) {
		release := make(chan struct{})
		var canceled atomic.Bool
		fill := func(ctx context.Context) (Filled, error) {
			select {
			case <-release:
				return answer(r, "x")(ctx)
			case <-ctx.Done():
				canceled.Store(true)
				return Filled{}, ctx.Err()
			}
		}
		leaving, leave := context.WithCancel(t.Context())
		first := request(leaving, c, fill)
		second := request(t.Context(), c, fill)
		leave()
		if got := <-first; !errors.Is(got.err, context.Canceled) {
			t.Errorf("who left got %v", got.err)
		}
		synctest.Wait()
		if canceled.Load() {
			t.Error("the fill was canceled while another waited")
		}
		close(release)
		if got := <-second; got.err != nil || got.Status != Shared {
			t.Errorf("who stayed: %s, %v", got.Status, got.err)
		}
	})
}

func TestLastCallerLeavingCancelsTheFill(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, r *replica) {
		stopped := make(chan struct{})
		slow := func(ctx context.Context) (Filled, error) {
			<-ctx.Done()
			<-stopped
			return Filled{}, ctx.Err()
		}
		leaving, leave := context.WithCancel(t.Context())
		first := request(leaving, c, slow)
		leave()
		<-first
		// The canceled fill has not ended yet: who comes now does not join it.
		if got := <-request(t.Context(), c, answer(r, "x")); got.err != nil || got.Status != Miss {
			t.Errorf("who came next: %s, %v", got.Status, got.err)
		}
		close(stopped)
	})
}

func TestFillIsBoundedInTime(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *replica) {
		_, err := c.Do(t.Context(), []byte("k"), func(ctx context.Context) (Filled, error) {
			<-ctx.Done() // the bubble's clock jumps
			return Filled{}, ctx.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
}

func TestPanicInAFillIsAnError(t *testing.T) {
	c, r := start(t)
	_, err := c.Do(t.Context(), []byte("k"), func(context.Context) (Filled, error) { panic("boom") })
	if err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("%v", err)
	}
	ask(t, c, "k", Miss, answer(r, "x"))
}

func TestCloseEndsFillsUnderWay(t *testing.T) {
	bubble(t, func(t *testing.T, c *Cache, _ *replica) {
		waiting := request(t.Context(), c, func(ctx context.Context) (Filled, error) {
			<-ctx.Done()
			return Filled{}, ctx.Err()
		})
		c.Close()
		if got := <-waiting; !errors.Is(got.err, context.Canceled) {
			t.Errorf("%v", got.err)
		}
	})
}

func TestCanceledRequestBeginsNothing(t *testing.T) {
	c, _ := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Do(ctx, []byte("k"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// Readers never see a value that is older than what was published before they asked, while
// everything happens at once. The race detector looks on.
func TestConcurrentReadersAndWriter(t *testing.T) {
	c, r := start(t, func(o *Options) { o.Counters = 64 })
	var committed atomic.Uint64
	committed.Store(10)
	fill := func(context.Context) (Filled, error) {
		lsn := LSN(committed.Load())
		at := r.published()
		at.Position.LSN = lsn
		body := strings.Repeat(fmt.Sprintf("%09d", lsn), 120)
		return Filled{Body: []byte(body), Tags: []Tag{Table("t")}, At: at, Store: true}, nil
	}
	stop := make(chan struct{})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				floor := r.published().Position.LSN
				got, err := c.Do(t.Context(), []byte("k"), fill)
				if err != nil {
					t.Error(err)
					return
				}
				if body := fmt.Sprintf("%09d", floor); string(got.Entry.Body[:9]) < body || got.At.LSN < floor {
					t.Errorf("answered %s at %s after %d was published", got.Entry.Body[:9], got.At, floor)
					return
				}
				if _, err := got.Entry.Encoded("zstd"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for lsn := LSN(11); lsn < 3000; lsn++ {
		c.Raise([]Tag{Table("t")}, lsn)
		committed.Store(uint64(lsn))
		r.advance(lsn)
		if lsn%500 == 0 {
			c.PurgeAll()
		}
	}
	close(stop)
	group.Wait()
}

// TestAnAnswerOfSeveralStates is as old as its oldest, and nobody who got it goes back behind its newest.
func TestAnAnswerOfSeveralStates(t *testing.T) {
	c, r := start(t)
	fill := func(context.Context) (Filled, error) {
		newest := r.published().Position
		newest.LSN += 3
		return Filled{Status: 200, Body: []byte("x"), Tags: []Tag{Table("t")}, At: r.published(), Newest: newest, Store: true}, nil
	}
	if got := ask(t, c, "k", Miss, fill); got.At.LSN != 13 {
		t.Errorf("sent with %v", got.At)
	}
	if got := ask(t, c, "k", Hit, fill); got.At.LSN != 13 {
		t.Errorf("a hit is sent with %v", got.At)
	}
	if _, at, ok := c.Get([]byte("k"), c.now()); !ok || at.LSN != 13 {
		t.Errorf("Get sends %v", at)
	}
	r.advance(20)
	if got := ask(t, c, "k", Hit, fill); got.At.LSN != 20 {
		t.Errorf("later it is sent with %v", got.At)
	}
	c.Raise([]Tag{Table("t")}, 12) // between the two: one of the states lacks it
	ask(t, c, "k", Miss, fill)
}
