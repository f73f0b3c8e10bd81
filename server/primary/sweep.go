package primary

import (
	"context"

	"outpost/server/primary/pgsql"
)

// sweepBatch is how many rows one statement removes.
const sweepBatch = 1000

// Sweep removes what has served its time: keys of writes, expired sessions and tokens, old
// failures, invitations that nobody accepted, mail that has gone, the memory of reminders, the documents
// of reports. Replicas see sessions go in small transactions.
func (p *Primary) Sweep(ctx context.Context) error {
	for _, remove := range []func(*pgsql.Queries, context.Context, int32) (int64, error){
		(*pgsql.Queries).SweepIdempotencyKeys,
		(*pgsql.Queries).SweepRefreshTokens,
		(*pgsql.Queries).SweepSessions,
		(*pgsql.Queries).SweepLoginFailures,
		(*pgsql.Queries).SweepPasswordResets,
		(*pgsql.Queries).SweepLoginSources,
		(*pgsql.Queries).SweepInvitations,
		(*pgsql.Queries).SweepOutbox,
		(*pgsql.Queries).SweepReminders,
		(*pgsql.Queries).SweepReports,
	} {
		for removed := int64(sweepBatch); removed == sweepBatch; {
			_, err := p.statement(ctx, "removing what has served its time", func(q *pgsql.Queries) (err error) {
				removed, err = remove(q, ctx, sweepBatch)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return p.failForgotten(ctx)
}
