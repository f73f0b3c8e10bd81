package primary_test

import (
	"strings"
	"sync"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/mail"
	"outpost/server/primary"
	"outpost/server/training"
)

func newCompany(name string) training.NewCompany {
	return training.NewCompany{Name: name, Country: "FR", Zone: "eu"}.Complete()
}

// logged are the audit log's entries about a company, but for the fixture's: who did what, and how it came
// out.
func logged(t *testing.T, url string, company int64) string {
	t.Helper()
	return value[string](t, url, `SELECT coalesce(string_agg(concat_ws(' ', actor_id, ip, action, data_zone, details ->> 'update'), '; ' ORDER BY id), '')
		FROM audit_log WHERE subject = 'companies' AND subject_id = $1 AND company_id = $1 AND action <> 'insert'`, company)
}

func TestACompanyIsCreatedOnce(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		seen := &observed{}
		p, url, _, root := staff(t, mode, func(c *primary.Config) { c.Observe = seen.see })
		ctx := training.WithCaller(t.Context(), training.Caller{IP: "192.0.2.7", IdempotencyKey: "once"})
		seen.take()
		made, lsn, err := p.CreateCompany(ctx, root, newCompany("Société Générique"))
		if err != nil || lsn == 0 || made.ID == 0 || made.Slug != "societe-generique" || made.Zone != "eu" || made.Locale != "en" ||
			made.PrivacyMode != training.Aggregate || !made.IsActive || made.ActiveUsers != 0 || made.Version != 1 || made.CreatedAt.IsZero() {
			t.Fatalf("%+v, %v", made, err)
		}
		if types, n := seen.take(); n >= 5 {
			t.Errorf("%d statements: %v", n, types)
		}
		if again, _, err := p.CreateCompany(ctx, root, newCompany("Société Générique")); err != nil || again != made {
			t.Errorf("the same request again: %+v, %v", again, err)
		}
		_, _, err = p.CreateCompany(t.Context(), root, newCompany("societe generique"))
		if code(t, err, training.Conflict, "slug"); value[int64](t, url, `SELECT count(*) FROM companies`) != 3 {
			t.Error("there are others than the three companies")
		}
		if got := logged(t, url, made.ID); got != "5 192.0.2.7 createCompany eu" {
			t.Errorf("the audit log says %q", got)
		}
		// And somebody of it can be made, who is of its zone.
		person, _, err := p.CreatePerson(t.Context(), root, made.ID, training.NewPerson{Email: "first@example.com", FullName: "First", Role: training.Admin}.Complete())
		if err != nil || person.Company.ID != made.ID || person.Role != training.Admin {
			t.Fatalf("%+v, %v", person, err)
		}
		if zone := value[string](t, url, `SELECT data_zone FROM users WHERE id = $1`, person.ID); zone != "eu" {
			t.Errorf("the first admin is of the zone %s", zone)
		}
	})
}

// TestOfTwoCompaniesWithOneSlugOneIsCreated also when both come at once.
func TestOfTwoCompaniesWithOneSlugOneIsCreated(t *testing.T) {
	p, url, _, root := staff(t)
	var group sync.WaitGroup
	var mu sync.Mutex
	outcomes := map[training.Code]int{}
	for range 4 {
		group.Go(func() {
			_, _, err := p.CreateCompany(t.Context(), root, newCompany("Twins"))
			mu.Lock()
			defer mu.Unlock()
			outcomes[training.CodeOf(err)]++
		})
	}
	group.Wait()
	if outcomes[""] != 1 || outcomes[training.Conflict] != 3 || value[int64](t, url, `SELECT count(*) FROM companies WHERE slug = 'twins'`) != 1 {
		t.Errorf("%v", outcomes)
	}
}

