package api

import (
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"
	"github.com/valyala/fasthttp"

	"outpost/replicate/change"
)

// Header names in the form that goes out, so that none has to be brought into it.
const (
	headerRequestID       = "X-Request-Id"
	headerTraceparent     = "Traceparent"
	headerTracestate      = "Tracestate"
	headerPosition        = "Outpost-Position"
	headerRegion          = "Outpost-Region"
	headerStale           = "Outpost-Stale"
	headerStrict          = "Outpost-Strict"
	headerCacheStatus     = "Cache-Status"
	headerServerTiming    = "Server-Timing"
	headerRateLimit       = "RateLimit"
	headerRateLimitPolicy = "RateLimit-Policy"
	headerXLimit          = "X-RateLimit-Limit"
	headerXRemaining      = "X-RateLimit-Remaining"
	headerXReset          = "X-RateLimit-Reset"
	headerIdempotencyKey  = "Idempotency-Key"
	headerQueued          = "Outpost-Queued"

	cookiePosition = "outpost_position"
	// A browser that stays away longer has nothing of its own left to wait for.
	cookieAge = 24 * time.Hour
)

const vary = "Accept-Encoding, Accept-Language, Authorization"

// headers adds what every answer has.
func (k *call) headers(took time.Duration) {
	h := &k.c.Response().Header
	set(h, headerRequestID, k.id)
	set(h, headerRegion, append(k.buf[:0], k.api.Region...))
	if trace := k.c.Request().Header.Peek(headerTraceparent); traceparent(trace) {
		set(h, headerTraceparent, trace)
	}
	if k.position.IsZero() {
		k.position = k.keep(k.api.Published().Position)
	}
	k.buf = appendPosition(k.buf[:0], k.position)
	set(h, headerPosition, k.buf)
	if k.stale >= 0 {
		k.buf = strconv.AppendInt(k.buf[:0], int64(k.stale), 10)
		set(h, headerStale, k.buf)
	}
	if k.cached != "" {
		set(h, headerCacheStatus, append(k.buf[:0], k.cached...))
	}
	if len(h.Peek(fiber.HeaderCacheControl)) == 0 {
		set(h, fiber.HeaderCacheControl, []byte("no-store"))
	}
	set(h, fiber.HeaderXContentTypeOptions, []byte("nosniff"))
	if k.route.session {
		k.pageHeaders()
	} else {
		k.cors()
	}
	k.verdict.headers(k)
	k.timing(h, took)
	k.setCookie()
}

// set sets a header whose name is in the form that goes out. It allocates nothing.
func set(h *fasthttp.ResponseHeader, name string, value []byte) { h.SetCanonical([]byte(name), value) }

// keep gives the position to send with an answer that shows no data: never one before the
// client's own, or a client that remembers the last one would go back in time.
func (k *call) keep(published change.Position) change.Position {
	if !k.api.primary() && k.asked.Compare(published) > 0 {
		return k.asked
	}
	// At the primary nothing is newer, but for the moment until its own replica has it.
	if k.asked.Generation == published.Generation && k.asked.LSN > published.LSN {
		return k.asked
	}
	return published
}

// timing says where the time went, in milliseconds.
func (k *call) timing(h *fasthttp.ResponseHeader, total time.Duration) {
	b := k.buf[:0]
	if k.authTook > 0 {
		b = appendTiming(b, "auth", k.authTook)
	}
	if k.waitTook > 0 {
		b = appendTiming(b, "wait", k.waitTook)
	}
	if k.readTook > 0 {
		b = appendTiming(b, "read", k.readTook)
	}
	k.buf = appendTiming(b, "total", total)
	set(h, headerServerTiming, k.buf)
}

func appendTiming(b []byte, name string, d time.Duration) []byte {
	if len(b) > 0 {
		b = append(b, ", "...)
	}
	b = append(b, name...)
	b = append(b, ";dur="...)
	micros := max(d, 0).Microseconds()
	b = strconv.AppendInt(b, micros/1000, 10)
	return append(b, '.', byte('0'+micros/100%10), byte('0'+micros/10%10), byte('0'+micros%10))
}

// readPosition takes the later of the positions in the header and in the cookie. A malformed
// header is the client's mistake; a malformed cookie is dust.
func (k *call) readPosition() error {
	if c := k.c.Request().Header.Cookie(cookiePosition); len(c) > 0 {
		if p, err := change.ParsePosition(utils.UnsafeString(c)); err == nil {
			k.cookie, k.asked = p, p
		}
	}
	if h := k.c.Request().Header.Peek(headerPosition); len(h) > 0 {
		p, err := change.ParsePosition(utils.UnsafeString(h)) // keeps nothing of it
		if err != nil {
			return badRequest("The header Outpost-Position is not of the form <generation>:<lsn>, such as 1795413600:0/16B3748.")
		}
		if p.Compare(k.asked) > 0 {
			k.asked = p
		}
	}
	return nil
}

// setCookie tells a browser its position, on navigations only: the answer to a script's slow
// read may come after that of a write, and would take the position back. Scripts keep the
// maximum themselves, which is why they may read the cookie.
func (k *call) setCookie() {
	h := &k.c.Request().Header
	if string(h.Peek("Sec-Fetch-Mode")) != "navigate" {
		return
	}
	if k.position.Compare(k.cookie) <= 0 && !(k.api.primary() && k.cookie.Generation > k.position.Generation) {
		return
	}
	k.c.Cookie(&fiber.Cookie{
		Name: cookiePosition, Value: k.position.String(), Path: "/", MaxAge: int(cookieAge.Seconds()),
		SameSite: fiber.CookieSameSiteLaxMode, Secure: k.secure(),
	})
}

// secure says whether the browser speaks TLS, here or to the proxy before us. A proxy that
// lies takes the cookie from its own client only.
func (k *call) secure() bool {
	return k.c.Context().IsTLS() || k.c.Get(fiber.HeaderXForwardedProto) == "https"
}

func (k *call) strict() bool { return string(k.c.Request().Header.Peek(headerStrict)) == "1" }
