package training

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of API keys.
const (
	MaxKeyName = 100 // characters
	// MaxKeys is how many keys a company may have that are neither revoked nor expired.
	MaxKeys = 100
)

// SigningKey is the public part of a key that signs access tokens.
type SigningKey struct {
	ID        string
	Public    ed25519.PublicKey
	NotBefore time.Time
	NotAfter  time.Time // zero: it verifies for as long as it is there
}

// APIKey is a key as everyone but its holder sees it. The key itself is nowhere.
type APIKey struct {
	ID        int64
	CompanyID int64
	UserID    int64 // who made it, and in whose name it acts
	Name      string
	Prefix    string // its first characters, to recognise it by
	Scopes    []string
	ExpiresAt *time.Time
	RevokedAt *time.Time
	CreatedAt time.Time
	UpdatedAt time.Time
	Version   int64
}

// NewAPIKey is a key to be made.
type NewAPIKey struct {
	Name      string
	Scopes    []string
	ExpiresAt *time.Time // nil: never
}

// Scopes are all that API keys can be given.
func Scopes() []string {
	return []string{
		"assignments:read", "assignments:write", "audit:read", "certificates:read", "companies:read", "companies:write", "courses:read", "courses:write",
		"enrollments:read", "enrollments:write", "figures:read", "me:read", "phishing:read", "phishing:write", "reports:read",
		"reports:write", "users:read", "users:write",
	}
}

// Normalize brings k into the one form that it is kept in.
func (k NewAPIKey) Normalize() NewAPIKey {
	k.Name = strings.TrimSpace(k.Name)
	k.Scopes = slices.Compact(slices.Sorted(slices.Values(k.Scopes)))
	return k
}

// Check says what is wrong with a key that is to be made at t.
func (k NewAPIKey) Check(t time.Time) (errs []FieldError) {
	switch {
	case k.Name == "":
		errs = append(errs, FieldError{Field: "name", Message: "must not be empty"})
	case utf8.RuneCountInString(k.Name) > MaxKeyName:
		errs = append(errs, FieldError{Field: "name", Message: fmt.Sprintf("must be at most %d characters long", MaxKeyName)})
	case strings.ContainsFunc(k.Name, unicode.IsControl):
		errs = append(errs, FieldError{Field: "name", Message: "must not contain control characters"})
	}
	if len(k.Scopes) == 0 {
		errs = append(errs, FieldError{Field: "scopes", Message: "must name at least one scope"})
	}
	if slices.ContainsFunc(k.Scopes, func(s string) bool { return !slices.Contains(Scopes(), s) }) {
		errs = append(errs, FieldError{Field: "scopes", Message: "must be some of " + strings.Join(Scopes(), ", ")})
	}
	switch {
	case k.ExpiresAt == nil:
	case !t.Before(*k.ExpiresAt):
		errs = append(errs, FieldError{Field: "expires_at", Message: "must be in the future"})
	case k.ExpiresAt.UTC().Year() > 9999: // which RFC 3339, and so JSON, cannot write
		errs = append(errs, FieldError{Field: "expires_at", Message: "must be before the year 10000"})
	}
	return errs
}

// KeyAccount is what decides whether an API key still holds, and with which rights.
type KeyAccount struct {
	Account          // of its maker; nothing of sessions
	UserID    int64  // the maker
	Prefix    string // of the key
	Scopes    string // separated by spaces
	Revoked   bool
	ExpiresAt time.Time // zero: never
}

// APIKeySorts are the fields by which API keys can be sorted; the first is the default.
func APIKeySorts() []string { return []string{"created_at"} }

// KeyQueries read the keys of the platform and of a company.
type KeyQueries interface {
	// SigningKeys are the public keys that verify tokens now or will soon, the oldest first.
	SigningKeys(ctx context.Context) ([]SigningKey, error)
	// APIKeys lists the keys of the asker's company, revoked and expired ones too.
	APIKeys(ctx context.Context, p Principal, f Paging) (Page[APIKey], error)
	// KeyAccount is the key of that id with its maker's account. NotFound: no such key.
	KeyAccount(ctx context.Context, id int64) (KeyAccount, error)
}
