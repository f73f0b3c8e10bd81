package hub

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/replica"
)

// TestForgedAnnouncementsAreIgnored emits what any role may emit: an announcement with a
// made up code, a real one in another transaction, and rubbish.
func TestForgedAnnouncementsAreIgnored(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	generation := f.generation()
	f.exec("ALTER TABLE course ADD COLUMN real int DEFAULT 1")
	f.exec("CREATE TABLE stolen (content bytea)")
	f.exec("SELECT pg_create_logical_replication_slot('listener_' || current_database(), 'pgoutput')")
	f.exec("ALTER TABLE course ADD COLUMN more int DEFAULT 2")
	// Whoever could read the WAL could emit the same bytes again.
	// A message is 'M', flags, an LSN, its prefix, its length, and from byte 30 its content.
	f.exec(`INSERT INTO stolen SELECT substring(data FROM 30)
		FROM pg_logical_slot_peek_binary_changes('listener_' || current_database(), NULL, NULL,
			'proto_version', '1', 'publication_names', 'everything', 'messages', 'true')
		WHERE position('outpost.schema'::bytea IN data) = 11`)
	f.exec(`SELECT pg_drop_replication_slot('listener_' || current_database())`)
	for _, forged := range []string{
		`'rubbish'::bytea`,
		`sha256('guess') || '{"xid": 1, "tag": "DROP TABLE", "dropped": [1]}'::bytea`,
		`(SELECT content FROM stolen)`,
	} {
		f.exec("SELECT pg_logical_emit_message(true, 'outpost.schema', " + forged + ")")
	}
	f.exec("SELECT pg_logical_emit_message(false, 'outpost.schema', 'not in a transaction')")
	f.exec("INSERT INTO course (id, title) VALUES (7777, 'afterwards')")
	f.reaches(f.replica, "the primary's replica")
	if g := f.generation(); g != generation {
		t.Error("a forged message began a new generation")
	}
	if n := strings.Count(f.logged.String(), "it is ignored"); n != 3 {
		t.Errorf("%d forged messages were named in the log, want 3", n)
	}
}

// TestTheSecretStaysInPostgres looks for it where it must not be.
func TestTheSecretStaysInPostgres(t *testing.T) {
	f := fixtureOf(t, pgtest.Database(t), "CREATE TABLE t (id int PRIMARY KEY)", "CREATE PUBLICATION everything FOR ALL TABLES")
	f.start()
	f.eventually("there is a replica", func() error {
		if !f.replica.Loaded() {
			return replica.ErrNotLoaded
		}
		return nil
	})
	f.exec("ALTER TABLE t ADD COLUMN x int")
	f.equals("after a change")
	var readable bool
	if err := f.pg.QueryRow(t.Context(), "SELECT has_table_privilege('pg_read_all_settings', 'outpost.secret', 'SELECT')").Scan(&readable); err != nil || readable {
		t.Errorf("another role may read the secret (%v)", err)
	}
	for _, table := range f.replica.Tables() {
		if table.Schema == "outpost" {
			t.Errorf("the replica has table outpost.%s", table.Name)
		}
	}
}

// TestAnnouncementsSurviveACrashOfPostgres loses the secret, which is in an unlogged table.
func TestAnnouncementsSurviveACrashOfPostgres(t *testing.T) {
	cluster := pgtest.Cluster(t)
	f := newFixtureAt(t, cluster.URL("postgres"))
	f.start()
	f.reaches(f.replica, "the primary's replica")
	generation := f.generation()
	if err := cluster.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.connect()
	f.exec("ALTER TABLE course ADD COLUMN minutes int DEFAULT 42")
	f.exec("INSERT INTO course (id, title, minutes) VALUES (7777, 'afterwards', 1)")
	f.reaches(f.replica, "the primary's replica")
	f.has(f.replica, "SELECT count(*) FROM course WHERE minutes = 42", 100)
	if g := f.generation(); g != generation {
		t.Error("a new generation was begun")
	}
}

