package primary

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"outpost/replicate/change"
	"outpost/server/auth"
	"outpost/server/mail"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

const (
	// resetLife is how long a forgotten password can be set anew.
	resetLife = time.Hour
	// resetPause is between two mails with such a token to one account, whoever asks for them.
	resetPause = 5 * time.Minute
	// requestBatch is how many requests for a reset are looked at together.
	requestBatch = 100
)

// What tokens that travel by mail begin with, so that one that is found somewhere is known for what
// it is.
const (
	invitationPrefix = "opi_"
	resetPrefix      = "opp_"
)

// newToken makes a token of 256 random bits, and the hash that is kept of it.
func newToken(prefix string) (token string, hash []byte, err error) {
	var secret [32]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return "", nil, fmt.Errorf("making a token: %w", err)
	}
	token = prefix + base64.RawURLEncoding.EncodeToString(secret[:])
	return token, hashToken(token), nil
}

// newPassword gives the hash of a password that is good enough. personal are what it must not hold.
func (p *Primary) newPassword(ctx context.Context, field, password string, personal ...string) (string, error) {
	if weakness := auth.Weakness(password, personal...); weakness != "" {
		return "", training.InvalidField(field, "%s", weakness)
	}
	hash, err := p.config.Passwords.Hash(ctx, password)
	if err != nil {
		return "", fmt.Errorf("hashing a new password: %w", err)
	}
	return hash, nil
}

// InviteUser mails a user who has no password a token to set the first one. A platform administrator
// may do so in every company.
func (p *Primary) InviteUser(ctx context.Context, who training.Principal, userID int64) (change.LSN, error) {
	token, hash, err := newToken(resetPrefix)
	if err != nil {
		return 0, err
	}
	_, lsn, err := operate(ctx, p, operation{"inviteUser", who, userID}, func(q *pgsql.Queries, at time.Time) (struct{}, error) {
		return struct{}{}, inviteUser(ctx, q, who, userID, token, hash, at)
	})
	if err == nil {
		p.outbox.wake()
	}
	return lsn, err
}

func inviteUser(ctx context.Context, q *pgsql.Queries, who training.Principal, userID int64, token string, hash []byte, at time.Time) error {
	u, err := q.FirstPasswordContext(ctx, pgsql.FirstPasswordContextParams{
		ID: userID, CompanyID: who.CompanyID, AskerID: who.UserID, AnyCompany: who.Role == training.PlatformAdmin, Pause: resetPause.Seconds(),
	})
	switch {
	case err != nil:
		return notFound(err, "user")
	case !u.IsActive:
		return training.Errorf(training.Conflict, "The account is not active.")
	case u.HasPassword:
		return training.Errorf(training.Conflict, "The user has a password already; who has forgotten it can have it reset.")
	case u.IsRecent:
		return training.Errorf(training.Conflict, "The user was sent such a mail less than five minutes ago.")
	}
	payload, err := json.Marshal(mail.Content{Name: u.FullName, Company: u.Company, Inviter: u.Inviter, Token: token})
	if err != nil {
		return fmt.Errorf("writing a mail: %w", err)
	}
	return q.InsertFirstPassword(ctx, pgsql.InsertFirstPasswordParams{
		UserID: u.ID, TokenHash: hash, ExpiresAt: at.Add(invitationLife), CompanyID: u.CompanyID, DataZone: u.DataZone,
		Kind: string(mail.FirstPassword), Recipient: u.Email, Locale: u.Locale, Payload: string(payload),
	})
}

// ForgotPassword takes the wish to set a new password. It does the same for every address: whether
// it is anybody's is found out after the answer, by whoever writes the mail.
func (p *Primary) ForgotPassword(ctx context.Context, email string) (change.LSN, error) {
	lsn, err := p.statement(ctx, "asking for a password reset", func(q *pgsql.Queries) error {
		return q.RequestPasswordReset(ctx, clean(email))
	})
	if err == nil {
		p.outbox.wake()
	}
	return lsn, err
}

