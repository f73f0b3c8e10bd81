package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/pgoutput"
)

func TestStreamGivesWholeTransactionsInOrder(t *testing.T) {
	s, url := database(t, people, publishAll)
	_, lsn := copied(t, s)
	st := stream(t, s, lsn)
	pgtest.Exec(t, url,
		"INSERT INTO people VALUES (1, 'Ann'), (2, NULL)",
		"UPDATE people SET name = 'Bob' WHERE id = 2",
		"UPDATE people SET id = 3 WHERE id = 2",
		"DELETE FROM people WHERE id = 1",
		"TRUNCATE people",
		"SELECT pg_logical_emit_message(true, 'test', 'hello')")
	var got []string
	var last change.LSN
	described := false
	for len(got) < 20 {
		message, e := next(t, st)
		switch m := message.(type) {
		case *pgoutput.Begin:
			got = append(got, "begin")
		case *pgoutput.Commit:
			got = append(got, "commit")
			if m.EndLSN <= last || e.WALStart != m.EndLSN {
				t.Errorf("commit at %s (event at %s) after %s", m.EndLSN, e.WALStart, last)
			}
			last = m.EndLSN
		case *pgoutput.Relation:
			if !described { // Postgres may say it again whenever its caches were reset
				got = append(got, "relation "+m.Name)
			}
			described = true
		case *pgoutput.Insert:
			got = append(got, "insert "+show(m.New))
		case *pgoutput.Update:
			got = append(got, "update "+show(m.Old)+" to "+show(m.New))
		case *pgoutput.Delete:
			got = append(got, "delete "+show(m.Old))
		case *pgoutput.Truncate:
			got = append(got, "truncate")
		case *pgoutput.Logical:
			got = append(got, "message "+string(m.Content))
		}
	}
	want := []string{
		"begin", "relation people", `insert "1" "Ann"`, `insert "2" n`, "commit",
		"begin", `update  to "2" "Bob"`, "commit",
		"begin", `update "2" n to "3" "Bob"`, "commit",
		"begin", `delete "1" n`, "commit",
		"begin", "truncate", "commit",
		"begin", "message hello", "commit",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s", strings.Join(got, "\n"))
	}
}

func TestConfirmMovesAllThreePositionsAndNeverBack(t *testing.T) {
	s, url := database(t, people, publishAll)
	_, lsn := copied(t, s)
	st := stream(t, s, lsn)
	commit := func(id int) change.LSN {
		t.Helper()
		pgtest.Exec(t, url, fmt.Sprintf("INSERT INTO people VALUES (%d)", id))
		for {
			if m, _ := next(t, st); m != nil {
				if c, ok := m.(*pgoutput.Commit); ok {
					return c.EndLSN
				}
			}
		}
	}
	first, second := commit(1), commit(2)
	const allThree = `SELECT EXISTS (
		SELECT FROM pg_stat_replication r JOIN pg_replication_slots s ON s.active_pid = r.pid
		WHERE s.slot_name = $1 AND write_lsn = $2::pg_lsn AND flush_lsn = $2::pg_lsn AND replay_lsn = $2::pg_lsn AND confirmed_flush_lsn = $2::pg_lsn)`
	// Nothing that was received counts before it is confirmed, over several beats too.
	began := query[time.Time](t, url, "SELECT clock_timestamp()")
	eventually(t, url, "SELECT coalesce(max(reply_time) > $1::timestamptz + interval '2 s', false) FROM pg_stat_replication", began)
	eventually(t, url, allThree, s.Config.Slot, lsn.String())
	if err := st.Confirm(first); err != nil {
		t.Fatal(err)
	}
	eventually(t, url, allThree, s.Config.Slot, first.String())
	if err := st.Confirm(second); err != nil {
		t.Fatal(err)
	}
	if err := st.Confirm(first); err != nil { // too late: no error, no effect
		t.Fatal(err)
	}
	eventually(t, url, allThree, s.Config.Slot, second.String())
	if err := st.Confirm(second + 1<<30); err == nil {
		t.Error("a position that Postgres has not reached was confirmed")
	}
	if slot, err := s.Slot(t.Context()); err != nil || slot.Confirmed != second || !slot.Active || slot.ActivePID == 0 {
		t.Errorf("the slot is %+v (%v)", slot, err)
	}
}

func TestConfirmedTransactionsDoNotComeAgainOthersDo(t *testing.T) {
	s, url := database(t, people, publishAll)
	_, lsn := copied(t, s)
	first := stream(t, s, lsn)
	pgtest.Exec(t, url, "INSERT INTO people VALUES (1)", "INSERT INTO people VALUES (2)")
	var confirmed change.LSN
	for {
		m, _ := next(t, first)
		if c, ok := m.(*pgoutput.Commit); ok {
			confirmed = c.EndLSN
			break
		}
	}
	if err := first.Confirm(confirmed); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var err error
	for err == nil { // what was read ahead may still come, but it ends
		_, err = first.Next(t.Context())
	}
	if !errors.Is(err, errClosed) {
		t.Errorf("a closed stream ended with %v", err)
	}
	if err := first.Confirm(confirmed + 1); err == nil {
		t.Error("a closed stream confirmed something")
	}
	second := stream(t, s, confirmed)
	for {
		m, _ := next(t, second)
		if insert, ok := m.(*pgoutput.Insert); ok {
			if got := show(insert.New); got != `"2" n` {
				t.Errorf("got %s", got)
			}
			return
		}
	}
}

