package e2e

import (
	"database/sql"
	"math"
	"slices"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
)

// obliged counts anew, in Postgres and from the definition: active people × requirements of which a course
// was due or done, and those of them with a completion that is valid.
const obliged = `
	SELECT count(*), count(*) FILTER (WHERE valid), count(DISTINCT user_id), (SELECT count(*) FROM users WHERE company_id = $1 AND is_active)
	FROM (
		SELECT u.id AS user_id, r.id, bool_or(e.completed_at <= now() AND (e.expires_at IS NULL OR now() < e.expires_at)) AS valid
		FROM users u CROSS JOIN requirements r JOIN requirement_courses c ON c.requirement_id = r.id
		JOIN enrollments e ON e.user_id = u.id AND e.course_id = c.course_id
		WHERE u.company_id = $1 AND u.is_active AND (e.due_at <= now() OR e.completed_at <= now())
		GROUP BY u.id, r.id
	) o`

// TestADashboard holds an edge's against a count in Postgres, and then takes a table away from the edge's
// replica: the part that needs it is missing, the rest is as it was, and once the table is back so is the part.
func TestADashboard(t *testing.T) {
	w := newWorld(t, []string{"fra", "syd"})
	w.startInside(nil)
	c := w.login("syd", "user1@example.com")
	type dashboard struct {
		ActiveUsers    *int `json:"active_users"`
		PopularCourses *[]struct {
			Enrollments, Completed int
		} `json:"popular_courses"`
		ComplianceRate *struct {
			Rate                           float64
			Obligations, Satisfied, People int
		} `json:"compliance_rate"`
		RiskScore *struct {
			Score, P90 float64
			People     int
		} `json:"risk_score"`
		Withheld, Degraded []string
	}
	ask := func() (d dashboard) {
		t.Helper()
		a := c.get(w.api("syd") + "/api/v1/dashboard?locale=de")
		if a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		a.into(t, &d)
		return d
	}
	d := ask()
	if d.ActiveUsers == nil || d.PopularCourses == nil || d.ComplianceRate == nil || d.RiskScore == nil || len(d.Degraded)+len(d.Withheld) > 0 {
		t.Fatalf("something is missing: %+v", d)
	}
	var company int64
	var obligations, satisfied, people, active int
	db := pgtest.Connect(t, w.url)
	if err := db.QueryRow(t.Context(), `SELECT company_id FROM users WHERE email = 'user1@example.com'`).Scan(&company); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow(t.Context(), obliged, company).Scan(&obligations, &satisfied, &people, &active); err != nil {
		t.Fatal(err)
	}
	have := d.ComplianceRate
	if satisfied == 0 || satisfied == obligations || have.Obligations != obligations || have.Satisfied != satisfied || have.People != people ||
		math.Abs(have.Rate-float64(satisfied)/float64(obligations)) > 0.00005 {
		t.Errorf("%+v, and Postgres has %d of %d, of %d people", have, satisfied, obligations, people)
	}
	if *d.ActiveUsers != active || d.RiskScore.People != active || d.RiskScore.Score <= 0 || d.RiskScore.P90 < d.RiskScore.Score {
		t.Errorf("%d people are active, and the figures are of %d: %+v", active, *d.ActiveUsers, d.RiskScore)
	}
	var most, popular int
	if err := db.QueryRow(t.Context(), `SELECT max(n), least(5, count(*) FILTER (WHERE people >= 5)) FROM (
		SELECT count(*) AS n, count(DISTINCT e.user_id) AS people FROM enrollments e JOIN courses c ON c.id = e.course_id AND c.is_published
		WHERE e.company_id = $1 GROUP BY e.course_id) x`, company).Scan(&most, &popular); err != nil {
		t.Fatal(err)
	}
	if courses := *d.PopularCourses; len(courses) != popular || courses[0].Enrollments != most {
		t.Errorf("%d courses are taken up, the first by %d, and here they are %+v", popular, most, courses)
	}

	file, err := sql.Open("sqlite", "file:"+w.replicaFile("syd")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rename := func(from, to string) {
		t.Helper()
		if _, err := file.ExecContext(t.Context(), "ALTER TABLE "+from+" RENAME TO "+to); err != nil {
			t.Fatal(err)
		}
	}
	rename("course_stats", "course_stats_away")
	var broken dashboard // in another language, since an answer that is kept is not made anew
	c.get(w.api("syd")+"/api/v1/dashboard?locale=en").into(t, &broken)
	if !slices.Equal(broken.Degraded, []string{"popular_courses"}) || broken.PopularCourses != nil || broken.ComplianceRate == nil || *broken.ComplianceRate != *have ||
		broken.RiskScore == nil || *broken.ActiveUsers != active {
		t.Errorf("without the table: %+v", broken)
	}
	rename("course_stats_away", "course_stats")
	var healed dashboard
	c.get(w.api("syd")+"/api/v1/dashboard?locale=en").into(t, &healed)
	if len(healed.Degraded) > 0 || healed.PopularCourses == nil {
		t.Errorf("with the table again: %+v", healed)
	}
}
