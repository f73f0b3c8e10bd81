// Package mail writes and sends the mail that accounts need: it knows the templates, in German
// and English, and SMTP.
//
// It guarantees that every wait has an end, that no error of it names a recipient or holds what
// was sent, and that a letter which is sent a second time, since nobody knows what became of the
// first, carries the same Message-ID. It must not know where letters come from, nor who may get
// one: it is handed what to send.
package mail

import (
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
)

// Kinds are all there are.
func Kinds() []Kind {
	return []Kind{Invitation, InvitedTwice, FirstPassword, PasswordReset, PasswordChanged}
}

// Content is what a letter says beside its template.
type Content struct {
	Name    string `json:"name,omitempty"` // the recipient's
	Company string `json:"company,omitempty"`
	Inviter string `json:"inviter,omitempty"`
	Token   string `json:"token,omitempty"` // a secret
}

// Letter is one mail to one person.
type Letter struct {
	ID      int64 // the same whenever this letter is sent
	Kind    Kind
	To      string // an address
	Locale  string // de, else English
	Written time.Time
	Content
}

// Error says why a letter was not sent, without saying whose it was.
type Error struct {
	Reason string // for operators
	// Permanent says that the server will hardly change its mind.
	Permanent bool
}

// Error gives the reason.
func (e *Error) Error() string { return e.Reason }

func temporary(format string, args ...any) *Error {
	return &Error{Reason: fmt.Sprintf(format, args...)}
}

func permanent(format string, args ...any) *Error {
	return &Error{Reason: fmt.Sprintf(format, args...), Permanent: true}
}
