package api

import (
	"context"
	"strings"
	"testing"
	"time"

	"outpost/server/cache"
	"outpost/server/training"
)

// CompanyEnrollments gives an enrollment of company 3 that falls due an hour after the world's day, one that was due two
// days before, and what it was asked, as the course's title.
func (s state) CompanyEnrollments(_ context.Context, p training.Principal, f training.CompanyEnrollmentFilter) (training.CompanyEnrollments, error) {
	out := training.CompanyEnrollments{Page: training.Page[training.CompanyEnrollment]{Page: f.Page, Size: f.Size}}
	if f.CompanyID != 3 && f.CompanyID != 0 || p.Role != training.PlatformAdmin && p.CompanyID != 3 {
		return out, nil
	}
	soon, past := day.Add(time.Hour), day.AddDate(0, 0, -2)
	asked := f.Sort + " " + f.Department + " " + string(f.Status) + " " + f.Locale
	if f.Desc {
		asked = "-" + asked
	}
	for id, due := range map[int64]*time.Time{80: &past, 81: &soon} {
		e := training.CompanyEnrollment{
			Enrollment: training.Enrollment{
				ID: id, UserID: 1, CompanyID: 3, CourseID: 42, CourseSlug: "phishing", CourseTitle: asked, Status: training.InProgress,
				DueAt: due, LessonsDone: 1, Lessons: 3, CreatedAt: day,
			},
			FullName: "Üta <Eins>", Email: "user1@example.com", Department: "IT", IsActive: true,
		}
		if score := 77; id == 80 {
			e.Score = &score // which no answer may show
		}
		if f.Overdue == nil || *f.Overdue == e.Overdue(f.At) {
			out.Items = append(out.Items, e)
		}
	}
	if f.Timed() && f.At.Before(soon) {
		out.NextChange = soon
	}
	out.Total = int64(len(out.Items))
	return out, nil
}

func TestEnrollmentsOfACompany(t *testing.T) {
	n := newNode(t, func(d *Deps, _ *node) { d.Now = func() time.Time { return day } })
	assigning(n.world)
	const list = "/api/v1/enrollments"
	for _, s := range []scenario{
		{
			name: "a manager's list", as: 20, method: "GET", target: list, status: 200,
			want: []string{
				`"total":2`, `"id":80`, `"id":81`, `"company_id":3`, `"full_name":"Üta <Eins>"`, `"email":"user1@example.com"`, `"department":"IT"`,
				`"course_slug":"phishing"`, `"course_title":"created_at   en"`, `"lessons_done":1`, `"lesson_count":3`, `"completed_at":null`,
			},
			wantNot: []string{"score", "77"},
		},
		{
			name: "what is overdue, the longest first", as: 20, method: "GET", target: list + "?overdue=true&locale=de", status: 200,
			want: []string{`"total":1`, `"id":80`, `"overdue":true`, `"days_overdue":2`, `"due_at":"2026-11-21T05:00:00Z"`, `"course_title":"due_at   de"`},
		},
		{
			name: "what is not", as: 20, method: "GET", target: list + "?overdue=false&sort=-due_at", status: 200,
			want: []string{`"id":81`, `"overdue":false`, `"days_overdue":0`, `"course_title":"-due_at   en"`}, wantNot: []string{`"id":80`},
		},
		{
			name: "filters", as: 20, method: "GET", target: list + "?department=IT&status=in_progress&course_id=42&user_id=1&overdue=true&sort=created_at", status: 200,
			want: []string{`"course_title":"created_at IT in_progress en"`},
		},
		{name: "fields", as: 20, method: "GET", target: list + "?overdue=true&fields=id,days_overdue", status: 200, want: []string{`"items":[{"days_overdue":2,"id":80}]`}},
		{name: "one's own company, named", as: 20, method: "GET", target: list + "?company_id=3", status: 200, want: []string{`"id":80`}},
		{name: "another company, named", as: 20, method: "GET", target: list + "?company_id=4", status: 404},
		{name: "another company's list", as: 22, method: "GET", target: list, status: 200, want: []string{`"items":[]`}},
		{name: "a platform administrator's list", as: 9, method: "GET", target: list, status: 200, want: []string{`"id":80`}},
		{name: "a platform administrator's list of a company", as: 9, method: "GET", target: list + "?company_id=4", status: 200, want: []string{`"items":[]`}},
		{name: "a learner's list", as: 1, method: "GET", target: list, status: 403},
		{name: "nobody's list", method: "GET", target: list, status: 401},
		{name: "an unknown order", as: 20, method: "GET", target: list + "?overdue=true&sort=full_name", status: 422, want: []string{`"field":"sort"`}},
		{name: "an unknown field", as: 20, method: "GET", target: list + "?fields=score", status: 422, want: []string{`"field":"fields"`}},
		{
			name: "filters that are none", as: 20, method: "GET", status: 422,
			target: list + "?overdue=maybe&status=late&user_id=x&course_id=0&department=" + strings.Repeat("x", training.MaxDepartment+1),
			want:   []string{`"field":"overdue"`, `"field":"status"`, `"field":"user_id"`, `"field":"course_id"`, `"field":"department"`},
		},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, n) })
	}
}

