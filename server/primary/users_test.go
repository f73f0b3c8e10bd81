package primary_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/primary"
	"outpost/server/training"
)

// staff makes learner 2 of open's company 1 its administrator, and adds a platform administrator
// to company 2.
func staff(t *testing.T, change ...func(*primary.Config)) (p *primary.Primary, url string, admin, root training.Principal) {
	t.Helper()
	p, url = open(t, change...)
	pgtest.Exec(
		t, url, `UPDATE users SET role = 'admin' WHERE id = 2`,
		`INSERT INTO users (company_id, data_zone, email, full_name, role) VALUES (2, 'us', 'root@example.com', 'Root', 'platform_admin')`,
	)
	return p, url, training.Principal{UserID: 2, CompanyID: 1, Role: training.Admin}, training.Principal{UserID: 5, CompanyID: 2, Role: training.PlatformAdmin}
}

func newcomer(email string) training.NewPerson {
	return training.NewPerson{Email: email, FullName: "Nëw", Department: "IT"}.Complete()
}

func fields(err error) string {
	var names []string
	var e *training.Error
	if errors.As(err, &e) {
		for _, f := range e.Fields {
			names = append(names, fmt.Sprintf("%d %s %s", f.Row, f.Field, f.Message))
		}
	}
	return strings.Join(names, "; ")
}

func TestAPersonIsCreatedOnce(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		p, url, admin, root := staff(t, mode)
		d, lsn, err := p.CreatePerson(t.Context(), admin, 0, newcomer("New@Example.com"))
		if err != nil || lsn == 0 || d.Version != 1 || d.Email != "New@Example.com" || d.Role != training.Learner || d.JobRisk != "medium" ||
			!d.IsActive || d.CompanyID != 1 || d.Company.Slug != "eins" || d.Department != "IT" {
			t.Fatalf("%+v, %v", d, err)
		}
		if zone := value[string](t, url, `SELECT data_zone FROM users WHERE id = $1`, d.ID); zone != "eu" {
			t.Errorf("zone %q", zone)
		}
		for _, c := range []struct {
			who     training.Principal
			company int64
			email   string
			code    training.Code
			says    string
		}{
			{admin, 0, "new@example.COM", training.Conflict, "in this company already"},
			{admin, 0, "four@example.com", training.Conflict, "cannot be used"}, // another company's: not said
			{root, 1, "four@example.com", training.Conflict, "another company"},
			{admin, 2, "other@example.com", training.Forbidden, ""},
			{admin, 1, "own@example.com", "", ""},
			{root, 1, "elsewhere@example.com", "", ""},
			{root, 99, "nowhere@example.com", training.Invalid, "company"},
		} {
			d, _, err := p.CreatePerson(t.Context(), c.who, c.company, newcomer(c.email))
			if training.CodeOf(err) != c.code || !strings.Contains(fields(err), c.says) || err == nil && d.CompanyID != c.company {
				t.Errorf("%s in %d: %+v, %v %s", c.email, c.company, d.Person, err, fields(err))
			}
		}
		// Again under the same key: the same person, and another request is refused.
		ctx := training.WithCaller(t.Context(), training.Caller{IdempotencyKey: "k"})
		first, _, err := p.CreatePerson(ctx, admin, 0, newcomer("key@example.com"))
		again, _, err2 := p.CreatePerson(ctx, admin, 0, newcomer("key@example.com"))
		if err != nil || err2 != nil || first.ID != again.ID || first.CreatedAt != again.CreatedAt {
			t.Errorf("%+v, %v; again %+v, %v", first.Person, err, again.Person, err2)
		}
	})
}

