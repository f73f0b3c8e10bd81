package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/server/cache"
	"outpost/server/training"
)

// figures are what a replica holds of company 3, whose people the world's users are not. Its clock is
// also the cache's.
type figures struct {
	training.Queries
	mu     sync.Mutex
	now    time.Time
	mode   training.PrivacyMode
	people []training.PersonFacts
	fail   map[string]func(context.Context) error // a part, by its question
	at     map[string]training.At                 // of the read in which it is asked; else the world's
}

func (f *figures) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *figures) move(to time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = to
}

// asked is one read of the figures.
type asked struct {
	*figures
	training.Queries
	name string // of the question
}

func (a *asked) ask(ctx context.Context, name string) error {
	a.name = name
	if fail := a.fail[name]; fail != nil {
		return fail(ctx)
	}
	return nil
}

func (a *asked) Profile(ctx context.Context, company int64) (training.CompanyProfile, error) {
	if company == 99 {
		return training.CompanyProfile{}, missing
	}
	return training.CompanyProfile{ID: company, ActiveUsers: len(a.people), Privacy: a.mode}, a.ask(ctx, "active users")
}

func (a *asked) PopularCourses(ctx context.Context, _ int64, locale string, limit int) ([]training.PopularCourse, error) {
	return []training.PopularCourse{{CourseID: 42, Slug: "phishing", Title: "Phishing " + locale, Enrollments: limit + 2, Completed: 3}}, a.ask(ctx, "popular courses")
}

