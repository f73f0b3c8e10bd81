package api

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/server/cache"
	"outpost/server/training"
)

// assigning adds a manager, an administrator and a foreign manager to the world.
func assigning(w *world) {
	for id, role := range map[int64]training.Role{20: training.Manager, 21: training.Admin} {
		u := w.users[1]
		u.ID, u.Role, u.Email = id, role, string(role)+"@example.com"
		w.users[id] = u
	}
	u := w.users[2]
	u.ID, u.Role, u.Email = 22, training.Manager, "foreign@example.com"
	w.users[22] = u
}

func (w *world) assignment() training.Assignment {
	due := day.AddDate(5, 0, 0)
	return training.Assignment{
		ID: 5, CompanyID: 3, CourseID: 42, CourseSlug: "phishing", CourseTitle: "Phishing", Scope: training.DepartmentScope, Department: "IT",
		DueAt: &due, Recurrence: 1, CreatedBy: 21, CreatedAt: day, UpdatedAt: day, Version: 3,
	}
}

func (s state) Assignments(_ context.Context, p training.Principal, f training.AssignmentFilter) (training.Page[training.Assignment], error) {
	page := training.Page[training.Assignment]{Page: f.Page, Size: f.Size}
	if p.CompanyID == 3 && (f.Department == "" || f.Department == "IT") {
		a := s.assignment()
		if !f.Uncounted {
			a.Counts = &training.AssignmentCounts{Assigned: 4, Overdue: 2}
		}
		page.Items, page.Total = append(page.Items, a), 1
	}
	return page, nil
}

func (s state) Assignment(_ context.Context, p training.Principal, id int64, _ string) (training.Assignment, error) {
	if id != 5 || p.CompanyID != 3 {
		return training.Assignment{}, missing
	}
	a := s.assignment()
	a.Counts = &training.AssignmentCounts{Assigned: 4, Overdue: 2}
	return a, nil
}

func (w *writer) CreateAssignment(_ context.Context, p training.Principal, n training.NewAssignment) (training.Assignment, change.LSN, error) {
	if n.CourseID == 43 {
		return training.Assignment{}, 0, training.Errorf(training.Conflict, "The course is assigned to them already, by assignment 5. End that one first.")
	}
	a := w.assignment()
	if p.Locale == "de" {
		a.CourseTitle = "Köder"
	}
	a.CourseID, a.Scope, a.Department, a.UserID, a.DueAt, a.Recurrence, a.CreatedBy, a.Version = n.CourseID, n.Scope, n.Department, n.UserID, n.DueAt, n.Recurrence, p.UserID, 1
	return a, w.published().Position.LSN, nil
}

func (w *writer) EndAssignment(_ context.Context, p training.Principal, id, version int64) (change.LSN, error) {
	switch {
	case id != 5 || p.CompanyID != 3:
		return 0, missing
	case version != 0 && version != 3:
		return 0, training.Errorf(training.Precondition, "The assignment is not what If-Match says.")
	}
	return w.published().Position.LSN, nil
}

func (w *writer) PersonalData(_ context.Context, p training.Principal) ([]byte, change.LSN, error) {
	return []byte(fmt.Sprintf(exported, p.UserID)), w.published().Position.LSN, nil
}

const exported = `{"exported_at":"2026-11-23T05:00:00Z","account":{"id":%d,"email":"","full_name":"","role":"learner","department":"",` +
	`"job_risk":"low","locale":"","is_active":true,"created_at":"2026-11-23T05:00:00Z","updated_at":"2026-11-23T05:00:00Z","password_set_at":null},` +
	`"company":{"id":3,"name":"","slug":"","country":"","data_zone":"","locale":"","privacy_mode":""},"activity":null,"sessions":[],"sign_ins":[],` +
	`"failed_logins":[],"login_sources":[],"password_requests":[],"revocations":[],"password_resets":[],"invitations_received":[],"invitations_sent":[],"api_keys":[],"mails":[],` +
	`"remembered_requests":[],"assignments":[],"assignments_made":[],"enrollments":[],"lesson_progress":[],"quiz_attempts":[],"quiz_starts":[],"certificates":[],` +
	`"phishing_events":[],"reports":[],"report_schedules":[],"reminders":[],"overdue_reminders":[],"actions":[],"changes":[],"cut":[]}`

