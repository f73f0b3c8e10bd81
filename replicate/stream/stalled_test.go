package stream

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"outpost/replicate/replicatest/logbuffer"
	"outpost/replicate/wire"
)

// valve is a proxy whose traffic towards the client can be held back, or broken off after
// so many bytes.
type valve struct {
	net.Listener
	t  *testing.T
	to string

	mu     sync.Mutex
	open   *sync.Cond
	closed bool
	held   bool
	left   atomic.Int64 // bytes until the connection is broken off; below 0 never
	conns  []net.Conn
	done   sync.WaitGroup
}

func newValve(t *testing.T, to string) *valve {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &valve{Listener: l, t: t, to: to}
	v.open = sync.NewCond(&v.mu)
	v.left.Store(-1)
	v.done.Go(v.accept)
	t.Cleanup(func() {
		_ = l.Close() // nothing depends on how it ends
		v.mu.Lock()
		v.closed = true
		for _, c := range v.conns {
			_ = c.Close()
		}
		v.mu.Unlock()
		v.hold(false)
		v.done.Wait()
	})
	return v
}

func (v *valve) url() string { return "nats://" + v.Addr().String() }

func (v *valve) hold(held bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.held = held
	v.open.Broadcast()
}

func (v *valve) accept() {
	for {
		client, err := v.Accept()
		if err != nil {
			return // closed
		}
		server, err := net.Dial("tcp", v.to)
		v.mu.Lock()
		if err != nil || v.closed {
			_ = client.Close() // as if nobody listened
			v.mu.Unlock()
			continue
		}
		// Small buffers, so that the server notices soon that nobody reads.
		if err := server.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
			v.t.Error(err)
		}
		v.conns = append(v.conns, client, server)
		v.mu.Unlock()
		v.done.Go(func() {
			_, _ = io.Copy(server, client) // a broken connection is what it is for
			_ = server.Close()
		})
		v.done.Go(func() { v.deliver(client, server) })
	}
}

func (v *valve) deliver(client, server net.Conn) {
	defer client.Close()
	defer server.Close()
	buf := make([]byte, 4096)
	for {
		v.mu.Lock()
		for v.held && !v.closed {
			v.open.Wait()
		}
		v.mu.Unlock()
		n, err := server.Read(buf)
		if left := v.left.Load(); left >= 0 {
			if int64(n) > left {
				_, _ = client.Write(buf[:left])
				v.left.Store(-1)
				return
			}
			v.left.Store(left - int64(n))
		}
		if _, failed := client.Write(buf[:n]); err != nil || failed != nil {
			return
		}
	}
}

// part is a message of about a MiB, which cannot be packed.
func part(number uint32) *wire.Message {
	body := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{byte(number)}).Read(body) // it never fails
	return &wire.Message{
		Header: wire.Header{Generation: 1, Sent: time.Now()}, Kind: wire.Piece,
		Part: wire.Part{Number: number, Body: body},
	}
}

