package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"outpost/replicate/change"
	"outpost/server/cache"
	"outpost/server/training"
	"outpost/web"
)

// inside asks the API for what a page is made of, in the name and at the position of the page's own
// request, and remembers on what the answers depend. Each goes the way of any request, from its route's
// handler on: it is answered from the cache or the replica, or by the primary. Authentication, the rate
// limit, metrics of requests and the log are the page's.
type inside struct {
	api       *API
	from      call // what of the page's call its own requests have; nothing in it is Fiber's
	token     string
	language  string
	strict    bool
	userAgent string

	mu       sync.Mutex // guards what follows
	parts    []insidePart
	unkept   bool // an answer came from elsewhere, or is not to be kept
	stale    int
	position change.Position // the newest of a write, the oldest of what was read
}

// insidePart is an answer that was found at a position.
type insidePart struct {
	entry *cache.Entry
	at    change.Position
}

// inside begins with what a page's call knows.
func (k *call) inside() *inside {
	i := &inside{
		api: k.api, stale: -1, token: k.sessionToken(), language: k.pageLocale(), strict: k.strict(), userAgent: k.userAgent(),
		from: call{client: k.client, principal: k.principal, known: k.known, asked: k.asked, judged: k.judged, forwarded: k.forwarded},
	}
	i.from.id = append([]byte(nil), k.id...)
	return i
}

// insideKey is under which a request carries the inside that it is asked by.
type insideKey struct{}

// insideState is one request inside.
type insideState struct {
	*inside
	err error
}

// newInside makes the router of requests inside.
func (a *API) newInside(routes []*route) fasthttp.RequestHandler {
	app := fiber.New(fiber.Config{DisableStartupMessage: true, CaseSensitive: true})
	for _, r := range routes {
		if !r.session {
			app.Add(r.method, r.pattern, func(c *fiber.Ctx) error { return a.serveInside(c, r) })
		}
	}
	return app.Handler()
}

// Do asks the API.
func (i *inside) Do(_ context.Context, r web.Call) (web.Answer, error) {
	var request fasthttp.Request
	request.Header.SetMethod(r.Method)
	request.SetRequestURI(r.Target)
	for name, values := range r.Header {
		for _, value := range values {
			request.Header.Add(name, value)
		}
	}
	request.Header.Set(fiber.HeaderAccept, fiber.MIMEApplicationJSON)
	request.Header.Set(fiber.HeaderAcceptLanguage, i.language)
	request.Header.Set(fiber.HeaderUserAgent, i.userAgent)
	if i.token != "" {
		request.Header.Set(fiber.HeaderAuthorization, "Bearer "+i.token)
	}
	if i.strict {
		request.Header.Set(headerStrict, "1")
	}
	request.SetBodyRaw(r.Body)
	var c fasthttp.RequestCtx
	c.Init(&request, nil, nil)
	state := &insideState{inside: i, err: notFound()}
	c.SetUserValue(insideKey{}, state)
	i.api.insides(&c)
	if state.err != nil {
		return web.Answer{}, fmt.Errorf("asking %s %s: %w", r.Method, r.Target, state.err)
	}
	header := make(http.Header)
	for _, name := range []string{fiber.HeaderETag, fiber.HeaderLocation, fiber.HeaderRetryAfter} {
		if v := c.Response.Header.Peek(name); len(v) > 0 {
			header.Set(name, string(v))
		}
	}
	return web.Answer{Status: c.Response.StatusCode(), Header: header, Body: c.Response.Body()}, nil
}

// serveInside is serve and run for a request inside.
func (a *API) serveInside(c *fiber.Ctx, r *route) error {
	state := c.Context().UserValue(insideKey{}).(*insideState)
	from := &state.from
	k := &call{
		api: a, c: c, route: r, began: a.Now(), stale: -1, id: from.id, client: from.client, forwarded: from.forwarded,
		principal: from.principal, known: from.known, asked: from.asked, judged: from.judged,
	}
	k.now = k.began
	k.verdict.allowed = true
	state.err = nil
	defer func() {
		if cause := recover(); cause != nil {
			state.err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	err := a.insideRun(k)
	if err != nil && !errors.Is(err, errAnswered) {
		if problemOf(err).status == http.StatusInternalServerError {
			state.err = err // the page's, which is logged
			return nil
		}
		k.fail(err)
	}
	state.note(k)
	return nil
}

func (a *API) insideRun(k *call) error {
	if !k.route.open && !k.known {
		return training.Errorf(training.Unauthorized, "Sign in first.")
	}
	if err := k.authorize(); err != nil {
		return err
	}
	if k.route.write && !a.primary() {
		return a.pass(k)
	}
	return k.route.handle(a, k)
}

// note remembers what an answer depends on.
func (i *inside) note(k *call) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.stale = max(i.stale, k.stale)
	switch {
	case k.route.write:
		// What comes after it must see it, on this page too.
		if k.position.Compare(i.position) > 0 {
			i.position = k.position
		}
		if k.position.Compare(i.from.asked) > 0 {
			i.from.asked = k.position
		}
		i.unkept = true
	case k.entry == nil || !k.entry.Store || k.stale >= 0:
		i.unkept = true
	case k.cached == statusHit:
		i.parts = append(i.parts, insidePart{k.entry, k.position}) // found valid there
	default:
		i.parts = append(i.parts, insidePart{k.entry, k.entry.At.Position})
	}
}

// filled is a page made of the answers so far. Each was found valid at the position it was sent with, so
// it is the same as if it had been read there; the page is then of several states, and is kept if nothing
// that it shows has changed since the oldest of them.
func (i *inside) filled(r *route, version string, body []byte, until time.Time) cache.Filled {
	i.mu.Lock()
	defer i.mu.Unlock()
	f := cache.Filled{
		Status: http.StatusOK, ContentType: htmlType, Body: body, ETag: etag(version, 0, body), Namespace: r.namespace,
		ValidUntil: until, Store: !i.unkept, At: cache.At(i.api.Published()),
	}
	seen := make(map[cache.Tag]bool)
	for n, p := range i.parts {
		if n == 0 || p.at.Compare(f.At.Position) < 0 {
			f.At.Position = p.at
		}
		if p.at.Compare(f.Newest) > 0 {
			f.Newest = p.at
		}
		f.ValidUntil = earlier(f.ValidUntil, p.entry.ValidUntil)
		f.Store = f.Store && p.entry.At.Incarnation == i.parts[0].entry.At.Incarnation
		for _, t := range p.entry.Tags {
			if !seen[t] {
				seen[t] = true
				f.Tags = append(f.Tags, t)
			}
		}
	}
	if len(i.parts) > 0 {
		f.At.Incarnation = i.parts[0].entry.At.Incarnation
	}
	return f
}
