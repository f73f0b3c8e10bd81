package primary

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"outpost/replicate/change"
	"outpost/server/auth"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// CreateAPIKey makes a key of the principal's. secret is the key itself: it is given once and kept
// nowhere, so it is empty where an Idempotency-Key repeats the request.
func (p *Primary) CreateAPIKey(ctx context.Context, who training.Principal, in training.NewAPIKey) (k training.APIKey, secret string, lsn change.LSN, err error) {
	var made int64 // the key that secret is of: an attempt that failed made another
	k, lsn, err = operate(ctx, p, operation{"createAPIKey", who, in}, func(q *pgsql.Queries, _ time.Time) (training.APIKey, error) {
		key, prefix, hash := auth.NewAPIKey()
		row, err := q.InsertAPIKey(ctx, pgsql.InsertAPIKeyParams{
			UserID: who.UserID, CompanyID: who.CompanyID, Name: in.Name, Prefix: prefix, Scopes: strings.Join(in.Scopes, " "),
			ExpiresAt: in.ExpiresAt, KeyHash: hash[:], Most: training.MaxKeys,
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return training.APIKey{}, training.Errorf(training.Conflict, "The company has %d API keys that are good, and may have no more. Revoke one first.", training.MaxKeys)
		}
		if err != nil {
			return training.APIKey{}, err
		}
		secret, made = key, row.ID
		return training.APIKey{
			ID: row.ID, CompanyID: who.CompanyID, UserID: who.UserID, Name: in.Name, Prefix: prefix, Scopes: in.Scopes, ExpiresAt: utc(in.ExpiresAt),
			CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(), Version: row.Version,
		}, nil
	})
	if err != nil || k.ID != made {
		secret = ""
	}
	return k, secret, lsn, err
}

// RevokeAPIKey ends a key of the principal's company. Doing it twice changes nothing more.
func (p *Primary) RevokeAPIKey(ctx context.Context, who training.Principal, id int64) (change.LSN, error) {
	_, lsn, err := operate(ctx, p, operation{"revokeAPIKey", who, id}, func(q *pgsql.Queries, _ time.Time) (bool, error) {
		n, err := q.RevokeAPIKey(ctx, pgsql.RevokeAPIKeyParams{ID: id, CompanyID: who.CompanyID})
		if err != nil || n > 0 {
			return n > 0, err
		}
		exists, err := q.APIKeyExists(ctx, pgsql.APIKeyExistsParams{ID: id, CompanyID: who.CompanyID})
		if err == nil && !exists {
			err = training.Errorf(training.NotFound, "There is no such API key.")
		}
		return false, err
	})
	return lsn, err
}

// IdentifyAPIKey gives the id of the key with that hash, 0 when there is none, and an LSN at which
// a replica shows it.
func (p *Primary) IdentifyAPIKey(ctx context.Context, hash auth.KeyHash) (id int64, lsn change.LSN, err error) {
	err = p.with(ctx, "looking up an API key", func(conn *pgxpool.Conn) error {
		id, err = pgsql.New(conn).APIKeyByHash(ctx, hash[:])
		if errors.Is(err, pgx.ErrNoRows) {
			id = 0
		} else if err != nil {
			return err
		}
		lsn, err = p.walInsert(ctx, conn)
		return err
	})
	return id, lsn, err
}
