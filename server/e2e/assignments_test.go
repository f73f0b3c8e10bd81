package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/jackc/pgx/v5"

	"outpost/replicate/pgcluster/pgtest"
)

// assigning is a world for tests of assignments: a course that nobody has, and the people of user1's
// company in Marketing.
type assigning struct {
	*world
	t       *testing.T
	course  int64
	company int64
	admin   *client // in Sydney
	learner *client // user1, in Marketing, in Sydney
}

// assignment is one as the API shows it.
type assignment struct {
	ID         int64
	CourseID   int64 `json:"course_id"`
	Occurrence int
	Active     bool
	Counts     *struct {
		Assigned, Completed, Overdue int64
		InProgress                   int64 `json:"in_progress"`
	}
}

// assigned is an enrollment as a learner sees it.
type assigned struct {
	ID       int64
	CourseID int64 `json:"course_id"`
	Cycle    int
	Status   string
	Overdue  bool
	DueAt    *time.Time `json:"due_at"`
}

// TestAssignmentsThroughAnEdge assigns in Sydney what Frankfurt hands out and Sydney shows.
func TestAssignmentsThroughAnEdge(t *testing.T) {
	w := newWorld(t, []string{"fra", "syd"})
	fra := w.serve("fra")
	w.serve("syd")
	a := &assigning{world: w, t: t, admin: w.login("syd", "manager@example.com"), learner: w.login("syd", "user1@example.com")}
	a.course = a.newCourse("e2e-one")
	a.company = one[int64](a, `SELECT company_id FROM users WHERE email = 'user1@example.com'`)
	for _, c := range []struct {
		name string
		test func(*assigning)
	}{
		{"a department", departmentIsAssigned},
		{"who joins", joinersAreAssigned},
		{"a person", personIsAssigned},
		{"ending", assignmentEnds},
		{"recurrence", assignmentRecurs},
		{"one's own data", dataIsExported},
	} {
		t.Run(c.name, func(t *testing.T) {
			here := *a
			admin, learner := *a.admin, *a.learner
			admin.t, learner.t = t, t
			here.t, here.admin, here.learner = t, &admin, &learner
			c.test(&here)
		})
	}
	t.Run("killed in the middle", func(t *testing.T) {
		here := *a
		here.t = t
		killedInTheMiddle(&here, fra)
	})
	for _, region := range w.regions {
		eventually(t, "the replica of "+region+" equals Postgres", func() error { return w.equal(t, region) })
	}
}

func (a *assigning) url() string { return a.api("syd") + "/api/v1/assignments" }

func (a *assigning) exec(statement string, args ...any) {
	a.t.Helper()
	if _, err := pgtest.Connect(a.t, a.world.url).Exec(a.t.Context(), statement, args...); err != nil {
		a.t.Fatalf("%s: %v", statement, err)
	}
}

