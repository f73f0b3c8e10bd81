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

// verify is all that a client of ours needs to do.
func verify(token string, keys map[string]ed25519.PublicKey) (*jwt.Token, error) {
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
		token, err := verify(learner.token, keys)
		if err != nil {
			t.Fatalf("by the keys of %s: %v", region, err)
		}
		if sub, err := token.Claims.GetSubject(); err != nil || sub != want {
			t.Errorf("the token is %q's, want %s", sub, want)
		}
		if _, err := verify(learner.token[:len(learner.token)-4]+"AAAA", keys); !errors.Is(err, jwt.ErrTokenSignatureInvalid) {
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
	key, made := admin.makeKey(fra, "me:read", "courses:read", "enrollments:write", "enrollments:read")
	machine := admin.with(key)
	// At once, without the position: the edge finds out, and waits for the key by itself.
	var me struct{ Email string }
	machine.get(syd + "/api/v1/me").into(t, &me)
	if me.Email != "manager@example.com" {
		t.Errorf("it acts as %s", me.Email)
	}
	course := machine.courseID(syd, "phishing")
	enrolled, err := machine.try(http.MethodPost, syd+"/api/v1/enrollments", map[string]int64{"course_id": course})
	if err != nil || enrolled.status/100 != 2 {
		t.Fatalf("%d %s, %v", enrolled.status, enrolled.body, err)
	}
	var e enrollment
	enrolled.into(t, &e)
	machine.get(enrollmentURL(syd, e.ID), "Outpost-Position", enrolled.position())
	var actor int64
	err = pgtest.Connect(t, w.url).QueryRow(t.Context(), `SELECT actor_id FROM audit_log WHERE subject = 'enrollments' AND subject_id = $1`, e.ID).Scan(&actor)
	if maker := w.principal(t, "manager@example.com").UserID; err != nil || actor != maker {
		t.Errorf("the log says that %d enrolled, %v", actor, err)
	}
	for _, region := range w.regions {
		machine.must(http.StatusForbidden, http.MethodPut, progressURL(w.api(region), e.ID, 1)+"?x", nil) // malformed, but that comes later
	}
	_ = made
}
