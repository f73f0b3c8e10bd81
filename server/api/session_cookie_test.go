package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/server/api/openapi"
	"outpost/server/cache"
	"outpost/server/training"
)

const signInOfLearn = "/sign-in?next=%2Flearn"

func form(pairs ...string) url.Values {
	f := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	return f
}

func TestSigningInAndOut(t *testing.T) {
	b := newBrowser(newSite(t, nil))
	b.get("/learn").leads(t, signInOfLearn)
	b.post("/sign-in", form("email", "user1@example.com", "password", "wrong", "next", "/learn")).
		shows(t, 422, "do not belong together", `value="user1@example.com"`, `value="/learn"`, "!wrong\"")
	if len(b.cookies) > 1 { // the position
		t.Errorf("a wrong password gives %v", b.cookies)
	}
	b.post("/sign-in", form("email", " user1@example.com", "password", "testpassword", "next", "/learn")).leads(t, "/learn")
	page := b.get("/learn")
	page.shows(t, 200, "Üta &lt;Eins&gt;", "Phishing", "!<Eins>")
	if got := page.Header.Get("Cache-Control"); got != "private, no-cache" && got != "no-store" {
		t.Errorf("somebody's page may be kept: %s", got)
	}
	before := b.cookies[cookieSession]
	out := b.post("/sign-out", form())
	out.leads(t, "/sign-in?done=signedout")
	if got := out.Header.Get("Clear-Site-Data"); got != `"cache"` {
		t.Errorf("the browser may keep the person's pages: %q", got)
	}
	if b.cookies[cookieSession] != "" || b.cookies[cookieRefresh] != "" {
		t.Errorf("after signing out there are %v", b.cookies)
	}
	b.get("/learn").leads(t, signInOfLearn)
	// Who kept the cookie has nothing of it: the session has ended.
	b.cookies[cookieSession] = before
	b.get("/learn").leads(t, signInOfLearn)
}

func TestSessionCookiesAreHidden(t *testing.T) {
	for proto, secure := range map[string]bool{"": false, "http": false, "https": true} {
		b := newBrowser(newSite(t, nil))
		b.post("/sign-in", form("email", "user1@example.com", "password", "testpassword"), "X-Forwarded-Proto", proto)
		for _, name := range []string{cookieSession, cookieRefresh} {
			c := b.cookie(name)
			if c == nil || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.Secure != secure || c.MaxAge <= 0 {
				t.Errorf("over %q the cookie %s is %v", proto, name, c)
			}
		}
		page := b.get("/learn", "X-Forwarded-Proto", proto)
		if got := page.Header.Get("Strict-Transport-Security") != ""; got != secure {
			t.Errorf("over %q, Strict-Transport-Security is sent: %v", proto, got)
		}
		if policy := page.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("the policy is %s", policy)
		}
	}
}

// TestTheAPITakesNoCookies: no other site's page can make a browser do anything there.
func TestTheAPITakesNoCookies(t *testing.T) {
	n := newSite(t, nil)
	b := newBrowser(n).as(1)
	for _, target := range []string{"/api/v1/me", "/api/v1/me/enrollments"} {
		if a := b.get(target); a.StatusCode != 401 {
			t.Errorf("GET %s with a session's cookie gives %d: %s", target, a.StatusCode, a.body)
		}
	}
	if a := b.post("/api/v1/auth/logout", form()); a.StatusCode != 401 {
		t.Errorf("a sign-out at the API with a cookie gives %d", a.StatusCode)
	}
	// And a page takes no token: what is shown there does not hang on it.
	newBrowser(n).get("/learn", "Authorization", "Bearer "+n.token(1)).leads(t, signInOfLearn)
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	n := newSite(t, nil)
	for name, headers := range map[string][]string{
		"cross-site": {"Sec-Fetch-Site", "cross-site"}, "same-site": {"Sec-Fetch-Site", "same-site"},
		"an old browser": {"Sec-Fetch-Site", "", "Origin", "https://evil.example"}, "a sandboxed frame": {"Sec-Fetch-Site", "", "Origin", "null"},
		"another port": {"Sec-Fetch-Site", "", "Origin", "http://example.com:81"},
	} {
		b := newBrowser(n).as(1)
		b.post("/sign-out", form(), headers...).shows(t, 403, "Another site")
		b.get("/learn").shows(t, 200)
		b = newBrowser(n)
		b.post("/sign-in", form("email", "user1@example.com", "password", "testpassword"), headers...).shows(t, 403)
		if b.cookies[cookieSession] != "" {
			t.Errorf("%s: another site signs somebody in", name)
		}
	}
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "none"}, {"Sec-Fetch-Site", "", "Origin", "http://example.com"}, {"Sec-Fetch-Site", ""}, // no browser
	} {
		newBrowser(n).as(1).post("/language", form("locale", "xx"), headers...).shows(t, 422)
	}
	// A link from elsewhere is followed.
	newBrowser(n).as(1).get("/learn", "Sec-Fetch-Site", "cross-site").shows(t, 200)
}

