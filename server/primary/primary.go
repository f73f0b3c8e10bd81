// Package primary writes to Postgres, the only place where data is born.
//
// Every write is one transaction and answers with a position: a replica that has reached it
// shows the write. What somebody asks for is an operation (see operate): it holds their rights as of
// now, is told to the audit log, and is done once for each Idempotency-Key; recording progress and
// logging out come to the same when they are done twice. Fewer than five statements make up a request.
//
// What nobody waits for is Run's: logins written in batches, mail, assignments handed out, reports, reminders,
// signing keys, and what has served its time. It goes on where it was after a crash, beside other primaries.
//
// A database that is away, full or slow is training.Unavailable. Whoever calls must not conclude
// from it that nothing was written: a connection that breaks in a commit leaves that open.
package primary

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"outpost/replicate/change"
	"outpost/server/auth"
	"outpost/server/training"
)

// Config says where Postgres is and how to use it.
type Config struct {
	URL            string
	MaxConns       int32         // 30
	MinConns       int32         // 20, never more than MaxConns
	AcquireTimeout time.Duration // 30 s: the longest wait for a connection
	MaxLifetime    time.Duration // 1 h
	Pooler         bool          // a pooler without sessions lies between: nothing is prepared
	Passwords      *auth.Passwords
	KeyAge         time.Duration                           // 30 days: how long a signing key signs before another follows it
	KeyLead        time.Duration                           // 10 min: how long a new one is known everywhere before it signs
	Observe        func(queryType string, d time.Duration) // may be nil
	// Slow is told of each statement, with its text but without its values, that took longer than
	// SlowAfter. Nil: of none.
	Slow      func(ctx context.Context, queryType, sql string, d time.Duration)
	SlowAfter time.Duration
	Committed func(change.LSN) // told of each write's position before it is answered; may be nil
	Mailer    Mailer           // nil: mail waits
	MailPoll  time.Duration    // 5 s: how often the outbox is looked into that others write to
	MailRetry time.Duration    // 15 s: the first pause before a mail is tried again; the next are longer
	Reports   ReportMaker      // nil: reports wait
	// ClientID names this process among those that work at jobs. It is kept from one start to the next, by
	// one process at a time, which takes up at once what it was killed at, and mail that it had in hand. Empty: another each time.
	ClientID      string
	ReportTimeout time.Duration // 5 min: the longest that making a report may take
	ReportRetry   time.Duration // 1 s: the first pause before a report is tried again; each next is four times as long
	// ReportEnded is told of each report that came to its end here: completed, failed or cancelled. May be nil.
	ReportEnded func(t training.ReportType, f training.ReportFormat, result string)
	// Trace names the span in ctx, and Continue begins one below it when the report is made that was asked
	// for there, and gives what ends it. May be nil.
	Trace    func(ctx context.Context) string
	Continue func(ctx context.Context, name, trace string) (context.Context, func(error))
	Log      *slog.Logger
}

const (
	// pingTimeout is how long a connection may take to prove that it is alive.
	pingTimeout = 2 * time.Second
	// idleTimeout gives connections above the minimum back.
	idleTimeout = 10 * time.Minute
)

// Primary is a pool of connections and what is written through them.
type Primary struct {
	config   Config
	pool     *pgxpool.Pool
	log      *slog.Logger
	activity activity
	ring     atomic.Pointer[keyring]
	outbox   outbox
	assign   chan struct{} // wakes the worker of assignments
	jobs     *jobs
}

