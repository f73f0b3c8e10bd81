package hub

import (
	"net/url"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/source"
)

// TestTriggersOfASuperuserServeWhoeverReplicates lets a superuser make them once, and then
// replicates as a role that may do that and read, and no more.
func TestTriggersOfASuperuserServeWhoeverReplicates(t *testing.T) {
	t.Parallel()
	setup, _ := readSchemaMD(t)
	f := fixtureOf(t, pgtest.Database(t), setup...)
	if untracked, err := source.New(source.Config{URL: f.url}).Track(t.Context()); err != nil || untracked != "" {
		t.Fatalf("tracking as a superuser: %q, %v", untracked, err)
	}
	admin := f.url
	f.limit("")
	u, err := url.Parse(f.url)
	if err != nil {
		t.Fatal(err)
	}
	role := u.User.Username()
	pgtest.Exec(t, admin, "REVOKE pg_read_all_data FROM "+role, "GRANT USAGE ON SCHEMA s TO "+role,
		"GRANT SELECT ON ALL TABLES IN SCHEMA public, s TO "+role)
	t.Cleanup(func() { pgtest.Exec(t, admin, "DROP OWNED BY "+role) })
	f.ends([]string{"ALTER TABLE t ADD COLUMN c int DEFAULT 1"}, "in place")
}
