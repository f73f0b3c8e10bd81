package training

import "time"

// CompanyEnrollment is an enrollment as those see it who manage the person: without the score, of which
// they see what the privacy mode says. Who has to learn what is shown by name in every mode. Fields of
// Enrollment that no list shows are not read.
type CompanyEnrollment struct {
	Enrollment
	FullName   string
	Email      string
	Department string
	IsActive   bool // the person
}

// Overdue is Enrollment.Overdue of somebody who is active: nobody else is expected to learn.
func (e *CompanyEnrollment) Overdue(t time.Time) bool { return e.IsActive && e.Enrollment.Overdue(t) }

// DaysOverdue is for how many days of UTC the enrollment has been overdue at t; 0 too where it is not.
func (e *CompanyEnrollment) DaysOverdue(t time.Time) int {
	if !e.Overdue(t) {
		return 0
	}
	return days(*e.DueAt, t)
}

// ValidUntil is the first instant after t at which what is shown changes with no write; the zero time
// when it never does.
func (e *CompanyEnrollment) ValidUntil(t time.Time) time.Time {
	if e.Overdue(t) {
		return NextDay(t)
	}
	return e.Enrollment.ValidUntil(t)
}

// CompanyEnrollmentFilter chooses among the enrollments of a company's people. Empty fields choose all.
type CompanyEnrollmentFilter struct {
	Paging
	At         time.Time // the clock that Status and Overdue go by
	Locale     string
	CompanyID  int64 // as in PersonFilter
	UserID     int64
	CourseID   int64
	Department string
	Status     EnrollmentStatus // as StatusAt says
	Overdue    *bool
}

// Timed says whether what f chooses changes with time alone.
func (f *CompanyEnrollmentFilter) Timed() bool {
	return f.Overdue != nil || f.Status == Completed || f.Status == Expired
}

// Long says whether more is looked at than what is shown: the enrollments of a whole company, or of all.
func (f *CompanyEnrollmentFilter) Long() bool {
	return f.UserID == 0 && (f.Department != "" || f.Status != "" || f.Overdue != nil)
}

// CompanyEnrollments are a page of them.
type CompanyEnrollments struct {
	Page[CompanyEnrollment]
	// NextChange is no later than the first instant after At at which the filter chooses others with no
	// write; the zero time when it never does.
	NextChange time.Time
}

// ValidUntil is the first instant after t at which the page may be another with no write; the zero time
// when it never is.
func (l *CompanyEnrollments) ValidUntil(t time.Time) time.Time {
	until := l.NextChange
	for i := range l.Items {
		until = earliest(until, l.Items[i].ValidUntil(t))
	}
	return until
}
