package direct

import (
	"context"
	"time"

	"outpost/replicate/generation"
)

// adoptInterval is how often tables that were made meanwhile are looked for.
const adoptInterval = 2 * time.Second

// adopts says that the publication is to hold every table with a key, whenever it was made.
func (r *Replicator) adopts() bool { return r.Own && len(r.Tables) == 0 && !r.Once }

// adopt takes tables into the publication that were made, or got a key, while it is
// followed. One that is still empty is made in the file too; another one has to be copied.
func (r *Replicator) adopt(ctx context.Context) error {
	known := ""
	for generation.Sleep(ctx, adoptInterval) {
		now, err := r.Source.Relations(ctx)
		if err == nil && now != known {
			known, err = now, r.publish(ctx)
		}
		if err != nil && ctx.Err() == nil {
			known = "" // to try again; what is followed goes on
			r.tellOnce(err.Error(), func() { r.Log.Warn("tables that were made meanwhile are not replicated", "reason", err) })
		}
	}
	return ctx.Err()
}
