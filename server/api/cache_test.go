package api

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"outpost/server/cache"
)

func TestAnEncodingIsChosenAsTheClientLikesIt(t *testing.T) {
	for accept, want := range map[string]string{
		"": "", "identity": "", "deflate": "", "gzip": "gzip", "GZIP": "gzip", "gzip, deflate, br": "br", "gzip, br, zstd": "zstd",
		"br;q=0.5, gzip;q=0.8": "gzip", "zstd;q=0, br; q=0.001": "br", "*": "zstd", "*;q=0": "", "zstd;q=0.0, *;q=0.5": "br",
		"gzip;q=1.0": "gzip", "gzip;q=": "gzip", "gzip;level=9;q=0.3, br;q=0.2": "gzip", ",,;,": "", "br;q=0.1234": "br",
	} {
		if got := chooseEncoding([]byte(accept)); got != want {
			t.Errorf("Accept-Encoding %q chooses %q, want %q", accept, got, want)
		}
	}
}

func TestBodiesAreCompressedFromOneKiBOn(t *testing.T) {
	n := newNode(t, nil)
	const large, small = "/api/v1/courses/phishing", "/api/v1/me"
	plain := n.do("GET", large, n.as(1), "")
	if len(plain.body) < cache.MinEncoded || plain.Header.Get("Content-Encoding") != "" {
		t.Fatalf("the plain answer has %d bytes, encoded %q", len(plain.body), plain.Header.Get("Content-Encoding"))
	}
	tags := map[string]bool{plain.Header.Get("Etag"): true}
	decoders := map[string]func(io.Reader) (io.Reader, error){
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"br":   func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
		"zstd": func(r io.Reader) (io.Reader, error) {
			b, err := io.ReadAll(r)
			if err != nil {
				return nil, err
			}
			d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
			if err != nil {
				return nil, err
			}
			defer d.Close()
			b, err = d.DecodeAll(b, nil)
			return bytes.NewReader(b), err
		},
	}
	for _, target := range []string{large, "/openapi.json"} {
		plain := n.do("GET", target, n.as(1), "")
		for encoding, decode := range decoders {
			for range 2 { // made, then kept
				a := n.do("GET", target, n.as(1, "Accept-Encoding", encoding), "")
				if a.Header.Get("Content-Encoding") != encoding || a.Header.Get("Vary") != vary {
					t.Errorf("%s: encoded as %q, Vary is %q", encoding, a.Header.Get("Content-Encoding"), a.Header.Get("Vary"))
				}
				r, err := decode(strings.NewReader(a.body))
				if err != nil {
					t.Fatal(err)
				}
				if b, err := io.ReadAll(r); err != nil || string(b) != plain.body {
					t.Errorf("%s: decoding gives another body: %v", encoding, err)
				}
				if len(a.body) >= len(plain.body) {
					t.Errorf("%s: %d bytes of %d", encoding, len(a.body), len(plain.body))
				}
				if target == large {
					tags[a.Header.Get("Etag")] = true
				}
			}
		}
	}
	if len(tags) != 4 {
		t.Errorf("four encodings have %d ETags: %v", len(tags), tags)
	}
	if a := n.do("GET", small, n.as(1, "Accept-Encoding", "gzip"), ""); a.Header.Get("Content-Encoding") != "" {
		t.Errorf("%d bytes were compressed", len(a.body))
	}
}

func TestAnAnswerThatIsNotKeptIsCompressedToo(t *testing.T) {
	n := newNode(t, func(d *Deps, _ *node) {
		d.Status = func(bool) any {
			return map[string]any{"region": strings.Repeat("x", 2000), "regions": []any{}}
		}
	})
	for _, encoding := range encodings {
		if a := n.do("GET", "/api/v1/status", http.Header{"Accept-Encoding": {encoding}}, ""); a.Header.Get("Content-Encoding") != encoding || len(a.body) > 200 {
			t.Errorf("%s: %q, %d bytes", encoding, a.Header.Get("Content-Encoding"), len(a.body))
		}
	}
}

