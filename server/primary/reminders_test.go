package primary_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/mail"
	"outpost/server/primary"
)

// due gives a primary with a mailer, learner 1 with an open enrollment in course 1 that is due at noon of
// December 20th, and what is needed to ask for reminders on other days.
func due(t *testing.T) (p *primary.Primary, url string, post *post, on func(date string, hour int) []mail.Letter) {
	t.Helper()
	p, url, post = opened(t)
	pgtest.Exec(t, url, `INSERT INTO enrollments (company_id, data_zone, user_id, course_id, due_at) VALUES (1, 'eu', 1, 1, '2026-12-20T12:00:00Z')`)
	return p, url, post, func(date string, hour int) []mail.Letter {
		t.Helper()
		day, err := time.Parse(time.DateOnly, date)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Remind(t.Context(), day.Add(time.Duration(hour)*time.Hour)); err != nil {
			t.Fatal(err)
		}
		return post.take(t, p)
	}
}

func TestRemindersComeOnTheirDaysOnce(t *testing.T) {
	_, url, _, on := due(t)
	sent := make(map[string]mail.Letter)
	for day := time.Date(2026, 12, 4, 0, 0, 0, 0, time.UTC); day.Before(time.Date(2027, 1, 4, 0, 0, 0, 0, time.UTC)); day = day.AddDate(0, 0, 1) {
		for _, hour := range []int{5, 6, 23} {
			date := day.Format(time.DateOnly)
			for _, l := range on(date, hour) {
				if l.Kind != mail.Reminder || l.To != "Änne@example.com" || len(l.Courses) != 1 || hour != 6 {
					t.Errorf("at %d o'clock of %s: %+v", hour, date, l)
				}
				sent[date] = l
			}
		}
	}
	want := map[string]bool{"2026-12-06": false, "2026-12-17": false, "2026-12-20": false, "2026-12-27": true}
	if len(sent) != len(want) {
		t.Errorf("letters came on %d days: %+v", len(sent), sent)
	}
	for date, overdue := range want {
		if got, want := sent[date].Courses, (mail.Course{Title: "One", DueOn: "2026-12-20", Overdue: overdue}); len(got) != 1 || got[0] != want {
			t.Errorf("on %s: %+v, want %+v", date, got, want)
		}
	}
	if n := value[int64](t, url, `SELECT count(*) FROM reminders`); n != 4 {
		t.Errorf("%d reminders are remembered", n)
	}
}

func TestAReminderThatIsLateIsWrittenForThreeDays(t *testing.T) {
	for date, want := range map[string]int{"2026-12-08": 1, "2026-12-09": 1, "2026-12-10": 0, "2026-12-11": 0} {
		t.Run(date, func(t *testing.T) {
			_, _, _, on := due(t)
			if letters := on(date, 12); len(letters) != want {
				t.Errorf("%d letters for the 6th of December", len(letters))
			}
		})
	}
}

func TestAllOfAPersonsRemindersAreOneLetter(t *testing.T) {
	_, url, _, on := due(t)
	pgtest.Exec(
		t, url, `UPDATE users SET locale = 'de', full_name = 'Änne <b>' WHERE id = 1`,
		`INSERT INTO enrollments (company_id, data_zone, user_id, course_id, due_at) VALUES (1, 'eu', 1, 2, '2026-12-10T00:00:00Z'), (1, 'eu', 2, 2, '2026-12-31T23:59:59Z')`,
		// 17th: course 1 in three days, 2 since seven; and of another distance, so that it is not told of.
		`INSERT INTO enrollments (company_id, data_zone, user_id, course_id, due_at) VALUES (1, 'eu', 1, 3, '2026-12-25T00:00:00Z')`,
	)
	letters := on("2026-12-17", 6)
	slices.SortFunc(letters, func(a, b mail.Letter) int { return strings.Compare(a.To, b.To) })
	if len(letters) != 2 || letters[0].To != "two@example.com" {
		t.Fatalf("%+v", letters)
	}
	one := letters[1]
	want := []mail.Course{{Title: "two", DueOn: "2026-12-10", Overdue: true}, {Title: "Eins", DueOn: "2026-12-20"}}
	if !slices.Equal(one.Courses, want) || one.Locale != "de" || one.Name != "Änne <b>" || one.Company != "Eins" {
		t.Errorf("%+v, want %+v", one, want)
	}
}