func TestAssignments(t *testing.T) {
	n := newNode(t, func(d *Deps, _ *node) { d.Now = func() time.Time { return day } })
	assigning(n.world)
	const (
		list = "/api/v1/assignments"
		one  = list + "/5"
	)
	body := func(fields string) string { return `{"course_id":42,` + fields + `}` }
	for _, s := range []scenario{
		{
			name: "a manager's list", as: 20, method: "GET", target: list + "?sort=-due_at&active=true&scope=department&course_id=42", status: 200,
			want: []string{`"id":5`, `"counts":{"assigned":4,`, `"overdue":2`, `"occurrence":1`, `"current_due_at":"2031-11-23T05:00:00Z"`, `"user_id":null`, `"active":true`},
		},
		{name: "without counts", as: 20, method: "GET", target: list + "?fields=id,course_title", status: 200, want: []string{`{"course_title":"Phishing","id":5}`}, wantNot: []string{"counts"}},
		{name: "of another department", as: 20, method: "GET", target: list + "?department=HR", status: 200, want: []string{`"items":[]`}},
		{name: "another company's list", as: 22, method: "GET", target: list, status: 200, want: []string{`"items":[]`}, wantNot: []string{"phishing"}},
		{name: "a learner's list", as: 1, method: "GET", target: list, status: 403},
		{name: "nobody's list", method: "GET", target: list, status: 401},
		{name: "an unknown order", as: 20, method: "GET", target: list + "?sort=department", status: 422, want: []string{`"field":"sort"`}},
		{
			name: "filters that are none", as: 20, method: "GET", target: list + "?active=maybe&scope=planet&user_id=x&course_id=0", status: 422,
			want: []string{`"field":"active"`, `"field":"scope"`, `"field":"user_id"`, `"field":"course_id"`},
		},
		{name: "one", as: 20, method: "GET", target: one, status: 200, want: []string{`"department":"IT"`, `"recurrence_months":1`, `"version":3`}},
		{name: "one of another company", as: 22, method: "GET", target: one, status: 404, wantNot: []string{"IT"}},
		{name: "one for a learner", as: 1, method: "GET", target: one, status: 403},
		{name: "none", as: 20, method: "GET", target: list + "/nine", status: 404},

		{
			name: "assign", as: 21, method: "POST", target: list, body: body(`"scope":"department","department":"IT","due_at":"2027-01-31T23:00:00+01:00","recurrence_months":12`), status: 201,
			want: []string{`"due_at":"2027-01-31T22:00:00Z"`, `"recurrence_months":12`, `"created_by":21`, `"version":1`}, wantNot: []string{"counts"},
		},
		{name: "assign, in the language that GET would answer in", as: 21, method: "POST", target: list + "?locale=de", body: body(`"scope":"company"`), status: 201, want: []string{`"course_title":"Köder"`}},
		{name: "assign to a person", as: 9, method: "POST", target: list, body: body(`"scope":"user","user_id":7`), status: 201, want: []string{`"user_id":7`, `"due_at":null`, `"department":null`}},
		{name: "assigned already", as: 21, method: "POST", target: list, body: `{"course_id":43,"scope":"company"}`, status: 409, want: []string{"by assignment 5"}},
		{name: "a manager assigns", as: 20, method: "POST", target: list, body: body(`"scope":"company"`), status: 403},
		{name: "nothing said", as: 21, method: "POST", target: list, body: `{}`, status: 422, want: []string{`"field":"course_id"`, `"field":"scope"`}},
		{
			name: "everything wrong", as: 21, method: "POST", target: list, status: 422,
			body: `{"course_id":0,"scope":"planet","department":"x","user_id":3,"due_at":"tomorrow","recurrence_months":0}`,
			want: []string{`"field":"course_id"`, `"field":"scope"`, `"field":"department"`, `"field":"user_id"`, `"field":"due_at"`, `"field":"recurrence_months"`},
		},
		{name: "a date in the past", as: 21, method: "POST", target: list, body: body(`"scope":"company","due_at":"2026-11-23T04:00:00Z"`), status: 422, want: []string{`"field":"due_at"`, "future"}},
		{name: "NUL", as: 21, method: "POST", target: list, body: body(`"scope":"department","department":"a\u0000"`), status: 422, want: []string{`"field":"department"`}},

		{name: "end", as: 21, method: "DELETE", target: one, status: 204},
		{name: "end what one saw", as: 21, method: "DELETE", target: one, header: map[string]string{"If-Match": `"3.0123456789abcdef"`}, status: 204},
		{name: "end what has changed", as: 21, method: "DELETE", target: one, header: map[string]string{"If-Match": `"2.0123456789abcdef"`}, status: 412},
		{name: "end no ETag", as: 21, method: "DELETE", target: one, header: map[string]string{"If-Match": `3`}, status: 400},
		{name: "a manager ends", as: 20, method: "DELETE", target: one, status: 403},
		{name: "end none", as: 21, method: "DELETE", target: list + "/6", status: 404},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, n) })
	}
}

