package primary_test

import (
	"crypto/sha256"
	"sync"
	"testing"
	"time"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/auth"
	"outpost/server/training"
)

func newKey() training.NewAPIKey {
	return training.NewAPIKey{Name: "HR", Scopes: []string{"me:read", "users:read"}}
}

func TestAnAPIKeyIsShownOnceAndKeptAsAHash(t *testing.T) {
	p, url := open(t)
	expires := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	in := newKey()
	in.ExpiresAt = &expires
	keyed := training.WithCaller(t.Context(), training.Caller{IP: "192.0.2.1", IdempotencyKey: "k"})
	k, secret, lsn, err := p.CreateAPIKey(keyed, learner, in)
	if err != nil || lsn == 0 || !auth.IsAPIKey(secret) || k.Prefix != secret[:12] || k.UserID != 1 || k.CompanyID != 1 ||
		!k.ExpiresAt.Equal(expires) || len(k.Scopes) != 2 || k.Version != 1 {
		t.Fatalf("%+v, %s, %v", k, secret, err)
	}
	again, repeated, _, err := p.CreateAPIKey(keyed, learner, in)
	if err != nil || again.ID != k.ID || repeated != "" || again.Prefix != k.Prefix || !again.ExpiresAt.Equal(expires) || !again.CreatedAt.Equal(k.CreatedAt) {
		t.Errorf("repeated: %+v, %q, %v", again, repeated, err)
	}
	id, at, err := p.IdentifyAPIKey(t.Context(), sha256.Sum256([]byte(secret)))
	if err != nil || id != k.ID || at < lsn {
		t.Errorf("%d at %s, %v", id, at, err)
	}
	if id, at, err := p.IdentifyAPIKey(t.Context(), auth.KeyHash{}); err != nil || id != 0 || at == 0 {
		t.Errorf("none: %d at %s, %v", id, at, err)
	}
	for table, column := range map[string]string{"idempotency_keys": "outcome", "audit_log": "details", "api_keys": "prefix"} {
		if n := value[int64](t, url, `SELECT count(*) FROM `+table+` WHERE `+column+`::text LIKE '%' || $1 || '%'`, secret[12:]); n != 0 {
			t.Errorf("%s holds the key", table)
		}
	}
	if n := value[int64](t, url, `SELECT count(*) FROM audit_log WHERE subject = 'api_keys' AND action = 'createAPIKey' AND actor_id = 1 AND ip = '192.0.2.1'`); n != 1 {
		t.Errorf("it stands %d times in the log", n)
	}
}

func TestARequestMadeTwiceAtOnceMakesOneKeyAndShowsItOnce(t *testing.T) {
	p, url := open(t)
	keyed := training.WithCaller(t.Context(), training.Caller{IdempotencyKey: "k"})
	var group sync.WaitGroup
	secrets := make(chan string, 8)
	for range cap(secrets) {
		group.Go(func() {
			k, secret, _, err := p.CreateAPIKey(keyed, learner, newKey())
			if err != nil {
				t.Error(err)
			}
			if secret != "" && secret[:12] != k.Prefix {
				t.Error("the key is another one's")
			}
			secrets <- secret
		})
	}
	group.Wait()
	close(secrets)
	shown := 0
	for s := range secrets {
		if s != "" {
			shown++
		}
	}
	if n := value[int64](t, url, `SELECT count(*) FROM api_keys`); n != 1 || shown != 1 {
		t.Errorf("%d keys, shown %d times", n, shown)
	}
}

func TestOnlyTheCompanyRevokesAKey(t *testing.T) {
	p, url := open(t)
	k, secret, _, err := p.CreateAPIKey(t.Context(), learner, newKey())
	if err != nil {
		t.Fatal(err)
	}
	foreign := training.Principal{UserID: 4, CompanyID: 2, Role: training.Learner}
	for _, id := range []int64{k.ID, k.ID + 1} {
		if _, err := p.RevokeAPIKey(t.Context(), foreign, id); training.CodeOf(err) != training.NotFound {
			t.Errorf("key %d: %v", id, err)
		}
	}
	for range 2 {
		if lsn, err := p.RevokeAPIKey(t.Context(), learner, k.ID); err != nil || lsn == 0 {
			t.Error(err)
		}
	}
	if v := value[int64](t, url, `SELECT version FROM api_keys WHERE revoked_at IS NOT NULL`); v != 2 {
		t.Errorf("revoking twice wrote twice: version %d", v)
	}
	if id, _, err := p.IdentifyAPIKey(t.Context(), sha256.Sum256([]byte(secret))); err != nil || id != k.ID {
		t.Errorf("%d, %v", id, err) // who it was is known, and that it is revoked is in its row
	}
}

func TestACompanyHasABoundedNumberOfKeys(t *testing.T) {
	p, url := open(t)
	pgtest.Exec(t, url, `INSERT INTO api_keys (company_id, data_zone, user_id, name, prefix, revoked_at, expires_at)
		SELECT 1, 'eu', 1, 'k', 'p', CASE WHEN i > 105 THEN now() END, CASE WHEN i BETWEEN 101 AND 105 THEN now() END FROM generate_series(2, 120) i`)
	if _, _, _, err := p.CreateAPIKey(t.Context(), learner, newKey()); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := p.CreateAPIKey(t.Context(), learner, newKey()); training.CodeOf(err) != training.Conflict {
		t.Errorf("one too many: %v", err)
	}
	if _, _, _, err := p.CreateAPIKey(t.Context(), training.Principal{UserID: 4, CompanyID: 2, Role: training.Learner}, newKey()); err != nil {
		t.Errorf("another company: %v", err)
	}
	demoted := learner
	demoted.Role = training.Admin
	if _, _, _, err := p.CreateAPIKey(t.Context(), demoted, newKey()); training.CodeOf(err) != training.Unauthorized {
		t.Errorf("who is no admin any more: %v", err)
	}
}
