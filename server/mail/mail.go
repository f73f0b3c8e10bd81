// Package mail writes and sends the mail that accounts, learning and reports need: it knows the
// templates, in German and English, and SMTP.
//
// It guarantees that every wait has an end, that no error of it names a recipient or holds what
// was sent, and that nothing is handed to a server as a whole before whoever sends has agreed: so who
// writes that down first never sends a letter a second time. It must not know where letters come from,
// nor who may get one: it is handed what to send.
package mail

import (
	"context"
	"fmt"
	"time"
)

// Kind says what a letter is about.
type Kind string

// The kinds.
const (
	Invitation      Kind = "invitation"       // join a company
	InvitedTwice    Kind = "invited_twice"    // the same, to somebody who has an account elsewhere
	FirstPassword   Kind = "first_password"   // set a password for an account that has none
	PasswordReset   Kind = "password_reset"   // set another password
	PasswordChanged Kind = "password_changed" // it was; for information
	Reminder        Kind = "reminder"         // courses that are due soon, or overdue
	Report          Kind = "report"           // a document that was asked for again and again
	ReportFailed    Kind = "report_failed"    // it could not be made this time
)

// Kinds are all there are.
func Kinds() []Kind {
	return []Kind{Invitation, InvitedTwice, FirstPassword, PasswordReset, PasswordChanged, Reminder, Report, ReportFailed}
}

// MaxAttachment is the largest document that is mailed, in bytes: many servers take no more.
const MaxAttachment = 10 << 20

// Content is what a letter says beside its template.
type Content struct {
	Name     string    `json:"name,omitempty"` // the recipient's
	Company  string    `json:"company,omitempty"`
	Inviter  string    `json:"inviter,omitempty"`
	Token    string    `json:"token,omitempty"`   // a secret
	Courses  []Course  `json:"courses,omitempty"` // of a reminder: the earliest due date first
	Document *Document `json:"document,omitempty"`
}

// Course is one that a reminder is about.
type Course struct {
	Title   string `json:"title"`
	DueOn   string `json:"due_on"` // such as 2026-12-31, in UTC
	Overdue bool   `json:"overdue,omitempty"`
}

// Document is what a report's letter is about.
type Document struct {
	Type    string `json:"type"`    // gdpr, nis2, iso27001, pci_dss, hipaa, training or risk
	Subject string `json:"subject"` // the company that it is about
	MadeOn  string `json:"made_on"` // such as 2026-12-31, in UTC
	Bytes   int64  `json:"bytes,omitempty"`
}

// TooLarge says whether the document cannot be attached.
func (d *Document) TooLarge() bool { return d.Bytes > MaxAttachment }

// Letter is one mail to one person.
type Letter struct {
	ID      int64 // the same whenever this letter is sent
	Kind    Kind
	To      string // an address
	Locale  string // de, else English
	Written time.Time
	Content
	Attachment *Attachment // may be nil
}

// Attachment is a file that goes with a letter. It is loaded when the letter's turn has come.
type Attachment struct {
	// Load gives a file of at most MaxAttachment bytes. An *Error is handed on as it is.
	Load func(ctx context.Context) (File, error)
}

// File is what is attached.
type File struct {
	Name    string
	Type    string // such as application/pdf
	Content []byte
}

// Error says why a letter was not sent, without saying whose it was.
type Error struct {
	Reason string // for operators
	// Permanent says that the server will hardly change its mind.
	Permanent bool
	// Uncertain says that the server may have taken the letter: it must not be sent again.
	Uncertain bool
}

// Error gives the reason.
func (e *Error) Error() string { return e.Reason }

func temporary(format string, args ...any) *Error {
	return &Error{Reason: fmt.Sprintf(format, args...)}
}

func permanent(format string, args ...any) *Error {
	return &Error{Reason: fmt.Sprintf(format, args...), Permanent: true}
}
