package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"outpost/server/api/openapi"
	"outpost/server/auth"
	"outpost/server/cache"
	"outpost/server/forward"
	"outpost/server/training"
)

// withAdmin adds user 3, an admin of company 3.
func withAdmin(n *node) *node {
	n.world.change(func() {
		u := n.world.users[1]
		u.ID, u.Email, u.Role, u.Locale = 3, "user3@example.com", training.Admin, "en"
		n.world.users[3] = u
	}, cache.Row("users", 3))
	return n
}

// makeKey makes a key in the name of user.
func (n *node) makeKey(user int64, scopes ...string) (key string, header http.Header) {
	n.t.Helper()
	body, err := json.Marshal(map[string]any{"name": "k", "scopes": scopes})
	if err != nil {
		n.t.Fatal(err)
	}
	a := n.do("POST", "/api/v1/api-keys", n.as(user), string(body))
	var made struct{ Key string }
	if err := json.Unmarshal([]byte(a.body), &made); err != nil || a.StatusCode != 201 || !auth.IsAPIKey(made.Key) {
		n.t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	return made.Key, http.Header{"Authorization": {"Bearer " + made.Key}}
}

func TestAPIKeyScenarios(t *testing.T) {
	n := withAdmin(newNode(t, nil))
	const path = "/api/v1/api-keys"
	body := `{"name":" HR ","scopes":["users:read","me:read","users:read"],"expires_at":"2100-01-01T01:00:00+01:00"}`
	for _, s := range []scenario{
		{name: "none yet", as: 3, method: "GET", target: path, status: 200, want: []string{`"items":[]`, `"total":0`}},
		{name: "make", as: 3, method: "POST", target: path, body: body, status: 201, want: []string{`"id":1`, `"name":"HR"`, `"scopes":["me:read","users:read"]`, `"expires_at":"2100-01-01T00:00:00Z"`, `"key":"opk_`}},
		{name: "make again under its key", as: 3, method: "POST", target: path, body: body, header: map[string]string{"Idempotency-Key": "again"}, status: 201, want: []string{`"id":1`, `"key":null`}, wantNot: []string{`"key":"opk_`}},
		{name: "list", as: 3, method: "GET", target: path, status: 200, want: []string{`"prefix":"opk_`, `"total":1`, `"revoked_at":null`}, wantNot: []string{`"key"`}},
		{name: "some fields", as: 3, method: "GET", target: path + "?fields=name", status: 200, want: []string{`[{"name":"HR"}]`}},
		{name: "an unknown order", as: 3, method: "GET", target: path + "?sort=prefix", status: 422, want: []string{`"field":"sort"`}},
		{name: "an unknown field", as: 3, method: "GET", target: path + "?fields=key", status: 422, want: []string{`"field":"fields"`}},
		{name: "a learner lists", as: 1, method: "GET", target: path, status: 403},
		{name: "a learner makes", as: 1, method: "POST", target: path, body: body, status: 403},
		{name: "a learner revokes", as: 1, method: "DELETE", target: path + "/1", status: 403},
		{name: "nobody lists", method: "GET", target: path, status: 401},
		{name: "all that is wrong", as: 3, method: "POST", target: path, body: `{"name":"","scopes":["everything"],"expires_at":"2020-01-01T00:00:00Z"}`, status: 422, want: []string{`"field":"name"`, `"field":"scopes"`, `"field":"expires_at"`}},
		{name: "a time that is none", as: 3, method: "POST", target: path, body: `{"name":"a","scopes":["me:read"],"expires_at":"tomorrow"}`, status: 422, want: []string{`"field":"expires_at"`}},
		{name: "nothing said", as: 3, method: "POST", target: path, body: `{}`, status: 422, want: []string{`"field":"name"`, `"field":"scopes"`}},
		{name: "revoke what is not", as: 3, method: "DELETE", target: path + "/77", status: 404},
		{name: "revoke what cannot be", as: 3, method: "DELETE", target: path + "/opk_abc", status: 404},
		{name: "revoke", as: 3, method: "DELETE", target: path + "/1", status: 204},
		{name: "revoke again", as: 3, method: "DELETE", target: path + "/1", status: 204},
		{name: "list what is revoked", as: 3, method: "GET", target: path, status: 200, want: []string{`"revoked_at":"2026`}},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, n) })
	}
}

