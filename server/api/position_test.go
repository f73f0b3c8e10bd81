package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/server/auth"
	"outpost/server/cache"
)

const position = "Outpost-Position"

func TestAReadWaitsForItsPosition(t *testing.T) {
	n := newNode(t, func(d *Deps, _ *node) { d.Limits.Wait = 10 * time.Second })
	header := n.as(1, position, at(101))
	n.do("GET", "/api/v1/me", n.as(1), "") // an entry that is too old for what comes
	n.writer.newest = 101
	answers := make(chan answered, 1)
	go func() { answers <- n.do("GET", "/api/v1/me", header, "") }()
	select {
	case a := <-answers:
		t.Fatalf("the read did not wait: %s", a.body)
	case <-time.After(50 * time.Millisecond):
	}
	n.world.change(func() {
		u := n.world.users[1]
		u.FullName = "Renamed"
		n.world.users[1] = u
	}, cache.Row("users", 1))
	a := <-answers
	if !strings.Contains(a.body, "Renamed") || a.position(t).String() != at(101) || !strings.Contains(a.Header.Get("Server-Timing"), "wait;dur=") {
		t.Errorf("after the wait: %s at %s, %s", a.body, a.position(t), a.Header.Get("Server-Timing"))
	}
}

func TestThePrimaryAnswersEveryPosition(t *testing.T) {
	for _, c := range []struct {
		name   string
		asked  string
		newest change.LSN
		down   error
		status int
		stale  string
		sent   string
	}{
		{"reached", at(100), 0, nil, 200, "", at(100)},
		{"of an older generation", "6:FF/0", 0, nil, 200, "", at(100)},
		{"of a generation that nobody has", "8:0/1", 0, nil, 200, "", at(100)},
		{"beyond anything Postgres has", at(5000), 200, nil, 200, "", at(100)},
		{"on its way for too long", at(150), 200, nil, 503, "", at(150)},
		{"and Postgres is away", at(150), 0, errors.New("connection refused"), 200, "1", at(150)},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNode(t, nil)
			n.writer.newest, n.writer.down = c.newest, c.down
			a := n.do("GET", "/api/v1/me", n.as(1, position, c.asked), "")
			if a.StatusCode != c.status || a.Header.Get("Outpost-Stale") != c.stale || a.position(t).String() != c.sent {
				t.Errorf("status %d, stale %q, position %s; want %d, %q, %s", a.StatusCode, a.Header.Get("Outpost-Stale"), a.position(t), c.status, c.stale, c.sent)
			}
			if c.status == 503 && a.Header.Get("Retry-After") == "" {
				t.Error("a 503 without Retry-After")
			}
		})
	}
}

func TestABogusPositionBuysNoWait(t *testing.T) {
	n := newNode(t, func(d *Deps, _ *node) { d.Limits.Wait = time.Minute })
	began := time.Now()
	n.do("GET", "/api/v1/me", n.as(1, position, at(1<<40)), "")
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it waited %v", took)
	}
}

func TestAnEdgeThatIsBehindLetsThePrimaryAnswer(t *testing.T) {
	primary := newNode(t, nil)
	edge := newEdge(t, primary.listen(), nil)
	header := edge.as(1)
	written := edge.do("POST", "/api/v1/enrollments", header, json1)
	if written.StatusCode != 201 || written.Header.Get("Outpost-Region") != "syd" || written.position(t).String() != at(101) {
		t.Fatalf("writing through the edge: %d in %s at %s: %s", written.StatusCode, written.Header.Get("Outpost-Region"), written.position(t), written.body)
	}
	if keys := primary.writer.keys; len(keys) != 1 || len(keys[0]) != 32 {
		t.Errorf("the edge set the keys %q", keys)
	}
	header.Set(position, written.Header.Get(position))
	a := edge.do("GET", "/api/v1/enrollments/101", header, "")
	if a.StatusCode != 200 || !strings.Contains(a.body, `"id":101`) || a.Header.Get("Cache-Status") != "outpost; fwd=bypass" {
		t.Errorf("reading it back: %d, %q: %s", a.StatusCode, a.Header.Get("Cache-Status"), a.body)
	}
	if a.position(t).Compare(written.position(t)) < 0 || a.Header.Get("Outpost-Stale") != "" {
		t.Errorf("it went back to %s, stale %q", a.position(t), a.Header.Get("Outpost-Stale"))
	}
	// A position of a generation that the edge does not have yet: the primary knows.
	header.Set(position, "9:0/1")
	if a := edge.do("GET", "/api/v1/me", header, ""); a.StatusCode != 200 || a.position(t).Generation != generation {
		t.Errorf("for a newer generation: %d at %s", a.StatusCode, a.position(t))
	}
	header.Set(position, at(101))
	header.Set("Accept-Encoding", "gzip")
	if a := edge.do("GET", "/api/v1/courses/phishing", header, ""); a.Header.Get("Content-Encoding") != "gzip" || a.Header.Get("Etag") == "" {
		t.Errorf("a forwarded answer is encoded as %q with ETag %q", a.Header.Get("Content-Encoding"), a.Header.Get("Etag"))
	}
	head := edge.do("HEAD", "/api/v1/courses/phishing", edge.as(1, position, at(101)), "")
	if head.StatusCode != 200 || head.body != "" || head.ContentLength < 1000 {
		t.Errorf("a forwarded HEAD: %d, %d bytes of %d", head.StatusCode, len(head.body), head.ContentLength)
	}
}

