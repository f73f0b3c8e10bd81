package replicatest

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"outpost/replicate/pgcluster/pgtest"
)

func TestMain(m *testing.M) {
	code := pgtest.Run(m)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// database makes a database with what the statements make, and follows its publication
// outpost.
func database(t *testing.T, statements ...string) *Follower {
	t.Helper()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, statements...)
	return Follow(t, url, "outpost")
}

const publishAll = "CREATE PUBLICATION outpost FOR ALL TABLES"

func (f *Follower) exec(t *testing.T, statements ...string) {
	t.Helper()
	pgtest.Exec(t, f.URL, statements...)
}

// together makes one transaction of statements.
func together(statements ...string) string {
	return "BEGIN; " + strings.Join(statements, "; ") + "; COMMIT"
}
