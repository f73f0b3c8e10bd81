package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2" // bounded memory of which key is which
	"golang.org/x/sync/singleflight"         // those who come with one new key ask together
	"golang.org/x/time/rate"                 // bounds how often the primary is asked

	"outpost/replicate/change"
	"outpost/server/cache"
	"outpost/server/training"
)

// KeyNamespace is the cache's namespace of remembered API keys.
const KeyNamespace = "api_keys"

const (
	keyMark   = "opk_"
	keyLength = len(keyMark) + 43 // 32 bytes in base64url
	// prefixLength is how much of a key is shown: 48 of its 256 bits.
	prefixLength = len(keyMark) + 8

	// maxKeys bounds the keys that are known by their hash, and apart from them those that are
	// known to be none, about 1 MB each.
	maxKeys = 8 << 10
	// refusal is how long a key that is none is remembered.
	refusal = 10 * time.Second
	// How often the primary is asked who a key is, by all strangers together.
	asksPerSecond, asksAtOnce = 50, 200
	askTimeout                = 5 * time.Second
	arriveTimeout             = time.Second
)

// KeyHash is the SHA-256 of an API key: all that is kept of it.
type KeyHash [sha256.Size]byte

// IsAPIKey says whether a credential is to be taken for an API key.
func IsAPIKey(credential string) bool { return strings.HasPrefix(credential, keyMark) }

// NewAPIKey makes a key of 256 random bits, what may be shown of it, and its hash. There is
// nothing to guess, so a fast hash is enough.
func NewAPIKey() (key, prefix string, hash KeyHash) {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // it never fails: crypto/rand ends the program instead
	key = keyMark + base64.RawURLEncoding.EncodeToString(secret[:])
	return key, key[:prefixLength], sha256.Sum256([]byte(key))
}

// KeySource tells who API keys are. Only the primary knows their hashes.
type KeySource struct {
	// Identify gives the id of the key with that hash, 0 when there is none, and a position at
	// which a replica shows it. An error that is training.Unavailable: nobody could be asked.
	Identify func(ctx context.Context, hash KeyHash) (id int64, at change.Position, err error)
	// Wait waits until this replica has reached a position.
	Wait func(ctx context.Context, at change.Position) error
}

// apiKeys is what an Authenticator remembers of API keys besides its cache: which hash is which
// key. That never changes, so it outlives what the cache holds of the key's account.
type apiKeys struct {
	source KeySource
	known  *lru.Cache[KeyHash, int64]
	// strangers are apart, so that guesses push out no key.
	strangers *lru.Cache[KeyHash, time.Time]
	asking    *rate.Limiter
	group     singleflight.Group
}

func newAPIKeys(source KeySource) (*apiKeys, error) {
	known, err := lru.New[KeyHash, int64](maxKeys)
	if err != nil {
		return nil, fmt.Errorf("making the memory of API keys: %w", err)
	}
	strangers, err := lru.New[KeyHash, time.Time](maxKeys)
	if err != nil {
		return nil, fmt.Errorf("making the memory of API keys: %w", err)
	}
	return &apiKeys{source: source, known: known, strangers: strangers, asking: rate.NewLimiter(asksPerSecond, asksAtOnce)}, nil
}

// Introduce is Authenticate for an API key that this region has not seen, which Authenticate
// refuses as Unasked: the primary is asked who it is. Its caller has made sure that no stranger
// comes too often. The key is not kept.
func (a *Authenticator) Introduce(ctx context.Context, key string) (training.Principal, error) {
	return a.authenticateKey(ctx, key, true)
}

func (a *Authenticator) authenticateKey(ctx context.Context, text string, ask bool) (training.Principal, error) {
	if !isKey(text) {
		return training.Principal{}, rejectKey(Malformed)
	}
	var bytes [keyLength]byte
	hash := KeyHash(sha256.Sum256(bytes[:copy(bytes[:], text)]))
	var key [len(KeyNamespace) + 1 + sha256.Size]byte
	copy(key[copy(key[:], KeyNamespace)+1:], hash[:])

	now := a.now()
	var known *remembered
	if entry, _, ok := a.cache.Get(key[:], now); ok {
		known = entry.Value.(*remembered)
	} else {
		id, err := a.identify(ctx, hash, ask)
		if err != nil {
			return training.Principal{}, err
		}
		if known, err = a.verifyKey(ctx, string(key[:]), id, strings.Clone(text[:prefixLength])); err != nil {
			return training.Principal{}, err
		}
	}
	if !known.expires.IsZero() && !now.Before(known.expires) {
		return training.Principal{}, rejectKey(Expired)
	}
	return known.principal, nil
}

