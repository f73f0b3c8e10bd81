package primary

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"outpost/replicate/change"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// courseWrite is what PutCourse was asked for, as its Idempotency-Key knows it.
type courseWrite struct {
	Course  string
	Version int64
	Source  training.CourseSource
}

// CourseSource is a course with what is right in it, for those who write courses.
func (p *Primary) CourseSource(ctx context.Context, course string) (source training.CourseSource, err error) {
	id, slug := idOrSlug(course)
	err = p.with(ctx, "reading a course's source", func(conn *pgxpool.Conn) error {
		text, err := pgsql.New(conn).CourseSource(ctx, pgsql.CourseSourceParams{ID: id, Slug: slug})
		if err != nil {
			return notFound(err, "course")
		}
		source, err = readSource(text)
		return err
	})
	return source, err
}

// CreateCourse writes a new course. Whatever ids it carries are another course's.
func (p *Primary) CreateCourse(ctx context.Context, who training.Principal, s training.CourseSource) (training.CourseSource, change.LSN, error) {
	return operate(ctx, p, operation{"createCourse", who, s}, func(q *pgsql.Queries, _ time.Time) (training.CourseSource, error) {
		return writeCourse(ctx, q, "", 0, s)
	})
}

// PutCourse makes a course what s says; see training.CourseSource.Merge for what becomes of people's
// progress. A version other than 0 must be the course's.
func (p *Primary) PutCourse(ctx context.Context, who training.Principal, course string, version int64, s training.CourseSource) (training.CourseSource, change.LSN, error) {
	return operate(ctx, p, operation{"putCourse", who, courseWrite{course, version, s}}, func(q *pgsql.Queries, _ time.Time) (training.CourseSource, error) {
		return writeCourse(ctx, q, course, version, s)
	})
}

// writeCourse takes two statements: one tells what is there and holds it, the other writes the
// whole course over it. course is "" for a new one.
func writeCourse(ctx context.Context, q *pgsql.Queries, course string, version int64, s training.CourseSource) (training.CourseSource, error) {
	s, err := copyOf(s) // a transaction that is begun anew begins with what was asked for
	if err != nil {
		return s, err
	}
	if course == "" {
		s.Forget()
	}
	id, slug := idOrSlug(course)
	lessons, quizzes, questions, options := s.Needs()
	lock := pgsql.LockCourseParams{
		ID: id, Slug: slug, NewLessons: int32(lessons), NewQuizzes: int32(quizzes), NewQuestions: int32(questions), NewOptions: int32(options),
	}
	if course == "" {
		lock.NewCourses = 1
	}
	row, err := q.LockCourse(ctx, lock)
	if err != nil {
		return s, err
	}
	written := training.Written{Begun: row.Begun, Answered: make(map[int64]struct{}, len(row.Answered))}
	for _, option := range row.Answered {
		written.Answered[option] = struct{}{}
	}
	if course != "" {
		if row.Source == "" {
			return s, training.Errorf(training.NotFound, "There is no such course.")
		}
		before, err := readSource(row.Source)
		if err != nil {
			return s, err
		}
		if version != 0 && version != before.Version {
			return s, training.Errorf(training.Precondition, "The course is not what If-Match says: somebody has changed it.")
		}
		written.Course = &before
	}
	ids := training.NewIDs{Courses: row.CourseIds, Lessons: row.LessonIds, Quizzes: row.QuizIds, Questions: row.QuestionIds, Options: row.OptionIds}
	if err := s.Merge(written, ids, rand.Shuffle); err != nil {
		return s, err
	}
	document, err := json.Marshal(rowsOf(&s))
	if err != nil {
		return s, fmt.Errorf("writing a course down: %w", err)
	}
	text, err := q.WriteCourse(ctx, string(document))
	if isSlugTaken(err) {
		conflict := training.Errorf(training.Conflict, "Another course has this slug.")
		conflict.Fields = []training.FieldError{{Field: "slug", Message: "is taken"}}
		return s, conflict
	}
	if err != nil {
		return s, err
	}
	return readSource(text)
}

// DeleteCourse removes a course that nobody has taken up and that is assigned to nobody.
func (p *Primary) DeleteCourse(ctx context.Context, who training.Principal, course string, version int64) (change.LSN, error) {
	_, lsn, err := operate(ctx, p, operation{"deleteCourse", who, courseWrite{Course: course, Version: version}}, func(q *pgsql.Queries, _ time.Time) (struct{}, error) {
		return struct{}{}, deleteCourse(ctx, q, course, version)
	})
	return lsn, err
}

func deleteCourse(ctx context.Context, q *pgsql.Queries, course string, version int64) error {
	id, slug := idOrSlug(course)
	row, err := q.CourseForDeletion(ctx, pgsql.CourseForDeletionParams{ID: id, Slug: slug})
	switch {
	case err != nil:
		return notFound(err, "course")
	case version != 0 && version != row.Version:
		return training.Errorf(training.Precondition, "The course is not what If-Match says: somebody has changed it.")
	case row.InUse:
		return errCourseInUse()
	}
	err = q.DeleteCourse(ctx, row.ID)
	if isForeignKey(err) { // taken up while the row was being waited for
		return errCourseInUse()
	}
	return err
}

func errCourseInUse() error {
	return training.Errorf(training.Conflict,
		"People are enrolled in this course, or it is assigned to them. Withdraw it instead: PUT it with is_published false.")
}

// idOrSlug reads what names a course: a slug begins with a letter.
func idOrSlug(course string) (id int64, slug string) {
	if id, err := strconv.ParseInt(course, 10, 64); err == nil {
		return id, ""
	}
	return 0, course
}

func readSource(text string) (s training.CourseSource, err error) {
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("reading a course's source: %w", err)
	}
	s.CreatedAt, s.UpdatedAt = s.CreatedAt.UTC(), s.UpdatedAt.UTC()
	return s, nil
}

func copyOf(s training.CourseSource) (training.CourseSource, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return s, fmt.Errorf("copying a course's source: %w", err)
	}
	return readSource(string(text))
}

func isSlugTaken(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "23505" && e.ConstraintName == "courses_slug_key" // unique_violation
}

func isForeignKey(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "23503" // foreign_key_violation
}
