// Package streamtest gives tests a NATS server that belongs to nobody who uses it, as an
// operator's own does.
package streamtest

import (
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"outpost/replicate/wire"
)

// External is a NATS server with JetStream that wants a password.
type External struct {
	URL     string // carries user and password
	Options server.Options

	t       testing.TB
	running *server.Server
}

// NewExternal starts one that runs until Stop or the test's end.
func NewExternal(t testing.TB) *External {
	t.Helper()
	e := &External{t: t, Options: server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true,
		MaxPayload: wire.MaxMessage, Username: "outpost", Password: "a secret", NoLog: true, NoSigs: true,
	}}
	e.Start()
	t.Cleanup(e.Stop)
	at := url.URL{
		Scheme: "nats", Host: e.running.Addr().String(),
		User: url.UserPassword(e.Options.Username, e.Options.Password),
	}
	e.URL = at.String()
	return e
}

// Start starts it again, where it was.
func (e *External) Start() {
	e.t.Helper()
	options := e.Options
	s, err := server.NewServer(&options)
	if err != nil {
		e.t.Fatal(err)
	}
	s.Start()
	e.running = s
	if !s.ReadyForConnections(20 * time.Second) {
		e.t.Fatal("the test's NATS server was not ready within 20 s")
	}
	e.Options.Port = s.Addr().(*net.TCPAddr).Port
}

// Stop ends it; what it holds stays on disk.
func (e *External) Stop() {
	e.running.Shutdown()
	e.running.WaitForShutdown()
}

// Purge empties its one stream, as anybody may who has the password.
func (e *External) Purge() {
	e.t.Helper()
	nc, err := nats.Connect(e.URL)
	if err != nil {
		e.t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		e.t.Fatal(err)
	}
	for name := range js.StreamNames(e.t.Context()).Name() {
		s, err := js.Stream(e.t.Context(), name)
		if err == nil {
			err = s.Purge(e.t.Context())
		}
		if err != nil {
			e.t.Fatal(err)
		}
	}
}
