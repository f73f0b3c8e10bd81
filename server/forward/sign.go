package forward

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// skew is how far the clocks of two nodes may differ, and how long a proof is good.
const skew = 5 * time.Minute

// Claim is what a node says about a request it sends to another.
type Claim struct {
	Method   string
	Target   string // path and query, as they travel
	Region   string
	ClientIP string // empty when the node asks for itself
}

// Sign proves that whoever makes the claim holds the cluster key: a time and an HMAC over
// the time and the claim. It goes into HeaderCluster.
func Sign(key string, c Claim, now time.Time) string {
	at := strconv.FormatInt(now.Unix(), 10)
	return "v1." + at + "." + hex.EncodeToString(proof(key, c, at))
}

// SignHeader puts the proof of a node's own request into its header.
func SignHeader(h http.Header, key, region, method, target string, now time.Time) {
	h.Set(HeaderForwarded, region)
	h.Set(HeaderCluster, Sign(key, Claim{Method: method, Target: target, Region: region}, now))
}

// Verify says whether header is a proof of c by a holder of key, made within five minutes of
// now. Without a key nothing is proved.
func Verify(key, header string, c Claim, now time.Time) bool {
	parts := strings.Split(header, ".")
	if key == "" || len(parts) != 3 || parts[0] != "v1" {
		return false
	}
	at, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return false
	}
	if age := now.Sub(time.Unix(at, 0)); age > skew || age < -skew {
		return false
	}
	got, err := hex.DecodeString(parts[2])
	return err == nil && hmac.Equal(got, proof(key, c, parts[1]))
}

func proof(key string, c Claim, at string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	for _, s := range []string{"outpost cluster v1", at, c.Method, c.Target, c.Region, c.ClientIP} {
		// The length before each part keeps two claims from having the same bytes.
		mac.Write([]byte(strconv.Itoa(len(s)) + ":" + s))
	}
	return mac.Sum(nil)
}
