package api

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestABucketFillsAgain(t *testing.T) {
	l, err := newLimiter("default", Rate{Count: 60, Per: time.Minute, Burst: 2}, false)
	if err != nil {
		t.Fatal(err)
	}
	key := bucketKey{number: 1}
	now := day
	for i := range 62 {
		if v := l.take(key, now); !v.allowed || v.remaining != 61-i {
			t.Fatalf("request %d: %+v", i, v)
		}
	}
	if v := l.take(key, now); v.allowed || v.retry != 1 || v.reset != 62 || v.remaining != 0 {
		t.Errorf("one too many: %+v", v)
	}
	if v := l.take(bucketKey{number: 2}, now); !v.allowed {
		t.Error("another one's bucket is empty too")
	}
	if v := l.take(key, now.Add(time.Second)); !v.allowed {
		t.Errorf("a second later: %+v", v)
	}
	if v := l.take(key, now.Add(time.Hour)); !v.allowed || v.remaining != 61 {
		t.Errorf("an hour later: %+v", v)
	}
}

func TestALimiterIsBounded(t *testing.T) {
	l, err := newLimiter("default", Rate{Count: 1, Per: time.Minute}, false)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 * buckets {
		l.take(bucketKey{number: uint64(i)}, day)
	}
	for i, shelf := range l.shelves {
		if n := shelf.Len(); n != buckets/shelves {
			t.Errorf("shelf %d keeps %d buckets", i, n)
		}
	}
	for _, r := range []Rate{{Count: -1, Per: time.Second}, {Count: 1}, {Count: 1, Per: time.Second, Burst: -1}} {
		if _, err := newLimiter("default", r, false); err == nil {
			t.Errorf("it takes %+v", r)
		}
	}
}

// TestAStrictLimiterForgetsNobodyWhoGoesOn lets one use a bucket now and then while so many others come that
// those who use theirs no more are forgotten.
func TestAStrictLimiterForgetsNobodyWhoGoesOn(t *testing.T) {
	for _, strict := range []bool{true, false} {
		l, err := newLimiter("login", Rate{Count: 1000, Per: 24 * time.Hour}, strict)
		if err != nil {
			t.Fatal(err)
		}
		const times = 8
		left := 0
		for n := range times {
			left = l.take(bucketKey{number: 1}, day).remaining
			for i := range buckets / 4 {
				l.take(bucketKey{route: 1, number: uint64(n*buckets + i)}, day)
			}
		}
		if kept := left == 1000-times; kept != strict {
			t.Errorf("strict: %v, and after %d of 1000 there are %d left", strict, times, left)
		}
	}
}

func TestOneHouseholdIsOneSource(t *testing.T) {
	for addr, want := range map[string]string{
		"203.0.113.9": "203.0.113.9", "::ffff:203.0.113.9": "203.0.113.9", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::", "fe80::1%eth0": "fe80::",
	} {
		if got := source(netip.MustParseAddr(addr)).String(); got != want {
			t.Errorf("%s counts as %s, want %s", addr, got, want)
		}
	}
	if source(netip.Addr{}).IsValid() {
		t.Error("no address became one")
	}
}

