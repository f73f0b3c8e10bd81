package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"outpost/server/store"
	"outpost/server/training"
)

const everyFact = training.FactNames | training.FactDuties | training.FactSimulations | training.FactQuiz | training.FactRequirements

// figures are a company of six, one of whom is not active, and one of one.
func figures() []string {
	return []string{
		`INSERT INTO companies (name, slug, country, locale, data_zone, privacy_mode) VALUES
			('Eins', 'eins', 'DE', 'de', 'eu', 'pseudonymous'), ('Two', 'two', 'US', 'en', 'us', 'individual'), ('Empty', 'empty', 'US', 'en', 'us', 'aggregate')`,
		`INSERT INTO users (company_id, data_zone, email, full_name, department, job_risk, is_active, pseudonym)
			SELECT 1, 'eu', 'u' || i || '@eins.example', 'Name ' || i, CASE WHEN i < 3 THEN 'IT' ELSE '' END, 'high', i <> 6, 'P-' || i FROM generate_series(1, 6) i`,
		`INSERT INTO users (company_id, data_zone, email, full_name, job_risk) VALUES (2, 'us', 'u7@two.example', 'Seven', 'low')`,
		// 1: two languages, 2: English alone, 3: not published, 4: hardly anybody takes it.
		`INSERT INTO courses (slug, category, minutes, is_published, default_locale) VALUES
			('one', 'email', 1, true, 'en'), ('two', 'email', 1, true, 'en'), ('three', 'email', 1, false, 'en'), ('four', 'email', 1, true, 'en')`,
		`INSERT INTO course_translations (course_id, locale, title) VALUES (1, 'en', 'One'), (1, 'de', 'Eins'), (2, 'en', 'Two'), (3, 'en', 'Three')`,
		`INSERT INTO enrollments (company_id, data_zone, user_id, course_id, status, completed_at) SELECT 1, 'eu', id, 2, 'assigned', NULL FROM users WHERE company_id = 1`,
		`INSERT INTO enrollments (company_id, data_zone, user_id, course_id, status, completed_at) SELECT 1, 'eu', id, 3, 'completed', now() FROM users WHERE company_id = 1`,
		`INSERT INTO enrollments (company_id, data_zone, user_id, course_id, status, completed_at, due_at, expires_at)
			SELECT 1, 'eu', id, 1, CASE id WHEN 1 THEN 'expired' ELSE 'completed' END, '2026-02-03 04:05:06.789012+00', 'infinity', '2027-02-03' FROM users WHERE company_id = 1 AND id < 6`,
		`INSERT INTO enrollments (company_id, data_zone, user_id, course_id, cycle, status, due_at, started_at) VALUES
			(1, 'eu', 1, 1, 2, 'in_progress', '2027-02-01', '2026-12-01'), (1, 'eu', 1, 1, 3, 'assigned', NULL, NULL)`,
		`INSERT INTO enrollments (company_id, data_zone, user_id, course_id, cycle) SELECT 2, 'us', 7, 4, i FROM generate_series(1, 5) i`,
		`INSERT INTO lessons (course_id, position, kind) VALUES (1, 1, 'quiz')`,
		`INSERT INTO quizzes (course_id, lesson_id) VALUES (1, 1)`,
		// The highest number is the oldest.
		`INSERT INTO quiz_attempts (company_id, data_zone, user_id, enrollment_id, quiz_id, number, score, passed, submitted_at)
			SELECT 1, 'eu', 1, e.id, 1, i, i * 10, false, '2026-03-01'::timestamptz - i * interval '1 day' FROM enrollments e, generate_series(1, 3) i WHERE e.user_id = 1 AND e.cycle = 2`,
		`INSERT INTO phishing_campaigns (company_id, data_zone, name, started_at) SELECT 1, 'eu', 'C' || i, '2026-01-01' FROM generate_series(1, 3) i`,
		// 1: in order. 2: the mail's row is the last to come. 3: no row of the mail at all.
		`INSERT INTO phishing_events (company_id, data_zone, user_id, campaign_id, kind, occurred_at) VALUES
			(1, 'eu', 1, 1, 'sent', '2026-01-01 10:00+00'), (1, 'eu', 1, 1, 'opened', '2026-01-01 11:00+00'),
			(1, 'eu', 1, 2, 'submitted', '2026-01-02 12:00+00'), (1, 'eu', 1, 2, 'clicked', '2026-01-02 11:00+00'), (1, 'eu', 1, 2, 'sent', '2026-01-02 11:30+00'),
			(1, 'eu', 1, 3, 'reported', '2026-01-03 12:00+00'), (1, 'eu', 1, 3, 'opened', '2026-01-03 11:00+00')`,
		`INSERT INTO frameworks (code, name) VALUES ('pci_dss', 'PCI DSS'), ('gdpr', 'GDPR')`,
		`INSERT INTO requirements (framework_id, code, text, interval_months) VALUES (1, '12.6.1', 'Twelve', 12), (1, '5.4.1', 'Five', NULL), (2, 'Art. 32', 'Article', 12)`,
		`INSERT INTO requirement_translations (requirement_id, locale, text) VALUES (1, 'de', 'Zwölf')`,
		`INSERT INTO requirement_courses (requirement_id, course_id) VALUES (1, 2), (2, 2), (1, 1)`,
	}
}