// clocked is a node with people who manage, whose cache and API have the same clock.
func clocked(t *testing.T, clock func() time.Time) *node {
	t.Helper()
	n := newNode(t, func(d *Deps, n *node) {
		c, err := cache.New(cache.Options{MaxBytes: 1 << 20, Now: clock, Published: func() cache.At { return cache.At(n.world.published()) }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		c.Reset(1)
		n.world.cache, d.Cache, d.Now = c, c, clock
	})
	assigning(n.world)
	return n
}

func TestAListOfEnrollmentsChangesWithWhatItShows(t *testing.T) {
	n := clocked(t, func() time.Time { return day })
	status := func(target string) string {
		t.Helper()
		return n.do("GET", target, n.as(20), "").Header.Get("Cache-Status")
	}
	const whole, duties, person = "/api/v1/enrollments", "/api/v1/enrollments?overdue=true&fields=id,due_at", "/api/v1/enrollments?user_id=1"
	all := []string{whole, duties, person}
	for _, target := range all {
		if got := status(target); got != missed {
			t.Fatalf("%s: %s", target, got)
		}
	}
	for _, c := range []struct {
		tags []cache.Tag
		miss []string
	}{
		{[]cache.Tag{cache.Tenant("enrollments", 4), cache.Tenant("duties", 4), cache.Tenant("users", 4), cache.Ref("enrollments", "user_id", 2)}, nil},
		{[]cache.Tag{cache.Tenant("enrollments", 3)}, []string{whole}}, // a lesson of a colleague
		{[]cache.Tag{cache.Tenant("duties", 3)}, []string{duties}},
		{[]cache.Tag{cache.Ref("enrollments", "user_id", 1)}, []string{person}},
		{[]cache.Tag{cache.Row("users", 1)}, []string{person}},
		{[]cache.Tag{cache.Tenant("users", 3)}, []string{whole, duties}},
		{[]cache.Tag{cache.Row("courses", 42)}, all},
	} {
		n.world.change(func() {}, c.tags...)
		for _, target := range all {
			missing := false
			for _, m := range c.miss {
				missing = missing || m == target
			}
			if got := status(target) == missed; got != missing {
				t.Errorf("%v: %s is computed anew: %v, want %v", c.tags, target, got, missing)
			}
		}
	}
}

// TestAListOfWhatIsOverdueFollowsTheClock moves the clock and writes nothing.
func TestAListOfWhatIsOverdueFollowsTheClock(t *testing.T) {
	now := day
	n := clocked(t, func() time.Time { return now })
	read := func(after time.Duration, status string, want ...string) {
		t.Helper()
		now = day.Add(after)
		a := n.do("GET", "/api/v1/enrollments?overdue=true", n.as(20), "")
		if a.Header.Get("Cache-Status") != status {
			t.Errorf("after %v: %q", after, a.Header.Get("Cache-Status"))
		}
		for _, w := range want {
			if !strings.Contains(a.body, w) {
				t.Errorf("after %v: %s lacks %s", after, a.body, w)
			}
		}
	}
	const hit = "outpost; hit"
	read(0, missed, `"total":1`, `"days_overdue":2`)
	read(time.Hour-time.Nanosecond, hit, `"total":1`)
	read(time.Hour, missed, `"total":2`, `"days_overdue":0`) // the next is overdue
	midnight := training.NextDay(day).Sub(day)
	read(midnight-time.Nanosecond, hit, `"days_overdue":2`, `"days_overdue":0`)
	read(midnight, missed, `"total":2`, `"days_overdue":3`, `"days_overdue":1`)
}