func TestAKeyDoesWhatItsScopesAndItsMakerAllow(t *testing.T) {
	n := withAdmin(newNode(t, nil))
	_, reader := n.makeKey(3, "me:read")
	_, writer := n.makeKey(3, "enrollments:write", "courses:read")
	for _, test := range []struct {
		name   string
		header http.Header
		method string
		target string
		body   string
		status int
		want   string
	}{
		{"its maker", reader, "GET", "/api/v1/me", "", 200, `"email":"user3@example.com"`},
		{"what it has no scope for", reader, "GET", "/api/v1/courses", "", 403, "lacks the scope courses:read"},
		{"a write that it has no scope for", reader, "POST", "/api/v1/enrollments", json1, 403, "enrollments:write"},
		{"a write", writer, "POST", "/api/v1/enrollments", json1, 201, `"user_id":3`},
		{"a read", writer, "GET", "/api/v1/courses", "", 200, "phishing"},
		{"keys", writer, "GET", "/api/v1/api-keys", "", 403, "No API key may do this"},
		{"another key", writer, "POST", "/api/v1/api-keys", `{"name":"a","scopes":["me:read"]}`, 403, "No API key may do this"},
		{"revoking", writer, "DELETE", "/api/v1/api-keys/1", "", 403, "No API key may do this"},
		{"logging out", writer, "POST", "/api/v1/auth/logout", "", 403, "No API key may do this"},
		{"what is open to all", writer, "GET", "/api/v1/status", "", 200, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := n.do(test.method, test.target, test.header, test.body)
			if a.StatusCode != test.status || !strings.Contains(a.body, test.want) {
				t.Errorf("%d %s", a.StatusCode, a.body)
			}
		})
	}
	n.world.change(func() {
		u := n.world.users[3]
		u.IsActive = false
		n.world.users[3] = u
	}, cache.Row("users", 3))
	if a := n.do("GET", "/api/v1/me", reader, ""); a.StatusCode != 401 || !strings.Contains(a.body, "The account that made the API key is not active.") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

// A platform admin's key is no platform admin where a route is open: it has no scope there.
func TestAKeyIsNobodyWhereEverybodyMay(t *testing.T) {
	n := newNode(t, nil)
	_, header := n.makeKey(9, "me:read")
	if a := n.do("GET", "/api/v1/status", n.as(9), ""); !strings.Contains(a.body, `"detailed":true`) {
		t.Errorf("in person: %s", a.body)
	}
	if a := n.do("GET", "/api/v1/status", header, ""); !strings.Contains(a.body, `"detailed":false`) {
		t.Errorf("by key: %s", a.body)
	}
	asked := n.writer.asked
	guess, _, _ := auth.NewAPIKey()
	n.do("GET", "/livez", http.Header{"Authorization": {"Bearer " + guess}}, "")
	if n.writer.asked != asked {
		t.Error("a stranger's key was looked up where none is needed")
	}
}

func TestAnEdgeAsksThePrimaryOnceWhoAKeyIs(t *testing.T) {
	primary := withAdmin(newNode(t, func(d *Deps, _ *node) { d.Limits.Rate = Rate{Count: 30, Per: time.Minute} }))
	away := false
	edge := withAdmin(newEdge(t, primary.listen(), func(d *Deps, _ *node) {
		d.Limits.Rate = Rate{Count: 30, Per: time.Minute}
		d.Forward = whileThere{d.Forward, &away}
	}))
	key, header := primary.makeKey(3, "me:read", "enrollments:write")
	read := func() answered { return edge.do("GET", "/api/v1/me", header, "") }
	if a := read(); a.StatusCode != 200 || a.Header.Get("Cache-Status") != "outpost; fwd=bypass" {
		t.Errorf("before it has arrived, the primary decides: %d %v %s", a.StatusCode, a.Header, a.body)
	}
	edge.world.change(func() { edge.world.apiKeys[1] = primary.world.apiKeys[1] }, cache.Row("api_keys", 1))
	asked := primary.writer.asked
	for range 3 {
		if a := read(); a.StatusCode != 200 || !strings.Contains(a.body, "user3@") || a.Header.Get("Outpost-Region") != "syd" {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
	}
	if a := edge.do("POST", "/api/v1/enrollments", header, json1); a.StatusCode != 201 || !strings.Contains(a.body, `"user_id":3`) {
		t.Errorf("a write: %d %s", a.StatusCode, a.body)
	}
	if primary.writer.asked != asked {
		t.Errorf("the primary was asked %d times more", primary.writer.asked-asked)
	}

	away = true
	if a := read(); a.StatusCode != 200 {
		t.Errorf("a known key, with the primary away: %d %s", a.StatusCode, a.body)
	}
	guess, _, _ := auth.NewAPIKey()
	stranger := http.Header{"Authorization": {"Bearer " + guess}}
	if a := edge.do("GET", "/api/v1/me", stranger, ""); a.StatusCode != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("an unknown key, with the primary away: %d %s", a.StatusCode, a.body)
	}
	away = false
	before := primary.writer.asked
	for range 3 {
		if a := edge.do("GET", "/api/v1/me", stranger, ""); a.StatusCode != 401 {
			t.Errorf("an unknown key: %d %s", a.StatusCode, a.body)
		}
	}
	if primary.writer.asked != before+1 {
		t.Errorf("one stranger's key was asked about %d times", primary.writer.asked-before)
	}
	edge.world.change(func() {
		k := edge.world.apiKeys[1]
		k.RevokedAt = &day
		edge.world.apiKeys[1] = k
	}, cache.Row("api_keys", 1))
	if a := read(); a.StatusCode != 401 || !strings.Contains(a.body, "has been revoked") {
		t.Errorf("a revoked key: %d %s", a.StatusCode, a.body)
	}
	for _, logs := range []string{primary.logs.String(), edge.logs.String()} {
		if strings.Contains(logs, key[12:]) || strings.Contains(logs, guess[12:]) {
			t.Error("a log holds a key")
		}
	}
}

