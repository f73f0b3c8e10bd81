package api

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"outpost/server/auth"
	"outpost/web"
)

// newSite is newNode with pages.
func newSite(t testing.TB, bend func(*Deps, *node)) *node {
	t.Helper()
	return newNode(t, func(d *Deps, n *node) {
		d.Site = web.NewSite(web.Options{Region: "fra"})
		if bend != nil {
			bend(d, n)
		}
	})
}

// browser asks a node for pages, as one does: it keeps cookies, and says where a request comes from.
type browser struct {
	n       *node
	cookies map[string]string
	set     []*http.Cookie // by the last answer
}

func newBrowser(n *node) *browser { return &browser{n: n, cookies: make(map[string]string)} }

// as is a browser in which somebody has signed in.
func (b *browser) as(user int64) *browser {
	b.cookies[cookieSession], b.cookies[cookieRefresh] = b.n.token(user), "refresh-1"
	return b
}

// late gives it a session whose access token is over.
func (b *browser) late(user int64) *browser {
	b.n.t.Helper()
	signer, err := auth.NewSigner(kid, signingKey(), func() time.Time { return time.Now().Add(-auth.Life - time.Minute) })
	if err != nil {
		b.n.t.Fatal(err)
	}
	b.n.world.mu.Lock()
	p := b.n.world.principal(b.n.world.users[user])
	b.n.world.mu.Unlock()
	token, _, err := signer.Sign(p)
	if err != nil {
		b.n.t.Fatal(err)
	}
	b.cookies[cookieSession], b.cookies[cookieRefresh] = token, "refresh-1"
	return b
}

func (b *browser) get(target string, headers ...string) answered {
	b.n.t.Helper()
	return b.send(http.MethodGet, target, nil, headers...)
}

// post sends a form from a page of the same origin, unless headers say another.
func (b *browser) post(target string, form url.Values, headers ...string) answered {
	b.n.t.Helper()
	return b.send(http.MethodPost, target, form, append([]string{"Sec-Fetch-Site", "same-origin"}, headers...)...)
}

func (b *browser) send(method, target string, form url.Values, headers ...string) answered {
	b.n.t.Helper()
	request := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	request.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	request.Header.Set("Sec-Fetch-Mode", "navigate")
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Del(headers[i])
		if headers[i+1] != "" {
			request.Header.Set(headers[i], headers[i+1])
		}
	}
	for name, value := range b.cookies {
		request.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	response, err := b.n.app.Test(request, -1)
	if err != nil {
		b.n.t.Fatalf("%s %s: %v", method, target, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.n.t.Fatal(err)
	}
	a := answered{response, string(body)}
	b.set = response.Cookies()
	for _, c := range b.set {
		if c.MaxAge < 0 || !c.Expires.IsZero() && c.Expires.Before(time.Now()) {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return a
}

// cookie is one that the last answer set; nil: it did not.
func (b *browser) cookie(name string) *http.Cookie {
	i := slices.IndexFunc(b.set, func(c *http.Cookie) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return b.set[i]
}

// shows holds that an answer is a page with some texts and without others, which begin with a !.
func (a answered) shows(t testing.TB, status int, texts ...string) {
	t.Helper()
	if a.StatusCode != status || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		t.Fatalf("the answer is %d %s, want a page of %d: %s", a.StatusCode, a.Header.Get("Content-Type"), status, a.body)
	}
	for _, text := range texts {
		if never, bad := strings.CutPrefix(text, "!"); bad == strings.Contains(a.body, never) {
			_, main, _ := strings.Cut(a.body, "<main")
			t.Errorf("the page should show %q: %s", text, main)
		}
	}
}

// leads holds that an answer sends the browser on.
func (a answered) leads(t testing.TB, to string) {
	t.Helper()
	if got := a.Header.Get("Location"); a.StatusCode != http.StatusSeeOther || got != to {
		t.Fatalf("the answer is %d to %q, want to %q: %s", a.StatusCode, got, to, a.body)
	}
}
