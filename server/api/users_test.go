package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/server/cache"
	"outpost/server/training"
)

// staffed makes a primary whose company 3 has a manager, 5, and an admin, 6, and its people in
// asked.
func staffed(t testing.TB, asked *crew, bend func(*Deps, *node)) *node {
	t.Helper()
	return newNode(t, func(d *Deps, n *node) {
		for id, role := range map[int64]training.Role{5: training.Manager, 6: training.Admin} {
			u := n.world.users[1]
			u.ID, u.Role, u.Email = id, role, fmt.Sprintf("staff%d@example.com", id)
			n.world.users[id] = u
		}
		asked.writer = n.writer
		d.Writer = asked
		read := d.Read
		d.Read = func(ctx context.Context, fn func(training.Queries) error) (training.At, error) {
			return read(ctx, func(q training.Queries) error { return fn(crewQueries{q, asked}) })
		}
		if bend != nil {
			bend(d, n)
		}
	})
}

// crew is a world's people: it remembers what was asked of it.
type crew struct {
	*writer
	filter  training.PersonFilter
	fields  training.PersonField
	change  training.PersonChange
	rows    []training.BulkPerson
	partial bool
	tried   int // how often people were only tried
	company int64
	version int64
	// export
	people int64
	fail   int64 // the export cannot be read behind this id; 0: it can
}

type crewQueries struct {
	training.Queries
	*crew
}

var example = training.PersonDetail{Person: training.Person{
	ID: 7, CompanyID: 3, Email: "ada@example.com", FullName: "Ada", Role: training.Learner, JobRisk: "low", IsActive: true, CreatedAt: day, UpdatedAt: day, Version: 4,
}, Company: training.Company{ID: 3, Name: "Müller GmbH", PrivacyMode: training.Individual}, Courses: 2, Assigned: 1, Completed: 1}

func (c crewQueries) People(_ context.Context, _ training.Principal, f training.PersonFilter) (training.Page[training.Person], error) {
	c.filter = f
	return training.Page[training.Person]{Items: []training.Person{example.Person}, Total: 1, Page: f.Page, Size: f.Size}, nil
}

func (c crewQueries) Person(_ context.Context, _ training.Principal, id int64, fields training.PersonField) (training.PersonDetail, error) {
	c.fields = fields
	if id != example.ID {
		return training.PersonDetail{}, missing
	}
	return example, nil
}

func (c crewQueries) PeopleForExport(_ context.Context, _ training.Principal, company, after int64, size int) (list []training.ExportedPerson, err error) {
	c.company = company
	if c.fail != 0 && after >= c.fail {
		return nil, context.DeadlineExceeded
	}
	for id := after + 1; id <= c.people && len(list) < size; id++ {
		list = append(list, training.ExportedPerson{ID: id, Email: fmt.Sprintf("u%d@example.com", id), FullName: `=Ada "Countess", née Byron`, CreatedAt: day})
	}
	return list, nil
}

func (c *crew) CreatePerson(_ context.Context, _ training.Principal, company int64, n training.NewPerson) (training.PersonDetail, change.LSN, error) {
	c.company, c.rows = company, []training.BulkPerson{{NewPerson: n}}
	return example, 100, nil
}

func (c *crew) CreatePeople(_ context.Context, _ training.Principal, company int64, rows []training.BulkPerson, partial bool) (training.BulkOutcome, change.LSN, error) {
	c.company, c.rows, c.partial = company, rows, partial
	out := training.BulkOutcome{}
	for _, r := range rows {
		if len(r.Errors) > 0 {
			out.Failed++
			out.Rows = append(out.Rows, training.BulkRow{Row: r.Row, Errors: r.Errors})
		} else {
			out.Created++
			out.Rows = append(out.Rows, training.BulkRow{Row: r.Row, ID: 1000 + int64(r.Row)})
		}
	}
	if out.Failed > 0 && !partial {
		return out, 0, out.Refusal()
	}
	return out, 100, nil
}

