package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/mail/mailtest"
)

// tokens are what begins a session.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// TestAccountsByMail takes a person from the invitation through a forgotten and a changed password,
// asking another region each time, and then looks for what should have been kept secret.
func TestAccountsByMail(t *testing.T) {
	w := newWorld(t, []string{"fra", "iad", "syd"})
	post := mailtest.Start(t, "127.0.0.1:0", nil)
	w.env["fra"]["OUTPOST_SMTP_URL"] = "smtp://" + post.Addr()
	w.env["fra"]["OUTPOST_MAIL_FROM"], w.env["fra"]["OUTPOST_PUBLIC_URL"] = "Outpost <outpost@example.com>", "https://training.example.com"
	var nodes []*process
	for _, region := range w.regions {
		w.env[region]["LOG_LEVEL"] = "debug"
		nodes = append(nodes, w.serve(region))
	}
	p := &person{world: w, post: post, boss: w.login("syd", "manager@example.com"), email: "new.hire@example.org"}
	p.client = &client{t: t, http: p.boss.http}
	// In this order: each goes on from where the one before it ended.
	t.Run("invitation", p.invited)
	t.Run("forgotten", p.forgets)
	t.Run("changed", p.changes)
	t.Run("first", p.first)
	t.Run("secrets", func(t *testing.T) { p.secretsAreGone(t, nodes) })
}

// person is somebody on the way through it.
type person struct {
	world    *world
	post     *mailtest.Server
	boss     *client // an administrator
	client   *client // without a token of its own
	email    string
	password string
	session  tokens
	secrets  []string // that must be nowhere
}

// mailed waits for the n-th mail to an address and gives the token in it, if it holds one.
func (p *person) mailed(t *testing.T, to, subject string, n int) (token string) {
	t.Helper()
	var messages []mailtest.Message
	eventually(t, "mail to "+to+" arrives", func() error {
		if messages = p.post.Messages(to); len(messages) < n {
			return fmt.Errorf("there are %d", len(messages))
		}
		return nil
	})
	m := messages[n-1]
	if !strings.Contains(m.Subject, subject) || len(messages) != n {
		t.Fatalf("%d mails, the last of them %q", len(messages), m.Subject)
	}
	token = regexp.MustCompile(`op[ip]_[\w-]{43}`).FindString(m.Text)
	if token != "" {
		p.secrets = append(p.secrets, token)
	}
	return token
}

// as gives a client that holds an access token.
func (p *person) as(access string) *client {
	return &client{t: p.client.t, http: p.client.http, token: access}
}

func (p *person) login(t *testing.T, region, password string) (s tokens) {
	t.Helper()
	a := p.client.must(http.StatusOK, http.MethodPost, p.world.api(region)+"/api/v1/auth/login", map[string]string{"email": p.email, "password": password})
	a.into(t, &s)
	p.secrets = append(p.secrets, s.Refresh)
	return s
}

// everywhere asks who one is, in each region once it has reached the position.
func (p *person) everywhere(t *testing.T, access, position string, want int) {
	t.Helper()
	for _, region := range p.world.regions {
		url := p.world.api(region) + "/api/v1/me"
		p.boss.get(url, "Outpost-Position", position) // the region has come that far
		if a := p.as(access).must(want, http.MethodGet, url, nil, "Outpost-Position", position); want == http.StatusOK && !bytes.Contains(a.body, []byte(p.email)) {
			t.Errorf("%s answers %s", region, a.body)
		}
	}
}