// TestSchemaChangesWhileTheHubIsAway are met when it resumes, each at its place.
func TestSchemaChangesWhileTheHubIsAway(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	edge, _ := f.edge("syd", nil)
	f.reaches(edge, "the edge")
	generation := f.generation()
	f.stop()
	f.exec("INSERT INTO course (id, title) VALUES (501, 'before')")
	f.exec("ALTER TABLE course ADD COLUMN minutes int DEFAULT 1")
	f.exec("INSERT INTO course (id, title, minutes) VALUES (502, 'between', 2)")
	f.exec("ALTER TABLE course RENAME minutes TO duration")
	f.exec("INSERT INTO course (id, title, duration) VALUES (503, 'after', 3)")
	f.exec("ALTER TABLE course DROP COLUMN duration, ADD COLUMN duration text DEFAULT 'long'")
	f.start()
	f.reaches(f.replica, "the primary's replica")
	f.has(f.replica, "SELECT count(*) FROM course WHERE duration = 'long'", 103)
	edge, _ = f.edge("iad", nil)
	f.reaches(edge, "the edge")
	f.has(edge, "SELECT count(*) FROM course WHERE duration = 'long'", 103)
	if g := f.generation(); g != generation {
		t.Error("a new generation was begun")
	}
}

// TestPreparedAndLongTransactions change a table and rows beside short transactions, and
// commit much later: in two phases, and in one that was open for long.
func TestPreparedAndLongTransactions(t *testing.T) {
	cluster := pgtest.Cluster(t, "max_prepared_transactions=4")
	f := fixtureOf(t, cluster.URL("postgres"),
		"CREATE TABLE t (id int PRIMARY KEY, n int)", "INSERT INTO t SELECT i, i FROM generate_series(1, 100) i",
		"CREATE TABLE u (id int PRIMARY KEY, n int)", "INSERT INTO u SELECT i, i FROM generate_series(1, 100) i",
		"CREATE PUBLICATION everything FOR TABLE t, u")
	f.start()
	f.equals("at the beginning")
	generation := f.generation()
	conn := pgtest.Connect(t, f.url)
	run := func(statements ...string) {
		t.Helper()
		for _, s := range statements {
			if _, err := conn.Exec(t.Context(), s); err != nil {
				t.Fatalf("%s: %v", s, err)
			}
		}
	}
	run("BEGIN", "UPDATE t SET n = -1 WHERE id <= 10", "SAVEPOINT a", "UPDATE t SET n = -2 WHERE id <= 20", "ROLLBACK TO a",
		"ALTER TABLE t ADD COLUMN x int DEFAULT 5", "UPDATE t SET x = 6 WHERE id = 3", "PREPARE TRANSACTION 'one'",
		"BEGIN", "UPDATE u SET n = -1 WHERE id <= 10")
	for i := range 50 {
		f.exec("INSERT INTO u VALUES ($1, 0)", 1000+i)
	}
	// Table t cannot be read while the prepared transaction has it.
	f.has(f.replica, "SELECT count(*) FROM u WHERE n = 0", 50)
	f.has(f.replica, "SELECT count(*) FROM u WHERE n = -1", 0)
	run("INSERT INTO u VALUES (5000, 1)", "COMMIT")
	f.has(f.replica, "SELECT count(*) FROM u WHERE n = -1", 10)
	run("COMMIT PREPARED 'one'", "BEGIN", "DELETE FROM t", "PREPARE TRANSACTION 'two'", "ROLLBACK PREPARED 'two'")
	f.equals("after the prepared one")
	f.has(f.replica, "SELECT count(*) FROM t WHERE x = 5", 99)
	if g := f.generation(); g != generation {
		t.Error("a new generation was begun")
	}
}

// has waits until a count in a replica is what it should be.
func (f *fixture) has(r *replica.Replica, count string, want int) {
	f.t.Helper()
	f.eventually(count, func() error {
		return r.Read(f.t.Context(), func(v replica.View) error {
			ctx, cancel := context.WithTimeout(f.t.Context(), time.Second)
			defer cancel()
			var got int
			err := v.Tx.QueryRowContext(ctx, count).Scan(&got)
			if err == nil && got != want {
				err = fmt.Errorf("got %d, want %d", got, want)
			}
			return err
		})
	})
}
