package api

import (
	"context"
	"net/http"
	"time"

	"outpost/replicate/change"
	"outpost/server/api/openapi"
	"outpost/server/cache"
	"outpost/server/training"
)

func enrollmentRoutes() []*route {
	return []*route{
		{method: http.MethodGet, pattern: "/api/v1/enrollments", handle: (*API).listEnrollments, role: training.Manager, scope: "users:read", namespace: "enrollments"},
		{method: http.MethodPost, pattern: "/api/v1/enrollments", handle: (*API).enroll, scope: "enrollments:write", write: true, creates: true},
		{method: http.MethodGet, pattern: "/api/v1/enrollments/:enrollment", handle: (*API).getEnrollment, scope: "enrollments:read", namespace: "enrollments"},
		{method: http.MethodPut, pattern: "/api/v1/enrollments/:enrollment/lessons/:lesson", handle: (*API).recordProgress, scope: "enrollments:write", write: true},
	}
}

type enrollmentWriter interface {
	Enroll(ctx context.Context, p training.Principal, courseID int64) (e training.Enrollment, created bool, at change.LSN, err error)
	RecordProgress(ctx context.Context, p training.Principal, enrollmentID int64, lesson, seconds int) (training.Enrollment, change.LSN, error)
}

func (a *API) getEnrollment(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	id, err := k.idParam("enrollment", 64)
	if err != nil {
		return err
	}
	locale, err := k.locale()
	if err != nil {
		return err
	}
	k.key = newKey(k.key, "enrollment").person(k).number(id).text(locale)
	if done, err := a.hit(k); done {
		return err
	}
	p, now := k.principal, a.Now
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		e, err := q.Enrollment(ctx, p, id, locale)
		if err != nil {
			return answer{}, err
		}
		at := now()
		return answer{
			value: enrollmentBody(e, at), version: e.Version, validUntil: e.ValidUntil(at),
			// The company's privacy mode decides what others see of it.
			tags: []cache.Tag{
				cache.Row("enrollments", e.ID), cache.Row("courses", e.CourseID), cache.Row("companies", e.CompanyID),
			},
		}, nil
	})
}

func (a *API) enroll(k *call) error {
	var in openapi.EnrollRequest
	if err := k.decode(&in, "course_id"); err != nil {
		return err
	}
	if in.CourseId < 1 {
		return training.InvalidField("course_id", "must be at least 1")
	}
	p, err := k.reader()
	if err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	e, created, lsn, err := a.Writer.Enroll(ctx, p, in.CourseId)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return k.json(status, enrollmentBody(e, a.Now()))
}

func (a *API) recordProgress(k *call) error {
	id, err := k.idParam("enrollment", 64)
	if err != nil {
		return err
	}
	lesson, err := k.idParam("lesson", 32)
	if err != nil {
		return err
	}
	var in openapi.ProgressRequest
	if err := k.decode(&in, "seconds"); err != nil {
		return err
	}
	if in.Seconds < 0 || in.Seconds > maxSeconds {
		return training.InvalidField("seconds", "must be between 0 and %d", maxSeconds)
	}
	p, err := k.reader()
	if err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	e, lsn, err := a.Writer.RecordProgress(ctx, p, id, int(lesson), in.Seconds)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	return k.json(http.StatusOK, enrollmentBody(e, a.Now()))
}

// reader is who asks, with the locale in which GET would answer them: what a write answers is to read
// the same. A replica that is still on its way is no reason not to write.
func (k *call) reader() (training.Principal, error) {
	p := k.principal
	locale, err := k.locale()
	switch training.CodeOf(err) {
	case "":
		p.Locale = locale
	case training.Unavailable:
		return p, nil
	}
	return p, err
}

// maxSeconds is a day: nobody sits longer over a lesson.
const maxSeconds = 24 * 60 * 60

func summaryBody(e training.Enrollment, at time.Time) openapi.EnrollmentSummary {
	return openapi.EnrollmentSummary{
		Id: e.ID, UserId: e.UserID, CourseId: e.CourseID, CourseSlug: e.CourseSlug, CourseTitle: e.CourseTitle, Cycle: e.Cycle,
		Status: openapi.EnrollmentStatus(e.StatusAt(at)), Overdue: e.Overdue(at), DueAt: utc(e.DueAt), StartedAt: utc(e.StartedAt),
		CompletedAt: utc(e.CompletedAt), ExpiresAt: utc(e.ExpiresAt), Score: e.Score, LessonsDone: e.LessonsDone,
		LessonCount: e.Lessons, NextLesson: positive(e.NextLesson), CreatedAt: e.CreatedAt.UTC(), UpdatedAt: e.UpdatedAt.UTC(), Version: e.Version,
	}
}

func enrollmentBody(e training.Enrollment, at time.Time) openapi.Enrollment {
	s := summaryBody(e, at)
	progress := make([]openapi.Progress, len(e.Progress))
	for i, p := range e.Progress {
		progress[i] = openapi.Progress{LessonId: p.LessonID, Lesson: p.Lesson, DoneAt: p.DoneAt.UTC(), Seconds: p.Seconds}
	}
	return openapi.Enrollment{
		Id: s.Id, UserId: s.UserId, CourseId: s.CourseId, CourseSlug: s.CourseSlug, CourseTitle: s.CourseTitle, Cycle: s.Cycle,
		Status: s.Status, Overdue: s.Overdue, DueAt: s.DueAt, StartedAt: s.StartedAt, CompletedAt: s.CompletedAt,
		ExpiresAt: s.ExpiresAt, Score: s.Score, LessonsDone: s.LessonsDone, LessonCount: s.LessonCount,
		NextLesson: s.NextLesson, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt, Version: s.Version, Progress: progress,
	}
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

// earlier is the earlier of two instants of which the zero one means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