func TestAnAssignmentsAnswerChangesWithWhatItShows(t *testing.T) {
	n := newNode(t, func(d *Deps, _ *node) { d.Now = func() time.Time { return day } })
	assigning(n.world)
	status := func(target string) string {
		t.Helper()
		return n.do("GET", target, n.as(20), "").Header.Get("Cache-Status")
	}
	const counted, uncounted, one = "/api/v1/assignments", "/api/v1/assignments?fields=id,course_title", "/api/v1/assignments/5"
	all := []string{counted, uncounted, one}
	for _, target := range all {
		if got := status(target); got != missed {
			t.Fatalf("%s: %s", target, got)
		}
	}
	for _, c := range []struct {
		tags []cache.Tag
		miss string
	}{
		{[]cache.Tag{cache.Row("enrollments", 1), cache.Tenant("enrollments", 4)}, ""},
		{[]cache.Tag{cache.Row("enrollments", 1), cache.Tenant("enrollments", 3)}, counted + " " + one},
		{[]cache.Tag{cache.Row("assignments", 5), cache.Tenant("assignments", 3)}, counted + " " + uncounted + " " + one},
		{[]cache.Tag{cache.Row("courses", 42)}, counted + " " + uncounted + " " + one},
	} {
		n.world.change(func() {}, c.tags...)
		for _, target := range all {
			missing := false
			for _, m := range strings.Fields(c.miss) {
				missing = missing || m == target
			}
			if got := status(target) == missed; got != missing {
				t.Errorf("%s is computed anew: %v, want %v", target, got, missing)
			}
		}
	}
}

func TestAnExportIsAFileThatNobodyKeeps(t *testing.T) {
	primary := newNode(t, nil)
	edge := newEdge(t, primary.listen(), nil)
	for _, n := range []*node{primary, edge} {
		header := n.as(1)
		header.Set("Idempotency-Key", "k") // of no meaning for a read
		a := n.do("GET", "/api/v1/me/export", header, "")
		if a.StatusCode != 200 || a.body != fmt.Sprintf(exported, 1) {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
		for name, want := range map[string]string{
			"Content-Disposition": `attachment; filename="outpost-export.json"`, "Cache-Control": "no-store", "Cache-Status": "", "ETag": "", "Content-Type": "application/json",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	}
	if a := primary.do("GET", "/api/v1/me/export", nil, ""); a.StatusCode != 401 {
		t.Errorf("nobody's export is %d", a.StatusCode)
	}
}
