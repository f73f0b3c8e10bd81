package training

import (
	"slices"
	"time"
)

// ExpiresAt says when a completion expires: at the earlier of the course's validity and the
// shortest interval of the requirements that the course satisfies. 0 means no such limit; nil:
// never. (DOMAIN, "Figures".)
func ExpiresAt(completed time.Time, validityDays, intervalMonths int) *time.Time {
	var expires *time.Time
	if validityDays > 0 {
		t := completed.AddDate(0, 0, validityDays)
		expires = &t
	}
	if intervalMonths > 0 {
		if t := addMonths(completed, intervalMonths); expires == nil || t.Before(*expires) {
			expires = &t
		}
	}
	return expires
}

// addMonths keeps to the end of a shorter month: a month after January 31st is the last of
// February, where time.AddDate says March 3rd.
func addMonths(t time.Time, months int) time.Time {
	first := time.Date(t.Year(), t.Month(), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location()).AddDate(0, months, 0)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

// StatusAfter is an enrollment's status when so many of a course's lessons are done. A quiz is
// done when it was passed. What was completed stays so.
func StatusAfter(status EnrollmentStatus, done, lessons int) EnrollmentStatus {
	switch {
	case status == Completed || status == Expired:
		return status
	case done >= lessons:
		return Completed
	case done > 0:
		return InProgress
	}
	return status
}

// NextCycle says whether, at t, someone whose latest enrollment in a course is e begins a new
// cycle when they enroll again, or goes on with e.
func NextCycle(e *Enrollment, t time.Time) bool { return e.StatusAt(t) == Expired }

// NextLesson is where to go on: the first of a course's lessons, given by their positions in order,
// that is not done; 0 when all are.
func NextLesson(lessons []int32, done []Progress) int {
	for _, position := range lessons {
		if !slices.ContainsFunc(done, func(p Progress) bool { return p.Lesson == int(position) }) {
			return int(position)
		}
	}
	return 0
}

// Completion is what decides when a course is completed, and for how long.
type Completion struct {
	Lessons        int // how many there are
	ValidityDays   int // 0: no limit
	IntervalMonths int // of the strictest requirement; 0: none
}

// Standing is what progress changes of an enrollment.
type Standing struct {
	Status      EnrollmentStatus
	CompletedAt *time.Time
	ExpiresAt   *time.Time
}

// Advance is where an enrollment stands with that many lessons done at t, and whether the course
// was completed by it, for which a certificate is issued.
func (c Completion) Advance(s Standing, done int, t time.Time) (after Standing, completed bool) {
	after = s
	after.Status = StatusAfter(s.Status, done, c.Lessons)
	if after.Status != Completed || s.Status == Completed {
		return after, false
	}
	after.CompletedAt, after.ExpiresAt = &t, ExpiresAt(t, c.ValidityDays, c.IntervalMonths)
	return after, true
}
