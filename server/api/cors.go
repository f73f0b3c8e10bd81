package api

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

// Pages of other origins may call the API when an operator has named those origins. What lets
// them in is the token that they send, so no answer allows credentials: a browser keeps its
// cookies to itself, and a script sends the position in its header.

const (
	varyOrigin = vary + ", Origin"
	// preflightAge is the longest that browsers remember the answer to a preflight.
	preflightAge = 2 * time.Hour
)

// corsTaken are the request's headers that a script may set.
var corsTaken = strings.Join([]string{
	fiber.HeaderAuthorization, fiber.HeaderContentType, fiber.HeaderIfMatch, fiber.HeaderIfNoneMatch, headerIdempotencyKey,
	headerPosition, headerStrict, headerRequestID, headerTraceparent,
}, ", ")

// corsShown are the answer's headers that a script may read.
var corsShown = []byte(strings.Join([]string{
	headerPosition, headerRegion, headerStale, headerQueued, fiber.HeaderETag, headerCacheStatus,
	headerRateLimit, headerRateLimitPolicy, headerXLimit, headerXRemaining, headerXReset,
	headerRequestID, headerTraceparent, fiber.HeaderLocation, fiber.HeaderRetryAfter, headerServerTiming,
	fiber.HeaderContentDisposition,
}, ", "))

// cors tells the browser whether the page that asks may read the answer. What is kept of it
// anywhere must not be given to a page of another origin, so every answer varies.
func (k *call) cors() {
	if len(k.api.Origins) == 0 {
		return
	}
	h := &k.c.Response().Header
	switch varies := h.Peek(fiber.HeaderVary); {
	case len(varies) == 0:
		set(h, fiber.HeaderVary, []byte(fiber.HeaderOrigin))
	case string(varies) == vary:
		set(h, fiber.HeaderVary, []byte(varyOrigin))
	case !bytes.Contains(varies, []byte(fiber.HeaderOrigin)): // the primary's answer has it already
		set(h, fiber.HeaderVary, append(bytes.Clone(varies), ", "+fiber.HeaderOrigin...))
	}
	origin := k.c.Request().Header.Peek(fiber.HeaderOrigin)
	if !k.api.knows(origin) {
		return
	}
	set(h, fiber.HeaderAccessControlAllowOrigin, origin)
	set(h, fiber.HeaderAccessControlExposeHeaders, corsShown)
}

func (a *API) knows(origin []byte) bool {
	return len(origin) > 0 && slices.ContainsFunc(a.Origins, func(o string) bool { return o == string(origin) })
}

// preflight answers a browser that asks, before a script's request, whether it may send it. Fiber
// has put the methods that the path knows into Allow.
func (k *call) preflight() (answered bool) {
	in := &k.c.Request().Header
	if string(in.Method()) != http.MethodOptions || len(in.Peek(fiber.HeaderAccessControlRequestMethod)) == 0 ||
		!k.api.knows(in.Peek(fiber.HeaderOrigin)) {
		return false
	}
	r := k.c.Response()
	r.ResetBody()
	r.SetStatusCode(http.StatusNoContent)
	h := &r.Header
	set(h, fiber.HeaderAccessControlAllowMethods, bytes.Clone(h.Peek(fiber.HeaderAllow)))
	set(h, fiber.HeaderAccessControlAllowHeaders, []byte(corsTaken))
	set(h, fiber.HeaderAccessControlMaxAge, strconv.AppendInt(nil, int64(preflightAge.Seconds()), 10))
	return true
}
