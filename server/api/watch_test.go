package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

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
