package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"outpost/replicate/change"
	"outpost/replicate/follow"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/replica"
	"outpost/replicate/replicatest/logbuffer"
	"outpost/replicate/stream"
)

func TestMain(m *testing.M) {
	if options := os.Getenv(childVariable); options != "" {
		os.Exit(child(options))
	}
	os.Exit(pgtest.Run(m))
}

const (
	key      = "the key"
	patience = 20 * time.Second
)

// fixture is a published table, a hub on it, and edges.
type fixture struct {
	t       *testing.T
	url     string
	dir     string
	pg      *pgx.Conn
	log     *slog.Logger
	logged  *logbuffer.Buffer
	hub     *Hub
	server  *stream.Server
	replica *replica.Replica
	stop    func()

	external    string                  // an existing NATS; else the hub's own
	edgesTo     string                  // where edges connect; the hub itself if empty
	streamDir   string                  // of the hub; beside the rest if empty
	through     *proxy                  // the hub's way to Postgres, if not directly
	streamBytes int64                   // of the hub; 0 for the default
	watch       time.Duration           // likewise
	silence     time.Duration           // likewise
	now         func() time.Time        // likewise
	between     func(int) time.Duration // likewise
}

// newFixture takes a database of its own, so the test runs beside others.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	t.Parallel()
	return newFixtureAt(t, pgtest.Database(t))
}

func newFixtureAt(t *testing.T, url string) *fixture {
	t.Helper()
	return fixtureOf(t, url,
		"CREATE TABLE course (id bigint PRIMARY KEY, title text, body text)",
		"ALTER TABLE course ALTER body SET STORAGE EXTERNAL",
		"CREATE PUBLICATION everything FOR TABLE course",
		"CREATE TABLE private (id bigint PRIMARY KEY, filler text)",
		noise,
		"INSERT INTO course SELECT i, 'course ' || i, 'first' FROM generate_series(1, 100) i")
}

// noise makes the SQL function noise: text of a length that cannot be packed, for what is to
// take room.
const noise = `CREATE FUNCTION noise(length int) RETURNS text LANGUAGE sql VOLATILE AS
	$$SELECT left(string_agg(md5(random()::text), ''), length) FROM generate_series(0, length / 32)$$`

// fixtureOf publishes what the statements say, as everything.
func fixtureOf(t *testing.T, url string, statements ...string) *fixture {
	t.Helper()
	pgtest.Exec(t, url, statements...)
	f := &fixture{t: t, url: url, dir: t.TempDir(), logged: new(logbuffer.Buffer)}
	f.connect()
	f.log = slog.New(slog.NewTextHandler(f.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("the log:\n" + f.logged.String())
		}
	})
	return f
}

// connect opens the test's own connection. What Postgres warns of fails the test.
func (f *fixture) connect() {
	f.t.Helper()
	config, err := pgx.ParseConfig(f.url)
	if err != nil {
		f.t.Fatal(err)
	}
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if n.Severity == "WARNING" {
			f.t.Errorf("Postgres warns: %s", n.Message)
		}
	}
	if f.pg, err = pgx.ConnectConfig(f.t.Context(), config); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		// The server may be gone by now; the test has said all there is to say.
		_ = f.pg.Close(context.Background())
	})
}

// start runs the hub until stop; it may be called again afterwards.
func (f *fixture) start() {
	f.t.Helper()
	f.build()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.hub.Run(ctx) }()
	release := f.stop
	var once sync.Once
	f.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				f.t.Errorf("stopping the hub: %v", err)
			}
			release()
		})
	}
	f.t.Cleanup(f.stop)
}

// build makes a hub that does not run, until stop.
func (f *fixture) build() {
	f.t.Helper()
	url := f.url
	if f.through != nil {
		url = f.through.url(f.t, f.url)
	}
	p, err := newParts(f.t.Context(), partsOptions{
		url: url, dir: f.dir, streamDir: f.streamDir, external: f.external, streamBytes: f.streamBytes,
	}, f.log)
	if err != nil {
		f.t.Fatal(err)
	}
	f.hub, f.server, f.replica = p.hub, p.server, p.hub.Replica
	f.hub.watch = f.watch
	if f.between != nil {
		f.hub.between = f.between
	}
	if f.silence != 0 {
		f.hub.silence = f.silence
	}
	if f.now != nil {
		f.hub.now = f.now
	}
	var once sync.Once
	f.stop = func() {
		once.Do(func() {
			if err := p.close(); err != nil {
				f.t.Errorf("closing the hub's replica: %v", err)
			}
		})
	}
	f.t.Cleanup(f.stop)
}