func TestAPersonIsChangedByTheRules(t *testing.T) {
	p, url, admin, root := staff(t)
	role := func(r training.Role) training.PersonChange { return training.PersonChange{Role: &r} }
	text := func(s string) *string { return &s }
	no := false
	for _, c := range []struct {
		name    string
		who     training.Principal
		id      int64
		version int64
		change  training.PersonChange
		code    training.Code
	}{
		{"a name", admin, 1, 1, training.PersonChange{FullName: text("Änne Neu")}, ""},
		{"nothing", admin, 1, 2, training.PersonChange{FullName: text("Änne Neu")}, ""},
		{"what has moved on", admin, 1, 1, training.PersonChange{FullName: text("Other")}, training.Precondition},
		{"a role", admin, 1, 0, role(training.Manager), ""},
		{"one's own role", admin, 2, 0, role(training.Learner), training.Forbidden},
		{"oneself", admin, 2, 0, training.PersonChange{IsActive: &no}, training.Forbidden},
		{"one's own name", admin, 2, 0, training.PersonChange{FullName: text("Me")}, ""},
		{"another company's", admin, 4, 0, training.PersonChange{FullName: text("X")}, training.NotFound},
		{"nobody", admin, 99, 0, training.PersonChange{FullName: text("X")}, training.NotFound},
		{"an address in use", admin, 1, 0, training.PersonChange{Email: text("GONE@example.com")}, training.Conflict},
		{"an address in use elsewhere", admin, 1, 0, training.PersonChange{Email: text("four@example.com")}, training.Conflict},
		{"an address in other letters", admin, 1, 0, training.PersonChange{Email: text("ÄNNE@example.com")}, ""},
		{"anybody", root, 1, 0, role(training.PlatformAdmin), ""},
		{"somebody above", admin, 1, 0, training.PersonChange{FullName: text("X")}, training.Forbidden},
	} {
		before := value[string](t, url, `SELECT coalesce(json_agg(u ORDER BY id), '[]')::text FROM users u`)
		d, lsn, err := p.ChangePerson(t.Context(), c.who, c.id, c.version, c.change)
		after := value[string](t, url, `SELECT coalesce(json_agg(u ORDER BY id), '[]')::text FROM users u`)
		switch {
		case training.CodeOf(err) != c.code:
			t.Errorf("%s: %v", c.name, err)
		case c.code == "" && (err != nil || lsn == 0):
			t.Errorf("%s: %v", c.name, err)
		case (c.code != "" || c.name == "nothing") != (before == after):
			t.Errorf("%s: what was written is wrong: %s", c.name, after)
		case err == nil:
			if v := value[int64](t, url, `SELECT version FROM users WHERE id = $1`, c.id); v != d.Version {
				t.Errorf("%s: version %d, answered %d", c.name, v, d.Version)
			}
		}
	}
	audit := value[string](t, url, `SELECT details::text FROM audit_log WHERE actor_id = 2 AND action = 'updateUser' AND subject_id = 1 ORDER BY id LIMIT 1`)
	if !strings.Contains(audit, `"full_name": ["Änne", "Änne Neu"]`) {
		t.Errorf("the audit log says %s", audit)
	}
}

func TestEverybodyChoosesTheirLanguage(t *testing.T) {
	p, url, admin, _ := staff(t)
	german, none := "de", ""
	for _, c := range []struct {
		name    string
		who     training.Principal
		version int64
		locale  *string
		code    training.Code
		now     int64 // the version afterwards
	}{
		{"a learner's", learner, 1, &german, "", 2},
		{"the same again", learner, 0, &german, "", 2},
		{"nothing", learner, 2, nil, "", 2},
		{"what has moved on", learner, 1, &none, training.Precondition, 2},
		{"none", learner, 2, &none, "", 3},
		{"an admin's", admin, 0, &german, "", 3},
		{"of whoever is not active", training.Principal{UserID: 3, CompanyID: 1, Role: training.Learner}, 0, &german, training.Unauthorized, 1},
	} {
		d, lsn, err := p.ChangeLocale(t.Context(), c.who, c.version, c.locale)
		if training.CodeOf(err) != c.code || c.code == "" && (err != nil || lsn == 0 || d.ID != c.who.UserID || d.Version != c.now || d.Company.Slug != "eins") {
			t.Errorf("%s: %+v, %v", c.name, d, err)
		}
		if c.code == "" && c.locale != nil && (d.Locale != *c.locale || value[string](t, url, `SELECT locale FROM users WHERE id = $1`, c.who.UserID) != *c.locale) {
			t.Errorf("%s: it is %q", c.name, d.Locale)
		}
		if v := value[int64](t, url, `SELECT version FROM users WHERE id = $1`, c.who.UserID); v != c.now {
			t.Errorf("%s: the version is %d", c.name, v)
		}
	}
	if got := value[string](t, url, `SELECT string_agg(actor_id || ' ' || subject_id || ' ' || (details #>> '{update,locale}'), '; ' ORDER BY id)
		FROM audit_log WHERE action = 'updateMe' AND subject = 'users'`); got != `1 1 ["", "de"]; 1 1 ["de", ""]; 2 2 ["", "de"]` {
		t.Errorf("the audit log says %s", got)
	}
}