func (a *asked) Facts(ctx context.Context, f training.FactFilter, each func(*training.PersonFacts) error) error {
	name := "risk"
	if f.Want&training.FactRequirements != 0 {
		name = "compliance"
	}
	if err := a.ask(ctx, name); err != nil {
		return err
	}
	for _, p := range a.people {
		if (f.CompanyID == 0 || f.CompanyID == p.CompanyID) && (f.UserID == 0 || f.UserID == p.UserID) {
			if err := each(&p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *asked) Person(_ context.Context, p training.Principal, id int64, _ training.PersonField) (training.PersonDetail, error) {
	company := a.mode
	found := training.PersonDetail{Person: training.Person{ID: id, CompanyID: 3}, Company: training.Company{ID: 3, PrivacyMode: company}}
	if id > 60 || p.Role != training.PlatformAdmin && (p.CompanyID != 3 || !p.Role.Manages() && id != p.UserID) {
		return found, missing
	}
	return found, nil
}

// figured makes a primary over f, with the manager 20 of company 3.
func figured(t *testing.T, f *figures, bend func(*Deps)) *node {
	t.Helper()
	f.now = day
	return newNode(t, func(d *Deps, n *node) {
		assigning(n.world)
		c, err := cache.New(cache.Options{MaxBytes: 8 << 20, Now: f.clock, Published: func() cache.At { return cache.At(n.world.published()) }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		c.Reset(1)
		n.world.cache, d.Cache, d.Now = c, c, f.clock
		read := d.Read
		d.Read = func(ctx context.Context, fn func(training.Queries) error) (training.At, error) {
			var q training.Queries
			at, err := read(ctx, func(found training.Queries) error { q = found; return nil })
			if err != nil {
				return at, err
			}
			a := &asked{figures: f, Queries: q}
			err = fn(a) // side by side: the world is not locked any more
			if own, ok := f.at[a.name]; ok {
				at = own
			}
			return at, err
		}
		if bend != nil {
			bend(d)
		}
	})
}

// six people of company 3: 51 to 55 owe requirement 1, each with a last quiz and a job of medium risk.
//
//	51, 52  done, valid for ever
//	53      done, expires in two hours
//	54      due in an hour, and done already
//	55      due in an hour, and open
//	56      owes nothing
func six() *figures {
	quiz := func(n int) *int { return &n }
	requirements := []training.Requirement{{ID: 1, Courses: []int64{42}}}
	f := &figures{mode: training.Aggregate}
	add := func(id int64, last *int, duties ...training.Duty) {
		f.people = append(f.people, training.PersonFacts{
			UserID: id, CompanyID: 3, FullName: fmt.Sprintf("Person %d", id), Requirements: requirements,
			RiskFacts: training.RiskFacts{JobRisk: "medium", LastQuiz: last, Duties: duties},
		})
	}
	done, soon := day.AddDate(0, 0, -1), day.Add(time.Hour)
	add(51, quiz(100), training.Duty{CourseID: 42, CompletedAt: done})
	add(52, quiz(100), training.Duty{CourseID: 42, CompletedAt: done})
	add(53, quiz(80), training.Duty{CourseID: 42, CompletedAt: done, ExpiresAt: day.Add(2 * time.Hour)})
	add(54, quiz(80), training.Duty{CourseID: 42, CompletedAt: done, DueAt: soon})
	add(55, quiz(50), training.Duty{CourseID: 42, Open: true, DueAt: soon})
	add(56, nil)
	return f
}

const dashboard = "/api/v1/dashboard"

// TestADashboardFollowsTheClock moves the clock and writes nothing. Scores are of K and E, rescaled to
// (0.15·K + 0.1·0.5) / 0.25, and where something has a date of T too: (0.2·T + 0.15·K + 0.05) / 0.45.
func TestADashboardFollowsTheClock(t *testing.T) {
	f := six()
	n := figured(t, f, nil)
	for _, c := range []struct {
		at         time.Time
		compliance string // until…
		risk       string
		until      time.Time
	}{
		// 51 to 54 have done it, 55 owes nothing yet: 4 people are too few.
		// Scores: 51, 52: 0.05/0.25 = 20; 53: (0.03+0.05)/0.25 = 32; 54: 0.08/0.45 = 17.78; 55: (0.075+0.05)/0.45 = 27.78; 56: 50.
		// Their sum is 167.56, their mean 27.93; of six, P90 lies at 0.9·5 = 4.5, between 32 and 50: 41.
		{day, "null", `{"band":"moderate","p90":41,"people":6,"score":27.9}`, day.Add(time.Hour)},
		// 55 owes it: 4/5. Two dates have come, of two people: too few for the on-time rate.
		{day.Add(time.Hour), `{"compliant":4,"obligations":5,"on_time_rate":null,"people":5,"rate":0.8,"satisfied":4}`, `{"band":"moderate","p90":41,"people":6,"score":27.9}`, day.Add(2 * time.Hour)},
		{day.Add(2*time.Hour - time.Microsecond), `{"compliant":4,"obligations":5,"on_time_rate":null,"people":5,"rate":0.8,"satisfied":4}`, `"score":27.9`, day.Add(2 * time.Hour)},
		// 53's has expired: 3/5. What is next is midnight.
		{day.Add(2 * time.Hour), `"rate":0.6,"satisfied":3}`, `"score":27.9`, training.NextDay(day)},
		// A day late, 55's T is 1/30: (0.2/30 + 0.125)/0.45 = 29.26. The sum is 169.04, the mean 28.17.
		{training.NextDay(day), `"rate":0.6,"satisfied":3}`, `"score":28.2`, training.NextDay(day).AddDate(0, 0, 1)},
	} {
		f.move(c.at)
		first := n.do("GET", dashboard, n.as(1), "")
		again := n.do("GET", dashboard, n.as(1), "")
		want := []string{
			`"active_users":6`, `"popular_courses":[{"completed":3,"course_id":42,"enrollments":7,"slug":"phishing","title":"Phishing en"}]`,
			`"degraded":[]`, c.compliance, c.risk, `"valid_until":"` + c.until.Format(time.RFC3339Nano) + `"`,
		}
		if c.compliance == "null" {
			want = append(want, `"withheld":["compliance_rate"]`, `"compliance_rate":null`)
		} else {
			want = append(want, `"withheld":[]`)
		}
		for _, w := range want {
			if first.StatusCode != 200 || !strings.Contains(first.body, w) {
				t.Errorf("at %v: %d, without %s: %s", c.at, first.StatusCode, w, first.body)
			}
		}
		if again.Header.Get("Cache-Status") != "outpost; hit" || again.body != first.body {
			t.Errorf("at %v: the same again is %s", c.at, again.Header.Get("Cache-Status"))
		}
	}
}

func TestADashboardIsOneForAllOfACompany(t *testing.T) {
	f := six()
	n := figured(t, f, nil)
	status := func(user int64, target string) string {
		t.Helper()
		a := n.do("GET", target, n.as(user), "")
		if a.StatusCode != 200 {
			t.Errorf("user %d: %s: %d %s", user, target, a.StatusCode, a.body)
		}
		return a.Header.Get("Cache-Status")
	}
	for _, s := range []struct {
		user         int64
		target, want string
	}{
		{1, dashboard, missed},
		{20, dashboard, "outpost; hit"}, // their manager
		{20, dashboard + "?company_id=3", "outpost; hit"},
		{1, dashboard + "?locale=de", missed}, // the courses' titles
		{9, dashboard, missed},                // all companies
		{9, dashboard + "?company_id=3", "outpost; hit"},
		{2, dashboard + "?locale=en", missed}, // another company
	} {
		if got := status(s.user, s.target); got != s.want {
			t.Errorf("user %d: %s: %q, want %q", s.user, s.target, got, s.want)
		}
	}
	for _, s := range []scenario{
		{name: "another company's", as: 1, method: "GET", target: dashboard + "?company_id=4", status: 404, wantNot: []string{"active_users"}},
		{name: "another company's, by a manager", as: 20, method: "GET", target: dashboard + "?company_id=4", status: 404},
		{name: "no company's", as: 9, method: "GET", target: dashboard + "?company_id=99", status: 404},
		{name: "no number", as: 9, method: "GET", target: dashboard + "?company_id=x", status: 422, want: []string{`"field":"company_id"`}},
		{name: "nobody's", method: "GET", target: dashboard, status: 401},
		// One person is none: everything about people is withheld.
		{
			name: "a company of nobody", as: 2, method: "GET", target: dashboard, status: 200,
			want: []string{`"compliance_rate":null`, `"risk_score":null`, `"withheld":[]`, `"degraded":[]`},
		},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, n) })
	}
	// What it depends on, and nothing else.
	for _, table := range []string{"users", "duties", "phishing_events", "quiz_attempts"} {
		n.world.change(func() {}, cache.Tenant(table, 4))
		if got := status(1, dashboard); got != "outpost; hit" {
			t.Errorf("after a change of another company's %s: %s", table, got)
		}
		n.world.change(func() {}, cache.Table(table), cache.Tenant(table, 3))
		if mine, all := status(1, dashboard), status(9, dashboard); mine != missed || all != missed {
			t.Errorf("after a change of %s: %s, and of all companies %s", table, mine, all)
		}
	}
	for _, tag := range []cache.Tag{cache.Table("courses"), cache.Table("requirement_courses"), cache.Row("companies", 3)} {
		n.world.change(func() {}, tag)
		if got := status(1, dashboard); got != missed {
			t.Errorf("after a change of %x: %s", tag, got)
		}
	}
}

// TestAPartThatFailsLeavesTheRest: it is null and named, the others are served, and nothing is kept.
func TestAPartThatFailsLeavesTheRest(t *testing.T) {
	names := map[string]string{"active users": "active_users", "popular courses": "popular_courses", "compliance": "compliance_rate", "risk": "risk_score"}
	ways := map[string]func(context.Context) error{
		"an error":   func(context.Context) error { return errors.New("the secret inside") },
		"a panic":    func(context.Context) error { panic("the secret inside") },
		"no refusal": func(context.Context) error { return training.Errorf(training.Forbidden, "the secret inside") },
		"too slow":   func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	}
	for question, name := range names {
		for way, fail := range ways {
			f := six()
			n := figured(t, f, func(d *Deps) { d.Limits.Part = 100 * time.Millisecond })
			f.move(day.Add(time.Hour))
			f.fail = map[string]func(context.Context) error{question: fail}
			a := n.do("GET", dashboard, n.as(1), "")
			if a.StatusCode != 200 || !strings.Contains(a.body, `"degraded":["`+name+`"]`) || strings.Contains(a.body, "secret") {
				t.Errorf("%s of %s: %d %s", way, name, a.StatusCode, a.body)
			}
			for _, other := range names {
				if (other == name) != strings.Contains(a.body, `"`+other+`":null`) {
					t.Errorf("%s of %s: %s is missing or there: %s", way, name, other, a.body)
				}
			}
			if got := a.Header.Get("Cache-Status"); got != "outpost; fwd=miss" {
				t.Errorf("%s of %s: %q", way, name, got)
			}
			if !strings.Contains(n.logs.String(), "a part of the dashboard is missing") || !strings.Contains(n.logs.String(), name) {
				t.Errorf("%s of %s: is not logged", way, name)
			}
			f.fail = nil
			if a := n.do("GET", dashboard, n.as(1), ""); !strings.Contains(a.body, `"degraded":[]`) || a.Header.Get("Cache-Status") != missed {
				t.Errorf("%s of %s was kept: %s %s", way, name, a.Header.Get("Cache-Status"), a.body)
			}
		}
	}
}

func TestADashboardOfWhichNothingCanBeMadeIsNone(t *testing.T) {
	f := six()
	n := figured(t, f, nil)
	broken := func(context.Context) error { return errors.New("the secret inside") }
	f.fail = map[string]func(context.Context) error{"active users": broken, "popular courses": broken, "compliance": broken, "risk": broken}
	if a := n.do("GET", dashboard, n.as(1), ""); a.StatusCode != 500 {
		t.Errorf("without any part: %d %s", a.StatusCode, a.body)
	}
	f.fail = map[string]func(context.Context) error{"risk": func(context.Context) error {
		return &training.Error{Code: training.Unavailable, Message: "This region has no data yet."}
	}}
	if a := n.do("GET", dashboard, n.as(1), ""); a.StatusCode != 503 {
		t.Errorf("without a replica: %d %s", a.StatusCode, a.body)
	}
}

// TestADashboardOfSeveralStates: the newest position is sent, and what has changed since the oldest is not
// kept, nor is anything of two incarnations.
func TestADashboardOfSeveralStates(t *testing.T) {
	f := six()
	n := figured(t, f, nil)
	state := func(lsn change.LSN, incarnation uint64) training.At {
		return training.At{Position: change.Position{Generation: generation, LSN: lsn}, Incarnation: incarnation}
	}
	ask := func() (string, string) {
		t.Helper()
		a := n.do("GET", dashboard, n.as(1), "")
		return a.Header.Get("Outpost-Position"), a.Header.Get("Cache-Status")
	}
	at102 := n.world.change(func() {}, cache.Tenant("sessions", 9))
	f.at = map[string]training.At{"compliance": state(100, 1), "risk": state(at102.LSN+5, 1)}
	if position, _ := ask(); position != at(at102.LSN+5) {
		t.Errorf("the position is %s, and one part is newer", position)
	}
	if position, status := ask(); position != at(at102.LSN+5) || status != "outpost; hit" {
		t.Errorf("nothing it depends on has changed, and it is not kept: %s %s", position, status)
	}
	n.world.change(func() {}, cache.Tenant("users", 3))
	for range 2 { // compliance is from before the change
		if _, status := ask(); status == "outpost; hit" {
			t.Error("a part is older than a change, and is kept")
		}
	}
	f.at = map[string]training.At{"compliance": state(200, 2), "risk": state(200, 1)}
	for range 2 {
		if _, status := ask(); status != "outpost; fwd=miss" {
			t.Errorf("two incarnations: %s", status)
		}
	}
}

func TestRiskOfAPersonIsShownAsThePrivacyModeAllows(t *testing.T) {
	f := six()
	f.people = append(f.people, training.PersonFacts{UserID: 1, CompanyID: 3, RiskFacts: training.RiskFacts{JobRisk: "low"}})
	f.people = append(f.people, training.PersonFacts{UserID: 9, CompanyID: 3, RiskFacts: training.RiskFacts{JobRisk: "high"}})
	n := figured(t, f, nil)
	const me = "/api/v1/me/risk"
	of := func(id int64) string { return fmt.Sprintf("/api/v1/users/%d/risk", id) }
	own := []string{`"user_id":1`, `"score":20`, `"band":"low"`, `{"name":"phishing","value":null,"weight":0.35}`, `{"name":"exposure","value":0.2,"weight":0.1}`, `"valid_until":"2026-11-24T00:00:00Z"`}
	for _, mode := range []training.PrivacyMode{training.Aggregate, training.Pseudonymous, training.Individual, ""} {
		f.mode = mode
		n.world.change(func() {}, cache.Row("companies", 3))
		shown := 403
		if mode == training.Individual {
			shown = 200
		}
		var says, hides []string
		if shown == 403 {
			says, hides = []string{"privacy mode is " + string(mode)}, []string{"score\"", "band"}
		}
		for _, s := range []scenario{
			{name: "one's own", as: 1, method: "GET", target: me, status: 200, want: own},
			{name: "one's own, by id", as: 1, method: "GET", target: of(1), status: 200, want: own},
			{name: "a platform admin's own", as: 9, method: "GET", target: of(9), status: 200, want: []string{`"score":80`, `"band":"critical"`}},
			{name: "a colleague's", as: 1, method: "GET", target: of(55), status: 404},
			{name: "one of theirs, by a manager", as: 20, method: "GET", target: of(55), status: shown, want: says, wantNot: hides},
			{name: "by a platform admin", as: 9, method: "GET", target: of(55), status: shown, want: says, wantNot: hides},
			{name: "a stranger's, by a manager", as: 22, method: "GET", target: of(55), status: 404, wantNot: []string{"privacy"}},
			{name: "nobody's", as: 20, method: "GET", target: of(61), status: 404},
			{name: "no id", as: 20, method: "GET", target: "/api/v1/users/me/risk", status: 404},
			{name: "without a token", method: "GET", target: of(1), status: 401},
		} {
			t.Run(fmt.Sprintf("%s in mode %q", s.name, mode), func(t *testing.T) { s.run(t, n) })
		}
	}
	f.mode = training.Individual
	n.world.change(func() {}, cache.Row("companies", 3))
	if a := n.do("GET", of(60), n.as(20), ""); a.StatusCode != 404 {
		t.Errorf("who is not active has a score: %d %s", a.StatusCode, a.body)
	}
}

// TestAScoreFollowsTheClockAndItsData moves the clock across midnight and writes nothing, then changes rows.
func TestAScoreFollowsTheClockAndItsData(t *testing.T) {
	f := six()
	f.people = []training.PersonFacts{{UserID: 1, CompanyID: 3, RiskFacts: training.RiskFacts{Duties: []training.Duty{{CourseID: 1, Open: true, DueAt: day.AddDate(0, 0, -3)}}}}}
	n := figured(t, f, nil)
	ask := func() (string, string) {
		a := n.do("GET", "/api/v1/me/risk", n.as(1), "")
		_, rest, _ := strings.Cut(a.body, `"score":`)
		score, _, _ := strings.Cut(rest, ",")
		return score, a.Header.Get("Cache-Status")
	}
	for _, c := range []struct {
		at   time.Time
		want []string
	}{
		{day, []string{"10", missed}}, // 3 of 30 days
		{training.NextDay(day).Add(-time.Microsecond), []string{"10", "outpost; hit"}},
		{training.NextDay(day), []string{"13.3", missed}}, // 4 of 30
	} {
		f.move(c.at)
		if score, status := ask(); !slices.Equal([]string{score, status}, c.want) {
			t.Errorf("at %v: %s %s, want %v", c.at, score, status, c.want)
		}
	}
	for _, tag := range []cache.Tag{
		cache.Row("users", 1), cache.Row("companies", 3), cache.Ref("enrollments", "user_id", 1), cache.Ref("phishing_events", "user_id", 1), cache.Ref("quiz_attempts", "user_id", 1),
	} {
		n.world.change(func() {}, cache.Ref("enrollments", "user_id", 2))
		if _, status := ask(); status != "outpost; hit" {
			t.Errorf("after somebody else's change: %s", status)
		}
		n.world.change(func() {}, tag)
		if _, status := ask(); status != missed {
			t.Errorf("after a change of %x: %s", tag, status)
		}
	}
}
