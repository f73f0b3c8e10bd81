// Package streamtest gives tests a NATS server that belongs to nobody who uses it, as an
// operator's own does: several hubs of several processes can write to it.
package streamtest

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"outpost/replicate/wire"
)

// Server runs one until the test ends, and gives its URL.
func Server(t testing.TB) (url string) {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(),
		MaxPayload: wire.MaxMessage, NoLog: true, NoSigs: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the test's NATS server was not ready within 20 s")
	}
	return s.ClientURL()
}
