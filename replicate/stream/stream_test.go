package stream

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"
	"outpost/replicate/change"
	"outpost/replicate/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testKey = "a cluster key"

func startServer(t *testing.T, dir string) *Server {
	t.Helper()
	s, err := StartServer(ServerOptions{
		Dir: dir, Addr: "127.0.0.1:0", ClusterKey: testKey, Zones: []string{"global", "eu"}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Shutdown)
	return s
}

func connect(t *testing.T, o ConnOptions) *Conn {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	c, err := Connect(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func openLog(t *testing.T, c *Conn) *Log {
	t.Helper()
	l, err := c.OpenLog(t.Context(), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func heartbeat(at change.LSN) *wire.Message {
	return &wire.Message{Header: wire.Header{Generation: 1, Prev: at - 1, Sent: time.Now()}, Kind: wire.Heartbeat, Heartbeat: at}
}

func publish(t *testing.T, l *Log, zone string, n int) {
	t.Helper()
	for i := range n {
		if _, err := l.Publish(t.Context(), zone, heartbeat(change.LSN(i+1))); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *Server) url() string { return "nats://" + s.Addr().String() }

func TestFeedDeliversInOrderFromASequence(t *testing.T) {
	s := startServer(t, t.TempDir())
	hub := connect(t, ConnOptions{Server: s})
	publish(t, openLog(t, hub), All, 300)
	feed, err := hub.Follow(t.Context(), 101)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Stop()
	next := uint64(101)
	var got []Delivery
	for next <= 300 {
		if got, err = feed.Next(t.Context(), got); err != nil {
			t.Fatal(err)
		}
		for _, d := range got {
			if d.Seq != next || d.Message.Heartbeat != change.LSN(next) || d.Pending != 300-next {
				t.Fatalf("message %d: %+v", next, d)
			}
			next++
		}
	}
}

func TestLogSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	first, err := StartServer(ServerOptions{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	c, err := Connect(ConnOptions{Server: first, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	publish(t, openLog(t, c), All, 5)
	c.Close()
	first.Shutdown()

	log := openLog(t, connect(t, ConnOptions{Server: startServer(t, dir)}))
	m, ok, err := log.Message(t.Context(), 5)
	if err != nil || !ok || m.Heartbeat != 5 {
		t.Fatalf("message 5: %+v, %v, %v", m, ok, err)
	}
	if b, err := log.Bounds(t.Context()); err != nil || b.First != 1 || b.Last != 5 {
		t.Errorf("bounds %+v, %v", b, err)
	}
}

func TestPurgeMovesTheBounds(t *testing.T) {
	log := openLog(t, connect(t, ConnOptions{Server: startServer(t, t.TempDir())}))
	publish(t, log, All, 10)
	if err := log.Purge(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	if b, err := log.Bounds(t.Context()); err != nil || b.First != 4 || b.Last != 10 {
		t.Errorf("bounds %+v, %v", b, err)
	}
	if err := log.Purge(t.Context(), 11); err != nil {
		t.Fatal(err)
	}
	if b, err := log.Bounds(t.Context()); err != nil || b.First != 11 || b.Last != 10 {
		t.Errorf("bounds of the empty stream %+v, %v", b, err)
	}
	if _, ok, err := log.Message(t.Context(), 5); ok || err != nil {
		t.Errorf("a purged message: %v, %v", ok, err)
	}
}

func TestOvertakenHubCannotWrite(t *testing.T) {
	c := connect(t, ConnOptions{Server: startServer(t, t.TempDir())})
	paused, other := openLog(t, c), openLog(t, c)
	publish(t, other, All, 1)
	if _, err := paused.Publish(t.Context(), All, heartbeat(9)); !errors.Is(err, ErrOvertaken) {
		t.Errorf("got %v, want ErrOvertaken", err)
	}
}

func TestEdgeFollowsItsZone(t *testing.T) {
	s := startServer(t, t.TempDir())
	hub := connect(t, ConnOptions{Server: s})
	edge := connect(t, ConnOptions{URL: s.url(), ClusterKey: testKey, Zone: "global"})
	log := openLog(t, hub)
	publish(t, log, "eu", 2)
	publish(t, log, "global", 3)
	b, err := edge.Bounds(t.Context())
	if err != nil || b.Last != 5 {
		t.Fatalf("bounds %+v, %v", b, err)
	}
	feed, err := edge.Follow(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Stop()
	var seqs []uint64
	var got []Delivery
	for len(seqs) < 3 {
		if got, err = feed.Next(t.Context(), got); err != nil {
			t.Fatal(err)
		}
		for _, d := range got {
			seqs = append(seqs, d.Seq)
		}
	}
	if seqs[0] != 3 || seqs[2] != 5 {
		t.Errorf("zone global received %v", seqs)
	}
}

// TestEdgeMayDoNothingElse tries, as an edge, whatever would show another zone's data.
func TestEdgeMayDoNothingElse(t *testing.T) {
	s := startServer(t, t.TempDir())
	publish(t, openLog(t, connect(t, ConnOptions{Server: s})), "eu", 3)

	var mu sync.Mutex
	var refused []string
	id, err := zoneIdentity(testKey, "global")
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(s.url(), id.option(), nats.CustomInboxPrefix(inbox("global")),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			mu.Lock()
			defer mu.Unlock()
			refused = append(refused, err.Error())
		}))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	short := func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(t.Context(), 300*time.Millisecond)
	}
	consume := func(filters ...string) error {
		ctx, cancel := short()
		defer cancel()
		_, err := js.OrderedConsumer(ctx, name, jetstream.OrderedConsumerConfig{FilterSubjects: filters})
		return err
	}
	attempts := map[string]func() error{
		"the other zone":  func() error { return consume(subject("eu")) },
		"everything":      func() error { return consume(subject(All)) },
		"both zones":      func() error { return consume(subject("global"), subject("eu")) },
		"without a zone":  func() error { return consume() },
		"by wildcard":     func() error { return consume(subjectPrefix + "*") },
		"a message":       func() error { return request(nc, "$JS.API.STREAM.MSG.GET."+name, `{"seq":1}`) },
		"a direct get":    func() error { return request(nc, "$JS.API.DIRECT.GET."+name, `{"seq":1}`) },
		"a forged filter": func() error { return forged(nc) },
		"publishing":      func() error { return request(nc, subject("global"), "x") },
		"purging":         func() error { return request(nc, "$JS.API.STREAM.PURGE."+name, "{}") },
	}
	for what, attempt := range attempts {
		if err := attempt(); err == nil {
			t.Errorf("%s was not refused", what)
		}
	}
	for _, listened := range []string{"_INBOX.>", inbox("eu") + ".>", subject("eu"), ">"} {
		before := count(&mu, &refused)
		if _, err := nc.Subscribe(listened, func(*nats.Msg) {}); err != nil {
			t.Fatal(err)
		}
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
		if count(&mu, &refused) == before && !eventually(func() bool { return count(&mu, &refused) > before }) {
			t.Errorf("listening to %s was not refused", listened)
		}
	}
}

func request(nc *nats.Conn, subject, body string) error {
	m, err := nc.Request(subject, []byte(body), 300*time.Millisecond)
	if err == nil && strings.Contains(string(m.Data), `"error"`) {
		return errors.New(string(m.Data))
	}
	return err
}

// forged asks for one filter in the subject, which is allowed, and another in the body.
func forged(nc *nats.Conn) error {
	return request(nc, "$JS.API.CONSUMER.CREATE."+name+".forged."+subject("global"),
		`{"stream_name":"OUTPOST","config":{"name":"forged","filter_subject":"outpost.tx.eu","ack_policy":"none"}}`)
}

func count(mu *sync.Mutex, s *[]string) int {
	mu.Lock()
	defer mu.Unlock()
	return len(*s)
}

func eventually(done func() bool) bool {
	deadline := time.After(5 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if done() {
				return true
			}
		case <-deadline:
			return false
		}
	}
}

func TestWrongKeyIsRefused(t *testing.T) {
	s := startServer(t, t.TempDir())
	stranger := connect(t, ConnOptions{URL: s.url(), ClusterKey: "another key", Zone: "global"})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if b, err := stranger.Bounds(ctx); err == nil {
		t.Errorf("a stranger was told %+v", b)
	}
}

func TestWithoutAKeyNothingListens(t *testing.T) {
	s, err := StartServer(ServerOptions{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Shutdown()
	if s.Addr() != nil {
		t.Errorf("it listens on %v", s.Addr())
	}
}

func TestTakenPortIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = StartServer(ServerOptions{Dir: t.TempDir(), Addr: l.Addr().String(), ClusterKey: testKey, Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), l.Addr().String()) || !strings.Contains(err.Error(), "in use") {
		t.Errorf("got %v", err)
	}
}

func TestAnnouncementsReachEveryNode(t *testing.T) {
	s := startServer(t, t.TempDir())
	hub := connect(t, ConnOptions{Server: s})
	edge := connect(t, ConnOptions{URL: s.url(), ClusterKey: testKey, Zone: "global"})
	heard := make(chan string, 10)
	stop, err := hub.Announcements(func(region string, data []byte) { heard <- region + " " + string(data) })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if err := hub.nats.Flush(); err != nil {
		t.Fatal(err)
	}
	if !eventually(edge.Connected) {
		t.Fatal("the edge did not connect")
	}
	if err := edge.Announce("syd", []byte("well")); err != nil {
		t.Fatal(err)
	}
	if got := <-heard; got != "syd well" {
		t.Errorf("heard %q", got)
	}
}
