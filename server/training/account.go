package training

import "time"

// Invitation asks somebody to become a user of a company. Its token is a secret that only the mail
// holds.
type Invitation struct {
	ID         int64
	CompanyID  int64 // of one that is to be made: 0: the inviter's
	Email      string
	FullName   string // may be empty
	Role       Role   // learner, manager or admin
	Department string
	Locale     string // empty: no wish
	InvitedBy  int64  // 0: somebody who is gone
	CreatedAt  time.Time
	ExpiresAt  time.Time
	AcceptedAt *time.Time
}

// Validate gives all that is wrong with i when by asks for it: what would be of a person, but that the
// name may come with the acceptance and nobody becomes a platform administrator this way.
func (i Invitation) Validate(by Principal) []FieldError {
	errs := checkEmail(nil, i.Email)
	errs = checkPlain(errs, "full_name", i.FullName, MaxFullName)
	if i.Role == PlatformAdmin {
		errs = append(errs, FieldError{Field: "role", Message: "must be learner, manager or admin"})
	} else {
		errs = checkRole(errs, i.Role, by)
	}
	errs = checkPlain(errs, "department", i.Department, MaxDepartment)
	return checkLocale(errs, i.Locale)
}

// InvitationStatus is what has become of an invitation.
type InvitationStatus string

// What can become of an invitation. One that is withdrawn is gone.
const (
	InvitationOpen     InvitationStatus = "open"
	InvitationAccepted InvitationStatus = "accepted"
	InvitationExpired  InvitationStatus = "expired"
)

// StatusAt is the status at an instant.
func (i Invitation) StatusAt(at time.Time) InvitationStatus {
	switch {
	case i.AcceptedAt != nil:
		return InvitationAccepted
	case at.Before(i.ExpiresAt):
		return InvitationOpen
	}
	return InvitationExpired
}

// Acceptance is what somebody gives who accepts an invitation.
type Acceptance struct {
	Token     string
	Password  string
	FullName  string // empty: as the invitation has it
	IP        string
	Source    string // the part of IP that counts as one client; a login from there is known from now on
	UserAgent string
}

// Validate gives what is wrong with what a says of the person; of token and password others judge.
func (a Acceptance) Validate() []FieldError {
	return checkPlain(nil, "full_name", a.FullName, MaxFullName)
}

// PasswordChange is what somebody gives who changes the own password.
type PasswordChange struct {
	Current   string
	New       string
	IP        string
	UserAgent string
}
