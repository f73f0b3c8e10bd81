package primary

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/rivertype"

	"outpost/replicate/change"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// maxPending is how many reports one person may be waiting for that it asked for by hand.
const maxPending = 20

// What the requester reads of a report that failed. The reason is for the log.
const (
	reportFailed    = "The report could not be made. Try again later."
	reportCancelled = "cancelled"
)

// newReport is a report to be made.
type newReport struct {
	RequestedBy int64
	Scope       training.ReportScope
	SubjectID   int64 // 0: the company of whoever asks for it
	ScheduleID  int64 // 0: asked for by hand
	Type        training.ReportType
	Format      training.ReportFormat
	Locale      string
}

// RequestReport takes a report in, to be made by a job. A request equal to one still pending is
// answered with that one. Forbidden: another's company; Conflict: maxPending are pending.
func (p *Primary) RequestReport(ctx context.Context, who training.Principal, in training.NewReport) (training.Report, change.LSN, error) {
	n := newReport{
		RequestedBy: who.UserID, Scope: training.ReportScopeOf(who), SubjectID: in.CompanyID,
		Type: in.Type, Format: in.Format, Locale: in.Locale,
	}
	if n.SubjectID == who.CompanyID {
		n.SubjectID = 0
	}
	if n.SubjectID != 0 && who.Role != training.PlatformAdmin {
		return training.Report{}, 0, training.Errorf(training.Forbidden, "You may ask for reports on your own company.")
	}
	return operateTx(ctx, p, operation{"requestReport", who, in}, func(tx pgx.Tx, q *pgsql.Queries, _ time.Time) (training.Report, error) {
		return p.enqueueReport(ctx, tx, q, n)
	})
}

// enqueueReport inserts the report and its job in the transaction, or finds the pending report that
// is equal to it. It makes two statements, three to say why it refuses.
func (p *Primary) enqueueReport(ctx context.Context, tx pgx.Tx, q *pgsql.Queries, n newReport) (training.Report, error) {
	row, err := q.InsertReport(ctx, pgsql.InsertReportParams{
		Type: string(n.Type), Format: string(n.Format), Locale: n.Locale, Scope: string(n.Scope),
		ScheduleID: idOrNone(n.ScheduleID), SubjectID: idOrNone(n.SubjectID), RequestedBy: n.RequestedBy, Most: maxPending,
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return pendingReport(ctx, q, n)
	}
	if err != nil {
		return training.Report{}, err
	}
	if row.JobID == nil {
		return training.Report{}, fmt.Errorf("the report %d has no job", row.ID)
	}
	if _, err := p.jobs.InsertTx(ctx, tx, reportJob{ReportID: row.ID, Trace: p.config.Trace(ctx), number: *row.JobID}, nil); err != nil {
		return training.Report{}, fmt.Errorf("taking in the job of a report: %w", err)
	}
	return reportOf(row), nil
}

// pendingReport finds what stands in the way of another report.
func pendingReport(ctx context.Context, q *pgsql.Queries, n newReport) (training.Report, error) {
	row, err := q.PendingReport(ctx, pgsql.PendingReportParams{
		RequestedBy: n.RequestedBy, Type: string(n.Type), Format: string(n.Format), Locale: n.Locale, Scope: string(n.Scope),
		SubjectID: idOrNone(n.SubjectID), ScheduleID: idOrNone(n.ScheduleID),
	})
	if err == nil {
		return reportOf(row), nil
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return training.Report{}, err
	}
	why, err := q.ReportRefusal(ctx, pgsql.ReportRefusalParams{SubjectID: idOrNone(n.SubjectID), RequestedBy: n.RequestedBy, Most: maxPending})
	switch {
	case err != nil:
		return training.Report{}, err
	case why.IsNowhere:
		return training.Report{}, training.InvalidField("company_id", "is no company's")
	case why.AreTooMany:
		return training.Report{}, training.Errorf(training.Conflict, "%d of your reports are waiting to be made. Wait for one of them, or cancel one.", maxPending)
	}
	return training.Report{}, errAgain // the equal one has just been finished
}

// CancelReport ends a report that is not finished; to cancel it twice is no error. Conflict: it is
// finished.
func (p *Primary) CancelReport(ctx context.Context, who training.Principal, id int64) (change.LSN, error) {
	var ended *pgsql.Report
	_, lsn, err := operateTx(ctx, p, operation{"cancelReport", who, id}, func(tx pgx.Tx, q *pgsql.Queries, _ time.Time) (struct{}, error) {
		ended = nil // of an attempt that failed
		r, err := q.CancelReport(ctx, pgsql.CancelReportParams{ID: id, RequestedBy: who.UserID, Error: reportCancelled})
		if errors.Is(err, pgx.ErrNoRows) {
			return struct{}{}, uncancelled(ctx, q, who, id)
		}
		if err != nil {
			return struct{}{}, err
		}
		ended = &r
		if r.JobID == nil {
			return struct{}{}, nil
		}
		if _, err := p.jobs.JobCancelTx(ctx, tx, *r.JobID); err != nil && !errors.Is(err, rivertype.ErrNotFound) {
			return struct{}{}, fmt.Errorf("cancelling the job of a report: %w", err)
		}
		return struct{}{}, nil
	})
	if err == nil && ended != nil {
		p.ended(reportOf(*ended), reportCancelled)
	}
	return lsn, err
}

// uncancelled says why a report was not cancelled; nil when it had been before.
func uncancelled(ctx context.Context, q *pgsql.Queries, who training.Principal, id int64) error {
	s, err := q.ReportState(ctx, pgsql.ReportStateParams{ID: id, RequestedBy: who.UserID})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return noReport()
	case err != nil:
		return err
	case training.ReportState(s.State) == training.ReportFailed && s.Error == reportCancelled:
		return nil
	}
	return training.Errorf(training.Conflict, "The report is %s already.", s.State)
}