func TestEachWriteOfAPersonTakesFewerThanFiveStatements(t *testing.T) {
	var seen observed
	p, _, admin, _ := staff(t, func(c *primary.Config) { c.Observe = seen.see })
	ctx := training.WithCaller(t.Context(), training.Caller{IdempotencyKey: "k"})
	name := "Other"
	for what, write := range map[string]func() error{
		"create": func() error { _, _, err := p.CreatePerson(ctx, admin, 0, newcomer("few@example.com")); return err },
		"create what is taken": func() error {
			_, _, err := p.CreatePerson(t.Context(), admin, 0, newcomer("gone@example.com"))
			return err
		},
		"create what is taken, under a key": func() error {
			_, _, err := p.CreatePerson(training.WithCaller(t.Context(), training.Caller{IdempotencyKey: "l"}), admin, 0, newcomer("gone@example.com"))
			return err
		},
		"change": func() error {
			_, _, err := p.ChangePerson(ctx, admin, 1, 0, training.PersonChange{FullName: &name})
			return err
		},
		"deactivate": func() error { _, err := p.DeactivatePerson(ctx, admin, 1, 0); return err },
	} {
		seen.take()
		if err := write(); err != nil && training.CodeOf(err) != training.Conflict {
			t.Errorf("%s: %v", what, err)
		}
		if types, total := seen.take(); total > 4 || total < 3 {
			t.Errorf("%s took %v", what, types)
		}
	}
}

func TestADeactivatedPersonHasNoSession(t *testing.T) {
	p, url, admin, _ := staff(t)
	session, _, err := p.Login(t.Context(), training.LoginRequest{Login: "änne@example.com", Password: "right"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.DeactivatePerson(t.Context(), admin, 1, 9); training.CodeOf(err) != training.Precondition {
		t.Errorf("a version that is not: %v", err)
	}
	for n := range 2 { // the second changes nothing
		if _, err := p.DeactivatePerson(t.Context(), admin, 1, 0); err != nil {
			t.Fatal(err)
		}
		if v := value[int64](t, url, `SELECT version FROM users WHERE id = 1`); v != 2 {
			t.Errorf("after %d times the version is %d", n+1, v)
		}
	}
	if open := value[int64](t, url, `SELECT count(*) FROM sessions WHERE user_id = 1 AND revoked_at IS NULL`); open != 0 {
		t.Errorf("%d sessions are open", open)
	}
	yes := true
	if d, _, err := p.ChangePerson(t.Context(), admin, 1, 0, training.PersonChange{IsActive: &yes}); err != nil || !d.IsActive {
		t.Fatalf("%+v, %v", d, err)
	}
	if _, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: session.RefreshToken}); training.CodeOf(err) != training.Unauthorized {
		t.Errorf("a session of before lives on: %v", err)
	}
}

func rows(people ...training.NewPerson) []training.BulkPerson {
	out := make([]training.BulkPerson, len(people))
	for i, n := range people {
		out[i] = training.BulkPerson{Row: i + 1, NewPerson: n}
	}
	return out
}

