package training

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"
)

// AssignmentScope says whom an assignment is for.
type AssignmentScope string

// The scopes.
const (
	CompanyScope    AssignmentScope = "company"
	DepartmentScope AssignmentScope = "department"
	UserScope       AssignmentScope = "user"
)

// Limits of assignments.
const (
	MaxRecurrence = 120 // months
	// MaxAhead is how far away a due date may be.
	MaxAhead = 10 * 366 * 24 * time.Hour
)

// Assignment asks people of a company to learn a course.
type Assignment struct {
	ID          int64
	CompanyID   int64
	CourseID    int64
	CourseSlug  string
	CourseTitle string
	Scope       AssignmentScope
	Department  string     // of DepartmentScope
	UserID      int64      // of UserScope
	DueAt       *time.Time // of the first occurrence; nil: no date
	Recurrence  int        // months between occurrences; 0: once
	CreatedBy   int64      // 0: somebody who is no more, or nobody
	EndedAt     *time.Time // nil: open
	Counts      *AssignmentCounts
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Version     int64
}

// AssignmentCounts are the enrollments of an assignment, of all its occurrences.
type AssignmentCounts struct {
	Assigned   int64 // not begun
	InProgress int64
	Completed  int64
	Expired    int64
	Overdue    int64     // of Assigned and InProgress together
	NextDue    time.Time // when Overdue grows with no write; zero: never
}

// Occurrence is one time that an assignment asks for its course.
type Occurrence struct {
	Number  int // from 1
	OpensAt time.Time
	DueAt   *time.Time
}

// Occurrence is the one that is open at t. The first opens with the assignment, each further one
// when the one before falls due, so that there is the whole interval for it. Those whose time has
// passed altogether, while nobody was looking, are left out: nobody can meet them any more.
func (a *Assignment) Occurrence(t time.Time) Occurrence {
	o := Occurrence{Number: 1, OpensAt: a.CreatedAt, DueAt: a.DueAt}
	if a.Recurrence < 1 || a.DueAt == nil || t.Before(*a.DueAt) {
		return o
	}
	// Not more occurrences than that have passed; the last ones are tried.
	n := max(monthsBetween(*a.DueAt, t)/a.Recurrence, 0)
	for !t.Before(a.due(n)) {
		n++
	}
	due := a.due(n)
	return Occurrence{Number: n + 1, OpensAt: a.due(n - 1), DueAt: &due}
}

// due is when the occurrence falls due that is n intervals after the first. It is counted from the
// first, so that the 31st comes back after a short month.
func (a *Assignment) due(n int) time.Time { return addMonths(*a.DueAt, n*a.Recurrence) }

// monthsBetween is how often the month has changed between two times, less one.
func monthsBetween(from, to time.Time) int {
	from, to = from.UTC(), to.UTC()
	return (to.Year()-from.Year())*12 + int(to.Month()) - int(from.Month()) - 1
}

// ValidUntil is the first instant after t at which the open occurrence or the counts change with no
// write; the zero time when they never do.
func (a *Assignment) ValidUntil(t time.Time) time.Time {
	var until time.Time
	if a.Counts != nil {
		until = a.Counts.NextDue
	}
	if due := a.Occurrence(t).DueAt; a.EndedAt == nil && due != nil && t.Before(*due) && (until.IsZero() || due.Before(until)) {
		until = *due
	}
	return until
}

// NewAssignment is what an administrator asks for.
type NewAssignment struct {
	CourseID   int64
	Scope      AssignmentScope
	Department string
	UserID     int64
	DueAt      *time.Time
	Recurrence int
}

// Validate says all that is wrong with n at t, as far as n itself tells.
func (n *NewAssignment) Validate(t time.Time) (errs []FieldError) {
	wrong := func(field, message string) { errs = append(errs, FieldError{Field: field, Message: message}) }
	if n.CourseID < 1 {
		wrong("course_id", "must be at least 1")
	}
	switch n.Scope {
	case CompanyScope, DepartmentScope, UserScope:
	default:
		wrong("scope", "must be company, department or user")
	}
	switch {
	case n.Scope == DepartmentScope && n.Department == "":
		wrong("department", "is required for the scope department")
	case n.Scope != DepartmentScope && n.Department != "":
		wrong("department", "must be left out for another scope than department")
	case utf8.RuneCountInString(n.Department) > MaxDepartment:
		wrong("department", fmt.Sprintf("must be at most %d characters long", MaxDepartment))
	}
	switch {
	case n.Scope == UserScope && n.UserID < 1:
		wrong("user_id", "is required for the scope user, and must be at least 1")
	case n.Scope != UserScope && n.UserID != 0:
		wrong("user_id", "must be left out for another scope than user")
	}
	switch {
	case n.DueAt != nil && !t.Before(*n.DueAt):
		wrong("due_at", "must be in the future")
	case n.DueAt != nil && n.DueAt.After(t.Add(MaxAhead)):
		wrong("due_at", "must be within the next ten years")
	}
	switch {
	case n.Recurrence < 0 || n.Recurrence > MaxRecurrence:
		wrong("recurrence_months", "must be between 1 and 120")
	case n.Recurrence > 0 && n.DueAt == nil:
		wrong("recurrence_months", "needs due_at, from which the occurrences are counted")
	}
	return errs
}

// AssignmentSorts are the fields by which assignments can be sorted; the first is the default.
func AssignmentSorts() []string { return []string{"created_at", "due_at"} }

// AssignmentFilter chooses assignments. Empty fields choose all.
type AssignmentFilter struct {
	Paging
	Locale     string
	CourseID   int64
	Scope      AssignmentScope
	Department string
	UserID     int64 // assignments to that person by name
	Active     *bool // those that are open, or those that have ended
	Uncounted  bool  // Counts stay nil
}

// AssignmentQueries read who has to learn what. They answer those who manage people: about their own
// company, platform administrators about all.
type AssignmentQueries interface {
	// Assignments lists assignments.
	Assignments(ctx context.Context, p Principal, f AssignmentFilter) (Page[Assignment], error)
	// Assignment is one assignment with its counts.
	Assignment(ctx context.Context, p Principal, id int64, locale string) (Assignment, error)
}
