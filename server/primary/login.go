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
	r.Login, r.IP, r.UserAgent = clean(r.Login), clean(r.IP), clean(r.UserAgent)
	for again := false; ; again = true {
		account, err := p.account(ctx, r.Login)
		if err != nil {
			return training.Session{}, 0, err
		}
		ok, err := p.check(ctx, account, r.Password)
		if err != nil {
			return training.Session{}, 0, fmt.Errorf("checking the password of user %d: %w", account.ID, err)
		}
		if !ok || !account.IsActive {
			return training.Session{}, 0, p.refuse(ctx, account, r, ok)
		}
		s, lsn, err := p.begin(ctx, account, r)
		if errors.Is(err, errChanged) && !again {
			continue // and look whether the password is still right
		}
		if errors.Is(err, errChanged) {
			return training.Session{}, 0, p.refuse(ctx, account, r, false)
		}
		if err == nil {
			p.activity.note(account.ID, time.Now())
		}
		return s, lsn, err
	}
}

// check is Verify that takes a hash which cannot be checked for one that no password fits, after
// the usual time: whoever guesses must not learn that there is such an account.
func (p *Primary) check(ctx context.Context, account pgsql.LoginAccountRow, password string) (bool, error) {
	ok, err := p.config.Passwords.Verify(ctx, account.PasswordHash, password)
	if errors.Is(err, auth.ErrMalformedHash) {
		p.log.ErrorContext(ctx, "a password cannot be checked; its user must set a new one", "user", account.ID, "error", err)
		return p.config.Passwords.Verify(ctx, "", password)
	}
	return ok, err
}

// refuse records why, and gives the one answer.
func (p *Primary) refuse(ctx context.Context, account pgsql.LoginAccountRow, r training.LoginRequest, right bool) error {
	failure := pgsql.InsertLoginFailureParams{Login: r.Login, Ip: r.IP, UserAgent: r.UserAgent, Reason: "unknown"}
	if account.ID != 0 {
		failure.UserID, failure.Reason = &account.ID, "password"
	}
	if right {
		failure.Reason = "inactive"
	}
	err := p.with(ctx, "recording a failed login", func(conn *pgxpool.Conn) error {
		return pgsql.New(conn).InsertLoginFailure(ctx, failure)
	})
	if err != nil {
		return err
	}
	return training.Errorf(training.Unauthorized, "The login or the password is wrong.")
}

// KnowsSource says whether somebody has logged in to the account from there in the last 90 days.
// For a login that does not exist it costs the same.
func (p *Primary) KnowsSource(ctx context.Context, login, source string) (known bool, err error) {
	err = p.with(ctx, "looking up where a login came from", func(conn *pgxpool.Conn) error {
		known, err = pgsql.New(conn).KnowsSource(ctx, pgsql.KnowsSourceParams{Login: clean(login), Source: source})
		return err
	})
	return known, err
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

// errChanged says that an account is not what it was when its password was checked.
var errChanged = errors.New("the account was changed meanwhile")

// begin makes the session of an account whose password was checked. The account is as it is when
// the session begins; where its password has become another or it is not active, errChanged.
func (p *Primary) begin(ctx context.Context, account pgsql.LoginAccountRow, r training.LoginRequest) (training.Session, change.LSN, error) {
	token, hash, err := newRefreshToken()
	if err != nil {
		return training.Session{}, 0, err
	}
	password, err := p.strengthen(ctx, account, r.Password)
	if err != nil {
		return training.Session{}, 0, err
	}
	now := time.Now()
	s := training.Session{RefreshToken: token, RefreshExpires: now.Add(refreshLife)}
	lsn, err := p.statement(ctx, "beginning a session", func(q *pgsql.Queries) error {
		row, err := q.BeginSession(ctx, pgsql.BeginSessionParams{
			UserID: account.ID, PasswordHash: password, SessionExpiresAt: now.Add(sessionLife), TokenHash: hash,
			TokenExpiresAt: s.RefreshExpires, Ip: r.IP, UserAgent: r.UserAgent, Source: r.Source,
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return errChanged
		}
		s.Principal = training.Principal{
			UserID: account.ID, CompanyID: row.CompanyID, SessionID: row.SessionID, Role: training.Role(row.Role),
			Locale: row.Locale, Zone: row.DataZone,
		}
		return err
	})
	return s, lsn, err
}

// strengthen makes a hash anew that was made at another cost than today's, and gives the one that
// is in force.
func (p *Primary) strengthen(ctx context.Context, account pgsql.LoginAccountRow, password string) (string, error) {
	if !auth.Outdated(account.PasswordHash) {
		return account.PasswordHash, nil
	}
	hash, err := p.config.Passwords.Hash(ctx, password)
	if err != nil {
		return "", fmt.Errorf("hashing the password of user %d anew: %w", account.ID, err)
	}
	return hash, p.with(ctx, "replacing a password hash", func(conn *pgxpool.Conn) error {
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
