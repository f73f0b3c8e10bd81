// Package api is the HTTP surface of a node: routes, negotiation, limits, positions and
// errors. Reads are answered from the cache or the replica, writes by the primary's Writer
// or, at an edge, by the primary's own API through a Forwarder.
//
// What it guarantees:
//   - every answer, of a panic or a malformed request line too, carries a request id and the
//     region; every error is application/problem+json and shows nothing internal;
//   - a read that carries a position is never answered from an older state, but for one case,
//     which says so: the primary cannot be reached at all (see reach);
//   - a hit of the cache is answered before anything is decoded, queried, verified or
//     compressed;
//   - everything that is kept or waited for is bounded.
//
// It is the only package that knows Fiber, whose strings and slices are reused after a
// handler returns: whatever outlives one is copied (see call). It must not know SQL, the
// stream or how a password is checked.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"outpost/replicate/change"
	"outpost/server/cache"
	"outpost/server/forward"
	"outpost/server/telemetry"
	"outpost/server/training"
	"outpost/web"
)

// Authenticator tells who holds a token or an API key. It must not keep it, and for one it has
// seen before it does close to nothing. Its errors are *training.Error: Unauthorized when it is not
// good. An API key that was not seen before is refused with the reason auth.Unasked.
type Authenticator interface {
	Authenticate(ctx context.Context, token string) (training.Principal, error)
	// AuthenticateLate also takes a token that expired no longer than grace ago.
	AuthenticateLate(ctx context.Context, token string, grace time.Duration) (training.Principal, error)
	// Introduce asks the primary about an API key, where that is needed.
	Introduce(ctx context.Context, key string) (training.Principal, error)
}

// Writer changes data at the primary. Each method gives the LSN at which its change can be
// read.
type Writer interface {
	sessionWriter
	accountWriter
	keyWriter
	userWriter
	companyWriter
	courseWriter
	enrollmentWriter
	reminderWriter
	quizWriter
	certificateWriter
	assignmentWriter
	phishingWriter
	reportWriter
	reportScheduleWriter
	exporter
	auditor
	// WALInsert is the newest LSN there can be: a position beyond it buys no wait.
	WALInsert(ctx context.Context) (change.LSN, error)
}

// Forwarder takes a request to the primary. Its errors are *forward.Error.
type Forwarder interface {
	Do(ctx context.Context, r forward.Request) (forward.Response, error)
	// Open is Do for an answer that is too large to be held here.
	Open(ctx context.Context, r forward.Request) (forward.Stream, error)
}

// Reading gives fn one state of the replica to ask, and returns which it was.
type Reading func(ctx context.Context, fn func(training.Queries) error) (training.At, error)

// Deps are what an API needs. A node is the primary when it has a Writer, and an edge when it
// has a Forwarder.
type Deps struct {
	Region  string
	Version string // of the build: part of every ETag's content

	Read      Reading
	ReadLong  Reading            // for what walks a company's people; nil: Read
	Published func() training.At // must be cheap: every request asks it
	Wait      func(ctx context.Context, p change.Position) error
	Cache     *cache.Cache
	Hits      *cache.Hits[Again] // what is asked most, for after a restart; nil: nothing is remembered
	// KeepNothing computes each answer anew, to measure what the cache saves.
	KeepNothing bool
	Auth        Authenticator

	Writer  Writer                                                                   // primary
	Tokens  func(p training.Principal) (token string, life time.Duration, err error) // primary
	Forward Forwarder                                                                // edge

	// Stale says that the replica is known to be behind, and by how much.
	Stale func() (time.Duration, bool)
	// Away says that the primary cannot be reached, so that an expired token may still read.
	Away func() bool
	// Ready says why the node should get no requests; its text is shown.
	Ready func() error
	// Status is the answer of /api/v1/status; detailed for platform admins only.
	Status func(detailed bool) any
	// Changed is closed when something of the status has changed that matters. It must be cheap.
	Changed func() <-chan struct{}
	// History is the answer of /api/v1/status/history, as JSON.
	History func() ([]byte, error)
	// Snapshot opens the newest snapshot for another region and names its content. Refused is
	// the name of one that arrived damaged there, if one did. Nil where there is none to give.
	Snapshot func(ctx context.Context, region, refused string) (file SnapshotFile, etag string, err error)

	// Site are the pages; nil: there are none.
	Site *web.Site
	// Dev answers the pages below /dev/ that only `outpost dev` has; nil everywhere else.
	Dev http.Handler

	ClusterKey     string
	Origins        []string // whose pages may call, as browsers write them: https://app.example.com
	PublicURL      string   // where people reach the product, for what is printed; may be empty
	ClientIPHeader string   // the header by which a trusted proxy names the client; empty: none
	Limits         Limits
	Metrics        *telemetry.Metrics
	Tracer         *telemetry.Tracer // nil: nothing is traced
	Log            *slog.Logger
	Now            func() time.Time // nil: time.Now
}

// Limits bound what a request may cost. Zero values mean the defaults.
type Limits struct {
	Body    int           // bytes; 1 MiB
	Wait    time.Duration // for a position, before the primary is asked; 1 s
	Request time.Duration // for a read or write as a whole; 35 s, above the pool's acquire timeout
	Part    time.Duration // for each part of a dashboard; 2 s
	Stall   time.Duration // for a client that takes no bytes; 30 s
	Rate    Rate          // per user or address, and route
	Login   Rate          // per account and per address
	Streams StreamLimits
}