func TestACompanyIsChangedByThoseWhoRunIt(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		p, url, admin, root := staff(t, mode)
		name, country, locale, pseudonymous, no, yes := "Eins & Zwei", "AT", "de", training.Pseudonymous, false, true
		for _, c := range []struct {
			name        string
			who         training.Principal
			id, version int64
			change      training.CompanyChange
			code        training.Code
			says        string
		}{
			{"another's company", admin, 2, 0, training.CompanyChange{Name: &name}, training.NotFound, "company"},
			{"another's company, as only the platform may", admin, 2, 0, training.CompanyChange{IsActive: &no}, training.NotFound, "company"},
			{"none", root, 99, 0, training.CompanyChange{Name: &name}, training.NotFound, "company"},
			{"the country, by its admin", admin, 1, 0, training.CompanyChange{Country: &country}, training.Invalid, "country"},
			{"whether it is active, by its admin", admin, 1, 0, training.CompanyChange{IsActive: &no}, training.Invalid, "is_active"},
			{"a version that is not", admin, 1, 7, training.CompanyChange{Name: &name}, training.Precondition, "If-Match"},
			{"one's own, to not active", root, 2, 0, training.CompanyChange{IsActive: &no}, training.Conflict, "another company"},
		} {
			if _, _, err := p.ChangeCompany(t.Context(), c.who, c.id, c.version, c.change); training.CodeOf(err) != c.code {
				t.Errorf("%s: %v, want %s", c.name, err, c.code)
			} else if text := err.Error() + fields(err); !strings.Contains(text, c.says) {
				t.Errorf("%s: %q does not say %q", c.name, text, c.says)
			}
		}
		if changed := value[int64](t, url, `SELECT count(*) FROM companies WHERE version > 1`); changed != 0 {
			t.Errorf("%d companies were changed by those", changed)
		}
		ctx := training.WithCaller(t.Context(), training.Caller{IP: "192.0.2.8"})
		own := training.CompanyChange{Name: &name, Locale: &locale, PrivacyMode: &pseudonymous}
		for range 2 { // the second changes nothing
			d, lsn, err := p.ChangeCompany(ctx, admin, 1, 0, own)
			if err != nil || lsn == 0 || d.Version != 2 || d.Name != name || d.Locale != "de" || d.PrivacyMode != training.Pseudonymous || d.ActiveUsers != 2 {
				t.Fatalf("%+v, %v", d, err)
			}
		}
		if d, _, err := p.ChangeCompany(ctx, root, 1, 2, training.CompanyChange{Country: &country, IsActive: &yes}); err != nil || d.Country != "AT" || d.Version != 3 {
			t.Fatalf("%+v, %v", d, err)
		}
		const want = `2 192.0.2.8 updateCompany eu {"name": ["Eins", "Eins & Zwei"], "locale": ["en", "de"], "privacy_mode": ["aggregate", "pseudonymous"]}; ` +
			`5 192.0.2.8 updateCompany eu {"country": ["DE", "AT"]}`
		if got := logged(t, url, 1); got != want {
			t.Errorf("the audit log says %s, want %s", got, want)
		}
	})
}

// TestADeactivatedCompanyHasNoSession of any of its people, nor has it when it is active again; others keep
// theirs.
func TestADeactivatedCompanyHasNoSession(t *testing.T) {
	p, url, admin, root := staff(t)
	pgtest.Exec(t, url, `INSERT INTO sessions (company_id, data_zone, user_id, expires_at) VALUES
		(1, 'eu', 2, now() + interval '1 day'), (1, 'eu', 3, now() + interval '1 day'), (1, 'eu', 2, now() - interval '1 day'), (2, 'us', 4, now() + interval '1 day')`)
	login := training.LoginRequest{Login: "änne@example.com", Password: "right"}
	session, _, err := p.Login(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	no, yes := false, true
	for n := range 2 { // the second changes nothing
		if d, _, err := p.ChangeCompany(t.Context(), root, 1, 0, training.CompanyChange{IsActive: &no}); err != nil || d.IsActive || d.Version != 2 {
			t.Fatalf("%d: %+v, %v", n, d, err)
		}
	}
	const open = `SELECT coalesce(string_agg(user_id::text, ','), '') FROM sessions WHERE revoked_at IS NULL AND expires_at > now()`
	if users := value[string](t, url, open); users != "4" {
		t.Errorf("users %s have sessions, want 4", users)
	}
	if _, _, err := p.Login(t.Context(), login); training.CodeOf(err) != training.Unauthorized {
		t.Errorf("a login: %v", err)
	}
	if _, _, err := p.ChangePerson(t.Context(), admin, 1, 0, training.PersonChange{}); training.CodeOf(err) != training.Unauthorized {
		t.Errorf("a write of its admin: %v", err)
	}
	// Somebody logged in while the company was being deactivated, and had not seen it yet.
	pgtest.Exec(t, url, `INSERT INTO sessions (company_id, data_zone, user_id, expires_at) VALUES (1, 'eu', 1, now() + interval '1 day')`)
	if d, _, err := p.ChangeCompany(t.Context(), root, 1, 0, training.CompanyChange{IsActive: &yes}); err != nil || !d.IsActive {
		t.Fatalf("%+v, %v", d, err)
	}
	if users := value[string](t, url, open); users != "4" {
		t.Errorf("users %s have sessions of before, want 4", users)
	}
	if _, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: session.RefreshToken}); training.CodeOf(err) != training.Unauthorized {
		t.Errorf("a session of before lives on: %v", err)
	}
	if _, _, err := p.Login(t.Context(), login); err != nil {
		t.Errorf("a new login: %v", err)
	}
}

