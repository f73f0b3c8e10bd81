package source

import (
	"net/url"
	"strings"
	"testing"

	"outpost/replicate/change"
	"outpost/replicate/pgcluster/pgtest"
)

// TestCopyRefusesToLeaveOutRows copies as a role that a policy hides rows from: the stream
// does not know policies, so a copy that obeyed one would lack rows for ever.
func TestCopyRefusesToLeaveOutRows(t *testing.T) {
	s, admin := database(t,
		"CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)",
		"ALTER TABLE t ENABLE ROW LEVEL SECURITY", "CREATE POLICY odd ON t USING (id % 2 = 1)",
		"CREATE PUBLICATION outpost FOR TABLE t")
	s.URL = reader(t, admin)
	rows := 0
	_, err := s.Copy(t.Context(), func([]*change.Table) error { return nil },
		func(*change.Table, change.Row) error { rows++; return nil })
	if err == nil || !strings.Contains(err.Error(), "row-level security") {
		t.Errorf("%d of 2 rows were copied, with error %v", rows, err)
	}
}

// reader makes a role that may replicate and read, and no more, and gives its URL.
func reader(t *testing.T, admin string) string {
	t.Helper()
	u, err := url.Parse(admin)
	if err != nil {
		t.Fatal(err)
	}
	role := "reader_" + strings.Trim(u.Path, "/")
	pgtest.Exec(t, admin, "CREATE ROLE "+role+" LOGIN REPLICATION PASSWORD 'pass' IN ROLE pg_read_all_data")
	t.Cleanup(func() { pgtest.Exec(t, admin, "DROP ROLE "+role) })
	u.User = url.UserPassword(role, "pass")
	return u.String()
}
