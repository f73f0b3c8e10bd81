package api

import (
	"context"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"unicode"

	"outpost/replicate/change"
	"outpost/server/training"
)

// Invitations and passwords live at the primary alone: none of it is replicated. That makes reads of
// invitations writes, in what a route's write means: done by the primary.

func accountRoutes() []*route {
	return []*route{
		{method: http.MethodPost, pattern: "/api/v1/invitations", handle: (*API).createInvitation, role: training.Admin, scope: "users:write", write: true, creates: true},
		{method: http.MethodGet, pattern: "/api/v1/invitations", handle: (*API).listInvitations, role: training.Admin, scope: "users:read", write: true},
		{method: http.MethodPost, pattern: "/api/v1/invitations/accept", handle: (*API).acceptInvitation, open: true, write: true},
		{method: http.MethodDelete, pattern: "/api/v1/invitations/:invitation", handle: (*API).withdrawInvitation, role: training.Admin, scope: "users:write", write: true},
		{method: http.MethodPost, pattern: "/api/v1/users/:user/invitation", handle: (*API).inviteUser, role: training.Admin, scope: "users:write", write: true, creates: true},
		{method: http.MethodPost, pattern: "/api/v1/auth/password", handle: (*API).changePassword, write: true},
		{method: http.MethodPost, pattern: "/api/v1/auth/password/forgot", handle: (*API).forgotPassword, open: true, write: true},
		{method: http.MethodPost, pattern: "/api/v1/auth/password/reset", handle: (*API).resetPassword, open: true, write: true},
	}
}

type accountWriter interface {
	Invite(ctx context.Context, p training.Principal, i training.Invitation) (training.Invitation, change.LSN, error)
	Invitations(ctx context.Context, p training.Principal, page training.Paging) (training.Page[training.Invitation], error)
	WithdrawInvitation(ctx context.Context, p training.Principal, id int64) (change.LSN, error)
	AcceptInvitation(ctx context.Context, a training.Acceptance) (training.Session, change.LSN, error)
	InviteUser(ctx context.Context, p training.Principal, userID int64) (change.LSN, error)
	ForgotPassword(ctx context.Context, email string) (change.LSN, error)
	ResetPassword(ctx context.Context, token, password string) (change.LSN, error)
	ChangePassword(ctx context.Context, p training.Principal, c training.PasswordChange) (change.LSN, error)
}

const (
	maxAddress     = 254
	maxPersonName  = 200
	maxDepartment  = 100
	maxMailedToken = 128
)

// slow takes from the buckets that guessing is slowed by, apart from those of the login: of the
// client's address and, where there is one, of the account that is meant, whether it exists or not.
func (k *call) slow(account string) error {
	k.limit(k.api.sources, bucketKey{route: k.route.number, addr: source(k.client)})
	if k.verdict.allowed && account != "" {
		key := k.api.accounts.of(account)
		key.route = k.route.number
		k.limit(k.api.accounts, key)
	}
	if !k.verdict.allowed {
		return k.tooMany()
	}
	return nil
}

// checkAddress collects what is wrong with an address that mail is to be sent to.
func checkAddress(errs []training.FieldError, field, value string) []training.FieldError {
	before := len(errs)
	if errs = checkText(errs, field, value, maxAddress); len(errs) > before {
		return errs
	}
	parsed, err := mail.ParseAddress(value)
	if err != nil || parsed.Name != "" || parsed.Address != value {
		return append(errs, training.FieldError{Field: field, Message: "must be an e-mail address such as ada@example.com"})
	}
	return errs
}

// checkLine collects what is wrong with a name: one line, of which every character can be seen.
func checkLine(errs []training.FieldError, field, value string, limit int) []training.FieldError {
	switch {
	case len([]rune(value)) > limit:
		return append(errs, training.FieldError{Field: field, Message: "is too long"})
	case strings.ContainsFunc(value, unicode.IsControl):
		return append(errs, training.FieldError{Field: field, Message: "must not contain control characters"})
	}
	return errs
}

func checkLocale(errs []training.FieldError, field, value string) []training.FieldError {
	if value != "" && !slices.Contains(training.Locales(), value) {
		return append(errs, training.FieldError{Field: field, Message: "must be one of " + strings.Join(training.Locales(), ", ")})
	}
	return errs
}

// given is the text of a field that may be missing, without the blanks around it.
func given[T ~string](s *T) string {
	if s == nil {
		return ""
	}
	return strings.TrimSpace(string(*s))
}
