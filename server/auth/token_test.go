package auth

import (
	"crypto/ed25519"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"outpost/server/training"
)

func TestForgedAndForeignTokensAreRefused(t *testing.T) {
	r := newRegion(t)
	token := r.token(t)
	parts := strings.Split(token, ".")
	stranger := ed25519.NewKeyFromSeed([]byte(strings.Repeat("x", ed25519.SeedSize)))
	make := func(method jwt.SigningMethod, key any, edit func(*jwt.Token, *claims)) string {
		c := &claims{
			RegisteredClaims: jwt.RegisteredClaims{
				Issuer: issuer, Subject: "42",
				IssuedAt: jwt.NewNumericDate(r.now()), ExpiresAt: jwt.NewNumericDate(r.now().Add(Life)),
			},
			Company: 7, Session: 1001, Role: training.Manager,
		}
		made := jwt.NewWithClaims(method, c)
		made.Header["kid"], made.Header["typ"] = KeyID(r.public), tokenType
		if edit != nil {
			edit(made, c)
		}
		s, err := made.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	ed := jwt.SigningMethodEdDSA
	for name, test := range map[string]struct {
		token string
		want  Reason
	}{
		"empty":               {"", Malformed},
		"text":                {"hello", Malformed},
		"too long":            {strings.Repeat("x", 1<<20), Malformed},
		"no signature":        {parts[0] + "." + parts[1] + ".", Forged},
		"other claims":        {parts[0] + "." + strings.Split(make(ed, stranger, nil), ".")[1] + "." + parts[2], Forged},
		"another key":         {make(ed, stranger, nil), Forged},
		"unknown key":         {make(ed, r.key, func(t *jwt.Token, _ *claims) { t.Header["kid"] = "other" }), UnknownKey},
		"no key":              {make(ed, r.key, func(t *jwt.Token, _ *claims) { delete(t.Header, "kid") }), Malformed},
		"key of another type": {make(ed, r.key, func(t *jwt.Token, _ *claims) { t.Header["kid"] = 1 }), Malformed},
		"another type":        {make(ed, r.key, func(t *jwt.Token, _ *claims) { t.Header["typ"] = "JWT" }), Malformed},
		"none":                {make(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil), Forged},
		"HMAC with the public key": {
			make(jwt.SigningMethodHS256, []byte(r.public), nil), Forged,
		},
		"another issuer": {make(ed, r.key, func(_ *jwt.Token, c *claims) { c.Issuer = "inpost" }), Malformed},
		"never expires":  {make(ed, r.key, func(_ *jwt.Token, c *claims) { c.ExpiresAt = nil }), Malformed},
		"never issued":   {make(ed, r.key, func(_ *jwt.Token, c *claims) { c.IssuedAt = nil }), Malformed},
		"long expired": {
			make(ed, r.key, func(_ *jwt.Token, c *claims) { c.ExpiresAt = jwt.NewNumericDate(r.now().Add(-2 * MaxGrace)) }),
			Expired,
		},
		"no user":    {make(ed, r.key, func(_ *jwt.Token, c *claims) { c.Subject = "root" }), Malformed},
		"no company": {make(ed, r.key, func(_ *jwt.Token, c *claims) { c.Company = 0 }), Malformed},
		"no session": {make(ed, r.key, func(_ *jwt.Token, c *claims) { c.Session = 0 }), Malformed},
		"no role":    {make(ed, r.key, func(_ *jwt.Token, c *claims) { c.Role = "root" }), Malformed},
	} {
		t.Run(name, func(t *testing.T) { r.rejects(t, test.token, test.want) })
	}
	asked := r.asked
	r.accepts(t, make(ed, r.key, nil), good42(), asked+1)
}

// good42 is what the claims made in that test say, with the account's locale and zone.
func good42() training.Principal {
	p := learner
	p.Locale, p.Zone = good.Locale, good.Zone
	return p
}

func TestSignerNeedsAKeyWithAName(t *testing.T) {
	r := newRegion(t)
	if _, err := NewSigner("", r.key, nil); err == nil {
		t.Error("a key without an id was accepted")
	}
	if _, err := NewSigner("k", r.key[:10], nil); err == nil {
		t.Error("half a key was accepted")
	}
	if s, err := NewSigner("k", r.key, nil); err != nil || s == nil {
		t.Errorf("%v", err)
	}
}

// The thumbprint of RFC 8037's example key.
func TestKeyIDIsTheThumbprint(t *testing.T) {
	key := ed25519.PublicKey{
		0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
		0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
	}
	if got := KeyID(key); got != "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" {
		t.Error(got)
	}
}
