package primary_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/mail"
	"outpost/server/primary"
	"outpost/server/training"
)

// post is a mailer that keeps what it is given.
type post struct {
	mu      sync.Mutex
	letters []mail.Letter
	fail    func(l mail.Letter) error
}

func (p *post) Send(_ context.Context, letters []mail.Letter, begin func(mail.Letter) error, done func(mail.Letter, error)) {
	for _, l := range letters {
		var err error
		p.mu.Lock()
		if p.fail != nil {
			err = p.fail(l)
		}
		if err == nil {
			if begin(l) != nil {
				p.mu.Unlock()
				return
			}
			p.letters = append(p.letters, l)
		}
		p.mu.Unlock()
		done(l, err)
	}
}

// take sends what is due and gives what was sent.
func (p *post) take(t *testing.T, at *primary.Primary) []mail.Letter {
	t.Helper()
	if err := at.FlushMail(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	letters := p.letters
	p.letters = nil
	return letters
}

// one is take of exactly one letter.
func (p *post) one(t *testing.T, at *primary.Primary, kind mail.Kind, to string) mail.Letter {
	t.Helper()
	letters := p.take(t, at)
	if len(letters) != 1 || letters[0].Kind != kind || letters[0].To != to {
		t.Fatalf("sent %+v, want one %s to %s", letters, kind, to)
	}
	return letters[0]
}

var admin = training.Principal{UserID: 5, CompanyID: 1, Role: training.Admin, Locale: "de", Zone: "eu"}

// opened is open with an administrator, user 5 of company 1, and a mailer.
func opened(t *testing.T, change ...func(*primary.Config)) (*primary.Primary, string, *post) {
	t.Helper()
	p := new(post)
	at, url := open(t, append(change, func(c *primary.Config) { c.Mailer = p })...)
	pgtest.Exec(t, url, `INSERT INTO users (company_id, data_zone, email, full_name, role) VALUES (1, 'eu', 'boss@example.com', 'Boss', 'admin')`)
	return at, url, p
}

func code(t *testing.T, err error, want training.Code, text string) {
	t.Helper()
	var e *training.Error
	if !errors.As(err, &e) || e.Code != want {
		t.Fatalf("%v, want %s", err, want)
	}
	all := e.Message
	for _, f := range e.Fields {
		all += " " + f.Field + " " + f.Message
	}
	if !strings.Contains(all, text) {
		t.Errorf("%q does not say %q", all, text)
	}
}

const good = "harbour lantern mosaic"

func TestAnInvitationMakesOneUser(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		seen := &observed{}
		p, url, post := opened(t, mode, func(c *primary.Config) { c.Observe = seen.see })
		seen.take()
		i, lsn, err := p.Invite(t.Context(), admin, training.Invitation{Email: "Grace@Example.com", FullName: "Grace", Role: training.Manager, Department: "IT"})
		if err != nil || lsn == 0 || i.ID == 0 || i.InvitedBy != 5 || i.ExpiresAt.Sub(i.CreatedAt) != 7*24*60*60*1e9 {
			t.Fatalf("%+v, %v", i, err)
		}
		if types, n := seen.take(); n >= 5 {
			t.Errorf("%d statements: %v", n, types)
		}
		l := post.one(t, p, mail.Invitation, "Grace@Example.com")
		if l.Locale != "en" || l.Name != "Grace" || l.Company != "Eins" || l.Inviter != "Boss" || !strings.HasPrefix(l.Token, "opi_") {
			t.Errorf("%+v", l)
		}
		seen.take()
		// Of many who use the token at once, one becomes the user.
		var group sync.WaitGroup
		var mu sync.Mutex
		var sessions []training.Session
		for range 4 {
			group.Go(func() {
				s, _, err := p.AcceptInvitation(t.Context(), training.Acceptance{Token: l.Token, Password: good, FullName: "Grace Hopper", IP: "192.0.2.9"})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					sessions = append(sessions, s)
				} else if c := training.CodeOf(err); c != training.Invalid && c != training.Conflict {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if len(sessions) != 1 {
			t.Fatalf("%d sessions", len(sessions))
		}
		s := sessions[0]
		if s.CompanyID != 1 || s.Role != training.Manager || s.Zone != "eu" || s.UserID == 0 || s.SessionID == 0 {
			t.Errorf("%+v", s)
		}
		if n := value[int64](t, url, `SELECT count(*) FROM users WHERE id = $1 AND is_active AND email = 'Grace@Example.com' AND full_name = 'Grace Hopper' AND department = 'IT'`, s.UserID); n != 1 {
			t.Error("the user is not as was invited")
		}
		if _, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: s.RefreshToken}); err != nil {
			t.Error(err)
		}
		if _, _, err := p.Login(t.Context(), training.LoginRequest{Login: "grace@example.com", Password: good}); err != nil {
			t.Error(err)
		}
		// The audit log says who did it, and holds neither token nor password.
		if n := value[int64](t, url, `SELECT count(*) FROM audit_log WHERE actor_id = $1 AND ip = '192.0.2.9' AND action = 'acceptInvitation' AND subject IN ('users', 'user_credentials', 'invitations')`, s.UserID); n != 3 {
			t.Errorf("%d entries in the audit log", n)
		}
		if n := value[int64](t, url, `SELECT count(*) FROM audit_log WHERE actor_id = 5 AND action = 'createInvitation' AND details #>> '{insert,email}' = 'Grace@Example.com'`); n != 1 {
			t.Errorf("%d entries of the invitation", n)
		}
		nowhere(t, url, l.Token, good)
	})
}

