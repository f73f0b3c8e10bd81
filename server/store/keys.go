package store

import (
	"context"
	"crypto/ed25519"
	stdsql "database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"outpost/server/store/sqlite"
	"outpost/server/training"
)

// keyLeeway is how far the clocks of two regions may be apart.
const keyLeeway = time.Minute

func (q *queries) SigningKey(ctx context.Context, kid string) (training.SigningKey, bool, error) {
	row, err := run(ctx, q, "signing_key", q.sql.SigningKey, kid)
	if errors.Is(err, stdsql.ErrNoRows) {
		return training.SigningKey{}, false, nil
	}
	if err != nil {
		return training.SigningKey{}, false, err
	}
	key, err := signingKey(kid, row.PublicKey, row.NotBefore, row.NotAfter)
	if err != nil {
		return key, false, err
	}
	now := q.now()
	// Postgres' clock set the beginning; this region's may be a little behind.
	valid := !now.Add(keyLeeway).Before(key.NotBefore) && (key.NotAfter.IsZero() || now.Before(key.NotAfter))
	return key, valid, nil
}

func (q *queries) SigningKeys(ctx context.Context) ([]training.SigningKey, error) {
	rows, err := runPlain(ctx, q, "signing_keys", q.sql.SigningKeys)
	if err != nil {
		return nil, err
	}
	now := q.now()
	var keys []training.SigningKey
	for _, r := range rows {
		key, err := signingKey(r.Kid, r.PublicKey, r.NotBefore, r.NotAfter)
		if err != nil {
			return nil, err
		}
		if key.NotAfter.IsZero() || now.Before(key.NotAfter) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func signingKey(kid string, public []byte, notBefore string, notAfter *string) (training.SigningKey, error) {
	if len(public) != ed25519.PublicKeySize {
		return training.SigningKey{}, fmt.Errorf("the signing key %q has %d bytes instead of %d", kid, len(public), ed25519.PublicKeySize)
	}
	var t times
	key := training.SigningKey{ID: kid, Public: public, NotBefore: t.at(notBefore)}
	if until := t.maybe(notAfter); until != nil {
		key.NotAfter = *until
	}
	return key, t.err
}

func (q *queries) KeyAccount(ctx context.Context, id int64) (training.KeyAccount, error) {
	row, err := run(ctx, q, "api_key_account", q.sql.APIKeyAccount, id)
	if err != nil {
		return training.KeyAccount{}, notFound(err, "API key")
	}
	var t times
	key := training.KeyAccount{
		Account: training.Account{
			Active: row.IsActive == 1 && row.CompanyIsActive == 1, Role: training.Role(row.Role), CompanyID: row.CompanyID,
			Zone: row.DataZone, Locale: row.Locale,
		},
		UserID: row.UserID, Prefix: row.Prefix, Scopes: row.Scopes, Revoked: row.RevokedAt != nil,
	}
	if expires := t.maybe(row.ExpiresAt); expires != nil {
		key.ExpiresAt = *expires
	}
	return key, t.err
}

func (q *queries) APIKeys(ctx context.Context, p training.Principal, f training.Paging) (training.Page[training.APIKey], error) {
	page := training.Page[training.APIKey]{Page: f.Page, Size: f.Size}
	if err := f.Validate(training.APIKeySorts()...); err != nil {
		return page, err
	}
	from, err := after(f, false)
	if err != nil {
		return page, err
	}
	arg := sqlite.APIKeysByCreatedParams{
		CompanyID: p.CompanyID, AfterKey: from.text, AfterID: from.id, Size: int64(f.Size) + 1, Skip: f.Offset(),
	}
	var rows []sqlite.APIKeysByCreatedRow
	if f.Desc {
		var descending []sqlite.APIKeysByCreatedDescRow
		descending, err = run(ctx, q, "api_keys", q.sql.APIKeysByCreatedDesc, sqlite.APIKeysByCreatedDescParams(arg))
		for _, r := range descending {
			rows = append(rows, sqlite.APIKeysByCreatedRow(r))
		}
	} else {
		rows, err = run(ctx, q, "api_keys", q.sql.APIKeysByCreated, arg)
	}
	if err != nil {
		return page, err
	}
	var found []place
	found, page.NextAfter = cut(f, places(rows, func(r sqlite.APIKeysByCreatedRow) place { return place{r.ApiKey.ID, r.ApiKey.CreatedAt} }))
	var t times
	for _, r := range rows[:len(found)] {
		k := r.ApiKey
		page.Items = append(page.Items, training.APIKey{
			ID: k.ID, CompanyID: k.CompanyID, UserID: k.UserID, Name: k.Name, Prefix: k.Prefix, Scopes: strings.Fields(k.Scopes),
			ExpiresAt: t.maybe(k.ExpiresAt), RevokedAt: t.maybe(k.RevokedAt), CreatedAt: t.at(k.CreatedAt), UpdatedAt: t.at(k.UpdatedAt),
			Version: k.Version,
		})
	}
	if t.err != nil {
		return page, t.err
	}
	page.Total, err = run(ctx, q, "count_api_keys", q.sql.CountAPIKeys, p.CompanyID)
	return page, err
}
