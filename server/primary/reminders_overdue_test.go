package primary_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/mail"
	"outpost/server/mail/mailtest"
	"outpost/server/primary"
	"outpost/server/training"
)

// behind gives people who are overdue: learner 1, whose language is German, in the courses 1 and 2, learner 2 in
// course 2, the inactive learner 3 in course 1, and learner 4 of company 2. What is open and not yet due, what has
// no date, and what was completed late is nobody's business.
func behind(t *testing.T) (*primary.Primary, string, *post) {
	t.Helper()
	p, url, post := opened(t)
	pgtest.Exec(
		t, url, `UPDATE users SET locale = 'de', department = 'IT' WHERE id = 1`,
		`INSERT INTO enrollments (company_id, data_zone, user_id, course_id, status, due_at, completed_at) VALUES
			(1, 'eu', 1, 2, 'in_progress', '2026-03-02T00:00:00Z', NULL), (1, 'eu', 1, 1, 'assigned', '2026-03-01T23:59:59Z', NULL),
			(1, 'eu', 1, 3, 'assigned', now() + interval '1 day', NULL), (1, 'eu', 2, 2, 'assigned', '2026-02-01T00:00:00Z', NULL),
			(1, 'eu', 2, 1, 'assigned', NULL, NULL), (1, 'eu', 2, 3, 'completed', '2026-02-01T00:00:00Z', '2026-02-03T00:00:00Z'),
			(1, 'eu', 3, 1, 'assigned', '2026-01-01T00:00:00Z', NULL), (2, 'us', 4, 1, 'assigned', '2026-01-01T00:00:00Z', NULL)`,
	)
	return p, url, post
}

func remind(t *testing.T, p *primary.Primary, r training.ReminderRequest) training.ReminderOutcome {
	t.Helper()
	out, lsn, err := p.RemindOverdue(t.Context(), admin, r)
	if err != nil || lsn == 0 {
		t.Fatalf("%+v: %v", r, err)
	}
	return out
}

// yesterday makes it a day since everybody was reminded.
func yesterday(t *testing.T, url string) {
	t.Helper()
	pgtest.Exec(t, url, `UPDATE overdue_reminders SET reminded_on = reminded_on - 1`)
}

