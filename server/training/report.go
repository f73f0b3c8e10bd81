package training

import (
	"context"
	"slices"
	"strings"
	"time"
)

// ReportType says what a report is about.
type ReportType string

// The types. The first five are the frameworks, whose reports are about compliance.
const (
	GDPR        ReportType = "gdpr"
	NIS2        ReportType = "nis2"
	ISO27001    ReportType = "iso27001"
	PCIDSS      ReportType = "pci_dss"
	HIPAA       ReportType = "hipaa"
	LearningNow ReportType = "training" // who has learned what, and what is overdue
	RiskNow     ReportType = "risk"     // scores and simulations
)

// Frameworks are the types of reports about compliance.
func Frameworks() []ReportType { return []ReportType{GDPR, NIS2, ISO27001, PCIDSS, HIPAA} }

// ReportTypes are all there are.
func ReportTypes() []ReportType { return append(Frameworks(), LearningNow, RiskNow) }

// Framework says whether the report is about compliance with one.
func (t ReportType) Framework() bool { return slices.Contains(Frameworks(), t) }

// ReportFormat is what a report is written in.
type ReportFormat string

// The formats.
const (
	PDF  ReportFormat = "pdf"
	CSV  ReportFormat = "csv"
	JSON ReportFormat = "json"
	HTML ReportFormat = "html"
)

// ReportFormats are all there are; the first is the default.
func ReportFormats() []ReportFormat { return []ReportFormat{PDF, CSV, JSON, HTML} }

// ReportState says how far a report is.
type ReportState string

// The states.
const (
	ReportQueued     ReportState = "queued"
	ReportProcessing ReportState = "processing"
	ReportCompleted  ReportState = "completed"
	ReportFailed     ReportState = "failed" // or cancelled, as its error says
	ReportExpired    ReportState = "expired"
)

// Pending says that a report is still to be made, or being made.
func (s ReportState) Pending() bool { return s == ReportQueued || s == ReportProcessing }

// ReportLife is how long a document can be fetched after its completion.
const ReportLife = time.Hour

// ReportScope says of whom a report tells.
type ReportScope string

// The scopes.
const (
	OwnReport     ReportScope = "user"    // whoever asked for it
	CompanyReport ReportScope = "company" // a company's people, as its privacy mode allows
)

// ReportScopeOf is what a report that p asks for covers.
func ReportScopeOf(p Principal) ReportScope {
	if p.Role.Manages() {
		return CompanyReport
	}
	return OwnReport
}

// Report is a document that somebody asked for. It is theirs alone.
type Report struct {
	ID          int64
	CompanyID   int64
	RequestedBy int64
	Type        ReportType
	Format      ReportFormat
	Locale      string
	Scope       ReportScope
	SubjectID   int64 // the company that it is about
	ScheduleID  int64 // 0: asked for by hand
	State       ReportState
	Error       string // of a failed one; may be shown
	SHA256      string // of a completed one, in hexadecimal
	Bytes       int64
	CompletedAt *time.Time
	ExpiresAt   *time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Version     int64
}

// StateAt is the state at t: whether or not somebody has written down yet that it expired.
func (r *Report) StateAt(t time.Time) ReportState {
	if r.State == ReportCompleted && r.ExpiresAt != nil && !t.Before(*r.ExpiresAt) {
		return ReportExpired
	}
	return r.State
}

// ValidUntil is the first instant after t at which StateAt changes with no write; the zero time when
// it never does.
func (r *Report) ValidUntil(t time.Time) time.Time {
	if r.State == ReportCompleted && r.ExpiresAt != nil && t.Before(*r.ExpiresAt) {
		return *r.ExpiresAt
	}
	return time.Time{}
}

// NewReport is what somebody asks for.
type NewReport struct {
	Type      ReportType
	Format    ReportFormat
	Locale    string
	CompanyID int64 // of platform administrators: of which company; 0: their own
}

// Check says what is wrong with a request for a report of one of these types. field is what the type
// is called in it.
func (n NewReport) Check(field string, types []ReportType) (errs []FieldError) {
	if !slices.Contains(types, n.Type) {
		errs = append(errs, FieldError{Field: field, Message: "must be one of " + list(types)})
	}
	if !slices.Contains(ReportFormats(), n.Format) {
		errs = append(errs, FieldError{Field: "format", Message: "must be one of " + list(ReportFormats())})
	}
	if !slices.Contains(Locales(), n.Locale) {
		errs = append(errs, FieldError{Field: "locale", Message: "must be one of " + list(Locales())})
	}
	if n.CompanyID < 0 {
		errs = append(errs, FieldError{Field: "company_id", Message: "must be a whole number above zero"})
	}
	return errs
}

func list[T ~string](values []T) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v)
	}
	return strings.Join(texts, ", ")
}

// ReportSorts are the fields by which reports can be sorted.
func ReportSorts() []string { return []string{"created_at"} }

// ReportStates are all there are.
func ReportStates() []ReportState {
	return []ReportState{ReportQueued, ReportProcessing, ReportCompleted, ReportFailed, ReportExpired}
}

// ReportFilter pages through one's own reports.
type ReportFilter struct {
	Paging
	State ReportState // as it was last written down; empty: all
}

// ReportQueries read how far reports are. The document is nowhere but at the primary.
type ReportQueries interface {
	// Report is one of the asker's own.
	Report(ctx context.Context, p Principal, id int64) (Report, error)
	// Reports lists the asker's own.
	Reports(ctx context.Context, p Principal, f ReportFilter) (Page[Report], error)
}
