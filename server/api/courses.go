package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"outpost/server/api/openapi"
	"outpost/server/cache"
	"outpost/server/search"
	"outpost/server/training"
)

// Whatever belongs to a course raises the version of the course's row when it changes, so an
// answer about one course depends on that one row, and a list on the table.

func courseRoutes() []*route {
	return []*route{
		{method: http.MethodGet, pattern: "/api/v1/courses", handle: (*API).listCourses, scope: "courses:read", namespace: "courses"},
		{method: http.MethodGet, pattern: "/api/v1/courses/:course", handle: (*API).getCourse, scope: "courses:read", namespace: "courses"},
		{method: http.MethodGet, pattern: "/api/v1/courses/:course/lessons/:lesson", handle: (*API).getLesson, scope: "courses:read", namespace: "courses"},
		{method: http.MethodPost, pattern: "/api/v1/courses", handle: (*API).createCourse, role: training.PlatformAdmin, scope: "courses:write", write: true, creates: true},
		{method: http.MethodPut, pattern: "/api/v1/courses/:course", handle: (*API).putCourse, role: training.PlatformAdmin, scope: "courses:write", write: true},
		{method: http.MethodDelete, pattern: "/api/v1/courses/:course", handle: (*API).deleteCourse, role: training.PlatformAdmin, scope: "courses:write", write: true},
		// Read where it is written: what is right in a quiz never leaves Postgres.
		{method: http.MethodGet, pattern: "/api/v1/courses/:course/source", handle: (*API).getCourseSource, role: training.PlatformAdmin, scope: "courses:write", write: true},
	}
}

var (
	courseFields = newProjection[openapi.Course]()
	detailFields = newProjection[openapi.CourseDetail]()
)

func (a *API) listCourses(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	query, err := k.search()
	if err != nil {
		return err
	}
	paging, err := k.paging(training.CourseFilter{Search: query}.Sorts())
	if err != nil {
		return err
	}
	if paging.Sort == training.Relevance && paging.Desc {
		return training.InvalidField("sort", "relevance is best first and has no reverse order")
	}
	mask, err := courseFields.parse(k.c.Query("fields"))
	if err != nil {
		return err
	}
	locale, err := k.locale()
	if err != nil {
		return err
	}
	f := training.CourseFilter{
		Paging: paging, Locale: locale, Category: k.c.Query("category"), Level: training.Level(k.c.Query("level")),
		Search: query, Unpublished: k.principal.SeesUnpublished(), Parts: courseParts(courseFields, mask),
	}
	switch f.Level {
	case "", training.Beginner, training.Intermediate, training.Advanced:
	default:
		return training.InvalidField("level", "must be beginner, intermediate or advanced")
	}
	if len(f.Category) > maxCategory {
		return training.InvalidField("category", "must be at most %d bytes long", maxCategory)
	}
	k.key = newKey(k.key, "courses").page(f.Paging).text(f.Locale).text(f.Category).text(string(f.Level)).
		flag(query.Given()).text(query.String()).flag(f.Unpublished).number(int64(mask))
	if done, err := a.hit(k); done {
		return err
	}
	f.Paging, f.Category, f.Level = clonePaging(f.Paging), strings.Clone(f.Category), training.Level(strings.Clone(string(f.Level)))
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		found, err := q.Courses(ctx, f)
		if err != nil {
			return answer{}, err
		}
		body, err := newPage(found, f.Paging, courseBody, courseFields, mask)
		return answer{value: body, tags: []cache.Tag{cache.Table("courses")}}, err
	})
}

func (a *API) getCourse(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	ref, err := k.courseRef()
	if err != nil {
		return err
	}
	mask, err := detailFields.parse(k.c.Query("fields"))
	if err != nil {
		return err
	}
	ref.Parts = courseParts(detailFields, mask)
	k.key = newKey(k.key, "course").course(ref).number(int64(mask))
	if done, err := a.hit(k); done {
		return err
	}
	ref.IDOrSlug = strings.Clone(ref.IDOrSlug)
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		found, err := q.Course(ctx, ref)
		if err != nil {
			return answer{}, err
		}
		body, err := detailFields.pick(detailBody(found), mask)
		return answer{value: body, version: found.Version, tags: []cache.Tag{cache.Row("courses", found.ID)}}, err
	})
}

