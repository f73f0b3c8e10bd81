package hub

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/change"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/replica"
	"outpost/replicate/source"
	"outpost/replicate/stream"
	"outpost/replicate/stream/streamtest"
)

// The variables that make this binary a hub.
const (
	childDir    = "HUB_TEST_CHILD_DIR"
	childURL    = "HUB_TEST_CHILD_URL"
	childStream = "HUB_TEST_CHILD_STREAM"
)

// childSilence is after what a hub that is paused is taken for gone.
const childSilence = 1500 * time.Millisecond

// runChild is a hub as a process: it runs until SIGTERM, and logs to its folder.
func runChild(dir string) (err error) {
	file, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	log := slog.New(slog.NewTextHandler(file, nil))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	url := os.Getenv(childURL)
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	conn, err := stream.Connect(stream.ConnOptions{URL: os.Getenv(childStream), Zone: stream.All, Log: log})
	if err != nil {
		return err
	}
	defer conn.Close()
	r, err := replica.Open(ctx, replica.Options{Path: filepath.Join(dir, "replica.db"), Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	h := New(Options{
		Source: source.New(source.Config{URL: url, Publication: "everything", Slot: source.SlotName(config.Database), Log: log}),
		Conn:   conn, Replica: r, Dir: dir, StreamBytes: 64 << 20, Log: log,
	})
	h.silence = childSilence
	return h.Run(ctx)
}

// child is a hub in a process of its own.
type child struct {
	f    *fixture
	name string
	dir  string
	cmd  *exec.Cmd
}

func (f *fixture) child(name, nats string) *child {
	f.t.Helper()
	c := &child{f: f, name: name, dir: filepath.Join(f.dir, name), cmd: exec.Command(os.Args[0])}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		f.t.Fatal(err)
	}
	c.cmd.Env = append(os.Environ(), childDir+"="+c.dir, childURL+"="+f.url, childStream+"="+nats)
	c.cmd.Stderr = os.Stderr
	if err := c.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		if f.t.Failed() {
			f.t.Logf("the log of hub %s:\n%s", name, c.logged())
		}
		_ = c.cmd.Process.Kill() // where the test did not come to stop
		_ = c.cmd.Wait()
	})
	return c
}

func (c *child) signal(s syscall.Signal) {
	c.f.t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		c.f.t.Fatal(err)
	}
}

func (c *child) stop() {
	c.f.t.Helper()
	c.signal(syscall.SIGTERM)
	if err := c.cmd.Wait(); err != nil {
		c.f.t.Errorf("hub %s ended with %v", c.name, err)
	}
}

func (c *child) logged() string {
	text, err := os.ReadFile(filepath.Join(c.dir, "log"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		c.f.t.Error(err)
	}
	return string(text)
}

func (c *child) says(times int, text string) {
	c.f.t.Helper()
	c.f.eventually(fmt.Sprintf("hub %s says %q", c.name, text), func() error {
		if n := strings.Count(c.logged(), text); n != times {
			return fmt.Errorf("%d times, not %d", n, times)
		}
		return nil
	})
}

// titles is how many rows the replica shows with a title.
func (c *child) titles(title string) (n int, err error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(c.dir, "replica.db")+"?mode=ro")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	return n, db.QueryRowContext(c.f.t.Context(), "SELECT count(*) FROM course WHERE title = ?", title).Scan(&n)
}

func (c *child) shows(title string) {
	c.f.t.Helper()
	c.f.eventually(fmt.Sprintf("hub %s shows what is called %s", c.name, title), func() error {
		n, err := c.titles(title)
		if err == nil && n != 1 {
			err = fmt.Errorf("%d rows", n)
		}
		return err
	})
}

// call renames a row, and waits for nothing.
func (f *fixture) call(title string) {
	f.t.Helper()
	f.exec("UPDATE course SET title = $1 WHERE id = 1", title)
}

// TestAPausedHubIsOvertakenAndStandsBack runs two hubs on one Postgres and one stream. The
// second waits while the first lives, takes the slot when that one is paused, and keeps it
// when it goes on.
func TestAPausedHubIsOvertakenAndStandsBack(t *testing.T) {
	const waits, reads, begins = "another hub reads the slot", "this one reads the slot", "generation begun"
	f := newFixture(t)
	nats := streamtest.NewExternal(t).URL
	a := f.child("a", nats)
	a.says(1, begins)
	b := f.child("b", nats)
	b.says(1, waits)
	f.call("a lives")
	a.shows("a lives")
	if strings.Contains(b.logged(), begins) || strings.Contains(a.logged(), "broke off") {
		t.Error("the second hub did not wait")
	}

	// While it is paused, its connections hold what it has not read.
	stopWriting := f.writes()
	a.signal(syscall.SIGSTOP)
	b.says(1, reads)
	b.says(1, begins)
	a.signal(syscall.SIGCONT)
	a.says(1, waits)
	stopWriting()
	f.call("b lives")
	b.shows("b lives")
	if n, err := a.titles("b lives"); err != nil || n != 0 {
		t.Errorf("the first hub's replica shows %d rows of the second's generation (%v)", n, err)
	}
	f.eventually("the second hub was found alive often enough", func() error {
		var n int
		err := f.pg.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND query = '-- ping' AND backend_start < now() - $1::interval`, 2*childSilence).Scan(&n)
		if err == nil && n != 1 {
			err = fmt.Errorf("%d connections hold the slot", n)
		}
		return err
	})
	f.call("b lives on")
	b.shows("b lives on")
	if log := b.logged(); strings.Contains(log, "broke off") || strings.Count(log, begins) != 1 {
		t.Error("the first hub disturbed the second")
	}
	f.chained(nats)

	b.stop()
	a.says(1, reads)
	a.says(2, begins)
	f.call("a again")
	a.shows("a again")
	f.chained(nats)
	a.stop()
}

// writes commits without a pause until it is told to stop.
func (f *fixture) writes() (stop func()) {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.t.Context())
	conn := pgtest.Connect(f.t, f.url)
	done := make(chan error, 1)
	go func() {
		for i := 0; ; i++ {
			if _, err := conn.Exec(ctx, "UPDATE course SET body = $1 WHERE id = 2", fmt.Sprint(i)); err != nil {
				done <- err
				return
			}
		}
	}()
	return func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			f.t.Errorf("writing: %v", err)
		}
	}
}

// chained reads the whole stream: each message must follow the one before it.
func (f *fixture) chained(nats string) {
	f.t.Helper()
	conn, err := stream.Connect(stream.ConnOptions{URL: nats, Zone: stream.All, Log: f.log})
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close()
	log, err := conn.OpenLog(f.t.Context(), 64<<20)
	if err != nil {
		f.t.Fatal(err)
	}
	bounds, err := log.Bounds(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	var at change.Position
	for seq := bounds.First; seq <= bounds.Last; seq++ {
		m, ok, err := log.Message(f.t.Context(), seq)
		if err != nil {
			f.t.Fatal(err)
		}
		if !ok {
			f.t.Errorf("message %d is gone", seq)
			continue
		}
		end, whole := m.End()
		if seq > bounds.First && (m.Generation != at.Generation || m.Prev != at.LSN) {
			f.t.Errorf("message %d follows %d:%s, the one before it ends at %s", seq, m.Generation, m.Prev, at)
		}
		if at.Generation = m.Generation; whole {
			at.LSN = end
		} else {
			at.LSN = m.Prev
		}
	}
}
