package api

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"outpost/server/forward"
)

// fetch sends a request over the network.
func fetch(t *testing.T, method, url string, header http.Header, body io.Reader) answered {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header.Clone()
	if request.Header == nil {
		request.Header = http.Header{}
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return finish(t, request, response)
}

func TestABodyThatIsTooLargeIsAnsweredWith413(t *testing.T) {
	n := newNode(t, nil)
	url := n.listen() + "/api/v1/enrollments"
	for _, size := range []int{4<<10 + 1, 100 << 10, 20 << 20} {
		a := fetch(t, "POST", url, n.as(1), bytes.NewReader(make([]byte, size)))
		if a.StatusCode != 413 {
			t.Errorf("%d bytes: %d: %s", size, a.StatusCode, a.body)
		}
		// Without a length, in chunks.
		if a := fetch(t, "POST", url, n.as(1), struct{ io.Reader }{bytes.NewReader(make([]byte, size))}); a.StatusCode != 413 {
			t.Errorf("%d bytes in chunks: %d: %s", size, a.StatusCode, a.body)
		}
	}
}

// What is not HTTP never reaches a route, and is answered like everything else.
func TestWhatIsNotHTTPIsAnsweredWithAProblem(t *testing.T) {
	n := newNode(t, nil)
	addr := strings.TrimPrefix(n.listen(), "http://")
	for _, c := range []struct {
		name, request string
		status        int
	}{
		{"nonsense", "NONSENSE\r\n\r\n", 400},
		{"a header that is too large", "GET /livez HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", headerBytes) + "\r\n\r\n", 431},
		{"a length that is none", "POST /api/v1/enrollments HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 400},
	} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, c.request); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		b, err := io.ReadAll(response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		a := answered{response, string(b)}
		a.checkProblem(t, c.name)
		if response.StatusCode != c.status || response.Header.Get("X-Request-Id") == "" || response.Header.Get("Outpost-Region") != "fra" {
			t.Errorf("%s: %d %v", c.name, response.StatusCode, response.Header)
		}
		conn.Close()
	}
}

func TestStoppingFinishesWhatIsInFlight(t *testing.T) {
	n := newNode(t, nil)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listened := make(chan error, 1)
	go func() { listened <- n.Listen(ln) }()
	url := "http://" + ln.Addr().String()
	header := n.as(1)
	fetch(t, "GET", url+"/api/v1/me", header, nil)
	idle, err := net.Dial("tcp", ln.Addr().String()) // stays open after its request
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	fmt.Fprintf(idle, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := idle.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}

	before, block := n.world.count(), make(chan struct{})
	n.world.mu.Lock()
	n.world.block = block
	n.world.mu.Unlock()
	answers := make(chan answered, 1)
	go func() { answers <- fetch(t, "GET", url+"/api/v1/courses", header, nil) }()
	n.world.reading(before + 1)
	stopped := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		stopped <- n.Shutdown(ctx)
	}()
	for {
		conn, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			break // nobody new is taken in
		}
		conn.Close()
	}
	if n.readiness() == nil {
		t.Error("a node that stops is ready")
	}
	select {
	case err := <-stopped:
		t.Fatalf("it stopped with a request in flight: %v", err)
	case a := <-answers:
		t.Fatalf("the blocked request was answered: %d", a.StatusCode)
	case <-time.After(50 * time.Millisecond):
	}
	close(block)
	if a := <-answers; a.StatusCode != 200 || !strings.Contains(a.body, "Phishing") {
		t.Errorf("the request in flight got %d: %s", a.StatusCode, a.body)
	}
	if err := <-stopped; err != nil {
		t.Errorf("stopping: %v", err)
	}
	if err := <-listened; err != nil {
		t.Errorf("listening: %v", err)
	}
	if err := n.Listen(ln); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Errorf("listening after the end: %v", err)
	}
}

