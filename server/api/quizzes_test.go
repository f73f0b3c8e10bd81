package api

import (
	"context"
	"strings"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/server/cache"
	"outpost/server/training"
)

const (
	published = int64(5) // quizzes of the world
	hidden    = int64(6)
)

func (s state) Quiz(_ context.Context, id int64, locale string, unpublished bool) (training.QuizDetail, error) {
	if id != published && (id != hidden || !unpublished) {
		return training.QuizDetail{}, missing
	}
	return training.QuizDetail{
		ID: id, CourseID: 42, CourseSlug: "phishing", Lesson: 2, Locale: locale, PassPercent: 80, TimeLimitSeconds: 60, UpdatedAt: day, Version: 3,
		Questions: []training.Question{{ID: 7, Position: 1, Multiple: true, Text: "Is <b> bait?", Options: []training.Option{{ID: 8, Text: "Yes"}, {ID: 9, Text: "No"}}}},
	}, nil
}

func (s state) Attempts(_ context.Context, p training.Principal, quiz int64) (training.Attempts, error) {
	if quiz != published {
		return training.Attempts{}, missing
	}
	out := training.Attempts{QuizID: quiz, CourseID: 42, MaxAttempts: 3}
	if e, ok := s.enrolls[70]; ok && e.UserID == p.UserID {
		out.Enrollment, out.Items = &e, []training.Attempt{{Number: 1, Score: 50, SubmittedAt: day}}
	}
	return out, nil
}

func (w *writer) StartQuiz(_ context.Context, _ training.Principal, quiz int64) (training.Start, bool, change.LSN, error) {
	if quiz != published {
		return training.Start{}, false, 0, missing
	}
	return training.Start{StartedAt: day, EndsAt: day.Add(time.Minute)}, true, w.published().Position.LSN, nil
}

func (w *writer) SubmitAttempt(ctx context.Context, _ training.Principal, s training.Submission) (training.Graded, change.LSN, error) {
	w.mu.Lock()
	w.keys = append(w.keys, training.CallerOf(ctx).IdempotencyKey)
	w.mu.Unlock()
	if s.QuizID != published {
		return training.Graded{}, 0, training.Errorf(training.Conflict, "No attempt is left: 3 of 3 were used.")
	}
	if len(s.Answers) == 0 {
		return training.Graded{}, 0, training.InvalidField("answers[0].question_id", "is no question of this quiz")
	}
	left := 2
	out := training.Graded{InTime: true, AttemptsLeft: &left, Questions: []training.GradedQuestion{{QuestionID: 7}}}
	out.Number, out.SubmittedAt = 1, day
	out.Enrollment = w.enrolls[70]
	if s.Answers[0].OptionIDs[0] == 8 {
		out.Score, out.Passed = 100, true
		out.Questions[0] = training.GradedQuestion{QuestionID: 7, Right: true, Explanation: "It is, in " + s.Locale + "."}
		out.Certificate = &training.Certificate{Code: code(1), CourseSlug: "phishing", CourseTitle: "Phishing", IssuedAt: day}
	}
	return out, w.published().Position.LSN, nil
}

