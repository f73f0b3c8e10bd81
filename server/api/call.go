package api

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"outpost/replicate/change"
	"outpost/server/cache"
	"outpost/server/forward"
	"outpost/server/telemetry"
	"outpost/server/training"
)

// call is one request on its way. It is reused, and so is everything that it got from Fiber:
// what outlives the handler (a fill, a log line) takes a copy.
type call struct {
	api   *API
	c     *fiber.Ctx
	route *route
	began time.Time
	now   time.Time              // when the clock was last looked at: that takes long enough to be worth sparing
	id    []byte                 // copied; text where it outlives the call: see requestID
	span  *telemetry.RequestSpan // nil: the request is not traced

	client    netip.Addr
	forwarded string // the region that sent it on, proved; copied
	principal training.Principal
	known     bool // principal is set
	verdict   verdict

	asked    change.Position // that the request carries
	judged   change.Position // at which, or later, the credential was believed
	cookie   change.Position // the part of asked that came in the cookie
	position change.Position // to send; zero: the published one
	stale    int             // seconds to admit to; -1: none
	entry    *cache.Entry    // that it is answered with; nil: none
	cached   string          // for Cache-Status; empty: none of the cache's business
	cause    error           // of a failure, for the log alone

	authTook, waitTook, readTook time.Duration

	key []byte // of the cache
	buf []byte // scratch for headers
}

// serve takes one request through what all have in common.
func (a *API) serve(c *fiber.Ctx, r *route) error {
	k := a.begin(c, r)
	defer a.end(k)
	err := a.run(k)
	switch {
	case err == nil || errors.Is(err, errAnswered):
	case r.session:
		k.failPage(err)
	default:
		k.fail(err)
	}
	return nil
}

func (a *API) run(k *call) error {
	if err := k.readPosition(); err != nil {
		return err
	}
	if k.route.session {
		if err := a.openSession(k); err != nil {
			return err
		}
	}
	if err := a.authenticate(k); err != nil {
		return err
	}
	if err := k.authorize(); err != nil {
		return err
	}
	if k.forwarded == "" && !k.route.free {
		// A node that forwards has counted the request already.
		if k.limit(a.rates, k.bucket()); !k.verdict.allowed {
			return k.tooMany()
		}
	}
	if k.route.write && !a.primary() {
		return a.pass(k)
	}
	return k.route.handle(a, k)
}

// begin starts a call.
func (a *API) begin(c *fiber.Ctx, r *route) *call {
	k := a.pool.Get().(*call)
	now := a.Now()
	*k = call{api: a, c: c, route: r, began: now, now: now, stale: -1, id: k.id[:0], key: k.key[:0], buf: k.buf[:0]}
	k.verdict.allowed = true
	k.id = appendRequestID(k.id, c.Request().Header.Peek(headerRequestID))
	k.client = k.address()
	a.trust(k)
	if a.Tracer != nil && !r.probe {
		k.trace()
	}
	return k
}

// trace begins the request's span. Fiber's strings are copied.
func (k *call) trace() {
	h := &k.c.Request().Header
	k.span = k.api.Tracer.Request(string(h.Method()), k.route.endpoint, k.requestID(), string(h.Peek(headerTraceparent)), string(h.Peek(headerTracestate)))
}

// trust takes another node's word for where the request came from, if it can prove that it
// is one.
func (a *API) trust(k *call) {
	h := &k.c.Request().Header
	proof := h.Peek(forward.HeaderCluster)
	if len(proof) == 0 {
		return
	}
	claim := forward.Claim{
		Method: string(h.Method()), Target: string(h.RequestURI()),
		Region: string(h.Peek(forward.HeaderForwarded)), ClientIP: string(h.Peek(forward.HeaderForwardedFor)),
	}
	if claim.Region == "" || !forward.Verify(a.ClusterKey, string(proof), claim, a.Now()) {
		return
	}
	k.forwarded = claim.Region
	if addr, err := netip.ParseAddr(claim.ClientIP); err == nil {
		k.client = addr
	}
}

