package source

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"outpost/replicate/pgcluster/pgtest"
)

// refused checks an error of Check: one clear line with these words, and no secret.
func refused(t *testing.T, c Config, words ...string) {
	t.Helper()
	began := time.Now()
	err := Check(t.Context(), c)
	if err == nil {
		t.Fatalf("it passed; wanted an error with %q", words)
	}
	text := err.Error()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q does not say %q", text, word)
		}
	}
	if strings.Contains(text, "\n") || strings.Contains(text, c.URL) {
		t.Errorf("not one line, or with the URL: %q", text)
	}
	if u, err := url.Parse(c.URL); err == nil {
		if password, _ := u.User.Password(); password != "" && strings.Contains(text, password) {
			t.Errorf("the password is in %q", text)
		}
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it took %s", took)
	}
}

func with(t *testing.T, c Config, change func(u *url.URL)) Config {
	t.Helper()
	u, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	change(u)
	c.URL = u.String()
	return c
}

func TestCheckPassesWhereEverythingIsInPlace(t *testing.T) {
	s, url := database(t, people, publishAll)
	if err := Check(t.Context(), s.Config); err != nil {
		t.Error(err)
	}
	pgtest.Exec(t, url, "SELECT pg_create_logical_replication_slot('"+s.Config.Slot+"', 'pgoutput')")
	if err := Check(t.Context(), s.Config); err != nil {
		t.Errorf("with its slot: %v", err)
	}
	if slot, err := s.Slot(t.Context()); err != nil || !slot.Exists {
		t.Errorf("the slot was touched: %+v %v", slot, err)
	}
}

func TestReachExplainsAConnectionAsCheckDoes(t *testing.T) {
	plain := pgtest.Database(t) // without a publication
	if err := Reach(t.Context(), plain); err != nil {
		t.Error(err)
	}
	wrong := with(t, Config{URL: plain}, func(u *url.URL) { u.User = url.UserPassword("postgres", "s3cret-wrong") })
	for _, bad := range []string{wrong.URL, "postgres://user:s3cret-p%zz@host/db", "postgres://user:s3cret@127.0.0.1:1/db"} {
		reach, check := Reach(t.Context(), bad), Check(t.Context(), Config{URL: bad})
		if reach == nil || check == nil || reach.Error() != check.Error() {
			t.Errorf("Reach says %v, Check says %v", reach, check)
		}
	}
}

func TestCheckExplainsAConnectionThatFails(t *testing.T) {
	s, _ := database(t, people, publishAll)
	refused(t, with(t, s.Config, func(u *url.URL) { u.User = url.UserPassword("postgres", "s3cret-wrong") }),
		"127.0.0.1", "refused the password", `"postgres"`)
	refused(t, with(t, s.Config, func(u *url.URL) { u.User = url.UserPassword("nobody", "s3cret-wrong") }), "refused the password", `"nobody"`)
	refused(t, with(t, s.Config, func(u *url.URL) { u.Path = "/missing" }), `no database "missing"`, "create it")
	refused(t, with(t, s.Config, func(u *url.URL) { u.Host = "no-such-host.invalid" }), "no-such-host.invalid", "cannot be found")
	refused(t, Config{URL: "postgres://user:s3cret-p%zz@host/db"}, "malformed")

	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	refused(t, with(t, s.Config, func(u *url.URL) { u.Host = address }), address, "cannot be reached", "connection refused")

	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	refused(t, with(t, s.Config, func(u *url.URL) { u.Host = silent.Addr().String() }), silent.Addr().String(), "does not answer")
}

func TestCheckExplainsAServerThatCannotReplicate(t *testing.T) {
	t.Parallel()
	c := pgtest.Cluster(t, "wal_level=replica")
	pgtest.Exec(t, c.URL("postgres"), people)
	refused(t, config(t, c.URL("postgres")), "wal_level=replica", "ALTER SYSTEM SET wal_level = logical", "restart")
}

func TestCheckExplainsSlots(t *testing.T) {
	t.Parallel()
	c := pgtest.Cluster(t, "max_replication_slots=1")
	url := c.URL("postgres")
	pgtest.Exec(t, url, people, publishAll, "SELECT pg_create_logical_replication_slot('taken', 'test_decoding')")
	mine := config(t, url)
	refused(t, mine, "no replication slot left (1 of 1", "max_replication_slots")
	mine.Slot = "taken"
	refused(t, mine, "taken", "not ours", `"test_decoding"`, "pg_drop_replication_slot('taken')")
}

