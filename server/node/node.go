// Package node builds one node out of its parts, starts them, and stops them in the
// order that loses nothing. It is the only package that knows everyone.
//
// New checks everything that an operator can get wrong and says so at once; after
// it, what breaks is tried again, and the node serves what it has.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"outpost/replicate/change"
	"outpost/replicate/follow"
	"outpost/replicate/hub"
	"outpost/replicate/replica"
	"outpost/replicate/source"
	"outpost/replicate/stream"
	"outpost/replicate/verify"
	"outpost/server/api"
	"outpost/server/cache"
	"outpost/server/config"
	"outpost/server/mail"
	"outpost/server/primary"
	"outpost/server/report"
	"outpost/server/store"
	"outpost/server/telemetry"
	"outpost/server/training"
	"outpost/sql"
	"outpost/web"
)

// Timeouts of start and stop.
const (
	startTimeout = 4 * time.Second  // for everything that needs Postgres
	stopTimeout  = 25 * time.Second // for requests in flight; less than an orchestrator's kill timeout
)

// Options are what tests and `outpost dev` bend.
type Options struct {
	Log     *slog.Logger
	Version string
	// Dial connects to the primary region; nil is the network as it is.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Dev answers the pages below /dev/; nil but in `outpost dev`.
	Dev http.Handler
	// Demo is what the first page tells of a demo; nil where there is none.
	Demo *web.Demo
	// BeforeCommit is called before each commit of the replica; nil for none.
	BeforeCommit func()
	// MemoryLimit is what the process may take, in bytes; 0 where nobody knows.
	MemoryLimit int64
}

// Node is one process' worth of Outpost.
type Node struct {
	config  config.Config
	options Options
	log     *slog.Logger
	started time.Time

	folder  *folder
	metrics *telemetry.Metrics
	tracer  *telemetry.Tracer // nil where traces go nowhere
	replica *replica.Replica
	cache   *cache.Cache
	hits    *cache.Hits[api.Again] // nil where nothing is cached
	memory  *memoryWatch
	store   *store.Store
	primary *primary.Primary // nil at an edge
	server  *stream.Server   // nil where no NATS is embedded
	conn    *stream.Conn
	hub     *hub.Hub     // nil at an edge
	edge    *follow.Edge // nil at the primary
	follow  *follow.Follower
	verify  *verify.Verifier // nil at an edge
	board   *board
	applied applied
	stream  atomic.Pointer[stream.Bounds] // nil at an edge, and while it is not known
	// transport is an edge's way to the primary, for writes and snapshots.
	transport *http.Transport
	api       *api.API

	listener, adminListener net.Listener
	stopping                atomic.Bool

	closers []func() error // in the order of opening
}

// New builds the node; Run runs it. After an error nothing is left open.
func New(ctx context.Context, c config.Config, o Options) (_ *Node, err error) {
	if c.Zone != "global" {
		return nil, fmt.Errorf("OUTPOST_ZONE is %q; this version keeps all data in every region, so it must be global", c.Zone)
	}
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	n := &Node{config: c, options: o, started: time.Now(), log: o.Log.With("region", c.Region)}
	n.board = newBoard(n.log, time.Now)
	n.metrics = telemetry.New(o.Version, c.Region, nil)
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close())
		}
	}()
	steps := []func(context.Context) error{n.openFolder, n.listen, n.openTracer, n.openPrimary, n.openReplica, n.openStream, n.openAPI}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// Run serves until ctx ends, then finishes the requests in flight and stops.
func (n *Node) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, n.close()) }()
	// The parts outlive ctx until the API has answered what it had taken in.
	parts, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, parts := errgroup.WithContext(parts)
	if n.hub != nil {
		group.Go(func() error { return n.hub.Run(parts) })
		group.Go(func() error { return n.verify.Forever(parts) })
		group.Go(func() error { return n.watchStream(parts) })
	} else {
		group.Go(func() error { return n.edge.Run(parts) })
	}
	if n.primary != nil {
		group.Go(func() error { return n.primary.Run(parts) })
	}
	if n.hits != nil {
		group.Go(func() error { return n.newWarmer().Run(parts) })
	}
	group.Go(func() error {
		tick := time.NewTicker(memoryInterval)
		defer tick.Stop()
		return n.memory.Run(parts, tick.C)
	})
	group.Go(func() error { return n.announce(parts) })
	group.Go(func() error { return n.api.Listen(n.listener) })
	group.Go(func() error { return n.api.ListenAdmin(n.adminListener) })
	group.Go(func() error {
		select {
		case <-ctx.Done():
		case <-parts.Done(): // a part failed
		}
		n.log.Info("stopping: finishing the requests in flight")
		n.stopping.Store(true)
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		err := n.api.Shutdown(limit)
		stop()
		return err
	})
	n.log.Info("started", "role", role(n.config.Primary()), "api", n.listener.Addr().String(), "admin", n.adminListener.Addr().String())
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// Ready says why the node should get no traffic; nil when it should.
func (n *Node) Ready() error {
	if n.stopping.Load() {
		return errors.New("the node is stopping")
	}
	if !n.replica.Loaded() {
		return errors.New("the replica is not loaded yet")
	}
	if n.follow.Lag() > n.config.MaxLag {
		return fmt.Errorf("the replica is %v behind the stream", n.follow.Lag().Round(time.Millisecond))
	}
	return nil
}

func (n *Node) openFolder(context.Context) (err error) {
	if n.folder, err = openFolder(n.config.Data); err != nil {
		return err
	}
	n.closers = append(n.closers, n.folder.Close)
	return nil
}