func (c *crew) TryPeople(_ context.Context, _ training.Principal, company int64, rows []training.BulkPerson) (out training.BulkOutcome, err error) {
	c.company, c.rows = company, rows
	c.tried++
	for _, r := range rows {
		if len(r.Errors) > 0 {
			out.Failed++
		}
		out.Rows = append(out.Rows, training.BulkRow{Row: r.Row, Errors: r.Errors})
	}
	return out, nil
}

func (c *crew) ChangeLocale(_ context.Context, p training.Principal, version int64, locale *string) (training.PersonDetail, change.LSN, error) {
	c.version, c.change = version, training.PersonChange{Locale: locale}
	c.mu.Lock()
	defer c.mu.Unlock()
	u := c.users[p.UserID]
	if locale != nil {
		u.Locale = *locale
	}
	return training.PersonDetail{Person: training.Person{
		ID: u.ID, Email: u.Email, FullName: u.FullName, Role: u.Role, Department: u.Department, JobRisk: u.JobRisk, Locale: u.Locale,
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, Version: u.Version,
	}, Company: u.Company}, 100, nil
}

func (c *crew) ChangePerson(_ context.Context, _ training.Principal, _, version int64, p training.PersonChange) (training.PersonDetail, change.LSN, error) {
	c.version, c.change = version, p
	return example, 100, nil
}

func (c *crew) DeactivatePerson(_ context.Context, _ training.Principal, _, version int64) (change.LSN, error) {
	c.version = version
	return 100, nil
}

