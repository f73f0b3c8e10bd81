package e2e

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"outpost/replicate/pgcluster/pgtest"
)

// TestCommandsSayWhyPostgresIsOutOfReach runs the commands that change a database by hand
// against one that cannot be reached: one line, no secret, exit code 1.
func TestCommandsSayWhyPostgresIsOutOfReach(t *testing.T) {
	url := pgtest.Database(t)
	for _, c := range []struct {
		name, url string
		want      []string
	}{
		{"none", "", []string{"is not set", "postgres://"}},
		{"nobody there", "postgres://outpost:geheim@" + freePort(t) + "/outpost", []string{"refused"}},
		{"a host that is not", "postgres://outpost:geheim@nowhere.invalid/outpost", []string{"nowhere.invalid", "cannot be found"}},
		{"a wrong password", wrongPassword(url), []string{"refused the password"}},
		{"no such database", strings.Replace(url, "?", "_nowhere?", 1), []string{"no database", "_nowhere"}},
		{"not a URL", "postgres://outpost:geheim@[::1", []string{"postgres://"}},
	} {
		for _, command := range []string{"migrate", "migrate status", "migrate down", "seed", "keys", "keys rotate"} {
			t.Run(command+", "+c.name, func(t *testing.T) {
				cmd := exec.CommandContext(t.Context(), binary, strings.Fields(command)...)
				cmd.Env = append(os.Environ(), "DATABASE_URL="+c.url)
				began := time.Now()
				out, err := cmd.CombinedOutput()
				took := time.Since(began)
				var exit *exec.ExitError
				if !errors.As(err, &exit) || exit.ExitCode() != 1 {
					t.Errorf("it ended with %v, want exit code 1", err)
				}
				said := strings.TrimSpace(string(out))
				for _, want := range append(c.want, "DATABASE_URL") {
					if !strings.Contains(said, want) {
						t.Errorf("it does not name %q: %s", want, said)
					}
				}
				if strings.Contains(said, "\n") || strings.Contains(said, "geheim") {
					t.Errorf("more than a line, or a secret: %s", said)
				}
				if took > 5*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		}
	}
}
