package harness

import (
	"context"
	"fmt"
	"time"
)

// Wait asks again and again, with a pause between, until it is so. After limit it gives up.
func Wait(ctx context.Context, limit, pause time.Duration, what string, condition func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("within %v it was not so that %s", limit, what))
	defer cancel()
	for {
		done, err := condition(ctx)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil || done:
			return err
		}
		time.Sleep(pause)
	}
}
