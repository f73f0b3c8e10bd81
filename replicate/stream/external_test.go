package stream_test

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"outpost/replicate/stream"
	"outpost/replicate/stream/streamtest"
)

// TestAnExistingNATSOfSmallMessagesIsRefused leaves max_payload as it is by default: what is
// published there one day would not fit.
func TestAnExistingNATSOfSmallMessagesIsRefused(t *testing.T) {
	nats := streamtest.NewExternal(t)
	nats.Stop()
	nats.Options.MaxPayload = 1 << 20
	nats.Start()
	c, err := stream.Connect(stream.ConnOptions{URL: nats.URL, Zone: stream.All, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.OpenLog(t.Context(), 1<<30); err == nil || !strings.Contains(err.Error(), "set max_payload: 8MB") {
		t.Errorf("got %v", err)
	}
}

// TestARefusedEdgeTriesOn changes the password at the server first and at the edge never: it
// is refused more than once, and comes back when the old password is.
func TestARefusedEdgeTriesOn(t *testing.T) {
	nats := streamtest.NewExternal(t)
	refused := new(counter)
	c, err := stream.Connect(stream.ConnOptions{URL: nats.URL, Zone: stream.All, Log: slog.New(refused)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	nats.Stop()
	password := nats.Options.Password
	nats.Options.Password = "another"
	nats.Start()
	eventually(t, "it is refused three times", func() bool { return refused.n.Load() >= 3 })
	nats.Stop()
	nats.Options.Password = password
	nats.Start()
	eventually(t, "it is connected", c.Connected)
}

// counter counts how often the server reports an error.
type counter struct {
	slog.Handler
	n atomic.Int64
}

func (c *counter) Enabled(context.Context, slog.Level) bool { return true }

func (c *counter) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "reports an error") {
		c.n.Add(1)
	}
	return nil
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("within 20 s it was not so that %s", what)
		}
	}
}