func one[T any](a *assigning, query string, args ...any) T {
	a.t.Helper()
	rows, err := pgtest.Connect(a.t, a.world.url).Query(a.t.Context(), query, args...)
	if err != nil {
		a.t.Fatal(err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	if err != nil {
		a.t.Fatalf("%s: %v", query, err)
	}
	return v
}

func (a *assigning) newCourse(slug string) int64 {
	a.t.Helper()
	id := one[int64](a, `INSERT INTO courses (slug, category, minutes, is_published) VALUES ($1, 'test', 5, true) RETURNING id`, slug)
	a.exec(`INSERT INTO lessons (course_id, position) VALUES ($1, 1), ($1, 2)`, id)
	a.exec(`INSERT INTO course_translations (course_id, locale, title) VALUES ($1, 'en', 'One'), ($1, 'de', 'Eins')`, id)
	return id
}

// assign makes an assignment in Sydney.
func (a *assigning) assign(fields map[string]any) (assignment, answer) {
	a.t.Helper()
	made := a.admin.must(http.StatusCreated, http.MethodPost, a.url(), fields)
	var out assignment
	made.into(a.t, &out)
	return out, made
}

// enrollments are the learner's in a course, as Sydney shows them.
func (a *assigning) enrollments(c *client, course int64, headers ...string) (out []assigned) {
	a.t.Helper()
	var page struct{ Items []assigned }
	c.get(a.api("syd")+"/api/v1/me/enrollments?size=100", headers...).into(a.t, &page)
	for _, e := range page.Items {
		if e.CourseID == course {
			out = append(out, e)
		}
	}
	return out
}

// shows waits until Sydney shows the assignment so.
func (a *assigning) shows(id int64, what string, good func(assignment) bool) {
	a.t.Helper()
	eventually(a.t, "Sydney shows "+what, func() error {
		got, err := a.admin.try(http.MethodGet, fmt.Sprintf("%s/%d", a.url(), id), nil)
		if err != nil || got.status != http.StatusOK { // it may not have arrived
			return errors.Join(err, fmt.Errorf("the answer is %d %s", got.status, got.body))
		}
		var shown assignment
		got.into(a.t, &shown)
		if !good(shown) {
			return fmt.Errorf("it is %s", got.body)
		}
		return nil
	})
}

func days(n int) string {
	return time.Now().Add(time.Duration(n) * 24 * time.Hour).UTC().Format(time.RFC3339)
}

func departmentIsAssigned(a *assigning) {
	marketing := one[int64](a, `SELECT count(*) FROM users WHERE company_id = $1 AND department = 'Marketing' AND is_active`, a.company)
	body := map[string]any{"course_id": a.course, "scope": "department", "department": "Marketing", "due_at": days(30)}
	made, _ := a.assign(body)
	a.shows(made.ID, "everybody in the department", func(s assignment) bool {
		return s.Counts != nil && s.Counts.Assigned == marketing && s.Counts.Overdue == 0
	})
	got := a.enrollments(a.learner, a.course)
	if len(got) != 1 || got[0].Status != "assigned" || got[0].Overdue || got[0].DueAt == nil {
		a.t.Fatalf("the learner sees %+v", got)
	}
	// Time passes.
	a.exec(`UPDATE enrollments SET due_at = now() - interval '1 second' WHERE id = $1`, got[0].ID)
	a.shows(made.ID, "that one is overdue", func(s assignment) bool { return s.Counts.Overdue == 1 })
	if got := a.enrollments(a.learner, a.course); len(got) != 1 || !got[0].Overdue {
		a.t.Errorf("the learner sees %+v", got)
	}

	a.admin.must(http.StatusConflict, http.MethodPost, a.url(), body).problem(a.t)
	a.learner.must(http.StatusForbidden, http.MethodPost, a.url(), body).problem(a.t)
	a.learner.must(http.StatusForbidden, http.MethodGet, a.url(), nil).problem(a.t)
	body["course_id"], body["due_at"] = 99999999, days(-1)
	refused := a.admin.must(http.StatusUnprocessableEntity, http.MethodPost, a.url(), body).problem(a.t)
	if len(refused.Errors) != 1 || refused.Errors[0].Field != "due_at" {
		a.t.Errorf("%+v", refused.Errors)
	}
	foreign := one[int64](a, `SELECT id FROM users WHERE company_id <> $1 AND is_active LIMIT 1`, a.company)
	refused = a.admin.must(http.StatusUnprocessableEntity, http.MethodPost, a.url(),
		map[string]any{"course_id": 99999999, "scope": "user", "user_id": foreign}).problem(a.t)
	if len(refused.Errors) != 2 || refused.Errors[0].Field != "course_id" || refused.Errors[1].Field != "user_id" {
		a.t.Errorf("%+v", refused.Errors)
	}
	stranger := one[int64](a, `SELECT id FROM assignments WHERE company_id <> $1 LIMIT 1`, a.company)
	a.admin.must(http.StatusNotFound, http.MethodGet, fmt.Sprintf("%s/%d", a.url(), stranger), nil)
	a.admin.must(http.StatusNotFound, http.MethodDelete, fmt.Sprintf("%s/%d", a.url(), stranger), nil)

	var page struct {
		Items []assignment
		Total int64
	}
	a.admin.get(fmt.Sprintf("%s?department=Marketing&active=true&course_id=%d", a.url(), a.course)).into(a.t, &page)
	if page.Total != 1 || page.Items[0].ID != made.ID {
		a.t.Errorf("the department's list is %+v", page)
	}
}

func joinersAreAssigned(a *assigning) {
	a.exec(`INSERT INTO users (company_id, data_zone, email, full_name, department)
		SELECT m.id, m.data_zone, 'joiner' || i || '@example.com', 'Joiner', 'Marketing' FROM companies m, generate_series(1, 3) i WHERE m.id = $1`, a.company)
	a.exec(`INSERT INTO user_credentials (user_id, password_hash) SELECT u.id, k.password_hash FROM users u, user_credentials k, users m
		WHERE u.email = 'joiner1@example.com' AND m.email = 'user1@example.com' AND k.user_id = m.id`)
	joiner := a.login("syd", "joiner1@example.com")
	joiner.t = a.t
	eventually(a.t, "who joined sees it", func() error {
		if got := a.enrollments(joiner, a.course); len(got) != 1 || got[0].DueAt == nil {
			return fmt.Errorf("%+v", got)
		}
		return nil
	})
	if n := one[int64](a, `SELECT count(*) FROM enrollments e JOIN users u ON u.id = e.user_id WHERE u.email LIKE 'joiner%' AND e.course_id = $1`, a.course); n != 3 {
		a.t.Errorf("%d of 3 who joined have it", n)
	}
}

func personIsAssigned(a *assigning) {
	course := a.newCourse("e2e-person")
	me := one[int64](a, `SELECT id FROM users WHERE email = 'user1@example.com'`)
	_, written := a.assign(map[string]any{"course_id": course, "scope": "user", "user_id": me})
	// With the position of the write it is there at once.
	got := a.enrollments(a.learner, course, "Outpost-Position", written.position())
	if len(got) != 1 || got[0].DueAt != nil || got[0].Status != "assigned" {
		a.t.Errorf("the learner sees %+v", got)
	}
}

func assignmentEnds(a *assigning) {
	course := a.newCourse("e2e-ending")
	made, _ := a.assign(map[string]any{"course_id": course, "scope": "department", "department": "Marketing", "due_at": days(10)})
	many := one[int64](a, `SELECT count(*) FROM users WHERE company_id = $1 AND department = 'Marketing' AND is_active`, a.company)
	a.shows(made.ID, "everybody", func(s assignment) bool { return s.Counts.Assigned == many })
	mine := a.enrollments(a.learner, course)[0]
	a.learner.must(http.StatusOK, http.MethodPut, progressURL(a.api("syd"), mine.ID, 1), map[string]int{"seconds": 60})
	a.shows(made.ID, "that somebody has begun", func(s assignment) bool { return s.Counts.InProgress == 1 })

	url := fmt.Sprintf("%s/%d", a.url(), made.ID)
	etag := a.admin.get(url).header.Get("ETag")
	a.admin.must(http.StatusPreconditionFailed, http.MethodDelete, url, nil, "If-Match", `"999.0123456789abcdef"`).problem(a.t)
	a.admin.must(http.StatusNoContent, http.MethodDelete, url, nil, "If-Match", etag)
	a.admin.must(http.StatusNoContent, http.MethodDelete, url, nil, "If-Match", etag)
	a.shows(made.ID, "what is left", func(s assignment) bool {
		return !s.Active && s.Counts.Assigned == 0 && s.Counts.InProgress == 1
	})
	if got := a.enrollments(a.learner, course); len(got) != 1 || got[0].Status != "in_progress" || got[0].DueAt != nil {
		a.t.Errorf("the learner sees %+v", got)
	}
}

func assignmentRecurs(a *assigning) {
	course := a.newCourse("e2e-recurring")
	made, _ := a.assign(map[string]any{"course_id": course, "scope": "department", "department": "Marketing", "due_at": days(20), "recurrence_months": 3})
	many := one[int64](a, `SELECT count(*) FROM users WHERE company_id = $1 AND department = 'Marketing' AND is_active`, a.company)
	a.shows(made.ID, "everybody", func(s assignment) bool { return s.Counts.Assigned == many })
	mine := a.enrollments(a.learner, course)[0]
	for lesson := range 2 {
		a.learner.must(http.StatusOK, http.MethodPut, progressURL(a.api("syd"), mine.ID, lesson+1), map[string]int{"seconds": 60})
	}
	// A month passes.
	const back = "- interval '30 days'"
	tx := []string{
		`UPDATE enrollments SET created_at = created_at ` + back + `, due_at = due_at ` + back + `, completed_at = completed_at ` + back + ` WHERE assignment_id = %[1]d`,
		`UPDATE assignments SET created_at = created_at ` + back + `, due_at = due_at ` + back + ` WHERE id = %[1]d`,
		`UPDATE assignment_runs SET opens_at = opens_at ` + back + `, due_at = due_at ` + back + `, next_at = next_at ` + back + ` WHERE assignment_id = %[1]d`,
	}
	a.exec(fmt.Sprintf(`DO $$ BEGIN `+strings.Join(tx, ";")+`; END $$`, made.ID))
	a.shows(made.ID, "the next occurrence", func(s assignment) bool {
		return s.Occurrence == 2 && s.Counts.Completed == 1 && s.Counts.Assigned == many && s.Counts.Overdue == many-1
	})
	got := a.enrollments(a.learner, course)
	if len(got) != 2 || got[0].Status != "completed" || got[1].Cycle != 2 || got[1].Status != "assigned" || got[1].DueAt == nil ||
		!got[1].DueAt.After(time.Now().Add(70*24*time.Hour)) {
		a.t.Errorf("the learner sees %+v", got)
	}
}

func dataIsExported(a *assigning) {
	got := a.learner.get(a.api("syd") + "/api/v1/me/export")
	if d := got.header.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment;") || got.header.Get("Cache-Control") != "no-store" {
		a.t.Errorf("%q, %q", d, got.header.Get("Cache-Control"))
	}
	document, err := openapi3.NewLoader().LoadFromFile("../api/openapi.yaml")
	if err != nil {
		a.t.Fatal(err)
	}
	var data any
	got.into(a.t, &data)
	schema := document.Components.Schemas["PersonalData"].Value
	if err := schema.VisitJSON(data, openapi3.MultiErrors(), openapi3.EnableFormatValidation()); err != nil {
		a.t.Errorf("the export is not what openapi.yaml says: %v", err)
	}
	// And nothing that openapi.yaml does not say.
	undocumented(a.t, "", data, schema)
	type exported struct {
		CourseSlug string `json:"course_slug"`
	}
	var mine struct {
		Account     struct{ Email string }
		Enrollments []exported
		Progress    []struct{ Seconds int } `json:"lesson_progress"`
		SignIns     []struct{ IP string }   `json:"sign_ins"`
	}
	got.into(a.t, &mine)
	has := slices.ContainsFunc(mine.Enrollments, func(e exported) bool { return e.CourseSlug == "e2e-recurring" })
	if mine.Account.Email != "user1@example.com" || !has || len(mine.Progress) < 3 || len(mine.SignIns) == 0 || mine.SignIns[0].IP == "" {
		a.t.Errorf("the export is %s", got.body)
	}
	if strings.Contains(string(got.body), "argon2") || strings.Contains(string(got.body), "user2@example.com") {
		a.t.Error("the export shows what is not the asker's to see")
	}
	fra := a.learner.get(a.api("fra") + "/api/v1/me/export")
	if len(fra.body) < len(got.body)/2 {
		a.t.Errorf("the primary gives %d bytes, the edge %d", len(fra.body), len(got.body))
	}
}

// undocumented looks for fields that the schema does not name.
func undocumented(t *testing.T, path string, data any, schema *openapi3.Schema) {
	t.Helper()
	switch v := data.(type) {
	case map[string]any:
		for _, s := range schema.OneOf {
			if len(s.Value.Properties) > 0 {
				schema = s.Value
			}
		}
		for name, value := range v {
			property := schema.Properties[name]
			switch {
			case property != nil:
				undocumented(t, path+"/"+name, value, property.Value)
			case schema.AdditionalProperties.Has == nil || !*schema.AdditionalProperties.Has:
				t.Errorf("%s/%s is not in openapi.yaml", path, name)
			}
		}
	case []any:
		for _, item := range v {
			undocumented(t, path, item, schema.Items.Value)
		}
	}
}

// killedInTheMiddle ends the primary with kill -9 while it hands an assignment to 5,000 people.
func killedInTheMiddle(a *assigning, fra *process) {
	const people = 5_000
	company := one[int64](a, `INSERT INTO companies (name, slug, country) VALUES ('Crowd', 'crowd', 'DE') RETURNING id`)
	a.exec(`INSERT INTO users (company_id, data_zone, email, full_name, role)
		SELECT $1, 'global', 'crowd' || i || '@example.com', 'Crowd', CASE i WHEN 1 THEN 'admin' ELSE 'learner' END FROM generate_series(1, $2::int) i`, company, people)
	a.exec(`INSERT INTO user_credentials (user_id, password_hash) SELECT u.id, k.password_hash FROM users u, user_credentials k, users m
		WHERE u.email IN ('crowd1@example.com', 'crowd5000@example.com') AND m.email = 'user1@example.com' AND k.user_id = m.id`)
	admin := a.login("syd", "crowd1@example.com")
	admin.t = a.t
	var made assignment
	admin.must(http.StatusCreated, http.MethodPost, a.url(), map[string]any{"course_id": a.course, "scope": "company", "due_at": days(30)}).into(a.t, &made)

	conn := pgtest.Connect(a.t, a.world.url)
	handed := func() (n int) {
		a.t.Helper()
		if err := conn.QueryRow(a.t.Context(), `SELECT count(*) FROM enrollments WHERE assignment_id = $1`, made.ID).Scan(&n); err != nil {
			a.t.Fatal(err)
		}
		return n
	}
	for kills := 1; kills <= 2; kills++ {
		before := handed()
		eventually(a.t, "some have it", func() error {
			if handed() <= before {
				return fmt.Errorf("only %d have", before)
			}
			return nil
		})
		fra.kill()
		n := handed()
		if n == 0 || n >= people {
			a.t.Fatalf("the primary was killed when %d of %d had it: too late to say anything", n, people)
		}
		a.t.Logf("kill %d: %d of %d have it", kills, n, people)
		fra.start()
		fra.ready()
	}
	eventually(a.t, "everybody has it", func() error {
		if n := handed(); n != people {
			return fmt.Errorf("%d of %d", n, people)
		}
		return nil
	})
	if n := one[int64](a, `SELECT count(DISTINCT user_id) FROM enrollments WHERE assignment_id = $1`, made.ID); n != people {
		a.t.Errorf("%d people have it", n)
	}
	if n := one[int64](a, `SELECT count(*) FROM enrollments WHERE company_id = $1 AND (course_id <> $2 OR cycle <> 1)`, company, a.course); n != 0 {
		a.t.Errorf("%d enrollments are not the assignment's", n)
	}
	last := a.login("syd", "crowd5000@example.com")
	last.t = a.t
	eventually(a.t, "the last one sees it in Sydney", func() error {
		if got := a.enrollments(last, a.course); len(got) != 1 {
			return fmt.Errorf("%+v", got)
		}
		return nil
	})
	eventually(a.t, "Sydney counts everybody", func() error {
		var shown assignment
		admin.get(fmt.Sprintf("%s/%d", a.url(), made.ID)).into(a.t, &shown)
		if shown.Counts.Assigned != people {
			return fmt.Errorf("%+v", *shown.Counts)
		}
		return nil
	})
}
