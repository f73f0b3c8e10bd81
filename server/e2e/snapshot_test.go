package e2e

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"outpost/replicate/pgcluster/pgtest"
)

// snapshotOf runs the command and gives what it said and its exit code.
func snapshotOf(t *testing.T, data string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, append([]string{"snapshot"}, args...)...)
	cmd.Env = append(os.Environ(), "OUTPOST_DATA="+data)
	out, err := cmd.CombinedOutput()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// unpacked gives the rows of a query to what is in a snapshot.
func unpacked(t *testing.T, path, query string) []string {
	t.Helper()
	packed, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	reader, err := zstd.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var b bytes.Buffer
	if _, err := reader.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	plain := filepath.Join(t.TempDir(), "plain.db")
	if err := os.WriteFile(plain, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+plain+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := lines(t.Context(), db, query)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestSnapshotOfANode takes one while the node runs, and one while it does not.
func TestSnapshotOfANode(t *testing.T) {
	w := newWorld(t, []string{"fra"})
	fra := w.serve("fra")
	var users string
	if err := pgtest.Connect(t, w.url).QueryRow(t.Context(), "SELECT count(*)::text FROM users").Scan(&users); err != nil {
		t.Fatal(err)
	}
	want := []string{users}
	data, folder := w.env["fra"]["OUTPOST_DATA"], t.TempDir()
	for _, name := range []string{"running", "killed"} {
		if name == "killed" {
			fra.kill()
		}
		path := filepath.Join(folder, name+".zst")
		out, code := snapshotOf(t, data, "--out", path)
		if code != 0 || !strings.Contains(out, "position ") || !strings.Contains(out, "bytes") {
			t.Fatalf("of a node that is %s: %d, %s", name, code, out)
		}
		if got := unpacked(t, path, "SELECT count(*) FROM users"); !slices.Equal(got, want) {
			t.Errorf("of a node that is %s: %v users", name, got)
		}
		if got := unpacked(t, path, "PRAGMA integrity_check"); !slices.Equal(got, []string{"ok"}) {
			t.Errorf("of a node that is %s: %v", name, got)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestSnapshotOfAReplicatedFile takes one while the file is followed.
func TestSnapshotOfAReplicatedFile(t *testing.T) {
	r := newReplication(t)
	r.start()
	eventually(t, "it follows", func() error { return logged(r.log, "msg=following") })
	path := filepath.Join(t.TempDir(), "ledger.zst")
	if out, code := snapshotOf(t, t.TempDir(), "--out", path, "--replica", r.path); code != 0 {
		t.Fatalf("%d: %s", code, out)
	}
	if got := unpacked(t, path, "SELECT count(*) || ' ' || (SELECT count(*) FROM account) FROM entry"); !slices.Equal(got, []string{"20000 50"}) {
		t.Errorf("it holds %v", got)
	}
}

func TestSnapshotRefuses(t *testing.T) {
	r := newReplication(t)
	if out, code := r.once(); code != 0 {
		t.Fatalf("%d: %s", code, out)
	}
	folder := t.TempDir()
	there, foreign := filepath.Join(folder, "there"), filepath.Join(folder, "foreign")
	for _, path := range []string{there, foreign} {
		if err := os.WriteFile(path, []byte(strings.Repeat("somebody's ", 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	fresh := filepath.Join(folder, "fresh")
	for name, c := range map[string]struct {
		code int
		args []string
		want []string
	}{
		"no file":               {2, nil, []string{"--out"}},
		"a pipe":                {2, []string{"--out", "-", "--replica", r.path}, []string{"--out"}},
		"a device":              {2, []string{"--out", "/dev/null", "--replica", r.path}, []string{"/dev/null"}},
		"a folder":              {2, []string{"--out", folder, "--replica", r.path}, []string{"no file"}},
		"what is there":         {1, []string{"--out", there, "--replica", r.path}, []string{"--force"}},
		"no node":               {1, []string{"--out", fresh}, []string{"OUTPOST_DATA", "--replica"}},
		"what is no replica":    {1, []string{"--out", fresh, "--replica", foreign}, []string{foreign, "no replica"}},
		"a folder that is none": {1, []string{"--out", filepath.Join(folder, "none", "x"), "--replica", r.path}, []string{"none"}},
	} {
		out, code := snapshotOf(t, t.TempDir(), c.args...)
		if code != c.code || strings.Contains(strings.TrimSpace(out), "\n") {
			t.Errorf("%s: code %d, want %d; or more than a line: %s", name, code, c.code, out)
		}
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: it does not say %q: %s", name, want, out)
			}
		}
	}
	if b, err := os.ReadFile(there); err != nil || !strings.HasPrefix(string(b), "somebody's ") {
		t.Errorf("it was overwritten: %v", err)
	}
	if out, code := snapshotOf(t, t.TempDir(), "--out", there, "--replica", r.path, "--force"); code != 0 {
		t.Errorf("with --force: %d, %s", code, out)
	}
	if got := unpacked(t, there, "SELECT count(*) FROM account"); !slices.Equal(got, []string{"50"}) {
		t.Errorf("with --force it holds %v", got)
	}
	if _, err := os.Stat(fresh); !errors.Is(err, os.ErrNotExist) {
		t.Error(fmt.Errorf("what was refused left a file: %w", err))
	}
}
