package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"outpost/server/training"
)

const (
	// Life is how long an access token is good.
	Life = 15 * time.Minute
	// MaxGrace is how much longer a caller may accept one, for reads and progress while the
	// primary, the only one to make a new one, is away.
	MaxGrace = time.Hour

	issuer    = "outpost"
	tokenType = "at+jwt" // RFC 9068: never mistaken for another kind of token
)

// claims are the token's content: sub is the user.
type claims struct {
	jwt.RegisteredClaims
	Company int64         `json:"cid"`
	Session int64         `json:"sid"`
	Role    training.Role `json:"role"`
	Zone    string        `json:"zone"`
	Locale  string        `json:"locale"`
}

// principal is who the claims say, false when they do not make sense.
func (c *claims) principal() (training.Principal, bool) {
	user, err := strconv.ParseInt(c.Subject, 10, 64)
	p := training.Principal{
		UserID: user, CompanyID: c.Company, SessionID: c.Session,
		Role: c.Role, Locale: c.Locale, Zone: c.Zone,
	}
	return p, err == nil && user > 0 && c.Company > 0 && c.Session > 0 && c.Role.Valid() &&
		c.IssuedAt != nil && c.ExpiresAt != nil
}

// Signer makes access tokens. Only the primary has one.
type Signer struct {
	kid string
	key ed25519.PrivateKey
	now func() time.Time
}

// NewSigner makes a signer of the key that verifiers know by kid. now may be nil.
func NewSigner(kid string, key ed25519.PrivateKey, now func() time.Time) (*Signer, error) {
	if kid == "" {
		return nil, errors.New("making a signer: the key has no id")
	}
	if len(key) != ed25519.PrivateKeySize {
		return nil, fmt.Errorf("making a signer: key %s has %d bytes, an Ed25519 key has %d", kid, len(key), ed25519.PrivateKeySize)
	}
	if now == nil {
		now = time.Now
	}
	return &Signer{kid: kid, key: key, now: now}, nil
}

// KeyID is the id of a public key: its thumbprint as RFC 7638 has it.
func KeyID(key ed25519.PublicKey) string {
	b64 := base64.RawURLEncoding
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + b64.EncodeToString(key) + `"}`))
	return b64.EncodeToString(sum[:])
}

// Sign makes an access token for p, and says how long it is good.
func (s *Signer) Sign(p training.Principal) (token string, life time.Duration, err error) {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return "", 0, fmt.Errorf("making a token's id: %w", err)
	}
	now := s.now()
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, &claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Subject: strconv.FormatInt(p.UserID, 10),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(Life)),
			ID: base64.RawURLEncoding.EncodeToString(id[:]),
		},
		Company: p.CompanyID, Session: p.SessionID, Role: p.Role, Zone: p.Zone, Locale: p.Locale,
	})
	t.Header["kid"], t.Header["typ"] = s.kid, tokenType
	if token, err = t.SignedString(s.key); err != nil {
		return "", 0, fmt.Errorf("signing a token: %w", err)
	}
	return token, Life, nil
}

// newParser accepts a token for as long as any caller may.
func newParser(now func() time.Time) *jwt.Parser {
	return jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithStrictDecoding(),
		jwt.WithIssuer(issuer), jwt.WithExpirationRequired(), jwt.WithLeeway(MaxGrace), jwt.WithTimeFunc(now),
	)
}

// keyOf reads, without believing anything, by which key a token says it was signed.
func keyOf(parser *jwt.Parser, token string) (kid string, err error) {
	t, _, err := parser.ParseUnverified(token, &claims{})
	if err != nil {
		return "", err
	}
	kid, ok := t.Header["kid"].(string)
	if !ok || kid == "" || t.Header["typ"] != tokenType {
		return "", errors.New("the header names no key, or another kind of token")
	}
	return kid, nil
}

// open verifies a token with the key it names.
func open(parser *jwt.Parser, token string, key ed25519.PublicKey) (*claims, error) {
	c := &claims{}
	_, err := parser.ParseWithClaims(token, c, func(*jwt.Token) (any, error) { return key, nil })
	return c, err
}
