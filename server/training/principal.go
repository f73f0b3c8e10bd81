// Package training is the domain: who learns what at which company, the rules
// that follow from it, the errors that can be answered and the interface through
// which everything is read.
//
// It is data and pure functions: it knows neither HTTP nor SQL nor the cache, and
// whoever stores or serves these types imports it, never the reverse.
package training

import (
	"slices"
	"strings"
)

// Role says what an account may do. The roles grow: each may do everything that the one
// before it may, the platform administrator in every company.
type Role string

// The roles.
const (
	Learner       Role = "learner"
	Manager       Role = "manager"
	Admin         Role = "admin"
	PlatformAdmin Role = "platform_admin"
)

// Valid says whether r is one of the roles.
func (r Role) Valid() bool {
	switch r {
	case Learner, Manager, Admin, PlatformAdmin:
		return true
	}
	return false
}

// rank orders the roles; one that is not known may do nothing.
func (r Role) rank() int {
	switch r {
	case Learner:
		return 1
	case Manager:
		return 2
	case Admin:
		return 3
	case PlatformAdmin:
		return 4
	}
	return 0
}

// Includes says whether r may do everything that other may.
func (r Role) Includes(other Role) bool { return r.Valid() && r.rank() >= other.rank() }

// Lesser is the role of the two that may do less.
func Lesser(a, b Role) Role {
	if b.rank() < a.rank() {
		return b
	}
	return a
}

// Manages says whether r sees the people of its own company.
func (r Role) Manages() bool { return r == Manager || r == Admin || r == PlatformAdmin }

// Principal is who asks, as their verified credential says. Tenancy is decided by it
// alone: a company named in a request is never believed.
type Principal struct {
	UserID    int64
	CompanyID int64
	SessionID int64
	Role      Role
	Locale    string // the user's own; may be empty
	// CompanyLocale is the language of those who wish for none.
	CompanyLocale string
	Zone          string
	// KeyID is the API key that speaks for the user, and Scopes what it may do, separated by
	// spaces. 0 for the user in person, who may do all that the role may.
	KeyID  int64
	Scopes string
}

// Allows says whether p may do what needs scope. An API key never does what has none.
func (p Principal) Allows(scope string) bool {
	if p.KeyID == 0 {
		return true
	}
	return scope != "" && slices.Contains(strings.Fields(p.Scopes), scope)
}

// Gives is the highest role that p may give to somebody, and of whom p may change anything. An API key
// stays below admin, whoever made it: what makes an admin, or moves an admin's address, is one.
func (p Principal) Gives() Role {
	if p.KeyID != 0 {
		return Lesser(p.Role, Manager)
	}
	return p.Role
}

// SeesUnpublished says whether p is shown courses that are not published yet.
func (p Principal) SeesUnpublished() bool { return p.Role == PlatformAdmin }
