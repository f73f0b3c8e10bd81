package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"

	"outpost/replicate/change"
	"outpost/server/api/openapi"
	"outpost/server/auth"
	"outpost/server/training"
)

const (
	maxLogin     = 254
	maxRefresh   = 512
	maxUserAgent = 256
)

func sessionRoutes() []*route {
	return []*route{
		{method: http.MethodPost, pattern: "/api/v1/auth/login", handle: (*API).login, open: true, write: true},
		{method: http.MethodPost, pattern: "/api/v1/auth/refresh", handle: (*API).refresh, open: true, write: true},
		{method: http.MethodPost, pattern: "/api/v1/auth/logout", handle: (*API).logout, write: true},
		{method: http.MethodGet, pattern: "/.well-known/jwks.json", handle: (*API).jwks, open: true, namespace: "keys"},
	}
}

type sessionWriter interface {
	Login(ctx context.Context, r training.LoginRequest) (training.Session, change.LSN, error)
	Refresh(ctx context.Context, r training.RefreshRequest) (training.Session, change.LSN, error)
	Logout(ctx context.Context, p training.Principal) (change.LSN, error)
	// KnowsSource says whether somebody has logged in to the account from there lately. It costs
	// the same for an account that does not exist.
	KnowsSource(ctx context.Context, login, source string) (bool, error)
}

func (a *API) login(k *call) error {
	var in openapi.LoginRequest
	if err := k.decode(&in); err != nil {
		return err
	}
	login, errs := loginName(in)
	if in.Password == "" {
		errs = append(errs, training.FieldError{Field: "password", Message: "is required"})
	} else {
		errs = checkText(errs, "password", in.Password, auth.MaxPassword)
	}
	if err := invalid(errs...); err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	if err := a.limitLogin(ctx, k, login); err != nil {
		return err
	}
	session, lsn, err := a.Writer.Login(ctx, training.LoginRequest{
		Login: login, Password: in.Password, IP: k.ip(), UserAgent: k.userAgent(), Source: k.source(),
	})
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	return a.tokens(k, session)
}

// loginName takes the account's name under either of its two names.
func loginName(in openapi.LoginRequest) (login string, errs []training.FieldError) {
	field := "email"
	switch {
	case in.Email != nil && in.Username != nil && *in.Email != *in.Username:
		return "", []training.FieldError{{Field: "username", Message: "must be left out where email is given"}}
	case in.Email != nil:
		login = strings.TrimSpace(*in.Email)
	case in.Username != nil:
		login, field = strings.TrimSpace(*in.Username), "username"
	default:
		return "", []training.FieldError{{Field: "username", Message: "is required, or email"}}
	}
	return login, checkText(nil, field, login, maxLogin)
}

func (a *API) refresh(k *call) error {
	var in openapi.RefreshRequest
	if err := k.decode(&in, "refresh_token"); err != nil {
		return err
	}
	if err := invalid(checkText(nil, "refresh_token", in.RefreshToken, maxRefresh)...); err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	session, lsn, err := a.Writer.Refresh(ctx, training.RefreshRequest{
		Token: in.RefreshToken, IP: k.ip(), UserAgent: k.userAgent(), Source: k.source(),
	})
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	return a.tokens(k, session)
}

func (a *API) logout(k *call) error {
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	lsn, err := a.Writer.Logout(ctx, k.principal)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	k.c.Response().SetStatusCode(http.StatusNoContent)
	return nil
}

func (a *API) tokens(k *call, s training.Session) error {
	access, life, err := a.Tokens(s.Principal)
	if err != nil {
		return fmt.Errorf("making an access token: %w", err)
	}
	k.principal, k.known = s.Principal, true // for the log
	return k.json(http.StatusOK, openapi.Tokens{
		AccessToken: access, RefreshToken: s.RefreshToken, TokenType: openapi.Bearer, ExpiresIn: int(life.Seconds()),
	})
}

func (k *call) ip() string {
	if !k.client.IsValid() {
		return ""
	}
	return k.client.String()
}

// source is the client's address as what counts as one client.
func (k *call) source() string {
	if !k.client.IsValid() {
		return ""
	}
	return source(k.client).String()
}

// userAgent is fit for a text column: a client may send any bytes.
func (k *call) userAgent() string {
	s := strings.ToValidUTF8(k.c.Get(fiber.HeaderUserAgent), "\uFFFD")
	s = strings.ReplaceAll(s, "\x00", "")
	if len(s) > maxUserAgent {
		s = strings.ToValidUTF8(s[:maxUserAgent], "")
	}
	return strings.Clone(s)
}

// json answers with a value that nobody else will ask for.
func (k *call) json(status int, value any) error {
	body, err := encodeJSON(value)
	if err != nil {
		return fmt.Errorf("encoding an answer: %w", err)
	}
	return k.plain(status, body)
}

func (k *call) plain(status int, body []byte) error {
	r := k.c.Response()
	r.SetStatusCode(status)
	r.Header.SetContentType(fiber.MIMEApplicationJSON)
	return k.compressed(body)
}
