package store

import (
	"context"
	"fmt"
	"strconv"

	"outpost/server/store/sqlite"
	"outpost/server/training"
)

func (q *queries) Courses(ctx context.Context, f training.CourseFilter) (training.Page[training.Course], error) {
	page := training.Page[training.Course]{Page: f.Page, Size: f.Size}
	if err := f.Validate(f.Sorts()...); err != nil {
		return page, err
	}
	hits, err := q.searchCourses(ctx, f)
	if err != nil {
		return page, err
	}
	var found []place
	if f.Sort == training.Relevance {
		found, err = mostRelevant(f.Paging, hits)
	} else {
		found, err = q.findCourses(ctx, f, hits)
	}
	if err != nil {
		return page, err
	}
	found, page.NextAfter = cut(f.Paging, found)
	if page.Items, err = q.coursesByID(ctx, f.Locale, f.Parts, found); err != nil {
		return page, err
	}
	page.Total, err = q.countCourses(ctx, f, hits)
	return page, err
}

func (q *queries) countCourses(ctx context.Context, f training.CourseFilter, hits []place) (int64, error) {
	switch {
	case f.Search.Given():
		return int64(len(hits)), nil
	case f.Category == "" && f.Level == "":
		return run(ctx, q, "course_total", q.sql.CourseTotal, flag(!f.Unpublished))
	}
	return run(ctx, q, "count_courses", q.sql.CountCourses, sqlite.CountCoursesParams{
		Published: flag(!f.Unpublished), Category: f.Category, Level: string(f.Level),
	})
}

// findCourses gives the places of the page, and one more if there is one. With a search, the
// page is one of the hits.
func (q *queries) findCourses(ctx context.Context, f training.CourseFilter, hits []place) ([]place, error) {
	among := ""
	if f.Search.Given() {
		var err error
		if among, err = idList(ids(hits)); err != nil {
			return nil, err
		}
	}
	from, err := after(f.Paging, f.Sort == "minutes")
	if err != nil {
		return nil, err
	}
	published, size, skip := flag(!f.Unpublished), int64(f.Size)+1, f.Offset()
	switch order(f.Paging) {
	case "title", "-title":
		arg := sqlite.CourseIDsByTitleParams{
			Locale: f.Locale, Published: published, Category: f.Category, Level: string(f.Level),
			Found: among, AfterKey: from.text, AfterID: from.id, Size: size, Skip: skip,
		}
		if f.Desc {
			rows, err := run(ctx, q, "courses_by_title", q.sql.CourseIDsByTitleDesc, sqlite.CourseIDsByTitleDescParams(arg))
			return places(rows, func(r sqlite.CourseIDsByTitleDescRow) place { return place{r.ID, r.SortKey} }), err
		}
		rows, err := run(ctx, q, "courses_by_title", q.sql.CourseIDsByTitle, arg)
		return places(rows, func(r sqlite.CourseIDsByTitleRow) place { return place{r.ID, r.SortKey} }), err
	case "created_at", "-created_at":
		arg := sqlite.CourseIDsByCreatedParams{
			Published: published, Category: f.Category, Level: string(f.Level),
			Found: among, AfterKey: from.text, AfterID: from.id, Size: size, Skip: skip,
		}
		if f.Desc {
			rows, err := run(ctx, q, "courses_by_created", q.sql.CourseIDsByCreatedDesc, sqlite.CourseIDsByCreatedDescParams(arg))
			return places(rows, func(r sqlite.CourseIDsByCreatedDescRow) place { return place{r.ID, r.SortKey} }), err
		}
		rows, err := run(ctx, q, "courses_by_created", q.sql.CourseIDsByCreated, arg)
		return places(rows, func(r sqlite.CourseIDsByCreatedRow) place { return place{r.ID, r.SortKey} }), err
	case "minutes", "-minutes":
		arg := sqlite.CourseIDsByMinutesParams{
			Published: published, Category: f.Category, Level: string(f.Level),
			Found: among, AfterKey: from.number, AfterID: from.id, Size: size, Skip: skip,
		}
		if f.Desc {
			rows, err := run(ctx, q, "courses_by_minutes", q.sql.CourseIDsByMinutesDesc, sqlite.CourseIDsByMinutesDescParams(arg))
			return places(rows, func(r sqlite.CourseIDsByMinutesDescRow) place { return place{r.ID, r.SortKey} }), err
		}
		rows, err := run(ctx, q, "courses_by_minutes", q.sql.CourseIDsByMinutes, arg)
		return places(rows, func(r sqlite.CourseIDsByMinutesRow) place { return place{r.ID, r.SortKey} }), err
	}
	return nil, fmt.Errorf("no query sorts courses by %q", f.Sort)
}

