package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"outpost/server/cache"
	"outpost/server/training"
)

// Namespace is the cache's namespace of remembered tokens.
const Namespace = "tokens"

// arrival is how long after its issue a token is believed while the replica does not know
// its user at all: an account that was made a moment ago at the primary.
const arrival = time.Minute

// maxToken is far above what Sign makes. Longer ones are not even hashed.
const maxToken = 2 << 10

// Options are what an Authenticator needs.
type Options struct {
	Cache *cache.Cache
	// Read runs fn over one state of the replica and gives that state.
	Read func(ctx context.Context, fn func(training.Queries) error) (training.At, error)
	Keys KeySource
	Now  func() time.Time // nil: time.Now
}

// Authenticator tells who a token or an API key speaks for. It is safe for concurrent use.
type Authenticator struct {
	cache  *cache.Cache
	read   func(context.Context, func(training.Queries) error) (training.At, error)
	now    func() time.Time
	parser *jwt.Parser
	keys   *apiKeys
}

// NewAuthenticator makes an Authenticator.
func NewAuthenticator(o Options) (*Authenticator, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	keys, err := newAPIKeys(o.Keys)
	if err != nil {
		return nil, err
	}
	return &Authenticator{cache: o.Cache, read: o.Read, now: o.Now, parser: newParser(o.Now), keys: keys}, nil
}

// remembered is a token or an API key that was verified.
type remembered struct {
	principal training.Principal
	expires   time.Time // zero: an API key that never does
	dead      time.Time // of a token: when its signature counts for nothing any more; zero: never
}

// Authenticate tells who token speaks for, with the rights that the replica and the token
// agree on. A refused one is a training.Error with code Unauthorized and a Rejection inside.
// The token is not kept, so it may lie in a buffer that is reused; for one that was seen
// before, nothing is allocated. An API key that this region does not know is refused as Unasked.
func (a *Authenticator) Authenticate(ctx context.Context, token string) (training.Principal, error) {
	return a.AuthenticateLate(ctx, token, 0)
}

// AuthenticateLate is Authenticate that accepts a token for grace, up to MaxGrace, after it
// expired. It is for reads and progress while the primary is away. An API key gets no grace.
func (a *Authenticator) AuthenticateLate(ctx context.Context, token string, grace time.Duration) (training.Principal, error) {
	if IsAPIKey(token) {
		return a.authenticateKey(ctx, token, false)
	}
	if len(token) > maxToken {
		return training.Principal{}, reject(Malformed, nil)
	}
	// The key is made on the stack: converting the string to bytes would allocate.
	var text [maxToken]byte
	sum := sha256.Sum256(text[:copy(text[:], token)])
	var key [len(Namespace) + 1 + sha256.Size]byte
	copy(key[copy(key[:], Namespace)+1:], sum[:])

	now := a.now()
	var known *remembered
	if entry, _, ok := a.cache.Get(key[:], now); ok {
		known = entry.Value.(*remembered)
	} else {
		var err error
		if known, err = a.verify(ctx, string(key[:]), strings.Clone(token)); err != nil {
			return training.Principal{}, err
		}
	}
	if !now.Before(known.expires.Add(min(max(grace, 0), MaxGrace))) {
		return training.Principal{}, reject(Expired, nil)
	}
	return known.principal, nil
}

// verify does it in full, once for all who ask with the same token now.
func (a *Authenticator) verify(ctx context.Context, key, token string) (*remembered, error) {
	kid, err := keyOf(a.parser, token)
	if err != nil {
		return nil, reject(Malformed, err)
	}
	result, err := a.cache.Do(ctx, []byte(key), func(ctx context.Context) (cache.Filled, error) {
		var known *remembered
		var arrived bool
		at, err := a.read(ctx, func(q training.Queries) (err error) {
			known, arrived, err = a.judge(ctx, q, kid, token)
			return err
		})
		if err != nil {
			return cache.Filled{}, fmt.Errorf("verifying a token: %w", err)
		}
		p := known.principal
		return cache.Filled{
			Value: known, Size: 128, Namespace: Namespace, Store: arrived, At: cache.At(at),
			ValidUntil: sooner(known.expires.Add(MaxGrace), known.dead),
			Tags: []cache.Tag{
				cache.Row("users", p.UserID),
				cache.Row("companies", p.CompanyID),
				cache.Row("sessions", p.SessionID),
				cache.Ref("token_revocations", "user_id", p.UserID),
				cache.Table("signing_keys"),
			},
		}, nil
	})
	if err != nil {
		return nil, err
	}
	return result.Entry.Value.(*remembered), nil
}

// judge verifies the signature and asks whether what it vouches for still holds. Key and
// account are read in the one transaction that the answer's position belongs to: with two,
// a key withdrawn between them would stay good. arrived is false when it rests on the token
// alone.
func (a *Authenticator) judge(ctx context.Context, q training.Queries, kid, token string) (known *remembered, arrived bool, err error) {
	key, ok, err := q.SigningKey(ctx, kid)
	if err != nil {
		return nil, false, err
	}
	if !ok {
		return nil, false, reject(UnknownKey, nil)
	}
	c, err := open(a.parser, token, key.Public)
	if err != nil {
		return nil, false, reject(reasonOf(err), err)
	}
	p, ok := c.principal()
	if !ok {
		return nil, false, reject(Malformed, errors.New("the claims do not make sense"))
	}
	if p.CompanyLocale, err = companyLocale(ctx, q, p.CompanyID); err != nil {
		return nil, false, err
	}
	known = &remembered{principal: p, expires: c.ExpiresAt.Time, dead: key.NotAfter}
	account, err := q.Account(ctx, p.UserID, p.SessionID)
	if training.CodeOf(err) == training.NotFound {
		if a.now().Sub(c.IssuedAt.Time) > arrival {
			return nil, false, reject(UnknownUser, nil)
		}
		return known, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	if err := settle(&known.principal, account, c.IssuedAt.Time); err != nil {
		return nil, false, err
	}
	return known, true, nil
}

// settle holds a principal against its account as the replica knows it. Rights are the lesser
// of both: one of the two is older, and either may be.
func settle(p *training.Principal, account training.Account, issued time.Time) error {
	switch {
	case !account.Active:
		return reject(Inactive, nil)
	case account.SessionRevoked:
		return reject(Revoked, nil)
	case issued.Before(account.RevokedBefore.Truncate(time.Second)):
		return reject(Voided, nil)
	case account.CompanyID != p.CompanyID:
		return reject(Moved, nil)
	}
	p.Role = training.Lesser(p.Role, account.Role)
	p.Locale, p.Zone = account.Locale, account.Zone
	return nil
}

// companyLocale is empty for a company that has not arrived here yet.
func companyLocale(ctx context.Context, q training.Queries, id int64) (string, error) {
	locale, err := q.CompanyLocale(ctx, id)
	if training.CodeOf(err) == training.NotFound {
		return "", nil
	}
	return locale, err
}

// sooner is the earlier of two instants of which the second may be zero: never.
func sooner(a, b time.Time) time.Time {
	if !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func reasonOf(err error) Reason {
	switch {
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return Forged
	case errors.Is(err, jwt.ErrTokenExpired):
		return Expired
	}
	return Malformed
}