func (l *Limits) defaults() {
	if l.Body == 0 {
		l.Body = 1 << 20
	}
	if l.Wait == 0 {
		l.Wait = time.Second
	}
	if l.Request == 0 {
		l.Request = 35 * time.Second
	}
	if l.Part == 0 {
		l.Part = 2 * time.Second
	}
	if l.Stall == 0 {
		l.Stall = 30 * time.Second
	}
	l.Streams.defaults()
}

const (
	idleTimeout = 2 * time.Minute // above what the forwarder keeps a connection for
	readTimeout = 30 * time.Second
	headerBytes = 16 << 10
	// Each connection costs its buffers, about 20 KB. Whoever comes above this is refused.
	maxConnections = 32 << 10
)

// API serves one node's requests.
type API struct {
	Deps
	app      *fiber.App
	document func() (*static, error)           // openapi.json, made when it is first asked for
	docs     func() (map[string]*asset, error) // read when they are first asked for: they take 3 MB
	rates    *limiter
	accounts *limiter // logins by account
	sources  *limiter // logins by address
	newest   newest
	locales  locales
	streams  *streams
	pool     sync.Pool // of *call

	insides   fasthttp.RequestHandler // of requests that pages make
	refreshes *refreshes

	base context.Context // ends when the last request has
	stop context.CancelFunc

	listening
}

// New builds the routes. Nothing listens yet.
func New(d Deps) (*API, error) {
	switch {
	case (d.Writer == nil) == (d.Forward == nil):
		return nil, errors.New("building the API: a node has either a Writer or a Forward")
	case d.Writer != nil && d.Tokens == nil:
		return nil, errors.New("building the API: a Writer needs Tokens")
	case d.Read == nil || d.Published == nil || d.Wait == nil || d.Cache == nil || d.Auth == nil ||
		d.Stale == nil || d.Away == nil || d.Ready == nil || d.Status == nil || d.Changed == nil || d.History == nil || d.Metrics == nil || d.Log == nil:
		return nil, errors.New("building the API: a dependency is missing")
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.ReadLong == nil {
		d.ReadLong = d.Read
	}
	d.Limits.defaults()
	a := &API{Deps: d, document: sync.OnceValues(newDocument), docs: sync.OnceValues(newDocs)}
	a.pool.New = func() any { return &call{buf: make([]byte, 0, 256)} } // room for the longest header that is made
	a.base, a.stop = context.WithCancel(context.Background())
	a.streams = newStreams(a)
	for _, l := range []struct {
		to     **limiter
		name   string
		rate   Rate
		strict bool
	}{{&a.rates, "default", d.Limits.Rate, false}, {&a.accounts, "login", d.Limits.Login, true}, {&a.sources, "login", d.Limits.Login, true}} {
		var err error
		if *l.to, err = newLimiter(l.name, l.rate, l.strict); err != nil {
			return nil, fmt.Errorf("building the API: %w", err)
		}
	}
	a.app = fiber.New(fiber.Config{
		AppName: "outpost", DisableStartupMessage: true, CaseSensitive: true,
		Concurrency: maxConnections, BodyLimit: d.Limits.Body, ReadBufferSize: headerBytes, DisablePreParseMultipartForm: true,
		ReadTimeout: readTimeout, IdleTimeout: idleTimeout, // writes: see conn
		ErrorHandler: a.unrouted,
	})
	routes := a.routes()
	if a.Site != nil {
		a.insides, a.refreshes = a.newInside(routes), newRefreshes(a.Now)
	}
	for _, r := range routes {
		a.app.Add(r.method, r.pattern, func(c *fiber.Ctx) error { return a.serve(c, r) })
		if r.method == http.MethodGet {
			a.app.Add(http.MethodHead, r.pattern, func(c *fiber.Ctx) error { return a.serve(c, r) })
		}
	}
	server := a.app.Server()
	server.CloseOnShutdown = true
	server.NoDefaultServerHeader = true
	server.Logger = quiet{d.Log}
	server.HeaderReceived = bodyBounds(routes)
	inner := server.Handler
	server.Handler = func(ctx *fasthttp.RequestCtx) { a.entry(ctx, inner) }
	return a, nil
}

// entry answers a method that Fiber does not know before Fiber answers it in plain text.
func (a *API) entry(ctx *fasthttp.RequestCtx, inner fasthttp.RequestHandler) {
	switch string(ctx.Method()) {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodConnect, http.MethodTrace:
		inner(ctx)
	default:
		ctx.Request.Header.SetMethod(http.MethodTrace) // no route has it
		inner(ctx)
	}
}

func (a *API) primary() bool { return a.Writer != nil }

// quiet takes what fasthttp has to say about broken connections: of interest when debugging,
// and otherwise everyday.
type quiet struct{ log *slog.Logger }

// Printf logs a line.
func (q quiet) Printf(format string, args ...any) {
	q.log.Debug("http server", "message", fmt.Sprintf(format, args...))
}
