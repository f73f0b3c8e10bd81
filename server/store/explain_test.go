package store_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"outpost/replicate/replica"
)

// crowd is enough of everything for the planner to care.
func crowd() []string {
	return []string{
		`INSERT INTO companies (name, slug, country) SELECT 'C' || i, 'c' || i, 'DE' FROM generate_series(1, 50) i`,
		`INSERT INTO users (company_id, data_zone, email, full_name) SELECT 1 + i % 50, 'global', 'u' || i || '@example.com', 'U' || i FROM generate_series(1, 2000) i`,
		`INSERT INTO sessions (company_id, data_zone, user_id, expires_at) SELECT company_id, data_zone, id, now() FROM users`,
		`INSERT INTO token_revocations (company_id, data_zone, user_id) SELECT company_id, data_zone, id FROM users`,
		`INSERT INTO api_keys (company_id, data_zone, user_id, name, prefix) SELECT company_id, data_zone, id, 'k', 'p' FROM users`,
		`INSERT INTO courses (slug, category, minutes, is_published) SELECT 'c' || i, 'email', i, i % 10 > 0 FROM generate_series(1, 300) i`,
		`INSERT INTO course_translations (course_id, locale, title) SELECT id, l, slug FROM courses, unnest('{de,en}'::text[]) l`,
		`INSERT INTO lessons (course_id, position) SELECT id, i FROM courses, generate_series(1, 4) i`,
		`INSERT INTO lesson_translations (course_id, lesson_id, locale, title) SELECT course_id, id, l, 'T' FROM lessons, unnest('{de,en}'::text[]) l`,
		`INSERT INTO enrollments (company_id, data_zone, user_id, course_id) SELECT company_id, data_zone, id, 1 + id % 300 FROM users`,
		`INSERT INTO lesson_progress (company_id, data_zone, user_id, enrollment_id, lesson_id) SELECT company_id, data_zone, user_id, id, 1 FROM enrollments`,
		`INSERT INTO quizzes (course_id, lesson_id) SELECT course_id, id FROM lessons WHERE position = 4`,
		`INSERT INTO questions (course_id, quiz_id, position) SELECT course_id, id, i FROM quizzes, generate_series(1, 4) i`,
		`INSERT INTO question_translations (course_id, quiz_id, question_id, locale, text) SELECT course_id, quiz_id, id, l, 'T' FROM questions, unnest('{de,en}'::text[]) l`,
		`INSERT INTO options (course_id, quiz_id, question_id, position) SELECT course_id, quiz_id, id, i FROM questions, generate_series(1, 3) i`,
		`INSERT INTO quiz_attempts (company_id, data_zone, user_id, enrollment_id, quiz_id, number, score, passed) SELECT company_id, data_zone, user_id, id, 1 + id % 300, 1, 0, false FROM enrollments`,
		`INSERT INTO phishing_campaigns (company_id, data_zone, name, started_at) SELECT id, data_zone, 'P' || i, now() FROM companies, generate_series(1, 6) i`,
		`INSERT INTO phishing_events (company_id, data_zone, user_id, campaign_id, kind) SELECT u.company_id, u.data_zone, u.id, c.id, k FROM users u JOIN phishing_campaigns c ON c.company_id = u.company_id, unnest('{sent,clicked}'::text[]) k`,
		`INSERT INTO certificates (company_id, data_zone, user_id, enrollment_id, course_id, code) SELECT company_id, data_zone, user_id, id, course_id, md5(id::text) FROM enrollments`,
		`INSERT INTO reports (company_id, data_zone, requested_by, type, format, state) SELECT company_id, data_zone, id, 'gdpr', 'pdf', 'failed' FROM users, generate_series(1, 3) i`,
		`INSERT INTO frameworks (code, name) SELECT 'f' || i, 'F' FROM generate_series(1, 5) i`,
		`INSERT INTO framework_translations (framework_id, locale, name, title) SELECT id, l, 'F', 'T' FROM frameworks, unnest('{de,en}'::text[]) l`,
		`INSERT INTO requirements (framework_id, code, text) SELECT id, 'R' || i, 'T' FROM frameworks, generate_series(1, 5) i`,
		`INSERT INTO requirement_translations (requirement_id, locale, text) SELECT id, l, 'T' FROM requirements, unnest('{de,en}'::text[]) l`,
		`INSERT INTO requirement_courses (requirement_id, course_id) SELECT r.id, c.id FROM requirements r, courses c WHERE (r.id + c.id) % 100 = 0`,
	}
}

