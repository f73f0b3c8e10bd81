package follow

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5" // exponential backoff with jitter
	"outpost/replicate/replica"
)

// hindrance is a disk that does not take the replica. It is logged once, and once when it
// is over: that is when nothing has failed for a while, for a disk that is nearly full
// takes a transaction now and then.
type hindrance struct {
	mu   sync.Mutex
	told bool
	last time.Time
}

// longestWait is how long a disk that does not take the replica is left alone, at most.
const longestWait = 5 * time.Second

// wait runs run again for as long as nothing but the disk ends it.
func (h *hindrance) wait(ctx context.Context, log *slog.Logger, run func(context.Context) error) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = firstPause, longestWait
	for {
		began := time.Now()
		err := run(ctx)
		if ctx.Err() != nil || !errors.Is(err, replica.ErrDisk) {
			return err
		}
		h.met(log, err)
		if time.Since(began) > settled {
			pause.Reset()
		}
		select {
		case <-time.After(pause.NextBackOff()):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (h *hindrance) met(log *slog.Logger, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last = time.Now(); h.told {
		return
	}
	h.told = true
	log.Error("the replica cannot be written; it serves what it has, marked stale, and goes on by itself", "reason", err)
}

// over says that something was written.
func (h *hindrance) over(log *slog.Logger) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.told && time.Since(h.last) > settled {
		h.told = false
		log.Info("the replica can be written again")
	}
}
