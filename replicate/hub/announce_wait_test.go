package hub

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"outpost/replicate/pgcluster/pgtest"
)

// TestAnAnnouncementWaitsForNobody alters a table while another transaction has altered
// tables that are published with a row filter, and one of which nothing is published.
func TestAnAnnouncementWaitsForNobody(t *testing.T) {
	cluster := pgtest.Cluster(t)
	f := fixtureOf(t, cluster.URL("postgres"),
		"CREATE TABLE filtered (id int PRIMARY KEY, note text)", "CREATE TABLE plain (id int PRIMARY KEY, note text)", "CREATE TABLE private (id int)",
		"CREATE PUBLICATION everything FOR TABLE filtered WHERE (id > 1), plain")
	f.start()
	f.equals("at the beginning")
	before := f.generation()
	config, err := pgx.ParseConfig(f.url)
	if err != nil {
		t.Fatal(err)
	}
	config.RuntimeParams["lock_timeout"] = "200"
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { t.Errorf("Postgres says: %s", n.Message) }
	other, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close(context.Background()) }() // the cluster ends with the test
	f.exec("BEGIN")
	f.exec("ALTER TABLE filtered ADD COLUMN c int")
	f.exec("ALTER TABLE private ADD COLUMN c int")
	for _, sql := range []string{"ALTER TABLE plain ADD COLUMN c int DEFAULT 5", "CREATE INDEX ON plain (note)"} {
		if _, err := other.Exec(t.Context(), sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	f.exec("COMMIT")
	f.equals("in the end")
	if f.generation() != before || strings.Contains(f.logged.String(), "could not be announced") {
		t.Error("a new generation was begun")
	}
}
