package verify

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"outpost/replicate/hub"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/replica"
	"outpost/replicate/replicatest/logbuffer"
	"outpost/replicate/source"
	"outpost/replicate/stream"
)

func TestMain(m *testing.M) {
	code := pgtest.Run(m)
	if err := goleak.Find(goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server.(*Server).Start.func1")); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

const patience = 3 * time.Minute

// fixture is a published database, a hub on it, and the hub's own replica.
type fixture struct {
	t       testing.TB
	url     string
	path    string // of the replica's file
	replica *replica.Replica
	log     *logbuffer.Buffer
}

// follow runs statements in a fresh database and replicates what publication "outpost"
// then names, until the test ends.
func follow(t testing.TB, statements ...string) *fixture {
	t.Helper()
	f := &fixture{t: t, url: pgtest.Database(t), log: new(logbuffer.Buffer)}
	pgtest.Exec(t, f.url, statements...)
	log := logTo(f.log)
	dir := t.TempDir()
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("the log:\n" + f.log.String())
		}
	})
	server, err := stream.StartServer(stream.ServerOptions{
		Dir: filepath.Join(dir, "stream"), Addr: "127.0.0.1:0", ClusterKey: "key", Zones: []string{stream.All}, Log: log,
	})
	must(t, err)
	t.Cleanup(server.Shutdown)
	conn, err := stream.Connect(stream.ConnOptions{Server: server, Log: log})
	must(t, err)
	t.Cleanup(conn.Close)
	f.path = filepath.Join(dir, "replica.db")
	f.replica, err = replica.Open(t.Context(), replica.Options{Path: f.path, Log: log})
	must(t, err)
	t.Cleanup(func() { must(t, f.replica.Close()) })
	must(t, os.MkdirAll(filepath.Join(dir, "hub"), 0o700))
	h := hub.New(hub.Options{Source: f.source(), Conn: conn, Replica: f.replica, Dir: filepath.Join(dir, "hub"), Log: log})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		must(t, <-done)
	})
	eventually(t, "the replica is loaded", f.replica.Loaded)
	return f
}

func (f *fixture) source() *source.Source {
	f.t.Helper()
	u, err := url.Parse(f.url)
	must(f.t, err)
	return source.New(source.Config{URL: f.url, Publication: "outpost", Slot: source.SlotName(strings.TrimPrefix(u.Path, "/"))})
}

// copied makes a replica file that nobody follows.
func copied(t testing.TB, statements ...string) (url, path string) {
	t.Helper()
	url = pgtest.Database(t)
	return url, copyOf(t, url, statements...)
}

func copyOf(t testing.TB, url string, statements ...string) (path string) {
	t.Helper()
	f := &fixture{t: t, url: url, path: filepath.Join(t.TempDir(), "replica.db")}
	pgtest.Exec(t, f.url, statements...)
	s := f.source()
	identity, err := s.Identify(t.Context())
	must(t, err)
	loader, err := replica.Create(t.Context(), f.path)
	must(t, err)
	t.Cleanup(loader.Abort)
	at := replica.State{System: identity.System, Timeline: identity.Timeline}
	at.Position.Generation = 1
	at.Position.LSN, err = s.Copy(t.Context(), loader.Begin, loader.Row)
	must(t, err)
	must(t, loader.Finish(t.Context(), at))
	return f.path
}

// plant changes the replica behind everybody's back.
func plant(t testing.TB, path string, statements ...string) {
	t.Helper()
	// Without checkpoints: of one that is not its own the replica would know, and take another file.
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=wal_autocheckpoint(0)")
	must(t, err)
	defer db.Close()
	for _, s := range statements {
		r, err := db.ExecContext(t.Context(), s)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		n, err := r.RowsAffected()
		must(t, err)
		if n == 0 && !strings.HasPrefix(s, "ALTER") {
			t.Fatalf("%s: changed nothing", s)
		}
	}
}

func (f *fixture) verify(change ...func(*Options)) Report {
	f.t.Helper()
	o := Options{URL: f.url, Replica: f.replica, Log: logTo(f.log)}
	for _, c := range change {
		c(&o)
	}
	return run(f.t, o)
}

func run(t testing.TB, o Options) Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	report, err := New(o).Run(ctx)
	must(t, err)
	return report
}

func logTo(w *logbuffer.Buffer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// lines gives each difference as one line, with its table.
func lines(r Report) (list []string) {
	for i := range r.Tables {
		t := &r.Tables[i]
		if t.Problem != "" {
			list = append(list, t.Name+": problem: "+t.Problem)
		}
		if t.Unsettled > 0 {
			list = append(list, fmt.Sprintf("%s: unsettled: %d", t.Name, t.Unsettled))
		}
		for _, d := range t.List {
			list = append(list, t.Name+": "+d.String())
		}
	}
	return list
}

func expectEqual(t testing.TB, r Report) {
	t.Helper()
	if !r.Equal() || r.Behind != nil {
		t.Errorf("found %s, behind: %v", strings.Join(lines(r), "\n"), r.Behind)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("it never was so that %s", what)
		}
	}
}