func (p *person) invited(t *testing.T) {
	p.client.t, p.boss.t = t, t
	invitations := p.world.api("syd") + "/api/v1/invitations"
	var invitation struct{ ID int64 }
	p.boss.must(http.StatusCreated, http.MethodPost, invitations, map[string]string{"email": p.email, "full_name": "New Hire", "department": "Finance", "locale": "de"}).into(t, &invitation)
	p.boss.must(http.StatusConflict, http.MethodPost, invitations, map[string]string{"email": "New.Hire@example.org"}).problem(t)
	token := p.mailed(t, p.email, "Ihre Einladung", 1)
	if m := p.post.Messages(p.email)[0]; !strings.Contains(m.Text, "https://training.example.com/invitation#token="+token+"\n") {
		t.Errorf("the mail says %s", m.Text)
	}
	accept := p.world.api("iad") + "/api/v1/invitations/accept"
	weak := p.client.must(http.StatusUnprocessableEntity, http.MethodPost, accept, map[string]string{"token": token, "password": "password1234"}).problem(t)
	if len(weak.Errors) != 1 || weak.Errors[0].Field != "password" {
		t.Errorf("%+v", weak)
	}
	p.password = "harbour lantern mosaic"
	a := p.client.must(http.StatusCreated, http.MethodPost, accept, map[string]string{"token": token, "password": p.password})
	a.into(t, &p.session)
	p.secrets = append(p.secrets, p.password, p.session.Refresh)
	p.everywhere(t, p.session.Access, a.position(), http.StatusOK)
	// A learner of that company, who can begin at once.
	p.as(p.session.Access).enroll(p.world.api("iad"), "passwords-and-passkeys")
	p.as(p.session.Access).must(http.StatusForbidden, http.MethodGet, invitations, nil).problem(t)
	p.client.must(http.StatusUnprocessableEntity, http.MethodPost, accept, map[string]string{"token": token, "password": p.password}).problem(t)
	if list := p.boss.get(invitations); !bytes.Contains(list.body, []byte(`"status":"accepted"`)) || bytes.Contains(list.body, []byte(token)) {
		t.Errorf("the list is %s", list.body)
	}
	// Withdrawn, a token is worth nothing.
	p.boss.must(http.StatusCreated, http.MethodPost, invitations, map[string]string{"email": "other@example.org"}).into(t, &invitation)
	other := p.mailed(t, "other@example.org", "Ihre Einladung", 1)
	p.boss.must(http.StatusNoContent, http.MethodDelete, fmt.Sprintf("%s/%d", invitations, invitation.ID), nil)
	p.client.must(http.StatusUnprocessableEntity, http.MethodPost, accept, map[string]string{"token": other, "password": p.password, "full_name": "Other"}).problem(t)
}

func (p *person) forgets(t *testing.T) {
	p.client.t, p.boss.t = t, t
	forgot := p.world.api("syd") + "/api/v1/auth/password/forgot"
	known := p.client.must(http.StatusAccepted, http.MethodPost, forgot, map[string]string{"email": p.email})
	unknown := p.client.must(http.StatusAccepted, http.MethodPost, forgot, map[string]string{"email": "nobody@example.org"})
	if !bytes.Equal(known.body, unknown.body) {
		t.Errorf("%s for a known address, %s for an unknown one", known.body, unknown.body)
	}
	token := p.mailed(t, p.email, "Passwort setzen", 2)
	next := "violet tractor umbrella"
	p.secrets = append(p.secrets, next)
	reset := map[string]string{"token": token, "password": next}
	a := p.client.must(http.StatusNoContent, http.MethodPost, p.world.api("iad")+"/api/v1/auth/password/reset", reset)
	p.everywhere(t, p.session.Access, a.position(), http.StatusUnauthorized)
	for _, region := range p.world.regions {
		p.client.must(http.StatusUnauthorized, http.MethodPost, p.world.api(region)+"/api/v1/auth/refresh", map[string]string{"refresh_token": p.session.Refresh})
		p.client.must(http.StatusUnauthorized, http.MethodPost, p.world.api(region)+"/api/v1/auth/login", map[string]string{"email": p.email, "password": p.password})
		p.client.must(http.StatusUnprocessableEntity, http.MethodPost, p.world.api(region)+"/api/v1/auth/password/reset", reset)
	}
	p.password = next
	p.session = p.login(t, "syd", next) // in the very next moment
	p.everywhere(t, p.session.Access, a.position(), http.StatusOK)
	p.mailed(t, p.email, "wurde geändert", 3)
	if len(p.post.Messages("nobody@example.org")) != 0 {
		t.Error("nobody got a mail")
	}
}

func (p *person) changes(t *testing.T) {
	p.client.t, p.boss.t = t, t
	other := p.login(t, "iad", p.password)
	url := p.world.api("syd") + "/api/v1/auth/password"
	next := "copper glacier whistle"
	p.secrets = append(p.secrets, next)
	me := p.as(p.session.Access)
	me.must(http.StatusUnprocessableEntity, http.MethodPost, url, map[string]string{"current_password": "wrong", "new_password": next}).problem(t)
	a := me.must(http.StatusNoContent, http.MethodPost, url, map[string]string{"current_password": p.password, "new_password": next})
	p.everywhere(t, p.session.Access, a.position(), http.StatusOK)
	p.everywhere(t, other.Access, a.position(), http.StatusUnauthorized)
	p.client.must(http.StatusUnauthorized, http.MethodPost, p.world.api("iad")+"/api/v1/auth/refresh", map[string]string{"refresh_token": other.Refresh})
	p.client.must(http.StatusOK, http.MethodPost, p.world.api("iad")+"/api/v1/auth/refresh", map[string]string{"refresh_token": p.session.Refresh}).into(t, &p.session)
	p.secrets = append(p.secrets, p.session.Refresh)
	p.password = next
	p.login(t, "fra", next)
	p.mailed(t, p.email, "wurde geändert", 4)
}

