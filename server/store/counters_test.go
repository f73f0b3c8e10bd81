package store_test

import (
	stdsql "database/sql"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"outpost/sql"
)

// recount gives what the counters must be, from the rows.
const recount = `
	SELECT company_id, sum(users), sum(active), sum(a), sum(p), sum(c), sum(x) FROM (
		SELECT company_id, 1 AS users, is_active AS active, 0 AS a, 0 AS p, 0 AS c, 0 AS x FROM users
		UNION ALL
		SELECT company_id, 0, 0, status = 'assigned', status = 'in_progress', status = 'completed', status = 'expired' FROM enrollments)
	GROUP BY company_id ORDER BY company_id`

const counted = `
	SELECT company_id, users, active_users, assigned, in_progress, completed, expired FROM company_stats
	WHERE users + assigned + in_progress + completed + expired > 0 ORDER BY company_id`

// recountAssignments gives what the counters of assignments must be.
const recountAssignments = `
	SELECT assignment_id, sum(status = 'assigned'), sum(status = 'in_progress'), sum(status = 'completed'), sum(status = 'expired')
	FROM enrollments WHERE assignment_id IS NOT NULL GROUP BY assignment_id ORDER BY assignment_id`

const countedAssignments = `
	SELECT assignment_id, assigned, in_progress, completed, expired FROM assignment_stats
	WHERE assigned + in_progress + completed + expired > 0 ORDER BY assignment_id`

// recountCourses gives what the counters of courses must be, of each company and of all.
const recountCourses = `
	SELECT company_id, course_id, count(*), sum(cycle = 1), sum(status IN ('completed', 'expired')) FROM enrollments GROUP BY 1, 2
	UNION ALL
	SELECT 0, course_id, count(*), sum(cycle = 1), sum(status IN ('completed', 'expired')) FROM enrollments GROUP BY course_id
	ORDER BY 1, 2`

const countedCourses = `
	SELECT company_id, course_id, enrollments, people, completed FROM course_stats
	WHERE enrollments + people + completed <> 0 ORDER BY company_id, course_id`

// recountCampaigns gives what the counters of phishing campaigns must be.
const recountCampaigns = `
	SELECT campaign_id, count(DISTINCT user_id), sum(kind = 'opened'), sum(kind = 'clicked'), sum(kind = 'submitted'), sum(kind = 'reported')
	FROM phishing_events GROUP BY campaign_id ORDER BY campaign_id`

const countedCampaigns = `
	SELECT campaign_id, people, opened, clicked, submitted, reported FROM phishing_stats
	WHERE people + opened + clicked + submitted + reported > 0 ORDER BY campaign_id`

// TestCountersStayTrueThroughAnyChange changes rows at random, as a replica would, with the
// objects made in the middle, and counts again.
func TestCountersStayTrueThroughAnyChange(t *testing.T) {
	db, err := stdsql.Open("sqlite", filepath.Join(t.TempDir(), "counters.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	exec := func(statement string, args ...any) {
		t.Helper()
		if _, err := db.Exec(statement, args...); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	exec("PRAGMA synchronous = OFF")
	exec("BEGIN")
	schema, err := os.ReadFile("../../sql/sqlite/schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	exec(string(schema))
	random := rand.New(rand.NewPCG(1, 2))
	statuses := []string{"assigned", "in_progress", "completed", "expired"}
	assignment := func() any {
		if n := random.IntN(4); n > 0 {
			return n
		}
		return nil
	}
	step := func() {
		id, company := random.IntN(40)+1, random.IntN(5)+1
		kind := []string{"sent", "opened", "clicked", "submitted", "reported"}[random.IntN(5)]
		switch random.IntN(11) {
		case 0, 1:
			exec(`INSERT OR IGNORE INTO users VALUES (?, ?, 'z', '', '', '', '', '', '', '', '', ?, '', '', 1, '')`, id, company, random.IntN(2))
		case 2:
			exec(`UPDATE users SET company_id = ?, is_active = ? WHERE id = ?`, company, random.IntN(2), id)
		case 3:
			exec(`DELETE FROM users WHERE id = ?`, id)
		case 4:
			exec(`INSERT OR IGNORE INTO enrollments (id, company_id, data_zone, user_id, course_id, assignment_id, cycle, status, lessons_done, created_at, updated_at, version)
				VALUES (?, ?, 'z', 1, ?, ?, ?, ?, 0, '', '', 1)`, id, company, random.IntN(3), assignment(), 1+random.IntN(2), statuses[random.IntN(4)])
		case 5:
			exec(`UPDATE enrollments SET company_id = ?, assignment_id = ?, status = ? WHERE id = ?`, company, assignment(), statuses[random.IntN(4)], id)
			exec(`UPDATE enrollments SET course_id = ?, cycle = ? WHERE id = ?`, random.IntN(3), 1+random.IntN(2), random.IntN(40)+1)
		case 6:
			exec(`DELETE FROM enrollments WHERE id = ?`, id)
		case 7:
			exec(`INSERT OR IGNORE INTO courses (id, slug, category, level, minutes, is_published, default_locale, created_at, updated_at, version)
				VALUES (?, '', '', '', 1, ?, 'en', '', '', 1)`, id, random.IntN(2))
			exec(`UPDATE courses SET is_published = 1 - is_published WHERE id = ?`, random.IntN(40)+1)
			exec(`DELETE FROM courses WHERE id = ?`, random.IntN(40)+1)
		case 8:
			exec(`INSERT OR IGNORE INTO phishing_events VALUES (?, ?, 'z', ?, ?, ?, '')`, id, company, random.IntN(6), random.IntN(3), kind)
		case 9:
			exec(`UPDATE phishing_events SET company_id = ?, user_id = ?, campaign_id = ?, kind = ? WHERE id = ?`,
				company, random.IntN(6), random.IntN(3), kind, id)
		case 10:
			exec(`DELETE FROM phishing_events WHERE id = ?`, id)
		}
	}
	for range 200 {
		step()
	}
	objects, err := sql.Objects()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		exec(o.SQL)
	}
	for n := range 2000 {
		if n == 1000 { // as TRUNCATE is applied
			exec(`DELETE FROM enrollments`)
			exec(`DELETE FROM phishing_events`)
		}
		step()
		if n%50 == 0 {
			same(t, db, counted, recount)
			same(t, db, `SELECT users, active_users FROM user_totals`, `SELECT count(*), coalesce(sum(is_active), 0) FROM users`)
			same(t, db, countedAssignments, recountAssignments)
			same(t, db, countedCourses, recountCourses)
			same(t, db, countedCampaigns, recountCampaigns)
			same(t, db, `SELECT is_published, courses FROM course_totals WHERE courses > 0 ORDER BY 1`,
				`SELECT is_published, count(*) FROM courses GROUP BY 1 ORDER BY 1`)
		}
	}
}

func same(t *testing.T, db *stdsql.DB, have, want string) {
	t.Helper()
	if h, w := integers(t, db, have), integers(t, db, want); !reflect.DeepEqual(h, w) {
		t.Fatalf("counted %v, there are %v", h, w)
	}
}

// querier is a database or a transaction.
type querier interface {
	Query(query string, args ...any) (*stdsql.Rows, error)
}

func integers(t *testing.T, db querier, query string) (out [][]int64) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		row, places := make([]int64, len(columns)), make([]any, len(columns))
		for i := range row {
			places[i] = &row[i]
		}
		if err := rows.Scan(places...); err != nil {
			t.Fatal(err)
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
