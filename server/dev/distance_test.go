package dev

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var regions = []string{"fra", "iad", "syd"}

func TestParseDistances(t *testing.T) {
	d, err := ParseDistances("fra-iad=90ms, fra-syd=260ms", regions)
	if err != nil {
		t.Fatal(err)
	}
	if d.RoundTrip("iad", "fra") != 90*time.Millisecond || d.RoundTrip("fra", "syd") != 260*time.Millisecond || d.RoundTrip("iad", "syd") != 0 {
		t.Errorf("got %v", d)
	}
	for _, wrong := range []string{"fra", "fra-iad", "fra-iad=soon", "fra-nrt=10ms", "fra-fra=10ms", "fra-iad=-1s", "fra-iad=1h"} {
		if _, err := ParseDistances(wrong, regions); err == nil || !strings.Contains(err.Error(), wrong) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// TestDistanceIsTheWholeRoundTrip wants two round trips for a first request, one of them to
// open the connection, and one for the next.
func TestDistanceIsTheWholeRoundTrip(t *testing.T) {
	defer goleak.VerifyNone(t)
	const rtt = 60 * time.Millisecond
	body := strings.Repeat("x", 1<<20)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		if _, err := io.WriteString(w, body); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	target := server.Listener.Addr().String()

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Proxy(ctx, l, target, rtt) }()

	for name, client := range map[string]struct {
		url  string
		dial func(ctx context.Context, network, address string) (net.Conn, error)
	}{
		"a node's dialer":  {server.URL, Dialer(rtt)},
		"a client's proxy": {"http://" + l.Addr().String(), Dialer(0)},
	} {
		transport := &http.Transport{DialContext: client.dial}
		for i, least := range []time.Duration{2 * rtt, rtt} {
			began := time.Now()
			response, err := (&http.Client{Transport: transport}).Post(client.url, "text/plain", strings.NewReader(body))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, err := io.ReadAll(response.Body)
			if err := response.Body.Close(); err != nil {
				t.Error(err)
			}
			if err != nil || string(got) != body {
				t.Errorf("%s: %d bytes came, %v", name, len(got), err)
			}
			if took := time.Since(began); took < least || took > least+5*time.Second {
				t.Errorf("%s: request %d took %v, want %v and a little", name, i, took, least)
			}
		}
		transport.CloseIdleConnections()
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestProxyOfADeadServerClosesTheConnection(t *testing.T) {
	defer goleak.VerifyNone(t)
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target := gone.Addr().String()
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Proxy(ctx, l, target, 0) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