// nowhere holds that secrets stand in no row that outlives them.
func nowhere(t *testing.T, url string, secrets ...string) {
	t.Helper()
	for _, table := range []string{"audit_log", "idempotency_keys", "outbox", "invitations", "password_resets", "password_requests", "users", "login_failures"} {
		for _, secret := range secrets {
			if n := value[int64](t, url, `SELECT count(*) FROM `+table+` r WHERE position($1 IN r::text) > 0`, secret); n != 0 {
				t.Errorf("%s holds a secret", table)
			}
		}
	}
}

func TestAcceptingTakesFewStatements(t *testing.T) {
	seen := &observed{}
	p, _, post := opened(t, func(c *primary.Config) { c.Observe = seen.see })
	if _, _, err := p.Invite(t.Context(), admin, training.Invitation{Email: "x@example.com", Role: training.Learner}); err != nil {
		t.Fatal(err)
	}
	token := post.one(t, p, mail.Invitation, "x@example.com").Token
	seen.take()
	_, _, err := p.AcceptInvitation(t.Context(), training.Acceptance{Token: token, Password: good})
	code(t, err, training.Invalid, "full_name")
	_, _, err = p.AcceptInvitation(t.Context(), training.Acceptance{Token: token, Password: "password123", FullName: "X"})
	code(t, err, training.Invalid, "easy to guess")
	_, _, err = p.AcceptInvitation(t.Context(), training.Acceptance{Token: token, Password: "harbour lantern grace", FullName: "Grace"})
	code(t, err, training.Invalid, "your name")
	seen.take()
	if _, _, err := p.AcceptInvitation(t.Context(), training.Acceptance{Token: token, Password: good, FullName: "X"}); err != nil {
		t.Fatal(err)
	}
	if types, n := seen.take(); n >= 5 {
		t.Errorf("%d statements: %v", n, types)
	}
}

func TestEveryDeadInvitationLooksTheSame(t *testing.T) {
	p, url, post := opened(t)
	answers := make(map[string]bool)
	for name, kill := range map[string]string{
		"expired":             `UPDATE invitations SET expires_at = now() WHERE email = 'expired@example.com'`,
		"used":                `UPDATE invitations SET accepted_at = now() WHERE email = 'used@example.com'`,
		"withdrawn":           `DELETE FROM invitations WHERE email = 'withdrawn@example.com'`,
		"inviter demoted":     `UPDATE users SET role = 'manager' WHERE id = 5`,
		"inviter not active":  `UPDATE users SET is_active = false WHERE id = 5`,
		"inviter moved":       `UPDATE users SET company_id = 2, data_zone = 'us' WHERE id = 5`,
		"company deactivated": `UPDATE companies SET is_active = false WHERE id = 1`,
		"never was":           ``,
	} {
		email := strings.ReplaceAll(name, " ", "-") + "@example.com"
		token := "opi_nonsense"
		if kill != "" {
			if _, _, err := p.Invite(t.Context(), admin, training.Invitation{Email: email, FullName: "X", Role: training.Learner}); err != nil {
				t.Fatal(name, err)
			}
			token = post.one(t, p, mail.Invitation, email).Token
			pgtest.Exec(t, url, kill)
		}
		_, _, err := p.AcceptInvitation(t.Context(), training.Acceptance{Token: token, Password: good, FullName: "X"})
		code(t, err, training.Invalid, "new invitation")
		var e *training.Error
		if errors.As(err, &e) {
			answers[e.Fields[0].Message] = true
		}
		pgtest.Exec(t, url, `UPDATE users SET role = 'admin', is_active = true, company_id = 1, data_zone = 'eu' WHERE id = 5`, `UPDATE companies SET is_active = true`)
	}
	if len(answers) != 1 {
		t.Errorf("the answers are %v", answers)
	}
	if n := value[int64](t, url, `SELECT count(*) FROM users`); n != 5 {
		t.Errorf("%d users", n)
	}
}

