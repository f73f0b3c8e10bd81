package store

import (
	"context"
	"fmt"

	"outpost/server/store/sqlite"
	"outpost/server/training"
)

func (q *queries) Enrollments(ctx context.Context, p training.Principal, f training.EnrollmentFilter) (training.Page[training.Enrollment], error) {
	page := training.Page[training.Enrollment]{Page: f.Page, Size: f.Size}
	if err := f.Validate(training.EnrollmentSorts()...); err != nil {
		return page, err
	}
	if err := q.maySeeUser(ctx, p, f.UserID); err != nil {
		return page, err
	}
	found, err := q.findEnrollments(ctx, p, f)
	if err != nil {
		return page, err
	}
	found, page.NextAfter = cut(f.Paging, found)
	rows, err := q.enrollmentsByID(ctx, p, f.Locale, ids(found))
	if err != nil {
		return page, err
	}
	page.Items, err = arrange(found, rows, func(r *sqlite.EnrollmentsByIDRow) int64 { return r.Enrollment.ID },
		func(r *sqlite.EnrollmentsByIDRow) (training.Enrollment, error) { return enrollment(p, r) })
	if err != nil {
		return page, err
	}
	page.Total, err = run(ctx, q, "count_enrollments", q.sql.CountEnrollments, sqlite.CountEnrollmentsParams{
		UserID: f.UserID, AnyCompany: anyCompany(p), CompanyID: p.CompanyID, Status: string(f.Status),
	})
	return page, err
}

// maySeeUser holds the rule of roles: oneself, for managers the people of the company, for
// platform administrators everyone. Whom one may not see does not exist.
func (q *queries) maySeeUser(ctx context.Context, p training.Principal, userID int64) error {
	if userID == p.UserID {
		return nil
	}
	hidden := training.Errorf(training.NotFound, "There is no such user.")
	if !p.Role.Manages() {
		return hidden
	}
	company, err := run(ctx, q, "user_company", q.sql.UserCompany, userID)
	if err != nil {
		return notFound(err, "user")
	}
	if company != p.CompanyID && p.Role != training.PlatformAdmin {
		return hidden
	}
	return nil
}

func anyCompany(p training.Principal) int64 { return flag(p.Role == training.PlatformAdmin) }

func (q *queries) findEnrollments(ctx context.Context, p training.Principal, f training.EnrollmentFilter) ([]place, error) {
	from, err := after(f.Paging, false)
	if err != nil {
		return nil, err
	}
	arg := sqlite.EnrollmentIDsByCreatedParams{
		UserID: f.UserID, AnyCompany: anyCompany(p), CompanyID: p.CompanyID, Status: string(f.Status),
		AfterKey: from.text, AfterID: from.id, Size: int64(f.Size) + 1, Skip: f.Offset(),
	}
	switch order(f.Paging) {
	case "created_at":
		rows, err := run(ctx, q, "enrollments_by_created", q.sql.EnrollmentIDsByCreated, arg)
		return places(rows, func(r sqlite.EnrollmentIDsByCreatedRow) place { return place{r.ID, r.SortKey} }), err
	case "-created_at":
		rows, err := run(ctx, q, "enrollments_by_created", q.sql.EnrollmentIDsByCreatedDesc, sqlite.EnrollmentIDsByCreatedDescParams(arg))
		return places(rows, func(r sqlite.EnrollmentIDsByCreatedDescRow) place { return place{r.ID, r.SortKey} }), err
	case "due_at":
		rows, err := run(ctx, q, "enrollments_by_due", q.sql.EnrollmentIDsByDue, sqlite.EnrollmentIDsByDueParams(arg))
		return places(rows, func(r sqlite.EnrollmentIDsByDueRow) place { return place{r.ID, r.SortKey} }), err
	case "-due_at":
		rows, err := run(ctx, q, "enrollments_by_due", q.sql.EnrollmentIDsByDueDesc, sqlite.EnrollmentIDsByDueDescParams(arg))
		return places(rows, func(r sqlite.EnrollmentIDsByDueDescRow) place { return place{r.ID, r.SortKey} }), err
	}
	return nil, fmt.Errorf("no query sorts enrollments by %q", f.Sort)
}

func (q *queries) enrollmentsByID(ctx context.Context, p training.Principal, locale string, ids []int64) ([]sqlite.EnrollmentsByIDRow, error) {
	list, err := idList(ids)
	if err != nil {
		return nil, err
	}
	return run(ctx, q, "enrollments", q.sql.EnrollmentsByID, sqlite.EnrollmentsByIDParams{
		Locale: locale, Ids: list, AnyCompany: anyCompany(p), CompanyID: p.CompanyID,
	})
}

func enrollment(p training.Principal, r *sqlite.EnrollmentsByIDRow) (training.Enrollment, error) {
	e := r.Enrollment
	var t times
	out := training.Enrollment{
		ID: e.ID, UserID: e.UserID, CompanyID: e.CompanyID, CourseID: e.CourseID, CourseSlug: r.Slug, CourseTitle: r.Title,
		Cycle: int(e.Cycle), Status: training.EnrollmentStatus(e.Status), DueAt: t.maybe(e.DueAt), StartedAt: t.maybe(e.StartedAt),
		CompletedAt: t.maybe(e.CompletedAt), ExpiresAt: t.maybe(e.ExpiresAt), Score: maybeNumber(e.Score),
		LessonsDone: int(e.LessonsDone), Lessons: int(r.Lessons), NextLesson: int(r.NextLesson), CreatedAt: t.at(e.CreatedAt), UpdatedAt: t.at(e.UpdatedAt),
		Version: e.Version,
	}
	if training.PrivacyMode(r.PrivacyMode).Sees(p, e.UserID, e.CompanyID) != training.ByName {
		out.Score = nil // the enrollment says whose it is
	}
	return out, t.err
}

func (q *queries) Enrollment(ctx context.Context, p training.Principal, id int64, locale string) (training.Enrollment, error) {
	hidden := training.Errorf(training.NotFound, "There is no such enrollment.")
	rows, err := q.enrollmentsByID(ctx, p, locale, []int64{id})
	if err != nil {
		return training.Enrollment{}, err
	}
	if len(rows) == 0 || rows[0].Enrollment.UserID != p.UserID && !p.Role.Manages() {
		return training.Enrollment{}, hidden
	}
	out, err := enrollment(p, &rows[0])
	if err != nil {
		return out, err
	}
	progress, err := run(ctx, q, "progress", q.sql.ProgressOfEnrollment, id)
	if err != nil {
		return out, err
	}
	var t times
	out.Progress = make([]training.Progress, len(progress))
	for i, l := range progress {
		out.Progress[i] = training.Progress{
			LessonID: l.LessonID, Lesson: int(l.Position), DoneAt: t.at(l.DoneAt), Seconds: int(l.Seconds),
		}
	}
	return out, t.err
}