func TestPeopleAreCreatedInBulkAllOrNothing(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		p, url, admin, root := staff(t, mode)
		count := func() int64 { return value[int64](t, url, `SELECT count(*) FROM users`) }
		people := rows(newcomer("a@example.com"), newcomer("GONE@example.com"), newcomer("b@example.com"), newcomer("A@example.com"),
			newcomer("four@example.com"), newcomer("c@example.com"))
		people[5].Errors = []training.FieldError{{Field: "role", Message: "must not be above your own"}}
		before := count()
		_, _, err := p.CreatePeople(t.Context(), admin, 0, people, false)
		const want = "2 email is somebody's in this company already; 4 email is that of row 1; 5 email cannot be used: it is not free; 6 role must not be above your own"
		if training.CodeOf(err) != training.Invalid || fields(err) != want || count() != before {
			t.Errorf("%v: %s; %d people more", err, fields(err), count()-before)
		}
		out, lsn, err := p.CreatePeople(t.Context(), admin, 0, people, true)
		if err != nil || lsn == 0 || out.Created != 2 || out.Failed != 4 || len(out.Rows) != 6 || count() != before+2 {
			t.Errorf("%+v, %v", out, err)
		}
		for _, r := range out.Rows {
			if good := r.Row == 1 || r.Row == 3; good != (r.ID != 0) || good == (len(r.Errors) > 0) {
				t.Errorf("row %d: %+v", r.Row, r)
			}
		}
		out, _, err = p.CreatePeople(t.Context(), root, 1, rows(newcomer("d@example.com"), newcomer("e@example.com")), false)
		if err != nil || out.Created != 2 {
			t.Errorf("%+v, %v", out, err)
		}
		if _, _, err := p.CreatePeople(t.Context(), root, 99, rows(newcomer("f@example.com")), true); training.CodeOf(err) != training.Invalid {
			t.Errorf("into no company: %v", err)
		}
		if _, _, err := p.CreatePeople(t.Context(), admin, 2, rows(newcomer("f@example.com")), true); training.CodeOf(err) != training.Forbidden {
			t.Errorf("into another company: %v", err)
		}
		if left := value[int64](t, url, `SELECT count(*) FROM user_imports`); left != 0 {
			t.Errorf("%d rows are left where they were staged", left)
		}
	})
}

// TestPeopleAreTriedFirst wants of a dry run what the real one would say, and nothing to come of it.
func TestPeopleAreTriedFirst(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		p, url, admin, root := staff(t, mode)
		state := func() string {
			return value[string](t, url, `SELECT concat_ws(' ', (SELECT count(*) FROM users), (SELECT count(*) FROM audit_log), (SELECT count(*) FROM outbox),
				(SELECT count(*) FROM idempotency_keys), (SELECT count(*) FROM user_imports))`)
		}
		ctx := training.WithCaller(t.Context(), training.Caller{IdempotencyKey: "k"})
		people := rows(newcomer("a@example.com"), newcomer("GONE@example.com"), newcomer("b@example.com"), newcomer("A@example.com"),
			newcomer("four@example.com"), newcomer("c@example.com"))
		people[5].Errors = []training.FieldError{{Field: "role", Message: "must not be above your own"}}
		before := state()
		out, err := p.TryPeople(ctx, admin, 0, people)
		if err != nil || out.Created != 0 || out.Failed != 4 || len(out.Rows) != 6 || state() != before {
			t.Fatalf("%+v, %v; %s, before %s", out, err, state(), before)
		}
		for _, r := range out.Rows {
			if good := r.Row == 1 || r.Row == 3; r.ID != 0 || good == (len(r.Errors) > 0) {
				t.Errorf("row %d: %+v", r.Row, r)
			}
		}
		_, _, err = p.CreatePeople(t.Context(), admin, 0, people, false)
		if fields(out.Refusal()) != fields(err) {
			t.Errorf("tried: %s; in earnest: %s", fields(out.Refusal()), fields(err))
		}
		good := rows(newcomer("a@example.com"), newcomer("b@example.com"))
		for range 2 { // none stands in the other's way
			if out, err := p.TryPeople(ctx, root, 1, good); err != nil || out.Created != 0 || out.Failed != 0 || len(out.Rows) != 2 || state() != before {
				t.Errorf("all good: %+v, %v; %s, before %s", out, err, state(), before)
			}
		}
		for what, c := range map[string]struct {
			who     training.Principal
			company int64
			code    training.Code
		}{
			"into no company":      {root, 99, training.Invalid},
			"into another company": {admin, 2, training.Forbidden},
			"not active":           {training.Principal{UserID: 3, CompanyID: 1, Role: training.Admin}, 0, training.Unauthorized},
			"no admin any more":    {training.Principal{UserID: 1, CompanyID: 1, Role: training.Admin}, 0, training.Unauthorized},
		} {
			if _, err := p.TryPeople(ctx, c.who, c.company, good); training.CodeOf(err) != c.code {
				t.Errorf("%s: %v", what, err)
			}
		}
		// The key is as good as it was.
		if out, _, err := p.CreatePeople(ctx, admin, 0, good, false); err != nil || out.Created != 2 {
			t.Errorf("in earnest: %+v, %v", out, err)
		}
	})
}

