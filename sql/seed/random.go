package seed

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// source gives random numbers that depend on a name alone.
func source(name string) *rand.Rand {
	sum := sha256.Sum256([]byte(name))
	return rand.New(rand.NewPCG(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])))
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// certificateCode gives a subject's code, in the form in which the product makes them of random
// bytes: seven groups of four in Crockford's base 32.
func certificateCode(subject string) string {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	sum := sha256.Sum256([]byte(subject))
	var b strings.Builder
	for i, c := range sum[:28] {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(alphabet[c&31])
	}
	return b.String()
}

// pseudonym has the form of those that Postgres makes at random. The demo's can be found out from the
// address: they hide nobody who exists.
func pseudonym(email string) string {
	return "P-" + strings.ToUpper(digest("pseudonym " + email)[:12])
}

// random gives the source for one subject. Each has its own, so that what becomes of one
// user does not depend on what was drawn for those before.
func (w *world) random(subject string, number int) *rand.Rand {
	return source(fmt.Sprintf("outpost demo %d %s %d", w.seed, subject, number))
}

// between gives a moment from a up to b, in whole seconds.
func between(rng *rand.Rand, a, b time.Time) time.Time {
	seconds := int64(b.Sub(a) / time.Second)
	if seconds <= 0 {
		return a
	}
	return a.Add(time.Duration(rng.Int64N(seconds)) * time.Second)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