func TestQuizScenarios(t *testing.T) {
	n := newNode(t, nil)
	many := strings.TrimSuffix(strings.Repeat(`{"question_id":1,"option_ids":[]},`, maxAnswers+1), ",")
	for _, s := range []scenario{
		{
			name: "a quiz", as: 1, method: "GET", target: "/api/v1/quizzes/5", status: 200, headers: map[string]string{"Cache-Status": missed},
			want:    []string{`"kind":"multiple"`, `"text":"Is <b> bait?"`, `"options":[{"id":8,"text":"Yes"}`, `"max_attempts":null`, `"time_limit_seconds":60`, `"locale":"en"`},
			wantNot: []string{"right", "correct", "explanation"},
		},
		{name: "the same of another company's user who reads the same language", as: 9, method: "GET", target: "/api/v1/quizzes/5", status: 200},
		{name: "in German", as: 1, method: "GET", target: "/api/v1/quizzes/5?locale=de", status: 200, want: []string{`"locale":"de"`}},
		{name: "a draft's", as: 1, method: "GET", target: "/api/v1/quizzes/6", status: 404},
		{name: "a draft's, for a platform admin", as: 9, method: "GET", target: "/api/v1/quizzes/6", status: 200},
		{name: "what no quiz can be named", as: 1, method: "GET", target: "/api/v1/quizzes/x", status: 404},
		{name: "for nobody", method: "GET", target: "/api/v1/quizzes/5", status: 401},

		{name: "own attempts", as: 1, method: "GET", target: "/api/v1/quizzes/5/attempts", status: 200, want: []string{`"enrollment_id":70`, `"attempts_left":2`, `"passed":false`, `"score":50`}},
		{name: "none of a stranger's", as: 2, method: "GET", target: "/api/v1/quizzes/5/attempts", status: 200, want: []string{`"enrollment_id":null`, `"attempts_left":3`, `"attempts":[]`}},
		{name: "attempts at nothing", as: 1, method: "GET", target: "/api/v1/quizzes/9/attempts", status: 404},

		{name: "start", as: 1, method: "POST", target: "/api/v1/quizzes/5/start", status: 201, want: []string{`"ends_at":"2026-11-23T05:01:00Z"`}, headers: map[string]string{"Cache-Control": "no-store"}},
		{name: "start nothing", as: 1, method: "POST", target: "/api/v1/quizzes/0/start", status: 404},
		{
			name: "fail", as: 1, method: "POST", target: "/api/v1/quizzes/5/attempts", body: `{"answers":[{"question_id":7,"option_ids":[9]}]}`, status: 201,
			want: []string{`"passed":false`, `"attempts_left":2`, `"right":false`, `"explanation":null`, `"certificate":null`, `"course_slug":"phishing"`, `"next_lesson":null`},
		},
		{
			name: "pass", as: 1, method: "POST", target: "/api/v1/quizzes/5/attempts?locale=de", body: `{"answers":[{"question_id":7,"option_ids":[8]}]}`, status: 201,
			want: []string{`"passed":true`, `"explanation":"It is, in de."`, `"certificate":{"code":"` + code(1) + `"`, `"status":"valid"`},
		},
		{name: "no attempt is left", as: 1, method: "POST", target: "/api/v1/quizzes/8/attempts", body: `{"answers":[]}`, status: 409, want: []string{"3 of 3"}},
		{name: "no answers to this quiz", as: 1, method: "POST", target: "/api/v1/quizzes/5/attempts", body: `{"answers":[]}`, status: 422, want: []string{`"field":"answers[0].question_id"`}},
		{name: "without answers", as: 1, method: "POST", target: "/api/v1/quizzes/5/attempts", body: `{}`, status: 422, want: []string{`"field":"answers"`, "is required"}},
		{name: "answers of null", as: 1, method: "POST", target: "/api/v1/quizzes/5/attempts", body: `{"answers":null}`, status: 422},
		{name: "answers that are a text", as: 1, method: "POST", target: "/api/v1/quizzes/5/attempts", body: `{"answers":"all"}`, status: 422, want: []string{`"field":"answers"`}},
		{name: "options that are texts", as: 1, method: "POST", target: "/api/v1/quizzes/5/attempts", body: `{"answers":[{"question_id":7,"option_ids":["8"]}]}`, status: 422},
		{name: "an attempt without a body", as: 1, method: "POST", target: "/api/v1/quizzes/5/attempts", status: 400},
		{name: "an attempt of nobody", method: "POST", target: "/api/v1/quizzes/5/attempts", body: `{"answers":[]}`, status: 401},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, n) })
	}
	t.Run("more answers than any quiz has questions", func(t *testing.T) {
		roomy := newNode(t, func(d *Deps, _ *node) { d.Limits.Body = 1 << 20 })
		scenario{as: 1, method: "POST", target: "/api/v1/quizzes/5/attempts", body: `{"answers":[` + many + `]}`, status: 422, want: []string{`"field":"answers"`}}.run(t, roomy)
		options := strings.TrimSuffix(strings.Repeat("1,", maxOptions+1), ",")
		scenario{
			as: 1, method: "POST", target: "/api/v1/quizzes/5/attempts", status: 422, want: []string{`"field":"answers[1].option_ids"`},
			body: `{"answers":[{"question_id":7,"option_ids":[]},{"question_id":7,"option_ids":[` + options + `]}]}`,
		}.run(t, roomy)
	})
}

func TestAQuizIsOneEntryForAllWhoMaySeeIt(t *testing.T) {
	n := newNode(t, nil)
	n.do("GET", "/api/v1/quizzes/5", n.as(1), "")
	if a := n.do("GET", "/api/v1/quizzes/5?locale=en", n.as(2), ""); a.Header.Get("Cache-Status") != "outpost; hit" {
		t.Errorf("another user's: %s", a.Header.Get("Cache-Status"))
	}
	n.world.change(func() {}, cache.Row("courses", 42))
	if a := n.do("GET", "/api/v1/quizzes/5", n.as(1), ""); a.Header.Get("Cache-Status") != missed {
		t.Errorf("after a change of the course: %s", a.Header.Get("Cache-Status"))
	}
}

func TestAttemptsOfAnExpiredEnrollmentAreOver(t *testing.T) {
	now := day
	n := newNode(t, func(d *Deps, _ *node) { d.Now = func() time.Time { return now } })
	soon := day.Add(time.Minute)
	n.world.change(func() {
		e := n.world.enrolls[70]
		e.Status, e.ExpiresAt = training.Completed, &soon
		n.world.enrolls[70] = e
	}, cache.Row("enrollments", 70), cache.Ref("enrollments", "user_id", 1))
	for _, step := range []struct {
		at   time.Time
		want string
	}{{day, `"enrollment_id":70`}, {soon, `"enrollment_id":null`}} {
		now = step.at
		n.Cache.PurgeAll()
		scenario{as: 1, method: "GET", target: "/api/v1/quizzes/5/attempts", status: 200, want: []string{step.want}}.run(t, n)
	}
}
