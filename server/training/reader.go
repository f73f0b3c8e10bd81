package training

import (
	"context"
	"crypto/ed25519"

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
	// Me is the asker's own account and company.
	Me(ctx context.Context, p Principal) (User, error)
	// Courses lists the catalogue.
	Courses(ctx context.Context, f CourseFilter) (Page[Course], error)
	// Course is one course with the summaries of its lessons.
	Course(ctx context.Context, ref CourseRef) (CourseDetail, error)
	// Lesson is the lesson at a position of a course.
	Lesson(ctx context.Context, ref CourseRef, position int) (Lesson, error)
	// Enrollments lists one user's enrollments: one's own, and for those who manage people
	// their company's.
	Enrollments(ctx context.Context, p Principal, f EnrollmentFilter) (Page[Enrollment], error)
	// Enrollment is one enrollment with its progress.
	Enrollment(ctx context.Context, p Principal, id int64, locale string) (Enrollment, error)
	// SigningKey is the public key of that id, false when there is none or it is not valid.
	SigningKey(ctx context.Context, kid string) (ed25519.PublicKey, bool, error)
	// Account tells whether the user and its session are still good. NotFound: no such user.
	Account(ctx context.Context, userID, sessionID int64) (Account, error)
	// CompanyLocale is the company's locale.
	CompanyLocale(ctx context.Context, companyID int64) (string, error)
}
