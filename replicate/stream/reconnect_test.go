package stream

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"testing"
	"time"
)

// TestALogLargerThanTheFreeDiskCanBeOpened is a disk that has become fuller since the log was
// made: it must be found again, and not refused for what it might grow to.
func TestALogLargerThanTheFreeDiskCanBeOpened(t *testing.T) {
	c := connect(t, ConnOptions{Server: startServer(t, t.TempDir())})
	if _, err := c.OpenLog(t.Context(), 1<<45); err != nil {
		t.Error(err)
	}
}

// TestAFeedEndsWithItsConnection restarts the server under a feed: what comes afterwards may
// be another stream, and is for another feed, whose start was compared with it.
func TestAFeedEndsWithItsConnection(t *testing.T) {
	dir := t.TempDir()
	first := startServer(t, dir)
	hub := connect(t, ConnOptions{Server: first})
	publish(t, openLog(t, hub), All, 1)
	edge := connect(t, ConnOptions{URL: first.url(), ClusterKey: testKey, Zone: "global"})
	if !eventually(edge.Connected) {
		t.Fatal("the edge did not connect")
	}
	feed, err := edge.Follow(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Stop()
	port := first.Addr().(*net.TCPAddr).Port
	hub.Close()
	first.Shutdown()
	second, err := StartServer(ServerOptions{
		Dir: dir, Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), ClusterKey: testKey,
		Zones: []string{"global", "eu"}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(second.Shutdown)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := feed.Next(ctx, nil); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the feed goes on: %v", err)
	}
	if !eventually(edge.Connected) {
		t.Fatal("the edge did not come back")
	}
	again, err := edge.Follow(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	again.Stop()
}