// bounded are what a plan may scan: sets given with the request, and tables of a fixed size.
// An FTS5 table that is asked to MATCH (M) looks up words.
var bounded = regexp.MustCompile(`^SCAN (json_each|CONSTANT ROW|\d+ CONSTANT ROWS|course_totals|user_totals|signing_keys$|\w+ VIRTUAL TABLE INDEX \d+:M)`)

// TestNoQueryScansATableThatGrows asks SQLite for the plan of every query, with and without
// statistics.
func TestNoQueryScansATableThatGrows(t *testing.T) {
	for name, statements := range map[string][]string{"empty": nil, "crowded": crowd()} {
		t.Run(name, func(t *testing.T) {
			r := load(t, statements...)
			if steps := plan(t, r, "SELECT * FROM users WHERE locale = ?1"); !strings.HasPrefix(steps[0], "SCAN") {
				t.Errorf("the test does not see a scan where there is one: %q", steps)
			}
			for query, text := range generated(t) {
				for _, step := range plan(t, r, text) {
					if strings.HasPrefix(step, "SCAN") && !bounded.MatchString(step) && !isEverybody(query, step) && !isContent(query, step) && !isReached(query, step) {
						t.Errorf("%s: %s", query, step)
					}
					if strings.Contains(step, "AUTOMATIC") {
						t.Errorf("%s makes an index of its own: %s", query, step)
					}
					if strings.Contains(step, "TEMP B-TREE") && !sorted(query) {
						t.Errorf("%s sorts what an index should have sorted: %s", query, step)
					}
				}
			}
		})
	}
}

// isEverybody allows a platform administrator's counts of all people and all companies that a filter
// chooses: behind the cache, and in an index alone.
func isEverybody(query, step string) bool {
	return query == "CountUsersEverywhere" && step == "SCAN u USING COVERING INDEX users_filters" ||
		query == "CountCompanies" && step == "SCAN c USING COVERING INDEX companies_filters"
}

// isContent allows what the product brings along: frameworks, and which courses satisfy which requirement.
func isContent(query, step string) bool {
	return (query == "Frameworks" || query == "Requirements") && step == "SCAN f" ||
		strings.HasPrefix(query, "Facts") && step == "SCAN r USING COVERING INDEX requirement_courses_requirement"
}

// isReached allows the people of one campaign, who were found by an index, to be gone through.
func isReached(query, step string) bool { return query == "PhishingDepartments" && step == "SCAN p" }

// sorted are the queries that may sort: the few lessons of one course and options of one question, what was searched
// for, the courses of one person, the enrollments of some, and the departments of one campaign.
func sorted(query string) bool {
	return query == "ProgressOfEnrollment" || query == "OptionsOfQuiz" || query == "SearchCourses" ||
		strings.HasPrefix(query, "UserIDsBySearch") || strings.HasPrefix(query, "CompanyIDsBySearch") || query == "UserCourses" || strings.HasPrefix(query, "PeopleEnrollmentIDs") || query == "PhishingDepartments"
}

func plan(t *testing.T, r *replica.Replica, query string) (steps []string) {
	t.Helper()
	err := r.Read(t.Context(), func(v replica.View) error {
		rows, err := v.Tx.QueryContext(context.Background(), "EXPLAIN QUERY PLAN "+query, arguments(query)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				return err
			}
			steps = append(steps, detail)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return steps
}

// arguments are as many as the query names.
func arguments(query string) []any {
	highest := 0
	for _, m := range regexp.MustCompile(`\?(\d+)`).FindAllStringSubmatch(query, -1) {
		n, _ := strconv.Atoi(m[1])
		highest = max(highest, n)
	}
	return make([]any, highest)
}

// generated reads the text of every query that sqlc generated.
func generated(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("sqlite/*.sql.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no generated queries: %v", err)
	}
	queries := make(map[string]string)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if c, ok := n.(*ast.BasicLit); ok && strings.HasPrefix(c.Value, "`-- name: ") {
				text, err := strconv.Unquote(c.Value)
				if err != nil {
					t.Fatal(err)
				}
				queries[strings.Fields(text)[2]] = text
			}
			return true
		})
	}
	return queries
}
