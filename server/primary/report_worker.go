package primary

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// ReportMaker writes a report's document. It reads what the requester may see at that time, and ends
// soon after ctx does. Its errors hold nothing that must not be logged; NotFound, Forbidden and
// Invalid are final, all else is tried again.
type ReportMaker interface {
	Make(ctx context.Context, r training.Report, w io.Writer) error
}

// reportJob is the job of making a report.
type reportJob struct {
	ReportID int64  `json:"report_id"`
	Trace    string `json:"trace,omitempty"` // whoever asked for it
	number   int64  // its own
}

// Kind names it in the table.
func (reportJob) Kind() string { return "report" }

// InsertOpts says where it waits.
func (reportJob) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: jobQueue} }

type reportWorker struct {
	river.WorkerDefaults[reportJob]
	p *Primary
}

// NextRetry is after 1, 4, 16 and 64 times the first pause.
func (w *reportWorker) NextRetry(job *river.Job[reportJob]) time.Time {
	return time.Now().Add(w.p.reportPause(job.Attempt))
}

func (p *Primary) reportPause(attempt int) time.Duration {
	return p.config.ReportRetry << (2 * (max(attempt, 1) - 1))
}

// Work makes a report and keeps it. Whatever it is broken off by, the job is there and is done again
// from the beginning; nothing is seen of a document that is not whole.
func (w *reportWorker) Work(ctx context.Context, job *river.Job[reportJob]) (err error) {
	ctx, end := w.p.config.Continue(ctx, job.Kind, job.Args.Trace)
	defer func() { end(err) }()
	var r pgsql.Report
	_, err = w.p.statement(ctx, "beginning a report", func(q *pgsql.Queries) (err error) {
		r, err = q.BeginReport(ctx, job.Args.ReportID)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // cancelled, or finished by somebody who was taken for dead
	}
	if err == nil {
		err = w.make(ctx, job, reportOf(r))
	}
	if err != nil {
		return w.failed(ctx, job, reportOf(r), err)
	}
	return nil
}

func (w *reportWorker) make(ctx context.Context, job *river.Job[reportJob], r training.Report) error {
	s, err := newSpool()
	if err != nil {
		return err
	}
	defer s.close()
	if err := safely(ctx, w.p.config.Reports, r, s); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	completed := false
	_, err = w.p.writeTx(ctx, "completing a report", func(tx pgx.Tx, q *pgsql.Queries) error {
		n, err := q.CompleteReport(ctx, pgsql.CompleteReportParams{
			ID: r.ID, Sha256: s.sum(), Bytes: s.size, Life: training.ReportLife.Seconds(),
		})
		if completed = n > 0; err != nil || !completed {
			return err // it was cancelled meanwhile
		}
		err = s.parts(func(part int32, content []byte) error {
			return q.InsertReportPart(ctx, pgsql.InsertReportPartParams{ReportID: r.ID, Part: part, Content: content})
		})
		if err != nil {
			return err
		}
		_, err = river.JobCompleteTx[driver](ctx, tx, job)
		return err
	})
	if err == nil && completed {
		w.p.ended(r, string(training.ReportCompleted))
	}
	return err
}

// safely makes an error of a panic.
func safely(ctx context.Context, m ReportMaker, r training.Report, w io.Writer) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return m.Make(ctx, r, w)
}

// failed writes down what becomes of the report and tells River what becomes of the job.
func (w *reportWorker) failed(ctx context.Context, job *river.Job[reportJob], r training.Report, cause error) error {
	over := final(cause) || job.Attempt >= job.MaxAttempts
	broken := errors.Is(ctx.Err(), context.Canceled) // by the end of the process, or cancelled
	writing, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	failed := int64(0)
	_, err := w.p.statement(writing, "recording what became of a report", func(q *pgsql.Queries) (err error) {
		if broken || !over {
			return q.RequeueReport(writing, job.Args.ReportID)
		}
		failed, err = q.FailReport(writing, pgsql.FailReportParams{ID: job.Args.ReportID, Error: reportFailed})
		return err
	})
	if err == nil && failed > 0 {
		w.p.ended(r, string(training.ReportFailed))
	}
	attrs := []any{"report", job.Args.ReportID, "attempt", job.Attempt, "error", cause}
	switch {
	case broken:
		return errors.Join(ctx.Err(), err)
	case over:
		w.p.log.ErrorContext(ctx, "a report was given up", attrs...)
	default:
		w.p.log.WarnContext(ctx, "a report was not made yet", append(attrs, "again_in", w.p.reportPause(job.Attempt))...)
	}
	if final(cause) && err == nil {
		return river.JobCancel(cause)
	}
	return errors.Join(cause, err)
}

// final says that another attempt would come to the same.
func final(err error) bool {
	switch training.CodeOf(err) {
	case training.NotFound, training.Forbidden, training.Invalid:
		return true
	}
	return false
}

// failForgotten ends reports whose job is over without a word about them: River gave it up while
// Postgres was away, or with the process that worked at it.
func (p *Primary) failForgotten(ctx context.Context) error {
	for failed := int64(sweepBatch); failed == sweepBatch; {
		_, err := p.statement(ctx, "ending reports without a job", func(q *pgsql.Queries) (err error) {
			failed, err = q.FailForgottenReports(ctx, pgsql.FailForgottenReportsParams{Error: reportFailed, Batch: sweepBatch})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