func (f *fixture) open(name string, delay func()) *replica.Replica {
	f.t.Helper()
	r, err := openReplica(f.t.Context(), filepath.Join(f.dir, name), f.log, delay)
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// edge follows over TCP, with snapshots over HTTP, until stop or the test's end.
func (f *fixture) edge(name string, delay func()) (*replica.Replica, func()) {
	f.t.Helper()
	snapshots := httptest.NewServer(http.HandlerFunc(f.serveSnapshot))
	url := f.external
	if url == "" {
		url = "nats://" + cmp.Or(f.edgesTo, f.server.Addr().String())
	}
	conn, err := stream.Connect(stream.ConnOptions{URL: url, ClusterKey: key, Zone: stream.All, Log: f.log})
	if err != nil {
		f.t.Fatal(err)
	}
	r := f.open(name, delay)
	edge := follow.NewEdge(r, conn, &follow.Snapshots{
		URL: snapshots.URL, Client: snapshots.Client(), Sign: from(name), RefusedHeader: refusedHeader, Dir: filepath.Join(f.dir, name),
	}, f.log.With("edge", name))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- edge.Run(ctx) }()
	var once sync.Once
	stop := func() {
		once.Do(func() {
			cancel()
			err := <-done
			conn.Close()
			snapshots.Close()
			if err := errors.Join(err, r.Close()); err != nil {
				f.t.Errorf("stopping edge %s: %v", name, err)
			}
		})
	}
	f.t.Cleanup(stop)
	return r, stop
}

func (f *fixture) serveSnapshot(w http.ResponseWriter, r *http.Request) { serveSnapshot(f.hub, w, r) }

func (f *fixture) exec(sql string, args ...any) {
	f.t.Helper()
	if _, err := f.pg.Exec(f.t.Context(), sql, args...); err != nil {
		f.t.Fatal(err)
	}
}

// written is the position that a write which just committed can be read at.
func (f *fixture) written() change.LSN {
	f.t.Helper()
	var text string
	if err := f.pg.QueryRow(f.t.Context(), "SELECT pg_current_wal_insert_lsn()::text").Scan(&text); err != nil {
		f.t.Fatal(err)
	}
	lsn, err := change.ParseLSN(text)
	if err != nil {
		f.t.Fatal(err)
	}
	if lsn%8192 == 24 {
		lsn -= 24 // right behind a page's header, where no record ends
	}
	return lsn
}

// reaches waits until r shows the same rows as Postgres.
func (f *fixture) reaches(r *replica.Replica, what string) {
	f.t.Helper()
	const sums = "SELECT count(*) || ' ' || coalesce(sum(id), 0) || ' ' || coalesce(sum(length(title) + length(body)), 0) FROM course"
	var want, got string
	if err := f.pg.QueryRow(f.t.Context(), sums).Scan(&want); err != nil {
		f.t.Fatal(err)
	}
	f.eventually(what+" equals Postgres", func() error {
		err := r.Read(f.t.Context(), func(v replica.View) error { return v.Tx.QueryRow(sums).Scan(&got) })
		if err == nil && got != want {
			err = fmt.Errorf("Postgres has %s, the replica %s", want, got)
		}
		return err
	})
}

func (f *fixture) eventually(what string, condition func() error) {
	f.t.Helper()
	f.within(patience, what, condition)
}

func (f *fixture) within(limit time.Duration, what string, condition func() error) {
	f.t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(15 * time.Millisecond) // under the race detector a look is not cheap
	defer tick.Stop()
	var err error
	for {
		select {
		case <-tick.C:
			if err = condition(); err == nil {
				return
			}
		case <-deadline:
			f.t.Fatalf("within %v it was not so that %s: %v", limit, what, err)
		}
	}
}

func (f *fixture) generation() change.Generation { return f.replica.State().Position.Generation }

func TestSlotToStreamToReplica(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	edge, _ := f.edge("syd", nil)
	f.reaches(edge, "the edge")
	f.exec("UPDATE course SET title = 'changed' WHERE id = 7")
	f.exec("DELETE FROM course WHERE id = 8")
	f.exec("INSERT INTO course VALUES (1000, 'new', NULL)")
	f.reaches(edge, "the edge")
	f.reaches(f.replica, "the primary's replica")
}

func TestHeartbeatsReachPositionsWithoutACommit(t *testing.T) {
	f := newFixture(t)
	f.start()
	edge, _ := f.edge("syd", nil)
	f.reaches(edge, "the edge")
	for i := range 50 {
		f.exec("INSERT INTO private VALUES ($1, repeat('x', 1000))", i)
		at := f.written()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err := edge.Wait(ctx, change.Position{Generation: edge.State().Position.Generation, LSN: at})
		cancel()
		if err != nil {
			t.Fatalf("position %s of a write that is not published: %v", at, err)
		}
	}
}

