package e2e

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/replicatest/logbuffer"
)

// replication is a database with two tables, and `outpost replicate` as a process.
type replication struct {
	t     *testing.T
	url   string
	path  string
	extra []string // arguments

	log   *logbuffer.Buffer
	cmd   *exec.Cmd
	ended chan struct{}
}

func newReplication(t *testing.T, extra ...string) *replication {
	t.Helper()
	r := replicationOf(t, pgtest.Database(t), extra...)
	pgtest.Exec(t, r.url,
		"CREATE TABLE account (id bigint PRIMARY KEY, owner text NOT NULL, balance numeric NOT NULL)",
		"CREATE TABLE entry (account bigint, number int, amount numeric, note text, PRIMARY KEY (account, number))",
		"INSERT INTO account SELECT i, 'owner ' || i, 0 FROM generate_series(1, 50) i",
		"INSERT INTO entry SELECT i % 50 + 1, -i, i / 3.0, repeat('n', i % 200) FROM generate_series(1, 20000) i")
	return r
}

// replicationOf is of a database that is there.
func replicationOf(t *testing.T, url string, extra ...string) *replication {
	t.Helper()
	r := &replication{t: t, url: url, path: filepath.Join(t.TempDir(), "ledger.db"), extra: extra, log: new(logbuffer.Buffer)}
	t.Cleanup(func() {
		r.kill()
		if t.Failed() {
			t.Logf("the log:\n%s", r.log)
		}
	})
	return r
}

func (r *replication) command(extra ...string) *exec.Cmd {
	cmd := exec.Command(binary, slices.Concat([]string{"replicate", "--from", r.url, "--to", r.path}, r.extra, extra)...)
	cmd.Env = append(os.Environ(), "LOG_FORMAT=text")
	return cmd
}

func (r *replication) start() {
	r.t.Helper()
	r.cmd = r.command()
	r.cmd.Stdout, r.cmd.Stderr = r.log, r.log
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	cmd, ended := r.cmd, make(chan struct{})
	r.ended = ended
	go func() {
		_ = cmd.Wait() // a killed process has an error; ProcessState tells
		close(ended)
	}()
}

func (r *replication) kill() {
	if r.cmd == nil {
		return
	}
	_ = r.cmd.Process.Kill() // it is gone already when this fails
	<-r.ended
}

// terminate ends it as a service manager does, and gives the exit code.
func (r *replication) terminate() int {
	r.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
	select {
	case <-r.ended:
	case <-time.After(10 * time.Second):
		r.t.Error("it did not end within 10 seconds")
		r.kill()
	}
	return r.cmd.ProcessState.ExitCode()
}

// once runs it to the end and gives its output and exit code.
func (r *replication) once(extra ...string) (string, int) {
	r.t.Helper()
	cmd := r.command(append([]string{"--once"}, extra...)...)
	out, err := cmd.CombinedOutput()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		r.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

var ledger = []struct{ postgres, sqlite string }{
	{"SELECT id || '|' || owner || '|' || balance FROM account", "SELECT id || '|' || owner || '|' || balance FROM account"},
	{
		"SELECT account || '|' || number || '|' || coalesce(amount::text, '~') || '|' || coalesce(note, '~') FROM entry",
		"SELECT account || '|' || number || '|' || coalesce(amount, '~') || '|' || coalesce(note, '~') FROM entry",
	},
}

// compare reads both sides, row for row.
func (r *replication) compare(conn *pgx.Conn) (err error) {
	file, err := sql.Open("sqlite", "file:"+r.path+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	for _, query := range ledger {
		rows, err := conn.Query(r.t.Context(), query.postgres)
		if err != nil {
			return err
		}
		want, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		got, err := lines(r.t.Context(), file, query.sqlite)
		if err != nil {
			return err
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			return fmt.Errorf("%s: Postgres has %d rows, the file %d, or they differ", query.postgres, len(want), len(got))
		}
	}
	return nil
}

// load writes until it is stopped: transactions of several rows, which keep the sum of an
// account's entries equal to its balance, among them large ones.
type load struct {
	committed atomic.Int64
	stop      context.CancelFunc
	running   sync.WaitGroup
}

func (r *replication) load(writers int) *load {
	r.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	l := &load{stop: stop}
	r.t.Cleanup(l.finish)
	for w := range writers {
		conn := pgtest.Connect(r.t, r.url)
		l.running.Go(func() {
			for n := 1; ctx.Err() == nil; n++ {
				if err := transfer(conn, w+1, n); err != nil {
					r.t.Errorf("writing: %v", err)
					return
				}
				l.committed.Add(1)
			}
		})
	}
	return l
}

func (l *load) finish() {
	l.stop()
	l.running.Wait()
}

func (l *load) progress(t *testing.T, n int64) {
	t.Helper()
	target := l.committed.Load() + n
	eventually(t, "transactions are committed", func() error {
		if got := l.committed.Load(); got < target {
			return fmt.Errorf("%d of %d", got, target)
		}
		return nil
	})
}

func transfer(conn *pgx.Conn, account, n int) error {
	ctx := context.Background()
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		rows := 3
		if n%40 == 0 {
			rows = 3000 // more than a message
		}
		const insert = "INSERT INTO entry SELECT $1, $2 + i, i, repeat(md5(i::text), 20) FROM generate_series(1, $3::int) i"
		if _, err := tx.Exec(ctx, insert, account, n*5000, rows); err != nil {
			return err
		}
		if n%5 == 0 {
			if _, err := tx.Exec(ctx, "DELETE FROM entry WHERE account = $1 AND number BETWEEN 1 AND $2", account, (n-3)*5000); err != nil {
				return err
			}
		}
		const settle = "UPDATE account SET balance = (SELECT coalesce(sum(amount), 0) FROM entry WHERE account = $1 AND number > 0) WHERE id = $1"
		_, err := tx.Exec(ctx, settle, account)
		return err
	})
}

