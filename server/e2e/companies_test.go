package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"outpost/server/mail/mailtest"
)

// aCompany is what the tests look at.
type aCompany struct {
	ID          int64
	Name        string
	Slug        string
	PrivacyMode string `json:"privacy_mode"`
	IsActive    bool   `json:"is_active"`
	ActiveUsers int    `json:"active_users"`
	Version     int64
}

type companyPage struct {
	Items []aCompany
	Total int64
}

// TestACompanyIsMadeEnteredAndShut takes a company from its creation through its first admin's invitation to
// the day when it is deactivated, and back, through edges.
func TestACompanyIsMadeEnteredAndShut(t *testing.T) {
	w := newWorld(t, []string{"fra", "iad", "syd"})
	post := mailtest.Start(t, "127.0.0.1:0", nil)
	w.env["fra"]["OUTPOST_SMTP_URL"] = "smtp://" + post.Addr()
	w.env["fra"]["OUTPOST_MAIL_FROM"], w.env["fra"]["OUTPOST_PUBLIC_URL"] = "Outpost <outpost@example.com>", "https://training.example.com"
	for _, region := range w.regions {
		w.serve(region)
	}
	root := w.login("syd", "admin@example.com")
	iad, syd := w.api("iad"), w.api("syd")
	list := func(api, query, position string) (page companyPage) {
		root.get(api+"/api/v1/companies?"+query, "Outpost-Position", position).into(t, &page)
		return page
	}

	var company aCompany
	made := root.must(http.StatusCreated, http.MethodPost, syd+"/api/v1/companies", map[string]any{"name": "Zürcher Käserei", "country": "CH", "locale": "de"})
	made.into(t, &company)
	one := fmt.Sprintf("/api/v1/companies/%d", company.ID)
	if company.Slug != "zuercher-kaeserei" || made.header.Get("Location") != one {
		t.Errorf("%+v at %s", company, made.header.Get("Location"))
	}
	root.must(http.StatusConflict, http.MethodPost, iad+"/api/v1/companies", map[string]any{"name": "zürcher käserei", "country": "CH"}).problem(t)
	if page := list(iad, "q="+url.QueryEscape("KASE zur"), made.position()); page.Total != 1 || page.Items[0] != company {
		t.Errorf("it is found as %+v", page)
	}
	if got, want := list(syd, "is_active=true&size=1", made.position()).Total, inPostgres[int64](t, w, `SELECT count(*) FROM companies WHERE is_active`); got != want {
		t.Errorf("%d companies are active, want %d", got, want)
	}

	// The first admin.
	const email, secret = "first@kaeserei.example", "harbour lantern mosaic"
	root.must(http.StatusCreated, http.MethodPost, iad+"/api/v1/invitations", map[string]any{"email": email, "full_name": "First", "role": "admin", "company_id": company.ID})
	var session tokens
	joined := root.must(http.StatusCreated, http.MethodPost, syd+"/api/v1/invitations/accept", map[string]any{"token": tokenMailed(t, post, email), "password": secret})
	joined.into(t, &session)
	admin := &client{t: t, http: root.http, token: session.Access}
	admin.must(http.StatusForbidden, http.MethodGet, syd+"/api/v1/companies", nil)
	admin.must(http.StatusNotFound, http.MethodGet, syd+"/api/v1/companies/1", nil, "Outpost-Position", joined.position())
	seen := admin.get(syd+one, "Outpost-Position", joined.position())
	if seen.into(t, &company); company.ActiveUsers != 1 {
		t.Errorf("%d people are active", company.ActiveUsers)
	}
	change := map[string]any{"name": "Käserei AG", "privacy_mode": "pseudonymous"}
	changed := admin.must(http.StatusOK, http.MethodPatch, iad+one, change, "If-Match", seen.header.Get("Etag"))
	admin.must(http.StatusPreconditionFailed, http.MethodPatch, iad+one, map[string]any{"name": "Again"}, "If-Match", seen.header.Get("Etag"))
	if got := list(syd, "q=ag+kas", changed.position()); got.Total != 1 || got.Items[0].PrivacyMode != "pseudonymous" || got.Items[0].Version != 2 {
		t.Errorf("it is found as %+v", got)
	}
	key, keyed := admin.makeKey(syd, "me:read")
	machine := admin.with(key)
	machine.get(iad+"/api/v1/me", "Outpost-Position", keyed.position())

	// Shut: what an edge has believed a moment ago it refuses as soon as it has come that far.
	everywhere := func(position string, want int) {
		t.Helper()
		for _, region := range w.regions {
			root.get(w.api(region)+"/api/v1/me", "Outpost-Position", position) // the region has come that far
			for _, c := range []*client{admin, machine} {
				c.must(want, http.MethodGet, w.api(region)+"/api/v1/me", nil)
			}
		}
	}
	everywhere(keyed.position(), http.StatusOK)
	own := fmt.Sprintf("%s/api/v1/companies/%d", syd, inPostgres[int64](t, w, `SELECT company_id FROM users WHERE email = 'admin@example.com'`))
	root.must(http.StatusConflict, http.MethodPatch, own, map[string]any{"is_active": false}).problem(t)
	shut := root.must(http.StatusOK, http.MethodPatch, iad+one, map[string]any{"is_active": false})
	everywhere(shut.position(), http.StatusUnauthorized)
	login := map[string]string{"email": email, "password": secret}
	root.must(http.StatusUnauthorized, http.MethodPost, syd+"/api/v1/auth/login", login)
	root.must(http.StatusUnauthorized, http.MethodPost, iad+"/api/v1/auth/refresh", map[string]string{"refresh_token": session.Refresh})

	// Open again: sessions stay ended.
	opened := root.must(http.StatusOK, http.MethodPatch, syd+one, map[string]any{"is_active": true})
	for _, region := range w.regions {
		root.get(w.api(region)+"/api/v1/me", "Outpost-Position", opened.position())
		admin.must(http.StatusUnauthorized, http.MethodGet, w.api(region)+"/api/v1/me", nil)
		machine.get(w.api(region) + "/api/v1/me")
	}
	root.must(http.StatusUnauthorized, http.MethodPost, iad+"/api/v1/auth/refresh", map[string]string{"refresh_token": session.Refresh})
	root.must(http.StatusOK, http.MethodPost, syd+"/api/v1/auth/login", login).into(t, &session)
	admin.token = session.Access
	admin.get(syd + one)
}

// tokenMailed waits for a mail with a token and gives that.
func tokenMailed(t *testing.T, post *mailtest.Server, to string) (token string) {
	t.Helper()
	eventually(t, "mail to "+to+" arrives", func() error {
		for _, m := range post.Messages(to) {
			if token = mailedToken.FindString(m.Text); token != "" {
				return nil
			}
		}
		return errors.New("there is none with a token")
	})
	return token
}
