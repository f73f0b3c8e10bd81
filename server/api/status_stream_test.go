package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// pulse is what tests change the status with.
type pulse struct {
	mu    sync.Mutex
	turn  chan struct{}
	made  atomic.Int64 // how often it was asked for, by anybody
	bytes int          // of filling
}

func (p *pulse) changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.turn
}

func (p *pulse) change() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.turn)
	p.turn = make(chan struct{})
}

func (p *pulse) status(detailed bool) any {
	return map[string]any{"number": p.made.Add(1), "detailed": detailed, "filling": strings.Repeat("x", p.bytes)}
}

// streaming makes a node whose events come when it is changed, unless limits say otherwise.
func streaming(t *testing.T, limits StreamLimits, bend func(*Deps)) (*node, *pulse) {
	t.Helper()
	p := &pulse{turn: make(chan struct{})}
	if limits.Every == 0 {
		limits.Every = time.Hour
	}
	return newNode(t, func(d *Deps, _ *node) {
		d.Status, d.Changed, d.Limits.Streams = p.status, p.changed, limits
		if bend != nil {
			bend(d)
		}
	}), p
}

// watcher is a client of a stream.
type watcher struct {
	*http.Response
	lines *bufio.Scanner
}

func watch(t *testing.T, url string, header http.Header) *watcher {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/api/v1/status/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		request.Header = header
	}
	transport := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return &watcher{response, bufio.NewScanner(response.Body)}
}

// block gives the lines of the next block.
func (w *watcher) block() (lines []string, err error) {
	for w.lines.Scan() {
		if w.lines.Text() == "" {
			return lines, nil
		}
		lines = append(lines, w.lines.Text())
	}
	if err := w.lines.Err(); err != nil {
		return nil, err
	}
	return nil, io.EOF
}

// seen is an event's data.
type seen struct {
	Number   int64
	Detailed bool
}

