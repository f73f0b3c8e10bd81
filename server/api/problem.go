package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"outpost/server/api/openapi"
	"outpost/server/cache"
	"outpost/server/telemetry"
	"outpost/server/training"
)

// problem is an error that is an answer: RFC 9457. Its texts are shown; its cause is logged.
type problem struct {
	status int
	detail string
	fields []training.FieldError
	retry  time.Duration // for Retry-After
	cause  error
}

// Error gives the text for logs.
func (p *problem) Error() string {
	if p.cause != nil {
		return fmt.Sprintf("%d %s: %v", p.status, p.detail, p.cause)
	}
	return fmt.Sprintf("%d %s", p.status, p.detail)
}

// Unwrap gives the cause.
func (p *problem) Unwrap() error { return p.cause }

// errAway marks what is refused because another part is away: not this node's fault.
var errAway = errors.New("away")

const retryAfter = 2 * time.Second

func badRequest(detail string) *problem {
	return &problem{status: http.StatusBadRequest, detail: detail}
}

func notFound() *problem {
	return &problem{status: http.StatusNotFound, detail: "There is nothing here, or nothing that you may see."}
}

func unavailable(detail string, cause error) *problem {
	if cause == nil {
		cause = errAway
	} else {
		cause = fmt.Errorf("%w: %w", errAway, cause)
	}
	return &problem{status: http.StatusServiceUnavailable, detail: detail, retry: retryAfter, cause: cause}
}

func (k *call) tooMany() *problem {
	return &problem{
		status: http.StatusTooManyRequests, detail: "Too many requests. Wait as long as Retry-After says.",
		retry: time.Duration(k.verdict.retry) * time.Second,
	}
}

// statusOf is the one place where codes become statuses.
func statusOf(code training.Code) int {
	switch code {
	case training.NotFound:
		return http.StatusNotFound
	case training.Forbidden:
		return http.StatusForbidden
	case training.Conflict:
		return http.StatusConflict
	case training.Invalid:
		return http.StatusUnprocessableEntity
	case training.Unauthorized:
		return http.StatusUnauthorized
	case training.Precondition:
		return http.StatusPreconditionFailed
	case training.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// problemOf turns any error into what may be shown of it.
func problemOf(err error) *problem {
	var p *problem
	var e *training.Error
	var f *fiber.Error
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &e) && statusOf(e.Code) < 500:
		return &problem{status: statusOf(e.Code), detail: e.Message, fields: e.Fields, cause: e.Err}
	case e != nil && e.Code == training.Unavailable:
		p := unavailable(e.Message, e.Err)
		if e.RetryAfter > 0 {
			p.retry = e.RetryAfter
		}
		return p
	case errors.Is(err, cache.ErrClosed):
		return unavailable("This node is shutting down.", nil)
	case deadline(err):
		return unavailable("The answer took too long. Try again.", err)
	case errors.As(err, &f) && f.Code < 500:
		return &problem{status: f.Code, detail: details[f.Code]}
	}
	return &problem{
		status: http.StatusInternalServerError, cause: err,
		detail: "Something went wrong on our side. The request id helps to find out what.",
	}
}

// details are of the server's own refusals, whose texts would show how it is built.
var details = map[int]string{
	http.StatusBadRequest:                  "The request is not well-formed HTTP.",
	http.StatusNotFound:                    "There is nothing at this path.",
	http.StatusMethodNotAllowed:            "The path does not know this method. Allow names those that it does.",
	http.StatusRequestTimeout:              "The request took too long to arrive.",
	http.StatusRequestEntityTooLarge:       "The body is too large.",
	http.StatusRequestHeaderFieldsTooLarge: "The header is too large.",
}

// fail answers with a problem.
func (k *call) fail(err error) {
	p := problemOf(err)
	k.cause = p.cause
	body, marshalErr := json.Marshal(openapi.Problem{
		Type: "about:blank", Title: http.StatusText(p.status), Status: p.status, Detail: text(p.detail),
		Instance: strings.ToValidUTF8(k.c.Path(), "\uFFFD"), RequestId: k.requestID(), Errors: fieldErrors(p.fields),
	})
	if marshalErr != nil { // of strings and numbers: cannot be
		k.cause = errors.Join(k.cause, marshalErr)
	}
	r := k.c.Response()
	r.ResetBody()
	r.Header.Del(fiber.HeaderContentEncoding)
	r.Header.Del(fiber.HeaderETag)
	set(&r.Header, fiber.HeaderCacheControl, []byte("no-store"))
	r.SetStatusCode(p.status)
	r.Header.SetContentType("application/problem+json")
	r.SetBodyRaw(body)
	if p.retry > 0 {
		r.Header.Set(fiber.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(p.retry.Seconds()))))
	}
	if p.status == http.StatusUnauthorized {
		r.Header.Set(fiber.HeaderWWWAuthenticate, `Bearer realm="outpost"`)
	}
}

// unrouted answers what reached no handler: no such path or method, a body too large, a
// request that is not HTTP.
func (a *API) unrouted(c *fiber.Ctx, err error) error {
	k := a.begin(c, &route{endpoint: telemetry.Unmatched})
	defer a.end(k)
	switch {
	case errors.Is(err, fiber.ErrMethodNotAllowed) && k.preflight():
	case k.browser():
		k.route.session = true
		k.failPage(err)
	default:
		k.fail(err)
	}
	return nil
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func fieldErrors(fields []training.FieldError) *[]openapi.FieldError {
	if len(fields) == 0 {
		return nil
	}
	out := make([]openapi.FieldError, len(fields))
	for i, f := range fields {
		out[i] = openapi.FieldError{Field: f.Field, Message: f.Message, Row: positive(f.Row)}
	}
	return &out
}
