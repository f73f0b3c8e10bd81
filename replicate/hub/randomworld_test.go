package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"outpost/replicate/follow"
	"outpost/replicate/pgcluster"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/replica"
	"outpost/replicate/replicatest/logbuffer"
	"outpost/replicate/stream"
)

// world is a Postgres with random tables, sessions that write to it, a hub on it and an
// edge. One goroutine drives all of it by one source of random numbers.
type world struct {
	t       *testing.T
	seed    uint64
	rand    *rand.Rand
	cluster *pgcluster.Cluster
	admin   string // URL
	f       *fixture
	pg      *pgx.Conn // the world's own, of a superuser

	types    []typed
	literals map[string][]string // by type
	domains  map[string]bool
	style    string // of the publication
	limited  bool   // the hub may announce nothing

	sessions []*session
	prepared []string
	serial   int
	history  []string
	// mayCopy says that something happened since the last comparison of which the
	// documentation says that it needs a new copy; emptied, that tables got other files.
	mayCopy, emptied bool
	told             int // how much of the log was looked at

	proxy     *proxy
	edge      *replica.Replica
	stopEdge  func()
	snapshots snapshotDoor
}

// worldTable is a table as a session's transaction sees it.
type worldTable struct {
	Schema, Name string
	Root, Leaf   bool
	Restricted   bool // some columns or rows are not published
	Identity     string
	Columns      []worldColumn
}

type worldColumn struct {
	Name, Type                          string
	NotNull, Key, Indexed, Fixed, Bound bool
}

func (t *worldTable) sql() string { return ident(t.Schema, t.Name) }

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{
		t: t, seed: seed, rand: rand.New(rand.NewPCG(seed, 1)), literals: map[string][]string{"region": {"'eu'"}}, domains: map[string]bool{},
	}
	t.Cleanup(w.report)
	w.cluster = pgtest.Cluster(t, "max_prepared_transactions=8", "logical_decoding_work_mem="+w.pick("64kB", "64MB"))
	w.admin = w.cluster.URL("postgres")
	w.f = &fixture{
		t: t, url: w.admin, dir: t.TempDir(), logged: new(logbuffer.Buffer), watch: 100 * time.Millisecond,
		between: func(int) time.Duration { return 50 * time.Millisecond },
	}
	w.f.log = slog.New(slog.NewTextHandler(w.f.logged, nil))
	w.connect()
	w.populate()
	if w.limited = w.chance(5); w.limited {
		w.f.limit("")
	}
	w.note("the hub may announce changes: %v, publication: %s", !w.limited, w.style)
	w.proxy = newProxy(t)
	for i := range 3 {
		w.sessions = append(w.sessions, &session{world: w, number: i + 1})
	}
	w.startHub()
	w.startEdge()
	return w
}

// report prints what happened, of a test that failed.
func (w *world) report() {
	if !w.t.Failed() {
		return
	}
	tail := func(lines []string, n int) string { return strings.Join(lines[max(0, len(lines)-n):], "\n") }
	w.t.Logf("the log ends:\n%s", tail(strings.Split(w.f.logged.String(), "\n"), 120))
	w.t.Logf("the history ends:\n%s", tail(w.history, 100))
	w.t.Logf("run it again with %s=%d", seedVariable, w.seed)
}

func (w *world) note(format string, v ...any) {
	line := fmt.Sprintf(format, v...)
	if len(line) > 600 {
		line = line[:400] + " … " + line[len(line)-150:]
	}
	w.history = append(w.history, time.Now().Format("05.000 ")+line)
}

func (w *world) connect() { w.pg = pgtest.Connect(w.t, w.admin) }

// must runs a statement of the world's own.
func (w *world) must(sql string) {
	w.t.Helper()
	w.note("world: %s", sql)
	if _, err := w.pg.Exec(w.t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
}

// snapshotDoor leads to the hub that runs now.
type snapshotDoor struct {
	mu sync.Mutex
	f  *fixture // nil while there is none
}

func (d *snapshotDoor) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.f == nil {
		http.Error(rw, "the hub is away", http.StatusServiceUnavailable)
		return
	}
	d.f.serveSnapshot(rw, r)
}

func (w *world) startHub() {
	w.note("the hub starts")
	w.f.start()
	w.proxy.lead(w.f.server.Addr().String())
	w.snapshots.mu.Lock()
	w.snapshots.f = w.f
	w.snapshots.mu.Unlock()
}