func TestUserScenarios(t *testing.T) {
	asked := &crew{}
	n := staffed(t, asked, nil)
	const users, one = "/api/v1/users", "/api/v1/users/7"
	for _, s := range []scenario{
		{name: "a list", as: 5, method: "GET", target: users, status: 200, want: []string{`"email":"ada@example.com"`, `"total":1`, `"last_login_at":null`}},
		{name: "a list for a learner", as: 1, method: "GET", target: users, status: 403},
		{name: "some fields", as: 5, method: "GET", target: users + "?fields=email,id", status: 200, want: []string{`{"email":"ada@example.com","id":7}`}},
		{name: "an unknown field", as: 5, method: "GET", target: users + "?fields=password_hash", status: 422, want: []string{`"field":"fields"`}},
		{name: "an unknown order", as: 5, method: "GET", target: users + "?sort=role", status: 422},
		{name: "all that is wrong", as: 5, method: "GET", target: users + "?role=boss&job_risk=x&is_active=1&updated_since=yesterday&q=" + strings.Repeat("x", 201), status: 422, want: []string{`"field":"role"`, `"field":"job_risk"`, `"field":"is_active"`, `"field":"updated_since"`, `"field":"q"`}},
		{name: "another company", as: 5, method: "GET", target: users + "?company_id=4", status: 404},
		{name: "one's own company", as: 5, method: "GET", target: users + "?company_id=3", status: 200},
		{name: "a company that is none", as: 9, method: "GET", target: users + "?company_id=x", status: 422},
		{name: "a person", as: 5, method: "GET", target: one, status: 200, want: []string{`"courses":2`, `"enrollments":{"assigned":1,"completed":1,"expired":0,"in_progress":0}`}},
		{name: "nobody", as: 5, method: "GET", target: users + "/8", status: 404},
		{name: "a person without a number", as: 5, method: "GET", target: users + "/me", status: 404},
		{name: "a learner asks for one", as: 1, method: "GET", target: one, status: 200},

		{name: "create", as: 6, method: "POST", target: users, body: `{"email":" ada@example.com ","full_name":"Ada"}`, status: 201, headers: map[string]string{"Location": one}},
		{name: "create as a manager", as: 5, method: "POST", target: users, body: `{"email":"ada@example.com","full_name":"Ada"}`, status: 403},
		{name: "create nobody", as: 6, method: "POST", target: users, body: `{}`, status: 422, want: []string{`"field":"email"`, `"field":"full_name"`}},
		{name: "create with all wrong", as: 6, method: "POST", target: users, body: `{"email":"ada","full_name":" ","role":"platform_admin","department":"a\u0000b","job_risk":"x","locale":"fr","company_id":0}`, status: 422, want: []string{`"field":"email"`, `"field":"full_name"`, `"field":"role"`, "above your own", `"field":"department"`, `"field":"job_risk"`, `"field":"locale"`, `"field":"company_id"`}},

		{name: "change", as: 6, method: "PATCH", target: one, body: `{"department":null,"is_active":false}`, header: map[string]string{"If-Match": `"4.00"`, "Content-Type": "application/merge-patch+json"}, status: 200},
		{name: "change as a manager", as: 5, method: "PATCH", target: one, body: `{}`, status: 403},
		{name: "change wrongly", as: 6, method: "PATCH", target: one, body: `{"email":null,"full_name":1,"role":"chief"}`, status: 422, want: []string{`"field":"email"`, `"field":"full_name"`}},
		{name: "change to what may not be", as: 6, method: "PATCH", target: one, body: `{"role":"platform_admin","email":"x y@example.com"}`, status: 422, want: []string{`"field":"email"`, `"field":"role"`}},
		{name: "change with a weak ETag", as: 6, method: "PATCH", target: one, body: `{}`, header: map[string]string{"If-Match": `W/"4"`}, status: 400},
		{name: "change with a form", as: 6, method: "PATCH", target: one, body: `a=b`, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, status: 415},
		{name: "create with a merge patch", as: 6, method: "POST", target: users, body: `{}`, header: map[string]string{"Content-Type": "application/merge-patch+json"}, status: 415},
		{name: "one's own language", as: 1, method: "PATCH", target: "/api/v1/me", body: `{"locale":"en"}`, header: map[string]string{"If-Match": `"4.00"`, "Content-Type": "application/merge-patch+json"}, status: 200, want: []string{`"id":1,`, `"locale":"en"`, `"company":{`}},
		{name: "no language", as: 1, method: "PATCH", target: "/api/v1/me", body: `{"locale":null}`, status: 200, want: []string{`"locale":""`}},
		{name: "a language that is not spoken", as: 1, method: "PATCH", target: "/api/v1/me", body: `{"locale":"fr"}`, status: 422, want: []string{`"field":"locale"`}},
		{name: "a language that is a number", as: 1, method: "PATCH", target: "/api/v1/me", body: `{"locale":1}`, status: 422, want: []string{`"field":"locale"`}},
		{name: "one's own role", as: 6, method: "PATCH", target: "/api/v1/me", body: `{"locale":"de","role":"admin","full_name":null}`, status: 422, want: []string{`"field":"role"`, `"field":"full_name"`, "Ask an administrator"}, wantNot: []string{`"field":"locale"`}},
		{name: "a language without a body", as: 1, method: "PATCH", target: "/api/v1/me", status: 400},
		{name: "nobody's language", method: "PATCH", target: "/api/v1/me", body: `{"locale":"de"}`, status: 401},
		{name: "a language with a weak ETag", as: 1, method: "PATCH", target: "/api/v1/me", body: `{}`, header: map[string]string{"If-Match": `W/"4"`}, status: 400},
		{name: "deactivate", as: 6, method: "DELETE", target: one, header: map[string]string{"If-Match": `"4.00"`}, status: 204},
		{name: "deactivate as a manager", as: 5, method: "DELETE", target: one, status: 403},

		{name: "bulk", as: 6, method: "POST", target: users + "/bulk", body: `{"users":[{"email":"a@example.com","full_name":"A"},{"email":"b@example.com","full_name":"B"}]}`, status: 201, want: []string{`{"created":2,"failed":0,"rows":[{"id":1001,"row":1},{"id":1002,"row":2}]}`}},
		{name: "bulk with bad rows", as: 6, method: "POST", target: users + "/bulk", body: `{"users":[{"email":"a@example.com","full_name":"A"},{"email":1},null,{"email":"c","full_name":"C","role":"platform_admin"}]}`, status: 422, want: []string{`{"field":"email","message":"must be a text","row":2}`, `"row":3`, `"field":"role","message":"must not be above your own","row":4`, "3 of the rows"}},
		{name: "bulk in part", as: 6, method: "POST", target: users + "/bulk?partial=true", body: `{"users":[{"email":"a@example.com","full_name":"A"},{"email":"b"}]}`, status: 201, want: []string{`"created":1,"failed":1`, `"row":2`}},
		{name: "bulk of bad rows only", as: 6, method: "POST", target: users + "/bulk", body: `{"partial":true,"users":[{"email":"b"}]}`, status: 200, want: []string{`"created":0`}},
		{name: "bulk of nobody", as: 6, method: "POST", target: users + "/bulk", body: `{"users":[]}`, status: 422},
		{name: "bulk of too many", as: 6, method: "POST", target: users + "/bulk", body: `{"users":[` + strings.Repeat("1,", 10_000) + `1]}`, status: 422, want: []string{"at most 10000"}},
		{name: "bulk of a manager", as: 5, method: "POST", target: users + "/bulk", body: `{}`, status: 403},
		{name: "bulk as CSV", as: 6, method: "POST", target: users + "/bulk", header: csvType, body: "email;full_name\r\na@example.com;\"A; B\"\r\n", status: 201, want: []string{`"created":1`}},
		{name: "bulk as CSV in Latin-1", as: 6, method: "POST", target: users + "/bulk", header: csvType, body: "email,full_name\na@example.com,M\xfcller\n", status: 400, want: []string{"UTF-8"}},
		{name: "bulk as CSV of another charset", as: 6, method: "POST", target: users + "/bulk", header: map[string]string{"Content-Type": "text/csv; charset=latin1"}, body: "email", status: 415},
		{name: "bulk, dry", as: 6, method: "POST", target: users + "/bulk", body: `{"dry_run":true,"users":[{"email":"a@example.com","full_name":"A"},{"email":"b"}]}`, status: 200, want: []string{`{"created":0,"failed":1,"rows":[{"row":1},{"errors":[`, `"row":2`}},
		{name: "bulk as CSV, dry", as: 6, method: "POST", target: users + "/bulk?dry_run=true&partial=true", header: csvType, body: "email,full_name\na@example.com,A\nb\n", status: 200, want: []string{`"created":0,"failed":1`, "must have 2 cells"}},
		{name: "bulk, dry or not", as: 6, method: "POST", target: users + "/bulk?dry_run=perhaps", body: `{"users":[]}`, status: 422, want: []string{`"field":"dry_run"`}},
		{name: "bulk of nobody, dry", as: 6, method: "POST", target: users + "/bulk?dry_run=1", body: `{"users":[]}`, status: 422},
		{name: "bulk of a manager, dry", as: 5, method: "POST", target: users + "/bulk?dry_run=true", body: `{}`, status: 403},
		{name: "bulk as XML", as: 6, method: "POST", target: users + "/bulk", header: map[string]string{"Content-Type": "text/xml"}, body: "<a/>", status: 415},
		{name: "export for a learner", as: 1, method: "GET", target: users + "/export", status: 403},
		{name: "export of another company", as: 5, method: "GET", target: users + "/export?company_id=4", status: 404},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, n) })
	}
}

