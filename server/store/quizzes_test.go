package store_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"outpost/server/store"
	"outpost/server/training"
)

// certified is the fixture with quiz 1 of course 1 filled, quiz 2 in the draft, user 1's attempts
// in two cycles of course 1 and their certificates, and one of user 5 of another company.
func certified(t *testing.T) *store.Store {
	t.Helper()
	s := store.New(load(t, append(
		fixture(),
		`INSERT INTO quizzes (course_id, lesson_id, time_limit_seconds) VALUES (13, 4, 90)`,
		`UPDATE questions SET kind = 'multiple' WHERE id = 2`,
		`INSERT INTO question_translations (course_id, quiz_id, question_id, locale, text) VALUES (1, 1, 1, 'en', 'Which?'), (1, 1, 1, 'de', 'Welche?'), (1, 1, 2, 'en', 'What?')`,
		`INSERT INTO options (course_id, quiz_id, question_id, position) VALUES (1, 1, 2, 2), (1, 1, 1, 1), (1, 1, 2, 1), (1, 1, 1, 2)`,
		`INSERT INTO option_translations (course_id, quiz_id, option_id, locale, text) SELECT 1, 1, i, 'en', 'Option ' || i FROM generate_series(1, 4) i`,
		`INSERT INTO option_translations (course_id, quiz_id, option_id, locale, text) VALUES (1, 1, 2, 'de', 'Wahl 2')`,
		`INSERT INTO question_keys (question_id, option_id) VALUES (1, 4), (2, 1)`,
		`UPDATE enrollments SET status = 'expired' WHERE id = 1`,
		`INSERT INTO enrollments (company_id, data_zone, user_id, course_id, cycle) VALUES (1, 'eu', 1, 1, 2)`,
		`INSERT INTO quiz_attempts (company_id, data_zone, user_id, enrollment_id, quiz_id, number, score, passed, seconds) VALUES
			(1, 'eu', 1, 1, 1, 1, 90, true, NULL), (1, 'eu', 1, 7, 1, 2, 50, false, 61), (1, 'eu', 1, 7, 1, 1, 0, false, NULL), (2, 'us', 5, 6, 1, 1, 20, false, NULL)`,
		`INSERT INTO certificates (company_id, data_zone, user_id, enrollment_id, course_id, code, issued_at, expires_at, revoked_at) VALUES
			(1, 'eu', 1, 1, 1, 'AAAA-0000-0000-0000-0000-0000-0001', '2026-03-01', '2027-03-01', NULL),
			(1, 'eu', 1, 2, 2, 'AAAA-0000-0000-0000-0000-0000-0002', '2026-03-01', NULL, '2026-04-01'),
			(1, 'eu', 1, 3, 3, 'AAAA-0000-0000-0000-0000-0000-0003', '2026-02-01', '2026-05-01', NULL),
			(2, 'us', 5, 6, 1, 'AAAA-0000-0000-0000-0000-0000-0004', '2026-03-01', NULL, NULL)`,
	)...))
	s.Finished = func(queries int) {
		if queries > 4 {
			t.Errorf("a read made %d queries", queries)
		}
	}
	return s
}

