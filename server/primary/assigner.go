package primary

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

const (
	// assignInterval is how soon is seen what nobody here has said: that a date has passed, or that
	// another primary made an assignment and went away.
	assignInterval = 5 * time.Second
	// assignBatch is how many people or enrollments one transaction sees to.
	assignBatch = 500
)

// keepAssigning does what assignments ask for until ctx ends. Of failures in a row the first is told.
func (p *Primary) keepAssigning(ctx context.Context) {
	tick := time.NewTicker(assignInterval)
	defer tick.Stop()
	failing := false
	for {
		err := p.Assign(ctx, time.Now())
		if err != nil && ctx.Err() == nil && !failing {
			p.log.Warn("assignments are not handed out yet", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-p.assign:
		}
	}
}

// wakeAssigner lets the worker begin at once.
func (p *Primary) wakeAssigner() {
	select {
	case p.assign <- struct{}{}:
	default: // it has been told
	}
}

// Assign does all that assignments ask for at that time: it writes down which completions have run
// out, opens the occurrences that are due, hands out what is open and takes back what has ended. All
// of it in batches, each a transaction that also says how far the work has got: whoever ends in the
// middle, whoever comes next goes on there. Several primaries may do so at once.
// What fails with one assignment holds up no other: it is tried again the next time.
func (p *Primary) Assign(ctx context.Context, at time.Time) error {
	failed := &failures{ids: []int64{}}
	expired, opened, advanced := p.expire(ctx, at), p.openOccurrences(ctx, at, failed), p.advanceRuns(ctx, failed)
	return errors.Join(expired, opened, advanced, failed.err)
}

// failures are the assignments with which something is wrong.
type failures struct {
	ids []int64
	err error
}

// note keeps the error of one assignment. An error of none, or of Postgres as a whole, comes back.
func (f *failures) note(assignment int64, err error) error {
	if err == nil || assignment == 0 || training.CodeOf(err) == training.Unavailable {
		return err
	}
	f.ids, f.err = append(f.ids, assignment), errors.Join(f.err, fmt.Errorf("assignment %d: %w", assignment, err))
	return nil
}

// alone is write for what nobody waits for: the hub need not see to its position.
func (p *Primary) alone(ctx context.Context, doing string, fn func(*pgsql.Queries) error) error {
	return p.with(ctx, doing, func(conn *pgxpool.Conn) error {
		_, err := p.transact(ctx, conn, func(_ pgx.Tx, q *pgsql.Queries) error { return fn(q) })
		return err
	})
}

func (p *Primary) expire(ctx context.Context, at time.Time) error {
	for expired := int64(assignBatch); expired == assignBatch; {
		err := p.alone(ctx, "expiring completions", func(q *pgsql.Queries) (err error) {
			expired, err = q.ExpireCompletions(ctx, pgsql.ExpireCompletionsParams{At: at, Size: assignBatch})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// openOccurrences opens those that are to be opened at that time.
func (p *Primary) openOccurrences(ctx context.Context, at time.Time, failed *failures) error {
	for {
		var assignment int64
		err := p.alone(ctx, "opening the next occurrence of an assignment", func(q *pgsql.Queries) (err error) {
			assignment, err = openOccurrence(ctx, q, at, failed.ids)
			return err
		})
		if err = failed.note(assignment, err); err != nil || assignment == 0 {
			return err
		}
	}
}

// openOccurrence opens one and names its assignment; 0: there is none.
func openOccurrence(ctx context.Context, q *pgsql.Queries, at time.Time, failed []int64) (int64, error) {
	run, err := q.DueRun(ctx, pgsql.DueRunParams{At: at, Failed: failed})
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if err := q.LockCompany(ctx, run.CompanyID); err != nil {
		return run.AssignmentID, err
	}
	a := training.Assignment{CreatedAt: run.CreatedAt, DueAt: utc(run.DueAt), Recurrence: months(run.RecurrenceMonths)}
	next := a.Occurrence(at)
	_, err = q.OpenOccurrence(ctx, pgsql.OpenOccurrenceParams{
		AssignmentID: run.AssignmentID, Former: run.Occurrence, Occurrence: int32(next.Number), OpensAt: next.OpensAt, DueAt: *next.DueAt,
	})
	return run.AssignmentID, err
}

func months(n *int32) int {
	if n == nil {
		return 0
	}
	return int(*n)
}

// advanceRuns takes every run that is not finished a batch further, by turns, until all are.
func (p *Primary) advanceRuns(ctx context.Context, failed *failures) error {
	behind := int64(0)
	for {
		var assignment int64
		err := p.alone(ctx, "handing out an assignment", func(q *pgsql.Queries) (err error) {
			assignment, err = advanceRun(ctx, q, behind, failed.ids)
			return err
		})
		if err := failed.note(assignment, err); err != nil {
			return err
		}
		if assignment == 0 && behind == 0 {
			return nil
		}
		behind = assignment // 0: from the first again
	}
}

// advanceRun takes the next run behind an assignment's a batch further and names its assignment;
// 0: there is none.
func advanceRun(ctx context.Context, q *pgsql.Queries, behind int64, failed []int64) (int64, error) {
	run, err := q.ClaimRun(ctx, pgsql.ClaimRunParams{Behind: behind, Failed: failed})
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	advance := pgsql.AdvanceRunParams{AssignmentID: run.AssignmentID, Occurrence: run.Occurrence}
	if run.Occurrence == 0 {
		ids, err := q.LockOpenEnrollments(ctx, pgsql.LockOpenEnrollmentsParams{AssignmentID: run.AssignmentID, AfterID: run.AfterID, Size: assignBatch})
		if err != nil {
			return run.AssignmentID, err
		}
		if err := q.Withdraw(ctx, ids); err != nil {
			return run.AssignmentID, err
		}
		advance.AfterID, advance.Finished = run.AfterID, len(ids) < assignBatch
		if len(ids) > 0 {
			advance.AfterID = ids[len(ids)-1]
		}
		if advance.Finished {
			if err := q.RepeatRuns(ctx, pgsql.RepeatRunsParams{CompanyID: run.CompanyID, CourseID: run.CourseID}); err != nil {
				return run.AssignmentID, err
			}
		}
	} else {
		batch, err := q.HandOutBatch(ctx, pgsql.HandOutBatchParams{
			AssignmentID: run.AssignmentID, CompanyID: run.CompanyID, AfterID: run.AfterID, Size: assignBatch,
		})
		if err != nil {
			return run.AssignmentID, err
		}
		advance.AfterID, advance.Finished = max(batch.LastID, run.AfterID), batch.People < assignBatch
	}
	return run.AssignmentID, q.AdvanceRun(ctx, advance)
}
