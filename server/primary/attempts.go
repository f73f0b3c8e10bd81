package primary

import (
	"context"
	"fmt"
	"slices"
	"time"

	"outpost/replicate/change"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// started is a start and whether it is new.
type started struct {
	Start   training.Start
	Created bool
}

// StartQuiz begins an attempt at a quiz with a time limit. While one runs it is given again:
// created says whether it was begun now. One that was left to run out has used up an attempt.
func (p *Primary) StartQuiz(ctx context.Context, who training.Principal, quizID int64) (training.Start, bool, change.LSN, error) {
	out, lsn, err := operate(ctx, p, operation{"startQuiz", who, quizID}, func(q *pgsql.Queries, at time.Time) (started, error) {
		quiz, err := lockQuiz(ctx, q, who, quizID, who.Locale, at)
		if err != nil {
			return started{}, err
		}
		switch {
		case quiz.TimeLimitSeconds == nil:
			return started{}, training.Errorf(training.Conflict, "This quiz has no time limit and need not be started.")
		case quiz.running() && !quiz.start().Late(at):
			return started{Start: quiz.start()}, nil
		case quiz.running():
			// It counts, and is recorded with what comes next.
			quiz.Attempts++
			if err := quiz.mayTry(); err != nil {
				return started{}, err
			}
		}
		begun := training.Start{StartedAt: at.UTC(), EndsAt: at.UTC().Add(time.Duration(number(quiz.TimeLimitSeconds)) * time.Second)}
		begin := pgsql.StartQuizParams{
			EnrollmentID: quiz.EnrollmentID, QuizID: quizID, StartedAt: begun.StartedAt, EndsAt: begun.EndsAt,
		}
		if quiz.running() {
			begin.Lapsed = quiz.Attempts
		}
		return started{begun, true}, q.StartQuiz(ctx, begin)
	})
	return out.Start, out.Created, lsn, err
}

// SubmitAttempt grades an attempt and records what follows from it: the quiz's lesson is done once
// it was passed, and the course with its last lesson, for which the certificate is issued. An
// attempt that comes too late counts, with nothing right in it.
func (p *Primary) SubmitAttempt(ctx context.Context, who training.Principal, s training.Submission) (training.Graded, change.LSN, error) {
	request := struct {
		QuizID  int64
		Answers []training.Answer
	}{s.QuizID, s.Answers}
	return operate(ctx, p, operation{"submitAttempt", who, request}, func(q *pgsql.Queries, at time.Time) (training.Graded, error) {
		quiz, err := lockQuiz(ctx, q, who, s.QuizID, s.Locale, at)
		if err != nil {
			return training.Graded{}, err
		}
		if quiz.TimeLimitSeconds != nil && !quiz.running() {
			return training.Graded{}, training.Errorf(training.Conflict, "This quiz has a time limit: start the attempt first.")
		}
		right, wrong := training.Grade(quiz.keys(), s.Answers)
		if len(wrong) > 0 {
			return training.Graded{}, &training.Error{
				Code: training.Invalid, Message: "The answers are not answers to this quiz. No attempt was used up.", Fields: wrong,
			}
		}
		return quiz.record(ctx, q, s.Answers, right, at)
	})
}

// lockedQuiz is a quiz and the asker's enrollment in its course, which is theirs alone until the
// transaction ends.
type lockedQuiz struct{ pgsql.LockQuizRow }

// lockQuiz gives a quiz that the asker may try now.
func lockQuiz(ctx context.Context, q *pgsql.Queries, who training.Principal, id int64, locale string, at time.Time) (*lockedQuiz, error) {
	row, err := q.LockQuiz(ctx, pgsql.LockQuizParams{
		Locale: locale, UserID: who.UserID, CompanyID: who.CompanyID, ID: id, Unpublished: who.SeesUnpublished(),
	})
	if err != nil {
		return nil, notFound(err, "quiz")
	}
	quiz := &lockedQuiz{row}
	enrolled := training.Enrollment{Status: training.EnrollmentStatus(row.Status), ExpiresAt: when(row.ExpiresAt)}
	switch {
	case row.EnrollmentID == 0:
		return nil, training.Errorf(training.Conflict, "You are not enrolled in this course. Enroll to take its quiz.")
	case enrolled.StatusAt(at) == training.Expired:
		return nil, training.Errorf(training.Conflict, "This enrollment has expired. Enroll again to begin the next cycle.")
	case quiz.isDone():
		return nil, training.Errorf(training.Conflict, "You have passed this quiz already.")
	}
	return quiz, quiz.mayTry()
}

func (l *lockedQuiz) mayTry() error {
	if limit := number(l.MaxAttempts); limit > 0 && int(l.Attempts) >= limit {
		return training.Errorf(training.Conflict, "No attempt is left: %d of %d were used.", l.Attempts, limit)
	}
	return nil
}

func (l *lockedQuiz) running() bool { return l.TimeLimitSeconds != nil && !l.StartedAt.IsZero() }

func (l *lockedQuiz) start() training.Start {
	return training.Start{StartedAt: l.StartedAt.UTC(), EndsAt: l.EndsAt.UTC()}
}

func (l *lockedQuiz) isDone() bool {
	return slices.Contains(l.LessonIds, l.LessonID)
}

func (l *lockedQuiz) keys() []training.Key {
	options := make(map[int64]map[int64]bool, len(l.QuestionIds))
	for i, question := range l.OfQuestions {
		if options[question] == nil {
			options[question] = make(map[int64]bool)
		}
		options[question][l.OptionIds[i]] = l.IsRight[i]
	}
	keys := make([]training.Key, len(l.QuestionIds))
	for i, id := range l.QuestionIds {
		keys[i] = training.Key{QuestionID: id, Multiple: l.Multiple[i], Options: options[id]}
	}
	return keys
}

// record writes the attempt down and says what became of it.
func (l *lockedQuiz) record(
	ctx context.Context, q *pgsql.Queries, answers []training.Answer, right []bool, at time.Time,
) (training.Graded, error) {
	out := training.Graded{InTime: true}
	out.Number, out.SubmittedAt = int(l.Attempts)+1, at.UTC()
	if l.running() {
		took := int(at.Sub(l.StartedAt) / time.Second)
		out.Seconds, out.InTime = &took, !l.start().Late(at)
	}
	if out.InTime {
		out.Score = training.Score(right)
	}
	out.Passed = out.InTime && out.Score >= int(l.PassPercent)
	out.AttemptsLeft = training.AttemptsLeft(number(l.MaxAttempts), out.Number)
	for i, id := range l.QuestionIds {
		question := training.GradedQuestion{QuestionID: id, Right: right[i] && out.InTime}
		if training.Reveals(out.Passed, out.AttemptsLeft) {
			question.Explanation = l.Explanations[i]
		}
		out.Questions = append(out.Questions, question)
	}
	progress := l.progress(&out)
	after, certificate := l.completion().advance(training.Standing{
		Status: training.EnrollmentStatus(l.Status), CompletedAt: when(l.CompletedAt), ExpiresAt: when(l.ExpiresAt),
	}, len(progress), at)
	arg := pgsql.RecordAttemptParams{
		Status: string(after.Status), LessonsDone: int32(len(progress)), Score: int32(out.Score), CompletedAt: after.CompletedAt,
		ExpiresAt: after.ExpiresAt, EnrollmentID: l.EnrollmentID, QuizID: l.ID, Number: int32(out.Number), Passed: out.Passed,
		Seconds: maybe32(out.Seconds), LessonID: l.LessonID,
	}
	if certificate != nil {
		arg.Code = certificate.Code
	}
	for _, a := range answers {
		for _, option := range a.OptionIDs {
			arg.Questions, arg.Options = append(arg.Questions, a.QuestionID), append(arg.Options, option)
		}
	}
	row, err := q.RecordAttempt(ctx, arg)
	if err != nil {
		return training.Graded{}, fmt.Errorf("recording the attempt: %w", err)
	}
	out.Enrollment = enrollment(row, l.Slug, l.Title, l.CourseLessons, progress)
	if certificate != nil {
		out.Certificate = certify(certificate, &out.Enrollment)
	}
	return out, nil
}

// progress is what is done of the course after the attempt.
func (l *lockedQuiz) progress(g *training.Graded) []training.Progress {
	var quiz []training.Progress
	if g.Passed {
		quiz = []training.Progress{{LessonID: l.LessonID, Lesson: int(l.Lesson), DoneAt: g.SubmittedAt}}
		if g.Seconds != nil {
			quiz[0].Seconds = *g.Seconds
		}
	}
	done := make([]training.Progress, 0, len(l.LessonIds)+1)
	for i, id := range l.LessonIds {
		if len(quiz) > 0 && quiz[0].Lesson < int(l.Positions[i]) {
			done, quiz = append(done, quiz...), nil
		}
		done = append(done, training.Progress{
			LessonID: id, Lesson: int(l.Positions[i]), DoneAt: l.Times[i].UTC(), Seconds: int(l.Seconds[i]),
		})
	}
	return append(done, quiz...)
}

func (l *lockedQuiz) completion() completion {
	return completion{training.Completion{
		Lessons: len(l.CourseLessons), ValidityDays: number(l.ValidityDays), IntervalMonths: int(l.IntervalMonths),
	}}
}

// when is a time of a row in which the zero time stands for none.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return utc(&t)
}

func number(n *int32) int {
	if n == nil {
		return 0
	}
	return int(*n)
}

func maybe32(n *int) *int32 {
	if n == nil {
		return nil
	}
	v := int32(*n)
	return &v
}