func (a *API) getLesson(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	ref, err := k.courseRef()
	if err != nil {
		return err
	}
	position, err := k.idParam("lesson", 32)
	if err != nil {
		return err
	}
	k.key = newKey(k.key, "lesson").course(ref).number(position)
	if done, err := a.hit(k); done {
		return err
	}
	ref.IDOrSlug = strings.Clone(ref.IDOrSlug)
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		found, err := q.Lesson(ctx, ref, int(position))
		if err != nil {
			return answer{}, err
		}
		return answer{
			value: lessonBody(found), version: found.Version, tags: []cache.Tag{cache.Row("courses", found.CourseID)},
		}, nil
	})
}

// courseParts are those that the fields in mask show.
func courseParts(fields *projection, mask fieldMask) training.CourseParts {
	if mask == 0 {
		return 0
	}
	parts := training.CourseRow
	for name, part := range map[string]training.CourseParts{
		"locale": training.CourseText, "title": training.CourseText, "description": training.CourseDescription,
		"lesson_count": training.CourseLessonCount, "lessons": training.CourseContents,
	} {
		if i := slices.Index(fields.names, name); i >= 0 && mask&(1<<i) != 0 {
			parts |= part
		}
	}
	return parts
}

// search reads q.
func (k *call) search() (search.Query, error) {
	q := k.c.Query("q")
	if len(q) > search.MaxBytes {
		return search.Query{}, training.InvalidField("q", "must be at most %d bytes long", search.MaxBytes)
	}
	query := search.Parse(q)
	if query.Words() > search.MaxWords {
		return query, training.InvalidField("q", "must be at most %d words", search.MaxWords)
	}
	return query, nil
}

func (k *call) courseRef() (training.CourseRef, error) {
	course, err := k.courseParam()
	if err != nil {
		return training.CourseRef{}, err
	}
	locale, err := k.locale()
	return training.CourseRef{IDOrSlug: course, Locale: locale, Unpublished: k.principal.SeesUnpublished()}, err
}

func (k key) course(ref training.CourseRef) key {
	return k.text(ref.IDOrSlug).text(ref.Locale).flag(ref.Unpublished)
}

func courseBody(c training.Course) openapi.Course {
	return openapi.Course{
		Id: c.ID, Slug: c.Slug, Category: c.Category, Level: openapi.Level(c.Level), Minutes: c.Minutes,
		IsPublished: c.IsPublished, ValidityDays: positive(c.ValidityDays), Locale: c.Locale, Title: c.Title,
		Description: c.Description, LessonCount: c.Lessons, CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC(), Version: c.Version,
	}
}

func detailBody(d training.CourseDetail) openapi.CourseDetail {
	c := courseBody(d.Course)
	lessons := make([]openapi.LessonSummary, len(d.Contents))
	for i, l := range d.Contents {
		lessons[i] = openapi.LessonSummary{
			Id: l.ID, Position: l.Position, Kind: openapi.LessonKind(l.Kind), Minutes: l.Minutes, Title: l.Title,
		}
	}
	return openapi.CourseDetail{
		Id: c.Id, Slug: c.Slug, Category: c.Category, Level: c.Level, Minutes: c.Minutes, IsPublished: c.IsPublished,
		ValidityDays: c.ValidityDays, Locale: c.Locale, Title: c.Title, Description: c.Description, LessonCount: c.LessonCount,
		CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, Version: c.Version, Lessons: lessons,
	}
}

func lessonBody(l training.Lesson) openapi.Lesson {
	body := openapi.Lesson{
		Id: l.ID, CourseId: l.CourseID, CourseSlug: l.CourseSlug, Position: l.Position, Kind: openapi.LessonKind(l.Kind),
		Minutes: l.Minutes, Locale: l.Locale, Title: l.Title, Body: l.Body, VideoUrl: text(l.VideoURL),
		Prev: positive(l.Prev), Next: positive(l.Next), UpdatedAt: l.UpdatedAt.UTC(), Version: l.Version,
	}
	if q := l.Quiz; q != nil {
		body.Quiz = &openapi.Quiz{Id: q.ID, PassPercent: q.PassPercent, MaxAttempts: positive(q.MaxAttempts), Questions: q.Questions}
	}
	return body
}

// positive is null for 0, which the domain uses for none.
func positive(n int) *int {
	if n <= 0 {
		return nil
	}
	return &n
}