// unreachable is the URL of a primary that is gone.
func unreachable(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return "http://" + ln.Addr().String()
}

func TestADeadPrimaryStopsWritesNotReads(t *testing.T) {
	edge := newEdge(t, unreachable(t), nil)
	if a := edge.do("GET", "/api/v1/me", edge.as(1), ""); a.StatusCode != 200 || a.Header.Get("Outpost-Stale") != "" {
		t.Errorf("a read without a position: %d, stale %q", a.StatusCode, a.Header.Get("Outpost-Stale"))
	}
	a := edge.do("GET", "/api/v1/me", edge.as(1, position, at(150)), "")
	if a.StatusCode != 200 || a.Header.Get("Outpost-Stale") != "1" || a.position(t).String() != at(150) {
		t.Errorf("a read with a position: %d, stale %q, at %s", a.StatusCode, a.Header.Get("Outpost-Stale"), a.position(t))
	}
	if a := edge.do("GET", "/api/v1/me", edge.as(1, position, at(150), "Outpost-Strict", "1"), ""); a.StatusCode != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("a strict read: %d", a.StatusCode)
	}
	a = edge.do("POST", "/api/v1/enrollments", edge.as(1, position, at(150)), json1)
	if a.StatusCode != 503 || !strings.Contains(a.body, "Nothing was changed.") || a.position(t).String() != at(150) || a.Header.Get("Retry-After") == "" {
		t.Errorf("a write: %d at %s: %s", a.StatusCode, a.position(t), a.body)
	}
}

func TestALostWriteIsNotCalledUndone(t *testing.T) {
	primary := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	}))
	defer primary.Close()
	edge := newEdge(t, primary.URL, nil)
	a := edge.do("POST", "/api/v1/enrollments", edge.as(1), json1)
	if a.StatusCode != 503 || !strings.Contains(a.body, "may have been made") {
		t.Errorf("a lost write: %d: %s", a.StatusCode, a.body)
	}
}

func TestAReplicaKnownToBeBehindSaysSo(t *testing.T) {
	edge := newEdge(t, unreachable(t), func(d *Deps, _ *node) {
		d.Stale = func() (time.Duration, bool) { return 4200 * time.Millisecond, true }
	})
	if a := edge.do("GET", "/api/v1/courses", edge.as(1), ""); a.StatusCode != 200 || a.Header.Get("Outpost-Stale") != "5" {
		t.Errorf("status %d, stale %q", a.StatusCode, a.Header.Get("Outpost-Stale"))
	}
	if a := edge.do("GET", "/api/v1/courses", edge.as(1, "Outpost-Strict", "1"), ""); a.StatusCode != 503 {
		t.Errorf("a strict request got %d", a.StatusCode)
	}
}

func TestAnEdgeWithoutDataLetsThePrimaryAnswer(t *testing.T) {
	primary := newNode(t, nil)
	edge := newEdge(t, primary.listen(), func(_ *Deps, n *node) { n.world.loaded = false })
	if a := edge.do("GET", "/api/v1/courses/phishing", edge.as(1), ""); a.StatusCode != 200 || !strings.Contains(a.body, "Phishing") {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
	alone := newEdge(t, unreachable(t), func(_ *Deps, n *node) { n.world.loaded = false })
	if a := alone.do("GET", "/api/v1/courses/phishing", alone.as(1), ""); a.StatusCode != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("without a primary: %d", a.StatusCode)
	}
}

func TestAnEdgeDoesNotRefuseWhatItHasNotHeardOf(t *testing.T) {
	primary := newNode(t, nil)
	edge := newEdge(t, primary.listen(), func(_ *Deps, n *node) { n.world.keys = false })
	if a := edge.do("GET", "/api/v1/me", edge.as(1), ""); a.StatusCode != 200 {
		t.Errorf("a key that has not arrived: %d: %s", a.StatusCode, a.body)
	}
	if a := edge.do("POST", "/api/v1/enrollments", edge.as(1), json1); a.StatusCode != 201 {
		t.Errorf("and for a write: %d: %s", a.StatusCode, a.body)
	}
	if a := edge.do("GET", "/api/v1/me", http.Header{"Authorization": {"Bearer nonsense"}}, ""); a.StatusCode != 401 {
		t.Errorf("nonsense: %d", a.StatusCode)
	}
}