func TestOnesOwnLanguageIsOnesOwn(t *testing.T) {
	asked := &crew{}
	n := staffed(t, asked, nil)
	a := n.do("PATCH", "/api/v1/me", n.as(1, "If-Match", `"7.0123"`), `{}`)
	if asked.version != 7 || asked.change.Locale != nil {
		t.Errorf("nothing became %+v of version %d", asked.change, asked.version)
	}
	read := n.do("GET", "/api/v1/me", n.as(1), "")
	if a.body != read.body || a.Header.Get("ETag") == "" || a.Header.Get("ETag") != read.Header.Get("ETag") {
		t.Errorf("PATCH gives %s with %s, GET %s with %s", a.body, a.Header.Get("ETag"), read.body, read.Header.Get("ETag"))
	}
	n.do("PATCH", "/api/v1/me", n.as(1), `{"locale":null}`)
	if asked.version != 0 || asked.change.Locale == nil || *asked.change.Locale != "" {
		t.Errorf("null became %+v of version %d", asked.change, asked.version)
	}
}

func TestADryRunCreatesNobody(t *testing.T) {
	asked := &crew{}
	n := staffed(t, asked, nil)
	const bulk, one = "/api/v1/users/bulk", `{"users":[{"email":"a@example.com","full_name":"A"}],"dry_run":`
	for target, tried := range map[string]int{bulk + "?dry_run=false&body=true": 1, bulk + "?dry_run=true&body=false": 0, bulk + "?dry_run=true&company_id=3": 1} {
		asked.tried = 0
		body := one + "true}"
		if tried == 0 {
			body = one + "false}"
		}
		if n.do("POST", target, n.as(6), body); asked.tried != tried { // the body's word counts, as that of partial
			t.Errorf("%s with %s: tried %d times", target, body, asked.tried)
		}
	}
}

