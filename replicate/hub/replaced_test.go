package hub

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"outpost/replicate/change"
	"outpost/replicate/pgcluster"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/pump"
	"outpost/replicate/replica"
	"outpost/replicate/source"
)

// renewed waits for a generation after an older one, for a reason, and that the primary's
// replica and an edge end equal.
func (f *fixture) renewed(edge *replica.Replica, older change.Generation, reason string) {
	f.t.Helper()
	f.eventually("a new generation begins", func() error {
		if g := f.generation(); g <= older {
			return fmt.Errorf("it is %d, it was %d", g, older)
		}
		return nil
	})
	if !strings.Contains(f.logged.String(), reason) {
		f.t.Errorf("the log does not name the reason %q", reason)
	}
	f.reaches(f.replica, "the primary's replica")
	f.reaches(edge, "the edge")
	f.exec("INSERT INTO course (id, title) VALUES (9900, 'afterwards')")
	f.reaches(f.replica, "the primary's replica")
	f.reaches(edge, "the edge")
}

// title is what a replica calls a course.
func (f *fixture) title(r *replica.Replica, id int) (title string) {
	f.t.Helper()
	err := r.Read(f.t.Context(), func(v replica.View) error {
		return v.Tx.QueryRow("SELECT title FROM course WHERE id = ?", id).Scan(&title)
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return title
}

// TestPostgresSetBackToAnEarlierCopy restores its files: system, timeline, slot and even the
// next positions are what they were. What was written since, the replicas have and
// Postgres has not.
func TestPostgresSetBackToAnEarlierCopy(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Cluster(t, "autovacuum=off")
	f := newFixtureAt(t, cluster.URL("postgres"))
	for i, test := range []struct {
		name, first, reason string
	}{
		{"its WAL is shorter", "", "it is an earlier copy"},
		{"its WAL is longer", "INSERT INTO course SELECT i, 'of another history' FROM generate_series(2001, 2020) i", "history was replaced"},
		{"it has a transaction of the same id at the same position", "UPDATE course SET title = 'new!' WHERE id = 7", "history was replaced"},
	} {
		t.Log(test.name)
		f.start()
		f.reaches(f.replica, "the primary's replica")
		f.stop()
		restore := pgtest.Backup(t, cluster)
		f.connect()
		f.exec("UPDATE course SET title = 'lost' WHERE id = 7")
		before := f.identified()
		f.start()
		f.reaches(f.replica, "the primary's replica")
		edge, stopEdge := f.edge(fmt.Sprint("edge", i), nil)
		f.reaches(edge, "the edge")
		older, end := f.generation(), f.written()
		if test.first == "" {
			restore() // under a hub that runs
			f.connect()
		} else {
			stopEdge()
			f.stop()
			restore()
			f.connect()
			f.exec(test.first)
			if after := f.identified(); i == 2 && after != before {
				t.Fatalf("the transaction is %s where the one that was lost was %s: nothing is tested", after, before)
			}
			for n := 0; f.written() <= end+1<<16; n++ {
				f.exec("INSERT INTO private VALUES ($1, repeat('x', 1000))", 5000+n)
			}
			f.start()
			edge, stopEdge = f.edge(fmt.Sprint("edge", i), nil)
		}
		f.renewed(edge, older, test.reason)
		if got := f.title(edge, 7); got == "lost" {
			t.Errorf("the edge shows a title of the history that was lost")
		}
		stopEdge()
		f.stop()
		f.exec("DELETE FROM private")
		f.exec("DELETE FROM course WHERE id > 2000")
	}
}

// identified tells the last transaction: its id and its end.
func (f *fixture) identified() (text string) {
	f.t.Helper()
	err := f.pg.QueryRow(f.t.Context(), "SELECT xmin::text || ' at ' || pg_current_wal_insert_lsn() FROM course ORDER BY xmin::text::bigint DESC LIMIT 1").Scan(&text)
	if err != nil {
		f.t.Fatal(err)
	}
	return text
}

// switched is a hub that reaches its Postgres by an address that can be made to lead
// elsewhere.
func switched(t *testing.T) (*fixture, *pgcluster.Cluster, *replica.Replica) {
	t.Helper()
	t.Parallel()
	cluster := pgtest.Cluster(t)
	f := newFixtureAt(t, cluster.URL("postgres"))
	f.through = newProxy(t)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	edge, _ := f.edge("syd", nil)
	f.reaches(edge, "the edge")
	return f, cluster, edge
}

func (f *fixture) switchTo(cluster *pgcluster.Cluster) {
	f.t.Helper()
	f.url = cluster.URL("postgres")
	u, err := url.Parse(f.url)
	if err != nil {
		f.t.Fatal(err)
	}
	f.through.lead(u.Host)
	f.connect()
}

// TestAPromotedStandbyIsAnotherHistory fails over to a standby that lacks the last
// transactions, as an asynchronous one may.
func TestAPromotedStandbyIsAnotherHistory(t *testing.T) {
	f, primary, edge := switched(t)
	standby := pgtest.Standby(t, primary)
	f.exec("UPDATE course SET title = 'replicated' WHERE id = 7")
	at := f.written()
	there := pgtest.Connect(t, standby.URL("postgres"))
	f.eventually("the standby has it", func() error {
		var has bool
		if err := there.QueryRow(t.Context(), "SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn", at.String()).Scan(&has); err != nil || has {
			return err
		}
		return errors.New("not yet")
	})
	if _, err := there.Exec(t.Context(), "SELECT pg_wal_replay_pause()"); err != nil {
		t.Fatal(err)
	}
	f.exec("UPDATE course SET title = 'lost with the primary' WHERE id = 8")
	f.reaches(edge, "the edge")
	older := f.generation()
	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	// At first the address leads to a server that cannot be written to: the hub waits.
	f.switchTo(standby)
	f.eventually("the hub has met the standby", func() error {
		if stalled := f.hub.Status().Stalled; !strings.Contains(stalled, source.ErrRecovering.Error()) {
			return errors.New(stalled)
		}
		return nil
	})
	if got := f.title(f.replica, 8); got != "lost with the primary" || f.generation() != older {
		t.Errorf("meanwhile the replica shows %q, of generation %d after %d", got, f.generation(), older)
	}
	f.exec("SELECT pg_promote()")
	f.renewed(edge, older, "Postgres is on timeline 2")
}

// TestAnotherSystemAtTheSameAddress is a database of the same name and with the same
// tables, but not this one.
func TestAnotherSystemAtTheSameAddress(t *testing.T) {
	f, first, edge := switched(t)
	other := pgtest.Cluster(t)
	u, err := url.Parse(f.url)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	pgtest.Exec(t, other.URL("postgres"),
		"CREATE TABLE course (id bigint PRIMARY KEY, title text, body text)", "ALTER TABLE course ALTER body SET STORAGE EXTERNAL",
		"CREATE PUBLICATION everything FOR TABLE course", "INSERT INTO course SELECT i, 'another ' || i FROM generate_series(1, 50) i",
		"ALTER ROLE postgres PASSWORD '"+password+"'")
	older := f.generation()
	to, err := url.Parse(other.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	to.User = u.User
	f.url = to.String()
	f.through.lead(to.Host)
	f.connect()
	f.renewed(edge, older, "it is another Postgres")
	if got := f.title(edge, 7); got != "another 7" {
		t.Errorf("the edge shows %q", got)
	}
	older = f.generation()
	f.switchTo(first) // whose slot is there still
	f.renewed(edge, older, "it is another Postgres")
}

// TestTheServerThatStreamsIsTheOneThatWasAsked is an address that leads elsewhere between
// the questions of a session's start and its stream, to a server with a slot of that name.
func TestTheServerThatStreamsIsTheOneThatWasAsked(t *testing.T) {
	f := newFixture(t)
	f.start()
	f.reaches(f.replica, "the primary's replica")
	f.stop()
	f.build()
	session := f.session()
	session.End.System++ // what the first server would have said
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var broken *pump.Broken
	if err := session.Run(ctx); !errors.As(err, &broken) {
		t.Errorf("got %v, want a new generation", err)
	}
}
