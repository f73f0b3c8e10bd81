package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/server/cache"
	"outpost/server/training"
)

// keyPrimary knows which hash is which key.
type keyPrimary struct {
	mu     sync.Mutex
	ids    map[KeyHash]int64
	away   error
	asked  int
	waited change.Position
	slow   chan struct{} // answers wait for it, when set
	come   func()        // while it is waited for what was asked
}

func (p *keyPrimary) identify(ctx context.Context, hash KeyHash) (int64, change.Position, error) {
	p.mu.Lock()
	p.asked++
	slow := p.slow
	p.mu.Unlock()
	if slow != nil {
		select {
		case <-slow:
		case <-ctx.Done():
			return 0, change.Position{}, ctx.Err()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ids[hash], change.Position{Generation: 1, LSN: 99}, p.away
}

func (p *keyPrimary) wait(_ context.Context, at change.Position) error {
	p.waited = at
	if p.come != nil {
		p.come()
	}
	return nil
}

func (p *keyPrimary) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

const keyID = 5

var machine = training.Principal{
	UserID: 42, CompanyID: 7, Role: training.Admin, Locale: "de", CompanyLocale: "en", Zone: "global", KeyID: keyID, Scopes: "me:read users:read",
}

// withKey gives a key that primary and replica know.
func (r *region) withKey() string {
	key, prefix, hash := NewAPIKey()
	account := good
	account.Role = training.Admin
	r.apiKey = &training.KeyAccount{Account: account, UserID: 42, Prefix: prefix, Scopes: machine.Scopes}
	r.primary.ids[hash] = keyID
	return key
}

func (r *region) KeyAccount(_ context.Context, id int64) (training.KeyAccount, error) {
	r.asked++
	if r.apiKey == nil || id != keyID {
		return training.KeyAccount{}, training.Errorf(training.NotFound, "no key %d", id)
	}
	return *r.apiKey, r.failing
}

// introduced brings a key in, and wants it accepted from then on.
func (r *region) introduced(t *testing.T, key string) {
	t.Helper()
	r.rejectsKey(t, key, Unasked)
	got, err := r.auth.Introduce(t.Context(), key)
	if err != nil || got != machine {
		t.Fatalf("%+v, %v", got, err)
	}
	if got, err := r.auth.Authenticate(t.Context(), key); err != nil || got != machine {
		t.Fatalf("%+v, %v", got, err)
	}
}

func (r *region) rejectsKey(t *testing.T, key string, want Reason) {
	t.Helper()
	_, err := r.auth.Authenticate(t.Context(), key)
	rejected(t, err, want)
}

func TestAPIKeysAreRandomAndKnownByTheirHash(t *testing.T) {
	key, prefix, hash := NewAPIKey()
	other, _, _ := NewAPIKey()
	if len(key) != 47 || !IsAPIKey(key) || !isKey(key) || key == other || prefix != key[:12] || strings.Contains(string(hash[:]), prefix) {
		t.Errorf("%s, %s, %x", key, prefix, hash)
	}
	for _, wrong := range []string{"", "opk_", key[:46], key + "A", key[:46] + "=", key[:46] + "\xff", "opx_" + key[4:], strings.Repeat("x", 1<<20)} {
		if isKey(wrong) {
			t.Errorf("%.50q is taken for a key", wrong)
		}
	}
}

func TestThePrimaryIsAskedOnceWhoAKeyIs(t *testing.T) {
	r := newRegion(t)
	key := r.withKey()
	r.introduced(t, key)
	for _, tag := range []cache.Tag{cache.Row("users", 42), cache.Row("companies", 7), cache.Row("api_keys", keyID)} {
		r.changed(tag)
		if got, err := r.auth.Authenticate(t.Context(), key); err != nil || got != machine {
			t.Errorf("after a change: %+v, %v", got, err)
		}
	}
	r.primary.away = errors.New("away") // what is known goes on
	r.cache.PurgeNamespace(KeyNamespace)
	if _, err := r.auth.Authenticate(t.Context(), key); err != nil {
		t.Error(err)
	}
	if n := r.primary.count(); n != 1 {
		t.Errorf("the primary was asked %d times", n)
	}
}

func TestAKeyEndsWithWhatItDependsOn(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*region)
		tag    cache.Tag
		want   Reason
	}{
		"revoked":             {func(r *region) { r.apiKey.Revoked = true }, cache.Row("api_keys", keyID), Revoked},
		"maker deactivated":   {func(r *region) { r.apiKey.Active = false }, cache.Row("users", 42), Inactive},
		"company deactivated": {func(r *region) { r.apiKey.Active = false }, cache.Row("companies", 7), Inactive},
		"gone with its maker": {func(r *region) { r.apiKey = nil }, cache.Row("api_keys", keyID), UnarrivedKey},
		"another key's number": {
			func(r *region) { r.apiKey.Prefix = "opk_other..." }, cache.Row("api_keys", keyID), UnarrivedKey,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegion(t)
			key := r.withKey()
			r.introduced(t, key)
			test.change(r)
			r.changed(test.tag)
			r.rejectsKey(t, key, test.want)
		})
	}
}