func TestStoppingDoesNotWaitForEver(t *testing.T) {
	n := newNode(t, nil)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listened := make(chan error, 1)
	go func() { listened <- n.Listen(ln) }()
	header := n.as(1)
	n.do("GET", "/api/v1/me", header, "")
	before, block := n.world.count(), make(chan struct{})
	defer close(block)
	n.world.mu.Lock()
	n.world.block = block
	n.world.mu.Unlock()
	request, err := http.NewRequest("GET", "http://"+ln.Addr().String()+"/api/v1/courses", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	done := make(chan struct{})
	go func() {
		defer close(done)
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		if response, err := client.Do(request); err == nil {
			response.Body.Close()
		}
	}()
	n.world.reading(before + 1)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := n.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("stopping gives %v", err)
	}
	<-done // its client is not left hanging either
	if err := <-listened; err != nil {
		t.Errorf("listening: %v", err)
	}
}

func TestASnapshotIsForTheClusterAndCanBeResumed(t *testing.T) {
	content := make([]byte, 3<<20)
	_, _ = rand.Read(content)
	path := filepath.Join(t.TempDir(), "snapshot.zst")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	gone := false
	n := newNode(t, func(d *Deps, _ *node) {
		d.Snapshot = func(context.Context, string, string) (SnapshotFile, string, error) {
			if gone {
				return nil, "", errors.New("the hub copies")
			}
			f, err := os.Open(path)
			return f, "abc", err
		}
	})
	url := n.listen() + PathSnapshot
	signed := func(more ...string) http.Header {
		h := http.Header{}
		forward.SignHeader(h, clusterKey, "syd", http.MethodGet, PathSnapshot, time.Now())
		for i := 0; i < len(more); i += 2 {
			h.Set(more[i], more[i+1])
		}
		return h
	}
	whole := string(content)
	for _, c := range []struct {
		name   string
		header http.Header
		status int
		body   string
		ranges string
	}{
		{"the whole", signed(), 200, whole, ""},
		{"the rest", signed("Range", "bytes=1000000-", "If-Range", `"abc"`), 206, whole[1000000:], "bytes 1000000-3145727/3145728"},
		{"the rest of another one", signed("Range", "bytes=1000000-", "If-Range", `"old"`), 200, whole, ""},
		{"a rest of who knows what", signed("Range", "bytes=1000000-"), 200, whole, ""},
		{"a range of another kind", signed("Range", "bytes=-5", "If-Range", `"abc"`), 200, whole, ""},
		{"nothing is left", signed("Range", "bytes=3145728-", "If-Range", `"abc"`), 416, "", "bytes */3145728"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header = c.header
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != c.status || string(b) != c.body || response.Header.Get("Content-Range") != c.ranges || response.Header.Get("Etag") != `"abc"` {
			t.Errorf("%s: %d, %d bytes, %q, %v", c.name, response.StatusCode, len(b), response.Header.Get("Content-Range"), err)
		}
	}
	stranger := http.Header{}
	forward.SignHeader(stranger, "another key", "syd", http.MethodGet, PathSnapshot, time.Now())
	for name, header := range map[string]http.Header{"nobody": {}, "a stranger": stranger, "a user": n.as(9)} {
		if a := fetch(t, "GET", url, header, nil); a.StatusCode != 404 {
			t.Errorf("%s got %d", name, a.StatusCode)
		}
	}
	gone = true
	if a := fetch(t, "GET", url, signed(), nil); a.StatusCode != 503 || strings.Contains(a.body, "hub") {
		t.Errorf("without a snapshot: %d: %s", a.StatusCode, a.body)
	}
}

func TestAdminHasHealthAndMetrics(t *testing.T) {
	var trouble error
	n := newNode(t, func(d *Deps, _ *node) { d.Ready = func() error { return trouble } })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- n.ListenAdmin(ln) }()
	get := func(path string) (int, string) {
		t.Helper()
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		response, err := client.Get("http://" + ln.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		b, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(b)
	}
	for path, want := range map[string]string{"/livez": `"ok"`, "/readyz": `"ok"`, "/startupz": `"ok"`, "/metrics": "outpost_build_info", "/debug/pprof/": "goroutine"} {
		if status, body := get(path); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d: %.200s", path, status, body)
		}
	}
	trouble = errors.New("the replica is 12s behind the stream")
	if status, body := get("/readyz"); status != 503 || !strings.Contains(body, "12s behind") {
		t.Errorf("/readyz: %d: %s", status, body)
	}
	if a := n.do("GET", "/readyz", nil, ""); a.StatusCode != 503 || !strings.Contains(a.body, "12s behind") {
		t.Errorf("/readyz of the API: %d: %s", a.StatusCode, a.body)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := n.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