// TestReplicateIsKilledAtAnyInstant kills the process again and again, in its first copy
// too, while others write. It never needs help, and in the end nothing is missing.
func TestReplicateIsKilledAtAnyInstant(t *testing.T) {
	rounds := 8
	if os.Getenv("OUTPOST_TEST_LONG") != "" {
		rounds = 150
	}
	r := newReplication(t)
	conn := pgtest.Connect(t, r.url)
	l := r.load(2)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range rounds {
		r.start()
		// An instant is to be met, not a condition.
		select {
		case <-time.After(time.Duration(random.IntN(900)) * time.Millisecond):
		case <-r.ended:
			t.Fatalf("it ended by itself: %v", r.cmd.ProcessState)
		}
		r.kill()
		l.progress(t, 3)
	}
	r.start()
	l.progress(t, 20)
	l.finish()
	eventually(t, "the file equals Postgres", func() error { return r.compare(conn) })
	if code := r.terminate(); code != 0 {
		t.Errorf("it ended with %d", code)
	}
	if err := r.compare(conn); err != nil {
		t.Error(err)
	}
	if n := strings.Count(r.log.String(), "msg=copied"); n > 1 {
		t.Errorf("it was copied %d times: a kill costs no copy but the one that it interrupts", n)
	}
}

// TestAReaderSeesWholeTransactions has another program read the file while it is followed.
func TestAReaderSeesWholeTransactions(t *testing.T) {
	r := newReplication(t)
	r.start()
	l := r.load(2)
	file, err := sql.Open("sqlite", "file:"+r.path+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	eventually(t, "the file is there", func() error { return file.Ping() })
	const query = `SELECT count(*) FROM account a WHERE CAST(balance AS REAL) <>
		(SELECT coalesce(sum(CAST(amount AS REAL)), 0) FROM entry e WHERE e.account = a.id AND e.number > 0)`
	for range 50 {
		var wrong int
		if err := file.QueryRowContext(t.Context(), query).Scan(&wrong); err != nil {
			t.Fatal(err)
		}
		if wrong != 0 {
			t.Fatalf("%d accounts do not equal their entries", wrong)
		}
		l.progress(t, 1)
	}
	l.finish()
}

func TestReplicateOnceAndDropSlot(t *testing.T) {
	r := newReplication(t)
	conn := pgtest.Connect(t, r.url)
	if out, code := r.once(); code != 0 {
		t.Fatalf("it ended with %d: %s", code, out)
	}
	if err := r.compare(conn); err != nil {
		t.Error(err)
	}
	pgtest.Exec(t, r.url, "DELETE FROM entry WHERE number % 2 = 0")
	if out, code := r.once("--drop-slot"); code != 0 {
		t.Fatalf("it ended with %d: %s", code, out)
	}
	if err := r.compare(conn); err != nil {
		t.Error(err)
	}
	var left int
	const query = `SELECT (SELECT count(*) FROM pg_replication_slots WHERE database = current_database()) + (SELECT count(*) FROM pg_publication)
		+ (SELECT count(*) FROM pg_namespace WHERE nspname = 'outpost') + (SELECT count(*) FROM pg_event_trigger)`
	if err := conn.QueryRow(t.Context(), query).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d things are left behind: %v", left, err)
	}
	r.extra = []string{"--drop-slot"}
	r.start()
	eventually(t, "it follows", func() error { return logged(r.log, "msg=following") })
	if code := r.terminate(); code != 0 {
		t.Errorf("it ended with %d", code)
	}
	if err := conn.QueryRow(t.Context(), query).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d things are left behind by a stop: %v", left, err)
	}
}

// TestReplicateNeedsLittleMemory gives it transactions of a few hundred megabytes.
func TestReplicateNeedsLittleMemory(t *testing.T) {
	r := newReplication(t)
	conn := pgtest.Connect(t, r.url)
	if out, code := r.once(); code != 0 {
		t.Fatalf("it ended with %d: %s", code, out)
	}
	pgtest.Exec(t, r.url, "INSERT INTO entry SELECT 1, i, i, repeat('x', 4000) FROM generate_series(2000000, 2080000) i")
	r.start()
	eventually(t, "the file equals Postgres", func() error { return r.compare(conn) })
	peak := peakMemory(t, r.cmd.Process.Pid)
	t.Logf("at most %d MiB", peak>>20)
	if peak > 250<<20 {
		t.Errorf("a transaction of 320 MB took %d MiB", peak>>20)
	}
	if code := r.terminate(); code != 0 {
		t.Errorf("it ended with %d", code)
	}
}

