package training

import (
	"context"
	"time"
)

// EnrollmentStatus says how far an enrollment is.
type EnrollmentStatus string

// The statuses of an enrollment.
const (
	Assigned   EnrollmentStatus = "assigned"
	InProgress EnrollmentStatus = "in_progress"
	Completed  EnrollmentStatus = "completed"
	Expired    EnrollmentStatus = "expired"
)

// Enrollment is one person's way through one cycle of one course.
type Enrollment struct {
	ID          int64
	UserID      int64
	CompanyID   int64
	CourseID    int64
	CourseSlug  string
	CourseTitle string
	Cycle       int
	Status      EnrollmentStatus // as stored; StatusAt knows the clock
	DueAt       *time.Time
	StartedAt   *time.Time
	CompletedAt *time.Time
	ExpiresAt   *time.Time
	Score       *int // percent of the last quiz; nil: none, or not for the asker to see
	LessonsDone int
	Lessons     int // how many the course has
	NextLesson  int // position of the first that is not done; 0: all are
	Progress    []Progress
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Version     int64
}

// Progress is a lesson that was done. Lists leave it out.
type Progress struct {
	LessonID int64
	Lesson   int // position
	DoneAt   time.Time
	Seconds  int
}

// StatusAt is the status at t: a completion whose time has run out is expired, whether or not
// somebody has written that down yet.
func (e *Enrollment) StatusAt(t time.Time) EnrollmentStatus {
	if e.Status == Completed && e.ExpiresAt != nil && !t.Before(*e.ExpiresAt) {
		return Expired
	}
	return e.Status
}

// Overdue says whether the enrollment should have been completed by t and is not.
func (e *Enrollment) Overdue(t time.Time) bool {
	return e.open() && e.DueAt != nil && !t.Before(*e.DueAt)
}

// ValidUntil is the first instant after t at which StatusAt or Overdue change with no write;
// the zero time when they never do.
func (e *Enrollment) ValidUntil(t time.Time) time.Time {
	switch {
	case e.open() && e.DueAt != nil && t.Before(*e.DueAt):
		return *e.DueAt
	case e.Status == Completed && e.ExpiresAt != nil && t.Before(*e.ExpiresAt):
		return *e.ExpiresAt
	}
	return time.Time{}
}

func (e *Enrollment) open() bool { return e.Status == Assigned || e.Status == InProgress }

// EnrollmentSorts are the fields by which enrollments can be sorted; the first is the default.
func EnrollmentSorts() []string { return []string{"created_at", "due_at"} }

// EnrollmentFilter chooses one user's enrollments.
type EnrollmentFilter struct {
	Paging
	UserID int64
	Locale string
	Status EnrollmentStatus // as stored; empty: all
}

// EnrollmentQueries read who learns what.
type EnrollmentQueries interface {
	// Enrollments lists one user's enrollments: one's own, and for those who manage people
	// their company's.
	Enrollments(ctx context.Context, p Principal, f EnrollmentFilter) (Page[Enrollment], error)
	// CompanyEnrollments lists those of a company's people: the asker's own, which it must manage, or any
	// for a platform administrator.
	CompanyEnrollments(ctx context.Context, p Principal, f CompanyEnrollmentFilter) (CompanyEnrollments, error)
	// Enrollment is one enrollment with its progress.
	Enrollment(ctx context.Context, p Principal, id int64, locale string) (Enrollment, error)
}
