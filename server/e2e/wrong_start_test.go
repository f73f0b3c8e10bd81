package e2e

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"outpost/replicate/pgcluster/pgtest"
)

// TestWrongStartSaysWhatToDo starts a node wrongly: one line that names the remedy,
// exit code 1, within five seconds, and no secret in it.
func TestWrongStartSaysWhatToDo(t *testing.T) {
	const limit = 5 * time.Second
	w := newWorldAlone(t, []string{"fra", "syd"})
	plain := pgtest.Cluster(t, "wal_level=replica")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	empty := pgtest.Database(t)
	blackhole := "postgres://outpost:geheim@" + freePort(t) + "/outpost"

	cases := []struct {
		name   string
		region string
		change map[string]string
		want   []string
	}{
		{"no database", "fra", map[string]string{"DATABASE_URL": ""}, []string{"DATABASE_URL", "not set", "postgres://"}},
		{"nobody there", "fra", map[string]string{"DATABASE_URL": blackhole}, []string{"DATABASE_URL", "refused"}},
		{"wrong password", "fra", map[string]string{"DATABASE_URL": wrongPassword(w.url)}, []string{"DATABASE_URL", "password"}},
		{"no such database", "fra", map[string]string{"DATABASE_URL": w.postgres.URL("nowhere")}, []string{"DATABASE_URL", "nowhere"}},
		{"not a URL", "fra", map[string]string{"DATABASE_URL": "postgres://outpost:geheim@[::1"}, []string{"DATABASE_URL", "postgres://"}},
		{"not migrated", "fra", map[string]string{"DATABASE_URL": empty}, []string{"outpost migrate"}},
		{"wal_level=replica", "fra", map[string]string{"DATABASE_URL": plain.URL("postgres")}, []string{"wal_level", "logical", "restart"}},
		{"no cluster key", "syd", map[string]string{"OUTPOST_CLUSTER_KEY": ""}, []string{"OUTPOST_CLUSTER_KEY"}},
		{"API port in use", "fra", map[string]string{"OUTPOST_ADDR": taken.Addr().String()}, []string{"OUTPOST_ADDR", taken.Addr().String(), "in use"}},
		{"admin port in use", "syd", map[string]string{"OUTPOST_ADMIN_ADDR": taken.Addr().String()}, []string{"OUTPOST_ADMIN_ADDR", taken.Addr().String(), "in use"}},
		{"hub port in use", "fra", map[string]string{"OUTPOST_HUB_ADDR": taken.Addr().String()}, []string{"OUTPOST_HUB_ADDR", taken.Addr().String(), "in use"}},
		{"data folder", "syd", map[string]string{"OUTPOST_DATA": filepath.Join(file, "data")}, []string{"OUTPOST_DATA", file}},
		{"read-only data folder", "syd", map[string]string{"OUTPOST_DATA": "/proc/outpost"}, []string{"OUTPOST_DATA", "/proc/outpost"}},
		{"wrong value", "syd", map[string]string{"OUTPOST_WAIT": "soon"}, []string{"OUTPOST_WAIT", `"soon"`}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			env := make(map[string]string)
			for name, value := range w.env[c.region] {
				env[name] = value
			}
			for name, value := range c.change {
				env[name] = value
			}
			cmd := exec.CommandContext(t.Context(), binary, "serve")
			cmd.Env = append(os.Environ(), pairs(env)...)
			var output bytes.Buffer
			cmd.Stdout, cmd.Stderr = &output, &output
			began := time.Now()
			err := cmd.Run()
			took := time.Since(began)
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 {
				t.Errorf("it ended with %v, want exit code 1", err)
			}
			if took > limit {
				t.Errorf("it took %v", took)
			}
			said := strings.TrimSpace(output.String())
			if strings.Count(said, "\n") > 0 {
				t.Errorf("it said more than one line:\n%s", said)
			}
			for _, want := range c.want {
				if !strings.Contains(said, want) {
					t.Errorf("it does not name %q: %s", want, said)
				}
			}
			if strings.Contains(said, "geheim") || strings.Contains(said, clusterKey) {
				t.Errorf("it tells a secret: %s", said)
			}
		})
	}
}

// wrongPassword changes the password in a URL.
func wrongPassword(url string) string {
	scheme, rest, _ := strings.Cut(url, "://")
	account, host, _ := strings.Cut(rest, "@")
	user, _, _ := strings.Cut(account, ":")
	return scheme + "://" + user + ":geheim@" + host
}