func TestTooManyRequestsAreRefusedWithAllTheHeaders(t *testing.T) {
	n := newNode(t, func(d *Deps, _ *node) { d.Limits.Rate = Rate{Count: 3, Per: time.Minute, Burst: 1} })
	header := n.as(1)
	first := n.do("GET", "/api/v1/me", header, "")
	for name, want := range map[string]string{
		"Ratelimit": `"default";r=3;t=20`, "Ratelimit-Policy": `"default";q=3;w=60;burst=1`,
		"X-Ratelimit-Limit": "4", "X-Ratelimit-Remaining": "3", "X-Ratelimit-Reset": "20", "Retry-After": "",
	} {
		if got := first.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for range 3 {
		n.do("GET", "/api/v1/me", header, "")
	}
	last := n.do("GET", "/api/v1/me", header, "")
	if last.StatusCode != 429 || last.Header.Get("X-Ratelimit-Remaining") != "0" || last.Header.Get("Ratelimit") == "" {
		t.Errorf("one too many: %d %v", last.StatusCode, last.Header)
	}
	if after := last.Header.Get("Retry-After"); after != "20" && after != "19" {
		t.Errorf("Retry-After is %q", after)
	}
	if a := n.do("GET", "/api/v1/courses", header, ""); a.StatusCode != 200 {
		t.Errorf("another route: %d", a.StatusCode)
	}
	if a := n.do("GET", "/api/v1/me", n.as(2), ""); a.StatusCode != 200 {
		t.Errorf("another user: %d", a.StatusCode)
	}
	for range 4 {
		if a := n.do("GET", "/api/v1/me", nil, ""); a.StatusCode != 401 {
			t.Errorf("a stranger: %d", a.StatusCode)
		}
	}
	if a := n.do("GET", "/api/v1/me", http.Header{"Authorization": {"Bearer x"}}, ""); a.StatusCode != 429 {
		t.Errorf("a stranger who goes on: %d", a.StatusCode)
	}
	for range 10 {
		if a := n.do("GET", "/livez", nil, ""); a.StatusCode != 200 || a.Header.Get("Ratelimit") != "" {
			t.Fatalf("health: %d %v", a.StatusCode, a.Header)
		}
	}
}

func TestLoginsAreLimitedByAccountAndByAddress(t *testing.T) {
	n := newNode(t, func(d *Deps, _ *node) {
		d.Limits.Login = Rate{Count: 2, Per: time.Minute, Burst: 1}
		d.ClientIPHeader = "Fly-Client-IP"
	})
	try := func(account, ip string) int {
		t.Helper()
		a := n.do("POST", "/api/v1/auth/login", http.Header{"Fly-Client-Ip": {ip}}, fmt.Sprintf(`{"email":%q,"password":"guess"}`, account))
		if a.StatusCode == 429 && (a.Header.Get("Retry-After") == "" || !strings.HasPrefix(a.Header.Get("Ratelimit"), `"login"`)) {
			t.Errorf("a refused login has %v", a.Header)
		}
		return a.StatusCode
	}
	for i := range 3 {
		if got := try("USER1@example.com", fmt.Sprintf("203.0.113.%d", i)); got != 401 {
			t.Errorf("guess %d: %d", i, got)
		}
	}
	if got := try("user1@example.com", "203.0.113.9"); got != 429 {
		t.Errorf("the account's fourth, from elsewhere: %d", got)
	}
	for i := range 3 {
		if got := try(fmt.Sprintf("user%d@example.com", 10+i), "198.51.100.1"); got != 401 {
			t.Errorf("address, guess %d: %d", i, got)
		}
	}
	if got := try("user20@example.com", "198.51.100.1"); got != 429 {
		t.Errorf("the address' fourth, for another account: %d", got)
	}
	if n := len(n.writer.logins); n != 6 {
		t.Errorf("%d passwords were checked, want 6", n)
	}
}

// TestGuessingFromElsewhereKeepsNobodyOut empties an account's bucket from many addresses.
func TestGuessingFromElsewhereKeepsNobodyOut(t *testing.T) {
	n := newNode(t, func(d *Deps, n *node) {
		d.Limits.Login = Rate{Count: 2, Per: time.Minute, Burst: 1}
		d.Limits.Rate = Rate{}
		d.ClientIPHeader = "Fly-Client-IP"
		n.writer.known = map[string]string{"user1@example.com": "2001:db8:1:2::"}
	})
	try := func(account, password, ip string, want int) {
		t.Helper()
		a := n.do("POST", "/api/v1/auth/login", http.Header{"Fly-Client-Ip": {ip}}, fmt.Sprintf(`{"email":%q,"password":%q}`, account, password))
		if a.StatusCode != want {
			t.Errorf("%s from %s: %d, want %d", account, ip, a.StatusCode, want)
		}
		if want == 429 && (a.Header.Get("Retry-After") == "" || a.Header.Get("X-Ratelimit-Remaining") != "0") {
			t.Errorf("a refused login has %v", a.Header)
		}
	}
	const owner = "user1@example.com"
	for i := range 3 {
		try(owner, "guess", fmt.Sprintf("203.0.113.%d", i), 401)
	}
	if len(n.writer.knows) != 0 {
		t.Errorf("Postgres was asked while there was no need: %q", n.writer.knows)
	}
	for i := range 10 {
		try(owner, "guess", fmt.Sprintf("203.0.113.%d", 100+i), 429)
	}
	try(owner, "testpassword", "2001:db8:1:2:3:4:5:6", 200) // from home
	try(owner, "wrong", "2001:db8:1:2::7", 401)
	try(owner, "wrong", "2001:db8:1:2::7", 401)
	try(owner, "testpassword", "2001:db8:1:2::8", 429) // guessing there is slowed too, by the address
	for i := range 3 {
		try("nobody@example.com", "guess", fmt.Sprintf("198.51.100.%d", i), 401)
	}
	try("nobody@example.com", "guess", "198.51.100.9", 429)
	if got := n.writer.knows[len(n.writer.knows)-1]; got != "nobody@example.com from 198.51.100.9" {
		t.Errorf("an account that does not exist costs something else: %q", got)
	}
	if n := len(n.writer.logins); n != 9 {
		t.Errorf("%d passwords were checked, want 9", n)
	}
}

// TestAnAccountIsOneHoweverItIsWritten: what Postgres folds into one address is one bucket.
func TestAnAccountIsOneHoweverItIsWritten(t *testing.T) {
	l, err := newLimiter("login", Rate{Count: 1, Per: time.Minute}, true)
	if err != nil {
		t.Fatal(err)
	}
	want := l.of("änne@example.com")
	for _, written := range []string{"ÄNNE@example.com", "a\u0308nne@example.com", "  änne@example.com ", "änne＠ｅxample.com", "\u00a0änne@example.com", "äℕ𝐧e@example.com"} {
		text, err := strconv.Unquote(`"` + written + `"`)
		if err != nil {
			t.Fatal(err)
		}
		if l.of(text) != want {
			t.Errorf("%q has a bucket of its own", text)
		}
	}
	if l.of("anne@example.com") == want {
		t.Error("another address has the same bucket")
	}
}

// The primary limits logins by the client behind an edge, and leaves it to the edge to limit the
// rest; nobody else can claim to be another client.
func TestTheClientBehindAnEdgeIsTheOneThatCounts(t *testing.T) {
	primary := newNode(t, func(d *Deps, _ *node) {
		d.Limits.Login = Rate{Count: 1, Per: time.Minute}
		d.Limits.Rate = Rate{Count: 1, Per: time.Minute}
	})
	edge := newEdge(t, primary.listen(), func(d *Deps, _ *node) { d.ClientIPHeader = "Fly-Client-IP" })
	login := func(n *node, user int, ip string) answered {
		t.Helper()
		return n.do("POST", "/api/v1/auth/login", http.Header{"Fly-Client-Ip": {ip}, "Outpost-Forwarded-For": {ip}, "Outpost-Forwarded": {"syd"}, "Outpost-Cluster": {"v1.1.00"}},
			fmt.Sprintf(`{"email":"user%d@example.com","password":"guess"}`, user))
	}
	for i := range 3 {
		if a := login(edge, i, fmt.Sprintf("203.0.113.%d", i)); a.StatusCode != 401 {
			t.Errorf("client %d: %d", i, a.StatusCode)
		}
	}
	if a := login(edge, 7, "203.0.113.0"); a.StatusCode != 429 || !strings.HasPrefix(a.Header.Get("Ratelimit"), `"login"`) || a.Header.Get("Retry-After") == "" {
		t.Errorf("a client's second: %d %v", a.StatusCode, a.Header)
	}
	if got := primary.writer.logins[0]; got.IP != "203.0.113.0" {
		t.Errorf("the primary saw %+v", got)
	}
	if a := login(primary, 8, "203.0.113.77"); a.StatusCode != 401 {
		t.Errorf("straight to the primary: %d", a.StatusCode)
	}
	if a := login(primary, 9, "203.0.113.78"); a.StatusCode != 429 {
		t.Errorf("a client that claims to be others: %d", a.StatusCode)
	}
}
