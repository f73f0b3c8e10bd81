package auth

import (
	"context"
	"crypto/ed25519"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/server/cache"
	"outpost/server/training"
)

// region is a node's replica as far as tokens are concerned, and the primary's signer.
type region struct {
	training.Queries // the others are not asked
	auth             *Authenticator
	cache            *cache.Cache
	signer           *Signer
	public           ed25519.PublicKey
	key              ed25519.PrivateKey

	at      atomic.Uint64
	clock   atomic.Pointer[time.Time]
	account *training.Account // nil: no such user
	keys    map[string]ed25519.PublicKey
	until   time.Time // of the keys; zero: for ever
	failing error
	during  func() // in the middle of a read
	asked   int

	apiKey  *training.KeyAccount // nil: it has not arrived
	primary *keyPrimary
}

func (r *region) SigningKey(_ context.Context, kid string) (training.SigningKey, bool, error) {
	r.asked++
	key, ok := r.keys[kid]
	if r.during != nil {
		r.during()
	}
	return training.SigningKey{ID: kid, Public: key, NotAfter: r.until}, ok && (r.until.IsZero() || r.now().Before(r.until)), r.failing
}

func (r *region) Account(_ context.Context, user, session int64) (training.Account, error) {
	if r.account == nil || user != learner.UserID || session != learner.SessionID {
		return training.Account{}, training.Errorf(training.NotFound, "no user %d", user)
	}
	return *r.account, nil
}

func (r *region) CompanyLocale(_ context.Context, company int64) (string, error) {
	if company != learner.CompanyID {
		return "", training.Errorf(training.NotFound, "no company %d", company)
	}
	return "en", nil
}

func (r *region) read(_ context.Context, fn func(training.Queries) error) (training.At, error) {
	at := training.At(r.published())
	return at, fn(r)
}

func (r *region) published() cache.At {
	return cache.At{Position: change.Position{Generation: 1, LSN: change.LSN(r.at.Load())}, Incarnation: 1}
}

func (r *region) now() time.Time       { return *r.clock.Load() }
func (r *region) pass(d time.Duration) { t := r.now().Add(d); r.clock.Store(&t) }

// changed applies a change of what tag names.
func (r *region) changed(tag cache.Tag) {
	at := r.at.Load() + 1
	r.cache.Raise([]cache.Tag{tag}, change.LSN(at))
	r.at.Store(at)
}

var (
	learner = training.Principal{
		UserID: 42, CompanyID: 7, SessionID: 1001, Role: training.Manager, Locale: "de", CompanyLocale: "en", Zone: "global",
	}
	good = training.Account{Active: true, Role: training.Manager, CompanyID: 7, Zone: "global", Locale: "de"}
)

func newRegion(t testing.TB) *region {
	t.Helper()
	seed := make([]byte, ed25519.SeedSize)
	r := &region{key: ed25519.NewKeyFromSeed(seed)}
	r.public = r.key.Public().(ed25519.PublicKey)
	clock := time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)
	r.clock.Store(&clock)
	r.at.Store(10)
	account := good
	r.account = &account
	kid := KeyID(r.public)
	r.keys = map[string]ed25519.PublicKey{kid: r.public}
	var err error
	if r.signer, err = NewSigner(kid, r.key, r.now); err != nil {
		t.Fatal(err)
	}
	if r.cache, err = cache.New(cache.Options{MaxBytes: 1 << 20, Published: r.published, Now: r.now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.cache.Close)
	r.cache.Reset(1)
	r.primary = &keyPrimary{ids: map[KeyHash]int64{}}
	keys := KeySource{Identify: r.primary.identify, Wait: r.primary.wait}
	if r.auth, err = NewAuthenticator(Options{Cache: r.cache, Read: r.read, Keys: keys, Now: r.now}); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *region) token(t testing.TB) string {
	t.Helper()
	token, life, err := r.signer.Sign(learner)
	if err != nil || life != Life {
		t.Fatalf("%s, %v", life, err)
	}
	return token
}

// accepts asks for token and wants it accepted, after so many readings of the key in all.
func (r *region) accepts(t *testing.T, token string, want training.Principal, asked int) {
	t.Helper()
	got, err := r.auth.Authenticate(t.Context(), token)
	if err != nil || got != want {
		t.Fatalf("%+v, %v", got, err)
	}
	if r.asked != asked {
		t.Errorf("verified %d times, want %d", r.asked, asked)
	}
}

// rejects wants it refused for a reason.
func (r *region) rejects(t *testing.T, token string, want Reason) {
	t.Helper()
	_, err := r.auth.Authenticate(t.Context(), token)
	rejected(t, err, want)
}

func rejected(t *testing.T, err error, want Reason) {
	t.Helper()
	var rejection *Rejection
	if training.CodeOf(err) != training.Unauthorized || !errors.As(err, &rejection) || rejection.Reason != want {
		t.Errorf("%v, want %s", err, want)
	}
}