func (w *watcher) event(t *testing.T) (e seen) {
	t.Helper()
	lines, err := w.block()
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "id: fra-") || lines[1] != "event: world" || !strings.HasPrefix(lines[2], "data: ") {
		t.Fatalf("an event is %q", lines)
	}
	if err := json.Unmarshal([]byte(lines[2][len("data: "):]), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

func (w *watcher) opening(t *testing.T) {
	t.Helper()
	lines, err := w.block()
	if err != nil || len(lines) != 2 || !strings.HasPrefix(lines[0], ":") || lines[1] != "retry: 1000" {
		t.Fatalf("a stream begins with %q: %v", lines, err)
	}
}

// count says how many streams there are.
func (s *streams) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// eventually waits until it is so.
func (n *node) eventually(what string, so func() bool) {
	n.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !so() {
		select {
		case <-tick.C:
		case <-deadline:
			n.t.Fatalf("it did not come to pass that %s", what)
		}
	}
}

// TestEventsComeOneByOne has two clients, who get each event when it happens, and the same one.
func TestEventsComeOneByOne(t *testing.T) {
	n, p := streaming(t, StreamLimits{}, nil)
	url := n.listen()
	first := watch(t, url, nil)
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no", "Content-Encoding": "", "Cache-Status": "", "Outpost-Region": "fra",
	} {
		if got := first.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	first.opening(t)
	before := first.event(t)
	second := watch(t, url, n.as(1))
	second.opening(t)
	if e := second.event(t); e != before {
		t.Errorf("whoever comes later gets %+v at once, want %+v", e, before)
	}
	admin := watch(t, url, n.as(9))
	admin.opening(t)
	if e := admin.event(t); !e.Detailed || e.Number != before.Number+1 {
		t.Errorf("a platform admin gets %+v", e)
	}
	for range 3 {
		p.change()
		e := first.event(t)
		if e.Number <= before.Number || e.Detailed {
			t.Errorf("after %+v comes %+v", before, e)
		}
		if same := second.event(t); same != e {
			t.Errorf("the one gets %+v, the other %+v", e, same)
		}
		if detailed := admin.event(t); !detailed.Detailed || detailed.Number != e.Number+1 {
			t.Errorf("all get %+v, a platform admin %+v", e, detailed)
		}
		before = e
	}
	if made := p.made.Load(); made != 8 {
		t.Errorf("for four events of two kinds the status was made %d times", made)
	}
}

func TestEventsComeWithoutAChangeToo(t *testing.T) {
	n, _ := streaming(t, StreamLimits{Every: 5 * time.Millisecond}, nil)
	w := watch(t, n.listen(), nil)
	w.opening(t)
	for last := w.event(t); last.Number < 20; {
		e := w.event(t)
		if e.Number <= last.Number {
			t.Fatalf("after %+v comes %+v", last, e)
		}
		last = e
	}
}

// TestAHeartbeatGoesBeforeAnEvent makes one that proxies see.
func TestAHeartbeatGoesBeforeAnEvent(t *testing.T) {
	n, _ := streaming(t, StreamLimits{}, nil)
	if err := n.streams.make(t.Context(), streamComment); err != nil {
		t.Fatal(err)
	}
	e, _ := n.streams.newest()
	for _, text := range [][]byte{e.text, e.detailed} {
		if got := string(text); !strings.HasPrefix(got, ": still here\n\nid: fra-") || strings.Count(got, "\n\n") != 2 {
			t.Errorf("it is %q", got)
		}
	}
}

// TestStreamsAreBounded opens as many as one address may, then as many as the node has room for, and lets
// one go.
func TestStreamsAreBounded(t *testing.T) {
	n, _ := streaming(t, StreamLimits{Node: 3, Client: 2}, func(d *Deps) { d.ClientIPHeader = "Client-IP" })
	url := n.listen()
	from := func(addr string) *watcher {
		t.Helper()
		return watch(t, url, http.Header{"Client-Ip": {addr}})
	}
	refused := func(addr string, status int, want string) {
		t.Helper()
		w := from(addr)
		body, err := io.ReadAll(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		a := answered{w.Response, string(body)}
		a.checkProblem(t, addr)
		if seconds, err := strconv.Atoi(w.Header.Get("Retry-After")); w.StatusCode != status || !strings.Contains(a.body, want) || err != nil || seconds < 1 {
			t.Errorf("%s: %d %s, Retry-After %q", addr, w.StatusCode, body, w.Header.Get("Retry-After"))
		}
	}
	gone := from("192.0.2.1")
	gone.opening(t)
	gone.event(t)
	from("192.0.2.1").opening(t)
	refused("192.0.2.1", 429, "2 streams are open from your address")
	from("2001:db8::1").opening(t)
	refused("192.0.2.2", 503, "no room for another stream")
	refused("192.0.2.1", 429, "2 streams are open from your address")

	gone.Body.Close()
	n.eventually("the place of a client that went is free", func() bool { return n.streams.count() == 2 })
	from("192.0.2.2").opening(t)
}

// TestNobodyWatchesNothingIsMade lets all go, and another come.
func TestNobodyWatchesNothingIsMade(t *testing.T) {
	n, p := streaming(t, StreamLimits{Every: time.Millisecond}, nil)
	url := n.listen()
	w := watch(t, url, nil)
	w.opening(t)
	w.event(t)
	w.Body.Close()
	n.eventually("nobody watches", func() bool { return n.streams.count() == 0 })
	n.streams.running.Wait()
	made := p.made.Load()
	w = watch(t, url, nil)
	w.opening(t)
	if e := w.event(t); e.Number <= made {
		t.Errorf("the first event is number %d, of before %d", e.Number, made)
	}
}

// TestStoppingEndsStreams stops a node with a client that reads and one that does not.
func TestStoppingEndsStreams(t *testing.T) {
	n, p := streaming(t, StreamLimits{Every: time.Millisecond}, nil)
	p.bytes = 64 << 10
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listened := make(chan error, 1)
	go func() { listened <- n.Listen(ln) }()
	w := watch(t, "http://"+ln.Addr().String(), nil)
	w.lines.Buffer(nil, 1<<20)
	w.opening(t)
	stuck := watch(t, "http://"+ln.Addr().String(), nil)
	n.eventually("both streams run", func() bool { return n.streams.count() == 2 && p.made.Load() > 200 })
	read := make(chan error, 1)
	go func() {
		for {
			if _, err := w.block(); err != nil {
				read <- err
				return
			}
		}
	}()
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := n.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v to stop", took)
	}
	if err := <-read; !errors.Is(err, io.EOF) {
		t.Errorf("the stream of a client that reads ended with %v", err)
	}
	if _, err := io.Copy(io.Discard, stuck.Body); err == nil {
		t.Error("a stream that was cut off looks whole")
	}
	if err := <-listened; err != nil {
		t.Error(err)
	}
	if _, err := n.streams.open(netip.Addr{}, nil, false); problemOf(err).status != http.StatusServiceUnavailable {
		t.Errorf("a node that stopped takes a stream: %v", err)
	}
}

// TestAClientThatTakesNothingIsCut lets one stop reading.
func TestAClientThatTakesNothingIsCut(t *testing.T) {
	n, p := streaming(t, StreamLimits{Every: time.Millisecond}, func(d *Deps) { d.Limits.Stall = 300 * time.Millisecond })
	p.bytes = 16 << 10
	w := watch(t, n.listen(), nil)
	n.eventually("it is cut", func() bool { return n.streams.count() == 0 })
	if _, err := io.Copy(io.Discard, w.Body); err == nil {
		t.Error("a stream that was cut looks whole")
	}
}

func TestAStreamHasItsTime(t *testing.T) {
	n, _ := streaming(t, StreamLimits{Life: 50 * time.Millisecond}, nil)
	w := watch(t, n.listen(), nil)
	w.opening(t)
	w.event(t)
	if _, err := w.block(); !errors.Is(err, io.EOF) {
		t.Errorf("it ended with %v", err)
	}
	n.eventually("its place is free", func() bool { return n.streams.count() == 0 })
}

// TestAStreamHasAHead asks for nothing but the headers.
func TestAStreamHasAHead(t *testing.T) {
	n, _ := streaming(t, StreamLimits{}, nil)
	if a := n.do("HEAD", "/api/v1/status/stream", nil, ""); a.StatusCode != 200 || a.body != "" || a.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%d %v %q", a.StatusCode, a.Header, a.body)
	}
	if n.streams.count() != 0 {
		t.Error("a stream is open")
	}
}

func TestTheHistoryIsGivenAsItIs(t *testing.T) {
	failing := false
	n := newNode(t, func(d *Deps, _ *node) {
		d.History = func() ([]byte, error) {
			if failing {
				return nil, errors.New("the secret inside")
			}
			return []byte(`{"region":"fra","from":"2026-11-30T08:00:00Z","step_seconds":10,"steps":0,"regions":[]}`), nil
		}
	})
	a := n.do("GET", "/api/v1/status/history", nil, "")
	if a.StatusCode != 200 || a.body != `{"region":"fra","from":"2026-11-30T08:00:00Z","step_seconds":10,"steps":0,"regions":[]}` || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Cache-Status") != "" {
		t.Errorf("%d %v %s", a.StatusCode, a.Header, a.body)
	}
	failing = true
	if a := n.do("GET", "/api/v1/status/history", nil, ""); a.StatusCode != 500 || strings.Contains(fmt.Sprint(a.Header, a.body), "secret") {
		t.Errorf("%d %v %s", a.StatusCode, a.Header, a.body)
	}
}
