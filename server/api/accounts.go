package api

import (
	"context"
	"net/http"
	"strings"

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
	Invitations(ctx context.Context, company int64, page training.Paging) (training.Page[training.Invitation], error)
	WithdrawInvitation(ctx context.Context, p training.Principal, id int64) (change.LSN, error)
	AcceptInvitation(ctx context.Context, a training.Acceptance) (training.Session, change.LSN, error)
	InviteUser(ctx context.Context, p training.Principal, userID int64) (change.LSN, error)
	ForgotPassword(ctx context.Context, email string) (change.LSN, error)
	ResetPassword(ctx context.Context, token, password string) (change.LSN, error)
	ChangePassword(ctx context.Context, p training.Principal, c training.PasswordChange) (change.LSN, error)
}

const maxMailedToken = 128

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

// given is the text of a field that may be missing, without the blanks around it.
func given[T ~string](s *T) string {
	if s == nil {
		return ""
	}
	return strings.TrimSpace(string(*s))
}