func TestAReminderOnRequestArrivesOnceADay(t *testing.T) {
	server := mailtest.Start(t, reserve(t), nil)
	p, url, _ := behind(t)
	other, err := primary.Open(t.Context(), primary.Config{URL: url, MaxConns: 4, MinConns: 1, Mailer: sender(t, server.Addr())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	flush := func() {
		t.Helper()
		if err := other.FlushMail(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if out := remind(t, p, training.ReminderRequest{}); out != (training.ReminderOutcome{People: 2}) {
		t.Errorf("%+v", out)
	}
	flush()
	german := server.Messages("Änne@example.com")
	if len(german) != 1 || german[0].Subject != "Erinnerung: Ihr Sicherheitstraining ist überfällig" {
		t.Fatalf("%+v", server.Messages(""))
	}
	for _, want := range []string{"Guten Tag Änne", "Sicherheitstraining von Eins", "- Eins (fällig war der 1. März 2026)", "- two (fällig war der 2. März 2026)", "https://training.example.com"} {
		if !strings.Contains(german[0].Text, want) {
			t.Errorf("the letter lacks %q: %s", want, german[0].Text)
		}
	}
	if strings.Contains(german[0].Text, "draft") {
		t.Errorf("the letter names what is not due: %s", german[0].Text)
	}
	english := server.Messages("two@example.com")
	if len(english) != 1 || !strings.Contains(english[0].Text, "- two (was due on 1 February 2026)") || strings.Contains(english[0].Text, "One") {
		t.Errorf("%+v", english)
	}
	if out := remind(t, p, training.ReminderRequest{UserID: 1}); out != (training.ReminderOutcome{Skipped: 1}) {
		t.Errorf("the second time: %+v", out)
	}
	flush()
	if n := len(server.Messages("")); n != 2 {
		t.Errorf("%d letters", n)
	}
	yesterday(t, url)
	if out := remind(t, p, training.ReminderRequest{UserID: 1}); out != (training.ReminderOutcome{People: 1}) {
		t.Errorf("the next day: %+v", out)
	}
	flush()
	if n := len(server.Messages("Änne@example.com")); n != 2 {
		t.Errorf("%d letters by the next day", n)
	}
}

func TestWhoIsRemindedOnRequest(t *testing.T) {
	for name, c := range map[string]struct {
		request training.ReminderRequest
		change  string
		want    []string
	}{
		"everybody":                {training.ReminderRequest{}, "", []string{"two@example.com", "Änne@example.com"}},
		"one":                      {training.ReminderRequest{UserID: 2}, "", []string{"two@example.com"}},
		"of a course":              {training.ReminderRequest{CourseID: 1}, "", []string{"Änne@example.com"}},
		"of a course put away":     {training.ReminderRequest{CourseID: 1}, `UPDATE courses SET is_published = false`, []string{"Änne@example.com"}},
		"of a department":          {training.ReminderRequest{Department: "IT"}, "", []string{"Änne@example.com"}},
		"of a department, another": {training.ReminderRequest{Department: "it"}, "", nil},
		"of both":                  {training.ReminderRequest{Department: "IT", CourseID: 2}, "", []string{"Änne@example.com"}},
		"one, not in the course":   {training.ReminderRequest{UserID: 2, CourseID: 1}, "", nil},
		"one who is not active":    {training.ReminderRequest{UserID: 3}, "", nil},
		"one who is not overdue":   {training.ReminderRequest{UserID: 5}, "", nil},
		"nobody is overdue":        {training.ReminderRequest{}, `UPDATE enrollments SET due_at = now() + interval '1 hour'`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p, url, post := behind(t)
			if c.change != "" {
				pgtest.Exec(t, url, c.change)
			}
			out := remind(t, p, c.request)
			var got []string
			for _, l := range post.take(t, p) {
				got = append(got, l.To)
				if l.Kind != mail.Reminder {
					t.Errorf("%+v", l)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) || out.People != int64(len(c.want)) || out.Skipped != 0 {
				t.Errorf("%+v, letters to %q, want %q", out, got, c.want)
			}
		})
	}
}

func TestWhoCannotBeRemindedOnRequest(t *testing.T) {
	p, url, post := behind(t)
	pgtest.Exec(t, url, `INSERT INTO courses (id, slug, category, minutes) VALUES (5, 'unseen', 'email', 1)`)
	for name, c := range map[string]struct {
		who     training.Principal
		request training.ReminderRequest
		want    training.Code
		text    string
	}{
		"nobody":                   {admin, training.ReminderRequest{UserID: 99}, training.NotFound, "user"},
		"somebody of another":      {admin, training.ReminderRequest{UserID: 4}, training.NotFound, "user"},
		"of a course that is none": {admin, training.ReminderRequest{CourseID: 99}, training.Invalid, "course_id"},
		"of a course not shown":    {admin, training.ReminderRequest{CourseID: 5}, training.Invalid, "course_id"},
		"by who is no administrator": {
			training.Principal{UserID: 2, CompanyID: 1, Role: training.Admin}, training.ReminderRequest{}, training.Unauthorized, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := p.RemindOverdue(t.Context(), c.who, c.request)
			code(t, err, c.want, c.text)
		})
	}
	if letters := post.take(t, p); len(letters) > 0 {
		t.Errorf("%+v", letters)
	}
	if n := value[int64](t, url, `SELECT count(*) FROM audit_log WHERE action = 'remind'`); n != 0 {
		t.Errorf("%d entries in the audit log", n)
	}
}

func TestAReminderOnRequestIsAudited(t *testing.T) {
	p, url, post := behind(t)
	ctx := training.WithCaller(t.Context(), training.Caller{IdempotencyKey: "k", IP: "192.0.2.1"})
	for range 2 { // the same request, which is answered the same
		out, _, err := p.RemindOverdue(ctx, admin, training.ReminderRequest{})
		if err != nil || out != (training.ReminderOutcome{People: 2}) {
			t.Fatalf("%+v, %v", out, err)
		}
	}
	_, _, err := p.RemindOverdue(ctx, admin, training.ReminderRequest{UserID: 1})
	code(t, err, training.Invalid, "Idempotency-Key")
	if letters := post.take(t, p); len(letters) != 2 {
		t.Errorf("%+v", letters)
	}
	yesterday(t, url)
	remind(t, p, training.ReminderRequest{UserID: 1})
	remind(t, p, training.ReminderRequest{UserID: 1}) // skipped: nothing happens
	const entries = `SELECT string_agg(concat_ws(' ', subject_id, company_id, actor_id, nullif(ip, ''), CASE WHEN details ? 'insert' THEN 'insert' ELSE 'update' END), ', ' ORDER BY id)
		FROM audit_log WHERE action = 'remind' AND subject = 'overdue_reminders'`
	if got, want := value[string](t, url, entries), "1 1 5 192.0.2.1 insert, 2 1 5 192.0.2.1 insert, 1 1 5 update"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestManyWhoPressAtOnceRemindOnce(t *testing.T) {
	p, url, _ := behind(t)
	crowdOverdue(t, url, 500)
	var (
		pressing sync.WaitGroup
		mu       sync.Mutex
		all      training.ReminderOutcome
	)
	for range 4 {
		pressing.Go(func() {
			out, _, err := p.RemindOverdue(context.WithoutCancel(t.Context()), admin, training.ReminderRequest{})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			all.People, all.Skipped = all.People+out.People, all.Skipped+out.Skipped
		})
	}
	pressing.Wait()
	const once = `SELECT count(*) || ' ' || count(DISTINCT recipient) FROM outbox WHERE kind = 'reminder'`
	if got := value[string](t, url, once); got != "502 502" || all.People != 502 || all.Skipped != 3*502 {
		t.Errorf("letters and recipients: %s; %+v", got, all)
	}
}

// crowdOverdue makes people who are overdue in course 1.
func crowdOverdue(t *testing.T, url string, people int) {
	t.Helper()
	pgtest.Exec(
		t, url, `SET session_replication_role = replica`, // no triggers
		fmt.Sprintf(`INSERT INTO users (company_id, data_zone, email, email_folded, full_name, full_name_folded, department)
			SELECT 1, 'eu', 'many' || n || '@example.com', 'many' || n || '@example.com', 'Many', 'many', 'Many' FROM generate_series(1, %d) n`, people),
		`INSERT INTO enrollments (company_id, data_zone, user_id, course_id, due_at) SELECT 1, 'eu', id, 1, '2026-01-01' FROM users WHERE department = 'Many'`,
		`ANALYZE`,
	)
}

func TestNoMoreThanTenThousandAreRemindedAtOnce(t *testing.T) {
	p, url, _ := behind(t)
	crowdOverdue(t, url, training.MaxReminded)
	_, _, err := p.RemindOverdue(t.Context(), admin, training.ReminderRequest{})
	code(t, err, training.Invalid, "Choose a department or a course")
	if n := value[int64](t, url, `SELECT count(*) FROM outbox`); n != 0 {
		t.Errorf("%d letters", n)
	}
	if out := remind(t, p, training.ReminderRequest{Department: "Many"}); out.People != training.MaxReminded {
		t.Errorf("%+v", out)
	}
}
