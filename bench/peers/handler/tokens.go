package handler

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/golang-jwt/jwt/v5"
)

// tokens checks the product's access tokens: a signature once, and then that the token is still
// good and its bearer may list the people of that company. It hears of no revocation.
type tokens struct {
	keys map[string]ed25519.PublicKey
	seen sync.Map // of text: *claims
}

type claims struct {
	jwt.RegisteredClaims
	Company int64  `json:"cid"`
	Role    string `json:"role"`
}

func newTokens() (*tokens, error) {
	text, err := setting(EnvKeys)
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys []struct{ Kid, X string }
	}
	if err := json.Unmarshal([]byte(text), &set); err != nil {
		return nil, fmt.Errorf("reading the keys: %w", err)
	}
	t := &tokens{keys: make(map[string]ed25519.PublicKey)}
	for _, k := range set.Keys {
		x, err := base64.RawURLEncoding.DecodeString(k.X)
		if err != nil || len(x) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("reading the keys: %q is none of Ed25519", k.Kid)
		}
		t.keys[k.Kid] = x
	}
	return t, nil
}

// allowed is the request, of somebody who may.
func (t *tokens) allowed(c *fiber.Ctx) (query, error) {
	text, ok := strings.CutPrefix(c.Get(fiber.HeaderAuthorization), "Bearer ")
	if !ok {
		return query{}, fiber.ErrUnauthorized
	}
	who, err := t.of(text)
	if err != nil || !time.Now().Before(who.ExpiresAt.Time) {
		return query{}, fiber.ErrUnauthorized
	}
	q, err := readQuery(c)
	if err != nil {
		return q, err
	}
	if q.company != who.Company || who.Role != "manager" && who.Role != "admin" {
		return q, fiber.ErrForbidden
	}
	return q, nil
}

func (t *tokens) of(text string) (*claims, error) {
	if known, ok := t.seen.Load(text); ok {
		return known.(*claims), nil
	}
	who := new(claims)
	_, err := jwt.ParseWithClaims(text, who, func(token *jwt.Token) (any, error) {
		kid, _ := token.Header["kid"].(string)
		key, ok := t.keys[kid]
		if !ok {
			return nil, fmt.Errorf("there is no key %q", kid)
		}
		return key, nil
	}, jwt.WithValidMethods([]string{"EdDSA"}), jwt.WithIssuer("outpost"), jwt.WithExpirationRequired())
	if err != nil {
		return nil, err
	}
	t.seen.Store(strings.Clone(text), who) // the request's text is Fiber's
	return who, nil
}
