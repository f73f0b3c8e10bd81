package primary

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"outpost/replicate/change"
	"outpost/server/auth"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

const (
	// refreshLife is how long a session lives without a refresh, sessionLife how long with them.
	refreshLife = 30 * 24 * time.Hour
	sessionLife = 90 * 24 * time.Hour
	// maxText bounds what is kept of a client's own words.
	maxText = 255
)

// Login checks a password and begins a session. An unknown login, a wrong password and an
// account that is not active cost the same work and get the same answer, Unauthorized; which it
// was stands in login_failures.
func (p *Primary) Login(ctx context.Context, r training.LoginRequest) (training.Session, change.LSN, error) {
	refused := training.Errorf(training.Unauthorized, "The login or the password is wrong.")
	r.IP, r.UserAgent = clean(r.IP), clean(r.UserAgent)
	login := clean(r.Login)
	account, err := p.account(ctx, login)
	if err != nil {
		return training.Session{}, 0, err
	}
	ok, err := p.config.Passwords.Verify(ctx, account.PasswordHash, r.Password)
	if err != nil {
		return training.Session{}, 0, fmt.Errorf("checking the password of user %d: %w", account.ID, err)
	}
	reason := ""
	switch {
	case account.ID == 0:
		reason = "unknown"
	case !ok:
		reason = "password"
	case !account.IsActive:
		reason = "inactive"
	}
	if reason != "" {
		failure := pgsql.InsertLoginFailureParams{Login: login, Ip: r.IP, UserAgent: r.UserAgent, Reason: reason}
		if account.ID != 0 {
			failure.UserID = &account.ID
		}
		err := p.with(ctx, "recording a failed login", func(conn *pgxpool.Conn) error {
			return pgsql.New(conn).InsertLoginFailure(ctx, failure)
		})
		if err != nil {
			return training.Session{}, 0, err
		}
		return training.Session{}, 0, refused
	}
	p.activity.note(account.ID, time.Now())
	return p.begin(ctx, account, r)
}

func (p *Primary) account(ctx context.Context, login string) (account pgsql.LoginAccountRow, err error) {
	err = p.with(ctx, "looking up a login", func(conn *pgxpool.Conn) error {
		account, err = pgsql.New(conn).LoginAccount(ctx, login)
		if errors.Is(err, pgx.ErrNoRows) {
			account = pgsql.LoginAccountRow{}
			return nil
		}
		return err
	})
	return account, err
}

// begin makes the session.
func (p *Primary) begin(ctx context.Context, account pgsql.LoginAccountRow, r training.LoginRequest) (training.Session, change.LSN, error) {
	token, hash, err := newRefreshToken()
	if err != nil {
		return training.Session{}, 0, err
	}
	if err := p.strengthen(ctx, account, r.Password); err != nil {
		return training.Session{}, 0, err
	}
	now := time.Now()
	s := training.Session{
		Principal: training.Principal{
			UserID: account.ID, CompanyID: account.CompanyID, Role: training.Role(account.Role),
			Locale: account.Locale, Zone: account.DataZone,
		},
		RefreshToken: token, RefreshExpires: now.Add(refreshLife),
	}
	lsn, err := p.statement(ctx, "beginning a session", func(q *pgsql.Queries) error {
		s.SessionID, err = q.BeginSession(ctx, pgsql.BeginSessionParams{
			CompanyID: account.CompanyID, DataZone: account.DataZone, UserID: account.ID,
			SessionExpiresAt: now.Add(sessionLife), TokenHash: hash, TokenExpiresAt: s.RefreshExpires,
			Ip: r.IP, UserAgent: r.UserAgent,
		})
		return err
	})
	return s, lsn, err
}

// strengthen makes a hash anew that was made at another cost than today's.
func (p *Primary) strengthen(ctx context.Context, account pgsql.LoginAccountRow, password string) error {
	if !auth.Outdated(account.PasswordHash) {
		return nil
	}
	hash, err := p.config.Passwords.Hash(ctx, password)
	if err != nil {
		return fmt.Errorf("hashing the password of user %d anew: %w", account.ID, err)
	}
	return p.with(ctx, "replacing a password hash", func(conn *pgxpool.Conn) error {
		return pgsql.New(conn).ReplacePasswordHash(ctx, pgsql.ReplacePasswordHashParams{
			UserID: account.ID, OldHash: account.PasswordHash, NewHash: hash,
		})
	})
}

// newRefreshToken makes a token of 256 random bits, and the hash that is kept of it. There is
// nothing to guess, so a fast hash is enough.
func newRefreshToken() (token string, hash []byte, err error) {
	var secret [32]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return "", nil, fmt.Errorf("making a refresh token: %w", err)
	}
	token = "opr_" + base64.RawURLEncoding.EncodeToString(secret[:])
	return token, hashToken(token), nil
}

func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// clean makes of a client's words what Postgres can keep, bounded.
func clean(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
	for len(s) > maxText {
		_, size := utf8.DecodeLastRuneInString(s[:maxText+1])
		s = s[:max(maxText+1-size, 0)]
	}
	return s
}
