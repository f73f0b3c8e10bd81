package api

import (
	"context"
	"fmt"
	"hash/maphash"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/time/rate"
)

// Rate is a token bucket: Count tokens flow in per Per, and it holds Burst more than those.
// A zero Count means no limit.
type Rate struct {
	Count int
	Per   time.Duration
	Burst int
}

// buckets bounds a limiter's memory, to about 15 MB. Whoever is forgotten because so many
// others came since starts with a full bucket. They lie on shelves by their keys' hash, so that requests
// of different clients rarely wait for each other.
const (
	buckets = 1 << 16
	shelves = 1 << 6
)

// bucketKey names a bucket: a route, and a user or an address or the hash of a login.
type bucketKey struct {
	route  uint16
	number uint64
	addr   netip.Addr
}

type limiter struct {
	rate    Rate
	policy  string
	name    string
	limit   string
	strict  bool // each use counts for who is remembered, however much is left: for what is no hot path
	seed    maphash.Seed
	shelves [shelves]*lru.Cache[bucketKey, *rate.Limiter]
}

// newLimiter gives nil for a rate that is off.
func newLimiter(name string, r Rate, strict bool) (*limiter, error) {
	if r.Count == 0 {
		return nil, nil
	}
	if r.Count < 0 || r.Burst < 0 || r.Per <= 0 {
		return nil, fmt.Errorf("the rate %+v is not above zero", r)
	}
	l := &limiter{
		rate: r, name: name, strict: strict, seed: maphash.MakeSeed(),
		policy: fmt.Sprintf("%q;q=%d;w=%d;burst=%d", name, r.Count, int(math.Ceil(r.Per.Seconds())), r.Burst),
		limit:  strconv.Itoa(r.Count + r.Burst),
	}
	for i := range l.shelves {
		var err error
		if l.shelves[i], err = lru.New[bucketKey, *rate.Limiter](buckets / shelves); err != nil {
			return nil, fmt.Errorf("making a limiter: %w", err)
		}
	}
	return l, nil
}

// verdict is what a limiter said, for the headers.
type verdict struct {
	limiter   *limiter // nil: nothing was limited
	allowed   bool
	remaining int
	reset     int // seconds until the bucket is full
	retry     int // seconds until there is a token
}

// take takes a token.
func (l *limiter) take(key bucketKey, now time.Time) verdict {
	if l == nil {
		return verdict{allowed: true}
	}
	shelf := l.shelves[maphash.Comparable(l.seed, key)%shelves]
	bucket, ok := shelf.Peek(key)
	if !ok {
		fresh := rate.NewLimiter(rate.Limit(float64(l.rate.Count)/l.rate.Per.Seconds()), l.rate.Count+l.rate.Burst)
		if bucket, ok, _ = shelf.PeekOrAdd(key, fresh); !ok {
			bucket = fresh
		}
	}
	v := verdict{limiter: l, allowed: bucket.AllowN(now, 1)}
	tokens := bucket.TokensAt(now)
	full := float64(l.rate.Count + l.rate.Burst)
	if l.strict || tokens < full/2 {
		// Only now is it worth the shelf's lock to be remembered longer: who is forgotten before gains at most
		// half a bucket.
		shelf.Get(key)
	}
	perSecond := float64(l.rate.Count) / l.rate.Per.Seconds()
	v.remaining = max(int(tokens), 0)
	v.reset = ceil((full - tokens) / perSecond)
	if !v.allowed {
		v.retry = max(ceil((1-tokens)/perSecond), 1)
	}
	return v
}

// stricter is the verdict that the client should hear of.
func stricter(a, b verdict) verdict {
	switch {
	case a.limiter == nil:
		return b
	case b.limiter == nil || !a.allowed:
		return a
	case !b.allowed || b.remaining < a.remaining:
		return b
	}
	return a
}

// of names the bucket of a login by its hash, so that a long name costs no memory. However an
// account's name is written, it is one bucket: the letters are folded at least as far as Postgres'
// fold_email does.
func (l *limiter) of(login string) bucketKey {
	if l == nil {
		return bucketKey{}
	}
	return bucketKey{number: maphash.String(l.seed, strings.ToLower(norm.NFKC.String(strings.TrimSpace(login))))}
}

// limitLogin slows guessing, by the address that guesses and by the account that is guessed at.
// Whoever guesses from elsewhere keeps nobody out: where the account's bucket is empty, an address
// that somebody has logged in to it from has one of its own. Which address that is, is asked of
// Postgres only then.
func (a *API) limitLogin(ctx context.Context, k *call, login string) error {
	if k.limit(a.sources, bucketKey{addr: source(k.client)}); !k.verdict.allowed {
		return k.tooMany()
	}
	account := a.accounts.of(login)
	byAddress := k.verdict
	if k.limit(a.accounts, account); k.verdict.allowed {
		return nil
	}
	refused := k.tooMany()
	from := k.source()
	if from == "" {
		return refused
	}
	known, err := a.Writer.KnowsSource(ctx, login, from)
	if err != nil {
		return err
	}
	if !known {
		return refused
	}
	k.verdict = byAddress
	if k.limit(a.accounts, bucketKey{number: account.number, addr: source(k.client)}); !k.verdict.allowed {
		return k.tooMany()
	}
	return nil
}

// source is the address that counts as one client: of IPv6 the /64 that one household or
// machine has to itself.
func source(addr netip.Addr) netip.Addr {
	addr = addr.Unmap()
	if addr.Is4() || !addr.IsValid() {
		return addr
	}
	prefix, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return addr
	}
	return prefix.Addr()
}

func ceil(f float64) int { return int(math.Ceil(f - 1e-9)) }

// headers appends the verdict for the client to what is sent.
func (v *verdict) headers(k *call) {
	if v.limiter == nil {
		return
	}
	h := &k.c.Response().Header
	b := append(k.buf[:0], '"')
	b = append(b, v.limiter.name...)
	b = append(b, `";r=`...)
	b = strconv.AppendInt(b, int64(v.remaining), 10)
	b = append(b, ";t="...)
	b = strconv.AppendInt(b, int64(v.reset), 10)
	set(h, headerRateLimit, b)
	set(h, headerRateLimitPolicy, append(b[:0], v.limiter.policy...))
	set(h, headerXLimit, append(b[:0], v.limiter.limit...))
	set(h, headerXRemaining, strconv.AppendInt(b[:0], int64(v.remaining), 10))
	set(h, headerXReset, strconv.AppendInt(b[:0], int64(v.reset), 10))
	k.buf = b
}
