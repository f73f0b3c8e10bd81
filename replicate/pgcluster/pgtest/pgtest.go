// Package pgtest gives tests a real Postgres: a fresh database in a cluster that the
// test binary shares, or a cluster of one's own.
//
// A package that uses Database needs
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }
//
// The shared cluster starts with the first Database and ends with the binary. Making
// a replication slot waits for every open transaction of the whole cluster that has
// written, in whatever database: a test that leaves one open takes a Cluster.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/pgcluster"
)

// The shared cluster is the one thing here that outlives a test; TestMain owns it.
var shared struct {
	once    sync.Once
	running atomic.Bool // inside Run
	number  atomic.Int64
	cluster *pgcluster.Cluster
	err     error

	prepared    sync.Once
	preparedErr error
}

// Run runs the package's tests and then stops the shared cluster. It gives the exit
// code for TestMain.
func Run(m *testing.M) int {
	shared.running.Store(true)
	code := m.Run()
	shared.running.Store(false)
	shared.once.Do(func() {})
	if shared.cluster == nil {
		return code
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := shared.cluster.Stop(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "stopping the tests' Postgres:", err)
		return max(code, 1)
	}
	return code
}

// Database gives the URL of a fresh, empty database (for a superuser), dropped with
// its slots when the test ends. Names are unique, so slots named after them are too.
func Database(t testing.TB) string {
	t.Helper()
	start(t)
	return create(t, "template1")
}

// Prepared is Database with what prepare makes in one. It is asked once by a test binary; all others
// are copies, which take a tenth of the time that migrations do.
func Prepared(t testing.TB, prepare func(ctx context.Context, url string) error) string {
	t.Helper()
	start(t)
	const template = "prepared"
	shared.prepared.Do(func() {
		if shared.preparedErr = shared.cluster.CreateDatabase(t.Context(), template); shared.preparedErr == nil {
			shared.preparedErr = prepare(t.Context(), shared.cluster.URL(template))
		}
	})
	if shared.preparedErr != nil {
		t.Fatalf("preparing the tests' databases: %v", shared.preparedErr)
	}
	return create(t, template)
}

// start starts the shared cluster.
func start(t testing.TB) {
	t.Helper()
	if !shared.running.Load() {
		t.Fatal("pgtest.Database needs: func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }")
	}
	shared.once.Do(func() {
		shared.cluster, shared.err = pgcluster.Start(context.Background(), pgcluster.Options{})
	})
	if shared.err != nil {
		t.Fatalf("starting the tests' Postgres: %v", shared.err)
	}
}

// create makes a copy of a database that nobody is connected to.
func create(t testing.TB, template string) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", shared.number.Add(1))
	Exec(t, shared.cluster.URL("postgres"), "CREATE DATABASE "+name+" TEMPLATE "+template)
	t.Cleanup(func() {
		if err := drop(shared.cluster.URL("postgres"), name); err != nil {
			t.Errorf("dropping the test's database: %v", err)
		}
	})
	return shared.cluster.URL(name)
}

// Cluster starts a cluster for this test alone, with settings such as
// "wal_level=replica", and stops it when the test ends.
func Cluster(t testing.TB, settings ...string) *pgcluster.Cluster {
	t.Helper()
	options := pgcluster.Options{Settings: map[string]string{}}
	for _, setting := range settings {
		name, value, ok := strings.Cut(setting, "=")
		if !ok {
			t.Fatalf("setting %q is not of the form name=value", setting)
		}
		options.Settings[name] = value
	}
	c, err := pgcluster.Start(t.Context(), options)
	if err != nil {
		t.Fatalf("starting the test's Postgres: %v", err)
	}
	stopAfter(t, c)
	return c
}

// Standby makes a standby of a cluster, and stops it when the test ends.
func Standby(t testing.TB, primary *pgcluster.Cluster) *pgcluster.Cluster {
	t.Helper()
	c, err := primary.Standby(t.Context(), pgcluster.Options{})
	if err != nil {
		t.Fatalf("starting the test's standby: %v", err)
	}
	stopAfter(t, c)
	return c
}

func stopAfter(t testing.TB, c *pgcluster.Cluster) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := c.Stop(ctx); err != nil {
			t.Errorf("stopping the test's Postgres: %v", err)
		}
	})
}

// Connect opens a connection that is closed when the test ends.
func Connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The server may be gone by now; the test has said all there is to say.
		_ = conn.Close(context.Background())
	})
	return conn
}

// Exec runs statements on a connection of their own, each in its own transaction. It
// may be called in a Cleanup, when the test's context is done.
func Exec(t testing.TB, url string, statements ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// InvalidateSlots makes Postgres give up the WAL that the slots of a cluster need, which was
// set to max_slot_wal_keep_size=1MB and max_wal_size=32MB.
func InvalidateSlots(t testing.TB, url string) {
	t.Helper()
	for range 4 {
		Exec(t, url, "SELECT pg_logical_emit_message(false, 'filler', 'filler')", "SELECT pg_switch_wal()")
	}
	Exec(t, url, "CHECKPOINT")
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	var kept int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_replication_slots WHERE wal_status <> 'lost'").Scan(&kept); err != nil {
		t.Fatal(err)
	}
	if kept > 0 {
		t.Fatalf("%d slots have all WAL they need", kept)
	}
}

// Backup copies the files of a cluster as a snapshot of its volume would. restore puts them
// back, as often as it is called: the cluster then is what it was, its slots too. Both
// restart it.
func Backup(t testing.TB, c *pgcluster.Cluster) (restore func()) {
	t.Helper()
	var folder string
	conn, err := pgx.Connect(t.Context(), c.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	err = conn.QueryRow(t.Context(), "SHOW data_directory").Scan(&folder)
	if err := errors.Join(err, conn.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	Exec(t, c.URL("postgres"), "CHECKPOINT")
	backup := folder + ".backup"
	t.Cleanup(func() {
		if err := os.RemoveAll(backup); err != nil {
			t.Error(err)
		}
	})
	replace := func(from, to string) {
		t.Helper()
		if err := c.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(to); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), "cp", "-a", from, to).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if err := c.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	replace(folder, backup)
	return func() {
		t.Helper()
		replace(backup, folder)
	}
}

// drop removes a database with its slots, which would otherwise hold it.
func drop(admin, name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, admin)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for {
		if _, err = conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name); err != nil {
			return err
		}
		// A slot stays active until its terminated walsender is gone, hence the loop.
		_, err = conn.Exec(ctx, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = $1", name)
		if err == nil {
			_, err = conn.Exec(ctx, "DROP DATABASE "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
