package api

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"outpost/replicate/change"
	"outpost/server/auth"
	"outpost/server/cache"
	"outpost/server/forward"
	"outpost/server/telemetry"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// Fiber keeps a clock of its own running for as long as the program.
		goleak.IgnoreAnyFunction("github.com/gofiber/fiber/v2/utils.StartTimeStampUpdater.func1.1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		// After its end a server's pool of workers sleeps once more, for ten seconds.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
	)
}

const clusterKey = "the cluster's key"

// node is one API over a world of its own.
type node struct {
	*API
	t      testing.TB
	world  *world
	writer *writer // of a primary
	logs   *logs
	signer *auth.Signer
}

type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// signingKey is the same for all nodes.
func signingKey() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef"))
}

// newNode makes a primary; bend may make it an edge.
func newNode(t testing.TB, bend func(*Deps, *node)) *node {
	t.Helper()
	n := &node{t: t, world: newWorld(), logs: &logs{}}
	n.world.public = signingKey().Public().(ed25519.PublicKey)
	c, err := cache.New(cache.Options{MaxBytes: 8 << 20, Published: func() cache.At { return cache.At(n.world.published()) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.Reset(1)
	n.world.cache = c
	n.writer = &writer{world: n.world}
	if n.signer, err = auth.NewSigner(kid, signingKey(), nil); err != nil {
		t.Fatal(err)
	}
	d := Deps{
		Region: "fra", Version: "test", Read: n.world.read, Published: n.world.published, Wait: n.world.wait, Cache: c,
		Writer: n.writer, Tokens: n.signer.Sign,
		Stale: func() (time.Duration, bool) { return 0, false }, Away: func() bool { return false },
		Ready: func() error { return nil },
		Status: func(detailed bool) any {
			return map[string]any{"region": "fra", "regions": []any{}, "detailed": detailed}
		},
		Changed: func() <-chan struct{} { return nil },
		History: func() ([]byte, error) {
			return []byte(`{"region":"fra","from":"2026-11-30T08:00:00Z","step_seconds":10,"steps":0,"regions":[]}`), nil
		},
		ClusterKey: clusterKey, Limits: Limits{Body: 4 << 10, Wait: 200 * time.Millisecond},
		Metrics: telemetry.New("v1", "fra", nil), Log: telemetry.NewLog(n.logs, "json", slog.LevelInfo),
	}
	if bend != nil {
		bend(&d, n)
	}
	keys := auth.KeySource{Identify: n.writer.identify, Wait: n.world.wait}
	if d.Forward != nil {
		keys.Identify = Identify(d.Forward)
	}
	if d.Auth, err = auth.NewAuthenticator(auth.Options{Cache: d.Cache, Read: n.world.read, Keys: keys}); err != nil {
		t.Fatal(err)
	}
	if n.API, err = New(d); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := n.Shutdown(ctx); err != nil {
			t.Errorf("shutting down: %v", err)
		}
	})
	return n
}

// listen serves n on a port and gives its URL.
func (n *node) listen() string {
	n.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		n.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- n.Listen(ln) }()
	n.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := n.Shutdown(ctx); err != nil {
			n.t.Errorf("shutting down: %v", err)
		}
		if err := <-done; err != nil {
			n.t.Errorf("listening: %v", err)
		}
	})
	return "http://" + ln.Addr().String()
}

// newEdge makes an edge of the primary at that URL. Its world is at the same position but does
// not follow.
func newEdge(t *testing.T, primary string, bend func(*Deps, *node)) *node {
	t.Helper()
	return newNode(t, func(d *Deps, n *node) {
		client, err := forward.New(forward.Config{Base: primary, Key: clusterKey, Region: "syd", Observe: d.Metrics.Forward})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		d.Region, d.Writer, d.Tokens, d.Forward = "syd", nil, nil, client
		if bend != nil {
			bend(d, n)
		}
	})
}

// token is user's access token.
func (n *node) token(user int64) string {
	n.t.Helper()
	n.world.mu.Lock()
	p := n.world.principal(n.world.users[user])
	n.world.mu.Unlock()
	token, _, err := n.signer.Sign(p)
	if err != nil {
		n.t.Fatal(err)
	}
	return token
}

// as gives the header of a user's request.
func (n *node) as(user int64, more ...string) http.Header {
	h := http.Header{"Authorization": {"Bearer " + n.token(user)}}
	for i := 0; i+1 < len(more); i += 2 {
		h.Set(more[i], more[i+1])
	}
	return h
}

// answered is a complete answer.
type answered struct {
	*http.Response
	body string
}

// do sends a request through the server without a network.
func (n *node) do(method, target string, header http.Header, body string) answered {
	n.t.Helper()
	request := httptest.NewRequest(method, target, strings.NewReader(body))
	for name, values := range header {
		request.Header[name] = values
	}
	if body != "" && request.Header.Get("Content-Type") == "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := n.app.Test(request, -1)
	if err != nil {
		n.t.Fatalf("%s %s: %v", method, target, err)
	}
	return finish(n.t, request, response)
}

// finish reads the answer and holds what every answer promises.
func finish(t testing.TB, request *http.Request, response *http.Response) answered {
	t.Helper()
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answered{response, string(b)}
	name := request.Method + " " + request.URL.Path
	for header, pattern := range map[string]string{
		"X-Request-Id": `^[\w.:/+=-]{1,128}$`, "Outpost-Region": `^[a-z]{3}$`, "Outpost-Position": `^\d+:[0-9A-F]+/[0-9A-F]+$`,
		"Cache-Control": `.`, "Server-Timing": `total;dur=`, "X-Content-Type-Options": `^nosniff$`,
	} {
		if got := response.Header.Get(header); !regexp.MustCompile(pattern).MatchString(got) {
			t.Errorf("%s: %s is %q", name, header, got)
		}
	}
	if response.StatusCode >= 400 && request.Method != http.MethodHead {
		a.checkProblem(t, name)
	}
	validate(t, request, a)
	return a
}

// checkProblem holds what every error promises.
func (a answered) checkProblem(t testing.TB, name string) {
	t.Helper()
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("%s: an error %d is %q: %s", name, a.StatusCode, got, a.body)
		return
	}
	var p struct {
		Type, Title, Detail, Instance string
		Status                        int
		RequestID                     string `json:"request_id"`
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Errorf("%s: %v: %s", name, err, a.body)
	}
	if p.Type == "" || p.Title == "" || p.Detail == "" || p.Instance == "" || p.Status != a.StatusCode || p.RequestID != a.Header.Get("X-Request-Id") {
		t.Errorf("%s: the problem is incomplete: %s", name, a.body)
	}
	if a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: an error may be stored: %q", name, a.Header.Get("Cache-Control"))
	}
	for _, inside := range []string{"goroutine", "panic", ".go:", "fiber", "secret", "sql", "dial tcp"} {
		if strings.Contains(a.body, inside) {
			t.Errorf("%s: the error shows %q: %s", name, inside, a.body)
		}
	}
}

func (a answered) position(t *testing.T) change.Position {
	t.Helper()
	p, err := change.ParsePosition(a.Header.Get("Outpost-Position"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func at(lsn change.LSN) string {
	return change.Position{Generation: generation, LSN: lsn}.String()
}
