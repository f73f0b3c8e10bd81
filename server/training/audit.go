package training

import (
	"encoding/json"
	"time"
)

// MaxAuditName bounds what an action or a subject is called, in characters.
const MaxAuditName = 100

// AuditEntry is a change that somebody made, as the audit log has it.
type AuditEntry struct {
	ID        int64
	CreatedAt time.Time
	CompanyID *int64 // nil: of what belongs to no company, such as a course
	ActorID   *int64 // nil: the system, or somebody at the database itself
	// ActorName and ActorEmail are nil too when the actor is gone, or is not the asker's to know.
	ActorName  *string
	ActorEmail *string
	Action     string // an operation as in openapi.yaml, or what the system did
	Subject    string // a table
	SubjectID  *int64
	IP         string          // empty: unknown
	Details    json.RawMessage // an object: the row that was inserted or deleted, or what of it was updated
}

// AuditFilter chooses entries of the audit log. Empty fields choose all.
type AuditFilter struct {
	// CompanyID is the company; 0, which is for platform administrators only, means all and what
	// belongs to none.
	CompanyID int64
	ActorID   int64
	Action    string
	Subject   string
	From      time.Time // the first instant
	To        time.Time // the first instant that is left out
	After     string    // continues behind the entry that NextAfter named
	Size      int       // 1–100
}

// Validate gives all that is wrong with f.
func (f AuditFilter) Validate() []FieldError {
	var errs []FieldError
	if f.Size < 1 || f.Size > MaxSize {
		errs = append(errs, FieldError{Field: "size", Message: "must be between 1 and 100"})
	}
	errs = checkPlain(errs, "action", f.Action, MaxAuditName)
	errs = checkPlain(errs, "subject", f.Subject, MaxAuditName)
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		errs = append(errs, FieldError{Field: "to", Message: "must be after from"})
	}
	return errs
}

// AuditLog is a part of the audit log, the newest first. It has no total: to count the log would be
// to walk it.
type AuditLog struct {
	Entries   []AuditEntry
	NextAfter string // continues behind the last entry; empty: there is no more
}