// isKey allocates nothing.
func isKey(text string) bool {
	if len(text) != keyLength || !IsAPIKey(text) {
		return false
	}
	for i := len(keyMark); i < len(text); i++ {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// identify finds out which key that is, once for all who come with it now.
func (a *Authenticator) identify(ctx context.Context, hash KeyHash, ask bool) (int64, error) {
	if id, ok := a.keys.known.Get(hash); ok {
		return id, nil
	}
	if until, ok := a.keys.strangers.Get(hash); ok && a.now().Before(until) {
		return 0, rejectKey(UnknownAPIKey)
	}
	if !ask {
		return 0, rejectKey(Unasked)
	}
	id, err, _ := a.keys.group.Do(string(hash[:]), func() (any, error) { return a.ask(ctx, hash) })
	if err != nil {
		return 0, err
	}
	return id.(int64), nil
}

func (a *Authenticator) ask(ctx context.Context, hash KeyHash) (int64, error) {
	if id, ok := a.keys.known.Get(hash); ok { // answered a moment ago
		return id, nil
	}
	if !a.keys.asking.AllowN(a.now(), 1) {
		return 0, unasked(errors.New("too many unknown API keys at once"))
	}
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	id, at, err := a.keys.source.Identify(asking, hash)
	if training.CodeOf(err) == training.Unavailable || errors.Is(err, context.DeadlineExceeded) {
		return 0, unasked(err)
	}
	if err != nil {
		return 0, fmt.Errorf("asking who an API key is: %w", err)
	}
	if id == 0 {
		a.keys.strangers.Add(hash, a.now().Add(refusal))
		return 0, rejectKey(UnknownAPIKey)
	}
	// One that was made a moment ago is on its way here. If it does not come, it is found missing.
	waiting, cancel := context.WithTimeout(ctx, arriveTimeout)
	defer cancel()
	if err := a.keys.source.Wait(waiting, at); err != nil && ctx.Err() != nil {
		return 0, ctx.Err()
	}
	a.keys.known.Add(hash, id)
	return id, nil
}

// verifyKey asks what the key may, once for all who ask with the same key now.
func (a *Authenticator) verifyKey(ctx context.Context, key string, id int64, prefix string) (*remembered, error) {
	result, err := a.cache.Do(ctx, []byte(key), func(ctx context.Context) (cache.Filled, error) {
		var known *remembered
		at, err := a.read(ctx, func(q training.Queries) (err error) {
			known, err = a.judgeKey(ctx, q, id, prefix)
			return err
		})
		if err != nil {
			return cache.Filled{}, fmt.Errorf("verifying an API key: %w", err)
		}
		p := known.principal
		return cache.Filled{
			Value: known, Size: 128 + len(p.Scopes), Namespace: KeyNamespace, Store: true, At: cache.At(at),
			ValidUntil: known.expires,
			Tags:       []cache.Tag{cache.Row("api_keys", id), cache.Row("users", p.UserID), cache.Row("companies", p.CompanyID)},
		}, nil
	})
	if err != nil {
		return nil, err
	}
	return result.Entry.Value.(*remembered), nil
}

// judgeKey asks whether the key still holds. It may do what its maker may now, as far as its
// scopes reach.
func (a *Authenticator) judgeKey(ctx context.Context, q training.Queries, id int64, prefix string) (*remembered, error) {
	k, err := q.KeyAccount(ctx, id)
	switch {
	case training.CodeOf(err) == training.NotFound:
		return nil, rejectKey(UnarrivedKey)
	case err != nil:
		return nil, err
	case k.Prefix != prefix:
		// A database that was restored from a backup gives the same number to another key.
		return nil, rejectKey(UnarrivedKey)
	case k.Revoked:
		return nil, rejectKey(Revoked)
	case !k.Active:
		return nil, rejectKey(Inactive)
	case !k.ExpiresAt.IsZero() && !a.now().Before(k.ExpiresAt):
		return nil, rejectKey(Expired)
	}
	locale, err := companyLocale(ctx, q, k.CompanyID)
	if err != nil {
		return nil, err
	}
	return &remembered{expires: k.ExpiresAt, principal: training.Principal{
		UserID: k.UserID, CompanyID: k.CompanyID, Role: k.Role, Locale: k.Locale, CompanyLocale: locale, Zone: k.Zone, KeyID: id, Scopes: k.Scopes,
	}}, nil
}

// unasked is not knowing, where a refusal would be a lie.
func unasked(err error) error {
	return &training.Error{
		Code: training.Unavailable, Message: "The primary region cannot be asked about this API key. Try again.", RetryAfter: time.Second,
		Err: &Rejection{Reason: Unasked, Err: err},
	}
}

func rejectKey(reason Reason) error {
	message := "The API key is not valid."
	switch reason {
	case Expired:
		message = "The API key has expired."
	case Inactive:
		message = "The account that made the API key is not active."
	case Revoked:
		message = "The API key has been revoked."
	}
	return &training.Error{Code: training.Unauthorized, Message: message, Err: &Rejection{Reason: reason}}
}