// ReportDocument is a report of which ReportPart gives the document. NotFound: there is none, or it
// has expired; Conflict: it is not completed; Forbidden: the requester may not see its company's
// people any more.
func (p *Primary) ReportDocument(ctx context.Context, who training.Principal, id int64) (r training.Report, err error) {
	err = p.with(ctx, "reading a report", func(conn *pgxpool.Conn) error {
		q, arg := pgsql.New(conn), pgsql.ReportForReadingParams{ID: id, RequestedBy: who.UserID}
		row, err := q.ReportForReading(ctx, arg)
		if err == nil && training.ReportState(row.Report.State).Pending() {
			// Replicas may show a commit that Postgres does not show to others yet: its log has it
			// first. The lock of the row is held until it does.
			if err = q.AwaitReport(ctx, pgsql.AwaitReportParams(arg)); err == nil {
				row, err = q.ReportForReading(ctx, arg)
			}
		}
		if errors.Is(err, pgx.ErrNoRows) {
			return noReport()
		}
		if err != nil {
			return err
		}
		r = reportOf(row.Report)
		state := r.StateAt(time.Now())
		switch {
		case !row.IsAllowed:
			return training.Errorf(training.Forbidden, "This report is about people whom you may not see any more.")
		case state == training.ReportExpired:
			return training.Errorf(training.NotFound, "The report has expired. Ask for it again.")
		case state != training.ReportCompleted:
			return training.Errorf(training.Conflict, "The report is %s. Only a completed one can be fetched.", state)
		}
		return nil
	})
	return r, err
}

// ReportPart is a part of a document, counted from 0. It holds a connection no longer than it takes
// to read it. NotFound: there is no such part, or not any more.
func (p *Primary) ReportPart(ctx context.Context, id int64, part int) (content []byte, err error) {
	err = p.with(ctx, "reading a part of a report", func(conn *pgxpool.Conn) error {
		content, err = pgsql.New(conn).ReportPart(ctx, pgsql.ReportPartParams{ReportID: id, Part: int32(part)})
		if errors.Is(err, pgx.ErrNoRows) {
			return noReport()
		}
		return err
	})
	return content, err
}

// ended tells of the end of a report.
func (p *Primary) ended(r training.Report, result string) {
	p.config.ReportEnded(r.Type, r.Format, result)
}

func noReport() error { return training.Errorf(training.NotFound, "There is no such report.") }

func reportOf(r pgsql.Report) training.Report {
	out := training.Report{
		ID: r.ID, CompanyID: r.CompanyID, RequestedBy: r.RequestedBy, Type: training.ReportType(r.Type), Format: training.ReportFormat(r.Format),
		Locale: r.Locale, Scope: training.ReportScope(r.Scope), SubjectID: r.CompanyID, State: training.ReportState(r.State), Error: r.Error,
		SHA256: r.Sha256, Bytes: r.Bytes, CompletedAt: utc(r.CompletedAt), ExpiresAt: utc(r.ExpiresAt),
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Version: r.Version,
	}
	if r.SubjectID != nil {
		out.SubjectID = *r.SubjectID
	}
	if r.ScheduleID != nil {
		out.ScheduleID = *r.ScheduleID
	}
	return out
}

func idOrNone(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}
