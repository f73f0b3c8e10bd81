package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"outpost/server/forward"
)

func TestLogsSayWhatHappenedAndNoSecret(t *testing.T) {
	n := newNode(t, nil)
	token := n.token(1)
	n.do("POST", "/api/v1/auth/login", nil, `{"email":"user1@example.com","password":"testpassword"}`)
	n.do("POST", "/api/v1/auth/refresh", nil, `{"refresh_token":"refresh-1"}`)
	n.do("GET", "/api/v1/courses/phishing?fields=id&token=in-the-query", http.Header{"Authorization": {"Bearer " + token}, "X-Request-Id": {"r-1"}, "Cookie": {"session=in-the-cookie"}}, "")
	n.do("GET", "/api/v1/courses?category=panic", n.as(1), "")
	text := n.logs.String()
	for _, secret := range []string{token, "testpassword", "refresh-", "in-the-query", "in-the-cookie"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log shows %s", secret)
		}
	}
	var found bool
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		if entry["request_id"] == "r-1" {
			found = true
			if took, ok := entry["took_ms"].(float64); !ok || took <= 0 || took > 60_000 {
				t.Errorf("it took %v", entry["took_ms"])
			}
			if entry["endpoint"] != "/api/v1/courses/{course}" || entry["path"] != "/api/v1/courses/phishing" || entry["status"] != 200.0 ||
				entry["user"] != 1.0 || entry["cache"] != missed || entry["level"] != "INFO" {
				t.Errorf("the entry is %s", line)
			}
		}
		if entry["status"] == 500.0 && (entry["level"] != "ERROR" || !strings.Contains(entry["error"].(string), "the secret inside")) {
			t.Errorf("a panic is logged as %s", line)
		}
	}
	if !found {
		t.Errorf("no entry has the request's id: %s", text)
	}
}

func TestWhatMachinesAskAgainAndAgainIsNotLogged(t *testing.T) {
	n := newNode(t, func(d *Deps, _ *node) {
		d.Ready = func() error { return errors.New("the replica is not loaded yet") }
		d.Snapshot = func(context.Context, string, string) (SnapshotFile, string, error) {
			return nil, "", errors.New("none yet")
		}
	})
	n.do("GET", "/livez", nil, "")
	n.do("HEAD", "/livez", nil, "")
	if a := n.do("GET", "/readyz", nil, ""); a.StatusCode != 503 {
		t.Errorf("readiness: %d", a.StatusCode)
	}
	header := http.Header{}
	forward.SignHeader(header, clusterKey, "syd", "GET", PathSnapshot, time.Now())
	if a := n.do("GET", PathSnapshot, header, ""); a.StatusCode != 503 {
		t.Errorf("a snapshot that is not there yet: %d", a.StatusCode)
	}
	if got := n.logs.String(); got != "" {
		t.Errorf("logged:\n%s", got)
	}
	n.do("GET", PathSnapshot, nil, "")
	if got := n.logs.String(); !strings.Contains(got, `"status":404`) {
		t.Errorf("a stranger's request for a snapshot is not logged: %s", got)
	}
}

func TestMetricsNameRoutesNotPaths(t *testing.T) {
	n := newNode(t, nil)
	for range 2 {
		n.do("GET", "/api/v1/courses/phishing", n.as(1), "")
	}
	n.do("GET", "/api/v1/courses/none", n.as(1), "")
	n.do("GET", "/wp-login.php", nil, "")
	n.do("BREW", "/api/v1/me", nil, "")
	w := httptest.NewRecorder()
	n.Metrics.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	text := w.Body.String()
	for _, want := range []string{
		`http_requests_total{endpoint="/api/v1/courses/{course}",method="GET",status="200"} 2`,
		`http_requests_total{endpoint="/api/v1/courses/{course}",method="GET",status="404"} 1`,
		`http_requests_total{endpoint="unmatched",method="GET",status="404"} 1`,
		`http_requests_total{endpoint="unmatched",method="OTHER",status="405"} 1`,
		`outpost_cache_requests_total{endpoint="/api/v1/courses/{course}",result="hit"} 1`,
		`outpost_cache_requests_total{endpoint="/api/v1/courses/{course}",result="miss"} 1`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if strings.Contains(text, "phishing") || strings.Contains(text, "wp-login") {
		t.Error("a label is a path")
	}
}

// hot prepares a request whose answer is in the cache.
func hot(tb testing.TB, n *node, header ...string) (fasthttp.RequestHandler, *fasthttp.RequestCtx) {
	tb.Helper()
	n.app.Handler() // builds the tree of routes
	handler := n.app.Server().Handler
	ctx := &fasthttp.RequestCtx{}
	ctx.Request.Header.SetMethod("GET")
	ctx.Request.SetRequestURI("/api/v1/courses/phishing?locale=en")
	ctx.Request.Header.Set("Authorization", "Bearer "+n.token(1))
	ctx.Request.Header.Set("Accept-Encoding", "gzip, br, zstd")
	ctx.Request.Header.Set("Outpost-Position", at(100))
	for i := 0; i < len(header); i += 2 {
		ctx.Request.Header.Set(header[i], header[i+1])
	}
	for range 3 {
		ctx.Response.Reset()
		handler(ctx)
	}
	if got := string(ctx.Response.Header.Peek("Cache-Status")); got != "outpost; hit" {
		tb.Fatalf("not hot: %d %s", ctx.Response.StatusCode(), got)
	}
	return handler, ctx
}

func quietly(d *Deps, _ *node) {
	d.Log = slog.New(slog.DiscardHandler)
	d.Limits.Rate = Rate{Count: 1 << 30, Per: 1}
}

// A hot hit makes the texts of the request's id and position, and nothing else.
func TestAHotHitAllocatesNextToNothing(t *testing.T) {
	n := newNode(t, quietly)
	handler, ctx := hot(t, n)
	reads := n.world.count()
	allocations := testing.AllocsPerRun(200, func() {
		ctx.Response.Reset()
		handler(ctx)
	})
	if allocations > 3 && !raceDetector {
		t.Errorf("a hot hit allocates %v times", allocations)
	}
	if n.world.count() != reads {
		t.Error("a hot hit read the replica")
	}
}

func BenchmarkHotHit(b *testing.B) {
	for name, header := range map[string][]string{"body": nil, "304": {"If-None-Match", "*"}} {
		b.Run(name, func(b *testing.B) {
			n := newNode(b, quietly)
			handler, ctx := hot(b, n, header...)
			b.ReportAllocs()
			for b.Loop() {
				ctx.Response.Reset()
				handler(ctx)
			}
		})
	}
}
