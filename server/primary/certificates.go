package primary

import (
	"context"
	"crypto/rand"
	"time"

	"outpost/replicate/change"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// RevokeCertificate takes back a certificate of the asker's company, for a platform administrator
// any. Doing so twice is no error.
func (p *Primary) RevokeCertificate(ctx context.Context, who training.Principal, code string) (change.LSN, error) {
	_, lsn, err := operate(ctx, p, operation{"revokeCertificate", who, code}, func(q *pgsql.Queries, _ time.Time) (struct{}, error) {
		known, err := q.RevokeCertificate(ctx, pgsql.RevokeCertificateParams{
			Code: code, AnyCompany: who.Role == training.PlatformAdmin, CompanyID: who.CompanyID,
		})
		if err == nil && known == 0 {
			err = training.Errorf(training.NotFound, "There is no such certificate.")
		}
		return struct{}{}, err
	})
	return lsn, err
}

// completion issues certificates: the one way to one.
type completion struct{ training.Completion }

// advance is where an enrollment stands with that many lessons done and, when the course is
// completed by it, the certificate: what writes the standing down must write its code too.
func (c completion) advance(s training.Standing, done int, at time.Time) (training.Standing, *training.Certificate) {
	after, completed := c.Advance(s, done, at.UTC())
	if !completed {
		return after, nil
	}
	var random [training.CodeBytes]byte
	_, _ = rand.Read(random[:]) // it never fails
	return after, &training.Certificate{Code: training.CertificateCode(random), IssuedAt: *after.CompletedAt, ExpiresAt: after.ExpiresAt}
}

// certify gives a certificate what it says of its enrollment.
func certify(c *training.Certificate, e *training.Enrollment) *training.Certificate {
	c.CompanyID, c.UserID, c.EnrollmentID, c.Version = e.CompanyID, e.UserID, e.ID, 1
	c.CourseID, c.CourseSlug, c.CourseTitle = e.CourseID, e.CourseSlug, e.CourseTitle
	return c
}
