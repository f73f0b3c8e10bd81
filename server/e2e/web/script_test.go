package web_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"outpost/sql/seed"
)

// TestWithoutScript: who has scripts switched off signs in, reads, changes the language and signs out.
func TestWithoutScript(t *testing.T) {
	b := newTab(t, shared.edge())
	if err := b.script(false); err != nil {
		t.Fatal(err)
	}
	b.mustOpen(t, "/learn")
	if got := b.path(t); got != "/sign-in?next=%2Flearn" {
		t.Fatalf("nobody is sent to %s", got)
	}
	b.must(t,
		chromedp.SendKeys(chromedp.CSS("#f-email"), learner),
		chromedp.SendKeys(chromedp.CSS("#f-password"), "wrong"),
		leave(chromedp.Click(chromedp.CSS("main form button.primary"))),
	)
	b.shows(t, "#problem", "")
	b.must(t,
		chromedp.SendKeys(chromedp.CSS("#f-password"), seed.Password),
		leave(chromedp.Click(chromedp.CSS("main form button.primary"))),
	)
	if got := b.path(t); got != "/learn" {
		t.Fatalf("signing in leads to %s", got)
	}
	for _, language := range []struct{ locale, heading string }{{"de", "Meine Kurse"}, {"en", "My courses"}} {
		button := `footer button[value="` + language.locale + `"]`
		if mustAsk[bool](t, b, `document.querySelector('`+button+`') === null`) {
			continue // it is in this language
		}
		b.must(t, leave(chromedp.Click(chromedp.CSS(button))))
		b.shows(t, "h1", language.heading)
	}
	b.must(t, leave(chromedp.Click(chromedp.CSS(`form[action="/sign-out"] button`))))
	if got := b.path(t); got != "/sign-in?done=signedout" {
		t.Fatalf("signing out leads to %s", got)
	}
	b.shows(t, `[role="status"]`, "signed out")
	if wrong := b.heard(); len(wrong) > 0 {
		t.Errorf("the browser complains: %q", wrong)
	}
}

// shows waits for an element with a text in it.
func (b *tab) shows(t *testing.T, selector, text string) {
	t.Helper()
	var shown string
	b.must(t, value(chromedp.Text(chromedp.CSS(selector)), &shown))
	if !strings.Contains(shown, text) {
		t.Errorf("%s shows %q, want %q", selector, shown, text)
	}
}