// whileThere is a way to the primary that can be cut.
type whileThere struct {
	Forwarder
	away *bool
}

func (f whileThere) Do(ctx context.Context, r forward.Request) (forward.Response, error) {
	if *f.away {
		return forward.Response{}, &forward.Error{Err: errors.New("cut")}
	}
	return f.Forwarder.Do(ctx, r)
}

func TestGuessingKeysIsLimitedBeforeThePrimaryIsAsked(t *testing.T) {
	primary := newNode(t, nil)
	edge := newEdge(t, primary.listen(), func(d *Deps, _ *node) { d.Limits.Rate = Rate{Count: 3, Per: time.Minute} })
	statuses := map[int]int{}
	for range 10 {
		guess, _, _ := auth.NewAPIKey()
		statuses[edge.do("GET", "/api/v1/me", http.Header{"Authorization": {"Bearer " + guess}}, "").StatusCode]++
	}
	if statuses[401] != 3 || statuses[429] != 7 || primary.writer.asked != 3 {
		t.Errorf("%v, asked %d times", statuses, primary.writer.asked)
	}
}

func TestStrangersAreNotToldWhoAKeyIs(t *testing.T) {
	n := newNode(t, nil)
	_, _, hash := auth.NewAPIKey()
	body := `{"Hash":"` + base64.StdEncoding.EncodeToString(hash[:]) + `"}`
	for name, header := range map[string]http.Header{
		"nobody": {}, "a platform admin": n.as(9),
		"a proof of another key": {
			"Outpost-Forwarded": {"syd"},
			"Outpost-Cluster":   {forward.Sign("another", forward.Claim{Method: "POST", Target: PathIdentify, Region: "syd"}, time.Now())},
		},
		"a proof of another path": {
			"Outpost-Forwarded": {"syd"},
			"Outpost-Cluster":   {forward.Sign(clusterKey, forward.Claim{Method: "GET", Target: PathSnapshot, Region: "syd"}, time.Now())},
		},
	} {
		if a := n.do("POST", PathIdentify, header, body); a.StatusCode != 404 {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
	node := func() http.Header {
		h := http.Header{}
		forward.SignHeader(h, clusterKey, "syd", "POST", PathIdentify, time.Now())
		return h
	}
	for sent, want := range map[string]int{body: 200, `{"Hash":"AAAA"}`: 422, `{"Hash":"` + strings.Repeat("A", 44) + `"}`: 422, `{}`: 422, `{`: 400} {
		if a := n.do("POST", PathIdentify, node(), sent); a.StatusCode != want {
			t.Errorf("%s: %d %s", sent, a.StatusCode, a.body)
		}
	}
	if n.writer.asked != 1 {
		t.Errorf("asked %d times", n.writer.asked)
	}
	edge := newEdge(t, n.listen(), nil)
	if a := edge.do("POST", PathIdentify, node(), body); a.StatusCode != 404 {
		t.Errorf("an edge: %d", a.StatusCode)
	}
}

func TestScopesAreTheDocuments(t *testing.T) {
	n := newNode(t, nil)
	for _, r := range n.routes() {
		if r.scope != "" && !slices.Contains(training.Scopes(), r.scope) {
			t.Errorf("%s %s needs %s, which no key can have", r.method, r.pattern, r.scope)
		}
	}
	var document struct {
		Components struct {
			Schemas map[string]struct{ Enum []string }
		}
	}
	if err := json.Unmarshal([]byte(n.do("GET", "/openapi.json", nil, "").body), &document); err != nil {
		t.Fatal(err)
	}
	if got := document.Components.Schemas["Scope"].Enum; !slices.Equal(got, training.Scopes()) {
		t.Errorf("%q, %q", got, training.Scopes())
	}
}

func TestTheSigningKeysArePublishedEverywhere(t *testing.T) {
	primary := newNode(t, nil)
	edge := newEdge(t, primary.listen(), nil)
	for _, n := range []*node{primary, edge} {
		a := n.do("GET", "/.well-known/jwks.json", nil, "")
		var set openapi.KeySet
		if err := json.Unmarshal([]byte(a.body), &set); err != nil || a.StatusCode != 200 || len(set.Keys) != 1 {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
		want := openapi.PublicKey{Kty: "OKP", Crv: "Ed25519", Kid: kid, Use: "sig", Alg: "EdDSA", X: base64.RawURLEncoding.EncodeToString(n.world.public)}
		if set.Keys[0] != want {
			t.Errorf("%+v", set.Keys[0])
		}
		if a := n.do("GET", "/.well-known/jwks.json", http.Header{"If-None-Match": {a.Header.Get("Etag")}}, ""); a.StatusCode != 304 || a.Header.Get("Cache-Status") != "outpost; hit" {
			t.Errorf("%d %q", a.StatusCode, a.Header.Get("Cache-Status"))
		}
		n.world.change(func() { n.world.keys = false }, cache.Table("signing_keys"))
		if a := n.do("GET", "/.well-known/jwks.json", nil, ""); a.body != `{"keys":[]}` {
			t.Errorf("after a change: %s", a.body)
		}
	}
}
