// Package training is the domain: who learns what at which company, the rules
// that follow from it, the errors that can be answered and the interface through
// which everything is read.
//
// It is data and pure functions: it knows neither HTTP nor SQL nor the cache, and
// whoever stores or serves these types imports it, never the reverse.
package training

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

// Manages says whether r sees the people of its own company.
func (r Role) Manages() bool { return r == Manager || r == Admin || r == PlatformAdmin }

// Principal is who asks, as their verified credential says. Tenancy is decided by it
// alone: a company named in a request is never believed.
type Principal struct {
	UserID    int64
	CompanyID int64
	SessionID int64
	Role      Role
	Locale    string
	Zone      string
}

// SeesUnpublished says whether p is shown courses that are not published yet.
func (p Principal) SeesUnpublished() bool { return p.Role == PlatformAdmin }