func figureReader(t *testing.T) *store.Store {
	t.Helper()
	s := store.New(load(t, figures()...))
	s.Finished = func(queries int) {
		if queries != 1 {
			t.Errorf("a question took %d queries", queries)
		}
	}
	return s
}

// facts are copies: what is given is good until the next one is.
func facts(t *testing.T, s *store.Store, f training.FactFilter) []training.PersonFacts {
	t.Helper()
	found, err := ask(t, s, func(ctx context.Context, q training.Queries) (all []training.PersonFacts, err error) {
		err = q.Facts(ctx, f, func(p *training.PersonFacts) error {
			c := *p
			c.Duties, c.Simulations = slices.Clone(p.Duties), slices.Clone(p.Simulations)
			if p.LastQuiz != nil {
				last := *p.LastQuiz
				c.LastQuiz = &last
			}
			all = append(all, c)
			return nil
		})
		return all, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestFactsAreOfActivePeopleAlone(t *testing.T) {
	s := figureReader(t)
	for _, c := range []struct {
		filter training.FactFilter
		want   []int64
	}{
		{training.FactFilter{CompanyID: 1}, []int64{1, 2, 3, 4, 5}},
		{training.FactFilter{CompanyID: 2}, []int64{7}},
		{training.FactFilter{CompanyID: 3}, nil},
		{training.FactFilter{}, []int64{1, 2, 3, 4, 5, 7}},
		{training.FactFilter{CompanyID: 1, UserID: 2}, []int64{2}},
		{training.FactFilter{UserID: 7}, []int64{7}},
		{training.FactFilter{CompanyID: 1, UserID: 6}, nil}, // not active
		{training.FactFilter{CompanyID: 1, UserID: 7}, nil}, // of another company
	} {
		c.filter.Want = everyFact
		var have []int64
		for _, p := range facts(t, s, c.filter) {
			have = append(have, p.UserID)
		}
		if !slices.Equal(have, c.want) {
			t.Errorf("%+v gives %v, not %v", c.filter, have, c.want)
		}
	}
}

// TestFactsAreReadAsTheyStand looks at one person with all there is, and at one with nothing.
func TestFactsAreReadAsTheyStand(t *testing.T) {
	s := figureReader(t)
	p := facts(t, s, training.FactFilter{CompanyID: 1, UserID: 1, Want: everyFact})[0]
	if p.CompanyID != 1 || p.FullName != "Name 1" || p.Email != "u1@eins.example" || p.Pseudonym != "P-1" || p.Department != "IT" || p.JobRisk != "high" {
		t.Errorf("the person is %+v", p)
	}
	if p.LastQuiz == nil || *p.LastQuiz != 10 {
		t.Errorf("the last quiz is %v: it is that of the latest time, not of the highest number", p.LastQuiz)
	}
	day := func(text string) time.Time {
		at, err := time.Parse("2006-01-02 15:04:05.999999", text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, want := range []training.Duty{
		{CourseID: 1, Cycle: 1, CompletedAt: day("2026-02-03 04:05:06.789012"), ExpiresAt: day("2027-02-03 00:00:00")}, // due never
		{CourseID: 1, Cycle: 2, Open: true, DueAt: day("2027-02-01 00:00:00"), StartedAt: day("2026-12-01 00:00:00")},
		{CourseID: 1, Cycle: 3, Open: true},
		{CourseID: 2, Cycle: 1, Open: true},
	} {
		if !slices.ContainsFunc(p.Duties, func(d training.Duty) bool {
			want.EnrollmentID = d.EnrollmentID
			return d.EnrollmentID > 0 && d == want
		}) {
			t.Errorf("%+v is not among %+v", want, p.Duties)
		}
	}
	if len(p.Duties) != 5 {
		t.Errorf("there are %d duties", len(p.Duties))
	}
	want := []training.Simulation{
		{SentAt: day("2026-01-01 10:00:00")},
		{SentAt: day("2026-01-02 11:30:00"), Clicked: true, Submitted: true},
		{SentAt: day("2026-01-03 11:00:00"), Reported: true},
	}
	if !slices.Equal(p.Simulations, want) {
		t.Errorf("the simulations are %+v, not %+v", p.Simulations, want)
	}
	if fmt.Sprint(p.Requirements) != fmt.Sprint([]training.Requirement{{ID: 1, Courses: []int64{1, 2}}, {ID: 2, Courses: []int64{2}}}) {
		t.Errorf("the requirements are %+v", p.Requirements)
	}
	if p := facts(t, s, training.FactFilter{CompanyID: 2, Want: training.FactSimulations | training.FactQuiz})[0]; p.LastQuiz != nil || len(p.Simulations) > 0 {
		t.Errorf("somebody with nothing has %+v", p)
	}
	if p := facts(t, s, training.FactFilter{CompanyID: 1, UserID: 1})[0]; p.Email+p.FullName+p.Pseudonym != "" || p.LastQuiz != nil || len(p.Duties)+len(p.Simulations)+len(p.Requirements) > 0 {
		t.Errorf("what was not wanted was read: %+v", p)
	}
}

func TestAnErrorEndsThePass(t *testing.T) {
	s, enough, n := figureReader(t), errors.New("enough"), 0
	_, err := s.Read(t.Context(), func(q training.Queries) error {
		return q.Facts(t.Context(), training.FactFilter{}, func(*training.PersonFacts) error { n++; return enough })
	})
	if !errors.Is(err, enough) || n != 1 {
		t.Errorf("after %d people: %v", n, err)
	}
}

func TestProfilesAndPopularCourses(t *testing.T) {
	s := figureReader(t)
	for id, want := range map[int64]training.CompanyProfile{
		0: {Privacy: training.Aggregate, ActiveUsers: 6},
		1: {ID: 1, Name: "Eins", Locale: "de", Privacy: training.Pseudonymous, ActiveUsers: 5},
		2: {ID: 2, Name: "Two", Locale: "en", Privacy: training.Individual, ActiveUsers: 1},
		3: {ID: 3, Name: "Empty", Locale: "en", Privacy: training.Aggregate},
	} {
		have, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.CompanyProfile, error) {
			return q.Profile(ctx, id)
		})
		if err != nil || have != want {
			t.Errorf("company %d is %+v, not %+v: %v", id, have, want, err)
		}
	}
	if _, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.CompanyProfile, error) {
		return q.Profile(ctx, 4)
	}); training.CodeOf(err) != training.NotFound {
		t.Errorf("a company that is not there: %v", err)
	}
	// Course one has five in the first cycle and two more cycles; of course four's five enrollments all are one person's.
	one, two := training.PopularCourse{CourseID: 1, Slug: "one", Title: "Eins", Enrollments: 7, Completed: 5}, training.PopularCourse{CourseID: 2, Slug: "two", Title: "Two", Enrollments: 6}
	for company, want := range map[int64][]training.PopularCourse{0: {one, two}, 1: {one, two}, 2: {}} {
		have, err := ask(t, s, func(ctx context.Context, q training.Queries) ([]training.PopularCourse, error) {
			return q.PopularCourses(ctx, company, "de", 5)
		})
		if err != nil || !slices.Equal(have, want) {
			t.Errorf("company %d takes up %+v, not %+v: %v", company, have, want, err)
		}
	}
}

func TestRequirementsComeAsTheirFrameworksCount(t *testing.T) {
	s := figureReader(t)
	for _, c := range []struct{ framework, locale, want string }{
		{"", "de", "[{3 gdpr Art. 32 Article 12 []} {2 pci_dss 5.4.1 Five 0 [2]} {1 pci_dss 12.6.1 Zwölf 12 [1 2]}]"},
		{"pci_dss", "en", "[{2 pci_dss 5.4.1 Five 0 [2]} {1 pci_dss 12.6.1 Twelve 12 [1 2]}]"},
		{"hipaa", "en", "[]"},
	} {
		have, err := ask(t, s, func(ctx context.Context, q training.Queries) ([]training.Requirement, error) {
			return q.Requirements(ctx, c.framework, c.locale)
		})
		if err != nil || fmt.Sprint(have) != c.want {
			t.Errorf("%s: %v, not %s: %v", c.framework, have, c.want, err)
		}
	}
}
