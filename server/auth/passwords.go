// Package auth proves who asks: passwords (Argon2id), access tokens (Ed25519 JWT), API keys, and
// the remembered verification of both.
//
// What it guarantees: checking a password takes the same time for a login that does not
// exist, and never more memory than a fixed number of checks at once; a token's signature is
// checked once for as long as nothing that it depends on has changed, and from the moment
// the local replica has seen the account deactivated, the session revoked, the key
// withdrawn or the rights reduced, the token is treated so. An API key is known by its hash, which
// only the primary has: a region asks it once, and never again for a key that it knows.
//
// It must not know SQL, HTTP, nor where keys and accounts are kept: it reads them through
// training.Queries, all in one transaction with the position that the cache judges by.
package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// MaxPassword is the longest password, in bytes.
const MaxPassword = 1 << 10

// Errors of passwords.
var (
	ErrPasswordTooLong = fmt.Errorf("the password is longer than %d bytes", MaxPassword)
	ErrMalformedHash   = errors.New("the stored password hash is not an Argon2id hash that can be checked")
)

// cost is what a hash costs to make and to check.
type cost struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

// today is OWASP's recommendation for Argon2id with the least memory: 19 MiB, about 25 ms.
func today() cost { return cost{memory: 19 << 10, time: 2, threads: 1} }

const (
	saltBytes = 16
	keyBytes  = 32
)

// Passwords makes and checks hashes, a few at a time: each takes 19 MiB while it runs.
type Passwords struct {
	slots chan struct{}
}

// NewPasswords allows parallel hashes at once; 0: one per processor.
func NewPasswords(parallel int) *Passwords {
	if parallel <= 0 {
		parallel = runtime.GOMAXPROCS(0)
	}
	return &Passwords{slots: make(chan struct{}, parallel)}
}

// Hash gives the hash of a password in PHC string format. It waits for a free slot until
// ctx ends.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	if len(password) > MaxPassword {
		return "", ErrPasswordTooLong
	}
	salt := make([]byte, saltBytes)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("making a salt: %w", err)
	}
	h := hash{cost: today(), salt: salt}
	key, err := p.derive(ctx, h, keyBytes, password)
	if err != nil {
		return "", err
	}
	h.key = key
	return h.String(), nil
}

// Verify says whether password is the one that stored is the hash of. With stored empty, for
// a login that does not exist, it takes the same time and says no.
func (p *Passwords) Verify(ctx context.Context, stored, password string) (bool, error) {
	if len(password) > MaxPassword {
		return false, nil // whoever it is for
	}
	h := hash{cost: today(), salt: make([]byte, saltBytes), key: make([]byte, keyBytes)}
	if stored != "" {
		var err error
		if h, err = parseHash(stored); err != nil {
			return false, err
		}
	}
	key, err := p.derive(ctx, h, len(h.key), password)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, h.key) == 1 && stored != "", nil
}

// Outdated says that a hash was made at another cost than today's: at the next good login it
// should be made anew.
func Outdated(stored string) bool {
	h, err := parseHash(stored)
	return err != nil || h.cost != today() || len(h.key) != keyBytes || len(h.salt) < saltBytes
}

func (p *Passwords) derive(ctx context.Context, h hash, size int, password string) ([]byte, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting to hash a password: %w", ctx.Err())
	}
	defer func() { <-p.slots }()
	// One keyboard sends ü as one rune, another as two.
	text := norm.NFC.String(password)
	return argon2.IDKey([]byte(text), h.salt, h.time, h.memory, h.threads, uint32(size)), nil
}

// hash is what the PHC string says: $argon2id$v=19$m=19456,t=2,p=1$<salt>$<key>.
type hash struct {
	cost
	salt, key []byte
}

func (h hash) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		h.memory, h.time, h.threads, b64.EncodeToString(h.salt), b64.EncodeToString(h.key))
}

// parseHash bounds what it accepts: a hash that somebody planted must not take the machine's
// memory to check.
func parseHash(s string) (h hash, err error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return hash{}, ErrMalformedHash
	}
	costs := strings.Split(parts[3], ",")
	if len(costs) != 3 {
		return hash{}, ErrMalformedHash
	}
	threads, okThreads := number(costs[2], "p=", 1, 16)
	time, okTime := number(costs[1], "t=", 1, 16)
	memory, okMemory := number(costs[0], "m=", 8*max(threads, 1), 256<<10)
	b64 := base64.RawStdEncoding.Strict()
	salt, errSalt := b64.DecodeString(parts[4])
	key, errKey := b64.DecodeString(parts[5])
	if !okThreads || !okTime || !okMemory || errSalt != nil || errKey != nil ||
		len(salt) < 8 || len(salt) > 64 || len(key) < 16 || len(key) > 64 {
		return hash{}, ErrMalformedHash
	}
	return hash{cost: cost{memory: memory, time: time, threads: uint8(threads)}, salt: salt, key: key}, nil
}

func number(s, name string, least, most uint32) (uint32, bool) {
	digits, ok := strings.CutPrefix(s, name)
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), ok && err == nil && uint32(n) >= least && uint32(n) <= most
}
