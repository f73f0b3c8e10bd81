package training

import "time"

// User is an account with its company.
type User struct {
	ID         int64
	Email      string
	FullName   string
	Role       Role
	Department string
	JobRisk    string
	Locale     string
	IsActive   bool
	Company    Company
	CreatedAt  time.Time
	UpdatedAt  time.Time
	Version    int64
}

// Account is what decides whether a credential still holds, and with which rights.
type Account struct {
	Active    bool // the user and its company
	Role      Role
	CompanyID int64
	Zone      string
	Locale    string
	// SessionRevoked is false for a session that has not arrived yet: checked negatively. A
	// revocation of all tokens ends the sessions that were begun before it.
	SessionRevoked bool
	// RevokedBefore voids every access token issued before it, of a session that has not arrived
	// yet. A token's time of issue is in whole seconds, so compare with this truncated to seconds.
	// One of the same second is good: commits arrive in order, so a session that is not here while
	// the revocation is began after it. Zero: none is void.
	RevokedBefore time.Time
}

// LoginRequest is an attempt to log in.
type LoginRequest struct {
	Login     string // e-mail address
	Password  string
	IP        string
	UserAgent string
	Source    string // the address as what counts as one client; empty: unknown
}

// RefreshRequest is an attempt to go on with a session.
type RefreshRequest struct {
	Token     string
	IP        string
	UserAgent string
	Source    string // as in LoginRequest
}

// Session is what a login or a refresh begins: whoever serves it makes the access token
// from the Principal.
type Session struct {
	Principal
	RefreshToken   string
	RefreshExpires time.Time
}