// stopHub ends it wherever it is.
func (w *world) stopHub() {
	w.note("the hub stops")
	w.snapshots.mu.Lock()
	w.snapshots.f = nil
	w.snapshots.mu.Unlock()
	w.proxy.lead("")
	w.f.stop()
}

func (w *world) startEdge() {
	w.t.Helper()
	w.note("the edge starts")
	door := httptest.NewServer(&w.snapshots)
	conn, err := stream.Connect(stream.ConnOptions{URL: "nats://" + w.proxy.addr(), ClusterKey: key, Zone: stream.All, Log: w.f.log})
	if err != nil {
		w.t.Fatal(err)
	}
	w.edge = w.f.open("edge", nil)
	follower := follow.NewEdge(w.edge, conn, &follow.Snapshots{
		URL: door.URL, Client: door.Client(), Sign: func(http.Header) {}, Dir: filepath.Join(w.f.dir, "edge"),
	}, w.f.log.With("edge", "syd"))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- follower.Run(ctx) }()
	var once sync.Once
	r := w.edge
	w.stopEdge = func() {
		once.Do(func() {
			cancel()
			err := <-done
			conn.Close()
			door.Close()
			if err := errors.Join(err, r.Close()); err != nil {
				w.t.Errorf("stopping the edge: %v", err)
			}
		})
	}
	w.t.Cleanup(w.stopEdge)
}