// TestAStalledEdgeHoldsNobodyUp stops reading at one edge while 60 MiB pass, in a long round
// 200. The hub's memory stays bounded, the other edge keeps up, and the stalled one is cut
// off; it goes on where it stopped.
func TestAStalledEdgeHoldsNobodyUp(t *testing.T) {
	messages := uint64(60)
	if os.Getenv("OUTPOST_TEST_LONG") != "" {
		messages = 200
	}
	// NATS itself keeps what was published in the last ten seconds, whoever reads it.
	bound := (messages + 64) << 20
	logged := new(logbuffer.Buffer)
	s, err := StartServer(ServerOptions{
		Dir: t.TempDir(), Addr: "127.0.0.1:0", ClusterKey: testKey, Zones: []string{"global"},
		Log: slog.New(slog.NewTextHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug})), writeDeadline: 2 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Shutdown)
	log := openLog(t, connect(t, ConnOptions{Server: s}))
	v := newValve(t, s.Addr().String())
	stalled := connect(t, ConnOptions{URL: v.url(), ClusterKey: testKey, Zone: "global"})
	quick := connect(t, ConnOptions{URL: s.url(), ClusterKey: testKey, Zone: "global"})
	if !eventually(func() bool { return stalled.Connected() && quick.Connected() }) {
		t.Fatal("the edges did not connect")
	}
	feed, err := stalled.Follow(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Stop()
	v.hold(true)

	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var behind, peak uint64
	done := make(chan error, 1)
	received := new(atomic.Uint64)
	go func() { done <- follow(t.Context(), quick, messages, received) }()
	for i := range uint32(messages) {
		seq, err := log.Publish(t.Context(), "global", part(i))
		if err != nil {
			t.Fatal(err)
		}
		behind = max(behind, seq-min(seq, received.Load()))
		if i%20 == 0 {
			runtime.GC() // what is held counts, not what is left over
			runtime.ReadMemStats(&now)
			peak = max(peak, now.HeapAlloc-min(now.HeapAlloc, before.HeapAlloc))
		}
	}
	if err := <-done; err != nil {
		t.Errorf("the other edge: %v", err)
	}
	t.Logf("the hub's memory grew by at most %d MiB; the other edge was at most %d messages behind", peak>>20, behind)
	if peak > bound {
		t.Errorf("the hub's memory grew by %d MiB, want at most %d", peak>>20, bound>>20)
	}
	if !eventually(func() bool { return strings.Contains(logged.String(), "WriteDeadline") }) {
		t.Error("the stalled edge was not cut off")
	}

	v.hold(false)
	if !eventually(func() bool { return feed.ended() }) {
		t.Fatal("the feed of the stalled edge goes on, although its connection was cut")
	}
	if !eventually(stalled.Connected) {
		t.Fatal("the stalled edge did not come back")
	}
	if err := follow(t.Context(), stalled, messages, new(atomic.Uint64)); err != nil {
		t.Errorf("the stalled edge, afterwards: %v", err)
	}
}

// TestAFeedThatIsNotReadTakesNoMore publishes more than a feed may hold to one that nobody
// reads.
func TestAFeedThatIsNotReadTakesNoMore(t *testing.T) {
	const messages, most = 50, (pulledBytes+feedBytes)>>20 + 2
	c := connect(t, ConnOptions{Server: startServer(t, t.TempDir())})
	log := openLog(t, c)
	feed, err := c.Follow(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Stop()
	for i := range uint32(messages) {
		if _, err := log.Publish(t.Context(), All, part(i)); err != nil {
			t.Fatal(err)
		}
	}
	sent := func() (n uint64) {
		for info := range log.stream.ListConsumers(t.Context()).Info() {
			n = info.Delivered.Consumer
		}
		return n
	}
	if !eventually(func() bool { return sent() >= feedBytes>>20 }) {
		t.Fatalf("only %d messages were sent", sent())
	}
	for range 100 {
		if n := sent(); n > most {
			t.Fatalf("%d MiB were sent to a feed that nobody reads, want at most %d", n, most)
		}
	}
	var got []Delivery
	for next := uint64(1); next <= messages; {
		if got, err = feed.Next(t.Context(), got); err != nil {
			t.Fatal(err)
		}
		for _, d := range got {
			if d.Seq != next {
				t.Fatalf("message %d came where %d was to come", d.Seq, next)
			}
			next++
		}
	}
}

// ended reads on until the feed has.
func (f *Feed) ended() bool {
	for {
		select {
		case _, ok := <-f.messages:
			if !ok {
				return true
			}
		default:
			return false
		}
	}
}

// follow reads the stream from its beginning to a sequence, as an edge does: it goes on
// behind what it has whenever a feed ends.
func follow(ctx context.Context, c *Conn, until uint64, at *atomic.Uint64) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var got []Delivery
	for at.Load() < until {
		feed, err := c.Follow(ctx, at.Load()+1)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for err == nil && at.Load() < until {
			if got, err = feed.Next(ctx, got); err != nil {
				break
			}
			for _, d := range got {
				if d.Seq != at.Load()+1 {
					return errMissing
				}
				at.Store(d.Seq)
			}
		}
		if feed != nil {
			feed.Stop()
		}
	}
	return nil
}