func TestNobodyIsSentElsewhere(t *testing.T) {
	n := newSite(t, nil)
	for _, next := range []string{
		"//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "/a\r\nSet-Cookie: a=b", "/\t/evil.example", "evil", " //evil.example",
	} {
		newBrowser(n).post("/sign-in", form("email", "user1@example.com", "password", "testpassword", "next", next)).leads(t, "/")
	}
	newBrowser(n).post("/sign-in", form("email", "user1@example.com", "password", "testpassword", "next", "/learn?a=b#c")).leads(t, "/learn?a=b#c")
	newBrowser(n).post("/language", form("locale", "de", "next", "//evil.example")).leads(t, "/")
}

// sessions is a writer whose refresh tokens are good once.
type sessions struct {
	*writer
	mu     sync.Mutex
	used   []string
	refuse error
}

func (s *sessions) Refresh(ctx context.Context, r training.RefreshRequest) (training.Session, change.LSN, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return training.Session{}, 0, s.refuse
	}
	for _, token := range s.used {
		if token == r.Token {
			return training.Session{}, 0, training.Errorf(training.Unauthorized, "The token was used before.")
		}
	}
	s.used = append(s.used, r.Token)
	return s.writer.Refresh(ctx, r)
}

func newSessions(t *testing.T) (*node, *sessions) {
	t.Helper()
	s := new(sessions)
	n := newSite(t, func(d *Deps, n *node) {
		s.writer = n.writer
		d.Writer = s
	})
	return n, s
}

// TestTabsRefreshASessionTogether: a browser that comes back opens all its tabs at once, and each
// brings the same refresh token. One that is slow brings it when the others are done.
func TestTabsRefreshASessionTogether(t *testing.T) {
	n, s := newSessions(t)
	var tabs sync.WaitGroup
	cookies := make([]string, 6)
	for i := range cookies {
		b := newBrowser(n).late(1)
		open := func() {
			if a := b.get("/learn"); a.StatusCode != 200 || !strings.Contains(a.body, "Phishing") {
				t.Errorf("tab %d is answered with %d to %s", i, a.StatusCode, a.Header.Get("Location"))
			}
			cookies[i] = b.cookies[cookieSession] + " " + b.cookies[cookieRefresh]
		}
		if i == len(cookies)-1 {
			tabs.Wait()
			open()
		} else {
			tabs.Go(open)
		}
	}
	for i, c := range cookies {
		if c != cookies[0] || !strings.HasSuffix(c, " refresh-2") {
			t.Errorf("tab %d has the session %s, the first one %s", i, c, cookies[0])
		}
	}
	if len(s.used) != 1 {
		t.Errorf("the session was refreshed %d times", len(s.used))
	}
}

// TestARefreshIsRememberedForAMinute: who brings the token later is not one of the tabs.
func TestARefreshIsRememberedForAMinute(t *testing.T) {
	now := day
	r := newRefreshes(func() time.Time { return now })
	key := func(i int) [32]byte { return [32]byte{byte(i), byte(i >> 8)} }
	tokens := new(openapi.Tokens)
	r.add(key(0), tokens)
	now = now.Add(refreshKept - 1)
	r.add(key(1), new(openapi.Tokens))
	if got, ok := r.get(key(0)); !ok || got != tokens {
		t.Error("it is forgotten within a minute")
	}
	now = now.Add(1)
	if _, ok := r.get(key(0)); ok || len(r.done) != 1 {
		t.Errorf("after a minute %d are remembered, the first: %v", len(r.done), ok)
	}
	for i := range refreshesKept {
		r.add(key(i+2), tokens)
	}
	if _, ok := r.get(key(1)); ok || len(r.done) != refreshesKept || len(r.line) != refreshesKept {
		t.Errorf("%d are remembered, in a line of %d", len(r.done), len(r.line))
	}
}

func TestAFormGoesOnWithARefreshedSession(t *testing.T) {
	n, s := newSessions(t)
	b := newBrowser(n).late(1)
	b.post("/sign-out", form()).leads(t, "/sign-in?done=signedout")
	if len(s.used) != 1 || !n.world.revoked[11] || b.cookies[cookieRefresh] != "" {
		t.Errorf("signing out with an old token: %d refreshed, ended: %v, cookies %v", len(s.used), n.world.revoked, b.cookies)
	}
}

func TestASessionThatCannotBeRefreshedEnds(t *testing.T) {
	n, s := newSessions(t)
	s.used = []string{"refresh-1"}
	b := newBrowser(n).late(1)
	b.get("/learn").leads(t, signInOfLearn)
	if b.cookies[cookieSession] != "" || b.cookies[cookieRefresh] != "" {
		t.Errorf("the browser keeps %v", b.cookies)
	}
	// While the primary is away the session only waits: the cookies stay.
	s.refuse = training.Errorf(training.Unavailable, "Not now.")
	b = newBrowser(n).late(1)
	b.get("/learn")
	if b.cookies[cookieRefresh] != "refresh-1" {
		t.Errorf("the primary is away, and the browser has lost %v", b.cookies)
	}
}

func TestADeactivatedPersonsNextPageIsRefused(t *testing.T) {
	n := newSite(t, nil)
	b := newBrowser(n).as(1)
	b.get("/learn").shows(t, 200)
	n.world.change(func() {
		u := n.world.users[1]
		u.IsActive = false
		n.world.users[1] = u
	}, cache.Row("users", 1))
	b.get("/learn").leads(t, signInOfLearn)
}
