package primary

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/change"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// enrolled is an enrollment and whether it is new.
type enrolled struct {
	Enrollment training.Enrollment
	Created    bool
}

// Enroll puts the principal into a published course. Whoever is in it already stays so: created
// says whether a cycle was begun, which a second one is only once the first has expired.
func (p *Primary) Enroll(ctx context.Context, who training.Principal, courseID int64) (training.Enrollment, bool, change.LSN, error) {
	out, lsn, err := operate(ctx, p, operation{"enroll", who, courseID}, func(q *pgsql.Queries, at time.Time) (enrolled, error) {
		return enroll(ctx, q, who, courseID, at)
	})
	return out.Enrollment, out.Created, lsn, err
}

func enroll(ctx context.Context, q *pgsql.Queries, who training.Principal, courseID int64, at time.Time) (enrolled, error) {
	c, err := q.EnrollmentContext(ctx, pgsql.EnrollmentContextParams{UserID: who.UserID, CourseID: courseID})
	if err != nil {
		return enrolled{}, err
	}
	if !c.HasCourse {
		return enrolled{}, training.Errorf(training.NotFound, "There is no such course.")
	}
	latest := training.Enrollment{Status: training.EnrollmentStatus(c.LatestStatus), ExpiresAt: c.LatestExpiresAt}
	if c.LatestID != 0 && !training.NextCycle(&latest, at) {
		e, err := readEnrollment(ctx, q, who, c.LatestID)
		return enrolled{Enrollment: e}, err
	}
	row, err := q.InsertEnrollment(ctx, pgsql.InsertEnrollmentParams{
		UserID: who.UserID, CompanyID: who.CompanyID, CourseID: courseID, Cycle: c.LatestCycle + 1, Locale: who.Locale,
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return enrolled{}, errAgain
	}
	return enrolled{training.Enrollment{
		ID: row.ID, UserID: who.UserID, CompanyID: who.CompanyID, CourseID: courseID, CourseSlug: row.Slug, CourseTitle: row.Title,
		Cycle: int(c.LatestCycle) + 1, Status: training.Assigned, Lessons: len(row.CourseLessons),
		NextLesson: training.NextLesson(row.CourseLessons, nil),
		CreatedAt:  row.CreatedAt.UTC(), UpdatedAt: row.CreatedAt.UTC(), Version: 1,
	}, true}, err
}

func readEnrollment(ctx context.Context, q *pgsql.Queries, who training.Principal, id int64) (training.Enrollment, error) {
	row, err := q.Enrollment(ctx, pgsql.EnrollmentParams{ID: id, UserID: who.UserID, CompanyID: who.CompanyID, Locale: who.Locale})
	if err != nil {
		return training.Enrollment{}, notFound(err, "enrollment")
	}
	var progress []training.Progress
	for i := range row.LessonIds {
		progress = append(progress, training.Progress{
			LessonID: row.LessonIds[i], Lesson: int(row.Positions[i]), DoneAt: row.Times[i].UTC(), Seconds: int(row.Seconds[i]),
		})
	}
	return enrollment(row.Enrollment, row.Slug, row.Title, row.CourseLessons, progress), nil
}

// enrollment is a row with what is done of the course's lessons, which are their positions.
func enrollment(e pgsql.Enrollment, slug, title string, lessons []int32, progress []training.Progress) training.Enrollment {
	out := training.Enrollment{
		ID: e.ID, UserID: e.UserID, CompanyID: e.CompanyID, CourseID: e.CourseID, CourseSlug: slug, CourseTitle: title,
		Cycle: int(e.Cycle), Status: training.EnrollmentStatus(e.Status), DueAt: utc(e.DueAt), StartedAt: utc(e.StartedAt),
		CompletedAt: utc(e.CompletedAt), ExpiresAt: utc(e.ExpiresAt), LessonsDone: int(e.LessonsDone), Lessons: len(lessons),
		NextLesson: training.NextLesson(lessons, progress), Progress: progress,
		CreatedAt: e.CreatedAt.UTC(), UpdatedAt: e.UpdatedAt.UTC(), Version: e.Version,
	}
	if e.Score != nil {
		score := int(*e.Score)
		out.Score = &score
	}
	return out
}

// utc gives times as the replica gives them, so that both print the same.
func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}

func notFound(err error, what string) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return training.Errorf(training.NotFound, "There is no such %s.", what)
	}
	return err
}
