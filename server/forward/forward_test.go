package forward

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "a key that must not travel"

func client(t *testing.T, config Config) *Client {
	t.Helper()
	config.Key, config.Region = key, "syd"
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestTheAnswerPassesUnchanged(t *testing.T) {
	var got *http.Request
	var body []byte
	primary := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Content-Encoding", "br")
		w.Header().Set("Outpost-Position", "7:0/10")
		w.WriteHeader(http.StatusConflict)
		_, _ = w.Write([]byte{0xff, 0, 1})
	}))
	defer primary.Close()
	results := map[string]int{}
	c := client(t, Config{Base: primary.URL, Observe: func(r string) { results[r]++ }})
	answer, err := c.Do(t.Context(), Request{
		Method: "POST", Target: "/api/v1/enrollments?x=a%2Fb", Body: []byte(`{"course_id":1}`), ClientIP: "203.0.113.9", Creates: true,
		Header: http.Header{"authorization": {"Bearer t"}, "X-Request-Id": {"r1"}, "Traceparent": {"00-1-2-01"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if answer.Status != 409 || string(answer.Body) != "\xff\x00\x01" || answer.Header.Get("Content-Encoding") != "br" || answer.Header.Get("Outpost-Position") != "7:0/10" {
		t.Errorf("the answer was changed on its way: %+v", answer)
	}
	if string(body) != `{"course_id":1}` || got.RequestURI != "/api/v1/enrollments?x=a%2Fb" || got.Method != "POST" {
		t.Errorf("the request was changed on its way: %s %s %s", got.Method, got.RequestURI, body)
	}
	for name, want := range map[string]string{
		"Authorization": "Bearer t", "X-Request-Id": "r1", "Traceparent": "00-1-2-01",
		HeaderForwarded: "syd", HeaderForwardedFor: "203.0.113.9",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if len(got.Header.Get("Idempotency-Key")) != 32 {
		t.Errorf("a creating request got the key %q", got.Header.Get("Idempotency-Key"))
	}
	claim := Claim{Method: "POST", Target: got.RequestURI, Region: "syd", ClientIP: "203.0.113.9"}
	if !Verify(key, got.Header.Get(HeaderCluster), claim, time.Now()) {
		t.Error("the primary cannot verify who forwarded")
	}
	for name, values := range got.Header {
		if strings.Contains(strings.Join(values, " "), key) {
			t.Errorf("the cluster key travels in %s", name)
		}
	}
	if results["refused"] != 1 {
		t.Errorf("counted %v", results)
	}
}

func TestAClientsIdempotencyKeyIsKept(t *testing.T) {
	keys := make(chan string, 2)
	primary := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		keys <- r.Header.Get("Idempotency-Key")
	}))
	defer primary.Close()
	c := client(t, Config{Base: primary.URL})
	for _, r := range []Request{
		{Method: "POST", Target: "/", Creates: true, Header: http.Header{"Idempotency-Key": {"mine"}}},
		{Method: "POST", Target: "/"},
	} {
		if _, err := c.Do(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := <-keys, <-keys; a != "mine" || b != "" {
		t.Errorf("the keys are %q and %q, want the client's and none", a, b)
	}
}

// refusing dials nothing until the given number of tries has failed.
func refusing(tries *atomic.Int32, failures int32) *http.Transport {
	return NewTransport(func(ctx context.Context, network, address string) (net.Conn, error) {
		if tries.Add(1) <= failures {
			return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("connection refused")}
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	})
}

func TestOnlyAConnectionThatWasNotMadeIsTriedAgain(t *testing.T) {
	var served, tries atomic.Int32
	primary := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served.Add(1) }))
	defer primary.Close()

	c := client(t, Config{Base: primary.URL, Transport: refusing(&tries, 2)})
	if _, err := c.Do(t.Context(), Request{Method: "POST", Target: "/"}); err != nil || served.Load() != 1 || tries.Load() != 3 {
		t.Errorf("after %d tries and %d requests: %v, want success at the third", tries.Load(), served.Load(), err)
	}

	tries.Store(0)
	c = client(t, Config{Base: primary.URL, Transport: refusing(&tries, 99)})
	_, err := c.Do(t.Context(), Request{Method: "POST", Target: "/"})
	var failed *Error
	if !errors.As(err, &failed) || failed.Sent || tries.Load() != dialTries {
		t.Errorf("a primary that cannot be reached gives %v after %d tries", err, tries.Load())
	}
}

