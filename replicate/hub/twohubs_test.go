package hub

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/stream"
	"outpost/replicate/stream/streamtest"
)

// rivalSilence is after what a hub that is paused is taken for gone.
const rivalSilence = 1500 * time.Millisecond

// rival is a hub in a process of its own.
type rival struct {
	*process
	f         *fixture
	name, dir string
}

func (f *fixture) rival(name, nats string) *rival {
	f.t.Helper()
	dir := filepath.Join(f.dir, name)
	r := &rival{f: f, name: name, dir: dir, process: spawn(f.t, os.Args[0], childOptions{Dir: dir, URL: f.url, NATS: nats, Silence: rivalSilence})}
	f.t.Cleanup(func() {
		if f.t.Failed() {
			f.t.Logf("the log of hub %s:\n%s", name, r.log)
		}
	})
	return r
}

func (r *rival) signal(s syscall.Signal) {
	r.f.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.f.t.Fatal(err)
	}
}

func (r *rival) stop() {
	r.f.t.Helper()
	if err := r.input.Close(); err != nil {
		r.f.t.Fatal(err)
	}
	<-r.ended
	if !r.cmd.ProcessState.Success() {
		r.f.t.Errorf("hub %s ended with %v", r.name, r.cmd.ProcessState)
	}
}

func (r *rival) says(times int, text string) {
	r.f.t.Helper()
	r.f.eventually(fmt.Sprintf("hub %s says %q", r.name, text), func() error {
		if n := strings.Count(r.log.String(), text); n != times {
			return fmt.Errorf("%d times, not %d", n, times)
		}
		return nil
	})
}

// titles is how many rows the replica shows with a title.
func (r *rival) titles(title string) (n int, err error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(r.dir, "primary", "replica.db")+"?mode=ro")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	return n, db.QueryRowContext(r.f.t.Context(), "SELECT count(*) FROM course WHERE title = ?", title).Scan(&n)
}

func (r *rival) shows(title string) {
	r.f.t.Helper()
	r.f.eventually(fmt.Sprintf("hub %s shows what is called %s", r.name, title), func() error {
		n, err := r.titles(title)
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
	a := f.rival("a", nats)
	a.says(1, begins)
	b := f.rival("b", nats)
	b.says(1, waits)
	f.call("a lives")
	a.shows("a lives")
	if strings.Contains(b.log.String(), begins) || strings.Contains(a.log.String(), "broke off") {
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
			WHERE datname = current_database() AND query = '-- ping' AND backend_start < now() - $1::interval`, 2*rivalSilence).Scan(&n)
		if err == nil && n != 1 {
			err = fmt.Errorf("%d connections hold the slot", n)
		}
		return err
	})
	f.call("b lives on")
	b.shows("b lives on")
	if log := b.log.String(); strings.Contains(log, "broke off") || strings.Count(log, begins) != 1 {
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
