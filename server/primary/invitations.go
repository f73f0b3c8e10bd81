package primary

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"outpost/replicate/change"
	"outpost/server/mail"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// invitationLife is how long an invitation, or the token for a first password, can be used.
const invitationLife = 7 * 24 * time.Hour

// Invite asks an address to join a company, by mail: the inviter's own, or any for a platform
// administrator. It is a Conflict when the company has a user or an open invitation of that
// address, or is not active. Of another company's user the inviter learns
// nothing: the answer is the same, and the mail tells its reader alone.
func (p *Primary) Invite(ctx context.Context, who training.Principal, i training.Invitation) (training.Invitation, change.LSN, error) {
	token, hash, err := newToken(invitationPrefix)
	if err != nil {
		return training.Invitation{}, 0, err
	}
	out, lsn, err := operate(ctx, p, operation{"createInvitation", who, i}, func(q *pgsql.Queries, at time.Time) (out training.Invitation, err error) {
		if i.CompanyID, err = companyFor(who, i.CompanyID); err != nil {
			return out, err
		}
		return invite(ctx, q, who, i, token, hash, at)
	})
	if err == nil {
		p.outbox.wake()
	}
	return out, lsn, err
}

func invite(ctx context.Context, q *pgsql.Queries, who training.Principal, i training.Invitation, token string, hash []byte, at time.Time) (training.Invitation, error) {
	c, err := q.InvitationContext(ctx, pgsql.InvitationContextParams{
		Locale: i.Locale, Email: i.Email, UserID: who.UserID, CompanyID: i.CompanyID,
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return training.Invitation{}, noCompany()
	case err != nil:
		return training.Invitation{}, err
	case !c.IsActive: // another's: who is of one that is not active writes nothing
		return training.Invitation{}, training.Errorf(training.Conflict, "The company is not active: nobody could accept. Activate it first.")
	case c.IsMember:
		return training.Invitation{}, training.Errorf(training.Conflict, "The company has a user of this address.")
	case c.IsInvited:
		return training.Invitation{}, training.Errorf(training.Conflict, "This address has an open invitation. Withdraw that to send another.")
	}
	kind, content := mail.Invitation, mail.Content{Name: i.FullName, Company: c.Company, Inviter: c.Inviter, Token: token}
	if c.IsUser {
		kind, content.Token = mail.InvitedTwice, "" // it could not be accepted
	}
	payload, err := json.Marshal(content)
	if err != nil {
		return training.Invitation{}, fmt.Errorf("writing a mail: %w", err)
	}
	row, err := q.InsertInvitation(ctx, pgsql.InsertInvitationParams{
		CompanyID: i.CompanyID, DataZone: c.DataZone, Email: i.Email, FullName: i.FullName, Role: string(i.Role),
		Department: i.Department, Locale: i.Locale, TokenHash: hash, InvitedBy: who.UserID, ExpiresAt: at.Add(invitationLife),
		Kind: string(kind), MailLocale: c.Locale, Payload: string(payload),
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return training.Invitation{}, errAgain // invited in the same instant
	}
	i.ID, i.InvitedBy, i.CreatedAt, i.ExpiresAt = row.ID, who.UserID, row.CreatedAt.UTC(), row.ExpiresAt.UTC()
	return i, err
}

// Invitations gives a page of a company's invitations, the open ones first and of each kind the
// newest. They are not replicated, so the primary is who knows them.
func (p *Primary) Invitations(ctx context.Context, company int64, page training.Paging) (training.Page[training.Invitation], error) {
	out := training.Page[training.Invitation]{Page: page.Page, Size: page.Size}
	params := pgsql.InvitationsParams{CompanyID: company, Skip: page.Offset(), Size: int32(page.Size) + 1}
	if page.After != "" {
		var ok bool
		if params.AfterOpen, params.AfterID, ok = parseInvitationCursor(page.After); !ok {
			return out, training.InvalidField("after", "must be what next_after said")
		}
		params.Continued = true
	}
	err := p.with(ctx, "listing invitations", func(conn *pgxpool.Conn) (err error) {
		q := pgsql.New(conn)
		if out.Total, err = q.CountInvitations(ctx, company); err != nil {
			return err
		}
		rows, err := q.Invitations(ctx, params)
		if len(rows) > page.Size {
			rows = rows[:page.Size]
			last := rows[page.Size-1]
			out.NextAfter = invitationCursor(last.IsOpen, last.ID)
		}
		for _, r := range rows {
			out.Items = append(out.Items, training.Invitation{
				ID: r.ID, Email: r.Email, FullName: r.FullName, Role: training.Role(r.Role), Department: r.Department, Locale: r.Locale,
				InvitedBy: r.InvitedBy, CreatedAt: r.CreatedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(), AcceptedAt: utc(r.AcceptedAt),
			})
		}
		return err
	})
	return out, err
}

func invitationCursor(open bool, id int64) string {
	if open {
		return "open." + strconv.FormatInt(id, 10)
	}
	return "past." + strconv.FormatInt(id, 10)
}

func parseInvitationCursor(s string) (open bool, id int64, ok bool) {
	kind, number, _ := strings.Cut(s, ".")
	id, err := strconv.ParseInt(number, 10, 64)
	return kind == "open", id, err == nil && id > 0 && (kind == "open" || kind == "past")
}

// WithdrawInvitation makes an invitation of the asker's company, or any for a platform administrator, as if
// it had never been. One that was accepted is a
// Conflict: there is a user now.
func (p *Primary) WithdrawInvitation(ctx context.Context, who training.Principal, id int64) (change.LSN, error) {
	_, lsn, err := operate(ctx, p, operation{"withdrawInvitation", who, id}, func(q *pgsql.Queries, _ time.Time) (struct{}, error) {
		r, err := q.WithdrawInvitation(ctx, pgsql.WithdrawInvitationParams{
			ID: id, AnyCompany: who.Role == training.PlatformAdmin, CompanyID: who.CompanyID,
		})
		switch {
		case err != nil:
			return struct{}{}, err
		case r.Accepted:
			return struct{}{}, training.Errorf(training.Conflict, "The invitation was accepted. Deactivate the user instead.")
		case !r.Withdrawn:
			return struct{}{}, training.Errorf(training.NotFound, "There is no such invitation.")
		}
		return struct{}{}, nil
	})
	return lsn, err
}

// AcceptInvitation makes a user of whom a token was sent to, and begins their first session. Any
// token that cannot be used, for whatever reason, gets the same answer.
func (p *Primary) AcceptInvitation(ctx context.Context, a training.Acceptance) (training.Session, change.LSN, error) {
	var open pgsql.OpenInvitationRow
	hash := hashToken(a.Token)
	err := p.with(ctx, "looking up an invitation", func(conn *pgxpool.Conn) (err error) {
		open, err = pgsql.New(conn).OpenInvitation(ctx, hash)
		return err
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return training.Session{}, 0, deadInvitation()
	case err != nil:
		return training.Session{}, 0, err
	case open.IsUser: // whoever has the token reads that address's mail, and may know
		return training.Session{}, 0, hasAccount()
	}
	if a.FullName == "" {
		a.FullName = open.FullName
	}
	if a.FullName == "" {
		return training.Session{}, 0, training.InvalidField("full_name", "is required, since the invitation does not say it")
	}
	passwordHash, err := p.newPassword(ctx, "password", a.Password, open.Email, a.FullName, open.Company)
	if err != nil {
		return training.Session{}, 0, err
	}
	return p.join(ctx, a, open.ID, hash, passwordHash)
}

func (p *Primary) join(ctx context.Context, a training.Acceptance, id int64, hash []byte, passwordHash string) (training.Session, change.LSN, error) {
	refresh, refreshHash, err := newRefreshToken()
	if err != nil {
		return training.Session{}, 0, err
	}
	now := time.Now()
	var r pgsql.AcceptInvitationRow
	lsn, err := p.write(ctx, "accepting an invitation", func(q *pgsql.Queries) (err error) {
		r, err = q.AcceptInvitation(ctx, pgsql.AcceptInvitationParams{
			ID: id, TokenHash: hash, FullName: a.FullName, PasswordHash: passwordHash, SessionExpiresAt: now.Add(sessionLife),
			RefreshHash: refreshHash, TokenExpiresAt: now.Add(refreshLife), Ip: clean(a.IP), UserAgent: clean(a.UserAgent), Source: a.Source,
		})
		return err
	})
	var failed *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return training.Session{}, 0, deadInvitation()
	case errors.As(err, &failed) && failed.ConstraintName == "users_email":
		return training.Session{}, 0, hasAccount()
	case err != nil:
		return training.Session{}, 0, err
	}
	p.activity.note(r.ID, now)
	return training.Session{
		Principal: training.Principal{
			UserID: r.ID, CompanyID: r.CompanyID, SessionID: r.SessionID, Role: training.Role(r.Role), Locale: r.Locale, Zone: r.DataZone,
		},
		RefreshToken: refresh, RefreshExpires: now.Add(refreshLife),
	}, lsn, nil
}

func deadInvitation() error {
	return training.InvalidField("token", "is not valid, or not any more. Ask whoever invited you for a new invitation")
}

func hasAccount() error {
	return training.Errorf(training.Conflict, "There is an account of this address already. Log in, or have its password reset.")
}
