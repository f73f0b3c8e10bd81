package api

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"outpost/replicate/change"
	"outpost/server/forward"
)

// passTime bounds a read's way to the primary: a client that could have an older answer
// should not wait for a write's time.
const passTime = 5 * time.Second

// sent are the request's headers that mean something to the primary. Others stay here,
// those that nodes trust each other by above all.
var sent = []string{
	"Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Content-Type", "If-Match", "If-None-Match",
	headerIdempotencyKey, headerPosition, headerStrict, headerTracestate, "User-Agent",
}

// returned are the answer's headers that the client gets as the primary gave them.
var returned = []string{
	"Allow", "Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Type", "ETag", "Location", headerQueued,
	headerStale, "Retry-After", "Vary", "Www-Authenticate",
}

// ofLimits come from the primary only when it was the primary that refused.
var ofLimits = []string{headerRateLimit, headerRateLimitPolicy, headerXLimit, headerXRemaining, headerXReset}

// pass lets the primary answer.
func (a *API) pass(k *call) error {
	if a.Forward == nil || k.forwarded != "" {
		return lost()
	}
	request := k.outgoing()
	limit := a.Limits.Request
	if !k.route.write {
		limit = passTime
	}
	ctx, cancel := context.WithTimeout(a.base, limit)
	defer cancel()
	answer, err := a.Forward.Do(ctx, request)
	if err != nil {
		return away(err, k.route.write)
	}
	if k.take(answer.Status, answer.Header); !k.c.Response().SkipBody {
		k.c.Response().SetBodyRaw(answer.Body)
	}
	return nil
}

// lost is for two nodes that both take the other for the primary: they would send it to and fro.
func lost() *problem {
	return unavailable("The primary region is not where this region looks for it.", errors.New("a forwarded request reached a node that is not the primary"))
}

// away tells the client what it can know about what became of its request.
func away(err error, write bool) *problem {
	var failed *forward.Error
	switch {
	case !write:
		return unavailable("The primary region cannot be reached.", err)
	case errors.As(err, &failed) && !failed.Sent:
		return unavailable("The primary region cannot be reached. Nothing was changed.", err)
	}
	return unavailable("The primary region did not answer. The change may have been made; repeat the request to make sure.", err)
}

// outgoing is a copy of the request: the transport may still hold it when this one is over.
func (k *call) outgoing() forward.Request {
	in := k.c.Request()
	header := make(http.Header, len(sent)+3)
	for _, name := range sent {
		if v := in.Header.Peek(name); len(v) > 0 {
			header[http.CanonicalHeaderKey(name)] = []string{string(v)}
		}
	}
	header.Set(headerRequestID, k.requestID())
	if !k.asked.IsZero() {
		header.Set(headerPosition, k.asked.String())
	}
	if k.span != nil {
		header.Set(headerTraceparent, k.span.Traceparent())
	} else if trace := in.Header.Peek(headerTraceparent); traceparent(trace) {
		header.Set(headerTraceparent, string(trace))
	}
	target := string(in.URI().PathOriginal())
	if query := in.URI().QueryString(); len(query) > 0 {
		target += "?" + string(query)
	}
	r := forward.Request{
		Method: strings.Clone(k.c.Method()), Target: target, Header: header,
		Body: bytes.Clone(in.Body()), Creates: k.route.creates,
	}
	if k.client.IsValid() {
		r.ClientIP = k.client.String()
	}
	return r
}

// take makes the primary's answer this call's, but for its body, which a HEAD has none of.
func (k *call) take(status int, header http.Header) {
	r := k.c.Response()
	r.SetStatusCode(status)
	copyHeader := func(name string) {
		for _, v := range header.Values(name) {
			r.Header.Set(name, v)
		}
	}
	for _, name := range returned {
		copyHeader(name)
	}
	if status == http.StatusTooManyRequests {
		k.verdict.limiter = nil
		for _, name := range ofLimits {
			copyHeader(name)
		}
	}
	if header.Get("Cache-Status") != "" {
		k.cached = "outpost; fwd=bypass"
	}
	if p, err := change.ParsePosition(header.Get(headerPosition)); err == nil {
		k.position = p
	}
	if n, err := strconv.Atoi(header.Get(headerStale)); err == nil {
		k.stale = n
	}
	if k.c.Method() == http.MethodHead {
		if n, err := strconv.Atoi(header.Get("Content-Length")); err == nil {
			r.Header.SetContentLength(n)
		}
		r.SkipBody = true
	}
}