// answerForgotten writes the mails that were asked for, a batch at a time.
func (p *Primary) answerForgotten(ctx context.Context) error {
	for taken := requestBatch; taken == requestBatch; {
		_, err := p.write(ctx, "answering requests for a password reset", func(q *pgsql.Queries) error {
			emails, err := q.TakePasswordRequests(ctx, requestBatch)
			if taken = len(emails); err != nil || taken == 0 {
				return err
			}
			r := pgsql.InsertResetsParams{Emails: emails, Kind: string(mail.PasswordReset), Pause: resetPause.Seconds(), Life: resetLife.Seconds()}
			for range emails {
				token, hash, err := newToken(resetPrefix)
				if err != nil {
					return err
				}
				r.Tokens, r.TokenHashes = append(r.Tokens, token), append(r.TokenHashes, hash)
			}
			_, err = q.InsertResets(ctx, r)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// ResetPassword sets the password of whom a token was mailed to, uses up all such tokens of theirs and
// ends all their sessions. API keys stay: they are not made of the password, and are revoked by
// themselves.
func (p *Primary) ResetPassword(ctx context.Context, token, password string) (change.LSN, error) {
	var open pgsql.OpenResetRow
	hash := hashToken(token)
	err := p.with(ctx, "looking up a password reset", func(conn *pgxpool.Conn) (err error) {
		open, err = pgsql.New(conn).OpenReset(ctx, hash)
		return err
	})
	dead := training.InvalidField("token", "is not valid, or not any more. Ask for a new one")
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, dead
	}
	if err != nil {
		return 0, err
	}
	passwordHash, err := p.newPassword(ctx, "password", password, open.Email, open.FullName, open.Company)
	if err != nil {
		return 0, err
	}
	lsn, err := p.write(ctx, "resetting a password", func(q *pgsql.Queries) error {
		if err := q.LockCredentials(ctx, open.ID); err != nil {
			return err
		}
		_, err := q.ResetPassword(ctx, pgsql.ResetPasswordParams{
			TokenHash: hash, PasswordHash: passwordHash, Kind: string(mail.PasswordChanged), Ip: clean(training.CallerOf(ctx).IP),
		})
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, dead
	}
	if err == nil {
		p.outbox.wake()
	}
	return lsn, err
}

// ChangePassword sets another password for who knows the current one. All their other sessions end;
// this one goes on, which is why nothing is written to token_revocations: that would void its tokens
// too.
func (p *Primary) ChangePassword(ctx context.Context, who training.Principal, c training.PasswordChange) (change.LSN, error) {
	var account pgsql.PasswordAccountRow
	err := p.with(ctx, "looking up an account", func(conn *pgxpool.Conn) (err error) {
		account, err = pgsql.New(conn).PasswordAccount(ctx, pgsql.PasswordAccountParams{ID: who.UserID, CompanyID: who.CompanyID, SessionID: who.SessionID})
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, training.Errorf(training.Unauthorized, "The account is not what it was. Log in again.")
	}
	if err != nil {
		return 0, err
	}
	if err := p.confirm(ctx, account, c); err != nil {
		return 0, err
	}
	if c.New == c.Current {
		return 0, training.InvalidField("new_password", "must be another one than the current")
	}
	hash, err := p.newPassword(ctx, "new_password", c.New, account.Email, account.FullName, account.Company)
	if err != nil {
		return 0, err
	}
	lsn, err := p.write(ctx, "changing a password", func(q *pgsql.Queries) error {
		if err := q.LockCredentials(ctx, who.UserID); err != nil {
			return err
		}
		_, err := q.ChangePassword(ctx, pgsql.ChangePasswordParams{
			UserID: who.UserID, OldHash: account.PasswordHash, NewHash: hash, SessionID: who.SessionID,
			Kind: string(mail.PasswordChanged), Ip: clean(c.IP),
		})
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, training.Errorf(training.Conflict, "The password was changed elsewhere at the same time.")
	}
	if err == nil {
		p.outbox.wake()
	}
	return lsn, err
}

// confirm holds the current password against the account's. A wrong one counts as a failed login.
func (p *Primary) confirm(ctx context.Context, account pgsql.PasswordAccountRow, c training.PasswordChange) error {
	ok, err := p.config.Passwords.Verify(ctx, account.PasswordHash, c.Current)
	if err != nil {
		return fmt.Errorf("checking the password of user %d: %w", account.ID, err)
	}
	if ok {
		return nil
	}
	err = p.with(ctx, "recording a failed login", func(conn *pgxpool.Conn) error {
		return pgsql.New(conn).InsertLoginFailure(ctx, pgsql.InsertLoginFailureParams{
			Login: account.Email, UserID: &account.ID, Ip: clean(c.IP), UserAgent: clean(c.UserAgent), Reason: "password",
		})
	})
	if err != nil {
		return err
	}
	return training.InvalidField("current_password", "is wrong")
}
