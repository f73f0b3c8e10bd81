package primary

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/change"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// Refresh exchanges a refresh token for the next one of its family. A token that was exchanged
// before has been stolen, from or by its bearer: the whole session ends.
func (p *Primary) Refresh(ctx context.Context, r training.RefreshRequest) (training.Session, change.LSN, error) {
	refused := training.Errorf(training.Unauthorized, "The refresh token is not valid, or not any more. Log in again.")
	next, nextHash, err := newRefreshToken()
	if err != nil {
		return training.Session{}, 0, err
	}
	var s training.Session
	good := false
	lsn, err := p.write(ctx, "refreshing a session", func(q *pgsql.Queries) error {
		good = false
		old, err := q.LockRefreshToken(ctx, hashToken(r.Token))
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		now := time.Now()
		switch {
		case old.RevokedAt != nil || old.IsVoid || !old.IsActive || !now.Before(old.ExpiresAt) || !now.Before(old.SessionExpiresAt):
			return nil
		case old.UsedAt != nil:
			return p.endFamily(ctx, q, old)
		}
		s = training.Session{
			Principal: training.Principal{
				UserID: old.UserID, CompanyID: old.CompanyID, SessionID: old.SessionID, Role: training.Role(old.Role),
				Locale: old.Locale, Zone: old.DataZone,
			},
			RefreshToken: next, RefreshExpires: earlier(now.Add(refreshLife), old.SessionExpiresAt),
		}
		good = true
		return q.RotateRefreshToken(ctx, pgsql.RotateRefreshTokenParams{
			ID: old.ID, TokenHash: nextHash, ExpiresAt: s.RefreshExpires, Ip: clean(r.IP), UserAgent: clean(r.UserAgent), Source: r.Source,
		})
	})
	if err != nil {
		return training.Session{}, 0, err
	}
	if !good {
		return training.Session{}, 0, refused
	}
	return s, lsn, nil
}

func (p *Primary) endFamily(ctx context.Context, q *pgsql.Queries, old pgsql.LockRefreshTokenRow) error {
	if _, err := q.RevokeSession(ctx, pgsql.RevokeSessionParams{ID: old.SessionID, UserID: old.UserID}); err != nil {
		return err
	}
	details, err := json.Marshal(map[string]any{"issued_at": old.CreatedAt, "used_at": old.UsedAt})
	if err != nil {
		return fmt.Errorf("describing a reused refresh token: %w", err)
	}
	p.log.WarnContext(ctx, "a refresh token was used twice; its session ends", "user", old.UserID, "session", old.SessionID)
	return q.InsertAudit(ctx, pgsql.InsertAuditParams{
		CompanyID: &old.CompanyID, DataZone: &old.DataZone, ActorID: &old.UserID, Action: "session.token_reused",
		Subject: "session", SubjectID: &old.SessionID, Details: string(details),
	})
}

// Logout ends the principal's session. Ending it twice is no error.
func (p *Primary) Logout(ctx context.Context, who training.Principal) (change.LSN, error) {
	return p.statement(ctx, "ending a session", func(q *pgsql.Queries) error {
		_, err := q.RevokeSession(ctx, pgsql.RevokeSessionParams{ID: who.SessionID, UserID: who.UserID})
		return err
	})
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