func TestStreamEndsItsPredecessor(t *testing.T) {
	s, url := database(t, people, publishAll)
	_, lsn := copied(t, s)
	first := stream(t, s, lsn)
	second := stream(t, s, lsn)
	var err error
	for err == nil {
		_, err = first.Next(t.Context())
	}
	if code(err) != "57P01" { // terminated by administrator
		t.Errorf("the predecessor ended with %v", err)
	}
	pgtest.Exec(t, url, "INSERT INTO people VALUES (1)")
	if m, _ := next(t, second); m == nil {
		t.Error("the successor got nothing")
	}
	if err := s.DropSlot(t.Context()); err != nil { // also ends whoever is there
		t.Fatal(err)
	}
	if slot, err := s.Slot(t.Context()); err != nil || slot.Exists {
		t.Errorf("the slot is %+v (%v)", slot, err)
	}
	if err := s.DropSlot(t.Context()); err != nil {
		t.Errorf("dropping it twice: %v", err)
	}
}

func TestStreamRefusesWhereThereWouldBeAGap(t *testing.T) {
	s, url := database(t, people, publishAll)
	if _, err := s.Stream(t.Context(), 1); !errors.Is(err, ErrNoSlot) {
		t.Errorf("without a slot: %v", err)
	}
	_, lsn := copied(t, s)
	if _, err := s.Stream(t.Context(), lsn-1); !errors.Is(err, ErrSlotAhead) {
		t.Errorf("below the slot: %v", err)
	}
	pgtest.Exec(t, url, "INSERT INTO people VALUES (1)")
	stream(t, s, lsn)
}

func TestStreamRefusesASlotThatWasInvalidated(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Cluster(t, "max_slot_wal_keep_size=1MB", "min_wal_size=32MB", "max_wal_size=32MB")
	url := cluster.URL("postgres")
	pgtest.Exec(t, url, people, publishAll)
	s := New(config(t, url))
	_, lsn := copied(t, s)
	pgtest.InvalidateSlots(t, url)
	if _, err := s.Stream(t.Context(), lsn); !errors.Is(err, ErrSlotLost) {
		t.Errorf("got %v", err)
	}
}

// A caller that takes its time must not cost the connection, also when so much waits
// that nothing more is read.
func TestStreamStaysAliveWhileTheCallerIsBusy(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Cluster(t, "wal_sender_timeout=2s")
	url := cluster.URL("postgres")
	pgtest.Exec(t, url, people, publishAll)
	s := New(config(t, url))
	s.queueBytes, s.beat = 1<<20, 200*time.Millisecond
	_, lsn := copied(t, s)
	st := stream(t, s, lsn)
	const rows = 15_000
	pgtest.Exec(t, url, fmt.Sprintf("INSERT INTO people SELECT g, repeat(md5(g::text), 30) FROM generate_series(1, %d) g", rows))
	waitFor(t, func() bool {
		st.queue.mu.Lock()
		defer st.queue.mu.Unlock()
		return st.queue.bytes > 1<<20-4096
	})
	pid := query[int](t, url, "SELECT pid FROM pg_stat_replication")
	eventually(t, url, "SELECT now() > $1::timestamptz + interval '5 s'", time.Now())
	seen := 0
	for seen < rows {
		if m, _ := next(t, st); m != nil {
			if _, ok := m.(*pgoutput.Insert); ok {
				seen++
			}
		}
	}
	if now := query[int](t, url, "SELECT pid FROM pg_stat_replication"); now != pid {
		t.Errorf("the connection was replaced: %d, was %d", now, pid)
	}
}

// With no beat of ours in between, only the answers to keepalives keep it alive.
func TestStreamAnswersKeepalivesByItself(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Cluster(t, "wal_sender_timeout=2s")
	url := cluster.URL("postgres")
	pgtest.Exec(t, url, people, publishAll)
	s := New(config(t, url))
	s.beat = time.Hour
	_, lsn := copied(t, s)
	st := stream(t, s, lsn)
	eventually(t, url, "SELECT now() > $1::timestamptz + interval '5 s'", time.Now())
	asked := 0
	for {
		e, ok, err := st.TryNext()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		if e.Reply {
			asked++
		}
	}
	if asked == 0 {
		t.Error("Postgres did not ask, so this proves nothing")
	}
	if query[int](t, url, "SELECT count(*) FROM pg_stat_replication") != 1 {
		t.Error("the connection is gone")
	}
}

