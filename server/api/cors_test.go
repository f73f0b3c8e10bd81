package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

const (
	ours    = "https://app.example.com"
	another = "https://app.example.org"
)

func withOrigins(d *Deps, _ *node) { d.Origins = []string{"http://localhost:3000", ours} }

// TestCORSLetsPagesOfNamedOriginsIn asks every kind of answer: found, not modified, refused, unknown,
// a write, and one that an edge forwards.
func TestCORSLetsPagesOfNamedOriginsIn(t *testing.T) {
	primary := newNode(t, withOrigins)
	edge := newEdge(t, primary.listen(), withOrigins)
	for name, n := range map[string]*node{"primary": primary, "edge": edge} {
		token := n.token(1)
		for _, c := range []struct {
			method, path, body, token string
			status                    int
		}{
			{"GET", "/api/v1/courses", "", token, 200},
			{"GET", "/api/v1/courses/nowhere", "", token, 404},
			{"GET", "/api/v1/me", "", "", 401},
			{"GET", "/nowhere", "", "", 404},
			{"DELETE", "/api/v1/courses", "", token, 405},
			{"POST", "/api/v1/enrollments", `{"course_id":`, token, 400},
			{"POST", "/api/v1/enrollments", `{"course_id":42}`, token, 201},
			{"GET", "/openapi.json", "", "", 200},
		} {
			for _, origin := range []string{ours, another, ""} {
				header := http.Header{}
				if c.token != "" {
					header.Set("Authorization", "Bearer "+c.token)
				}
				if origin != "" {
					header.Set("Origin", origin)
				}
				a := n.do(c.method, c.path, header, c.body)
				if a.StatusCode != c.status && (c.status != 201 || a.StatusCode != 200) {
					t.Errorf("%s: %s %s answers %d, want %d", name, c.method, c.path, a.StatusCode, c.status)
				}
				allowed := ""
				if origin == ours {
					allowed = ours
				}
				if got := a.Header.Values("Access-Control-Allow-Origin"); strings.Join(got, "|") != allowed {
					t.Errorf("%s: %s %s for %q allows %q", name, c.method, c.path, origin, got)
				}
				if shown := a.Header.Values("Access-Control-Expose-Headers"); (len(shown) == 1 && strings.Contains(shown[0], "Outpost-Position")) != (allowed != "") {
					t.Errorf("%s: %s %s for %q shows %q", name, c.method, c.path, origin, shown)
				}
				if vary := a.Header.Values("Vary"); len(vary) != 1 || strings.Count(vary[0], "Origin") != 1 {
					t.Errorf("%s: %s %s varies by %q", name, c.method, c.path, vary)
				}
				if a.Header.Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("%s: %s %s allows credentials", name, c.method, c.path)
				}
			}
		}
	}
}

// TestCORSPreflightForEveryRoute asks each path of the API as a browser does before a script's request.
func TestCORSPreflightForEveryRoute(t *testing.T) {
	primary := newNode(t, withOrigins)
	edge := newEdge(t, primary.listen(), withOrigins)
	for name, n := range map[string]*node{"primary": primary, "edge": edge} {
		for _, r := range n.routes() {
			if strings.HasPrefix(r.pattern, "/internal/") {
				continue
			}
			path := strings.ReplaceAll(r.pattern, ":", "")
			a := n.do("OPTIONS", path, http.Header{
				"Origin": {ours}, "Access-Control-Request-Method": {r.method}, "Access-Control-Request-Headers": {"authorization,content-type"},
			}, "")
			if a.StatusCode != http.StatusNoContent || a.body != "" || a.Header.Get("Access-Control-Allow-Origin") != ours || a.Header.Get("Access-Control-Max-Age") != "7200" {
				t.Fatalf("%s: the preflight of %s answers %d %v %s", name, path, a.StatusCode, a.Header, a.body)
			}
			methods := strings.Split(a.Header.Get("Access-Control-Allow-Methods"), ", ")
			if !slices.Contains(methods, r.method) {
				t.Errorf("%s: the preflight of %s %s allows %v", name, r.method, path, methods)
			}
			for _, header := range []string{
				"Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "Outpost-Position", "Outpost-Strict", "X-Request-Id", "Traceparent",
			} {
				if !slices.Contains(strings.Split(a.Header.Get("Access-Control-Allow-Headers"), ", "), header) {
					t.Errorf("%s: the preflight of %s does not allow %s", name, path, header)
				}
			}
		}
		for what, header := range map[string]http.Header{
			"another origin": {"Origin": {another}, "Access-Control-Request-Method": {"GET"}},
			"no preflight":   {"Origin": {ours}},
			"no origin":      {"Access-Control-Request-Method": {"GET"}},
		} {
			a := n.do("OPTIONS", "/api/v1/courses", header, "")
			if a.StatusCode != http.StatusMethodNotAllowed || a.Header.Get("Access-Control-Allow-Methods") != "" || a.Header.Get("Allow") != "GET, HEAD, POST" {
				t.Errorf("%s: %s is answered %d %v", name, what, a.StatusCode, a.Header)
			}
		}
		if a := n.do("OPTIONS", "/nowhere", http.Header{"Origin": {ours}, "Access-Control-Request-Method": {"GET"}}, ""); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s: a path that is not there is answered %d", name, a.StatusCode)
		}
	}
}

func TestCORSIsOffByItself(t *testing.T) {
	n := newNode(t, nil)
	a := n.do("GET", "/openapi.json", http.Header{"Origin": {ours}}, "")
	for name := range a.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s is %q", name, a.Header.Get(name))
		}
	}
	if strings.Contains(a.Header.Get("Vary"), "Origin") {
		t.Errorf("the answer varies by %q", a.Header.Get("Vary"))
	}
}
