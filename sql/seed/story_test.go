package seed

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// storyHoldsTogether asks for contradictions: each query counts rows that could not
// have come about by using the product.
func storyHoldsTogether(t *testing.T, conn *pgx.Conn) {
	for name, query := range map[string]string{
		"lessons done are counted": `SELECT count(*) FROM enrollments e
			WHERE lessons_done <> (SELECT count(*) FROM lesson_progress WHERE enrollment_id = e.id)`,
		"completed means every lesson": `SELECT count(*) FROM enrollments e
			WHERE completed_at IS NOT NULL AND lessons_done <> (SELECT count(*) FROM lessons l WHERE l.course_id = e.course_id)`,
		"completed means passed": `SELECT count(*) FROM enrollments e JOIN quizzes q USING (course_id)
			WHERE (completed_at IS NOT NULL) <> coalesce(score >= pass_percent, false)`,
		"completed means certified": `SELECT count(*) FROM enrollments e LEFT JOIN certificates c ON c.enrollment_id = e.id
			WHERE (completed_at IS NOT NULL) <> (c.id IS NOT NULL) OR c.issued_at <> completed_at OR c.expires_at <> e.expires_at`,
		"the score is the last attempt's": `SELECT count(*) FROM enrollments e WHERE score IS DISTINCT FROM
			(SELECT score FROM quiz_attempts WHERE enrollment_id = e.id ORDER BY number DESC LIMIT 1)`,
		"nobody tries again after passing": `SELECT count(*) FROM quiz_attempts a JOIN quiz_attempts b USING (enrollment_id)
			WHERE a.passed AND b.number > a.number OR b.number > a.number AND b.submitted_at < a.submitted_at`,
		"attempts are within their number": `SELECT count(*) FROM quiz_attempts JOIN quizzes q ON q.id = quiz_id
			WHERE number > max_attempts OR passed <> (score >= pass_percent)`,
		"a completion expires when it says": `SELECT count(*) FROM enrollments
			WHERE (status = 'completed') <> (completed_at IS NOT NULL AND expires_at > $1)`,
		"begun means in progress": `SELECT count(*) FROM enrollments
			WHERE status = 'assigned' AND lessons_done > 0 OR status = 'in_progress' AND lessons_done = 0
				OR (started_at IS NULL) <> (lessons_done = 0)`,
		"nothing is done before it is begun": `SELECT count(*) FROM lesson_progress p JOIN enrollments e ON e.id = enrollment_id
			WHERE done_at < e.created_at OR done_at < started_at OR done_at > completed_at`,
		"nobody learns before joining": `SELECT count(*) FROM enrollments e JOIN users u ON u.id = user_id
			WHERE e.created_at < u.created_at`,
		"nobody is there before joining": `SELECT count(*) FROM users u LEFT JOIN user_activity a ON a.user_id = u.id
			LEFT JOIN sessions s ON s.user_id = u.id LEFT JOIN token_revocations r ON r.user_id = u.id
			WHERE least(last_login_at, s.created_at, r.created_at) < u.created_at`,
		"who has learned was there, then or later": `SELECT count(*) FROM lesson_progress p LEFT JOIN user_activity a USING (user_id)
			WHERE last_seen_at IS NULL OR last_seen_at < done_at`,
		"time is taken where it is limited": `SELECT count(*) FROM quiz_attempts a JOIN quizzes q ON q.id = quiz_id
			WHERE (seconds IS NULL) <> (time_limit_seconds IS NULL) OR seconds > time_limit_seconds`,
		"nothing happens after today": `SELECT count(*) FROM (
			SELECT updated_at FROM users UNION ALL SELECT last_seen_at FROM user_activity UNION ALL SELECT updated_at FROM enrollments
			UNION ALL SELECT done_at FROM lesson_progress UNION ALL SELECT submitted_at FROM quiz_attempts
			UNION ALL SELECT occurred_at FROM phishing_events UNION ALL SELECT updated_at FROM sessions
			UNION ALL SELECT updated_at FROM reports UNION ALL SELECT updated_at FROM assignments) a WHERE updated_at > $1`,
		"an update is not before its row": `SELECT count(*) FROM (
			SELECT created_at, updated_at FROM users UNION ALL SELECT created_at, updated_at FROM enrollments
			UNION ALL SELECT created_at, updated_at FROM sessions UNION ALL SELECT created_at, updated_at FROM reports) a
			WHERE updated_at < created_at`,
		"a later cycle means an earlier one": `SELECT count(*) FROM enrollments e WHERE cycle > 1
			AND NOT EXISTS (SELECT FROM enrollments WHERE user_id = e.user_id AND course_id = e.course_id
				AND cycle = e.cycle - 1 AND created_at < e.created_at)`,
		"an earlier cycle is not open": `SELECT count(*) FROM enrollments e WHERE status IN ('assigned', 'in_progress')
			AND EXISTS (SELECT FROM enrollments WHERE user_id = e.user_id AND course_id = e.course_id AND cycle > e.cycle)`,
		"an assignment is of the learner's company": `SELECT count(*) FROM enrollments e JOIN assignments a ON a.id = assignment_id
			JOIN users u ON u.id = e.user_id WHERE a.company_id <> e.company_id OR a.course_id <> e.course_id
				OR a.department <> '' AND a.department <> u.department OR a.user_id <> e.user_id`,
		"a due date is a working day, in every time zone": `SELECT count(*) FROM (SELECT due_at FROM enrollments UNION ALL
			SELECT due_at FROM assignments) d
			WHERE extract(isodow FROM due_at AT TIME ZONE 'UTC') > 5`,
		"what is assigned later comes later": `SELECT count(*) FROM enrollments e JOIN assignments a ON a.id = assignment_id
			WHERE e.created_at < a.created_at OR e.due_at < e.created_at`,
		"the demo's occurrences are handed out": `SELECT count(*) FROM assignment_runs r JOIN assignments a ON a.id = assignment_id
			WHERE next_at <= $1 OR finished_at IS NULL OR (next_at IS NULL) <> (recurrence_months IS NULL) OR next_at <> r.due_at
				OR r.due_at <> a.due_at + (occurrence - 1) * make_interval(months => coalesce(recurrence_months, 0))
				OR occurrence = 1 AND opens_at <> a.created_at`,
		"a lesson lasts as long as it says, and no longer than there was": `SELECT count(*) FROM (
			SELECT seconds, minutes, done_at - lag(done_at) OVER (PARTITION BY enrollment_id ORDER BY done_at) AS gap
			FROM lesson_progress JOIN lessons l ON l.id = lesson_id) p
			WHERE gap < make_interval(secs => seconds) OR seconds NOT BETWEEN 6 * minutes AND 120 * minutes`,
		"who reports has opened": `SELECT count(*) FROM phishing_events e WHERE kind = 'reported'
			AND NOT EXISTS (SELECT FROM phishing_events WHERE campaign_id = e.campaign_id AND user_id = e.user_id
				AND kind = 'opened' AND occurred_at < e.occurred_at)`,
		"a simulation is a customer's, and goes to who is there": `SELECT count(*) FROM phishing_campaigns p JOIN companies c ON c.id = company_id
			JOIN phishing_events e ON e.campaign_id = p.id JOIN users u ON u.id = e.user_id
			WHERE p.created_at < c.created_at OR u.created_at > p.started_at OR e.occurred_at < p.started_at`,
		"who clicks has opened": `SELECT count(*) FROM phishing_events e WHERE kind = 'clicked'
			AND NOT EXISTS (SELECT FROM phishing_events WHERE campaign_id = e.campaign_id AND user_id = e.user_id
				AND kind = 'opened' AND occurred_at < e.occurred_at)`,
		"who submits has clicked": `SELECT count(*) FROM phishing_events e WHERE kind = 'submitted'
			AND NOT EXISTS (SELECT FROM phishing_events WHERE campaign_id = e.campaign_id AND user_id = e.user_id
				AND kind = 'clicked' AND occurred_at < e.occurred_at)`,
		"a campaign is of one's own company": `SELECT count(*) FROM phishing_events e JOIN phishing_campaigns c ON c.id = campaign_id
			WHERE c.company_id <> e.company_id`,
		"a report that is over has lasted an hour": `SELECT count(*) FROM reports
			WHERE state NOT IN ('expired', 'failed') OR (state = 'failed') <> (error <> '')
				OR (state = 'expired') <> coalesce(sha256 <> '' AND bytes > 0 AND expires_at = completed_at + interval '1 hour', false)`,
		"who asks for reports of a company manages it": `SELECT count(*) FROM reports r JOIN users u ON u.id = requested_by
			WHERE scope <> 'company' OR u.role = 'learner' OR NOT u.is_active`,
		"a schedule lies ahead, and has made what it says": `SELECT count(*) FROM report_schedules s WHERE next_at <= $1
			OR NOT EXISTS (SELECT FROM reports r WHERE schedule_id = s.id AND requested_by = s.user_id AND r.type = s.type
				AND r.format = s.format AND r.locale = s.locale AND r.created_at = s.last_at)`,
		"no key or session of the demo opens anything": `SELECT (SELECT count(*) FROM refresh_tokens) +
			(SELECT count(*) FROM api_key_secrets) + (SELECT count(*) FROM api_keys WHERE revoked_at IS NULL)`,
	} {
		t.Run(name, func(t *testing.T) { one(t, conn, int64(0), query, on(query)...) })
	}
}