// WAL that is not published moves the position too: a write's own position may lie
// there, and the slot must not hold it back.
func TestKeepalivesPassUnpublishedTraffic(t *testing.T) {
	s, url := database(t, people, "CREATE TABLE private (id int)", "CREATE PUBLICATION outpost FOR TABLE people")
	_, lsn := copied(t, s)
	st := stream(t, s, lsn)
	pgtest.Exec(t, url, "INSERT INTO private SELECT generate_series(1, 1000)")
	text := query[string](t, url, "SELECT pg_current_wal_flush_lsn()::text")
	target, err := change.ParseLSN(text)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		e, err := st.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if !e.Keepalive || e.Data != nil {
			t.Fatalf("got %+v", e)
		}
		if e.WALEnd >= target {
			break
		}
	}
}

func TestNextGivesUpWithItsContextAndGoesOnAfterwards(t *testing.T) {
	s, url := database(t, people, publishAll)
	_, lsn := copied(t, s)
	st := stream(t, s, lsn)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for { // keepalives may be there already
		if _, err := st.Next(ctx); err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			break
		}
	}
	pgtest.Exec(t, url, "INSERT INTO people VALUES (1)")
	next(t, st)
}

func TestStreamGivesUpAConnectionThatFellSilent(t *testing.T) {
	s, url := database(t, people, publishAll)
	_, lsn := copied(t, s)
	p := startProxy(t, url)
	s.URL = p.url
	s.beat, s.silence = 50*time.Millisecond, 600*time.Millisecond
	st := stream(t, s, lsn)
	pgtest.Exec(t, url, "INSERT INTO people VALUES (1)")
	next(t, st)
	// Idle for longer than that, but alive: nothing happens.
	eventually(t, url, "SELECT clock_timestamp() > $1::timestamptz + interval '1 s'", time.Now())
	pgtest.Exec(t, url, "INSERT INTO people VALUES (2)")
	for {
		if m, _ := next(t, st); m != nil {
			if insert, ok := m.(*pgoutput.Insert); ok && show(insert.New) == `"2" n` {
				break
			}
		}
	}
	p.freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var err error
	for err == nil {
		_, err = st.Next(ctx)
	}
	if !errors.Is(err, errSilent) {
		t.Errorf("got %v", err)
	}
	// The half-open connection still holds the slot; the next stream takes it over.
	s.URL = url
	stream(t, s, lsn)
}

func TestStreamEndsWithItsServer(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Cluster(t)
	url := cluster.URL("postgres")
	pgtest.Exec(t, url, people, publishAll)
	s := New(config(t, url))
	_, lsn := copied(t, s)
	st := stream(t, s, lsn)
	if err := cluster.Kill(); err != nil {
		t.Fatal(err)
	}
	var err error
	for err == nil {
		_, err = st.Next(t.Context())
	}
	if err := st.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, "INSERT INTO people VALUES (1)")
	next(t, stream(t, s, lsn))
}

func TestIdentifyTellsTheHistory(t *testing.T) {
	s, url := database(t, people, publishAll)
	before, err := s.Identify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if before.System == 0 || before.Timeline != 1 || before.WALFlush == 0 || !strings.HasSuffix(url[:strings.Index(url, "?")], "/"+before.Database) {
		t.Errorf("got %+v", before)
	}
	pgtest.Exec(t, url, "INSERT INTO people VALUES (1)")
	after, err := s.Identify(t.Context())
	if err != nil || after.System != before.System || after.WALFlush <= before.WALFlush {
		t.Errorf("got %+v after %+v (%v)", after, before, err)
	}
}

// proxy stands between a client and Postgres, and can fall silent.
type proxy struct {
	url    string
	frozen chan struct{}
}

func (p *proxy) freeze() { close(p.frozen) }

func startProxy(t *testing.T, address string) *proxy {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	server := u.Host
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u.Host = listener.Addr().String()
	p := &proxy{url: u.String(), frozen: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	t.Cleanup(func() {
		cancel()
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	go func() {
		defer close(done)
		for {
			client, err := listener.Accept()
			if err != nil {
				return // closed
			}
			behind, err := net.Dial("tcp", server)
			if err != nil {
				t.Error(err)
				return
			}
			context.AfterFunc(ctx, func() { _, _ = client.Close(), behind.Close() })
			go p.pass(ctx, client, behind)
			go p.pass(ctx, behind, client)
		}
	}()
	return p
}

func (p *proxy) pass(ctx context.Context, to io.WriteCloser, from io.Reader) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		select {
		case <-p.frozen:
			<-ctx.Done() // keeps both connections open, and says nothing
			return
		default:
		}
		if err == nil {
			_, err = to.Write(buffer[:n])
		}
		if err != nil {
			_ = to.Close() // as the other end did
			return
		}
	}
}
