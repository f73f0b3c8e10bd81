package primary

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"outpost/server/auth"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// How a signing key lives. It is published when it is made, and signs only a lead later, when every
// region that follows has it; the one before it goes on signing until the clocks of all regions
// agree that the new one is valid, and verifies for as long as any token that it signed can be used.
// Where there was no key at all the first one signs at once: a region that lacks it asks the primary.
const (
	// settle is the part of the lead that two keys sign side by side.
	settle = 10
	// afterlife is how much longer than its last token a key verifies, for clocks that differ.
	afterlife = time.Minute
	// reloadTimeout bounds the look at the keys for a token that cannot wait for the next one.
	reloadTimeout = 5 * time.Second
)

// signingKey is a key that may sign, in this process' clock.
type signingKey struct {
	signer *auth.Signer
	from   time.Time
	until  time.Time // zero: nothing has followed it yet
}

// keyring is what was last read of the keys, the newest first.
type keyring struct {
	keys []signingKey
	read time.Time
}

// SigningKey is a key as `outpost keys` shows it.
type SigningKey struct {
	ID        string
	NotBefore time.Time
	RetiredAt *time.Time // nil: nothing has followed it yet
	NotAfter  *time.Time
	State     string // "published", "signing", "verifying" or "over"
}

// Sign makes an access token with the key whose turn it is. What it knows of the keys is never so
// old that another process could have changed them without its knowing in time.
func (p *Primary) Sign(who training.Principal) (token string, life time.Duration, err error) {
	ring := p.ring.Load()
	if ring == nil || time.Since(ring.read) > p.config.KeyLead/2 {
		ctx, cancel := context.WithTimeout(context.Background(), reloadTimeout)
		defer cancel()
		if err := p.KeepSigningKeys(ctx); err != nil {
			return "", 0, err
		}
		ring = p.ring.Load()
	}
	signer := pick(ring.keys, time.Now(), p.config.KeyLead/settle)
	if signer == nil {
		return "", 0, errors.New("no signing key is valid yet")
	}
	return signer.Sign(who)
}

// pick gives the newest key that everyone takes for valid by now, or else the newest that is.
func pick(keys []signingKey, now time.Time, settled time.Duration) *auth.Signer {
	for _, since := range []time.Time{now.Add(-settled), now} {
		for _, k := range keys {
			if !since.Before(k.from) && (k.until.IsZero() || now.Before(k.until)) {
				return k.signer
			}
		}
	}
	return nil
}

// KeepSigningKeys sees to it that there is a key, that one which is old enough is followed by
// another, and that the private part of one that signs no more is gone; and reads which there are.
// Run does it all the time.
func (p *Primary) KeepSigningKeys(ctx context.Context) error {
	rows, err := p.keysInUse(ctx)
	if err != nil {
		return err
	}
	if len(rows) == 0 || rows[0].Due {
		if rows, _, err = p.rotate(ctx, false); err != nil {
			return err
		}
	}
	if err := p.remember(rows); err != nil {
		return err
	}
	return p.with(ctx, "forgetting signing keys", func(conn *pgxpool.Conn) error {
		return pgsql.New(conn).ForgetSigningKeys(ctx)
	})
}

// RotateSigningKey makes a new key, whatever the age of the one that signs. One that is on its way
// already is enough: made says whether it is new.
func (p *Primary) RotateSigningKey(ctx context.Context) (key SigningKey, made bool, err error) {
	rows, made, err := p.rotate(ctx, true)
	if err != nil {
		return SigningKey{}, false, err
	}
	return SigningKey{ID: rows[0].Kid, NotBefore: rows[0].NotBefore.UTC(), State: stateOf(rows[0].At, rows[0].NotBefore, nil, nil)}, made, nil
}

// SigningKeys are all keys there are, the oldest first.
func (p *Primary) SigningKeys(ctx context.Context) (keys []SigningKey, err error) {
	err = p.with(ctx, "listing the signing keys", func(conn *pgxpool.Conn) error {
		rows, err := pgsql.New(conn).SigningKeys(ctx)
		for _, r := range rows {
			keys = append(keys, SigningKey{
				ID: r.Kid, NotBefore: r.NotBefore.UTC(), RetiredAt: utc(r.RetiredAt), NotAfter: utc(r.NotAfter),
				State: stateOf(r.At, r.NotBefore, r.RetiredAt, r.NotAfter),
			})
		}
		return err
	})
	return keys, err
}

func stateOf(at, notBefore time.Time, retiredAt, notAfter *time.Time) string {
	switch {
	case notAfter != nil && !at.Before(*notAfter):
		return "over"
	case retiredAt != nil && !at.Before(*retiredAt):
		return "verifying"
	case at.Before(notBefore):
		return "published"
	}
	return "signing"
}

func (p *Primary) keysInUse(ctx context.Context) (rows []pgsql.SigningKeysInUseRow, err error) {
	err = p.with(ctx, "reading the signing keys", func(conn *pgxpool.Conn) error {
		rows, err = pgsql.New(conn).SigningKeysInUse(ctx, p.config.KeyAge.Seconds())
		return err
	})
	return rows, err
}

// rotate makes a key that follows those there are, unless one is on its way. Of two processes that
// find it due, one makes it and the other finds it.
func (p *Primary) rotate(ctx context.Context, asked bool) (rows []pgsql.SigningKeysInUseRow, made bool, err error) {
	_, err = p.write(ctx, "making a signing key", func(q *pgsql.Queries) error {
		made = false
		if err := q.LockSigningKeys(ctx); err != nil {
			return err
		}
		if rows, err = q.SigningKeysInUse(ctx, p.config.KeyAge.Seconds()); err != nil {
			return err
		}
		lead := p.config.KeyLead
		switch {
		case len(rows) == 0:
			lead = 0
		case rows[0].NotBefore.After(rows[0].At), !asked && !rows[0].Due:
			return nil
		}
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return fmt.Errorf("making a signing key: %w", err)
		}
		retired := lead + lead/settle
		err = q.InsertSigningKey(ctx, pgsql.InsertSigningKeyParams{
			Kid: auth.KeyID(public), PublicKey: public, PrivateKey: private.Seed(), LeadSeconds: lead.Seconds(),
			RetiredSeconds: retired.Seconds(), DeadSeconds: (retired + auth.Life + auth.MaxGrace + afterlife).Seconds(),
		})
		if err != nil {
			return err
		}
		made = true
		rows, err = q.SigningKeysInUse(ctx, p.config.KeyAge.Seconds())
		return err
	})
	if made && err == nil {
		p.log.InfoContext(ctx, "a new signing key was made", "kid", rows[0].Kid, "signs_from", rows[0].NotBefore.UTC())
	}
	return rows, made, err
}

// remember takes Postgres' times into this process' clock.
func (p *Primary) remember(rows []pgsql.SigningKeysInUseRow) error {
	ring := &keyring{read: time.Now()}
	for _, r := range rows {
		signer, err := auth.NewSigner(r.Kid, ed25519.NewKeyFromSeed(r.PrivateKey), nil)
		if err != nil {
			return err
		}
		k := signingKey{signer: signer, from: ring.read.Add(r.NotBefore.Sub(r.At))}
		if r.RetiredAt != nil {
			k.until = ring.read.Add(r.RetiredAt.Sub(r.At))
		}
		ring.keys = append(ring.keys, k)
	}
	p.ring.Store(ring)
	return nil
}
