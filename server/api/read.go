package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/gofiber/fiber/v2"

	"outpost/replicate/change"
	"outpost/server/cache"
	"outpost/server/training"
)

// answer is what a read found, and on what it depends.
type answer struct {
	value      any         // what is encoded
	document   *rendering  // in its place: what is no JSON
	version    int64       // of a single resource's row; 0: none
	tags       []cache.Tag // all that the answer depends on
	validUntil time.Time   // when it changes without a write; zero: never
}

// rendering makes a document of what was read, once the transaction is over: a reader that stays
// holds the replica's log.
type rendering struct {
	contentType string
	render      func() ([]byte, error)
}

// question reads an answer inside one transaction of the replica. It may run when the request
// that asked is long over: it must hold nothing that belongs to Fiber or to the call.
type question func(ctx context.Context, q training.Queries) (answer, error)

const statusHit = "outpost; hit"

// hit answers from the cache if it can. The request's position has been reached before.
func (a *API) hit(k *call) (bool, error) {
	e, at, ok := a.Cache.Get(k.key, k.now)
	if !ok {
		return false, nil
	}
	k.route.counts.Cache(cache.Hit, k.now)
	if a.Hits.Sampled() {
		a.remember(k, cache.Sample)
	}
	return true, k.send(e, at, statusHit)
}

// miss answers from the replica, by way of the cache.
func (a *API) miss(k *call, ask question) error { return a.missBy(k, a.Read, ask) }

func (a *API) missBy(k *call, read Reading, ask question) error {
	// The fill may outlive the call, which by then is another request's.
	route, version := k.route, a.Version
	return a.compute(k, func(ctx context.Context) (cache.Filled, error) {
		var found answer
		at, err := read(ctx, func(q training.Queries) (err error) {
			found, err = ask(ctx, q)
			return err
		})
		if err != nil {
			return cache.Filled{}, err
		}
		return fill(route, version, found, cache.At(at))
	})
}

// compute answers by way of the cache with what compute makes, which holds to what a question must.
func (a *API) compute(k *call, compute func(context.Context) (cache.Filled, error)) error {
	// The fill may outlive the call.
	keepNothing := a.KeepNothing
	began := a.Now()
	ctx, cancel := k.context()
	defer cancel()
	result, err := a.Cache.Do(ctx, k.key, func(ctx context.Context) (cache.Filled, error) {
		filled, err := compute(ctx)
		filled.Store = filled.Store && !keepNothing
		return filled, err
	})
	k.readTook = k.tick().Sub(began)
	if err != nil {
		return a.unread(k, err)
	}
	k.route.counts.Cache(result.Status, k.now)
	if result.Entry.Store {
		a.remember(k, 1)
	}
	status := "outpost; fwd=miss; stored"
	switch result.Status {
	case cache.Hit:
		status = statusHit
	case cache.Shared:
		status = "outpost; fwd=miss; collapsed"
	default:
		if !result.Entry.Store {
			status = "outpost; fwd=miss"
		}
	}
	return k.send(result.Entry, result.At, status)
}

// unread lets the primary answer what this edge has no replica for.
func (a *API) unread(k *call, err error) error {
	if training.CodeOf(err) != training.Unavailable || a.primary() || k.forwarded != "" {
		return err
	}
	if passErr := a.pass(k); passErr != nil {
		return errors.Join(err, passErr)
	}
	return nil
}

func fill(r *route, version string, found answer, at cache.At) (cache.Filled, error) {
	contentType, encode := fiber.MIMEApplicationJSON, func() ([]byte, error) { return encodeJSON(found.value) }
	if found.document != nil {
		contentType, encode = found.document.contentType, found.document.render
	}
	body, err := encode()
	if err != nil {
		return cache.Filled{}, fmt.Errorf("encoding the answer of %s: %w", r.endpoint, err)
	}
	return cache.Filled{
		Status: http.StatusOK, ContentType: contentType, Body: body, ETag: etag(version, found.version, body),
		Tags: found.tags, At: at, ValidUntil: found.validUntil, Namespace: r.namespace, Store: true,
	}, nil
}

// etag is the row's version, if it is one row's, and a hash of the body and the build. The
// version is what If-Match compares; it alone would not do, since an answer may also show
// what depends on the clock or on other rows.
func etag(build string, version int64, body []byte) string {
	h := xxhash.New()
	_, _ = h.WriteString(build) // a hash never fails
	_, _ = h.Write([]byte{0})
	_, _ = h.Write(body)
	b := append(make([]byte, 0, 40), '"')
	if version > 0 {
		b = strconv.AppendInt(b, version, 10)
		b = append(b, '.')
	}
	b = fmt.Appendf(b, "%016x", h.Sum64())
	return string(append(b, '"'))
}

// send answers with an entry: the body as it is kept, or 304.
func (k *call) send(e *cache.Entry, at change.Position, status string) error {
	if k.position.IsZero() { // not what older left as it was
		k.position = at
	}
	k.entry, k.cached = e, status
	k.c.Response().SetStatusCode(e.Status)
	return k.body(e, e.ContentType, "private, no-cache")
}

// encoded is a body with its compressed forms.
type encoded interface {
	Encodable() bool
	Encoded(encoding string) ([]byte, error)
	ETagFor(encoding string) (string, error)
}

func (k *call) body(e encoded, contentType, control string) error {
	encoding := ""
	if (contentType == fiber.MIMEApplicationJSON || contentType == htmlType) && e.Encodable() { // documents are compressed inside
		encoding = chooseEncoding(k.c.Request().Header.Peek(fiber.HeaderAcceptEncoding))
	}
	tag, err := e.ETagFor(encoding)
	if err != nil {
		return fmt.Errorf("compressing an answer: %w", err)
	}
	r := k.c.Response()
	h := &r.Header
	set(h, fiber.HeaderCacheControl, append(k.buf[:0], control...))
	if k.route.session {
		set(h, fiber.HeaderVary, append(k.buf[:0], varyPages...))
	} else {
		set(h, fiber.HeaderVary, append(k.buf[:0], vary...))
	}
	k.buf = append(k.buf[:0], tag...)
	set(h, fiber.HeaderETag, k.buf)
	if match := k.c.Request().Header.Peek(fiber.HeaderIfNoneMatch); len(match) > 0 && matches(match, tag) {
		r.SetStatusCode(http.StatusNotModified)
		return nil
	}
	body, err := e.Encoded(encoding)
	if err != nil {
		return fmt.Errorf("compressing an answer: %w", err)
	}
	if encoding != "" {
		h.SetContentEncoding(encoding)
	}
	h.SetContentType(contentType)
	r.SetBodyRaw(body)
	return nil
}