func TestLargeTransactionIsCutAndWhole(t *testing.T) {
	f := newFixture(t)
	f.start()
	edge, _ := f.edge("syd", nil)
	f.reaches(edge, "the edge")
	// Ten messages' worth, a value larger than a message among it, and rows that keep
	// their unchanged TOAST value.
	f.exec(`WITH a AS (INSERT INTO course SELECT i, 'large', repeat('y', 10000) FROM generate_series(2001, 3000) i RETURNING 1),
		b AS (INSERT INTO course VALUES (5000, 'huge', repeat('z', 5000000)) RETURNING 1) SELECT 1`)
	f.exec("UPDATE course SET title = 'touched' WHERE id > 2500")
	f.reaches(edge, "the edge")
}

func TestHubResumesWhereItStopped(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	generation := f.generation()
	f.stop()
	f.exec("UPDATE course SET title = 'while away' WHERE id < 50")
	f.start()
	f.reaches(f.replica, "the primary's replica")
	if g := f.generation(); g != generation {
		t.Errorf("a restart began generation %d after %d", g, generation)
	}
}

// TestHubResumesBehindItsStream restarts Postgres, which remembers a slot's confirmed
// position only as of its last checkpoint: much of what the stream holds is sent again.
func TestHubResumesBehindItsStream(t *testing.T) {
	cluster := pgtest.Cluster(t)
	f := newFixtureAt(t, cluster.URL("postgres"))
	f.start()
	f.reaches(f.replica, "the primary's replica")
	generation := f.generation()
	f.exec("CHECKPOINT")
	for i := range 20 {
		f.exec("UPDATE course SET title = $1 WHERE id = 1", fmt.Sprint("again ", i))
	}
	// Much that is not published behind the last commit: the stream's end, a heartbeat,
	// is then far ahead of what arrives first.
	f.exec("INSERT INTO private SELECT i, repeat('x', 100) FROM generate_series(1, 200000) i")
	if err := f.replica.Wait(t.Context(), change.Position{Generation: generation, LSN: f.written()}); err != nil {
		t.Fatal(err)
	}
	f.stop()
	if err := cluster.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.pg = pgtest.Connect(t, f.url)
	f.start()
	f.exec("UPDATE course SET title = 'afterwards' WHERE id = 2")
	f.reaches(f.replica, "the primary's replica")
	if g := f.generation(); g != generation {
		t.Errorf("a restart began generation %d after %d", g, generation)
	}
	if strings.Contains(f.logged.String(), "broke off") {
		t.Error("the hub's session broke off")
	}
}

func TestEdgeCatchesUpWithoutASnapshot(t *testing.T) {
	f := newFixture(t)
	f.start()
	edge, stop := f.edge("syd", nil)
	f.reaches(edge, "the edge")
	incarnation := edge.State().Incarnation
	stop()
	f.exec("UPDATE course SET title = 'while away'")
	edge, _ = f.edge("syd", nil)
	f.reaches(edge, "the edge")
	if got := edge.State().Incarnation; got != incarnation {
		t.Errorf("the edge took another file: incarnation %d after %d", got, incarnation)
	}
}

// TestNewGeneration breaks the history in every way that a start can find.
func TestNewGeneration(t *testing.T) {
	cases := []struct {
		name   string
		broken func(f *fixture)
		reason string
	}{
		{"slot dropped", func(f *fixture) {
			f.exec("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()")
		}, "slot is gone"},
		{"slot ran ahead", func(f *fixture) {
			f.exec("INSERT INTO course VALUES (9001, 'lost', NULL)")
			f.exec("SELECT pg_replication_slot_advance(slot_name, pg_current_wal_lsn()) FROM pg_replication_slots WHERE database = current_database()")
		}, "the slot was confirmed up to"},
		{"stream lost", func(f *fixture) { f.remove("stream") }, "the stream is empty"},
		{"replica lost", func(f *fixture) { f.remove("primary") }, "no replica of its own"},
		{"table rewritten", func(f *fixture) { f.exec("ALTER TABLE course ALTER title TYPE text USING upper(title)") }, "rewritten"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			f.start()
			f.reaches(f.replica, "the primary's replica")
			edge, stopEdge := f.edge("syd", nil)
			f.reaches(edge, "the edge")
			stopEdge()
			generation := f.generation()
			f.stop()
			c.broken(f)
			f.start()
			f.eventually("a new generation begins", func() error {
				if g := f.generation(); g <= generation {
					return fmt.Errorf("it is %d, it was %d", g, generation)
				}
				return nil
			})
			if !strings.Contains(f.logged.String(), c.reason) {
				t.Errorf("the log does not name the reason %q", c.reason)
			}
			edge, _ = f.edge("syd", nil)
			f.exec("INSERT INTO course (id, title) VALUES (9002, 'afterwards')")
			f.reaches(f.replica, "the primary's replica")
			f.reaches(edge, "the edge")
		})
	}
}