// crash lets something end or break, and mostly come back.
func (w *world) crash() {
	switch w.rand.IntN(6) {
	case 0, 1:
		w.stopHub()
		for range w.rand.IntN(10) {
			w.step()
		}
		w.startHub()
	case 2:
		w.note("Postgres is killed")
		w.mayCopy = true // what was announced before and not read yet cannot be proved any more
		if err := w.cluster.Kill(); err != nil {
			w.t.Fatal(err)
		}
		if w.chance(2) {
			w.stopHub()
			defer w.startHub()
		}
		if err := w.cluster.Restart(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		for _, s := range w.sessions {
			s.lost()
		}
		w.connect()
		w.note("Postgres is back")
	case 3, 4:
		w.note("the edge stops")
		w.stopEdge()
		for range w.rand.IntN(10) {
			w.step()
		}
		w.startEdge()
	default:
		w.note("the edge's connection breaks")
		w.proxy.sever()
	}
}

// session is a connection that writes. Its transaction may stay open for many steps.
type session struct {
	*world
	number     int
	conn       *pgx.Conn
	open       bool
	savepoints []string
}

// lost forgets a connection that is gone with the server.
func (s *session) lost() {
	if s.conn != nil {
		_ = s.conn.Close(context.Background()) // there is nobody at its other end
	}
	s.conn, s.open, s.savepoints = nil, false, nil
}

func (s *session) connect() {
	s.t.Helper()
	config, err := pgx.ParseConfig(s.admin)
	if err != nil {
		s.t.Fatal(err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	config.RuntimeParams["lock_timeout"] = "30"
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		switch {
		case !strings.HasPrefix(n.Message, "outpost: "): // its warnings; tables may be called so too
		case strings.HasSuffix(n.Message, "lock timeout"):
			// Of a partition or a publication all tables are described, those with a row
			// filter too: that waits where another session alters one.
			s.mayCopy = true
		default:
			s.t.Errorf("Postgres says: %s", n.Message)
		}
	}
	if s.conn, err = pgx.ConnectConfig(s.t.Context(), config); err != nil {
		s.t.Fatal(err)
	}
	conn := s.conn
	s.t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the server may be gone by now
}

// exec runs a statement. One that Postgres refuses ends the transaction, or goes back to
// a savepoint; so do those that would wait for another session.
func (s *session) exec(sql string) bool {
	s.t.Helper()
	if s.conn == nil {
		s.connect()
	}
	_, err := s.conn.Exec(s.t.Context(), sql)
	refused := (*pgconn.PgError)(nil)
	switch {
	case err == nil:
		s.note("%d: %s", s.number, sql)
		return true
	case !errors.As(err, &refused):
		s.t.Fatalf("session %d: %s: %v", s.number, sql, err)
	}
	s.note("%d: %s\n\t\t-- %s", s.number, sql, refused.Message)
	if refused.Code == "XX000" {
		s.t.Errorf("Postgres itself failed: %v", err)
	}
	if !s.open {
		return false
	}
	if n := len(s.savepoints); n > 0 && s.chance(2) {
		s.exec("ROLLBACK TO " + s.savepoints[n-1])
		return false
	}
	s.end("ROLLBACK")
	return false
}

func (s *session) begin() {
	if !s.open {
		s.open = s.exec("BEGIN")
	}
}

func (s *session) end(how string) {
	s.open, s.savepoints = false, nil
	s.exec(how)
}

// tables gives those of the world as the session sees them.
func (s *session) tables() []worldTable {
	s.t.Helper()
	if s.conn == nil {
		s.connect()
	}
	var text string
	err := s.conn.QueryRow(s.t.Context(), `SELECT coalesce(json_agg(json_build_object(
		'Schema', nspname, 'Name', relname, 'Root', relkind = 'p', 'Leaf', relispartition, 'Identity', relreplident,
		'Restricted', EXISTS (SELECT FROM pg_publication_rel WHERE prrelid = c.oid AND (prattrs IS NOT NULL OR prqual IS NOT NULL)), 'Columns', (
			SELECT json_agg(json_build_object('Name', attname, 'Type', CASE WHEN attname = 'region' THEN 'region' ELSE format_type(atttypid, atttypmod) END,
				'NotNull', attnotnull, 'Fixed', attgenerated <> '' OR attidentity = 'a', 'Bound', NOT attislocal,
				'Key', EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary AND attnum = ANY (indkey::int2[])),
				'Indexed', EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND attnum = ANY (indkey::int2[]))) ORDER BY attnum)
			FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)) ORDER BY nspname COLLATE "C", relname COLLATE "C"), '[]')::text
		FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
		WHERE relkind IN ('r', 'p') AND nspname = ANY ('{public,s,S,we ird,r}') AND relpersistence = 'p'`).Scan(&text)
	if err != nil {
		s.t.Fatalf("session %d: reading the tables: %v", s.number, err)
	}
	var tables []worldTable
	if err := json.Unmarshal([]byte(text), &tables); err != nil {
		s.t.Fatal(err)
	}
	return slices.DeleteFunc(tables, func(t worldTable) bool { return len(t.Columns) == 0 })
}

// step lets one session do something.
func (w *world) step() {
	s := w.sessions[w.rand.IntN(len(w.sessions))]
	tables := s.tables()
	if len(tables) == 0 {
		w.t.Fatal("there are no tables left")
	}
	t := &tables[w.rand.IntN(len(tables))]
	switch n := w.rand.IntN(100); {
	case n < 12:
		s.begin()
	case n < 17 && s.open:
		s.savepoint()
	case n < 32 && s.open:
		s.finish()
	case n < 44:
		s.alterSchema(tables, t)
	case n < 46:
		s.large(t)
	case n < 48:
		s.empty(tables, t)
	default:
		s.write(t)
	}
	if w.chance(6) {
		w.settlePrepared()
	}
}

func (s *session) savepoint() {
	n := len(s.savepoints)
	switch {
	case n > 0 && s.chance(3):
		at := s.rand.IntN(n)
		if s.exec("ROLLBACK TO " + s.savepoints[at]) {
			s.savepoints = s.savepoints[:at+1]
		}
	case n > 0 && s.chance(3):
		at := s.rand.IntN(n)
		s.exec("RELEASE " + s.savepoints[at])
		if len(s.savepoints) > at {
			s.savepoints = s.savepoints[:at]
		}
	default:
		s.serial++
		name := fmt.Sprintf("p%d", s.serial)
		if s.exec("SAVEPOINT " + name) {
			s.savepoints = append(s.savepoints, name)
		}
	}
}

func (s *session) finish() {
	switch {
	case s.chance(5):
		s.end("ROLLBACK")
	case s.chance(6) && len(s.prepared) < 3:
		s.serial++
		name := fmt.Sprintf("'two phases %d'", s.serial)
		s.open, s.savepoints = false, nil
		if s.exec("PREPARE TRANSACTION " + name) {
			s.prepared = append(s.prepared, name)
		} else {
			s.exec("ROLLBACK")
		}
	default:
		s.end("COMMIT")
	}
}

func (w *world) settlePrepared() {
	if len(w.prepared) == 0 {
		return
	}
	name := w.prepared[0]
	w.prepared = w.prepared[1:]
	w.must(w.pick("COMMIT", "COMMIT", "ROLLBACK") + " PREPARED " + name)
}

// quiet ends everything that is open.
func (w *world) quiet() {
	for _, s := range w.sessions {
		if s.open {
			s.end(w.pick("COMMIT", "COMMIT", "ROLLBACK"))
		}
	}
	for len(w.prepared) > 0 {
		w.settlePrepared()
	}
}
