package training_test

import (
	"testing"
	"time"

	"outpost/server/training"
)

// TestWhatIsOverdueOfACompanysPeople asks an enrollment that is due on 20 June, noon, at several times.
func TestWhatIsOverdueOfACompanysPeople(t *testing.T) {
	due, never := june(20), time.Time{}
	for name, c := range map[string]struct {
		status  training.EnrollmentStatus
		gone    bool
		undated bool
		at      time.Time
		overdue bool
		days    int
		until   time.Time
	}{
		"before":              {status: training.Assigned, at: due.Add(-time.Microsecond), until: due},
		"at the instant":      {status: training.Assigned, at: due, overdue: true, until: training.NextDay(due)},
		"by midnight":         {status: training.InProgress, at: training.NextDay(due).Add(-1), overdue: true, until: training.NextDay(due)},
		"after midnight":      {status: training.InProgress, at: training.NextDay(due), overdue: true, days: 1, until: training.NextDay(june(21))},
		"ten days later":      {status: training.Assigned, at: june(30), overdue: true, days: 10, until: training.NextDay(june(30))},
		"completed":           {status: training.Completed, at: june(30), until: never},
		"without a date":      {status: training.Assigned, undated: true, at: june(30), until: never},
		"of whoever has gone": {status: training.Assigned, gone: true, at: june(30), until: never},
	} {
		e := training.CompanyEnrollment{Enrollment: training.Enrollment{Status: c.status, DueAt: &due}, IsActive: !c.gone}
		if c.undated {
			e.DueAt = nil
		}
		if overdue, days, until := e.Overdue(c.at), e.DaysOverdue(c.at), e.ValidUntil(c.at); overdue != c.overdue || days != c.days || !until.Equal(c.until) {
			t.Errorf("%s: overdue %v for %d days, good until %v; want %v, %d, %v", name, overdue, days, until, c.overdue, c.days, c.until)
		}
		page := training.CompanyEnrollments{Page: training.Page[training.CompanyEnrollment]{Items: []training.CompanyEnrollment{e}}}
		if got := page.ValidUntil(c.at); !got.Equal(c.until) {
			t.Errorf("%s: a page is good until %v, want %v", name, got, c.until)
		}
		page.NextChange = c.at.Add(1)
		if got, want := page.ValidUntil(c.at), page.NextChange; !got.Equal(want) {
			t.Errorf("%s: a page that changes at %v is good until %v", name, want, got)
		}
	}
}
