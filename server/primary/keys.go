package primary

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"outpost/server/auth"
	"outpost/server/primary/pgsql"
)

// EnsureSigningKey gives the signer of the current key, which is made at the first start. The
// private part stays in a table that is not replicated.
func (p *Primary) EnsureSigningKey(ctx context.Context) (*auth.Signer, error) {
	var key pgsql.CurrentSigningKeyRow
	_, err := p.write(ctx, "preparing the signing key", func(q *pgsql.Queries) (err error) {
		if key, err = q.CurrentSigningKey(ctx); !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		// Of two processes that find none, one makes it and the other finds it.
		if err := q.LockSigningKeys(ctx); err != nil {
			return err
		}
		if key, err = q.CurrentSigningKey(ctx); !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if key, err = newKey(); err != nil {
			return err
		}
		return q.InsertSigningKey(ctx, pgsql.InsertSigningKeyParams{
			Kid: key.Kid, PublicKey: key.PublicKey, PrivateKey: key.PrivateKey,
		})
	})
	if err != nil {
		return nil, err
	}
	return auth.NewSigner(key.Kid, ed25519.NewKeyFromSeed(key.PrivateKey), nil)
}

func newKey() (pgsql.CurrentSigningKeyRow, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return pgsql.CurrentSigningKeyRow{}, fmt.Errorf("making a signing key: %w", err)
	}
	return pgsql.CurrentSigningKeyRow{Kid: auth.KeyID(public), PublicKey: public, PrivateKey: private.Seed()}, nil
}