// end completes the answer, counts and logs it. It is deferred, so that it sees panics.
func (a *API) end(k *call) {
	if p := recover(); p != nil {
		k.c.Response().Reset()
		k.fail(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
	}
	took := k.tick().Sub(k.began)
	k.headers(took)
	status := k.c.Response().StatusCode()
	k.counts().Request(status, took, k.now)
	a.log(k, status, took)
	if k.span != nil {
		k.span.End(telemetry.Answer{Status: status, Cache: k.cached, ForwardedBy: k.forwarded})
	}
	k.c = nil
	a.pool.Put(k)
}

// tick looks at the clock.
func (k *call) tick() time.Time {
	k.now = k.api.Now()
	return k.now
}

// counts is what counts this request. A HEAD is not its route's own method, and what fits no route
// has no counters of its own.
func (k *call) counts() *telemetry.Endpoint {
	if method := k.c.Method(); k.route.counts == nil || method != k.route.method {
		return k.api.Metrics.Endpoint(method, k.route.endpoint)
	}
	return k.route.counts
}

// level says how much an answer matters to an operator.
func (k *call) level(status int) slog.Level {
	switch {
	case k.route.probe, k.route.awaited && status == http.StatusServiceUnavailable:
		return slog.LevelDebug
	case status < 500:
		return slog.LevelInfo
	case k.cause == nil || errors.Is(k.cause, errAway): // said 503 on purpose
		return slog.LevelWarn
	}
	return slog.LevelError
}

func (a *API) log(k *call, status int, took time.Duration) {
	level := k.level(status)
	if !a.Log.Enabled(a.base, level) {
		return
	}
	// The path without its query and no header: what is secret travels there.
	bytes := k.c.Response().Header.ContentLength() // -1: not known yet
	if !k.c.Response().IsBodyStream() {
		bytes = len(k.c.Response().Body()) // which would read a stream to its end
	}
	attrs := []slog.Attr{
		slog.String("method", strings.Clone(k.c.Method())), slog.String("endpoint", k.route.endpoint),
		slog.String("path", strings.Clone(k.c.Path())), slog.Int("status", status),
		slog.Float64("took_ms", float64(took.Microseconds())/1000), slog.Int("bytes", bytes),
		slog.String("request_id", k.requestID()), slog.String("client", k.client.String()),
	}
	if k.known {
		attrs = append(attrs, slog.Int64("user", k.principal.UserID))
	}
	if k.cached != "" {
		attrs = append(attrs, slog.String("cache", k.cached))
	}
	if k.forwarded != "" {
		attrs = append(attrs, slog.String("forwarded_by", k.forwarded))
	}
	if k.span != nil {
		attrs = append(attrs, slog.String("trace_id", k.span.TraceID()))
	}
	if k.cause != nil {
		attrs = append(attrs, slog.String("error", k.cause.Error()))
	}
	a.Log.LogAttrs(a.base, level, "request", attrs...)
}

// address is the client's: the trusted proxy's word, else the connection's.
func (k *call) address() netip.Addr {
	if name := k.api.ClientIPHeader; name != "" {
		if addr, err := netip.ParseAddr(k.c.Get(name)); err == nil {
			return addr
		}
	}
	if c, ok := k.c.Context().Conn().(*conn); ok {
		return c.client
	}
	return addressOf(k.c.Context().RemoteAddr())
}

func addressOf(remote net.Addr) netip.Addr {
	if tcp, ok := remote.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// bucket is the rate limit's: the user's, else the address's, for this route.
func (k *call) bucket() bucketKey {
	if k.known {
		return bucketKey{route: k.route.number, number: uint64(k.principal.UserID)}
	}
	return bucketKey{route: k.route.number, addr: source(k.client)}
}

// limit takes a token from l and remembers the strictest verdict.
func (k *call) limit(l *limiter, key bucketKey) {
	k.verdict = stricter(k.verdict, l.take(key, k.began))
}

// context is for work that this request waits for. All it has of the request is a copy of its id and
// its span, so that what a fill keeps of it is harmless.
func (k *call) context() (context.Context, context.CancelFunc) {
	ctx := training.WithCaller(k.api.base, training.Caller{RequestID: k.requestID()})
	if k.span != nil {
		ctx = k.span.Context(ctx)
	}
	return context.WithTimeout(ctx, k.api.Limits.Request)
}

func (k *call) requestID() string { return string(k.id) }

// appendRequestID appends the client's if it is fit to be logged and passed on, else a new one.
func appendRequestID(b, given []byte) []byte {
	if n := len(given); n > 0 && n <= 128 && token(given) {
		return append(b, given...)
	}
	var raw [16]byte
	binary.LittleEndian.PutUint64(raw[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(raw[8:], rand.Uint64())
	return hex.AppendEncode(b, raw[:])
}

// token says whether b consists of characters that need no care anywhere.
func token(b []byte) bool {
	for _, c := range b {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.', c == ':', c == '/', c == '+', c == '=':
		default:
			return false
		}
	}
	return true
}

// traceparent gives back what the client sent if it is one: 00-<32 hex>-<16 hex>-<2 hex>.
func traceparent(b []byte) bool {
	if len(b) != 55 || b[2] != '-' || b[35] != '-' || b[52] != '-' {
		return false
	}
	for i, c := range b {
		if i == 2 || i == 35 || i == 52 {
			continue
		}
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func appendPosition(b []byte, p change.Position) []byte {
	b = strconv.AppendUint(b, uint64(p.Generation), 10)
	b = append(b, ':')
	b = appendHex(b, uint32(p.LSN>>32))
	b = append(b, '/')
	return appendHex(b, uint32(p.LSN))
}

func appendHex(b []byte, n uint32) []byte {
	at := len(b)
	b = strconv.AppendUint(b, uint64(n), 16)
	for i := at; i < len(b); i++ {
		if b[i] >= 'a' {
			b[i] -= 'a' - 'A'
		}
	}
	return b
}
