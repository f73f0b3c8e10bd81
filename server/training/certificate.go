package training

import (
	"context"
	"strings"
	"time"
)

// CertificateStatus says what a certificate is worth.
type CertificateStatus string

// The statuses of a certificate.
const (
	CertificateValid   CertificateStatus = "valid"
	CertificateExpired CertificateStatus = "expired"
	CertificateRevoked CertificateStatus = "revoked"
)

// Certificate proves that somebody completed a course.
type Certificate struct {
	ID           int64 // 0 of one that was issued with the answer
	CompanyID    int64
	UserID       int64
	EnrollmentID int64
	CourseID     int64
	CourseSlug   string
	CourseTitle  string
	Code         string // names it to the public; unguessable
	IssuedAt     time.Time
	ExpiresAt    *time.Time
	RevokedAt    *time.Time
	Version      int64
}

// StatusAt is the status at t.
func (c *Certificate) StatusAt(t time.Time) CertificateStatus {
	switch {
	case c.RevokedAt != nil:
		return CertificateRevoked
	case c.ExpiresAt != nil && !t.Before(*c.ExpiresAt):
		return CertificateExpired
	}
	return CertificateValid
}

// ValidUntil is the first instant after t at which StatusAt changes with no write; the zero time
// when it never does.
func (c *Certificate) ValidUntil(t time.Time) time.Time {
	if c.RevokedAt == nil && c.ExpiresAt != nil && t.Before(*c.ExpiresAt) {
		return *c.ExpiresAt
	}
	return time.Time{}
}

// Verification is all that the public learns from a certificate's code.
type Verification struct {
	Certificate
	Holder  string // full name
	Company string
	Locale  string // of CourseTitle: the wished one
}

// CertificateSorts are the fields by which certificates can be sorted.
func CertificateSorts() []string { return []string{"issued_at"} }

// CertificateFilter pages through one's own certificates.
type CertificateFilter struct {
	Paging
	Locale string
}

// CertificateQueries read certificates.
type CertificateQueries interface {
	// Verify finds a certificate by its code, which is all that one needs to see it.
	Verify(ctx context.Context, code, locale string) (Verification, error)
	// Certificates lists the asker's own.
	Certificates(ctx context.Context, p Principal, f CertificateFilter) (Page[Certificate], error)
}

// CodeBytes is how many random bytes make a certificate's code: five bits of each are used, 140 in
// all, so that nobody finds one by trying.
const CodeBytes = 28

const (
	// crockford is Crockford's base 32, which has no letters that are read for others.
	crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	codeGroup = 4
)

// CertificateCode writes random bytes as a code: seven groups of four, "7K3D-…".
func CertificateCode(random [CodeBytes]byte) string {
	var b strings.Builder
	for i, r := range random {
		if i > 0 && i%codeGroup == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(crockford[r&31])
	}
	return b.String()
}

// ParseCertificateCode reads a code as people type one: groups or none, in any case, with O for 0
// and I or L for 1. What can be no code is false.
func ParseCertificateCode(s string) (string, bool) {
	const longest = 2 * CodeBytes
	if len(s) > longest {
		return "", false
	}
	var b strings.Builder
	n := 0
	for _, c := range strings.ToUpper(s) {
		switch c {
		case '-', ' ':
			continue
		case 'O':
			c = '0'
		case 'I', 'L':
			c = '1'
		}
		if !strings.ContainsRune(crockford, c) {
			return "", false
		}
		if n > 0 && n%codeGroup == 0 {
			b.WriteByte('-')
		}
		b.WriteRune(c)
		n++
	}
	return b.String(), n == CodeBytes
}
