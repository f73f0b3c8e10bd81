package pgcluster

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("PGCLUSTER_TEST_OWNER"); dir != "" {
		own(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// own is the test binary in another role: an owner to be killed.
func own(dir string) {
	c, err := Start(context.Background(), Options{Dir: dir})
	if err != nil {
		os.Stdout.WriteString("failed " + err.Error() + "\n")
		os.Exit(1)
	}
	os.Stdout.WriteString("up " + strconv.Itoa(c.PID()) + "\n")
	select {}
}

func start(t *testing.T, o Options) *Cluster {
	t.Helper()
	c, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// folder gives one that any account can enter, which t.TempDir is not.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgcluster-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "pg")
}

func ask(t *testing.T, url, query string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var answer string
	if err := conn.QueryRow(t.Context(), query).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return answer
}

func do(t *testing.T, url, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func TestTemporaryClusterServesAndIsRemoved(t *testing.T) {
	c := start(t, Options{Settings: map[string]string{"work_mem": "7MB"}})
	for range 2 { // the second time it exists
		if err := c.CreateDatabase(t.Context(), `odd "name`); err != nil {
			t.Fatal(err)
		}
	}
	for setting, want := range map[string]string{
		"wal_level": "logical", "listen_addresses": "127.0.0.1", "work_mem": "7MB",
		"unix_socket_directories": "", "server_encoding": "UTF8", "TimeZone": "UTC",
	} {
		if got := ask(t, c.URL(`postgres`), "SELECT current_setting('"+setting+"')"); got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
	if got := ask(t, c.URL(`odd "name`), "SELECT current_database()"); got != `odd "name` {
		t.Errorf("connected to %q", got)
	}
	if c.Version() < oldest {
		t.Errorf("version %d", c.Version())
	}
	dir, pid := c.home.dir, c.PID()
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the temporary folder is still there: %v", err)
	}
	if alive(pid) || c.PID() != 0 {
		t.Error("the postmaster is still there")
	}
}

func TestClusterRefusesAWrongPassword(t *testing.T) {
	c := start(t, Options{})
	url := strings.Replace(c.URL("postgres"), c.home.password, "wrong", 1)
	if conn, err := pgx.Connect(t.Context(), url); err == nil {
		conn.Close(context.Background())
		t.Fatal("a wrong password was accepted")
	}
}

func TestFolderKeepsDataPortAndPassword(t *testing.T) {
	dir := folder(t)
	first := start(t, Options{Dir: dir})
	if got := ask(t, first.URL("postgres"), "SHOW fsync"); got != "on" {
		t.Errorf("fsync is %s in a kept folder", got)
	}
	do(t, first.URL("postgres"), "CREATE TABLE kept (id int)")
	info, err := os.Stat(filepath.Join(dir, "password"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("password file: %v %v", info, err)
	}
	if _, err := Start(t.Context(), Options{Dir: dir}); !errors.Is(err, errOwned) {
		t.Errorf("a second owner got %v", err)
	}
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := start(t, Options{Dir: dir})
	if second.URL("postgres") != first.URL("postgres") {
		t.Error("the URL changed over a restart")
	}
	if got := ask(t, second.URL("postgres"), "SELECT count(*)::text FROM kept"); got != "0" {
		t.Errorf("count is %s", got)
	}
}

func TestKillLeavesNobodyAndLosesNothing(t *testing.T) {
	c := start(t, Options{})
	conn, err := pgx.Connect(t.Context(), c.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "CREATE TABLE kept AS SELECT 1 AS id"); err != nil {
		t.Fatal(err)
	}
	family, err := children(c.PID())
	if err != nil || len(family) < 4 {
		t.Fatalf("children: %v %v", family, err)
	}
	before := c.URL("postgres")
	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, pid := range family {
		if alive(pid) {
			t.Errorf("process %d outlived the kill", pid)
		}
	}
	if err := c.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.URL("postgres") != before {
		t.Error("the URL changed")
	}
	if got := ask(t, c.URL("postgres"), "SELECT count(*)::text FROM kept"); got != "1" {
		t.Errorf("count is %s", got)
	}
	if err := c.Restart(t.Context()); err != nil { // of a running one
		t.Fatal(err)
	}
}

func TestKilledOwnerTakesItsClusterAlong(t *testing.T) {
	dir := folder(t)
	owner, pid := ownerIn(t, dir)
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait() // says "killed"
	if err := wait(t.Context(), 10*time.Second, func() bool { return !alive(pid) }); err != nil {
		t.Fatal("Postgres outlived its owner")
	}
	ask(t, start(t, Options{Dir: dir}).URL("postgres"), "SELECT 'up'")
}

func TestSurvivorOfAKilledOwnerIsEnded(t *testing.T) {
	dir := folder(t)
	owner, pid := ownerIn(t, dir)
	// A stopped postmaster cannot react to its owner's death.
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait() // says "killed"
	if !alive(pid) {
		t.Fatal("there is no survivor to test with")
	}
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	c := start(t, Options{Dir: dir})
	if alive(pid) || c.PID() == pid {
		t.Error("the survivor is still there")
	}
}

func TestPidFileOfAStrangerIsRemoved(t *testing.T) {
	dir := folder(t)
	c := start(t, Options{Dir: dir})
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	stale := strconv.Itoa(os.Getpid()) + "\n" + c.home.data + "\n"
	if err := os.WriteFile(filepath.Join(c.home.data, "postmaster.pid"), []byte(stale), 0o644); err != nil {
		t.Fatal(err)
	}
	start(t, Options{Dir: dir})
}

func TestTakenPortIsExchanged(t *testing.T) {
	dir := folder(t)
	c := start(t, Options{Dir: dir})
	port := c.home.port
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := start(t, Options{Settings: map[string]string{}})
	if err := os.WriteFile(filepath.Join(dir, "port"), []byte(strconv.Itoa(other.home.port)), 0o644); err != nil {
		t.Fatal(err)
	}
	again := start(t, Options{Dir: dir})
	if again.home.port == other.home.port || again.home.port == 0 {
		t.Errorf("ports %d, %d, %d", port, other.home.port, again.home.port)
	}
}

func TestUnfinishedInitIsStartedOver(t *testing.T) {
	dir := folder(t)
	if err := os.MkdirAll(filepath.Join(dir, "data.new", "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	start(t, Options{Dir: dir})
}

func TestWrongSettingIsExplained(t *testing.T) {
	c, err := Start(t.Context(), Options{Settings: map[string]string{"wal_level": "nonsense"}})
	if err == nil {
		t.Fatal(c.Stop(t.Context()))
	}
	if !strings.Contains(err.Error(), `wal_level`) || strings.Contains(err.Error(), "\n") {
		t.Errorf("not one clear line: %v", err)
	}
}

func TestFolderBehindAClosedOneWorksForRoot(t *testing.T) {
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(closed, "pg")
	c := start(t, Options{Dir: dir})
	do(t, c.URL("postgres"), "CREATE TABLE kept (id int)")
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if strings.HasPrefix(c.home.data, dir) {
			t.Errorf("data lies in %s, where Postgres' account cannot go", c.home.data)
		}
		t.Cleanup(func() {
			if err := os.RemoveAll(filepath.Dir(c.home.data)); err != nil {
				t.Error(err)
			}
		})
	}
	again := start(t, Options{Dir: dir})
	ask(t, again.URL("postgres"), "SELECT count(*)::text FROM kept")
	if err := again.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	fresh := start(t, Options{Dir: dir})
	if got := ask(t, fresh.URL("postgres"), "SELECT coalesce(to_regclass('kept')::text, 'gone')"); got != "gone" {
		t.Error("a deleted folder's data came back")
	}
}

// ownerIn starts another process that owns a cluster, and gives the postmaster's id.
func ownerIn(t *testing.T, dir string) (*exec.Cmd, int) {
	t.Helper()
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), "PGCLUSTER_TEST_OWNER="+dir)
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Process.Kill() }) // usually dead by then
	line := make([]byte, 200)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(string(line[:n])), "up "))
	if err != nil {
		t.Fatalf("owner said %q", line[:n])
	}
	return owner, pid
}