// TestThePlatformInvitesTheFirstAdminOfACompany whose own company is another, and in nobody else's name.
func TestThePlatformInvitesTheFirstAdminOfACompany(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		post := new(post)
		p, url, admin, root := staff(t, mode, func(c *primary.Config) { c.Mailer = post })
		made, _, err := p.CreateCompany(t.Context(), root, newCompany("New One"))
		if err != nil {
			t.Fatal(err)
		}
		first := training.Invitation{CompanyID: made.ID, Email: "first@example.com", FullName: "First", Role: training.Admin}
		_, _, err = p.Invite(t.Context(), admin, first)
		code(t, err, training.Forbidden, "platform")
		nowhere := first
		nowhere.CompanyID = 99
		_, _, err = p.Invite(t.Context(), root, nowhere)
		code(t, err, training.Invalid, "company_id")
		if _, _, err := p.Invite(t.Context(), root, first); err != nil {
			t.Fatal(err)
		}
		_, _, err = p.Invite(t.Context(), root, first)
		code(t, err, training.Conflict, "open invitation")
		letter := post.one(t, p, mail.Invitation, "first@example.com")
		if letter.Company != "New One" || letter.Inviter != "Root" {
			t.Errorf("%+v", letter)
		}
		accept := training.Acceptance{Token: letter.Token, Password: good}
		for _, c := range []struct{ spoil, heal string }{
			{`UPDATE companies SET is_active = false WHERE id = 2`, `UPDATE companies SET is_active = true WHERE id = 2`},
			{`UPDATE companies SET is_active = false WHERE slug = 'new-one'`, `UPDATE companies SET is_active = true WHERE slug = 'new-one'`},
			{`UPDATE users SET role = 'admin' WHERE id = 5`, `UPDATE users SET role = 'platform_admin' WHERE id = 5`},
			{`UPDATE users SET is_active = false WHERE id = 5`, `UPDATE users SET is_active = true WHERE id = 5`},
		} {
			pgtest.Exec(t, url, c.spoil)
			_, _, err := p.AcceptInvitation(t.Context(), accept)
			if training.CodeOf(err) != training.Invalid {
				t.Errorf("after %s: %v", c.spoil, err)
			}
			pgtest.Exec(t, url, c.heal)
		}
		session, _, err := p.AcceptInvitation(t.Context(), accept)
		if err != nil || session.CompanyID != made.ID || session.Role != training.Admin || session.Zone != "eu" {
			t.Fatalf("%+v, %v", session, err)
		}
		page, err := p.Invitations(t.Context(), made.ID, training.Paging{Page: 1, Size: 10})
		if err != nil || page.Total != 1 || page.Items[0].AcceptedAt == nil {
			t.Errorf("%+v, %v", page, err)
		}
	})
}

func TestNobodyIsInvitedToACompanyThatIsNotActive(t *testing.T) {
	p, url, admin, root := staff(t)
	pgtest.Exec(t, url, `UPDATE companies SET is_active = false WHERE id = 1`)
	_, _, err := p.Invite(t.Context(), root, training.Invitation{CompanyID: 1, Email: "x@example.com", Role: training.Learner})
	code(t, err, training.Conflict, "Activate it")
	pgtest.Exec(t, url, `UPDATE companies SET is_active = true WHERE id = 1`)
	made, _, err := p.Invite(t.Context(), root, training.Invitation{CompanyID: 1, Email: "x@example.com", Role: training.Learner})
	if err != nil {
		t.Fatal(err)
	}
	stranger := training.Principal{UserID: 4, CompanyID: 2, Role: training.Admin}
	pgtest.Exec(t, url, `UPDATE users SET role = 'admin' WHERE id = 4`)
	_, err = p.WithdrawInvitation(t.Context(), stranger, made.ID)
	code(t, err, training.NotFound, "invitation")
	if _, err := p.WithdrawInvitation(t.Context(), root, made.ID); err != nil {
		t.Error(err)
	}
	if _, err := p.WithdrawInvitation(t.Context(), admin, made.ID); training.CodeOf(err) != training.NotFound {
		t.Errorf("it is withdrawn twice: %v", err)
	}
}