func TestTenThousandPeopleTakeFewerThanFiveStatements(t *testing.T) {
	var seen observed
	p, url, admin, _ := staff(t, func(c *primary.Config) { c.Observe = seen.see })
	people := make([]training.NewPerson, training.MaxBulk)
	for i := range people {
		people[i] = newcomer(fmt.Sprintf("bulk%d@example.com", i))
	}
	seen.take()
	ctx := training.WithCaller(t.Context(), training.Caller{IdempotencyKey: "bulk"})
	out, _, err := p.CreatePeople(ctx, admin, 0, rows(people...), false)
	if err != nil || out.Created != training.MaxBulk || out.Failed != 0 {
		t.Fatalf("%d created, %d failed: %v", out.Created, out.Failed, err)
	}
	if types, total := seen.take(); total > 3 { // and COPY, which the tracer does not see
		t.Errorf("it took %v", types)
	}
	again, _, err := p.CreatePeople(ctx, admin, 0, rows(people...), false)
	if err != nil || again.Created != training.MaxBulk || again.Rows[17].ID != out.Rows[17].ID {
		t.Errorf("again under the same key: %d, %v", again.Created, err)
	}
	if n := value[int64](t, url, `SELECT count(*) FROM audit_log WHERE action = 'createUsers' AND subject = 'users' AND actor_id = 2`); n != training.MaxBulk {
		t.Errorf("the audit log knows of %d", n)
	}
	_, _, err = p.CreatePeople(t.Context(), admin, 0, rows(people...), false)
	var e *training.Error
	if !errors.As(err, &e) || len(e.Fields) != training.MaxBulkErrors || !strings.Contains(e.Message, "10000") {
		t.Errorf("when all are taken, %d reasons: %v", len(e.Fields), err)
	}
}

func TestTwoBulksOfTheSamePeopleAtOnce(t *testing.T) {
	p, url, admin, _ := staff(t)
	var people []training.NewPerson
	for i := range 300 {
		people = append(people, newcomer(fmt.Sprintf("twice%d@example.com", i)))
	}
	backwards := make([]training.NewPerson, len(people))
	for i, n := range people {
		backwards[len(people)-1-i] = n
	}
	var group sync.WaitGroup
	created := make([]int, 4)
	for n := range created {
		group.Go(func() {
			list := people
			if n%2 == 1 {
				list = backwards
			}
			out, _, err := p.CreatePeople(context.WithoutCancel(t.Context()), admin, 0, rows(list...), n < 2)
			if code := training.CodeOf(err); err != nil && code != training.Invalid && code != training.Unavailable {
				t.Errorf("bulk %d: %v", n, err)
			}
			created[n] = out.Created
		})
	}
	group.Wait()
	if n := value[int64](t, url, `SELECT count(*) FROM users WHERE email LIKE 'twice%'`); n != 300 {
		t.Errorf("%d people; the bulks say %v", n, created)
	}
}

func TestTenThousandLoginsAreOneStatement(t *testing.T) {
	var seen observed
	p, url, _, _ := staff(t, func(c *primary.Config) { c.Observe = seen.see })
	pgtest.Exec(t, url, `INSERT INTO users (company_id, data_zone, email, full_name) SELECT 1, 'eu', 'l' || i || '@example.com', 'L' FROM generate_series(1, 9996) i`)
	primary.NoteLogins(p, 10_000)
	seen.take()
	if err := p.FlushActivity(t.Context()); err != nil {
		t.Fatal(err)
	}
	if types, _ := seen.take(); types["record_logins"] != 1 || len(types) != 2 || types["wal_insert"] != 1 {
		t.Errorf("it took %v", types)
	}
	if n := value[int64](t, url, `SELECT count(*) FROM user_activity WHERE last_login_at IS NOT NULL`); n != 10_000 {
		t.Errorf("%d logins are recorded", n)
	}
}
