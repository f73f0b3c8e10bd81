package training

import (
	"context"
	"slices"
	"time"
)

// Cadence says how often a report is made.
type Cadence string

// The cadences.
const (
	Weekly  Cadence = "weekly"
	Monthly Cadence = "monthly"
)

// Cadences are all there are.
func Cadences() []Cadence { return []Cadence{Weekly, Monthly} }

const (
	// MaxSchedules is how many schedules one person may have.
	MaxSchedules = 10
	// ScheduleHour is when a report is first made for whom no time was given, in UTC.
	ScheduleHour = 6
	// MaxScheduleAhead is how far ahead the first time may lie.
	MaxScheduleAhead = 366 * 24 * time.Hour
)

// Next is the first time after t, of those that are counted from the first one. Monthly keeps to the end
// of shorter months, and comes back to the day it began with.
func (c Cadence) Next(first, t time.Time) time.Time {
	first, t = first.UTC(), t.UTC()
	if t.Before(first) {
		return first
	}
	if c == Weekly {
		const week = 7 * 24 * time.Hour
		return first.Add((t.Sub(first)/week + 1) * week)
	}
	n := 12*(t.Year()-first.Year()) + int(t.Month()) - int(first.Month())
	if next := addMonths(first, n); next.After(t) {
		return next
	}
	return addMonths(first, n+1)
}

// ReportSchedule has a report made again and again, and mailed to whoever made it. It is theirs alone.
type ReportSchedule struct {
	ID        int64
	CompanyID int64
	UserID    int64
	Type      ReportType
	Format    ReportFormat
	Locale    string
	Cadence   Cadence
	SubjectID int64 // the company that the reports are about
	FirstAt   time.Time
	NextAt    time.Time
	LastAt    *time.Time // nil: none was made yet
	CreatedAt time.Time
	UpdatedAt time.Time
	Version   int64
}

// NewReportSchedule is one to be made.
type NewReportSchedule struct {
	NewReport
	Cadence Cadence
	FirstAt *time.Time // nil: the next time that it is ScheduleHour
}

// Check says what is wrong with a schedule that is to be made at t.
func (n NewReportSchedule) Check(t time.Time) []FieldError {
	errs := n.NewReport.Check("report_type", ReportTypes())
	if !slices.Contains(Cadences(), n.Cadence) {
		errs = append(errs, FieldError{Field: "cadence", Message: "must be one of " + list(Cadences())})
	}
	switch {
	case n.FirstAt == nil:
	case !t.Before(*n.FirstAt):
		errs = append(errs, FieldError{Field: "first_at", Message: "must be in the future"})
	case n.FirstAt.After(t.Add(MaxScheduleAhead)):
		errs = append(errs, FieldError{Field: "first_at", Message: "must be within the next year"})
	}
	return errs
}

// First is when the first report is made of a schedule that is made at t.
func (n NewReportSchedule) First(t time.Time) time.Time {
	if n.FirstAt != nil {
		return n.FirstAt.UTC()
	}
	t = t.UTC()
	first := t.Truncate(24 * time.Hour).Add(ScheduleHour * time.Hour)
	if !t.Before(first) {
		first = first.AddDate(0, 0, 1)
	}
	return first
}

// ReportScheduleSorts are the fields by which schedules can be sorted; the first is the default.
func ReportScheduleSorts() []string { return []string{"created_at"} }

// ReportScheduleQueries read what is made again and again.
type ReportScheduleQueries interface {
	// ReportSchedules lists the asker's own.
	ReportSchedules(ctx context.Context, p Principal, f Paging) (Page[ReportSchedule], error)
}

// ContentType is the media type of a document.
func (f ReportFormat) ContentType() string {
	switch f {
	case CSV:
		return "text/csv; charset=utf-8; header=present"
	case JSON:
		return "application/json"
	case HTML:
		return "text/html; charset=utf-8"
	}
	return "application/pdf"
}

// FileName is what to call the document, such as iso27001-2026-11-30.pdf.
func (r *Report) FileName() string {
	name := string(r.Type)
	if r.CompletedAt != nil {
		name += "-" + r.CompletedAt.UTC().Format(time.DateOnly)
	}
	return name + "." + string(r.Format)
}
