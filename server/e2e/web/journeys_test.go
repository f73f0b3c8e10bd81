package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// click presses something that leads to another page.
func click(selector string) void { return leave(chromedp.Click(chromedp.CSS(selector))) }

// fill writes into a field as a person does.
func fill(selector, text string) void { return chromedp.SendKeys(chromedp.CSS(selector), text) }

// choose sets what is chosen from a list.
func choose(selector, value string) void { return chromedp.SetValue(chromedp.CSS(selector), value) }

// eventually waits for what happens in the background.
func eventually(t *testing.T, what string, condition func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		case <-tick.C:
		}
	}
}

// ownPassword is what newcomers take: the one of the demo's people is too easy to guess to be accepted.
const ownPassword = "quiet otters borrow umbrellas"

// get asks the primary's API as somebody of the demo.
func get(t *testing.T, as, target string, out any) {
	t.Helper()
	token, err := tokenOf(as)
	if err != nil {
		t.Fatal(err)
	}
	if err := api(http.MethodGet, shared.primary()+"/api/v1"+target, token, nil, out); err != nil {
		t.Fatal(err)
	}
}

// invite sends an invitation from the page for that.
func (b *tab) invite(t *testing.T, email, name string) {
	t.Helper()
	b.mustOpen(t, "/people")
	b.must(t,
		click(`main a[href="/people/add"]`),
		fill("#f-email", email),
		fill("#f-full_name", name),
		choose("#f-locale", "en"),
		click(`button[value="invite"]`),
	)
	b.isAt(t, "/people/add?done=invited", "inviting")
	b.shows(t, "main table", email)
}

var invitation = regexp.MustCompile(`/invitation(#token=\S+)`)

// invited waits for the mail and gives the token of its link, with the # before it.
func invited(t *testing.T, email string) (token string) {
	t.Helper()
	eventually(t, "the invitation's mail", func() error {
		var mails struct{ Items []struct{ Text string } }
		if err := api(http.MethodGet, shared.primary()+"/dev/mail.json?to="+url.QueryEscape(email), "", nil, &mails); err != nil {
			return err
		}
		for _, m := range mails.Items {
			if link := invitation.FindStringSubmatch(m.Text); link != nil {
				token = link[1]
				return nil
			}
		}
		return fmt.Errorf("%d mails, and no link in them", len(mails.Items))
	})
	return token
}

// newcomer is a tab of somebody who has just come in by an invitation of the first company's admin.
func newcomer(t *testing.T, email, name string) *tab {
	t.Helper()
	link := inviteAs(t, individual, email, name)
	b := newTab(t, shared.edge())
	b.mustOpen(t, "/invitation"+link)
	b.isAt(t, "/invitation", "opening the link") // without the token, which does not stay in the address
	b.accept(t)
	return b
}

// accept takes the password with which the invitation is accepted.
func (b *tab) accept(t *testing.T) {
	t.Helper()
	b.must(t, fill("#f-password", ownPassword), click("main button.primary"))
	b.isAt(t, "/learn?done=welcome", "setting the password")
}

// inviteAs invites in a tab of its own, and gives the token from the mail.
func inviteAs(t *testing.T, admin, email, name string) (token string) {
	t.Helper()
	b := newTab(t, shared.edge())
	if err := b.signIn(admin); err != nil {
		t.Fatal(err)
	}
	b.invite(t, email, name)
	b.silent(t)
	return invited(t, email)
}

// takeUp finds a course in the catalogue and begins it.
func (b *tab) takeUp(t *testing.T, slug, title string) {
	t.Helper()
	b.mustOpen(t, "/learn")
	b.must(t,
		click(`main a[href="/catalogue"]`),
		fill("#f-q", title),
		click(`form[role="search"] button`),
		click(`main a[href="/learn/`+slug+`"]`),
		click(`button[value="begin"]`),
	)
	b.isAt(t, "/learn/"+slug+"/1", "beginning")
}

// silent checks that the browser has nothing to complain about.
func (b *tab) silent(t *testing.T) {
	t.Helper()
	if wrong := b.heard(); len(wrong) > 0 {
		t.Errorf("the browser complains: %q", wrong)
	}
}

// isPDF checks what a link of the page leads to, for this browser.
func (b *tab) isPDF(t *testing.T, link string) {
	t.Helper()
	begin := mustAsk[string](t, b, `fetch(document.querySelector('`+link+`').href).then((r) => r.ok ? r.text() : r.status + "").then((s) => s.slice(0, 5))`)
	if !strings.HasPrefix(begin, "%PDF-") {
		t.Errorf("%s leads to %q…", link, begin)
	}
}

// isAt checks where something has led to.
func (b *tab) isAt(t *testing.T, path, after string) {
	t.Helper()
	if got := b.path(t); got != path {
		t.Fatalf("%s leads to %s, want %s, which shows:\n%.600s", after, got, path, mustAsk[string](t, b, `document.querySelector("main").innerText`))
	}
}
