package primary

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"outpost/server/primary/pgsql"
)

// Jobs are River's: taken in within the transaction that asks for them, in tables of their own that
// are not published. A job names what it is about and holds nothing of it.

const (
	jobSchema = "river"
	jobQueue  = "reports"
	// jobWorkers is how many jobs this process works at side by side. Two make some forty small reports a
	// second, and those who read do not wait for them: with eight, where more were asked for than two cores
	// can make, the p95 of all requests was 156 ms instead of 86.
	jobWorkers = 2
	jobTries   = 5
	// jobPoll is how often is looked for new jobs. Nobody is notified of them: a NOTIFY is a
	// statement more in each request, needs a connection that listens, and passes no pooler.
	jobPoll = 200 * time.Millisecond
	// jobPause is the least time between two looks while there are jobs: with River's own of 100 ms two
	// workers would do no more than twenty small reports a second.
	jobPause = 5 * time.Millisecond
	// jobStop is how long jobs may go on when the process is to end. What is not finished then is
	// given back, to be begun again by whoever comes next.
	jobStop = 3 * time.Second
	// jobStopLate is how long is waited after that for a job that does not listen.
	jobStopLate = 5 * time.Second
	// jobsKept is how long finished jobs can be looked at, failedJobsKept those that were given up.
	jobsKept       = time.Hour
	failedJobsKept = 24 * time.Hour
)

// jobs takes jobs in and works at them.
type jobs = river.Client[pgx.Tx]

// driver is River's for pgx, without LISTEN and NOTIFY.
type driver struct{ *riverpgxv5.Driver }

func (driver) SupportsListenNotify() bool { return false }
func (driver) SupportsListener() bool     { return false }

func (p *Primary) openJobs() (err error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, &reportWorker{p: p})
	p.jobs, err = river.NewClient[pgx.Tx](driver{riverpgxv5.New(p.pool)}, &river.Config{
		ID: p.config.ClientID, Schema: jobSchema, Workers: workers, Hooks: []rivertype.Hook{&numbered{}},
		Queues:      map[string]river.QueueConfig{jobQueue: {MaxWorkers: jobWorkers}},
		MaxAttempts: jobTries, JobTimeout: p.config.ReportTimeout, RescueStuckJobsAfter: 2 * p.config.ReportTimeout,
		FetchPollInterval: jobPoll, FetchCooldown: jobPause, SoftStopTimeout: jobStop,
		CompletedJobRetentionPeriod: jobsKept, CancelledJobRetentionPeriod: jobsKept, DiscardedJobRetentionPeriod: failedJobsKept,
		Logger: slog.New(&jobLog{inner: p.log.Handler(), last: &lastTold{at: make(map[string]time.Time)}}),
	})
	if err != nil {
		return fmt.Errorf("opening the queue of jobs: %w", err)
	}
	return nil
}

// numbered lets a job have the number that the row about it was given before.
type numbered struct{ river.HookDefaults }

var _ rivertype.HookInsertBegin = (*numbered)(nil)

// InsertBegin sets the number.
func (*numbered) InsertBegin(_ context.Context, params *rivertype.JobInsertParams) error {
	if job, ok := params.Args.(reportJob); ok {
		params.ID = &job.number
	}
	return nil
}

// work works at jobs until ctx ends. Before it begins it takes up what this process was working at
// when it was killed.
func (p *Primary) work(ctx context.Context) {
	if p.config.Reports == nil {
		return // jobs wait for a process that can do them
	}
	failing := false
	for {
		err := p.startJobs(ctx)
		if err == nil || ctx.Err() != nil {
			break
		}
		if !failing {
			p.log.Warn("jobs are not worked at yet", "error", err)
		}
		failing = true
		select {
		case <-ctx.Done():
		case <-time.After(retryAfter):
		}
	}
	if ctx.Err() != nil {
		return
	}
	<-ctx.Done()
	select {
	case <-p.jobs.Stopped():
	case <-time.After(jobStop + jobStopLate):
		p.log.Warn("a job did not stop; it is begun again at the next start")
	}
}

func (p *Primary) startJobs(ctx context.Context) error {
	_, err := p.statement(ctx, "taking up jobs again", func(q *pgsql.Queries) error {
		n, err := q.ReleaseJobs(ctx, p.jobs.ID())
		if n > 0 {
			p.log.InfoContext(ctx, "jobs that were broken off are taken up again", "jobs", n)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := p.failForgotten(ctx); err != nil {
		return err
	}
	if err := p.jobs.Start(ctx); err != nil {
		return fmt.Errorf("starting to work at jobs: %w", err)
	}
	return nil
}

// jobLog takes over from River what matters, and of what it says again and again, as when
// Postgres is away, one word a minute. River's own words name jobs by their numbers.
type jobLog struct {
	inner slog.Handler
	last  *lastTold
}

type lastTold struct {
	mu sync.Mutex
	at map[string]time.Time // by message, of which there are a few
}

const jobLogPause = time.Minute

// Enabled is for warnings and errors.
func (l *jobLog) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && l.inner.Enabled(ctx, level)
}

// Handle passes on what was not said within the last minute.
func (l *jobLog) Handle(ctx context.Context, r slog.Record) error {
	l.last.mu.Lock()
	told := r.Time.Sub(l.last.at[r.Message]) < jobLogPause
	if !told {
		l.last.at[r.Message] = r.Time
	}
	l.last.mu.Unlock()
	if told {
		return nil
	}
	return l.inner.Handle(ctx, r)
}

// WithAttrs keeps the count.
func (l *jobLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &jobLog{l.inner.WithAttrs(attrs), l.last}
}

// WithGroup keeps the count.
func (l *jobLog) WithGroup(name string) slog.Handler { return &jobLog{l.inner.WithGroup(name), l.last} }
