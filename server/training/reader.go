package training

import (
	"context"

	"outpost/replicate/change"
)

// At is the state that a read saw: the position and the incarnation of the replica, both
// taken inside the transaction that read the data.
type At struct {
	Position    change.Position
	Incarnation uint64
}

// Queries reads one consistent state: all its answers come from one transaction. What does
// not exist, and what the asker may not know of, is the same Error with code NotFound.
type Queries interface {
	AccountQueries
	KeyQueries
	UserQueries
	CourseQueries
	EnrollmentQueries
	QuizQueries
	CertificateQueries
	AssignmentQueries
	FrameworkQueries
	FigureQueries
	AnalyticsQueries
	CompanyQueries
	PhishingQueries
	ReportQueries
	ReportScheduleQueries
}

// AccountQueries tell who asks and what for.
type AccountQueries interface {
	// Me is the asker's own account and company.
	Me(ctx context.Context, p Principal) (User, error)
	// SigningKey is the public key of that id, false when there is none or it is not valid.
	SigningKey(ctx context.Context, kid string) (SigningKey, bool, error)
	// Account tells whether the user and its session are still good. NotFound: no such user.
	Account(ctx context.Context, userID, sessionID int64) (Account, error)
	// CompanyLocale is the company's locale.
	CompanyLocale(ctx context.Context, companyID int64) (string, error)
}
