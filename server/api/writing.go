package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"outpost/server/training"
)

const maxKey = 128

// writing is context for a write: it tells the write of its caller.
func (k *call) writing() (context.Context, context.CancelFunc, error) {
	given := k.c.Request().Header.Peek(headerIdempotencyKey)
	if len(given) > maxKey || !token(given) {
		return nil, nil, badRequest("The header Idempotency-Key must be at most 128 letters, digits and -_.:/+=.")
	}
	ctx, cancel := k.context()
	return training.WithCaller(ctx, training.Caller{IP: k.ip(), RequestID: k.requestID(), IdempotencyKey: string(given)}), cancel, nil
}

// ifMatch is the version that the client saw, which stands in the ETag before the dot; 0 when any
// will do.
func (k *call) ifMatch() (int64, error) {
	given := strings.TrimSpace(k.c.Get(fiber.HeaderIfMatch))
	if given == "" || given == "*" {
		return 0, nil
	}
	tag, quoted := strings.CutPrefix(given, `"`)
	tag, closed := strings.CutSuffix(tag, `"`)
	if !quoted || !closed || strings.ContainsAny(tag, `", `) {
		return 0, badRequest(`The header If-Match must be one strong ETag as GET gave it, such as "12.0123456789abcdef", or *.`)
	}
	number, _, _ := strings.Cut(tag, ".")
	version, err := strconv.ParseInt(number, 10, 64)
	if err != nil || version < 1 {
		// Well-formed, and of no version there ever was.
		return 0, &problem{status: http.StatusPreconditionFailed, detail: "The resource is not what If-Match says."}
	}
	return version, nil
}

// resource answers a write with the resource as it is now, and the ETag that GET gives it.
func (k *call) resource(status int, version int64, value any) error {
	body, err := encodeJSON(value)
	if err != nil {
		return err
	}
	k.c.Set(fiber.HeaderETag, etag(k.api.Version, version, body))
	return k.plain(status, body)
}

// authorize holds the asker against what the route asks for.
func (k *call) authorize() error {
	switch {
	case k.route.open:
		return nil
	case !k.principal.Role.Includes(k.route.role):
		return training.Errorf(training.Forbidden, "This is for the role %s.", k.route.role)
	case !k.principal.Allows(k.route.scope):
		if k.route.scope == "" {
			return training.Errorf(training.Forbidden, "No API key may do this. Log in.")
		}
		return training.Errorf(training.Forbidden, "The API key lacks the scope %s.", k.route.scope)
	}
	return nil
}