func TestWhoCannotBeInvitedIsToldToTheirOwnCompanyOnly(t *testing.T) {
	p, url, post := opened(t)
	invite := func(email, key string) (training.Invitation, error) {
		i, _, err := p.Invite(training.WithCaller(t.Context(), training.Caller{IdempotencyKey: key}), admin, training.Invitation{Email: email, Role: training.Learner})
		return i, err
	}
	_, err := invite("TWO@example.com", "a")
	code(t, err, training.Conflict, "has a user")
	_, err = invite("GONE@example.com", "b") // not active, and still a user
	code(t, err, training.Conflict, "has a user")
	first, err := invite("new@example.com", "c")
	if err != nil {
		t.Fatal(err)
	}
	post.one(t, p, mail.Invitation, "new@example.com")
	_, err = invite("New@Example.com", "d")
	code(t, err, training.Conflict, "open invitation")
	// Repeated under its key, it is the same invitation, and no second mail.
	if again, err := invite("new@example.com", "c"); err != nil || again != first {
		t.Errorf("%+v, %v", again, err)
	}
	if letters := post.take(t, p); len(letters) != 0 {
		t.Errorf("sent %+v", letters)
	}
	// Of another company's user nothing is to be seen but in the mail.
	elsewhere, err := invite("four@example.com", "e")
	if err != nil || elsewhere.ID == 0 {
		t.Fatalf("%+v, %v", elsewhere, err)
	}
	l := post.one(t, p, mail.InvitedTwice, "four@example.com")
	if l.Token != "" {
		t.Error("the mail holds a token that cannot be used")
	}
	// One that has expired makes room.
	pgtest.Exec(t, url, `UPDATE invitations SET expires_at = now() - interval '1 hour' WHERE id = `+value[string](t, url, `SELECT id::text FROM invitations WHERE email = 'new@example.com'`))
	second, err := invite("new@example.com", "f")
	if err != nil || second.ID != first.ID || !second.CreatedAt.After(first.CreatedAt) {
		t.Errorf("%+v, %v", second, err)
	}
}

func TestWhoGotAnAccountMeanwhileIsTold(t *testing.T) {
	p, url, post := opened(t)
	if _, _, err := p.Invite(t.Context(), admin, training.Invitation{Email: "x@example.com", FullName: "X", Role: training.Learner}); err != nil {
		t.Fatal(err)
	}
	token := post.one(t, p, mail.Invitation, "x@example.com").Token
	pgtest.Exec(t, url, `INSERT INTO users (company_id, data_zone, email, full_name) VALUES (2, 'us', 'X@example.com', 'X')`)
	_, _, err := p.AcceptInvitation(t.Context(), training.Acceptance{Token: token, Password: good})
	code(t, err, training.Conflict, "account of this address")
}

func TestInvitationsAreListedAndWithdrawn(t *testing.T) {
	p, url, _ := opened(t)
	var ids []int64
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		i, _, err := p.Invite(t.Context(), admin, training.Invitation{Email: name + "@example.com", Role: training.Learner})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, i.ID)
	}
	pgtest.Exec(t, url, `UPDATE invitations SET expires_at = now() WHERE email = 'd@example.com'`, `UPDATE invitations SET accepted_at = now() WHERE email = 'e@example.com'`,
		`INSERT INTO invitations (company_id, data_zone, email, email_folded, token_hash, expires_at) VALUES (2, 'us', 'z@example.com', 'z@example.com', 'x', now() + interval '1 day')`)
	want := []int64{ids[2], ids[1], ids[0], ids[4], ids[3]} // open, then the others
	for name, list := range map[string]func() ([]int64, error){
		"by page": func() (got []int64, err error) {
			for n := 1; n < 4; n++ {
				page, err := p.Invitations(t.Context(), admin.CompanyID, training.Paging{Page: n, Size: 2})
				if err != nil || page.Total != 5 {
					t.Errorf("%+v, %v", page, err)
				}
				for _, i := range page.Items {
					got = append(got, i.ID)
				}
			}
			return got, err
		},
		"by key": func() (got []int64, err error) {
			for after := ""; after != "" || len(got) == 0; {
				page, err := p.Invitations(t.Context(), admin.CompanyID, training.Paging{Page: 1, Size: 2, After: after})
				if err != nil || len(page.Items) == 0 {
					return got, err
				}
				for _, i := range page.Items {
					got = append(got, i.ID)
				}
				if after = page.NextAfter; after == "" {
					return got, nil
				}
			}
			return got, err
		},
	} {
		if got, err := list(); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, want)
		}
	}
	for _, after := range []string{"x", "open.", "open.-1", "shut.3", "open.1.2"} {
		_, err := p.Invitations(t.Context(), admin.CompanyID, training.Paging{Page: 1, Size: 2, After: after})
		code(t, err, training.Invalid, "after")
	}
	for i, test := range []struct {
		id   int64
		want training.Code
	}{{ids[0], ""}, {ids[0], training.NotFound}, {ids[3], ""}, {ids[4], training.Conflict}, {ids[4] + 1, training.NotFound}, {999, training.NotFound}} {
		if _, err := p.WithdrawInvitation(t.Context(), admin, test.id); training.CodeOf(err) != test.want || (err != nil) != (test.want != "") {
			t.Errorf("%d: %v, want %q", i, err, test.want)
		}
	}
	if n := value[int64](t, url, `SELECT count(*) FROM audit_log WHERE action = 'withdrawInvitation' AND actor_id = 5 AND details ? 'delete'`); n != 2 {
		t.Errorf("%d entries in the audit log", n)
	}
}
