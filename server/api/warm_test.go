package api

import (
	"strings"
	"testing"
)

// TestWhatAPersonTypedIsNotRemembered: what is kept of requests goes to a file.
func TestWhatAPersonTypedIsNotRemembered(t *testing.T) {
	for _, target := range []string{
		"/api/v1/me", "/api/v1/courses/phishing-2?locale=de-AT", "/api/v1/courses?page=2&size=50&sort=-title&fields=title,slug&category=passwords",
		"/api/v1/users?role=learner&is_active=true&company_id=3",
	} {
		if !plain(target) {
			t.Errorf("%s is not remembered", target)
		}
	}
	for _, target := range []string{
		"/api/v1/courses?q=word", "/api/v1/courses?q=", "/api/v1/users?department=Sales", "/api/v1/me?access_token=abc", "/api/v1/courses?page=1&q=word",
		"/api/v1/courses?category=Jane%20Doe", "/api/v1/courses?category=jane@example.com", "/api/v1/courses?category=" + strings.Repeat("a", 33),
		"/api/v1/me/certificates?after=eyJuYW1lIjoiSmFuZSJ9", "/api/v1/certificates/ABCD-EFGH", "/api/v1/users/%31", "/api/v1/courses?page=one",
		"", "api/v1/me", "http://elsewhere/api/v1/me", "/api/v1/me?&page=1", "/api/v1/me?page=1;q=x", "/" + strings.Repeat("a", 300),
	} {
		if plain(target) {
			t.Errorf("%s is remembered", target)
		}
	}
}

// TestWhatIsRememberedCanBeAskedAgain: every route that has a cache, but for those opened by a code.
func TestWhatIsRememberedCanBeAskedAgain(t *testing.T) {
	n := newNode(t, nil)
	for _, r := range n.routes() {
		if code := strings.Contains(r.pattern, ":code"); r.repeatable() != (r.namespace != "" && !code) {
			t.Errorf("%s %s is remembered: %v", r.method, r.pattern, r.repeatable())
		}
	}
}
