package e2e

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"outpost/replicate/verify"
)

// TestVerifyComparesALiveReplica runs the command beside a node that writes the file, and
// reads the node's own comparison.
func TestVerifyComparesALiveReplica(t *testing.T) {
	w := newWorld(t, []string{"fra"})
	w.serve("fra")
	file := w.replicaFile("fra")
	run := func(args ...string) (code int, out string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), binary, append([]string{"verify", "--from", w.url, "--replica", file}, args...)...)
		b, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), string(b)
	}
	code, out := run("--publication", "outpost")
	if code != 0 || !strings.Contains(out, "public.users: 1,0") || !strings.Contains(out, "\nequal: ") {
		t.Errorf("it ended with %d:\n%s", code, out)
	}
	admin := w.login("fra", "admin@example.com")
	var status struct {
		Verify *struct {
			Rows uint64 `json:"rows_compared"`
		} `json:"verify"`
		Hub *struct {
			Age    *float64 `json:"snapshot_age_seconds"`
			Stream *struct {
				Messages   int64
				LimitBytes int64     `json:"limit_bytes"`
				OldestAt   time.Time `json:"oldest_at"`
				Consumers  int
			}
		}
	}
	eventually(t, "the node compares its replica", func() error {
		admin.get(w.api("fra")+"/api/v1/status").into(t, &status)
		if status.Verify == nil || status.Verify.Rows == 0 {
			return fmt.Errorf("the status is %+v", status)
		}
		return nil
	})
	eventually(t, "the node tells of its stream", func() error {
		admin.get(w.api("fra")+"/api/v1/status").into(t, &status)
		if h := status.Hub; h == nil || h.Age == nil || h.Stream == nil || h.Stream.Messages == 0 || h.Stream.LimitBytes == 0 ||
			time.Since(h.Stream.OldestAt) > time.Hour || h.Stream.Consumers != 1 {
			return fmt.Errorf("the status is %+v", h)
		}
		return nil
	})
	if err := expectStatus("http://"+w.env["fra"]["OUTPOST_ADMIN_ADDR"]+"/metrics", http.StatusOK); err != nil {
		t.Error(err)
	}

	harm(t, file, "UPDATE users SET full_name = 'nobody' WHERE id = 7")
	code, out = run("--tables", "users,public.companies")
	if code != 1 || !strings.Contains(out, `id=7: different: full_name is `) || !strings.Contains(out, `in the replica "nobody"`) || !strings.Contains(out, "outpost: 1 of ") {
		t.Errorf("it ended with %d:\n%s", code, out)
	}
	code, out = run("--tables", "users", "--json")
	document, _, _ := strings.Cut(out, "\noutpost: ")
	var report verify.Report
	if err := json.Unmarshal([]byte(document), &report); err != nil || code != 1 || report.Differences() != 1 || report.Tables[0].List[0].Kind != verify.Different {
		t.Errorf("it ended with %d, %v:\n%s", code, err, out)
	}
}

func TestVerifySaysWhatIsWrongInOneLine(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none.db")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--from", "postgres://outpost:geheim@" + freePort(t) + "/outpost", "--replica", none}, 1, "--from: Postgres at"},
		{[]string{"--replica", none}, 2, "--from"},
		{[]string{"--from", "postgres://outpost:geheim@[::1", "--replica", none}, 2, "--from: the Postgres URL is malformed"},
		{[]string{"--from", "postgres://outpost@localhost/outpost", "--replica", none, "--bogus"}, 2, "see outpost verify --help"},
	} {
		cmd := exec.CommandContext(t.Context(), binary, append([]string{"verify"}, c.args...)...)
		out, err := cmd.CombinedOutput()
		said := strings.TrimSpace(string(out))
		if err == nil || cmd.ProcessState.ExitCode() != c.code || !strings.Contains(said, c.want) || strings.Contains(said, "\n") || strings.Contains(said, "geheim") {
			t.Errorf("%q ended with %v and said %s", c.args, err, said)
		}
	}
}

// harm changes a replica's file behind its node's back.
func harm(t *testing.T, file, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)&_pragma=wal_autocheckpoint(0)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}
