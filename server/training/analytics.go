package training

import (
	"context"
	"slices"
	"time"
)

// Limits of what analytics name.
const (
	MaxCourseFigures = 100
	MaxOverdue       = 100
	MaxAtRisk        = 20
)

// CourseFigures say how a company learns a course, at one time and of active people.
type CourseFigures struct {
	CourseID   int64
	People     int // who are or were enrolled
	Assigned   int // not begun
	InProgress int
	Completed  int // and valid
	Expired    int // completed before, or closed without that
	Overdue    int // of Assigned and InProgress
}

// Enrollments are all there are, of all cycles.
func (c *CourseFigures) Enrollments() int {
	return c.Assigned + c.InProgress + c.Completed + c.Expired
}

// CompletionRate is Completed / Enrollments, from 0 to 1; nil where there is none.
func (c *CourseFigures) CompletionRate() *float64 {
	if c.Enrollments() == 0 {
		return nil
	}
	rate := float64(c.Completed) / float64(c.Enrollments())
	return &rate
}

// OverdueItem is an enrollment that should have been completed and is not. Who has to learn what is
// shown by name in every privacy mode.
type OverdueItem struct {
	EnrollmentID int64
	UserID       int64
	FullName     string
	Department   string
	CourseID     int64
	DueAt        time.Time
	Days         int // whole days of UTC
}

// AtRisk is somebody with their score, of whom Sight says how much may be shown.
type AtRisk struct {
	Sight      Sight
	Pseudonym  string // ByPseudonym
	UserID     int64  // ByName, and what follows
	FullName   string
	Department string
	Risk
}

// Reason says why people are not listed with their scores.
type Reason string

// The reasons.
const (
	PrivacyReason Reason = "privacy_mode"
	SeveralReason Reason = "several_companies"
	FewReason     Reason = "too_few"
)

// Analytics are the figures of a company, or of all, for one instant.
type Analytics struct {
	At            time.Time
	ValidUntil    time.Time // the first instant after At at which any of it changes with no write
	Trends        []TrendDay
	Departments   []Group[DepartmentFigures] // that may be shown
	Courses       []CourseFigures            // MaxCourseFigures, those with most enrollments first, none of too few people
	Overdue       []OverdueItem              // MaxOverdue, the longest overdue first
	OverdueCount  int
	OverduePeople int
	Risk          GroupRisk
	AtRisk        []AtRisk // MaxAtRisk, the highest first; none where Unlisted says why
	Unlisted      Reason   // empty: they are listed
	Withheld      []string // parts of which something is left out since too few people make it up
}

// CourseIDs are the courses that the figures name.
func (a *Analytics) CourseIDs() []int64 {
	ids := make([]int64, 0, len(a.Courses)+len(a.Overdue))
	for i := range a.Courses {
		ids = append(ids, a.Courses[i].CourseID)
	}
	for i := range a.Overdue {
		ids = append(ids, a.Overdue[i].CourseID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// CourseTitle is what a course is called.
type CourseTitle struct {
	Slug  string
	Title string
}

// AnalyticsQueries read what analytics need beside FigureQueries.
type AnalyticsQueries interface {
	// CourseTitles are the names of courses by their ids, published or not, in a language.
	CourseTitles(ctx context.Context, ids []int64, locale string) (map[int64]CourseTitle, error)
}