func (n *Node) listen(ctx context.Context) (err error) {
	if n.listener, err = listen(ctx, "OUTPOST_ADDR", n.config.Addr); err != nil {
		return err
	}
	n.closers = append(n.closers, closeListener(n.listener))
	if n.adminListener, err = listen(ctx, "OUTPOST_ADMIN_ADDR", n.config.AdminAddr); err != nil {
		return err
	}
	n.closers = append(n.closers, closeListener(n.adminListener))
	return nil
}

func listen(ctx context.Context, variable, addr string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	var call *os.SyscallError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: %s is in use by another program; stop that, or choose another port", variable, addr)
	case errors.As(err, &call):
		return nil, fmt.Errorf("%s: cannot listen on %s: %w", variable, addr, call.Err)
	case err != nil:
		return nil, fmt.Errorf("%s: cannot listen on %s: %w", variable, addr, err)
	}
	return l, nil
}

// openTracer comes before all that makes spans, so that it ends after them.
func (n *Node) openTracer(ctx context.Context) (err error) {
	c := n.config.Traces
	if c.Endpoint == "" {
		return nil
	}
	n.tracer, err = telemetry.NewTracer(ctx, telemetry.TraceOptions{
		Endpoint: c.Endpoint, Headers: c.Headers, Service: c.Service, Version: n.options.Version, Region: n.config.Region,
		Sampler: c.Sampler, Ratio: c.Ratio, Log: n.log,
	})
	if err != nil {
		return fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	n.closers = append(n.closers, func() error {
		n.tracer.Close()
		return nil
	})
	return nil
}

// closeListener closes one that its server may have closed already.
func closeListener(l net.Listener) func() error {
	return func() error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("closing a listener: %w", err)
		}
		return nil
	}
}

// openPrimary checks what an operator can get wrong about Postgres.
func (n *Node) openPrimary(ctx context.Context) (err error) {
	if !n.config.Primary() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := n.checkDatabase(ctx); err != nil {
		return fmt.Errorf("DATABASE_URL: %w", err)
	}
	mailer, err := n.mailer()
	if err != nil {
		return err
	}
	name, err := n.folder.name()
	if err != nil {
		return err
	}
	settings := primary.Config{
		URL: n.config.DatabaseURL, MaxConns: n.config.Pool.MaxConns, MinConns: n.config.Pool.MinConns,
		AcquireTimeout: n.config.Pool.AcquireTimeout, MaxLifetime: n.config.Pool.MaxLifetime, Pooler: n.config.Pool.Pooler,
		Observe: n.metrics.Queries("postgres"), Log: n.log, Mailer: mailer, ClientID: name,
		Reports: n.reports(), ReportEnded: n.metrics.Report,
		Trace: telemetry.Traceparent, Continue: n.tracer.Continue,
		Committed: func(at change.LSN) { n.hub.Expect(at) },
	}
	if n.config.SlowPostgres > 0 {
		settings.Slow, settings.SlowAfter = telemetry.SlowQueries(n.log, "postgres"), n.config.SlowPostgres
	}
	if n.primary, err = primary.Open(ctx, settings); err != nil {
		return err
	}
	n.closers = append(n.closers, func() error {
		n.primary.Close()
		return nil
	})
	return nil
}

// reports makes reports of what the replica has once all that Postgres had when it was asked is there.
func (n *Node) reports() primary.ReportMaker {
	return &report.Maker{
		// The parts are opened later, all of them before the first report is made.
		Read: func(ctx context.Context, fn func(training.Queries) error) (training.At, error) {
			return n.store.ReadLong(ctx, fn)
		},
		Fresh: func(ctx context.Context) error {
			lsn, err := n.primary.WALInsert(ctx)
			if err != nil {
				return err
			}
			n.hub.Expect(lsn)
			return n.replica.Wait(ctx, change.Position{Generation: n.replica.State().Position.Generation, LSN: lsn})
		},
		Stage: n.metrics.Stages(n.tracer), Now: time.Now,
	}
}

// mailer is nil where no mail server was named.
func (n *Node) mailer() (primary.Mailer, error) {
	c := n.config.Mail
	if c.URL == "" {
		return nil, nil
	}
	sender, err := mail.New(mail.Config{URL: c.URL, From: c.From, PublicURL: n.config.PublicURL})
	if err != nil {
		return nil, fmt.Errorf("OUTPOST_SMTP_URL: %w", err)
	}
	return sender, nil
}

func (n *Node) checkDatabase(ctx context.Context) error {
	err := source.Check(ctx, n.sourceConfig(""))
	if errors.Is(err, source.ErrNoPublication) {
		return errors.New("the database has not been prepared for this program: run outpost migrate")
	}
	if err != nil {
		return err
	}
	have, want, err := sql.Current(ctx, n.config.DatabaseURL)
	switch {
	case err != nil:
		return err
	case have < want:
		return fmt.Errorf("the database's schema is version %d, this program needs %d: run outpost migrate", have, want)
	case have > want:
		return fmt.Errorf("the database's schema is version %d, this program knows %d: run a newer outpost", have, want)
	}
	return nil
}

func (n *Node) sourceConfig(slot string) source.Config {
	return source.Config{URL: n.config.DatabaseURL, Publication: sql.Publication, Slot: slot, Log: n.log}
}

// close closes what was opened, the last first.
func (n *Node) close() error {
	var errs []error
	for i := len(n.closers) - 1; i >= 0; i-- {
		errs = append(errs, n.closers[i]())
	}
	n.closers = nil
	return errors.Join(errs...)
}