// peakMemory is the most that a process has had in memory, in bytes. What the system says of
// one that has ended (ru_maxrss) begins with what its parent had.
func peakMemory(t *testing.T, pid int) (peak int64) {
	t.Helper()
	if runtime.GOOS != "linux" {
		out, err := exec.CommandContext(t.Context(), "ps", "-o", "rss=", "-p", strconv.Itoa(pid)).Output()
		if err == nil {
			_, err = fmt.Sscan(string(out), &peak)
		}
		if err != nil {
			t.Fatal(err)
		}
		return peak << 10
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	if _, err := fmt.Sscan(rest, &peak); err != nil {
		t.Fatalf("reading its peak: %v", err)
	}
	return peak << 10
}

func logged(log *logbuffer.Buffer, words string) error {
	if !strings.Contains(log.String(), words) {
		return fmt.Errorf("it does not say %q", words)
	}
	return nil
}

// TestReplicateLogsPlainLines is what a log file gets: lines, and nothing that moves a cursor.
func TestReplicateLogsPlainLines(t *testing.T) {
	r := newReplication(t)
	out, code := r.once()
	if code != 0 || strings.Contains(out, "\x1b") || strings.Contains(out, "\r") {
		t.Errorf("code %d, or it writes for a terminal: %q", code, out)
	}
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		if !strings.HasPrefix(line, "time=") {
			t.Errorf("this is no line of a log: %q", line)
		}
	}
	for _, words := range []string{"msg=copied", "rows=20050", `msg="caught up"`, "position="} {
		if !strings.Contains(out, words) {
			t.Errorf("it does not say %q: %s", words, out)
		}
	}
	keepsPassword(t, r.url, out)
}

// TestReplicateSaysWhatIsWrong wants one line, the right exit code and no secret.
func TestReplicateSaysWhatIsWrong(t *testing.T) {
	address := pgtest.Database(t)
	folder := t.TempDir()
	to := filepath.Join(folder, "x.db")
	foreign := filepath.Join(folder, "foreign")
	if err := os.WriteFile(foreign, []byte(strings.Repeat("not a replica ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, address, "CREATE TABLE fine (id int PRIMARY KEY)")
	for name, c := range map[string]struct {
		code int
		args []string
		want []string
	}{
		"no source":        {2, []string{"--to", to}, []string{"--from"}},
		"no file":          {2, []string{"--from", address}, []string{"--to"}},
		"both":             {2, []string{"--from", address, "--to", to, "--tables", "a", "--publication", "p"}, []string{"--tables", "--publication"}},
		"not a URL":        {2, []string{"--from", "postgres://outpost:geheim@[::1", "--to", to}, []string{"postgres://"}},
		"a slot's name":    {2, []string{"--from", address, "--to", to, "--slot", "No Slot"}, []string{"--slot"}},
		"a quote":          {2, []string{"--from", address, "--to", to, "--tables", `fine,"x`}, []string{"--tables"}},
		"nobody there":     {1, []string{"--from", "postgres://outpost:geheim@" + freePort(t) + "/outpost", "--to", to}, []string{"refused"}},
		"a wrong password": {1, []string{"--from", wrongPassword(address), "--to", to}, []string{"refused the password"}},
		"no such table":    {1, []string{"--from", address, "--to", to, "--tables", "nowhere"}, []string{`"public"."nowhere"`, "does not exist"}},
		"no publication":   {1, []string{"--from", address, "--to", to, "--publication", "nowhere"}, []string{"nowhere", "CREATE PUBLICATION"}},
		"another's file":   {1, []string{"--from", address, "--to", foreign}, []string{foreign, "not overwritten"}},
		"no folder":        {1, []string{"--from", address, "--to", filepath.Join(folder, "none", "x.db")}, []string{"create it"}},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), binary, slices.Concat([]string{"replicate", "--once"}, c.args)...)
			out, err := cmd.CombinedOutput()
			if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.ExitCode() != c.code {
				t.Errorf("it ended with %v, want exit code %d", err, c.code)
			}
			said := strings.TrimSpace(string(out))
			for _, want := range c.want {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q: %s", want, said)
				}
			}
			if strings.Contains(said, "\n") || strings.Contains(said, "geheim") {
				t.Errorf("more than a line, or a secret: %s", said)
			}
			keepsPassword(t, address, said)
		})
	}
	if b, err := os.ReadFile(foreign); err != nil || !bytes.HasPrefix(b, []byte("not a replica")) {
		t.Errorf("the file was touched: %v", err)
	}
}

// keepsPassword looks for the URL's in what was printed.
func keepsPassword(t *testing.T, address, said string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if secret, ok := u.User.Password(); !ok || strings.Contains(said, secret) {
		t.Errorf("it prints the password, or there is none: %s", said)
	}
}
