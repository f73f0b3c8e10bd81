package primary

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/change"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// keyLife is how long the outcome of a write is remembered under its key.
const keyLife = 24 * time.Hour

// outcome is what is remembered of an enrollment.
type outcome struct {
	Enrollment int64 `json:"enrollment"`
	Created    bool  `json:"created"`
}

// Enroll puts the principal into a published course. Whoever is in it already stays so: created
// says whether a cycle was begun, which a second one is only once the first has expired. With
// training.WithIdempotencyKey the same key gives the same outcome for a day, and another course
// under the same key is Invalid.
func (p *Primary) Enroll(ctx context.Context, who training.Principal, courseID int64) (training.Enrollment, bool, change.LSN, error) {
	var e training.Enrollment
	var o outcome
	lsn, err := p.write(ctx, "enrolling", func(q *pgsql.Queries) (err error) {
		if o, err = enroll(ctx, q, who, courseID); err != nil {
			return err
		}
		row, err := q.Enrollment(ctx, pgsql.EnrollmentParams{
			ID: o.Enrollment, UserID: who.UserID, CompanyID: who.CompanyID, Locale: who.Locale,
		})
		if err != nil {
			return notFound(err, "enrollment")
		}
		e = enrollment(row.Enrollment, row.Slug, row.Title, row.Lessons)
		for i := range row.LessonIds {
			e.Progress = append(e.Progress, training.Progress{
				LessonID: row.LessonIds[i], Lesson: int(row.Positions[i]), DoneAt: row.Times[i].UTC(), Seconds: int(row.Seconds[i]),
			})
		}
		return nil
	})
	return e, o.Created, lsn, err
}

func enroll(ctx context.Context, q *pgsql.Queries, who training.Principal, courseID int64) (outcome, error) {
	key := training.IdempotencyKey(ctx)
	hash := sha256.Sum256([]byte("enroll " + strconv.FormatInt(courseID, 10)))
	c, err := q.EnrollmentContext(ctx, pgsql.EnrollmentContextParams{
		UserID: who.UserID, CompanyID: who.CompanyID, CourseID: courseID, Key: key,
	})
	if err != nil {
		return outcome{}, err
	}
	if !c.HasUser {
		return outcome{}, training.Errorf(training.Unauthorized, "The account is not what it was. Log in again.")
	}
	if c.Outcome != nil {
		return remembered(c, hash[:])
	}
	if !c.HasCourse {
		return outcome{}, training.Errorf(training.NotFound, "There is no such course.")
	}
	latest := training.Enrollment{Status: training.EnrollmentStatus(c.LatestStatus), ExpiresAt: c.LatestExpiresAt}
	if c.LatestID != 0 && !training.NextCycle(&latest, c.At) {
		if key == "" {
			return outcome{Enrollment: c.LatestID}, nil
		}
		return outcome{Enrollment: c.LatestID}, q.KeepEnrollment(ctx, pgsql.KeepEnrollmentParams{
			UserID: who.UserID, Key: key, RequestHash: hash[:], EnrollmentID: c.LatestID, ExpiresAt: c.At.Add(keyLife),
		})
	}
	id, err := q.InsertEnrollment(ctx, pgsql.InsertEnrollmentParams{
		UserID: who.UserID, CompanyID: who.CompanyID, CourseID: courseID, Cycle: c.LatestCycle + 1,
		Key: key, RequestHash: hash[:], KeyExpiresAt: c.At.Add(keyLife),
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return outcome{}, errAgain
	}
	return outcome{Enrollment: id, Created: true}, err
}

func remembered(c pgsql.EnrollmentContextRow, hash []byte) (outcome, error) {
	if !bytes.Equal(c.RequestHash, hash) {
		return outcome{}, training.InvalidField("Idempotency-Key", "was used for another request")
	}
	var o outcome
	if err := json.Unmarshal(c.Outcome, &o); err != nil {
		return outcome{}, fmt.Errorf("reading a remembered outcome: %w", err)
	}
	return o, nil
}

func enrollment(e pgsql.Enrollment, slug, title string, lessons int64) training.Enrollment {
	out := training.Enrollment{
		ID: e.ID, UserID: e.UserID, CompanyID: e.CompanyID, CourseID: e.CourseID, CourseSlug: slug, CourseTitle: title,
		Cycle: int(e.Cycle), Status: training.EnrollmentStatus(e.Status), DueAt: utc(e.DueAt), StartedAt: utc(e.StartedAt),
		CompletedAt: utc(e.CompletedAt), ExpiresAt: utc(e.ExpiresAt), LessonsDone: int(e.LessonsDone), Lessons: int(lessons),
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
