package e2e

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5" // as any client of ours would verify a token

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/auth"
)

// TestKeys goes through an edge with all that speaks for somebody: tokens, the keys that sign them,
// and API keys.
func TestKeys(t *testing.T) {
	w := newWorld(t, []string{"fra", "syd"})
	w.startInside(nil)
	t.Run("a token is verified by the published keys", func(t *testing.T) { tokensAreVerifiable(t, w) })
	t.Run("an API key", func(t *testing.T) { apiKeysWorkEverywhere(t, w) })
	t.Run("a logout", func(t *testing.T) { logoutsArrive(t, w) })
	t.Run("a login after a revocation", func(t *testing.T) { loginsFollowRevocations(t, w) })
	t.Run("an API key ends with its maker", func(t *testing.T) { keysEndWithTheirMaker(t, w) })
	t.Run("a rotation refuses nobody", func(t *testing.T) { rotationRefusesNobody(t, w) })
}

// as is a client of one subtest.
func (w *world) as(t *testing.T, region, email string) *client {
	t.Helper()
	c := *w.login(region, email)
	c.t = t
	return &c
}

// jwks fetches the published keys as a client of ours would.
func (c *client) jwks(api string) (map[string]ed25519.PublicKey, error) {
	a, err := c.try(http.MethodGet, api+"/.well-known/jwks.json", nil)
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys []struct{ Kty, Crv, X, Kid, Use, Alg string }
	}
	if err := json.Unmarshal(a.body, &set); err != nil || a.status != http.StatusOK {
		return nil, fmt.Errorf("%d %s", a.status, a.body)
	}
	keys := make(map[string]ed25519.PublicKey)
	for _, k := range set.Keys {
		x, err := base64.RawURLEncoding.DecodeString(k.X)
		if err != nil || len(x) != ed25519.PublicKeySize || k.Kty != "OKP" || k.Crv != "Ed25519" || k.Use != "sig" || k.Alg != "EdDSA" {
			return nil, fmt.Errorf("no key that can be used: %+v", k)
		}
		keys[k.Kid] = x
	}
	return keys, nil
}

// verified is all that a client of ours needs to do.
func verified(token string, keys map[string]ed25519.PublicKey) (*jwt.Token, error) {
	return jwt.Parse(token, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		key, ok := keys[kid]
		if !ok {
			return nil, fmt.Errorf("key %q is not published", kid)
		}
		return key, nil
	}, jwt.WithValidMethods([]string{"EdDSA"}), jwt.WithIssuer("outpost"), jwt.WithExpirationRequired())
}

func tokensAreVerifiable(t *testing.T, w *world) {
	learner := w.as(t, "syd", "user1@example.com")
	nobody := &client{t: t, http: learner.http}
	want := fmt.Sprint(w.principal(t, "user1@example.com").UserID)
	for _, region := range w.regions {
		keys, err := nobody.jwks(w.api(region))
		if err != nil {
			t.Fatal(err)
		}
		token, err := verified(learner.token, keys)
		if err != nil {
			t.Fatalf("by the keys of %s: %v", region, err)
		}
		if sub, err := token.Claims.GetSubject(); err != nil || sub != want {
			t.Errorf("the token is %q's, want %s", sub, want)
		}
		if _, err := verified(learner.token[:len(learner.token)-4]+"AAAA", keys); !errors.Is(err, jwt.ErrTokenSignatureInvalid) {
			t.Errorf("a forged one: %v", err)
		}
	}
}

// apiKey is what the tests look at.
type apiKey struct {
	ID  int64
	Key string
}

// makeKey makes a key at a region.
func (c *client) makeKey(api string, scopes ...string) (apiKey, answer) {
	c.t.Helper()
	a := c.must(http.StatusCreated, http.MethodPost, api+"/api/v1/api-keys", map[string]any{"name": "machine", "scopes": scopes})
	var k apiKey
	a.into(c.t, &k)
	return k, a
}

func (c *client) with(key apiKey) *client { return &client{t: c.t, http: c.http, token: key.Key} }

