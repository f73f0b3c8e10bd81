package api

import (
	"context"
	"encoding/base64"
	"time"

	"outpost/server/api/openapi"
	"outpost/server/cache"
	"outpost/server/training"
)

// jwks publishes the keys by which access tokens can be verified without asking anybody: RFC 7517,
// RFC 8037. A key is here before it signs anything, and for as long as a token of its can be good.
func (a *API) jwks(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	k.key = newKey(k.key, "jwks")
	if done, err := a.hit(k); done {
		return err
	}
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		keys, err := q.SigningKeys(ctx)
		if err != nil {
			return answer{}, err
		}
		set := openapi.KeySet{Keys: make([]openapi.PublicKey, len(keys))}
		var validUntil time.Time
		for i, key := range keys {
			set.Keys[i] = openapi.PublicKey{
				Kty: "OKP", Crv: "Ed25519", X: base64.RawURLEncoding.EncodeToString(key.Public), Kid: key.ID, Use: "sig", Alg: "EdDSA",
			}
			validUntil = earlier(validUntil, key.NotAfter)
		}
		return answer{value: set, tags: []cache.Tag{cache.Table("signing_keys")}, validUntil: validUntil}, nil
	})
}
