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
	// Begin begins a new generation, whole or not at all.
	Begin func(ctx context.Context, reason string) error
	// Continue goes on with the generation that there is. It ends with an error: Broken, if
	// it cannot be continued.
	Continue func(ctx context.Context) error
	// Between is the pause before beginning one, by how many were begun lately; nil for ever
	// longer ones.
	Between func(lately int) time.Duration
	Log     *slog.Logger
}

// Run runs until ctx ends. Whatever breaks is logged and tried again; a history that
// cannot be continued becomes a new generation: at once the first time, then ever later.
func (l *Life) Run(ctx context.Context) error {
	between := l.Between
	if between == nil {
		between = renewalPause
	}
	pause := NewPause()
	var renewals int
	var renewed time.Time
	var broken *pump.Broken
	for {
		var err error
		if broken != nil {
			if time.Since(renewed) > renewalWindow {
				renewals = 0
			}
			if !Sleep(ctx, between(renewals)) {
				return nil
			}
			renewals, renewed = renewals+1, time.Now()
			if err = l.Begin(ctx, broken.Reason); err == nil {
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
