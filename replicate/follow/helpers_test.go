package follow

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"
	"outpost/replicate/change"
	"outpost/replicate/replica"
	"outpost/replicate/stream"
	"outpost/replicate/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	key      = "the key"
	patience = 20 * time.Second
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// notes is a table of numbered texts.
func notes() *change.Table {
	return &change.Table{
		OID: 100, Schema: "public", Name: "note", SQLite: "note", Key: []int{0}, Identity: []int{0},
		Columns: []change.Column{
			{Name: "id", TypeOID: 20, Type: "bigint", Kind: change.Integer},
			{Name: "text", TypeOID: 25, Type: "text", Kind: change.Text},
		},
	}
}

// fill makes a replica file whose notes all say the same.
func fill(t *testing.T, path string, at replica.State, n int, text string) {
	t.Helper()
	loader, err := replica.Create(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	table := notes()
	if err := loader.Begin([]*change.Table{table}); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		row := change.Row{
			{Presence: change.Present, Data: []byte(strconv.Itoa(i + 1))},
			{Presence: change.Present, Data: []byte(text)},
		}
		if err := loader.Row(table, row); err != nil {
			t.Fatal(err)
		}
	}
	if err := loader.Finish(t.Context(), at); err != nil {
		t.Fatal(err)
	}
}

// open opens a replica until the test ends.
func open(t *testing.T, o replica.Options) *replica.Replica {
	t.Helper()
	r, err := replica.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("closing a replica: %v", err)
		}
	})
	return r
}

func at(generation change.Generation, lsn change.LSN, seq uint64) replica.State {
	return replica.State{Position: change.Position{Generation: generation, LSN: lsn}, Seq: seq, System: 1, Timeline: 1}
}

// hub is a server and the one who publishes to it.
type hub struct {
	t      *testing.T
	server *stream.Server
	conn   *stream.Conn
	log    *stream.Log
	next   change.LSN
}

// startHub starts a server; port 0 is any.
func startHub(t *testing.T, dir string, port int) *hub {
	t.Helper()
	server, err := stream.StartServer(stream.ServerOptions{
		Dir: dir, Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), ClusterKey: key, Zones: []string{stream.All}, Log: quiet(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	conn, err := stream.Connect(stream.ConnOptions{Server: server, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	log, err := conn.OpenLog(t.Context(), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return &hub{t: t, server: server, conn: conn, log: log}
}

func (h *hub) port() int { return h.server.Addr().(*net.TCPAddr).Port }

func (h *hub) stop() {
	h.conn.Close()
	h.server.Shutdown()
}

// beat publishes n heartbeats of a generation.
func (h *hub) beat(generation change.Generation, n int) {
	h.t.Helper()
	for range n {
		_, err := h.log.Publish(h.t.Context(), stream.All, &wire.Message{
			Header: wire.Header{Generation: generation, System: 1, Timeline: 1, Prev: h.next, Sent: time.Now()},
			Kind:   wire.Heartbeat, Heartbeat: h.next + 1,
		})
		if err != nil {
			h.t.Fatal(err)
		}
		h.next++
	}
}

// crowded is how many empty transactions fill a message.
const crowded = 40_000

// crowd publishes n messages that are full.
func (h *hub) crowd(generation change.Generation, n int) {
	h.t.Helper()
	random := rand.New(rand.NewPCG(1, 2)) // it cannot be packed
	for range n {
		m := wire.Message{
			Header: wire.Header{Generation: generation, System: 1, Timeline: 1, Prev: h.next, Sent: time.Now()},
			Kind:   wire.Batch,
		}
		for range crowded {
			h.next++
			m.Txs = append(m.Txs, wire.Tx{End: h.next, XID: random.Uint32(), Time: time.UnixMicro(random.Int64())})
		}
		if _, err := h.log.Publish(h.t.Context(), stream.All, &m); err != nil {
			h.t.Fatal(err)
		}
	}
}

// follower follows h over TCP into a replica in dir.
func (h *hub) follower(dir string, state replica.State) *Follower {
	h.t.Helper()
	conn, err := stream.Connect(stream.ConnOptions{
		URL: "nats://" + h.server.Addr().String(), ClusterKey: key, Zone: stream.All, Log: quiet(),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(conn.Close)
	path := filepath.Join(dir, "replica.db")
	fill(h.t, path, state, 1, "first")
	return &Follower{Replica: open(h.t, replica.Options{Path: path, Log: quiet()}), Conn: conn, Log: quiet()}
}

// run runs a follower until the test ends or the error that it gives.
func run(t *testing.T, f *Follower) <-chan error {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended, done := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(done)
		ended <- f.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return ended
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("within %v it was not so that %s", patience, what)
		}
	}
}

var errPatience = errors.New("nothing happened in time")

func within(c <-chan error) error {
	select {
	case err := <-c:
		return err
	case <-time.After(patience):
		return errPatience
	}
}