func TestAKeyMayDoWhatItsMakerMayNow(t *testing.T) {
	r := newRegion(t)
	key := r.withKey()
	r.introduced(t, key)
	r.apiKey.Role = training.Learner
	r.changed(cache.Row("users", 42))
	if got, err := r.auth.Authenticate(t.Context(), key); err != nil || got.Role != training.Learner {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAKeyExpiresWithoutGrace(t *testing.T) {
	r := newRegion(t)
	key := r.withKey()
	r.apiKey.ExpiresAt = r.now().Add(time.Hour)
	r.introduced(t, key)
	r.pass(time.Hour - 1)
	if _, err := r.auth.Authenticate(t.Context(), key); err != nil {
		t.Error(err)
	}
	r.pass(1)
	r.rejectsKey(t, key, Expired)
	_, err := r.auth.AuthenticateLate(t.Context(), key, MaxGrace)
	rejected(t, err, Expired)
}

func TestAStrangersKeyIsRefusedAndNotAskedAboutAgain(t *testing.T) {
	r := newRegion(t)
	key, _, hash := NewAPIKey()
	for range 3 {
		_, err := r.auth.Introduce(t.Context(), key)
		rejected(t, err, UnknownAPIKey)
		r.rejectsKey(t, key, UnknownAPIKey)
	}
	if n := r.primary.count(); n != 1 {
		t.Errorf("the primary was asked %d times", n)
	}
	r.pass(refusal)
	r.rejectsKey(t, key, Unasked)
	r.withKey()
	r.primary.ids[hash] = keyID
	r.apiKey.Prefix = key[:prefixLength]
	if got, err := r.auth.Introduce(t.Context(), key); err != nil || got != machine {
		t.Errorf("made since: %+v, %v", got, err)
	}
	for i := range maxKeys + 10 { // guesses push no key out
		r.auth.keys.strangers.Add(KeyHash{byte(i), byte(i >> 8)}, r.now().Add(refusal))
	}
	if _, err := r.auth.Authenticate(t.Context(), key); err != nil || r.auth.keys.strangers.Len() != maxKeys {
		t.Errorf("%v, %d strangers", err, r.auth.keys.strangers.Len())
	}
}

func TestAKeyIsWaitedForUntilItHasArrived(t *testing.T) {
	r := newRegion(t)
	key := r.withKey()
	account := r.apiKey
	r.apiKey = nil
	r.primary.come = func() { r.apiKey = account }
	if got, err := r.auth.Introduce(t.Context(), key); err != nil || got != machine || r.primary.waited.LSN != 99 {
		t.Errorf("%+v, %v, waited for %s", got, err, r.primary.waited)
	}

	r = newRegion(t)
	key = r.withKey()
	r.apiKey = nil // and does not come: the primary may decide
	_, err := r.auth.Introduce(t.Context(), key)
	rejected(t, err, UnarrivedKey)
}

func TestNotKnowingIsNoRefusal(t *testing.T) {
	unavailable := func(t *testing.T, r *region, key string) {
		t.Helper()
		_, err := r.auth.Introduce(t.Context(), key)
		var rejection *Rejection
		if training.CodeOf(err) != training.Unavailable || !errors.As(err, &rejection) || rejection.Reason != Unasked {
			t.Errorf("%v", err)
		}
	}
	r := newRegion(t)
	key := r.withKey()
	r.primary.away = &training.Error{Code: training.Unavailable, Message: "Away."}
	unavailable(t, r, key)
	r.primary.away = nil
	r.introduced(t, key)

	r = newRegion(t)
	for range asksAtOnce {
		guess, _, _ := NewAPIKey()
		_, err := r.auth.Introduce(t.Context(), guess)
		rejected(t, err, UnknownAPIKey)
	}
	guess, _, _ := NewAPIKey()
	unavailable(t, r, guess) // all strangers together ask no faster
	r.pass(time.Second)
	_, err := r.auth.Introduce(t.Context(), guess)
	rejected(t, err, UnknownAPIKey)

	r = newRegion(t)
	key = r.withKey()
	r.primary.away = fmt.Errorf("broken")
	if _, err := r.auth.Introduce(t.Context(), key); err == nil || training.CodeOf(err) != "" {
		t.Errorf("%v", err)
	}
}

func TestThoseWhoComeWithOneNewKeyAskTogether(t *testing.T) {
	r := newRegion(t)
	key := r.withKey()
	r.primary.slow = make(chan struct{})
	var group sync.WaitGroup
	started := make(chan struct{}, 8)
	for range cap(started) {
		group.Go(func() {
			started <- struct{}{}
			if got, err := r.auth.Introduce(t.Context(), key); err != nil || got != machine {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	for range cap(started) {
		<-started
	}
	close(r.primary.slow)
	group.Wait()
	if n := r.primary.count(); n != 1 {
		t.Errorf("the primary was asked %d times", n)
	}
}

func TestAMalformedKeyIsRefusedByItself(t *testing.T) {
	r := newRegion(t)
	for _, key := range []string{"opk_", "opk_short", "opk_" + strings.Repeat("ü", 30), "opk_" + strings.Repeat("x", 1<<16)} {
		r.rejectsKey(t, key, Malformed)
		_, err := r.auth.Introduce(t.Context(), key)
		rejected(t, err, Malformed)
	}
	_, err := r.auth.Introduce(t.Context(), r.token(t)) // a token is no key
	rejected(t, err, Malformed)
	if n := r.primary.count(); n != 0 {
		t.Errorf("the primary was asked %d times", n)
	}
}

func TestRememberedKeyAllocatesNothing(t *testing.T) {
	r := newRegion(t)
	key := r.withKey()
	r.introduced(t, key)
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := r.auth.Authenticate(ctx, key); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