// A primary that takes the request and dies must not be asked again: it may have done it.
func TestALostAnswerIsNotSentTwice(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns atomic.Int32
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns.Add(1)
			_, _ = conn.Read(make([]byte, 4096))
			conn.Close()
		}
	})
	defer wg.Wait()
	defer listener.Close()
	results := map[string]int{}
	c := client(t, Config{Base: "http://" + listener.Addr().String(), Observe: func(r string) { results[r]++ }})
	for _, method := range []string{"POST", "PUT"} {
		conns.Store(0)
		_, err = c.Do(t.Context(), Request{Method: method, Target: "/?token=secret", Body: []byte("x"), Creates: true})
		var failed *Error
		if !errors.As(err, &failed) || !failed.Sent {
			t.Errorf("%s: a lost answer gives %v, want an unknown outcome", method, err)
		}
		if conns.Load() != 1 {
			t.Errorf("%s: the request went out %d times", method, conns.Load())
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error shows the query: %v", method, err)
		}
	}
	if results["lost"] != 2 {
		t.Errorf("counted %v", results)
	}
}

func TestATooLargeAnswerIsRefused(t *testing.T) {
	primary := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 1<<20)
		for range maxAnswer>>20 + 1 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	defer primary.Close()
	if _, err := client(t, Config{Base: primary.URL}).Do(t.Context(), Request{Method: "GET", Target: "/"}); err == nil {
		t.Error("an answer without bounds was taken")
	}
}

func TestATargetCannotLeaveThePrimary(t *testing.T) {
	c := client(t, Config{Base: "http://127.0.0.1:1"})
	for _, target := range []string{"//evil.example/x", "http://evil.example/", "http://127.0.0.1:2/", "%zz"} {
		if _, err := c.Do(t.Context(), Request{Method: "GET", Target: target}); err == nil || !strings.Contains(err.Error(), "not a path") {
			t.Errorf("%q gives %v", target, err)
		}
	}
}

func TestNewRefusesWhatIsNotAURL(t *testing.T) {
	for _, base := range []string{"", "fra.internal:8080", "ftp://x", "http://"} {
		if _, err := New(Config{Base: base}); err == nil {
			t.Errorf("New took %q", base)
		}
	}
}

func TestAProofHoldsForOneClaimAndAShortTime(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	c := Claim{Method: "POST", Target: "/a?b=c", Region: "syd", ClientIP: "203.0.113.9"}
	h := Sign(key, c, now)
	cases := map[string]bool{
		"as made":            Verify(key, h, c, now),
		"a little later":     Verify(key, h, c, now.Add(skew)),
		"too late":           !Verify(key, h, c, now.Add(skew+time.Second)),
		"from the future":    !Verify(key, h, c, now.Add(-skew-time.Second)),
		"another key":        !Verify("other", h, c, now),
		"no key":             !Verify("", Sign("", c, now), c, now),
		"no header":          !Verify(key, "", c, now),
		"another version":    !Verify(key, "v2"+h[2:], c, now),
		"not hex":            !Verify(key, h[:len(h)-1]+"z", c, now),
		"not a time":         !Verify(key, "v1.x."+h[len(h)-64:], c, now),
		"another method":     !Verify(key, h, Claim{"PUT", c.Target, c.Region, c.ClientIP}, now),
		"another target":     !Verify(key, h, Claim{c.Method, "/a", c.Region, c.ClientIP}, now),
		"another region":     !Verify(key, h, Claim{c.Method, c.Target, "iad", c.ClientIP}, now),
		"another client":     !Verify(key, h, Claim{c.Method, c.Target, c.Region, "203.0.113.8"}, now),
		"parts moved across": !Verify(key, h, Claim{"POS", "T/a?b=c", c.Region, c.ClientIP}, now),
	}
	for name, ok := range cases {
		if !ok {
			t.Errorf("%s: the proof is judged wrongly", name)
		}
	}
}