func (f *fixture) remove(name string) {
	f.t.Helper()
	if err := os.RemoveAll(filepath.Join(f.dir, name)); err != nil {
		f.t.Fatal(err)
	}
}

// TestSchemaChangeUnderwayIsFollowedInPlace changes a table while everything runs.
func TestSchemaChangeUnderwayIsFollowedInPlace(t *testing.T) {
	f := newFixture(t)
	f.start()
	edge, _ := f.edge("syd", nil)
	f.reaches(edge, "the edge")
	generation := f.generation()
	f.exec("ALTER TABLE course ADD COLUMN minutes integer DEFAULT 42")
	f.exec("UPDATE course SET minutes = 43 WHERE id = 3")
	f.eventually("the edge has the new column", func() error {
		return edge.Read(t.Context(), func(v replica.View) error {
			var forty2, forty3 int
			if err := v.Tx.QueryRow("SELECT count(*) FILTER (WHERE minutes = 42), count(*) FILTER (WHERE minutes = 43) FROM course").Scan(&forty2, &forty3); err != nil {
				return err
			}
			if forty2 != 99 || forty3 != 1 {
				return fmt.Errorf("%d rows have 42, %d have 43", forty2, forty3)
			}
			return nil
		})
	})
	if g := f.generation(); g != generation {
		t.Errorf("generation %d was begun", g)
	}
}

func TestSnapshotDownloadResumes(t *testing.T) {
	f := newFixture(t)
	f.exec("INSERT INTO course SELECT i, md5(i::text), (SELECT string_agg(md5((i * j)::text), '') FROM generate_series(1, 50) j) FROM generate_series(101, 3000) i")
	f.start()
	f.reaches(f.replica, "the primary's replica")
	f.eventually("there is a snapshot to give", func() error { // an instant after the replica
		d, err := f.hub.OpenSnapshot(t.Context(), "syd", "")
		if err == nil {
			err = d.Close()
		}
		return err
	})
	var served []string
	var mu sync.Mutex
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		served = append(served, r.Header.Get("Range"))
		first := len(served) == 1
		mu.Unlock()
		if first {
			w = &breaksOff{ResponseWriter: w, left: 100_000}
		}
		f.serveSnapshot(w, r)
	}))
	defer broken.Close()
	folder := filepath.Join(f.dir, "download")
	r := f.open("download", nil)
	defer r.Close()
	s := &follow.Snapshots{URL: broken.URL, Client: broken.Client(), Sign: func(http.Header) {}, Dir: folder}
	if err := s.Install(t.Context(), r); err == nil {
		t.Fatal("a download that broke off was installed")
	}
	if err := s.Install(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if len(served) != 2 || served[0] != "" || served[1] == "" || served[1] == "bytes=0-" {
		t.Errorf("ranges asked for: %q", served)
	}
	f.reaches(r, "the installed snapshot")
	rest, err := filepath.Glob(filepath.Join(folder, "snapshot*"))
	if err != nil || len(rest) > 0 {
		t.Errorf("left behind: %v, %v", rest, err)
	}
}

// breaksOff ends the connection after so many bytes.
type breaksOff struct {
	http.ResponseWriter
	left int
	sent *atomic.Int64 // counts them; may be nil
}

func (b *breaksOff) Write(p []byte) (int, error) {
	whole := len(p)
	p = p[:min(whole, b.left)]
	b.left -= len(p)
	n, err := b.ResponseWriter.Write(p)
	if b.sent != nil {
		b.sent.Add(int64(n))
	}
	if err == nil && n < whole {
		b.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, err
}

func (b *breaksOff) ReadFrom(r io.Reader) (int64, error) { return io.Copy(struct{ io.Writer }{b}, r) }

func TestStreamIsTrimmedToTheNewestSnapshot(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	for range 40 {
		f.exec("UPDATE course SET body = noise(30000) WHERE id = 1")
	}
	f.reaches(f.replica, "the primary's replica")
	log, err := f.hub.Conn.OpenLog(t.Context(), DefaultStreamBytes)
	if err != nil {
		t.Fatal(err)
	}
	before, err := log.Bounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.hub.StreamBytes = int64(before.Bytes)
	if err := f.hub.trim(t.Context(), log); err != nil {
		t.Fatal(err)
	}
	after, err := log.Bounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if after.First <= before.First || after.First > before.Last {
		t.Errorf("the stream held %+v and holds %+v", before, after)
	}
	snapshot := f.hub.snapshots.newest
	if snapshot == nil || snapshot.State.Seq+1 < after.First {
		t.Errorf("the stream begins at %d, the newest snapshot is %+v", after.First, snapshot)
	}
	edge, _ := f.edge("syd", nil)
	f.reaches(edge, "an edge that comes now")
}