func TestQuizzesAndCertificates(t *testing.T) {
	s := certified(t)
	t.Run("a quiz in a language", func(t *testing.T) {
		quiz := func(id int64, locale string, unpublished bool) (training.QuizDetail, error) {
			return ask(t, s, func(ctx context.Context, q training.Queries) (training.QuizDetail, error) {
				return q.Quiz(ctx, id, locale, unpublished)
			})
		}
		got, err := quiz(1, "de", false)
		if err != nil || got.CourseID != 1 || got.CourseSlug != "c1" || got.Lesson != 4 || got.Locale != "de" || got.PassPercent != 70 || got.MaxAttempts != 3 ||
			got.TimeLimitSeconds != 0 || len(got.Questions) != 2 {
			t.Fatalf("%+v, %v", got, err)
		}
		want := []training.Question{
			{ID: 1, Position: 1, Text: "Welche?", Options: []training.Option{{ID: 2, Text: "Wahl 2"}, {ID: 4, Text: "Option 4"}}},
			{ID: 2, Position: 2, Multiple: true, Text: "What?", Options: []training.Option{{ID: 3, Text: "Option 3"}, {ID: 1, Text: "Option 1"}}},
		}
		for i, q := range got.Questions {
			if q.ID != want[i].ID || q.Position != want[i].Position || q.Multiple != want[i].Multiple || q.Text != want[i].Text || !slices.Equal(q.Options, want[i].Options) {
				t.Errorf("question %d: %+v, want %+v", i, q, want[i])
			}
		}
		if _, err := quiz(2, "en", false); training.CodeOf(err) != training.NotFound {
			t.Errorf("a draft's: %v", err)
		}
		if draft, err := quiz(2, "de", true); err != nil || draft.TimeLimitSeconds != 90 || draft.Locale != "en" {
			t.Errorf("a draft's, for a platform administrator: %+v, %v", draft, err)
		}
		if _, err := quiz(9, "en", true); training.CodeOf(err) != training.NotFound {
			t.Errorf("none: %v", err)
		}
	})
	t.Run("attempts in the latest enrollment", func(t *testing.T) {
		attempts := func(p training.Principal, quiz int64) (training.Attempts, error) {
			return ask(t, s, func(ctx context.Context, q training.Queries) (training.Attempts, error) {
				return q.Attempts(ctx, p, quiz)
			})
		}
		got, err := attempts(learner, 1)
		if err != nil || got.CourseID != 1 || got.MaxAttempts != 3 || got.Enrollment.ID != 7 || len(got.Items) != 2 || got.Passed() {
			t.Fatalf("%+v, %v", got, err)
		}
		if a := got.Items[1]; a.Number != 2 || a.Score != 50 || *a.Seconds != 61 || a.SubmittedAt.IsZero() || got.Items[0].Seconds != nil {
			t.Errorf("%+v", got.Items)
		}
		if none, err := attempts(manager, 1); err != nil || none.Enrollment != nil || none.Items != nil || none.MaxAttempts != 3 {
			t.Errorf("without an enrollment: %+v, %v", none, err)
		}
		moved := learner
		moved.CompanyID = 2
		if none, err := attempts(moved, 1); err != nil || none.Enrollment != nil {
			t.Errorf("as somebody of another company: %+v, %v", none, err)
		}
		if _, err := attempts(learner, 2); training.CodeOf(err) != training.NotFound {
			t.Errorf("at a draft's quiz: %v", err)
		}
	})
	t.Run("where to go on", func(t *testing.T) {
		for id, want := range map[int64]int{1: 4, 7: 1, 2: 0} { // course 2 has no lessons
			if e, err := enrollmentOf(t, s, learner, id); err != nil || e.NextLesson != want {
				t.Errorf("enrollment %d: lesson %d, want %d, %v", id, e.NextLesson, want, err)
			}
		}
	})
	t.Run("verifying by code", func(t *testing.T) {
		verify := func(code, locale string) (training.Verification, error) {
			return ask(t, s, func(ctx context.Context, q training.Queries) (training.Verification, error) {
				return q.Verify(ctx, code, locale)
			})
		}
		got, err := verify("AAAA-0000-0000-0000-0000-0000-0001", "de")
		if err != nil || got.Holder != "Äda One" || got.Company != "Eins" || got.CourseTitle != "Anfang" || got.ExpiresAt == nil || got.RevokedAt != nil || got.ID != 1 {
			t.Errorf("%+v, %v", got, err)
		}
		for _, code := range []string{"", "AAAA", "aaaa-0000-0000-0000-0000-0000-0001", "AAAA-0000-0000-0000-0000-0000-000%"} {
			if _, err := verify(code, "en"); training.CodeOf(err) != training.NotFound {
				t.Errorf("%q: %v", code, err)
			}
		}
	})
	t.Run("one's own, by key", func(t *testing.T) {
		for _, c := range []struct {
			who  training.Principal
			desc bool
			want string
		}{{learner, true, "2 1 3"}, {learner, false, "3 1 2"}, {stranger, true, "4"}, {manager, true, ""}, {training.Principal{UserID: 1, CompanyID: 2}, true, ""}} {
			f := training.CertificateFilter{Paging: training.Paging{Page: 1, Size: 1, Sort: "issued_at", Desc: c.desc}, Locale: "en"}
			var got []string
			for range 4 {
				page, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.Page[training.Certificate], error) {
					return q.Certificates(ctx, c.who, f)
				})
				if err != nil || int(page.Total) != len(strings.Fields(c.want)) {
					t.Fatalf("%+v, %v", page, err)
				}
				for _, x := range page.Items {
					got = append(got, x.Code[len(x.Code)-1:])
				}
				if f.After = page.NextAfter; f.After == "" {
					break
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%+v: %v, want %s", c.who, got, c.want)
			}
		}
	})
	t.Run("a certificate's status", func(t *testing.T) {
		at := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
		page, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.Page[training.Certificate], error) {
			return q.Certificates(ctx, learner, training.CertificateFilter{Paging: training.Paging{Page: 1, Size: 9, Sort: "issued_at"}, Locale: "de"})
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []training.CertificateStatus
		for _, c := range page.Items {
			got = append(got, c.StatusAt(at))
		}
		if !slices.Equal(got, []training.CertificateStatus{training.CertificateExpired, training.CertificateValid, training.CertificateRevoked}) {
			t.Errorf("%v", got)
		}
	})
}