func apiKeysWorkEverywhere(t *testing.T, w *world) {
	fra, syd := w.api("fra"), w.api("syd")
	admin := w.as(t, "fra", "manager@example.com")
	key, _ := admin.makeKey(fra, "me:read", "courses:read", "enrollments:write", "enrollments:read")
	machine := admin.with(key)
	// At once, without the position: the edge finds out, and waits for the key by itself.
	var me struct{ Email string }
	if first := machine.get(syd + "/api/v1/me"); first.header.Get("Cache-Status") == "outpost; fwd=bypass" {
		t.Error("the edge let the primary answer")
	} else if first.into(t, &me); me.Email != "manager@example.com" {
		t.Errorf("it acts as %s", me.Email)
	}
	enrolled, err := machine.try(http.MethodPost, syd+"/api/v1/enrollments", map[string]int64{"course_id": machine.courseID(syd, "phishing")})
	if err != nil || enrolled.status/100 != 2 {
		t.Fatalf("%d %s, %v", enrolled.status, enrolled.body, err)
	}
	var e enrollment
	enrolled.into(t, &e)
	machine.get(enrollmentURL(syd, e.ID), "Outpost-Position", enrolled.position())
	if enrolled.status == http.StatusCreated {
		var actor int64
		query := `SELECT actor_id FROM audit_log WHERE subject = 'enrollments' AND subject_id = $1`
		if err := pgtest.Connect(t, w.url).QueryRow(t.Context(), query, e.ID).Scan(&actor); err != nil || actor != w.principal(t, "manager@example.com").UserID {
			t.Errorf("the log says that %d enrolled, %v", actor, err)
		}
	}

	narrow, _ := admin.makeKey(syd, "me:read") // through the edge
	other := admin.with(narrow)
	for _, region := range w.regions {
		other.get(w.api(region) + "/api/v1/me")
		for method, path := range map[string]string{http.MethodPost: "/api/v1/enrollments", http.MethodGet: "/api/v1/courses", http.MethodDelete: fmt.Sprintf("/api/v1/api-keys/%d", key.ID)} {
			other.must(http.StatusForbidden, method, w.api(region)+path, map[string]int{"course_id": 1}).problem(t)
		}
	}

	repeat := func() (k apiKey) {
		admin.must(http.StatusCreated, http.MethodPost, syd+"/api/v1/api-keys", map[string]any{"name": "r", "scopes": []string{"me:read"}}, "Idempotency-Key", "keys-1").into(t, &k)
		return k
	}
	if first, second := repeat(), repeat(); first.ID != second.ID || !auth.IsAPIKey(first.Key) || second.Key != "" {
		t.Errorf("%+v, and repeated %+v", first, second)
	}

	revoked := admin.must(http.StatusNoContent, http.MethodDelete, fmt.Sprintf("%s/api/v1/api-keys/%d", fra, key.ID), nil)
	for _, region := range []string{"syd", "fra"} {
		p := machine.must(http.StatusUnauthorized, http.MethodGet, w.api(region)+"/api/v1/me", nil, "Outpost-Position", revoked.position()).problem(t)
		if !strings.Contains(p.Detail, "revoked") {
			t.Errorf("%s: %s", region, p.Detail)
		}
	}
	machine.must(http.StatusUnauthorized, http.MethodPost, syd+"/api/v1/enrollments", map[string]int{"course_id": 2})
	list := admin.get(syd+"/api/v1/api-keys?sort=-created_at&size=100", "Outpost-Position", revoked.position())
	var page struct {
		Items []struct {
			ID        int64
			RevokedAt *time.Time `json:"revoked_at"`
		}
	}
	list.into(t, &page)
	if len(page.Items) < 3 || page.Items[2].ID != key.ID || page.Items[2].RevokedAt == nil || strings.Contains(string(list.body), key.Key[12:]) {
		t.Errorf("%s", list.body)
	}
}

func logoutsArrive(t *testing.T, w *world) {
	for i := range 20 {
		learner := w.as(t, "syd", "user2@example.com")
		learner.get(w.api("syd") + "/api/v1/me")
		out := learner.must(http.StatusNoContent, http.MethodPost, w.api("fra")+"/api/v1/auth/logout", nil)
		a, err := learner.try(http.MethodGet, w.api("syd")+"/api/v1/me", nil, "Outpost-Position", out.position())
		if err != nil || a.status != http.StatusUnauthorized {
			t.Fatalf("logout %d, at its position: %d %s, %v", i, a.status, a.body, err)
		}
	}
}

// loginsFollowRevocations logs in right after all of the user's tokens were revoked, as one does who
// has just changed a password: a token's time of issue is in whole seconds, and must not matter.
func loginsFollowRevocations(t *testing.T, w *world) {
	for range 5 {
		before := w.as(t, "fra", "user4@example.com")
		pgtest.Exec(t, w.url, `INSERT INTO token_revocations (company_id, data_zone, user_id) SELECT company_id, data_zone, id FROM users WHERE email = 'user4@example.com'`)
		after := w.as(t, "syd", "user4@example.com")
		for _, region := range w.regions {
			after.get(w.api(region) + "/api/v1/me")
			eventually(t, "the older token is refused in "+region, func() error {
				a, err := before.try(http.MethodGet, w.api(region)+"/api/v1/me", nil)
				if err == nil && a.status != http.StatusUnauthorized {
					err = fmt.Errorf("%d", a.status)
				}
				return err
			})
			after.get(w.api(region) + "/api/v1/me")
		}
	}
}