var csvType = map[string]string{"Content-Type": "text/csv; charset=utf-8"}

func TestAUserListAsksForWhatTheRequestNames(t *testing.T) {
	asked := &crew{}
	n := staffed(t, asked, nil)
	n.do("GET", "/api/v1/users?role=admin&department=IT&job_risk=high&is_active=false&q=Ada+L&updated_since=2026-11-01T02:00:00%2B02:00&sort=-updated_at&page=2&size=5&fields=id,email,role", n.as(5), "")
	f := asked.filter
	if f.Role != training.Admin || f.Department != "IT" || f.JobRisk != "high" || f.Active == nil || *f.Active || f.Search != "Ada L" ||
		!f.UpdatedSince.Equal(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)) || f.Sort != "updated_at" || !f.Desc || f.Page != 2 || f.Size != 5 ||
		f.CompanyID != 3 || f.Fields != training.PersonEmail|training.PersonRole {
		t.Errorf("the filter is %+v", f)
	}
	n.do("GET", "/api/v1/users", n.as(9), "")
	if asked.filter.CompanyID != 0 || asked.filter.Fields != training.PersonVersion<<1-1 {
		t.Errorf("a platform administrator's filter is %+v", asked.filter)
	}
	n.do("GET", "/api/v1/users/7?fields=full_name,courses", n.as(5), "")
	if asked.fields != training.PersonFullName|training.PersonCourses {
		t.Errorf("the fields are %b", asked.fields)
	}
	a := n.do("PATCH", "/api/v1/users/7", n.as(6, "If-Match", `"4.0123"`), `{"job_risk":null,"email":" b@example.com"}`)
	if c := asked.change; asked.version != 4 || *c.JobRisk != "medium" || *c.Email != "b@example.com" || c.FullName != nil || c.IsActive != nil {
		t.Errorf("the change is %+v of version %d", c, asked.version)
	}
	if tag := n.do("GET", "/api/v1/users/7", n.as(6), "").Header.Get("ETag"); tag == "" || a.Header.Get("ETag") != tag {
		t.Errorf("PATCH gives the ETag %s, GET %s", a.Header.Get("ETag"), tag)
	}
}