// Open makes the pool and proves that Postgres answers.
func Open(ctx context.Context, c Config) (*Primary, error) {
	setDefaults(&c)
	pool, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		// What pgx says may quote parts of the URL.
		return nil, errors.New("the database URL cannot be read: give it as postgres://user:password@host:port/database")
	}
	pool.MaxConns, pool.MinConns = c.MaxConns, min(c.MinConns, c.MaxConns)
	pool.MaxConnLifetime, pool.MaxConnLifetimeJitter = c.MaxLifetime, c.MaxLifetime/10
	pool.MaxConnIdleTime = idleTimeout
	pool.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return true }
	pool.PingTimeout = pingTimeout
	pool.ConnConfig.RuntimeParams["application_name"] = "outpost"
	if c.Pooler {
		pool.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	}
	p := &Primary{config: c, log: c.Log, outbox: newOutbox(), assign: make(chan struct{}, 1)}
	if c.Observe != nil || c.Slow != nil {
		pool.ConnConfig.Tracer = tracer{p.ran}
	}
	if p.pool, err = pgxpool.NewWithConfig(ctx, pool); err != nil {
		return nil, fmt.Errorf("making the Postgres pool: %w", err)
	}
	if err := p.openJobs(); err != nil {
		p.pool.Close()
		return nil, err
	}
	if err := p.pool.Ping(ctx); err != nil {
		p.pool.Close()
		return nil, fmt.Errorf("connecting to Postgres: %w", err)
	}
	return p, nil
}

func setDefaults(c *Config) {
	if c.MaxConns == 0 {
		c.MaxConns = 30
	}
	if c.MinConns == 0 {
		c.MinConns = 20
	}
	if c.AcquireTimeout == 0 {
		c.AcquireTimeout = 30 * time.Second
	}
	if c.MaxLifetime == 0 {
		c.MaxLifetime = time.Hour
	}
	if c.KeyAge == 0 {
		c.KeyAge = 30 * 24 * time.Hour
	}
	if c.KeyLead == 0 {
		c.KeyLead = 10 * time.Minute
	}
	if c.MailPoll == 0 {
		c.MailPoll = 5 * time.Second
	}
	if c.MailRetry == 0 {
		c.MailRetry = 15 * time.Second
	}
	if c.ReportTimeout == 0 {
		c.ReportTimeout = 5 * time.Minute
	}
	if c.ReportRetry == 0 {
		c.ReportRetry = time.Second
	}
	if c.ReportEnded == nil {
		c.ReportEnded = func(training.ReportType, training.ReportFormat, string) {}
	}
	if c.Trace == nil {
		c.Trace = func(context.Context) string { return "" }
	}
	if c.Continue == nil {
		c.Continue = func(ctx context.Context, _, _ string) (context.Context, func(error)) { return ctx, func(error) {} }
	}
	if c.Passwords == nil {
		c.Passwords = auth.NewPasswords(0)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

const (
	activityInterval = 5 * time.Second
	keysInterval     = 5 * time.Second
	sweepInterval    = time.Hour
	// lastFlush bounds how long an ending process tries to save the last logins.
	lastFlush = 3 * time.Second
)

// Run writes what is written in batches, sends mail, hands assignments out, makes reports, reminds of due
// dates, keeps the signing keys and removes what has served its time, until ctx ends. Postgres being away ends nothing:
// it is logged and tried again. The mail that is on its way when ctx ends is finished; a report is if it
// does not take long, and else begun again by whoever comes next.
func (p *Primary) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	workers.Go(func() { p.runOutbox(ctx) })
	workers.Go(func() { p.keepAssigning(ctx) })
	workers.Go(func() { p.keepReminding(ctx) })
	workers.Go(func() { p.keepSchedules(ctx) })
	workers.Go(func() { p.work(ctx) })
	defer workers.Wait()
	flush, sweep := time.NewTicker(activityInterval), time.NewTicker(sweepInterval)
	keys := time.NewTicker(min(keysInterval, p.config.KeyLead/4))
	defer flush.Stop()
	defer keys.Stop()
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastFlush)
			defer cancel()
			if err := p.FlushActivity(last); err != nil {
				p.log.Warn("the last logins were not recorded", "error", err)
			}
			return nil
		case <-flush.C:
			if err := p.FlushActivity(ctx); err != nil && ctx.Err() == nil {
				p.log.Warn("logins are not recorded yet", "error", err)
			}
		case <-keys.C:
			if err := p.KeepSigningKeys(ctx); err != nil && ctx.Err() == nil {
				p.log.Warn("the signing keys were not looked after; tried again soon", "error", err)
			}
		case <-sweep.C:
			if err := p.Sweep(ctx); err != nil && ctx.Err() == nil {
				p.log.Warn("what has served its time was not removed yet", "error", err)
			}
		}
	}
}

// Close waits for the connections in use and closes all.
func (p *Primary) Close() { p.pool.Close() }
