package store

import (
	"context"

	"outpost/server/store/sqlite"
	"outpost/server/training"
)

func (q *queries) Quiz(ctx context.Context, id int64, locale string, unpublished bool) (training.QuizDetail, error) {
	r, err := run(ctx, q, "quiz", q.sql.Quiz, sqlite.QuizParams{Locale: locale, ID: id, Published: flag(!unpublished)})
	if err != nil {
		return training.QuizDetail{}, notFound(err, "quiz")
	}
	var t times
	quiz := training.QuizDetail{
		ID: r.ID, CourseID: r.CourseID, CourseSlug: r.Slug, Lesson: int(r.Lesson), Locale: r.Locale, PassPercent: int(r.PassPercent),
		MaxAttempts: number(r.MaxAttempts), TimeLimitSeconds: number(r.TimeLimitSeconds), UpdatedAt: t.at(r.UpdatedAt), Version: r.Version,
	}
	if t.err != nil {
		return quiz, t.err
	}
	questions, err := run(ctx, q, "questions", q.sql.QuestionsOfQuiz, sqlite.QuestionsOfQuizParams{Locale: locale, QuizID: id})
	if err != nil {
		return quiz, err
	}
	options, err := run(ctx, q, "options", q.sql.OptionsOfQuiz, sqlite.OptionsOfQuizParams{Locale: locale, QuizID: id})
	if err != nil {
		return quiz, err
	}
	of := make(map[int64][]training.Option, len(questions))
	for _, o := range options {
		of[o.QuestionID] = append(of[o.QuestionID], training.Option{ID: o.ID, Text: o.Text})
	}
	quiz.Questions = make([]training.Question, len(questions))
	for i, x := range questions {
		quiz.Questions[i] = training.Question{
			ID: x.ID, Position: int(x.Position), Multiple: x.Kind == "multiple", Text: x.Text, Options: of[x.ID],
		}
	}
	return quiz, nil
}

func (q *queries) Attempts(ctx context.Context, p training.Principal, quizID int64) (training.Attempts, error) {
	r, err := run(ctx, q, "attempts_context", q.sql.AttemptsContext, sqlite.AttemptsContextParams{
		UserID: p.UserID, CompanyID: p.CompanyID, QuizID: quizID, Published: flag(!p.SeesUnpublished()),
	})
	if err != nil {
		return training.Attempts{}, notFound(err, "quiz")
	}
	out := training.Attempts{QuizID: quizID, CourseID: r.CourseID, MaxAttempts: number(r.MaxAttempts)}
	if r.EnrollmentID == nil || r.Status == nil {
		return out, nil
	}
	var t times
	out.Enrollment = &training.Enrollment{
		ID: *r.EnrollmentID, Status: training.EnrollmentStatus(*r.Status), ExpiresAt: t.maybe(r.ExpiresAt),
	}
	rows, err := run(ctx, q, "attempts", q.sql.AttemptsOfEnrollment, sqlite.AttemptsOfEnrollmentParams{
		EnrollmentID: *r.EnrollmentID, QuizID: quizID,
	})
	if err != nil {
		return out, err
	}
	for _, a := range rows {
		out.Items = append(out.Items, training.Attempt{
			Number: int(a.Number), Score: int(a.Score), Passed: a.Passed == 1, Seconds: maybeNumber(a.Seconds), SubmittedAt: t.at(a.SubmittedAt),
		})
	}
	return out, t.err
}