func places[R any](rows []R, convert func(R) place) []place {
	out := make([]place, len(rows))
	for i, r := range rows {
		out[i] = convert(r)
	}
	return out
}

func (q *queries) coursesByID(ctx context.Context, locale string, parts training.CourseParts, found []place) ([]training.Course, error) {
	list, err := idList(ids(found))
	if err != nil {
		return nil, err
	}
	rows, err := run(ctx, q, "courses", q.sql.CoursesByID, sqlite.CoursesByIDParams{
		Locale: locale, Ids: list, Described: flag(parts.Has(training.CourseDescription)),
	})
	if err != nil {
		return nil, err
	}
	return arrange(found, rows, func(r *sqlite.CoursesByIDRow) int64 { return r.CourseID },
		func(r *sqlite.CoursesByIDRow) (training.Course, error) { return course(r, parts) })
}

func course(r *sqlite.CoursesByIDRow, parts training.CourseParts) (training.Course, error) {
	var t times
	c := training.Course{
		ID: r.CourseID, Slug: r.Slug, Category: r.Category, Level: training.Level(r.Level), Minutes: int(r.Minutes),
		IsPublished: r.IsPublished == 1, ValidityDays: number(r.ValidityDays), Description: r.Description,
		CreatedAt: t.at(r.CreatedAt), UpdatedAt: t.at(r.UpdatedAt), Version: r.Version,
	}
	if parts.Has(training.CourseText) || parts.Has(training.CourseDescription) {
		c.Locale = r.Shown
	}
	if parts.Has(training.CourseText) {
		c.Title = r.Title
	}
	if parts.Has(training.CourseLessonCount) {
		c.Lessons = int(r.Lessons)
	}
	return c, t.err
}

func (q *queries) Course(ctx context.Context, ref training.CourseRef) (training.CourseDetail, error) {
	id, err := q.courseID(ctx, ref)
	if err != nil {
		return training.CourseDetail{}, err
	}
	found, err := q.coursesByID(ctx, ref.Locale, ref.Parts, []place{{id: id}})
	if err != nil {
		return training.CourseDetail{}, err
	}
	if len(found) == 0 || !found[0].IsPublished && !ref.Unpublished {
		return training.CourseDetail{}, training.Errorf(training.NotFound, "There is no such course.")
	}
	detail := training.CourseDetail{Course: found[0]}
	if !ref.Parts.Has(training.CourseContents) {
		return detail, nil
	}
	lessons, err := run(ctx, q, "lessons", q.sql.LessonsOfCourse, sqlite.LessonsOfCourseParams{Locale: ref.Locale, CourseID: id})
	if err != nil {
		return detail, err
	}
	detail.Contents = make([]training.LessonSummary, len(lessons))
	for i, l := range lessons {
		detail.Contents[i] = training.LessonSummary{
			ID: l.ID, Position: int(l.Position), Kind: training.LessonKind(l.Kind), Minutes: int(l.Minutes), Title: l.Title,
		}
	}
	return detail, nil
}

// courseID reads an id, or finds the one of a slug. A slug begins with a letter.
func (q *queries) courseID(ctx context.Context, ref training.CourseRef) (int64, error) {
	if id, err := strconv.ParseInt(ref.IDOrSlug, 10, 64); err == nil {
		return id, nil
	}
	id, err := run(ctx, q, "course_by_slug", q.sql.CourseIDBySlug, ref.IDOrSlug)
	return id, notFound(err, "course")
}

func (q *queries) Lesson(ctx context.Context, ref training.CourseRef, position int) (training.Lesson, error) {
	id, err := q.courseID(ctx, ref)
	if err != nil {
		return training.Lesson{}, err
	}
	r, err := run(ctx, q, "lesson", q.sql.Lesson, sqlite.LessonParams{
		Locale: ref.Locale, CourseID: id, Position: int64(position), Published: flag(!ref.Unpublished),
	})
	if err != nil {
		return training.Lesson{}, notFound(err, "lesson")
	}
	var t times
	lesson := training.Lesson{
		LessonSummary: training.LessonSummary{
			ID: r.ID, Position: int(r.Position), Kind: training.LessonKind(r.Kind), Minutes: int(r.Minutes), Title: r.Title,
		},
		CourseID: r.CourseID, CourseSlug: r.Slug, Locale: r.Locale, Body: r.Body, VideoURL: r.VideoUrl,
		Prev: int(r.Previous), Next: int(r.Next), UpdatedAt: t.at(r.UpdatedAt), Version: r.Version,
	}
	if r.QuizID != nil {
		lesson.Quiz = &training.Quiz{
			ID: *r.QuizID, PassPercent: number(r.PassPercent), MaxAttempts: number(r.MaxAttempts), Questions: int(r.Questions),
		}
	}
	return lesson, t.err
}