func keysEndWithTheirMaker(t *testing.T, w *world) {
	admin := w.as(t, "fra", "manager@example.com")
	key, _ := admin.makeKey(w.api("fra"), "me:read")
	machine := admin.with(key)
	set := func(active bool) { // as others do it
		pgtest.Exec(t, w.url, fmt.Sprintf(`UPDATE users SET is_active = %v WHERE email = 'manager@example.com'`, active))
	}
	for _, region := range w.regions {
		machine.get(w.api(region) + "/api/v1/me")
	}
	for _, active := range []bool{false, true} {
		set(active)
		want := map[bool]int{false: http.StatusUnauthorized, true: http.StatusOK}[active]
		for _, region := range w.regions {
			eventually(t, fmt.Sprintf("the key's maker being active is %v in %s", active, region), func() error {
				a, err := machine.try(http.MethodGet, w.api(region)+"/api/v1/me", nil)
				if err == nil && a.status != want {
					err = fmt.Errorf("%d %s", a.status, a.body)
				}
				return err
			})
		}
	}
}

// session is somebody who takes new tokens all the time.
type session struct {
	*client
	refresh string
}

func (s *session) next(api string) error {
	a, err := s.try(http.MethodPost, api+"/api/v1/auth/refresh", map[string]string{"refresh_token": s.refresh})
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return fmt.Errorf("refreshing: %d %s", a.status, a.body)
	}
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal(a.body, &tokens); err != nil {
		return err
	}
	s.token, s.refresh = tokens.Access, tokens.Refresh
	return nil
}

// rotationRefusesNobody brings in a new key while people take tokens and use them at the edge, each
// new one and the very first. Before a token of theirs is signed by a key, the edge has published it.
func rotationRefusesNobody(t *testing.T, w *world) {
	syd := w.api("syd")
	watcher := w.as(t, "syd", "user3@example.com")
	before, err := watcher.jwks(syd)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var people sync.WaitGroup
	defer people.Wait()
	defer stop()
	var requests, byNew atomic.Int64
	for i := range 4 {
		s := &session{client: w.as(t, "syd", fmt.Sprintf("user%d@example.com", 10+i))}
		first := *s.client
		var tokens struct {
			Refresh string `json:"refresh_token"`
		}
		s.must(http.StatusOK, http.MethodPost, syd+"/api/v1/auth/login", map[string]string{"email": fmt.Sprintf("user%d@example.com", 10+i), "password": password}).into(t, &tokens)
		s.refresh = tokens.Refresh
		people.Go(func() {
			for ctx.Err() == nil {
				if err := s.next(syd); err != nil {
					t.Error(err)
					return
				}
				keys, err := s.jwks(syd)
				if err != nil {
					t.Error(err)
					return
				}
				token, err := verified(s.token, keys)
				if err != nil {
					t.Errorf("a token that nobody outside can verify: %v", err)
					return
				}
				if kid, _ := token.Header["kid"].(string); before[kid] == nil {
					byNew.Add(1)
				}
				for _, c := range []*client{s.client, &first} {
					a, err := c.try(http.MethodGet, syd+"/api/v1/me", nil)
					if requests.Add(1); err != nil || a.status != http.StatusOK {
						t.Errorf("refused: %d %s, %v", a.status, a.body, err)
						return
					}
				}
			}
		})
	}
	if said := w.command(t, "keys", "rotate", "--lead", "4s"); !strings.Contains(said, "was made") {
		t.Errorf("outpost keys rotate: %s", said)
	}
	if said := w.command(t, "keys", "rotate"); !strings.Contains(said, "on its way already") {
		t.Errorf("outpost keys rotate, again: %s", said)
	}
	eventually(t, "the new key signs", func() error {
		if t.Failed() || byNew.Load() < 100 {
			return fmt.Errorf("%d tokens are signed by it", byNew.Load())
		}
		return nil
	})
	stop()
	people.Wait()
	t.Logf("%d requests, %d tokens of the new key", requests.Load(), byNew.Load())
	eventually(t, "the old key only verifies", func() error { // both sign for a moment, as clocks may differ
		if listed := w.command(t, "keys"); strings.Count(listed, " signing ") != 1 || strings.Count(listed, " verifying ") != 1 {
			return fmt.Errorf("outpost keys:\n%s", listed)
		}
		return nil
	})
	watcher.get(syd + "/api/v1/me") // signed by the old one
	after, err := watcher.jwks(syd)
	if err != nil || len(after) != len(before)+1 {
		t.Errorf("%d keys are published, %v", len(after), err)
	}
	conn := pgtest.Connect(t, w.url)
	eventually(t, "the old key's private part is gone", func() error {
		var n int
		if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM signing_key_secrets`).Scan(&n); err != nil {
			return err
		}
		if n != 1 {
			return fmt.Errorf("%d private parts", n)
		}
		return nil
	})
}
