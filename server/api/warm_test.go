package api

import (
	"strings"
	"testing"

	"outpost/server/cache"
	"outpost/server/training"
)

// TestWhatAPersonTypedIsNotRemembered: what is kept of requests goes to a file.
func TestWhatAPersonTypedIsNotRemembered(t *testing.T) {
	longest := "/" + strings.Repeat("a", 200) + "?fields=" + strings.Repeat("a", 512)
	for _, word := range []string{"sort", "level", "category", "status", "scope", "role", "job_risk"} {
		longest += "&" + word + "=" + strings.Repeat("a", 32)
	}
	longest += "&page=" + strings.Repeat("1", maxTarget-len(longest)-len("&page="))
	longer := longest + "&size="
	for _, target := range []string{
		"/api/v1/me", "/api/v1/courses/phishing-2?locale=de-AT", "/api/v1/courses?page=2&size=50&sort=-title&fields=title,slug&category=passwords",
		"/api/v1/users?role=learner&is_active=true&company_id=3", longest,
	} {
		if !plain(target) {
			t.Errorf("%s is not remembered", target)
		}
	}
	for _, target := range []string{
		"/api/v1/courses?q=word", "/api/v1/courses?q=", "/api/v1/users?department=Sales", "/api/v1/me?access_token=abc", "/api/v1/courses?page=1&q=word",
		"/api/v1/courses?category=Jane%20Doe", "/api/v1/courses?category=jane@example.com", "/api/v1/courses?category=" + strings.Repeat("a", 33),
		"/api/v1/me/certificates?after=eyJuYW1lIjoiSmFuZSJ9", "/api/v1/certificates/ABCD-EFGH", "/api/v1/users/%31", "/api/v1/courses?page=one",
		"", "api/v1/me", "http://elsewhere/api/v1/me", "/api/v1/me?&page=1", "/api/v1/me?page=1;q=x", "/" + strings.Repeat("a", 300),
		"/api/v1/courses?page=7&page=1", "/api/v1/courses?page=7&size=20&page=7", longer,
	} {
		if plain(target) {
			t.Errorf("%s is remembered", target)
		}
	}
}

// TestWhatIsRememberedCanBeAskedAgain: every route that has a cache, but for those opened by a code.
func TestWhatIsRememberedCanBeAskedAgain(t *testing.T) {
	n := newNode(t, nil)
	for _, r := range n.routes() {
		if code := strings.Contains(r.pattern, ":code"); r.repeatable() != (r.namespace != "" && !code) {
			t.Errorf("%s %s is remembered: %v", r.method, r.pattern, r.repeatable())
		}
	}
}

// TestAReplayGrantsNothing asks again what people asked who may less by now, or nothing.
func TestAReplayGrantsNothing(t *testing.T) {
	remembering := func(d *Deps, _ *node) {
		var err error
		if d.Hits, err = cache.NewHits[Again](100); err != nil {
			t.Fatal(err)
		}
	}
	before := newNode(t, remembering)
	for _, r := range []struct {
		user   int64
		target string
	}{{9, "/api/v1/courses/draft"}, {1, "/api/v1/me"}, {1, "/api/v1/courses/phishing"}, {2, "/api/v1/me"}} {
		if a := before.do("GET", r.target, before.as(r.user), ""); a.StatusCode != 200 {
			t.Fatalf("%s answers %d: %s", r.target, a.StatusCode, a.body)
		}
	}

	n := newNode(t, remembering)
	demoted, gone := n.world.users[9], n.world.users[2]
	demoted.Role, gone.IsActive = training.Learner, false
	n.world.users[9], n.world.users[2] = demoted, gone
	replay := n.NewReplay()
	asked := before.Hits.Top(10)
	if len(asked) != 4 {
		t.Fatalf("%v was remembered", asked)
	}
	for _, a := range asked {
		err := replay.Ask(t.Context(), a)
		if lost := a.What.User != 1; (err != nil) != lost {
			t.Errorf("%+v: %v", a.What, err)
		}
	}
	for _, wrong := range []Again{{Target: "/api/v1/me", User: 99}, {Target: "/api/v1/me"}, {Target: "/api/v1/nothing", User: 1}, {Target: "/livez", User: 1}, {Target: "\x00", User: 1}} {
		if replay.Ask(t.Context(), cache.Counted[Again]{What: wrong}) == nil {
			t.Errorf("%+v is answered", wrong)
		}
	}
	var metrics strings.Builder
	families, err := n.Metrics.Registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		metrics.WriteString(f.GetName() + " ")
	}
	if strings.Contains(metrics.String(), "http_requests_total") || strings.Contains(metrics.String(), "outpost_cache_requests_total") || n.logs.String() != "" {
		t.Errorf("a replay is counted or logged: %s %s", &metrics, n.logs)
	}

	for _, r := range []struct {
		user           int64
		target, cached string
		status         int
	}{
		{1, "/api/v1/me", "outpost; hit", 200},
		{1, "/api/v1/courses/phishing", "outpost; hit", 200},
		{9, "/api/v1/courses/draft", "", 404},
		{9, "/api/v1/me", "outpost; fwd=miss; stored", 200},
		{2, "/api/v1/me", "", 401},
	} {
		if a := n.do("GET", r.target, n.as(r.user), ""); a.StatusCode != r.status || a.Header.Get("Cache-Status") != r.cached {
			t.Errorf("%s of user %d answers %d, %q", r.target, r.user, a.StatusCode, a.Header.Get("Cache-Status"))
		}
	}
	if top := n.Hits.Top(10); len(top) < 2 {
		t.Errorf("what was asked again is forgotten: %v", top)
	}
}