func TestAnExpiredTokenReadsWhileThePrimaryIsAway(t *testing.T) {
	away := false
	edge := newEdge(t, unreachable(t), func(d *Deps, _ *node) { d.Away = func() bool { return away } })
	late, err := auth.NewSigner(kid, signingKey(), func() time.Time { return time.Now().Add(-auth.Life - time.Minute) })
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := late.Sign(edge.world.principal(edge.world.users[1]))
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{"Authorization": {"Bearer " + token}}
	if a := edge.do("GET", "/api/v1/me", header, ""); a.StatusCode != 401 || !strings.Contains(a.body, "expired") {
		t.Errorf("while the primary is there: %d: %s", a.StatusCode, a.body)
	}
	away = true
	if a := edge.do("GET", "/api/v1/me", header, ""); a.StatusCode != 200 {
		t.Errorf("while it is away: %d: %s", a.StatusCode, a.body)
	}
	if a := edge.do("POST", "/api/v1/enrollments", header, json1); a.StatusCode != 401 {
		t.Errorf("a write while it is away: %d", a.StatusCode)
	}
}

func TestTwoEdgesDoNotSendARequestToAndFro(t *testing.T) {
	second := newEdge(t, unreachable(t), nil)
	first := newEdge(t, second.listen(), nil)
	if a := first.do("POST", "/api/v1/enrollments", first.as(1), json1); a.StatusCode != 503 {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
}

func TestThePositionTravelsInTheCookieOfNavigations(t *testing.T) {
	n := newNode(t, nil)
	cookie := func(mode, sent string) string {
		t.Helper()
		header := n.as(1)
		if mode != "" {
			header.Set("Sec-Fetch-Mode", mode)
		}
		if sent != "" {
			header.Set("Cookie", "a=b; outpost_position="+sent)
		}
		return n.do("GET", "/api/v1/me", header, "").Header.Get("Set-Cookie")
	}
	got := cookie("navigate", "")
	for _, want := range []string{"outpost_position=" + at(100), "path=/", "max-age=86400", "SameSite=Lax"} {
		if !strings.Contains(got, want) {
			t.Errorf("the cookie lacks %s: %s", want, got)
		}
	}
	if strings.Contains(got, "HttpOnly") {
		t.Errorf("scripts cannot keep the maximum: %s", got)
	}
	if got := cookie("cors", ""); got != "" {
		t.Errorf("a script's read set %s", got)
	}
	if got := cookie("", ""); got != "" {
		t.Errorf("a client that is no browser got %s", got)
	}
	if got := cookie("navigate", at(100)); got != "" {
		t.Errorf("what the browser has already was set: %s", got)
	}
	if got := cookie("navigate", "6:FF/FF"); !strings.Contains(got, at(100)) {
		t.Errorf("an older generation stayed: %s", got)
	}
	n.writer.newest = 200
	if got := cookie("navigate", at(150)); got != "" { // 503: it has not arrived
		t.Errorf("the cookie went back: %s", got)
	}
	// The cookie is waited for like the header.
	header := n.as(1)
	header.Set("Cookie", "outpost_position="+at(150))
	if a := n.do("GET", "/api/v1/me", header, ""); a.StatusCode != 503 {
		t.Errorf("a read behind its cookie got %d", a.StatusCode)
	}
}

func TestPositionsAreWrittenAsTheyAreRead(t *testing.T) {
	for _, p := range []change.Position{{}, {Generation: 1795413600, LSN: 0x16B3748}, {Generation: 1<<64 - 1, LSN: 1<<64 - 1}, {Generation: 7, LSN: 0xABCDEF << 32}} {
		if got := string(appendPosition(nil, p)); got != p.String() {
			t.Errorf("%s was written as %s", p, got)
		}
	}
}

func TestAskingPostgresIsShared(t *testing.T) {
	var n newest
	release := make(chan struct{})
	asked := make(chan struct{}, 10)
	read := func(context.Context) (change.LSN, error) {
		asked <- struct{}{}
		<-release
		return 42, nil
	}
	answers := make(chan string, 3)
	ask := func(ctx context.Context) {
		lsn, err := n.ask(ctx, read)
		answers <- strconv.FormatUint(uint64(lsn), 10) + errText(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go ask(ctx)
	<-asked
	cancel()
	if got := <-answers; got != "0context canceled" {
		t.Errorf("the one who went got %s", got)
	}
	go ask(context.Background())
	go ask(context.Background())
	close(release)
	for range 2 {
		if got := <-answers; got != "42" {
			t.Errorf("one who stayed got %s", got)
		}
	}
	if n.known() != 42 {
		t.Errorf("what was learnt is %s", n.known())
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
