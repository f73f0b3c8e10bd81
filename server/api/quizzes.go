package api

import (
	"context"
	"fmt"
	"net/http"

	"outpost/replicate/change"
	"outpost/server/api/openapi"
	"outpost/server/cache"
	"outpost/server/training"
)

// A quiz is read like a lesson, by everyone alike, and says nothing of what is right: that is known
// at the primary alone, which grades.

func quizRoutes() []*route {
	return []*route{
		{method: http.MethodGet, pattern: "/api/v1/quizzes/:quiz", handle: (*API).getQuiz, scope: "courses:read", namespace: "courses"},
		{method: http.MethodGet, pattern: "/api/v1/quizzes/:quiz/attempts", handle: (*API).listAttempts, scope: "enrollments:read", namespace: "enrollments"},
		{method: http.MethodPost, pattern: "/api/v1/quizzes/:quiz/attempts", handle: (*API).submitAttempt, scope: "enrollments:write", write: true, creates: true},
		{method: http.MethodPost, pattern: "/api/v1/quizzes/:quiz/start", handle: (*API).startQuiz, scope: "enrollments:write", write: true, creates: true},
	}
}

type quizWriter interface {
	StartQuiz(ctx context.Context, p training.Principal, quizID int64) (s training.Start, created bool, at change.LSN, err error)
	SubmitAttempt(ctx context.Context, p training.Principal, s training.Submission) (training.Graded, change.LSN, error)
}

func (a *API) getQuiz(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	id, err := k.idParam("quiz", 64)
	if err != nil {
		return err
	}
	locale, err := k.locale()
	if err != nil {
		return err
	}
	unpublished := k.principal.SeesUnpublished()
	k.key = newKey(k.key, "quiz").number(id).text(locale).flag(unpublished)
	if done, err := a.hit(k); done {
		return err
	}
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		quiz, err := q.Quiz(ctx, id, locale, unpublished)
		if err != nil {
			return answer{}, err
		}
		return answer{value: quizBody(quiz), version: quiz.Version, tags: []cache.Tag{cache.Row("courses", quiz.CourseID)}}, nil
	})
}

func quizBody(q training.QuizDetail) openapi.QuizDetail {
	questions := make([]openapi.Question, len(q.Questions))
	for i, x := range q.Questions {
		options := make([]openapi.Option, len(x.Options))
		for n, o := range x.Options {
			options[n] = openapi.Option{Id: o.ID, Text: o.Text}
		}
		kind := openapi.Single
		if x.Multiple {
			kind = openapi.Multiple
		}
		questions[i] = openapi.Question{Id: x.ID, Position: x.Position, Kind: kind, Text: x.Text, Options: options}
	}
	return openapi.QuizDetail{
		Id: q.ID, CourseId: q.CourseID, CourseSlug: q.CourseSlug, Lesson: q.Lesson, Locale: q.Locale, PassPercent: q.PassPercent,
		MaxAttempts: positive(q.MaxAttempts), TimeLimitSeconds: positive(q.TimeLimitSeconds), Questions: questions,
		UpdatedAt: q.UpdatedAt.UTC(), Version: q.Version,
	}
}

func (a *API) listAttempts(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	id, err := k.idParam("quiz", 64)
	if err != nil {
		return err
	}
	k.key = newKey(k.key, "attempts").person(k).number(id)
	if done, err := a.hit(k); done {
		return err
	}
	p, now := k.principal, a.Now
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		found, err := q.Attempts(ctx, p, id)
		if err != nil {
			return answer{}, err
		}
		at := now()
		out := answer{tags: []cache.Tag{
			cache.Row("courses", found.CourseID), cache.Ref("enrollments", "user_id", p.UserID), cache.Ref("quiz_attempts", "user_id", p.UserID),
		}}
		if found.Enrollment != nil {
			out.validUntil = found.Enrollment.ValidUntil(at)
			if found.Enrollment.StatusAt(at) == training.Expired {
				found.Enrollment, found.Items = nil, nil // the next cycle begins anew
			}
		}
		out.value = attemptsBody(found)
		return out, nil
	})
}

func attemptsBody(a training.Attempts) openapi.Attempts {
	body := openapi.Attempts{
		QuizId: a.QuizID, MaxAttempts: positive(a.MaxAttempts), AttemptsLeft: training.AttemptsLeft(a.MaxAttempts, len(a.Items)),
		Passed: a.Passed(), Attempts: make([]openapi.Attempt, len(a.Items)),
	}
	if a.Enrollment != nil {
		body.EnrollmentId = &a.Enrollment.ID
	}
	for i, x := range a.Items {
		body.Attempts[i] = openapi.Attempt{
			Number: x.Number, Score: x.Score, Passed: x.Passed, Seconds: x.Seconds, SubmittedAt: x.SubmittedAt.UTC(),
		}
	}
	return body
}

func (a *API) startQuiz(k *call) error {
	id, err := k.idParam("quiz", 64)
	if err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	s, created, lsn, err := a.Writer.StartQuiz(ctx, k.principal, id)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return k.json(status, openapi.QuizStart{StartedAt: s.StartedAt.UTC(), EndsAt: s.EndsAt.UTC()})
}

// A quiz has a few dozen questions; what is far from that is refused before it reaches Postgres.
const (
	maxAnswers = 500
	maxOptions = 100
)

func (a *API) submitAttempt(k *call) error {
	id, err := k.idParam("quiz", 64)
	if err != nil {
		return err
	}
	var in openapi.AttemptRequest
	if err := k.decode(&in, "answers"); err != nil {
		return err
	}
	if len(in.Answers) > maxAnswers {
		return training.InvalidField("answers", "must be at most %d", maxAnswers)
	}
	s := training.Submission{QuizID: id}
	for n, given := range in.Answers {
		if len(given.OptionIds) > maxOptions {
			return training.InvalidField(fmt.Sprintf("answers[%d].option_ids", n), "must be at most %d", maxOptions)
		}
		s.Answers = append(s.Answers, training.Answer{QuestionID: given.QuestionId, OptionIDs: given.OptionIds})
	}
	p, err := k.reader()
	if err != nil {
		return err
	}
	s.Locale = p.Locale
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	graded, lsn, err := a.Writer.SubmitAttempt(ctx, p, s)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	at := a.Now()
	body := openapi.AttemptResult{
		Number: graded.Number, Score: graded.Score, Passed: graded.Passed, InTime: graded.InTime, Seconds: graded.Seconds,
		SubmittedAt: graded.SubmittedAt.UTC(), AttemptsLeft: graded.AttemptsLeft, Enrollment: enrollmentBody(graded.Enrollment, at),
		Questions: make([]openapi.GradedQuestion, len(graded.Questions)),
	}
	for i, q := range graded.Questions {
		body.Questions[i] = openapi.GradedQuestion{QuestionId: q.QuestionID, Right: q.Right, Explanation: text(q.Explanation)}
	}
	if graded.Certificate != nil {
		certificate := certificateBody(*graded.Certificate, at)
		body.Certificate = &certificate
	}
	return k.json(http.StatusCreated, body)
}
