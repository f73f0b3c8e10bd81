package store_test

import (
	"context"
	"testing"
	"time"

	"outpost/server/store"
	"outpost/server/training"
)

func TestCoursesAreNamedInALanguage(t *testing.T) {
	s := reader(t)
	names, err := ask(t, s, func(ctx context.Context, q training.Queries) (map[int64]training.CourseTitle, error) {
		return q.CourseTitles(ctx, []int64{12, 1, 2, 13, 99}, "de")
	})
	if err != nil || len(names) != 4 {
		t.Fatalf("%+v, %v", names, err)
	}
	for id, want := range map[int64]training.CourseTitle{
		12: {Slug: "c12", Title: "Öffnen"}, 2: {Slug: "c2", Title: "Title y"}, 13: {Slug: "draft", Title: "draft"}, // not published, not translated
	} {
		if names[id] != want {
			t.Errorf("course %d is %+v, want %+v", id, names[id], want)
		}
	}
}

// BenchmarkAnalytics makes the analytics of a company of 20,000, with twelve enrollments and nine events of
// simulations each.
func BenchmarkAnalytics(b *testing.B) {
	s := store.New(load(b,
		`INSERT INTO companies (name, slug, country) VALUES ('C', 'c', 'DE')`,
		`INSERT INTO courses (slug, category, minutes, is_published) SELECT 'c' || i, 'email', i, true FROM generate_series(1, 24) i`,
		`INSERT INTO frameworks (code, name) SELECT 'f' || i, 'F' FROM generate_series(1, 5) i`,
		`INSERT INTO requirements (framework_id, code, text) SELECT 1 + i % 5, 'r' || i, 'T' FROM generate_series(1, 20) i`,
		`INSERT INTO requirement_courses (requirement_id, course_id) SELECT r, 1 + (r * 5 + c) % 24 FROM generate_series(1, 20) r, generate_series(1, 3) c`,
		`INSERT INTO users (company_id, data_zone, email, full_name, department)
			SELECT 1, 'global', 'u' || i || '@example.com', 'User ' || i, 'Department ' || i % 40 FROM generate_series(1, 20000) i`,
		`SET session_replication_role = replica`,
		`INSERT INTO enrollments (company_id, data_zone, user_id, course_id, status, due_at, started_at, completed_at, expires_at)
			SELECT 1, 'global', u.id, 1 + (u.id + c) % 24, CASE WHEN (u.id + c) % 5 = 0 THEN 'assigned' ELSE 'completed' END, now() - (u.id + c) % 200 * interval '1 day',
				CASE WHEN (u.id + c) % 5 > 0 THEN now() - (u.id + c) % 190 * interval '1 day' END, CASE WHEN (u.id + c) % 5 > 0 THEN now() - (u.id + c) % 180 * interval '1 day' END,
				CASE WHEN (u.id + c) % 5 > 0 THEN now() + (u.id + c) % 90 * interval '1 day' END
			FROM users u, generate_series(1, 12) c`,
		`INSERT INTO phishing_campaigns (company_id, data_zone, name, template, started_at) SELECT 1, 'global', 'P', 't', now() FROM generate_series(1, 3)`,
		`INSERT INTO phishing_events (company_id, data_zone, user_id, campaign_id, kind, occurred_at)
			SELECT 1, 'global', u.id, c, k, now() - c * interval '40 days' FROM users u, generate_series(1, 3) c, unnest('{sent,opened,clicked}'::text[]) k`,
	))
	for b.Loop() {
		_, err := s.Read(b.Context(), func(q training.Queries) error {
			profile, err := q.Profile(b.Context(), 1)
			if err != nil {
				return err
			}
			requirements, err := q.Requirements(b.Context(), "", "en")
			if err != nil {
				return err
			}
			analyst := training.NewAnalyst(profile, requirements, training.MaxTrend, time.Now())
			err = q.Facts(b.Context(), training.FactFilter{
				CompanyID: 1, Want: training.FactNames | training.FactDuties | training.FactSimulations | training.FactQuiz,
			}, func(p *training.PersonFacts) error {
				analyst.Add(p)
				return nil
			})
			if err != nil {
				return err
			}
			figures := analyst.Done()
			if figures.OverdueCount == 0 || len(figures.Departments) != 40 {
				b.Errorf("%d overdue, %d departments", figures.OverdueCount, len(figures.Departments))
			}
			_, err = q.CourseTitles(b.Context(), figures.CourseIDs(), "en")
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
