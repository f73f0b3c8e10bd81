package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// TestSessionsAreOfTheBrowser: all its tabs have them, no script sees them, and after signing out neither
// the back button nor a reload shows anything of that person.
func TestSessionsAreOfTheBrowser(t *testing.T) {
	b := newTab(t, shared.edge())
	if err := b.signIn(learner); err != nil {
		t.Fatal(err)
	}
	other := b.another(t)
	other.mustOpen(t, "/learn")
	other.shows(t, "h1", "My courses")
	if seen := mustAsk[string](t, b, `document.cookie`); strings.Contains(seen, "outpost_session") || strings.Contains(seen, "outpost_refresh") {
		t.Errorf("a script sees %s", seen)
	}
	b.mustOpen(t, "/learn")
	name := mustAsk[string](t, b, `document.querySelector(".who").innerText`)
	b.must(t, leave(chromedp.Click(chromedp.CSS(`form[action="/sign-out"] button`))))
	// What is in the other tab stays in front of whoever sits there, until they do anything.
	other.must(t, chromedp.Reload())
	if got := other.path(t); !strings.HasPrefix(got, "/sign-in") {
		t.Errorf("the other tab is at %s", got)
	}
	b.must(t, call(page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: entryBefore(t, b)}), chromedp.WaitReady(chromedp.CSS("#f-email")))
	if shown := mustAsk[string](t, b, `document.body.innerText`); strings.Contains(shown, name) {
		t.Errorf("the back button shows %s: %s", name, shown)
	}
	b.must(t, chromedp.Reload())
	if got := b.path(t); !strings.HasPrefix(got, "/sign-in") {
		t.Errorf("a reload shows %s", got)
	}
}

// entryBefore is where the back button leads.
func entryBefore(t *testing.T, b *tab) int64 {
	t.Helper()
	var history page.GetNavigationHistoryResult
	b.must(t, func(ctx context.Context, target *chromedp.Target) (void chromedp.Void, err error) {
		history, err = chromedp.NavigationEntries()(ctx, target)
		return void, err
	})
	return history.Entries[history.CurrentIndex-1].ID
}

// TestCrossSiteWrites: a page of another site can sign nobody out, and sees nothing.
func TestCrossSiteWrites(t *testing.T) {
	b := newTab(t, shared.edge())
	if err := b.signIn(learner); err != nil {
		t.Fatal(err)
	}
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><title>Evil</title><form method="post" action="%s/sign-out"><button>Win</button></form>`, shared.edge())
	}))
	defer evil.Close()
	// By its name, this machine is another site; by its address on another port, the same.
	for _, from := range []string{strings.Replace(evil.URL, "127.0.0.1", "localhost", 1), evil.URL} {
		b.must(t, chromedp.Navigate(from), leave(chromedp.Click(chromedp.CSS("button"))))
		b.shows(t, "main", "Another site")
		b.mustOpen(t, "/learn")
		b.shows(t, "h1", "My courses")
		b.must(t, chromedp.Navigate(from))
		for _, target := range []string{"/learn", "/api/v1/me"} {
			if read := mustAsk[string](t, b, `fetch("`+shared.edge()+target+`", {credentials: "include"}).then((r) => r.text(), () => "refused")`); read != "refused" {
				t.Errorf("a page of %s reads %s: %s", from, target, read)
			}
		}
	}
	cookies, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{shared.edge()}})
	if err != nil {
		t.Fatal(err)
	}
	hidden := 0
	for _, c := range cookies.Cookies {
		if c.SameSite != network.CookieSameSiteLax {
			t.Errorf("the cookie %s is sent along from other sites: %q", c.Name, c.SameSite)
		}
		if c.HTTPOnly {
			hidden++
		}
	}
	if hidden < 2 {
		t.Errorf("the session is in %d cookies that no script sees", hidden)
	}
	// What the session's cookie is worth at the API.
	b.mustOpen(t, "/learn")
	if status := mustAsk[int](t, b, `fetch("/api/v1/me").then((r) => r.status)`); status != http.StatusUnauthorized {
		t.Errorf("the API answers a browser's cookie with %d", status)
	}
}

// TestAWriteIsSeenOnTheNextPage: an edge's form is carried out far away, and the page that follows shows it.
func TestAWriteIsSeenOnTheNextPage(t *testing.T) {
	b := newTab(t, shared.edge())
	if err := b.signIn("user2@example.com"); err != nil {
		t.Fatal(err)
	}
	b.mustOpen(t, "/learn")
	for range 3 {
		for _, language := range []struct{ locale, heading string }{{"de", "Meine Kurse"}, {"en", "My courses"}} {
			button := `footer button[value="` + language.locale + `"]`
			if mustAsk[bool](t, b, `document.querySelector('`+button+`') === null`) {
				continue // it is in this language
			}
			b.must(t, leave(chromedp.Click(chromedp.CSS(button))))
			b.shows(t, "h1", language.heading)
		}
	}
}
