package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"outpost/server/api/openapi"
	"outpost/server/cache"
	"outpost/server/training"
)

// analysed is a world with people to make figures of, in company 3.
type analysed struct {
	state
	mode   training.PrivacyMode
	people []training.PersonFacts
}

func (f analysed) Profile(_ context.Context, company int64) (training.CompanyProfile, error) {
	switch company {
	case 0:
		return training.CompanyProfile{Privacy: training.Aggregate}, nil
	case 3, 4:
		return training.CompanyProfile{ID: company, Privacy: f.mode}, nil
	}
	return training.CompanyProfile{}, missing
}

func (f analysed) Requirements(context.Context, string, string) ([]training.Requirement, error) {
	return []training.Requirement{{ID: 1, Courses: []int64{42}}}, nil
}

func (f analysed) Facts(_ context.Context, filter training.FactFilter, each func(*training.PersonFacts) error) error {
	for i := range f.people {
		if filter.CompanyID == 0 || filter.CompanyID == f.people[i].CompanyID {
			if err := each(&f.people[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f analysed) CourseTitles(_ context.Context, ids []int64, locale string) (map[int64]training.CourseTitle, error) {
	names := make(map[int64]training.CourseTitle)
	for _, id := range ids {
		names[id] = training.CourseTitle{Slug: "phishing", Title: map[string]string{"de": "Köder", "en": "Bait"}[locale]}
	}
	return names, nil
}

// newAnalysed gives a node whose clock is at that time, with managers 20 and 21 of company 3 and 22 of
// company 4.
func newAnalysed(t *testing.T, clock *atomic.Pointer[time.Time], f *analysed) *node {
	t.Helper()
	now := func() time.Time { return *clock.Load() }
	n := newNode(t, func(d *Deps, n *node) {
		c, err := cache.New(cache.Options{MaxBytes: 8 << 20, Now: now, Published: func() cache.At { return cache.At(n.world.published()) }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		c.Reset(1)
		d.Now, d.Cache, n.world.cache = now, c, c
		d.Read = func(ctx context.Context, fn func(training.Queries) error) (training.At, error) {
			return n.world.read(ctx, func(q training.Queries) error {
				seen := *f
				seen.state = q.(state)
				return fn(seen)
			})
		}
	})
	assigning(n.world)
	return n
}

// at noon of the 23rd, six people of IT have done the course, five of HR not, by a date of ten days ago,
// and one of the board, in time for tomorrow.
func workforce() (people []training.PersonFacts) {
	noon := day.Add(7 * time.Hour)
	for i := range int64(12) {
		p := training.PersonFacts{
			UserID: 100 + i, CompanyID: 3, FullName: fmt.Sprintf("Name %d", i), Pseudonym: fmt.Sprintf("P-%d", i), Department: "IT",
			RiskFacts: training.RiskFacts{JobRisk: "low", Duties: []training.Duty{{
				EnrollmentID: i, CourseID: 42, StartedAt: noon.AddDate(0, 0, -4), CompletedAt: noon.AddDate(0, 0, -3), DueAt: noon, ExpiresAt: noon.Add(3 * time.Hour),
			}}},
		}
		if i >= 6 {
			p.Department, p.JobRisk = "HR", "high"
			p.Duties = []training.Duty{{EnrollmentID: i, CourseID: 42, Open: true, DueAt: noon.AddDate(0, 0, -10)}}
		}
		if i == 11 {
			p.Department, p.Duties[0].DueAt = "Board", noon.Add(2*time.Hour)
		}
		people = append(people, p)
	}
	return people
}

const analytics = "/api/v1/admin/analytics"

func TestAnalytics(t *testing.T) {
	var clock atomic.Pointer[time.Time]
	noon := day.Add(7 * time.Hour)
	clock.Store(&noon)
	world := &analysed{mode: training.Individual, people: workforce()}
	n := newAnalysed(t, &clock, world)
	named := []string{`"privacy_mode":"individual"`, `"full_name":"Name 6"`, `"score":48.9`, `"exposure":0.8`, `"unlisted":null`, `"company_id":3`}
	for _, s := range []scenario{
		{name: "a manager", as: 20, method: "GET", target: analytics, status: 200, want: append(named, `"title":"Bait"`)},
		{name: "in German", as: 20, method: "GET", target: analytics + "?locale=de", status: 200, want: []string{`"title":"Köder"`, `"course_title":"Köder"`}},
		{name: "the own company by name", as: 21, method: "GET", target: analytics + "?company_id=3", status: 200, want: named},
		{name: "another company", as: 22, method: "GET", target: analytics, status: 200, want: []string{`"company_id":4`, `"people":0`, `"compliance_rate":null`, `"departments":[]`, `"courses":[]`}, wantNot: []string{"Name"}},
		{name: "another company by name", as: 22, method: "GET", target: analytics + "?company_id=3", status: 404},
		{name: "a learner", as: 1, method: "GET", target: analytics, status: 403},
		{name: "nobody", method: "GET", target: analytics, status: 401},
		{
			name: "who sees all companies", as: 9, method: "GET", target: analytics, status: 200,
			want: []string{`"company_id":null`, `"privacy_mode":"aggregate"`, `"unlisted":"several_companies"`, `"full_name":"Name 6"`}, wantNot: []string{"pseudonym", "exposure"},
		},
		{name: "who sees all companies, one of them", as: 9, method: "GET", target: analytics + "?company_id=3", status: 200, want: named},
		{name: "no company", as: 9, method: "GET", target: analytics + "?company_id=99", status: 404},
		{name: "not a company", as: 9, method: "GET", target: analytics + "?company_id=x", status: 422, want: []string{`"field":"company_id"`}},
		{name: "too few days", as: 20, method: "GET", target: analytics + "?days=6", status: 422, want: []string{`"field":"days"`, "from 7 to 365"}},
		{name: "too many days", as: 20, method: "GET", target: analytics + "?days=366", status: 422, want: []string{`"field":"days"`}},
		{name: "days that are none", as: 20, method: "GET", target: analytics + "?days=week", status: 422, want: []string{`"field":"days"`}},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, n) })
	}
	for mode, c := range map[training.PrivacyMode]struct{ want, wantNot []string }{
		training.Aggregate:    {[]string{`"people":null`, `"unlisted":"privacy_mode"`, `"full_name":"Name 6"`}, []string{"P-", "exposure", `"score":49`}},
		training.Pseudonymous: {[]string{`"pseudonym":"P-6"`, `"score":49,`, `"full_name":null`, `"components":null`, `"band":`}, []string{"exposure"}},
	} {
		n.world.change(func() { world.mode = mode }, cache.Row("companies", 3))
		scenario{name: string(mode), as: 20, method: "GET", target: analytics, status: 200, want: c.want, wantNot: c.wantNot}.run(t, n)
	}
}

// TestAnalyticsFollowTheClock moves the clock and writes nothing.
func TestAnalyticsFollowTheClock(t *testing.T) {
	var clock atomic.Pointer[time.Time]
	noon := day.Add(7 * time.Hour)
	clock.Store(&noon)
	n := newAnalysed(t, &clock, &analysed{mode: training.Individual, people: workforce()})
	ask := func(at time.Time, status string) (body openapi.Analytics, today openapi.AnalyticsDay) {
		t.Helper()
		clock.Store(&at)
		a := n.do("GET", analytics+"?days=7", n.as(20), "")
		if err := json.Unmarshal([]byte(a.body), &body); err != nil || a.StatusCode != 200 || len(body.Trends) != 7 {
			t.Fatalf("%d %v %s", a.StatusCode, err, a.body)
		}
		if got := a.Header.Get("Cache-Status"); got != status {
			t.Errorf("at %v: %s, want %s", at, got, status)
		}
		return body, body.Trends[6]
	}
	due, expiry, midnight := noon.Add(2*time.Hour), noon.Add(3*time.Hour), day.Truncate(24*time.Hour).AddDate(0, 0, 1)

	body, today := ask(noon, missed)
	if today.Date != "2026-11-23" || today.Overdue != 5 || *today.ComplianceRate != 0.5455 || body.Trends[3].Completions != 6 || body.Trends[2].Begun != 6 || *body.Trends[3].ComplianceRate != 0.5455 {
		t.Errorf("at noon %+v, before %+v", today, body.Trends)
	}
	if body.Overdue.People != 5 || body.Courses[0].Completed != 6 || body.Overdue.Items[0].DaysOverdue != 10 || !body.ValidUntil.Equal(due) || !body.GeneratedAt.Equal(noon) {
		t.Errorf("at noon %+v", body)
	}
	// Of HR's five and the board's one: with the one left to itself, HR joins it.
	if d := body.Departments; len(d) != 2 || *d[0].Name != "IT" || !d[1].Rest || d[1].Name != nil || d[1].People != 6 || d[1].Overdue != 5 || *d[0].ComplianceRate != 1 || *d[0].OnTimeRate != 1 {
		t.Errorf("departments %+v", d)
	}
	if again, _ := ask(due.Add(-time.Second), "outpost; hit"); !again.GeneratedAt.Equal(noon) {
		t.Errorf("a hit is of %v", again.GeneratedAt)
	}
	if body, today = ask(due, missed); today.Overdue != 6 || *today.ComplianceRate != 0.5 || body.Overdue.Enrollments != 6 || !body.ValidUntil.Equal(expiry) {
		t.Errorf("once it is due %+v, until %v", today, body.ValidUntil)
	}
	if body, today = ask(expiry, missed); *today.ComplianceRate != 0 || body.Courses[0].Expired != 6 || !body.ValidUntil.Equal(midnight) {
		t.Errorf("once it has expired %+v, until %v", today, body.ValidUntil)
	}
	body, today = ask(midnight, missed)
	if yesterday := body.Trends[5]; today.Date != "2026-11-24" || yesterday.Overdue != 6 || *yesterday.ComplianceRate != 0 || body.Overdue.Items[0].DaysOverdue != 11 || !body.ValidUntil.Equal(midnight.AddDate(0, 0, 1)) {
		t.Errorf("the next day %+v, until %v", body.Trends, body.ValidUntil)
	}
}

func TestAnalyticsAreSharedByThoseWhoMayAsk(t *testing.T) {
	var clock atomic.Pointer[time.Time]
	noon := day.Add(7 * time.Hour)
	clock.Store(&noon)
	n := newAnalysed(t, &clock, &analysed{mode: training.Pseudonymous, people: workforce()})
	for _, c := range []struct {
		as     int64
		query  string
		status string
	}{
		{20, "", missed},
		{21, "?days=30", "outpost; hit"},
		{9, "?company_id=3", "outpost; hit"},
		{21, "?days=31", missed},
		{21, "?locale=de", missed},
		{22, "", missed},
		{9, "", missed},
	} {
		a := n.do("GET", analytics+c.query, n.as(c.as), "")
		if got := a.Header.Get("Cache-Status"); a.StatusCode != 200 || got != c.status {
			t.Errorf("%d asks %s: %d %s, want %s", c.as, c.query, a.StatusCode, got, c.status)
		}
	}
	for name, c := range map[string]struct {
		tag  cache.Tag
		miss string // of company 3, of all
	}{
		"somebody of the company completes": {cache.Tenant("duties", 3), "3"},
		"any does":                          {cache.Table("duties"), "all"},
		"somebody does a lesson":            {cache.Tenant("enrollments", 3), ""},
		"somebody of the company moves":     {cache.Tenant("users", 3), "3"},
		"somebody falls for a simulation":   {cache.Tenant("phishing_events", 3), "3"},
		"somebody takes a quiz":             {cache.Tenant("quiz_attempts", 3), "3"},
		"the privacy mode changes":          {cache.Row("companies", 3), "3"},
		"the course changes":                {cache.Row("courses", 42), "3 all"},
		"another course changes":            {cache.Row("courses", 43), ""},
		"a requirement changes":             {cache.Table("requirement_courses"), "3 all"},
		"somebody of another company does":  {cache.Tenant("duties", 4), ""},
		"somebody logs in":                  {cache.Table("user_activity"), ""},
		"a lesson is read":                  {cache.Table("lesson_progress"), ""},
	} {
		n.do("GET", analytics, n.as(20), "")
		n.do("GET", analytics, n.as(9), "")
		n.world.change(func() {}, c.tag)
		for asker, what := range map[int64]string{20: "3", 9: "all"} {
			anew := n.do("GET", analytics, n.as(asker), "").Header.Get("Cache-Status") == missed
			if want := strings.Contains(c.miss, what); anew != want {
				t.Errorf("%s: the figures of %s are made anew: %v", name, what, anew)
			}
		}
	}
}
