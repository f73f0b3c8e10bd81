package dev

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"outpost/server/mail"
)

// caught gives the pages of a catcher that took letters in earnest.
func caught(t *testing.T, letters ...mail.Letter) *mailPages {
	t.Helper()
	c, err := newCatcher(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	s, err := mail.New(mail.Config{URL: c.url(), From: "Outpost <outpost@localhost>", PublicURL: "http://127.0.0.1:8080"})
	if err != nil {
		t.Fatal(err)
	}
	s.Send(t.Context(), letters, func(mail.Letter) error { return nil }, func(l mail.Letter, err error) {
		if err != nil {
			t.Errorf("letter %d: %v", l.ID, err)
		}
	})
	pages, err := newMailPages(c)
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

func letter(id int, to string) mail.Letter {
	return mail.Letter{
		ID: int64(id), Kind: mail.Invitation, To: to, Locale: "de", Written: time.Now(),
		Content: mail.Content{Name: `<script>alert("x")</script>`, Company: "Müller & Söhne <img src=x>", Inviter: "Ada", Token: fmt.Sprintf("opi_%d", id)},
	}
}

func get(p *mailPages, target string, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

func TestMailIsShownAsText(t *testing.T) {
	p := caught(t, letter(1, "änne@example.com"), letter(2, "two@example.com"))
	list := get(p, "/dev/mail", "text/html").Body.String()
	one := get(p, "/dev/mail/1", "text/html").Body.String()
	for name, page := range map[string]string{"the list": list, "the mail": one} {
		if strings.Contains(page, "<script") || strings.Contains(page, "<img") || !strings.Contains(page, "Müller &amp; Söhne &lt;img src=x&gt;") {
			t.Errorf("%s: %s", name, page)
		}
	}
	if strings.Index(list, "two@example.com") > strings.Index(list, "änne@example.com") {
		t.Error("the newest is not the first")
	}
	if !strings.Contains(one, `<a href="http://127.0.0.1:8080/invitation#token=opi_1">`) || !strings.Contains(one, "änne@example.com") {
		t.Error(one)
	}
	for target, want := range map[string]int{"/dev/mail/3": 404, "/dev/mail/x": 404, "/dev/mail/0": 404, "/dev/mail/1?to=two@example.com": 404} {
		if w := get(p, target, "text/html"); w.Code != want {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
	if csp := get(p, "/dev/mail", "").Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("the policy is %q", csp)
	}
}

func TestMailIsShownToPrograms(t *testing.T) {
	p := caught(t, letter(1, "änne@example.com"), letter(2, "two@example.com"))
	for target, accept := range map[string]string{"/dev/mail": "application/json", "/dev/mail.json": "*/*"} {
		var list struct{ Items []Mail }
		w := get(p, target+"?to=TWO@example.com", accept)
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || w.Header().Get("Content-Type") != "application/json" {
			t.Fatalf("%v: %s", err, w.Body)
		}
		if len(list.Items) != 1 || list.Items[0].ID != 2 || list.Items[0].To[0] != "two@example.com" || list.Items[0].From != `"Outpost" <outpost@localhost>` ||
			!strings.HasPrefix(list.Items[0].Subject, "Ihre Einladung") || !strings.Contains(list.Items[0].Text, "\n\nopi_2\n\n") || !strings.Contains(list.Items[0].HTML, "&lt;script&gt;") {
			t.Errorf("%+v", list)
		}
	}
	var one Mail
	if err := json.Unmarshal(get(p, "/dev/mail/1", "application/json").Body.Bytes(), &one); err != nil || one.ID != 1 {
		t.Errorf("%+v, %v", one, err)
	}
}

func TestTheLastMailsAreKept(t *testing.T) {
	c := new(catcher)
	for range maxMails + 50 {
		c.keep(Mail{})
	}
	if mails := c.list(""); len(mails) != maxMails || mails[0].ID != maxMails+50 || mails[maxMails-1].ID != 51 {
		t.Errorf("%d are kept", len(mails))
	}
}
