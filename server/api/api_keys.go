package api

import (
	"context"
	"net/http"
	"time"

	"outpost/replicate/change"
	"outpost/server/api/openapi"
	"outpost/server/auth"
	"outpost/server/cache"
	"outpost/server/training"
)

// No route here has a scope: an API key manages no API keys.
func keyRoutes() []*route {
	return []*route{
		{method: http.MethodGet, pattern: "/api/v1/api-keys", handle: (*API).listAPIKeys, role: training.Admin, namespace: "api_keys"},
		{method: http.MethodPost, pattern: "/api/v1/api-keys", handle: (*API).createAPIKey, role: training.Admin, write: true, creates: true},
		{method: http.MethodDelete, pattern: "/api/v1/api-keys/:key", handle: (*API).revokeAPIKey, role: training.Admin, write: true},
	}
}

type keyWriter interface {
	// CreateAPIKey gives the key itself as secret, once: it is empty where an Idempotency-Key
	// repeats the request.
	CreateAPIKey(ctx context.Context, p training.Principal, in training.NewAPIKey) (k training.APIKey, secret string, at change.LSN, err error)
	RevokeAPIKey(ctx context.Context, p training.Principal, id int64) (change.LSN, error)
	// IdentifyAPIKey gives the id of the key with that hash, 0 when there is none, and an LSN at
	// which a replica shows it.
	IdentifyAPIKey(ctx context.Context, hash auth.KeyHash) (id int64, at change.LSN, err error)
}

var apiKeyFields = newProjection[openapi.APIKey]()

func (a *API) listAPIKeys(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	paging, err := k.paging(training.APIKeySorts())
	if err != nil {
		return err
	}
	mask, err := apiKeyFields.parse(k.c.Query("fields"))
	if err != nil {
		return err
	}
	k.key = newKey(k.key, "api_keys").person(k).page(paging).number(int64(mask))
	if done, err := a.hit(k); done {
		return err
	}
	p, paging := k.principal, clonePaging(paging)
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		found, err := q.APIKeys(ctx, p, paging)
		if err != nil {
			return answer{}, err
		}
		out := answer{tags: []cache.Tag{cache.Tenant("api_keys", p.CompanyID)}}
		out.value, err = newPage(found, paging, apiKeyBody, apiKeyFields, mask)
		return out, err
	})
}

func (a *API) createAPIKey(k *call) error {
	var in openapi.CreateAPIKeyRequest
	if err := k.decode(&in, "name", "scopes"); err != nil {
		return err
	}
	wanted := training.NewAPIKey{Name: in.Name}
	for _, scope := range in.Scopes {
		wanted.Scopes = append(wanted.Scopes, string(scope))
	}
	var malformed []training.FieldError
	if in.ExpiresAt != nil {
		if at, err := time.Parse(time.RFC3339, *in.ExpiresAt); err != nil {
			malformed = append(malformed, training.FieldError{Field: "expires_at", Message: "must be a time such as 2027-01-31T12:00:00Z"})
		} else {
			wanted.ExpiresAt = utc(&at)
		}
	}
	wanted = wanted.Normalize()
	if err := invalid(append(wanted.Check(a.Now()), malformed...)...); err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	made, secret, lsn, err := a.Writer.CreateAPIKey(ctx, k.principal, wanted)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	b := apiKeyBody(made)
	return k.json(http.StatusCreated, openapi.CreatedAPIKey{
		Id: b.Id, UserId: b.UserId, Name: b.Name, Prefix: b.Prefix, Scopes: b.Scopes, ExpiresAt: b.ExpiresAt, RevokedAt: b.RevokedAt,
		CreatedAt: b.CreatedAt, UpdatedAt: b.UpdatedAt, Version: b.Version, Key: text(secret),
	})
}

func (a *API) revokeAPIKey(k *call) error {
	id, err := k.idParam("key", 64)
	if err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	lsn, err := a.Writer.RevokeAPIKey(ctx, k.principal, id)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	k.c.Response().SetStatusCode(http.StatusNoContent)
	return nil
}

func apiKeyBody(k training.APIKey) openapi.APIKey {
	scopes := make([]openapi.Scope, len(k.Scopes))
	for i, s := range k.Scopes {
		scopes[i] = openapi.Scope(s)
	}
	return openapi.APIKey{
		Id: k.ID, UserId: k.UserID, Name: k.Name, Prefix: k.Prefix, Scopes: scopes, ExpiresAt: utc(k.ExpiresAt), RevokedAt: utc(k.RevokedAt),
		CreatedAt: k.CreatedAt.UTC(), UpdatedAt: k.UpdatedAt.UTC(), Version: k.Version,
	}
}
