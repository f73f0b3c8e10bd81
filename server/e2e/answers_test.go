package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"outpost/replicate/pgcluster/pgtest"
)

// encodingsHoldTheSame reads a lesson in every encoding, from the replica and from the cache.
func encodingsHoldTheSame(t *testing.T, w *world) {
	learner := w.login("syd", "user1@example.com")
	learner.t = t
	const lesson = "/api/v1/courses/phishing/lessons/1?locale=en"
	plain := learner.get(w.api("syd")+lesson, "Accept-Encoding", "identity")
	if len(plain.body) < 1<<10 || plain.header.Get("Content-Encoding") != "" || !json.Valid(plain.body) {
		t.Fatalf("the plain body of %d bytes is %q: %.100s", len(plain.body), plain.header.Get("Content-Encoding"), plain.body)
	}
	etags := map[string]string{plain.header.Get("ETag"): "identity"}
	for _, c := range []struct{ accept, encoding string }{
		{"zstd", "zstd"},
		{"br", "br"},
		{"gzip", "gzip"},
		{"gzip, deflate, br, zstd", "zstd"},
		{"gzip, br;q=0.5", "gzip"},
		{"zstd;q=0, *", "br"},
		{"deflate", ""},
		{"gzip;q=0", ""},
	} {
		for range 2 {
			a := learner.get(w.api("syd")+lesson, "Accept-Encoding", c.accept)
			if got := a.header.Get("Content-Encoding"); got != c.encoding {
				t.Errorf("Accept-Encoding %q is answered in %q, want %q", c.accept, got, c.encoding)
				continue
			}
			if body := decode(t, c.encoding, a.body); !bytes.Equal(body, plain.body) {
				t.Errorf("%s holds %d bytes, %.60q…; plain are %d", c.encoding, len(body), body, len(plain.body))
			}
			if c.encoding != "" && len(a.body) >= len(plain.body) {
				t.Errorf("%s takes %d bytes, plain %d", c.encoding, len(a.body), len(plain.body))
			}
			if !strings.Contains(a.header.Get("Vary"), "Accept-Encoding") {
				t.Errorf("Vary is %q", a.header.Get("Vary"))
			}
			tag := a.header.Get("ETag")
			if known, ok := etags[tag]; ok && c.encoding != "" && known != c.encoding {
				t.Errorf("%s and %s have the same ETag %s", known, c.encoding, tag)
			}
			if c.encoding != "" {
				etags[tag] = c.encoding
			}
		}
	}
	if len(etags) != 4 {
		t.Errorf("four forms have the ETags %v", etags)
	}
	for tag, encoding := range etags {
		for other := range etags {
			want := http.StatusOK
			if other == tag {
				want = http.StatusNotModified
			}
			a := learner.must(want, http.MethodGet, w.api("syd")+lesson, nil, "Accept-Encoding", encoding, "If-None-Match", other)
			if a.header.Get("ETag") != tag || want == http.StatusNotModified && len(a.body) > 0 {
				t.Errorf("If-None-Match %s in %s: %s with %d bytes", other, encoding, a.header.Get("ETag"), len(a.body))
			}
		}
	}
	if got := learner.get(w.api("syd")+"/api/v1/me", "Accept-Encoding", "gzip"); got.header.Get("Content-Encoding") != "" || len(got.body) >= 1<<10 {
		t.Errorf("a body of %d bytes is compressed", len(got.body))
	}
	// What no longer is what the client has is sent whole.
	pgtest.Exec(t, w.url, "UPDATE lesson_translations SET body = body || ' And more.'")
	a := learner.get(w.api("syd")+lesson, "Accept-Encoding", "br", "If-None-Match", strings.Join(slices.Collect(maps.Keys(etags)), ", "), "Outpost-Position", w.now(t, "syd"))
	if _, known := etags[a.header.Get("ETag")]; known {
		t.Error("the ETag stayed after the lesson had changed")
	}
}

func decode(t *testing.T, encoding string, body []byte) []byte {
	t.Helper()
	var reader io.Reader = bytes.NewReader(body)
	var err error
	switch encoding {
	case "zstd":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(reader); err == nil {
			defer z.Close()
			reader = z
		}
	case "br":
		reader = brotli.NewReader(reader)
	case "gzip":
		reader, err = gzip.NewReader(reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(reader)
	if err != nil {
		t.Fatalf("%s: %v", encoding, err)
	}
	return plain
}

// requestsAreLimited asks once more than the region allows.
func requestsAreLimited(t *testing.T, w *world, region string) {
	learner, another := w.login("fra", "user2@example.com"), w.login("fra", "user3@example.com")
	learner.t, another.t = t, t
	const courses = "/api/v1/courses"
	for left := 4; left >= 0; left-- {
		a := learner.get(w.api(region) + courses)
		if got := a.header.Get("X-RateLimit-Remaining"); got != fmt.Sprint(left) {
			t.Errorf("%q requests are left, want %d", got, left)
		}
		if a.header.Get("Retry-After") != "" {
			t.Error("an allowed request is told to retry")
		}
	}
	a := learner.must(http.StatusTooManyRequests, http.MethodGet, w.api(region)+courses, nil)
	a.problem(t)
	for name, pattern := range map[string]string{
		"Retry-After": `^(1[0-2]|[1-9])$`, "RateLimit": `^"default";r=0;t=(60|5\d)$`, "RateLimit-Policy": `^"default";q=5;w=60;burst=0$`,
		"X-RateLimit-Limit": `^5$`, "X-RateLimit-Remaining": `^0$`, "X-RateLimit-Reset": `^(60|5\d)$`,
	} {
		if got := a.header.Get(name); !regexp.MustCompile(pattern).MatchString(got) {
			t.Errorf("%s is %q, want %s", name, got, pattern)
		}
	}
	another.get(w.api(region) + courses)      // another person
	learner.get(w.api(region) + "/api/v1/me") // another route
	learner.get(w.api("syd") + courses)       // another node
	for range 10 {
		learner.get(w.api(region) + "/readyz") // a probe
	}
}