// everySituationOccurs: a demo in which nobody is late shows nothing.
func everySituationOccurs(t *testing.T, conn *pgx.Conn) {
	for name, query := range map[string]string{
		"every status, at least one in fifty": `SELECT count(*) = 4 FROM (SELECT status FROM enrollments GROUP BY status
			HAVING count(*) * 50 > (SELECT count(*) FROM enrollments)) s`,
		"overdue":            `SELECT count(*) > 20 FROM enrollments WHERE status IN ('assigned', 'in_progress') AND due_at < $1`,
		"due soon":           `SELECT count(*) > 20 FROM enrollments WHERE status IN ('assigned', 'in_progress') AND due_at > $1`,
		"second cycles":      `SELECT count(*) > 20 FROM enrollments WHERE cycle = 2`,
		"of one's own will":  `SELECT count(*) > 20 FROM enrollments WHERE assignment_id IS NULL`,
		"by name":            `SELECT count(*) > 0 FROM assignments WHERE scope = 'user'`,
		"failed quizzes":     `SELECT count(*) > 20 FROM quiz_attempts WHERE NOT passed`,
		"every kind of role": `SELECT count(DISTINCT role) = 4 FROM users`,
		"both languages":     `SELECT count(DISTINCT locale) = 3 FROM users`, // one is: no wish
		"no longer there":    `SELECT count(*) > 5 FROM users WHERE NOT is_active`,
		"scheduled report":   `SELECT count(*) > 0 FROM report_schedules`,
		"running campaign": `SELECT count(*) > 0 FROM phishing_campaigns c WHERE ended_at IS NULL
			AND started_at = (SELECT max(started_at) FROM phishing_campaigns WHERE company_id = c.company_id)`,
		"people learn: more of them report the last simulations than the first": `
			SELECT avg(r) FILTER (WHERE started_at > $1::timestamptz - interval '120 days')
				> 1.2 * avg(r) FILTER (WHERE started_at < $1::timestamptz - interval '240 days')
			FROM phishing_campaigns c, LATERAL (SELECT count(*) FILTER (WHERE kind = 'reported')::float
				/ nullif(count(*) FILTER (WHERE kind = 'sent'), 0) AS r FROM phishing_events WHERE campaign_id = c.id) e`,
		"sittings: most lessons follow on another within half an hour": `SELECT count(*) FILTER (WHERE gap < interval '30 minutes') * 3 > count(gap) * 2
			FROM (SELECT done_at - lag(done_at) OVER (PARTITION BY enrollment_id ORDER BY done_at) AS gap FROM lesson_progress) p`,
		"quizzes tried again at once, and another day": `SELECT count(*) FILTER (WHERE gap < interval '1 hour') > 20
				AND count(*) FILTER (WHERE gap > interval '8 hours') > 20
			FROM (SELECT submitted_at - lag(submitted_at) OVER (PARTITION BY enrollment_id ORDER BY number) AS gap FROM quiz_attempts) a`,
		"harder courses have lower scores": `SELECT avg(score) FILTER (WHERE level = 'beginner') > avg(score) FILTER (WHERE level <> 'beginner') + 1
			FROM quiz_attempts a JOIN quizzes q ON q.id = quiz_id JOIN courses c ON c.id = course_id`,
		"managers have courses of their own": `SELECT count(*) > 10 FROM enrollments e JOIN assignments a ON a.id = assignment_id
			JOIN users u ON u.id = e.user_id WHERE scope = 'user' AND role = 'manager'`,
		"departments have courses of their own, larger companies more departments": `SELECT count(DISTINCT department) > 8
			FROM enrollments e JOIN assignments a ON a.id = assignment_id WHERE scope = 'department'`,
		"companies are in their zones": `SELECT bool_and(data_zone = CASE slug WHEN 'suedkreuz-maschinenbau' THEN 'eu'
			WHEN 'cascade-health' THEN 'us' WHEN 'wattle-energy' THEN 'apac' ELSE 'global' END) FROM companies`,
	} {
		t.Run(name, func(t *testing.T) { one(t, conn, true, query, on(query)...) })
	}
}

// on gives a query its day, where it asks for one.
func on(query string) []any {
	if strings.Contains(query, "$1") {
		return []any{today().Truncate(24 * time.Hour)}
	}
	return nil
}
