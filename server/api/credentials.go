package api

import (
	"context"
	"errors"
	"strings"

	"github.com/gofiber/fiber/v2"

	"outpost/server/auth"
	"outpost/server/training"
)

// authenticate finds out who asks. Where the route is for everyone, a bad token is no token.
//
// An edge may not know yet what the primary does: a key, a user, a move to another company, a
// session that was begun after all of the user's tokens were revoked.
// Such a credential is believed neither here nor refused: the request waits for its position, and
// then the primary decides.
func (a *API) authenticate(k *call) error {
	defer func() { k.authTook = k.tick().Sub(k.began) }()
	token, ok := bearer(k.c.Get(fiber.HeaderAuthorization))
	if ok && k.route.open && auth.IsAPIKey(token) {
		return nil // it may do nothing here that nobody may, and strangers' keys cost a look-up
	}
	if !ok {
		if k.route.open {
			return nil
		}
		a.limitStranger(k)
		if !k.verdict.allowed {
			return k.tooMany()
		}
		return training.Errorf(training.Unauthorized, "This needs an access token: Authorization: Bearer <token>.")
	}
	k.judged = a.Published().Position
	err := a.believe(k, token)
	if err == nil || k.route.open {
		return nil
	}
	a.limitStranger(k)
	if !k.verdict.allowed {
		return k.tooMany()
	}
	if reason(err) == auth.Unasked {
		err = a.introduce(k, token)
	}
	if err == nil || !unsure(err) {
		return err
	}
	if published := a.Published().Position; k.asked.Compare(published) > 0 && k.asked.Generation == published.Generation {
		ctx, cancel := context.WithTimeout(a.base, a.Limits.Wait)
		defer cancel()
		if a.Wait(ctx, k.asked) == nil {
			if err = a.believe(k, token); err == nil || !unsure(err) {
				return err
			}
		}
	}
	return a.refer(k, err)
}

// refer lets the primary decide about a credential that this edge is unsure of.
func (a *API) refer(k *call, err error) error {
	if a.primary() || k.forwarded != "" {
		return err
	}
	if passErr := a.pass(k); passErr != nil {
		return passErr
	}
	return errAnswered
}

// believeAgain holds the credential against the state that was waited for: who asks, and what they
// may, can be another there.
func (a *API) believeAgain(k *call) error {
	token, _ := bearer(k.c.Get(fiber.HeaderAuthorization))
	err := a.believe(k, token)
	if err == nil {
		return k.authorize()
	}
	if k.route.open {
		k.principal, k.known = training.Principal{}, false
		return nil
	}
	if unsure(err) {
		return a.refer(k, err)
	}
	return err
}

// believe sets the principal if the token is good. While the primary is away, so that nobody
// can get a new one, a token is good for longer, for reads.
func (a *API) believe(k *call, token string) error {
	p, err := a.Auth.Authenticate(a.base, token)
	if err != nil && reason(err) == auth.Expired && !k.route.write && a.Away() {
		p, err = a.Auth.AuthenticateLate(a.base, token, auth.MaxGrace)
	}
	if err != nil {
		return err
	}
	k.principal, k.known = p, true
	return nil
}

// introduce asks the primary about an API key that this region has not seen. That comes after the
// address' limit: guessing must not be a way to keep the primary busy.
func (a *API) introduce(k *call, key string) error {
	p, err := a.Auth.Introduce(a.base, key)
	if err != nil {
		return err
	}
	k.principal, k.known = p, true
	return nil
}

// limitStranger counts a request without a good token for its address.
func (a *API) limitStranger(k *call) {
	if k.forwarded == "" {
		k.limit(a.rates, bucketKey{route: k.route.number, addr: source(k.client)})
	}
}

func reason(err error) auth.Reason {
	var r *auth.Rejection
	if errors.As(err, &r) {
		return r.Reason
	}
	return ""
}

// unsure says whether the refusal may only be this replica's being behind.
func unsure(err error) bool {
	switch reason(err) {
	case auth.UnknownKey, auth.UnknownUser, auth.Moved, auth.Voided, auth.UnarrivedKey:
		return true
	case auth.Unasked:
		return false // the primary could not be asked, so it cannot answer either
	}
	return training.CodeOf(err) == training.Unavailable
}

func bearer(header string) (string, bool) {
	const scheme = "bearer "
	if len(header) <= len(scheme) || !strings.EqualFold(header[:len(scheme)], scheme) {
		return "", false
	}
	token := strings.TrimSpace(header[len(scheme):])
	return token, token != ""
}
