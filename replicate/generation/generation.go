// Package generation holds what beginning a generation takes, wherever its messages go:
// the loop that begins one whenever the last cannot be continued, its number, and the
// copy of everything that is published into a fresh file.
//
// It guarantees that a copy which fails or repeats does not become Postgres' main work:
// see Life. It knows neither the stream nor what stands behind the chain.
package generation

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5" // exponential backoff with jitter

	"outpost/replicate/change"
	"outpost/replicate/pump"
)

const (
	firstPause = 200 * time.Millisecond
	// LongestPause is how long what keeps failing is left alone, at most.
	LongestPause = 15 * time.Second
	// Renewals within this time of each other wait ever longer.
	renewalWindow = 10 * time.Minute
)

// Life is one chain's, from its first generation to whenever it is to end.
type Life struct {
	// Ready says why no generation can be begun now: Postgres is away, or where it would go.
	// Asking costs little, so it is repeated soon.
	Ready func(ctx context.Context) error
	// Begin begins a new generation, whole or not at all.
	Begin func(ctx context.Context, reason string) error
	// Continue goes on with the generation that there is. It ends with an error: Broken, if
	// it cannot be continued.
	Continue func(ctx context.Context) error
	// Between is the least time between one and the next, by how many were begun lately; nil
	// for ever longer ones.
	Between func(lately int) time.Duration
	Log     *slog.Logger

	lately int       // begun within the window of each other, whole or not
	ended  time.Time // when the last was begun, or failed to be: a copy may take longer than the window
}

// Run runs until ctx ends. Whatever breaks is logged and tried again; a history that
// cannot be continued becomes a new generation: at once the first time, then ever later.
func (l *Life) Run(ctx context.Context) error {
	pause := NewPause()
	var broken *pump.Broken
	for {
		var err error
		if broken != nil {
			if err = l.renew(ctx, broken.Reason); err == nil {
				broken = nil
			}
		}
		began := time.Now()
		if err == nil {
			err = l.Continue(ctx)
		}
		if time.Since(began) > LongestPause {
			pause.Reset()
		}
		if ctx.Err() != nil {
			return nil
		}
		if errors.As(err, &broken) {
			continue
		}
		l.Log.Error("replication failed; trying again", "error", err)
		if !Sleep(ctx, pause.NextBackOff()) {
			return nil
		}
	}
}

// renew begins a generation, not too soon after the last.
func (l *Life) renew(ctx context.Context, reason string) error {
	if time.Since(l.ended) > renewalWindow {
		l.lately = 0
	}
	between := l.Between
	if between == nil {
		between = renewalPause
	}
	if wait := between(l.lately) - time.Since(l.ended); wait > 0 {
		l.Log.Warn("a new generation is needed, and waits, for the last is not old",
			"reason", reason, "lately", l.lately, "wait_s", int(wait.Seconds()+1))
		if !Sleep(ctx, wait) {
			return ctx.Err()
		}
	}
	if err := l.Ready(ctx); err != nil {
		return err
	}
	l.lately++
	err := l.Begin(ctx, reason)
	l.ended = time.Now()
	return err
}

// Next is a generation's number: the time in milliseconds, or one more than the newest
// known. Generations only grow, whatever the clock does.
func Next(now time.Time, known change.Generation) change.Generation {
	return max(change.Generation(now.UnixMilli()), known+1)
}

// NewPause paces what is tried again until it succeeds.
func NewPause() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = firstPause, LongestPause
	return b
}

func renewalPause(n int) time.Duration {
	if n == 0 {
		return 0
	}
	return min(time.Second<<min(n, 8), 5*time.Minute)
}

// Sleep is false when ctx ended first.
func Sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