func TestNobodyIsRemindedInVain(t *testing.T) {
	for name, change := range map[string]string{
		"completed":        `UPDATE enrollments SET status = 'completed', completed_at = now()`,
		"withdrawn":        `DELETE FROM enrollments`,
		"without a date":   `UPDATE enrollments SET due_at = NULL`,
		"inactive":         `UPDATE users SET is_active = false WHERE id = 1`,
		"company inactive": `UPDATE companies SET is_active = false WHERE id = 1`,
	} {
		t.Run(name, func(t *testing.T) {
			_, url, _, on := due(t)
			pgtest.Exec(t, url, change)
			if letters := on("2026-12-06", 6); len(letters) != 0 {
				t.Errorf("%+v", letters)
			}
		})
	}
}

func TestAnotherDueDateRemindsAnew(t *testing.T) {
	_, url, _, on := due(t)
	if letters := on("2026-12-17", 6); len(letters) != 1 {
		t.Fatalf("%+v", letters)
	}
	pgtest.Exec(t, url, `UPDATE enrollments SET due_at = '2026-12-20T18:00:00Z'`) // of the same day
	if letters := on("2026-12-17", 7); len(letters) != 0 {
		t.Errorf("%+v", letters)
	}
	pgtest.Exec(t, url, `UPDATE enrollments SET due_at = '2026-12-21T18:00:00Z'`)
	if letters := on("2026-12-17", 8); len(letters) != 0 {
		t.Errorf("%+v", letters)
	}
	if letters := on("2026-12-18", 6); len(letters) != 1 || letters[0].Courses[0].DueOn != "2026-12-21" {
		t.Errorf("%+v", letters)
	}
}

func TestManyAreRemindedByManyPrimariesOnce(t *testing.T) {
	_, url, _, _ := due(t)
	const people = 1700 // several batches
	pgtest.Exec(
		t, url, `SET session_replication_role = replica`, // no triggers
		fmt.Sprintf(`INSERT INTO users (company_id, data_zone, email, email_folded, full_name, full_name_folded) SELECT 1, 'eu', 'many' || n || '@example.com', 'many' || n || '@example.com', 'Many', 'many' FROM generate_series(1, %d) n`, people),
		// Courses of the same person lie in batches far apart.
		`INSERT INTO enrollments (company_id, data_zone, user_id, course_id, due_at)
			SELECT 1, 'eu', u.id, c, '2026-12-20T00:00:00Z'::timestamptz + c * interval '3 hours' FROM users u, generate_series(1, 2) c WHERE u.email LIKE 'many%'`,
	)
	var reminding sync.WaitGroup
	for range 3 {
		other, err := primary.Open(t.Context(), primary.Config{URL: url, MaxConns: 2, MinConns: 1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(other.Close)
		reminding.Go(func() {
			if err := other.Remind(t.Context(), time.Date(2026, 12, 6, 6, 0, 0, 0, time.UTC)); err != nil {
				t.Error(err)
			}
		})
	}
	reminding.Wait()
	const twice = `SELECT count(*) || ' ' || count(DISTINCT recipient) || ' ' || sum(jsonb_array_length(payload->'courses')) FROM outbox WHERE kind = 'reminder'`
	if got, want := value[string](t, url, twice), fmt.Sprintf("%d %d %d", people+1, people+1, 2*people+1); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestRemindersWalkAlongAnIndex looks at the plan where most enrollments are of no interest.
func TestRemindersWalkAlongAnIndex(t *testing.T) {
	_, url, _, _ := due(t)
	pgtest.Exec(
		t, url, `SET session_replication_role = replica`, // no triggers
		`INSERT INTO users (company_id, data_zone, email, email_folded, full_name, full_name_folded) SELECT 1, 'eu', 'many' || n || '@example.com', 'many' || n || '@example.com', 'Many', 'many' FROM generate_series(1, 20000) n`,
		`INSERT INTO enrollments (company_id, data_zone, user_id, course_id, due_at)
			SELECT 1, 'eu', u.id, 1, '2020-01-01'::timestamptz + u.id * interval '4 hours' FROM users u WHERE u.email LIKE 'many%'`,
		`ANALYZE`,
	)
	text := generated(t)["WriteReminders"]
	conn := pgtest.Connect(t, url)
	if _, err := conn.Exec(t.Context(), "PREPARE statement AS "+text, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	if n := parameters(text); n != 11 {
		t.Fatalf("%d parameters", n)
	}
	var plan string
	const execute = `EXPLAIN (FORMAT JSON) EXECUTE statement('2026-12-17', 0, '2026-12-21', 500, 3, '{14,3,0,-7}', '2026-12-17', '2026-12-14', 'reminder', '2026-12-17', 1)`
	if err := conn.QueryRow(t.Context(), execute, pgx.QueryExecModeSimpleProtocol).Scan(&plan); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(plan, `"enrollments_due"`) || !strings.Contains(plan, `"Index Cond": "((due_at < '`) {
		t.Error(plan)
	}
}
