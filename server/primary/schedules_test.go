package primary_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/mail"
	"outpost/server/primary"
	"outpost/server/training"
)

// scheduled is a schedule of a day of which nothing is due yet.
func scheduled(cadence training.Cadence, first string) training.NewReportSchedule {
	at, err := time.Parse(time.DateOnly, first)
	if err != nil {
		panic(err)
	}
	return training.NewReportSchedule{NewReport: gdpr, Cadence: cadence, FirstAt: &at}
}

func schedule(t *testing.T, p *primary.Primary, n training.NewReportSchedule) training.ReportSchedule {
	t.Helper()
	s, lsn, err := p.CreateReportSchedule(t.Context(), manager, n)
	if err != nil || lsn == 0 {
		t.Fatal(err)
	}
	return s
}

func runAt(t *testing.T, p *primary.Primary, date string) {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04", date)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.RunSchedules(t.Context(), at); err != nil {
		t.Fatal(err)
	}
}

func TestASchedulesReportIsMailedOnce(t *testing.T) {
	post := new(post)
	content := bytes.Repeat([]byte("document "), 100_000)
	p, url := openReports(t, maker(func(_ context.Context, _ training.Report, w io.Writer) error {
		_, err := w.Write(content)
		return err
	}), func(c *primary.Config) { c.Mailer, c.MailPoll = post, time.Hour })
	s := schedule(t, p, scheduled(training.Monthly, "2099-01-31"))
	run(t, p)
	runAt(t, p, "2099-01-30 23:59")
	if n := value[int64](t, url, `SELECT count(*) FROM reports`); n != 0 {
		t.Fatalf("%d reports before their time", n)
	}
	// After a long absence, and by several at once: one.
	var running sync.WaitGroup
	for range 3 {
		running.Go(func() { runAt(t, p, "2099-03-05 00:00") })
	}
	running.Wait()
	if got, want := value[string](t, url, `SELECT count(*) || ' ' || max(schedule_id) FROM reports`), fmt.Sprintf("1 %d", s.ID); got != want {
		t.Fatalf("%s, want %s", got, want)
	}
	if next := value[time.Time](t, url, `SELECT next_at FROM report_schedules`); !next.Equal(time.Date(2099, 3, 31, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the next is at %v", next)
	}
	becomes(t, url, 1, training.ReportCompleted)
	// The document is kept until its letter has gone, though it has expired.
	pgtest.Exec(t, url, `UPDATE reports SET expires_at = now() - interval '1 day'`)
	if err := p.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	l := post.one(t, p, mail.Report, "two@example.com")
	if l.Attachment == nil || l.Document == nil || l.Document.Subject != "Eins" || l.Document.Bytes != int64(len(content)) || l.Locale != "de" || l.Name != "Two" {
		t.Fatalf("%+v", l)
	}
	file, err := l.Attachment.Load(t.Context())
	if err != nil || !bytes.Equal(file.Content, content) || !strings.HasPrefix(file.Name, "gdpr-") || file.Type != "application/pdf" {
		t.Errorf("%s of %d bytes, %v", file.Name, len(file.Content), err)
	}
	if err := p.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := value[int64](t, url, `SELECT count(*) FROM report_documents`); n != 0 {
		t.Errorf("%d parts are left", n)
	}
	if _, err := l.Attachment.Load(t.Context()); err == nil {
		t.Error("a document that is gone was loaded")
	}
	if letters := post.take(t, p); len(letters) != 0 {
		t.Errorf("%+v", letters)
	}
}

// Where no mail goes, documents are not kept for ever.
func TestADocumentWaitsAWeekForItsLetterToGo(t *testing.T) {
	p, url := openReports(t, maker(named))
	schedule(t, p, scheduled(training.Weekly, "2099-01-01"))
	run(t, p)
	runAt(t, p, "2099-01-01 00:00")
	becomes(t, url, 1, training.ReportCompleted)
	for _, step := range []struct {
		change string
		parts  int
	}{
		{`UPDATE reports SET expires_at = now() - interval '6 days'`, 1},
		{`UPDATE outbox SET expires_at = expires_at - interval '6 days'`, 1},
		{`UPDATE outbox SET expires_at = expires_at - interval '1 day'`, 0},
	} {
		pgtest.Exec(t, url, step.change)
		if err := p.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := value[int](t, url, `SELECT count(*) FROM report_documents`); n != step.parts {
			t.Errorf("after %s there are %d parts, want %d", step.change, n, step.parts)
		}
	}
}

func TestAScheduleThatFailsSaysSoAndGoesOn(t *testing.T) {
	post := new(post)
	p, url := openReports(t, maker(func(context.Context, training.Report, io.Writer) error {
		return training.Errorf(training.Forbidden, "no")
	}), func(c *primary.Config) { c.Mailer, c.MailPoll = post, time.Hour })
	schedule(t, p, scheduled(training.Weekly, "2099-01-01"))
	run(t, p)
	runAt(t, p, "2099-01-01 00:00")
	becomes(t, url, 1, training.ReportFailed)
	if l := post.one(t, p, mail.ReportFailed, "two@example.com"); l.Attachment != nil || l.Document.Type != "gdpr" {
		t.Errorf("%+v", l)
	}
	if next := value[time.Time](t, url, `SELECT next_at FROM report_schedules`); !next.Equal(time.Date(2099, 1, 8, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the next is at %v", next)
	}
}

func TestADocumentThatIsTooLargeIsNotAttached(t *testing.T) {
	p, url, post := opened(t)
	pgtest.Exec(
		t, url, `UPDATE users SET role = 'manager' WHERE id = 2`,
		`INSERT INTO report_schedules (company_id, data_zone, user_id, type, format, locale, cadence, first_at, next_at) VALUES (1, 'eu', 2, 'gdpr', 'pdf', 'de', 'weekly', now(), now())`,
		`INSERT INTO reports (company_id, data_zone, requested_by, type, format, schedule_id) VALUES (1, 'eu', 2, 'gdpr', 'pdf', 1)`,
		fmt.Sprintf(`UPDATE reports SET state = 'completed', bytes = %d, completed_at = now()`, mail.MaxAttachment+1),
	)
	if l := post.one(t, p, mail.Report, "two@example.com"); l.Attachment != nil || !l.Document.TooLarge() {
		t.Errorf("%+v", l)
	}
}

func TestWhoMayNotGetsNoReport(t *testing.T) {
	for name, test := range map[string]struct {
		change          string
		schedules, late int64
	}{
		"a learner now":     {`UPDATE users SET role = 'learner' WHERE id = 2`, 1, 1},
		"company inactive":  {`UPDATE companies SET is_active = false WHERE id = 1`, 1, 1},
		"account ended":     {`UPDATE users SET is_active = false WHERE id = 2`, 0, 0},
		"another's company": {`UPDATE report_schedules SET subject_id = 2`, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			p, url := openReports(t, nil)
			schedule(t, p, scheduled(training.Weekly, "2099-01-01"))
			pgtest.Exec(t, url, test.change)
			runAt(t, p, "2099-01-01 00:00")
			if n := value[int64](t, url, `SELECT count(*) FROM reports`); n != 0 {
				t.Errorf("%d reports", n)
			}
			if got, want := value[string](t, url, `SELECT count(*) || ' ' || count(*) FILTER (WHERE next_at = '2099-01-08' AND last_at IS NULL) FROM report_schedules`),
				fmt.Sprintf("%d %d", test.schedules, test.late); got != want {
				t.Errorf("schedules: %s, want %s", got, want)
			}
		})
	}
}

func TestSchedulesAreFewAndOnesOwn(t *testing.T) {
	p, url := openReports(t, nil)
	first := schedule(t, p, scheduled(training.Weekly, "2099-01-01"))
	if _, _, err := p.CreateReportSchedule(t.Context(), manager, scheduled(training.Weekly, "2099-01-02")); training.CodeOf(err) != training.Conflict {
		t.Errorf("an equal one: %v", err)
	}
	elsewhere := scheduled(training.Monthly, "2099-01-01")
	elsewhere.CompanyID = 2
	if _, _, err := p.CreateReportSchedule(t.Context(), manager, elsewhere); training.CodeOf(err) != training.Forbidden {
		t.Errorf("another's company: %v", err)
	}
	pgtest.Exec(t, url, `INSERT INTO report_schedules (company_id, data_zone, user_id, type, format, locale, cadence, first_at, next_at)
		SELECT 1, 'eu', 2, 'type' || n, 'pdf', 'de', 'weekly', now(), now() FROM generate_series(2, 10) n`)
	if _, _, err := p.CreateReportSchedule(t.Context(), manager, scheduled(training.Monthly, "2099-01-01")); training.CodeOf(err) != training.Conflict {
		t.Errorf("one too many: %v", err)
	}
	pgtest.Exec(t, url, `DELETE FROM report_schedules WHERE id > 2`)
	var all sync.WaitGroup
	for _, of := range training.ReportTypes() {
		for _, cadence := range training.Cadences() {
			all.Go(func() {
				n := scheduled(cadence, "2099-01-01")
				n.Type, n.Locale = of, "en"
				if _, _, err := p.CreateReportSchedule(t.Context(), manager, n); err != nil && training.CodeOf(err) != training.Conflict {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	if n := value[int](t, url, `SELECT count(*) FROM report_schedules`); n != training.MaxSchedules {
		t.Errorf("of fourteen at once %d are there, want %d", n, training.MaxSchedules)
	}
	if _, err := p.DeleteReportSchedule(t.Context(), training.Principal{UserID: 4, CompanyID: 2, Role: training.Learner}, first.ID); training.CodeOf(err) != training.NotFound {
		t.Errorf("another's schedule: %v", err)
	}
	// What it was having made is cancelled, also where one asked for by hand is equal to it.
	pgtest.Exec(t, url, `UPDATE report_schedules SET next_at = '3000-01-01' WHERE id <> 1`)
	runAt(t, p, "2099-01-01 00:00")
	request(t, p, manager, gdpr)
	if _, err := p.DeleteReportSchedule(t.Context(), manager, first.ID); err != nil {
		t.Fatal(err)
	}
	if got, want := value[string](t, url, `SELECT string_agg(state || ' ' || error || ' ' || coalesce(schedule_id, 0), ', ' ORDER BY id) FROM reports`), "failed cancelled 0, queued  0"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if n := value[int64](t, url, `SELECT count(*) FROM outbox`); n != 0 {
		t.Errorf("%d letters about what was cancelled", n)
	}
}
