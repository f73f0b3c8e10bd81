package source

import (
	"net/url"
	"strings"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
)

// TestTrackRunsNothingThatOthersMade prepares what a role might that may make schemas and
// waits for a superuser to come along.
func TestTrackRunsNothingThatOthersMade(t *testing.T) {
	trap := []string{
		"CREATE FUNCTION outpost.take() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('ALTER ROLE %I SUPERUSER', TG_ARGV[0]); RETURN NEW; END $$",
		"CREATE TABLE outpost.secret (only_row boolean PRIMARY KEY DEFAULT true, value bytea NOT NULL)",
		"CREATE TRIGGER take BEFORE INSERT ON outpost.secret EXECUTE FUNCTION outpost.take('%role%')",
	}
	for name, prepare := range map[string]func(t *testing.T, theirs *Source, role string){
		"a table with a trigger": func(t *testing.T, theirs *Source, role string) {
			pgtest.Exec(t, theirs.URL, "CREATE SCHEMA outpost")
			for _, statement := range trap {
				pgtest.Exec(t, theirs.URL, strings.ReplaceAll(statement, "%role%", role))
			}
		},
		"our own functions, replaced after": func(t *testing.T, theirs *Source, role string) {
			if _, err := theirs.Track(t.Context()); err != nil {
				t.Fatal(err)
			}
			pgtest.Exec(t, theirs.URL, "CREATE OR REPLACE FUNCTION outpost.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER ROLE "+role+" SUPERUSER'; END $$")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, admin := database(t, people, publishAll)
			u, err := url.Parse(reader(t, admin))
			if err != nil {
				t.Fatal(err)
			}
			role := u.User.Username()
			pgtest.Exec(t, admin, "GRANT CREATE ON DATABASE "+strings.Trim(u.Path, "/")+" TO "+role)
			t.Cleanup(func() { pgtest.Exec(t, admin, "DROP OWNED BY "+role+" CASCADE") })
			prepare(t, New(Config{URL: u.String()}), role)
			untracked, err := s.Track(t.Context())
			if err != nil || !strings.Contains(untracked, role) {
				t.Errorf("the superuser is told %q, %v", untracked, err)
			}
			pgtest.Exec(t, admin, "ALTER TABLE people ADD COLUMN more text")
			if query[bool](t, admin, "SELECT rolsuper FROM pg_roles WHERE rolname = '"+role+"'") {
				t.Error("the role is a superuser now")
			}
			// It goes on by itself.
			if _, err := New(Config{URL: u.String()}).Track(t.Context()); err != nil {
				t.Errorf("the role itself: %v", err)
			}
		})
	}
}

// TestDDLWaitsForNoOtherTable alters a table while somebody else has altered another one
// and does not commit.
func TestDDLWaitsForNoOtherTable(t *testing.T) {
	s, admin := database(t, people, "CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id)", publishAll, "CREATE TABLE loose (id int PRIMARY KEY)")
	if untracked, err := s.Track(t.Context()); err != nil || untracked != "" {
		t.Fatal(untracked, err)
	}
	other := pgtest.Connect(t, admin)
	for _, statement := range []string{"BEGIN", "ALTER TABLE people ADD COLUMN a int", "ALTER TABLE loose ADD COLUMN a int"} {
		if _, err := other.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	pgtest.Exec(t, admin, "SET statement_timeout = '5s'; ALTER TABLE parts ADD COLUMN b int; CREATE TABLE fresh (id int PRIMARY KEY); SELECT outpost.schema_changed()")
}