// first is about somebody whom an administrator made without a password.
func (p *person) first(t *testing.T) {
	p.client.t, p.boss.t = t, t
	conn := pgtest.Connect(t, p.world.url)
	var id int64
	if err := conn.QueryRow(t.Context(), `INSERT INTO users (company_id, data_zone, email, full_name, locale)
		SELECT company_id, data_zone, 'made@example.org', 'Made', 'en' FROM users WHERE email = 'manager@example.com' RETURNING id`).Scan(&id); err != nil {
		t.Fatal(err)
	}
	url := fmt.Sprintf("%s/api/v1/users/%d/invitation", p.world.api("iad"), id)
	p.as(p.session.Access).must(http.StatusForbidden, http.MethodPost, url, nil)
	p.boss.must(http.StatusAccepted, http.MethodPost, url, nil)
	token := p.mailed(t, "made@example.org", "Your account", 1)
	p.client.must(http.StatusNoContent, http.MethodPost, p.world.api("iad")+"/api/v1/auth/password/reset", map[string]string{"token": token, "password": p.password})
	p.email = "made@example.org"
	p.login(t, "syd", p.password)
	p.boss.must(http.StatusConflict, http.MethodPost, url, nil).problem(t)
	p.mailed(t, "made@example.org", "was changed", 2)
}

// secretsAreGone searches everything that leaves Postgres, and in Postgres what is kept of mail.
func (p *person) secretsAreGone(t *testing.T, nodes []*process) {
	var waiting int
	var outbox, audit string
	conn := pgtest.Connect(t, p.world.url)
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE sent_at IS NULL), string_agg(outbox::text, ' '), (SELECT string_agg(audit_log::text, ' ') FROM audit_log)
		FROM outbox`).Scan(&waiting, &outbox, &audit); err != nil {
		t.Fatal(err)
	}
	if waiting != 0 {
		t.Errorf("%d mails wait", waiting)
	}
	if !strings.Contains(audit, "new.hire@example.org") {
		t.Error("the audit log does not hold what it should: the search would find nothing in it")
	}
	places := map[string][]byte{"the outbox": []byte(outbox), "the audit log": []byte(audit), "a snapshot": p.world.snapshot(t)}
	for _, n := range nodes {
		places["the log of "+n.region] = []byte(n.log.String())
	}
	err := filepath.WalkDir(p.world.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		places[path] = b
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.secrets) < 12 {
		t.Errorf("only %d secrets are looked for", len(p.secrets))
	}
	for name, content := range places {
		for _, secret := range p.secrets {
			escaped, err := json.Marshal(secret)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(content, []byte(secret)) || bytes.Contains(content, escaped) {
				t.Errorf("%s holds %.8s…", name, secret)
			}
		}
	}
	for _, n := range nodes {
		if strings.Contains(n.log.String(), "new.hire@example.org") {
			t.Errorf("the log of %s names an address", n.region)
		}
	}
}

// catchesMail has `outpost dev` send a mail, asked for in one region, and finds it in every other.
func (w *devWorld) catchesMail(t *testing.T, to string) {
	t.Helper()
	if page := w.url(0) + "/dev/mail"; !strings.Contains(w.log.String(), page) {
		t.Errorf("the summary does not name %s", page)
	}
	c := &client{t: t, http: http.DefaultClient}
	c.must(http.StatusAccepted, http.MethodPost, w.url(1)+"/api/v1/auth/password/forgot", map[string]string{"email": to})
	for region := range 3 {
		eventually(t, "the mail is shown", func() error {
			var list struct {
				Items []struct{ Text string }
			}
			if err := getJSON(w.url(region)+"/dev/mail.json?to="+to, &list); err != nil {
				return err
			}
			resets := 0 // beside reminders of what is due on the day of the test
			for _, item := range list.Items {
				if strings.Contains(item.Text, w.url(0)+"/password#token=opp_") {
					resets++
				}
			}
			if resets != 1 {
				return fmt.Errorf("region %d shows %+v", region, list)
			}
			return nil
		})
	}
	if page := c.get(w.url(2) + "/dev/mail"); !bytes.Contains(page.body, []byte(to)) || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
		t.Errorf("the page: %s", page.body)
	}
}
