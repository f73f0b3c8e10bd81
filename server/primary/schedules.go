package primary

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/change"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// scheduleInterval is how soon is seen that the time of a report has come.
const scheduleInterval = 30 * time.Second

// CreateReportSchedule has a report made again and again, and mailed to who asks. Conflict: there is an
// equal schedule of theirs, or there are training.MaxSchedules; Forbidden: another's company.
func (p *Primary) CreateReportSchedule(ctx context.Context, who training.Principal, n training.NewReportSchedule) (training.ReportSchedule, change.LSN, error) {
	subject := n.CompanyID
	if subject == who.CompanyID {
		subject = 0
	}
	if subject != 0 && who.Role != training.PlatformAdmin {
		return training.ReportSchedule{}, 0, training.Errorf(training.Forbidden, "You may ask for reports on your own company.")
	}
	return operate(ctx, p, operation{"createReportSchedule", who, n}, func(q *pgsql.Queries, at time.Time) (training.ReportSchedule, error) {
		if err := q.LockReportSchedules(ctx, who.UserID); err != nil {
			return training.ReportSchedule{}, err
		}
		row, err := q.InsertReportSchedule(ctx, pgsql.InsertReportScheduleParams{
			UserID: who.UserID, Type: string(n.Type), Format: string(n.Format), Locale: n.Locale, Cadence: string(n.Cadence),
			SubjectID: idOrNone(subject), FirstAt: n.First(at), Most: training.MaxSchedules,
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return training.ReportSchedule{}, noSchedule(ctx, q, who, subject)
		}
		return scheduleOf(row), err
	})
}

// noSchedule says why none was made.
func noSchedule(ctx context.Context, q *pgsql.Queries, who training.Principal, subject int64) error {
	why, err := q.ReportScheduleRefusal(ctx, pgsql.ReportScheduleRefusalParams{
		SubjectID: idOrNone(subject), UserID: who.UserID, Most: training.MaxSchedules,
	})
	switch {
	case err != nil:
		return err
	case why.IsNowhere:
		return training.InvalidField("company_id", "is no company's")
	case why.AreTooMany:
		return training.Errorf(training.Conflict, "You have %d schedules already. Delete one first.", training.MaxSchedules)
	}
	return training.Errorf(training.Conflict, "You have an equal schedule already.")
}

// DeleteReportSchedule ends a schedule of one's own, and the report that it was having made.
func (p *Primary) DeleteReportSchedule(ctx context.Context, who training.Principal, id int64) (change.LSN, error) {
	_, lsn, err := operate(ctx, p, operation{"deleteReportSchedule", who, id}, func(q *pgsql.Queries, _ time.Time) (struct{}, error) {
		n, err := q.DeleteReportSchedule(ctx, pgsql.DeleteReportScheduleParams{ID: id, UserID: who.UserID, Error: reportCancelled})
		if err == nil && n == 0 {
			err = training.Errorf(training.NotFound, "There is no such schedule.")
		}
		return struct{}{}, err
	})
	return lsn, err
}

// keepSchedules has reports made until ctx ends. Of failures in a row the first is told.
func (p *Primary) keepSchedules(ctx context.Context) {
	tick := time.NewTicker(scheduleInterval)
	defer tick.Stop()
	failing := false
	for {
		err := p.RunSchedules(ctx, time.Now())
		if err != nil && ctx.Err() == nil && !failing {
			p.log.Warn("reports are not made by their schedules yet", "error", err)
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// RunSchedules asks for the reports whose time has come: each in the transaction that says when the next
// one is to be made, which skips those that were missed. Several primaries may do so at once. What fails
// with one schedule holds up no other.
func (p *Primary) RunSchedules(ctx context.Context, at time.Time) error {
	failed := []int64{}
	var errs []error
	for {
		var schedule int64
		_, err := p.writeTx(ctx, "having a report made by its schedule", func(tx pgx.Tx, q *pgsql.Queries) (err error) {
			schedule, err = p.runSchedule(ctx, tx, q, at, failed)
			return err
		})
		switch {
		case err != nil && (schedule == 0 || training.CodeOf(err) == training.Unavailable):
			return errors.Join(append(errs, err)...)
		case err != nil:
			failed, errs = append(failed, schedule), append(errs, fmt.Errorf("schedule %d: %w", schedule, err))
		case schedule == 0:
			return errors.Join(errs...)
		}
	}
}

// runSchedule does so for the schedule that is due first and names it; 0: there is none. The schedule of
// who is not active any more ends; that of who may not have its reports any more waits for better times.
func (p *Primary) runSchedule(ctx context.Context, tx pgx.Tx, q *pgsql.Queries, at time.Time, failed []int64) (int64, error) {
	due, err := q.DueReportSchedule(ctx, pgsql.DueReportScheduleParams{At: at, Failed: failed})
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	s := scheduleOf(due.ReportSchedule)
	if !due.HasOwner {
		return s.ID, q.DropReportSchedule(ctx, s.ID)
	}
	advance := pgsql.AdvanceReportScheduleParams{ID: s.ID, NextAt: s.Cadence.Next(s.FirstAt, at)}
	if due.IsActive && due.IsAllowed {
		n := newReport{
			RequestedBy: s.UserID, Scope: training.CompanyReport, ScheduleID: s.ID, Type: s.Type, Format: s.Format, Locale: s.Locale,
		}
		if s.SubjectID != s.CompanyID {
			n.SubjectID = s.SubjectID
		}
		// One that is still being made since the last time is the one of this time too.
		if _, err := p.enqueueReport(ctx, tx, q, n); err != nil {
			return s.ID, err
		}
		advance.LastAt = &at
	}
	return s.ID, q.AdvanceReportSchedule(ctx, advance)
}

func scheduleOf(r pgsql.ReportSchedule) training.ReportSchedule {
	out := training.ReportSchedule{
		ID: r.ID, CompanyID: r.CompanyID, UserID: r.UserID, Type: training.ReportType(r.Type), Format: training.ReportFormat(r.Format),
		Locale: r.Locale, Cadence: training.Cadence(r.Cadence), SubjectID: r.CompanyID, FirstAt: r.FirstAt.UTC(), NextAt: r.NextAt.UTC(),
		LastAt: utc(r.LastAt), CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Version: r.Version,
	}
	if r.SubjectID != nil {
		out.SubjectID = *r.SubjectID
	}
	return out
}