func TestALoginTouchesNoListThatDoesNotShowIt(t *testing.T) {
	asked := &crew{}
	n := staffed(t, asked, nil)
	const all, few, sorted = "/api/v1/users", "/api/v1/users?fields=id,email", "/api/v1/users?fields=id&sort=last_login_at"
	status := func(user int64, target string) string {
		return n.do("GET", target, n.as(user), "").Header.Get("Cache-Status")
	}
	for _, target := range []string{all, few, sorted} {
		if s := status(5, target); s != missed {
			t.Errorf("%s: %s", target, s)
		}
		if s := status(6, target); s != "outpost; hit" { // colleagues share
			t.Errorf("%s for a colleague: %s", target, s)
		}
		if s := status(9, target); s != missed { // a platform administrator sees all
			t.Errorf("%s for a platform administrator: %s", target, s)
		}
	}
	check := func(what string, wants map[string]string) {
		t.Helper()
		for target, want := range wants {
			if s := status(5, target); s != want {
				t.Errorf("after %s %s: %s, want %s", what, target, s, want)
			}
		}
	}
	const hit = "outpost; hit"
	n.world.change(func() {}, cache.Tenant("user_activity", 3), cache.Table("user_activity"))
	check("a login", map[string]string{all: missed, few: hit, sorted: missed})
	n.world.change(func() {}, cache.Tenant("users", 4), cache.Tenant("user_activity", 4), cache.Table("users"))
	check("another company's change", map[string]string{all: hit, few: hit, sorted: hit})
	if s := status(9, few); s != missed {
		t.Errorf("after another company's change the platform's list: %s", s)
	}
	n.world.change(func() {}, cache.Tenant("users", 3), cache.Table("users"))
	check("a change", map[string]string{all: missed, few: missed, sorted: missed})
}

func TestBodiesAreBoundedByTheirRoute(t *testing.T) {
	asked := &crew{}
	n := staffed(t, asked, nil) // 4 KiB
	primary := n.listen()
	edge := newEdge(t, primary, func(_ *Deps, e *node) { e.world.users = n.world.users }).listen()
	person := `{"email":"a@example.com","full_name":"` + strings.Repeat("A", 100) + `"}`
	many := func(count int) string {
		return `{"partial":true,"users":[` + strings.TrimSuffix(strings.Repeat(person+",", count), ",") + `]}`
	}
	for name, url := range map[string]string{"primary": primary, "edge": edge} {
		for _, chunked := range []bool{false, true} {
			for _, c := range []struct {
				path, body string
				status     int
			}{
				{"/api/v1/users", person, 201},
				{"/api/v1/users", person + strings.Repeat(" ", 5<<10), 413},
				{"/api/v1/users?/api/v1/users/bulk", person + strings.Repeat(" ", 5<<10), 413},
				{"/api/v1/users/bulk", many(100), 201},
				{"/api/v1/users/bulk/?partial=true", many(9000), 201},
				{"/api/v1/users/bulk", many(2) + strings.Repeat(" ", maxBulkBody), 413},
			} {
				request, err := http.NewRequest("POST", url+c.path, strings.NewReader(c.body))
				if err != nil {
					t.Fatal(err)
				}
				request.Header = n.as(6, "Content-Type", "application/json")
				if chunked {
					request.ContentLength = -1
				}
				response, err := http.DefaultClient.Do(request)
				if err != nil {
					t.Errorf("%s, %s, %d bytes, chunked %v: %v", name, c.path, len(c.body), chunked, err)
					continue
				}
				a := finish(t, request, response)
				if a.StatusCode != c.status {
					t.Errorf("%s, %s, %d bytes, chunked %v: %d, want %d", name, c.path, len(c.body), chunked, a.StatusCode, c.status)
				}
			}
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestABulkReportIsJSONOfEachRow(t *testing.T) {
	asked := &crew{}
	n := staffed(t, asked, nil)
	header := n.as(6, "Content-Type", "text/csv")
	a := n.do("POST", "/api/v1/users/bulk?partial=1&company_id=3", header, "\ufeffFull_Name,EMAIL,role\r\n\"Ada\r\nLovelace\",ada@example.com,\r\nGrace,grace@example.com,manager\r\nAlan,alan@example.com\r\n")
	var out struct {
		Created, Failed int
		Rows            []struct {
			Row    int
			ID     int64
			Errors []struct{ Field, Message string }
		}
	}
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		t.Fatal(err)
	}
	if out.Created != 1 || out.Failed != 2 || len(out.Rows) != 3 || out.Rows[0].Errors[0].Field != "full_name" || out.Rows[1].ID != 1002 ||
		!strings.Contains(out.Rows[2].Errors[0].Message, "3 cells") || asked.company != 3 || !asked.partial || asked.rows[1].Role != training.Manager {
		t.Errorf("the report is %s", a.body)
	}
}