func TestARevalidationIsAnsweredWith304(t *testing.T) {
	n := newNode(t, nil)
	const target = "/api/v1/courses/phishing"
	first := n.do("GET", target, n.as(1), "")
	tag := first.Header.Get("Etag")
	if !strings.HasPrefix(tag, `"8.`) { // the row's version, for If-Match
		t.Errorf("the ETag is %s", tag)
	}
	for match, status := range map[string]int{
		tag: 304, "W/" + tag: 304, "*": 304, `"other", ` + tag: 304, `"other"`: 200, strings.Trim(tag, `"`): 200,
	} {
		a := n.do("GET", target, n.as(1, "If-None-Match", match), "")
		if a.StatusCode != status {
			t.Errorf("If-None-Match %s gives %d, want %d", match, a.StatusCode, status)
		}
		if status == 304 && (a.body != "" || a.Header.Get("Etag") != tag || a.Header.Get("Vary") == "" || a.Header.Get("Cache-Control") == "") {
			t.Errorf("the 304 is incomplete: %v %q", a.Header, a.body)
		}
	}
	// A tag of another encoding is a tag of other bytes.
	if a := n.do("GET", target, n.as(1, "If-None-Match", tag, "Accept-Encoding", "br"), ""); a.StatusCode != 200 {
		t.Errorf("the plain form's tag gives %d for br", a.StatusCode)
	}
	n.world.change(func() { n.world.courses[0].Title, n.world.courses[0].Version = "New", 9 }, cache.Row("courses", 42))
	if a := n.do("GET", target, n.as(1, "If-None-Match", tag), ""); a.StatusCode != 200 || a.Header.Get("Etag") == tag {
		t.Errorf("after a change the old tag gives %d", a.StatusCode)
	}
	document := n.do("GET", "/openapi.json", nil, "")
	if a := n.do("GET", "/openapi.json", http.Header{"If-None-Match": {document.Header.Get("Etag")}}, ""); a.StatusCode != 304 {
		t.Errorf("the document's tag gives %d", a.StatusCode)
	}
}

func TestHeadIsGetWithoutTheBody(t *testing.T) {
	n := newNode(t, nil)
	get := n.do("GET", "/api/v1/courses/phishing", n.as(1), "")
	head := n.do("HEAD", "/api/v1/courses/phishing", n.as(1), "")
	if head.StatusCode != 200 || head.body != "" || head.ContentLength != int64(len(get.body)) || head.Header.Get("Etag") != get.Header.Get("Etag") {
		t.Errorf("HEAD gives %d with %d bytes of %d, ETag %s", head.StatusCode, len(head.body), head.ContentLength, head.Header.Get("Etag"))
	}
	if head := n.do("HEAD", "/api/v1/me", nil, ""); head.StatusCode != 401 || head.body != "" {
		t.Errorf("HEAD without a token gives %d: %s", head.StatusCode, head.body)
	}
}

// An enrollment becomes overdue with no write: the entry must not outlive that moment.
func TestAnAnswerEndsWhenItsClockRunsOut(t *testing.T) {
	var now time.Time
	n := newNode(t, func(d *Deps, n *node) {
		now = day
		clock := func() time.Time { return now }
		c, err := cache.New(cache.Options{MaxBytes: 1 << 20, Now: clock, Published: func() cache.At { return cache.At(n.world.published()) }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		c.Reset(1)
		n.world.cache, d.Cache, d.Now = c, c, clock
	})
	for _, target := range []string{"/api/v1/enrollments/70", "/api/v1/me/enrollments"} {
		now = day
		read := func(after time.Duration, status, overdue string) {
			t.Helper()
			now = day.Add(after)
			a := n.do("GET", target, n.as(1), "")
			if a.Header.Get("Cache-Status") != status || !strings.Contains(a.body, overdue) {
				t.Errorf("after %v: %q, %s", after, a.Header.Get("Cache-Status"), a.body)
			}
		}
		read(0, missed, `"overdue":false`)
		read(59*time.Minute, "outpost; hit", `"overdue":false`)
		read(time.Hour, missed, `"overdue":true`)
		read(2*time.Hour, "outpost; hit", `"overdue":true`)
	}
}

func TestAskingTogetherReadsOnce(t *testing.T) {
	n := newNode(t, nil)
	n.do("GET", "/api/v1/me", n.as(1), "") // the token is known from here on
	header := n.as(1)
	n.do("GET", "/api/v1/me", header, "")
	before := n.world.count()
	block := make(chan struct{})
	n.world.mu.Lock()
	n.world.block = block
	n.world.mu.Unlock()
	answers := make(chan answered, 5)
	for range cap(answers) {
		go func() { answers <- n.do("GET", "/api/v1/courses", header, "") }()
	}
	n.world.reading(before + 1) // the others join it or find its answer
	close(block)
	statuses := map[string]int{}
	for range cap(answers) {
		a := <-answers
		statuses[a.Header.Get("Cache-Status")]++
		if !strings.Contains(a.body, "Phishing") {
			t.Errorf("an answer is %s", a.body)
		}
	}
	if n.world.count() != before+1 || statuses[missed] != 1 {
		t.Errorf("%d reads for five requests: %v", n.world.count()-before, statuses)
	}
}
