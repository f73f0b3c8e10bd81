package api

import (
	"net/http"
	"strings"
	"testing"
)

func TestDocsAreServedWhole(t *testing.T) {
	n := newNode(t, nil)
	for path, want := range map[string]string{
		"/docs": "swagger-ui-bundle.js", "/docs/start.js": "/openapi.json", "/docs/swagger-ui.css": ".swagger-ui",
		"/docs/swagger-ui-bundle.js": "SwaggerUIBundle", "/docs/favicon-32x32.png": "PNG",
	} {
		a := n.do("GET", path, nil, "")
		policy := a.Header.Get("Content-Security-Policy")
		if a.StatusCode != http.StatusOK || !strings.Contains(a.body, want) || !strings.HasPrefix(policy, "default-src 'none'") {
			t.Errorf("%s answers %d with the policy %q", path, a.StatusCode, policy)
		}
		tag := a.Header.Get("ETag")
		if again := n.do("GET", path, http.Header{"If-None-Match": {tag}}, ""); again.StatusCode != http.StatusNotModified || again.body != "" {
			t.Errorf("%s with its ETag answers %d", path, again.StatusCode)
		}
		packed := n.do("GET", path, http.Header{"Accept-Encoding": {"br, gzip;q=0.5"}}, "")
		if strings.HasSuffix(path, "bundle.js") && (packed.Header.Get("Content-Encoding") != "gzip" || len(packed.body) > len(a.body)/2 || packed.Header.Get("ETag") == tag) {
			t.Errorf("%s packed has %d bytes of %d, the encoding %q and the ETag %s", path, len(packed.body), len(a.body), packed.Header.Get("Content-Encoding"), packed.Header.Get("ETag"))
		}
		if refused := n.do("GET", path, http.Header{"Accept-Encoding": {"gzip;q=0"}}, ""); refused.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s comes packed to who does not take it", path)
		}
	}
	for _, path := range []string{"/docs/index.js", "/docs/..%2fopenapi.yaml", "/docs/embed.go"} {
		if a := n.do("GET", path, nil, ""); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s answers %d", path, a.StatusCode)
		}
	}
}
