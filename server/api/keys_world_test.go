package api

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"outpost/replicate/change"
	"outpost/server/auth"
	"outpost/server/cache"
	"outpost/server/training"
)

// What the world knows of keys.

func (s state) SigningKeys(context.Context) ([]training.SigningKey, error) {
	if !s.keys {
		return nil, nil
	}
	return []training.SigningKey{{ID: kid, Public: s.public}}, nil
}

func (s state) KeyAccount(_ context.Context, id int64) (training.KeyAccount, error) {
	k, ok := s.apiKeys[id]
	if !ok {
		return training.KeyAccount{}, missing
	}
	u := s.users[k.UserID]
	out := training.KeyAccount{
		Account: training.Account{Active: u.IsActive, Role: u.Role, CompanyID: u.Company.ID, Zone: "global", Locale: u.Locale},
		UserID:  k.UserID, Prefix: k.Prefix, Revoked: k.RevokedAt != nil,
	}
	for _, scope := range k.Scopes {
		out.Scopes += scope + " "
	}
	return out, nil
}

func (s state) APIKeys(_ context.Context, p training.Principal, f training.Paging) (training.Page[training.APIKey], error) {
	page := training.Page[training.APIKey]{Page: f.Page, Size: f.Size}
	for _, id := range slices.Sorted(maps.Keys(s.apiKeys)) {
		if s.apiKeys[id].CompanyID == p.CompanyID {
			page.Items = append(page.Items, s.apiKeys[id])
		}
	}
	page.Total = int64(len(page.Items))
	return page, nil
}

func (w *writer) CreateAPIKey(ctx context.Context, p training.Principal, in training.NewAPIKey) (training.APIKey, string, change.LSN, error) {
	if idempotency := training.CallerOf(ctx).IdempotencyKey; idempotency == "again" {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.apiKeys[1], "", w.at.Position.LSN, nil
	}
	secret, prefix, hash := auth.NewAPIKey()
	k := training.APIKey{
		UserID: p.UserID, CompanyID: p.CompanyID, Name: in.Name, Prefix: prefix, Scopes: in.Scopes, ExpiresAt: in.ExpiresAt,
		CreatedAt: day, UpdatedAt: day, Version: 1,
	}
	at := w.change(func() {
		k.ID = int64(len(w.apiKeys)) + 1
		w.apiKeys[k.ID] = k
		if w.hashes == nil {
			w.hashes = make(map[auth.KeyHash]int64)
		}
		w.hashes[hash] = k.ID
	}, cache.Tenant("api_keys", p.CompanyID))
	return k, secret, at.LSN, nil
}

func (w *writer) RevokeAPIKey(_ context.Context, p training.Principal, id int64) (change.LSN, error) {
	found := false
	at := w.change(func() {
		k, ok := w.apiKeys[id]
		if found = ok && k.CompanyID == p.CompanyID; found {
			k.RevokedAt = &day
			w.apiKeys[id] = k
		}
	}, cache.Tenant("api_keys", p.CompanyID), cache.Row("api_keys", id))
	if !found {
		return 0, missing
	}
	return at.LSN, nil
}

func (w *writer) IdentifyAPIKey(_ context.Context, hash auth.KeyHash) (int64, change.LSN, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	return w.hashes[hash], w.at.Position.LSN, w.down
}

// identify is how the primary's own authenticator asks.
func (w *writer) identify(ctx context.Context, hash auth.KeyHash) (int64, change.Position, error) {
	id, lsn, err := w.IdentifyAPIKey(ctx, hash)
	return id, change.Position{Generation: generation, LSN: lsn}, err
}

func (w *writer) KnowsSource(_ context.Context, login, source string) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.knows = append(w.knows, fmt.Sprintf("%s from %s", login, source))
	return w.known[login] == source, w.down
}
