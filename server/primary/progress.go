package primary

import (
	"context"

	"outpost/replicate/change"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// maxSeconds is the longest time that a lesson is believed to have taken: a day.
const maxSeconds = 24 * 60 * 60

// RecordProgress notes that the principal did the lesson at that position, in so many seconds.
// Repeating it changes nothing; of several times the longest counts. When all lessons are
// done, the course is completed and its certificate issued.
func (p *Primary) RecordProgress(ctx context.Context, who training.Principal, enrollmentID int64, lesson, seconds int) (training.Enrollment, change.LSN, error) {
	if seconds < 0 || seconds > maxSeconds {
		return training.Enrollment{}, 0, training.InvalidField("seconds", "must be between 0 and %d", maxSeconds)
	}
	var e training.Enrollment
	lsn, err := p.write(ctx, "recording progress", func(q *pgsql.Queries) error {
		row, err := q.LockEnrollment(ctx, pgsql.LockEnrollmentParams{
			ID: enrollmentID, UserID: who.UserID, CompanyID: who.CompanyID, Position: clamp(lesson), Locale: who.Locale,
			SessionID: who.SessionID, KeyID: who.KeyID, Ip: clean(training.CallerOf(ctx).IP),
		})
		if err != nil {
			return notFound(err, "enrollment")
		}
		if err := mayProgress(row); err != nil {
			return err
		}
		done, err := q.UpsertProgress(ctx, pgsql.UpsertProgressParams{
			EnrollmentID: enrollmentID, LessonID: row.LessonID, Seconds: int32(seconds),
		})
		if err != nil {
			return err
		}
		progress, changed := convert(done)
		if changed {
			if row.Enrollment, err = q.UpdateEnrollment(ctx, advance(row, len(done))); err != nil {
				return err
			}
		}
		e = enrollment(row.Enrollment, row.Slug, row.Title, row.CourseLessons, progress)
		return nil
	})
	return e, lsn, err
}

func mayProgress(row pgsql.LockEnrollmentRow) error {
	switch {
	case !row.IsActive:
		return changedAccount()
	case row.IsOver:
		return endedCredential()
	case row.LessonID == 0:
		return training.Errorf(training.NotFound, "The course has no such lesson.")
	case training.LessonKind(row.LessonKind) == training.QuizLesson:
		return training.InvalidField("lesson", "is a quiz, which is done by passing it")
	case training.EnrollmentStatus(row.Enrollment.Status) == training.Expired:
		return training.Errorf(training.Conflict, "This enrollment has expired. Enroll again to begin the next cycle.")
	}
	return nil
}

// advance is what the enrollment becomes with that many lessons done.
func advance(row pgsql.LockEnrollmentRow, done int) pgsql.UpdateEnrollmentParams {
	rules := completion{training.Completion{
		Lessons: len(row.CourseLessons), ValidityDays: number(row.ValidityDays), IntervalMonths: int(row.IntervalMonths),
	}}
	after, certificate := rules.advance(training.Standing{
		Status: training.EnrollmentStatus(row.Enrollment.Status), CompletedAt: row.Enrollment.CompletedAt, ExpiresAt: row.Enrollment.ExpiresAt,
	}, done, row.At)
	update := pgsql.UpdateEnrollmentParams{
		ID: row.Enrollment.ID, Status: string(after.Status), LessonsDone: int32(done),
		CompletedAt: after.CompletedAt, ExpiresAt: after.ExpiresAt,
	}
	if certificate != nil {
		update.Code = certificate.Code
	}
	return update
}

func convert(rows []pgsql.UpsertProgressRow) (progress []training.Progress, changed bool) {
	progress = make([]training.Progress, len(rows))
	for i, r := range rows {
		progress[i] = training.Progress{
			LessonID: r.LessonID, Lesson: int(r.Position), DoneAt: r.DoneAt.UTC(), Seconds: int(r.Seconds),
		}
		changed = changed || r.Changed
	}
	return progress, changed
}

// clamp makes of a position that no lesson can have one that fits the column.
func clamp(position int) int32 { return int32(max(min(position, 1<<30), 0)) }