func TestCheckExplainsARoleWithoutRights(t *testing.T) {
	s, admin := database(t, people, publishAll)
	role := "reader_" + s.Config.Slot
	pgtest.Exec(t, admin, fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD 'pass'", role))
	t.Cleanup(func() { pgtest.Exec(t, admin, "DROP OWNED BY "+role, "DROP ROLE "+role) })
	asRole := with(t, s.Config, func(u *url.URL) { u.User = url.UserPassword(role, "pass") })
	refused(t, asRole, role, "ALTER ROLE", "REPLICATION")
	pgtest.Exec(t, admin, fmt.Sprintf("ALTER ROLE %s REPLICATION", role))
	refused(t, asRole, `"public"."people"`, "GRANT SELECT ON")
	pgtest.Exec(t, admin, fmt.Sprintf("GRANT SELECT ON people TO %s", role))
	if err := Check(t.Context(), asRole); err != nil {
		t.Errorf("with all it needs: %v", err)
	}
	// And that is indeed enough.
	var m mirror
	lsn, err := New(asRole).Copy(t.Context(), m.begin, m.row)
	if err != nil {
		t.Fatal(err)
	}
	stream(t, New(asRole), lsn)
}

func TestCheckExplainsThePublication(t *testing.T) {
	s, url := database(t, people)
	refused(t, s.Config, `publication "outpost" does not exist`, "migrations")
	pgtest.Exec(t, url, "CREATE PUBLICATION outpost")
	refused(t, s.Config, "has no tables")
	pgtest.Exec(t, url, "ALTER PUBLICATION outpost ADD TABLE people", "ALTER PUBLICATION outpost SET (publish = 'insert, update, delete')")
	refused(t, s.Config, "leaves out truncate", "ALTER PUBLICATION")
}

func TestCheckNamesTablesWithoutIdentity(t *testing.T) {
	for name, test := range map[string]struct {
		statements []string
		words      []string
	}{
		"no key":  {[]string{"CREATE TABLE bad (id int)"}, []string{"no replica identity", "add a primary key", "REPLICA IDENTITY FULL"}},
		"nothing": {[]string{"CREATE TABLE bad (id int PRIMARY KEY)", "ALTER TABLE bad REPLICA IDENTITY NOTHING"}, []string{"NOTHING", "REPLICA IDENTITY DEFAULT"}},
		"nothing, and no key": {
			[]string{"CREATE TABLE bad (id int)", "ALTER TABLE bad REPLICA IDENTITY NOTHING"},
			[]string{"NOTHING", "add a primary key", "REPLICA IDENTITY FULL"},
		},
		"deferrable key": {
			[]string{"CREATE TABLE bad (id int PRIMARY KEY DEFERRABLE)"},
			[]string{"no replica identity", "not DEFERRABLE", "REPLICA IDENTITY FULL"},
		},
		"full without a column": {[]string{"CREATE TABLE bad ()", "ALTER TABLE bad REPLICA IDENTITY FULL"}, []string{"publishes no columns"}},
		"only generated columns": {
			[]string{"CREATE TABLE bad (one int GENERATED ALWAYS AS (1) STORED)", "ALTER TABLE bad REPLICA IDENTITY FULL"},
			[]string{"publishes no columns"},
		},
		"lost index": {
			[]string{
				"CREATE TABLE bad (id int PRIMARY KEY, c int NOT NULL UNIQUE)",
				"ALTER TABLE bad REPLICA IDENTITY USING INDEX bad_c_key", "ALTER TABLE bad DROP CONSTRAINT bad_c_key",
			},
			[]string{"lost the index"},
		},
		"no columns": {[]string{"CREATE TABLE bad ()"}, []string{"publishes no columns"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := database(t, append(test.statements, people, publishAll)...)
			refused(t, s.Config, append(test.words, `"public"."bad"`)...)
			if _, err := s.Tables(t.Context()); err == nil || strings.Contains(err.Error(), "people") {
				t.Errorf("Tables says %v", err)
			}
		})
	}
	s, _ := database(t, "CREATE TABLE bad (id int PRIMARY KEY, c int)", "CREATE PUBLICATION outpost FOR TABLE bad (c)")
	refused(t, s.Config, "column id of its replica identity", "column list")
}
