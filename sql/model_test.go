package sql_test

import (
	"testing"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/sql/sqltest"
)

// populated gives a migrated database with a company, a user and a course.
func populated(t *testing.T) string {
	t.Helper()
	url := sqltest.Database(t)
	pgtest.Exec(
		t, url,
		`INSERT INTO companies (name, slug, country) VALUES ('Ärzte & Co', 'aerzte', 'DE')`,
		`INSERT INTO users (company_id, data_zone, email, full_name) VALUES (1, 'global', ' Änne@Example.COM', 'Änne Öß')`,
		`INSERT INTO user_activity (user_id, company_id, data_zone) VALUES (1, 1, 'global')`,
		`INSERT INTO courses (slug, category, minutes) VALUES ('phishing', 'email', 20)`,
		`INSERT INTO course_translations (course_id, locale, title) VALUES (1, 'de', 'Öffnen? Nein!')`,
		`INSERT INTO lessons (course_id, position) VALUES (1, 1)`,
		`INSERT INTO lessons (course_id, position, kind) VALUES (1, 2, 'quiz')`,
		`INSERT INTO lesson_translations (course_id, lesson_id, locale, title) VALUES (1, 1, 'de', 'Eins')`,
		`INSERT INTO quizzes (course_id, lesson_id) VALUES (1, 2)`,
		`INSERT INTO questions (course_id, quiz_id, position) VALUES (1, 1, 1)`,
		`INSERT INTO options (course_id, quiz_id, question_id, position) VALUES (1, 1, 1, 1)`,
		`INSERT INTO option_translations (course_id, quiz_id, option_id, locale, text) VALUES (1, 1, 1, 'de', 'Ja')`,
		`INSERT INTO enrollments (company_id, data_zone, user_id, course_id) VALUES (1, 'global', 1, 1)`,
		`INSERT INTO lesson_progress (company_id, data_zone, user_id, enrollment_id, lesson_id) VALUES (1, 'global', 1, 1, 1)`,
		`INSERT INTO sessions (company_id, data_zone, user_id, expires_at) VALUES (1, 'global', 1, now())`,
		`INSERT INTO phishing_campaigns (company_id, data_zone, name, started_at) VALUES (1, 'global', 'Spring', now())`,
		`INSERT INTO phishing_events (company_id, data_zone, user_id, campaign_id, kind) VALUES (1, 'global', 1, 1, 'sent')`,
		`INSERT INTO assignments (company_id, data_zone, course_id, scope) VALUES (1, 'global', 1, 'company')`,
	)
	return url
}

func TestTextIsFoldedBeside(t *testing.T) {
	url := populated(t)
	for query, want := range map[string]string{
		`SELECT email_folded FROM users`:               "änne@example.com",
		`SELECT full_name_folded FROM users`:           "anne oß",
		`SELECT name_folded FROM companies`:            "arzte & co",
		`SELECT title_folded FROM course_translations`: "offnen? nein!",
	} {
		if got := column[string](t, url, query); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

func TestAVersionGrowsWithEveryUpdate(t *testing.T) {
	url := populated(t)
	pgtest.Exec(t, url, `UPDATE users SET locale = 'de'`, `UPDATE users SET locale = 'de'`)
	if got := column[int64](t, url, `SELECT version FROM users WHERE updated_at > created_at`); len(got) != 1 || got[0] != 3 {
		t.Errorf("version %v, want 3", got)
	}
}

func TestACourseGrowsWithWhateverBelongsToIt(t *testing.T) {
	url := populated(t)
	for _, change := range []string{
		`UPDATE course_translations SET description = 'Neu'`,
		`UPDATE lesson_translations SET body = 'Neu'`,
		`INSERT INTO lesson_translations (course_id, lesson_id, locale, title) VALUES (1, 1, 'en', 'One')`,
		`UPDATE option_translations SET text = 'Nein'`,
		`DELETE FROM options`,
		`DELETE FROM lessons WHERE position = 1`,
	} {
		before := column[int64](t, url, `SELECT version FROM courses`)[0]
		pgtest.Exec(t, url, change)
		if after := column[int64](t, url, `SELECT version FROM courses`)[0]; after <= before {
			t.Errorf("%s: the course stays at version %d", change, before)
		}
	}
	pgtest.Exec(t, url, `DELETE FROM enrollments`, `DELETE FROM assignments`, `DELETE FROM courses`)
}

func TestACompanyTakesItsRowsToAnotherZone(t *testing.T) {
	url := populated(t)
	pgtest.Exec(t, url, `UPDATE companies SET data_zone = 'eu'`)
	for _, table := range column[string](t, url, `
		SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'data_zone'
		AND table_name <> 'audit_log'`) { // what was, stays
		if stayed := column[int64](t, url, `SELECT count(*) FROM `+table+` WHERE data_zone <> 'eu'`)[0]; stayed > 0 {
			t.Errorf("%s: %d rows stayed behind", table, stayed)
		}
	}
}

func TestAUserTakesItsRowsToAnotherCompany(t *testing.T) {
	url := populated(t)
	pgtest.Exec(t, url, `INSERT INTO companies (name, slug, country, data_zone) VALUES ('Two', 'two', 'US', 'us')`,
		`UPDATE users SET company_id = 2, data_zone = 'us'`)
	for _, table := range []string{"user_activity", "enrollments", "lesson_progress", "sessions", "phishing_events"} {
		if got := column[int64](t, url, `SELECT company_id FROM `+table); len(got) != 1 || got[0] != 2 {
			t.Errorf("%s: company %d, want 2", table, got)
		}
	}
	pgtest.Exec(t, url, `DELETE FROM users`)
}

func TestTheAuditLogOnlyGrows(t *testing.T) {
	url := populated(t)
	pgtest.Exec(t, url, `INSERT INTO audit_log (company_id, data_zone, action, subject) VALUES (1, 'global', 'made', 'company')`)
	conn := pgtest.Connect(t, url)
	for _, change := range []string{`UPDATE audit_log SET action = ''`, `DELETE FROM audit_log`, `TRUNCATE audit_log`} {
		if _, err := conn.Exec(t.Context(), change); err == nil {
			t.Errorf("%s: was allowed", change)
		}
	}
}
