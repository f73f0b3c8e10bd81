package primary

import (
	"context"
	"sync"
	"time"

	"outpost/server/primary/pgsql"
)

// maxActivity bounds the logins that wait to be recorded. Beyond it the newest are dropped: what
// is lost is when somebody was last here.
const maxActivity = 10_000

// activity collects logins, so that they are written in batches.
type activity struct {
	mu     sync.Mutex
	logins map[int64]time.Time
}

func (a *activity) note(user int64, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.logins == nil {
		a.logins = make(map[int64]time.Time)
	}
	if known, ok := a.logins[user]; ok && known.After(at) || !ok && len(a.logins) == maxActivity {
		return
	}
	a.logins[user] = at
}

func (a *activity) take() map[int64]time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	logins := a.logins
	a.logins = nil
	return logins
}

// FlushActivity records the logins that have come together. What fails is kept for the next time.
func (p *Primary) FlushActivity(ctx context.Context) error {
	logins := p.activity.take()
	if len(logins) == 0 {
		return nil
	}
	batch := pgsql.RecordLoginsParams{}
	for user, at := range logins {
		batch.UserIds = append(batch.UserIds, user)
		batch.Times = append(batch.Times, at)
	}
	_, err := p.statement(ctx, "recording logins", func(q *pgsql.Queries) error { return q.RecordLogins(ctx, batch) })
	if err != nil {
		for user, at := range logins {
			p.activity.note(user, at)
		}
	}
	return err
}
