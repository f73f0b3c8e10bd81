package source

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/pgcluster/pgtest"
)

// TestPublishedIsWhatPostgresSays compares published.sql with Postgres' own view, for every
// way in which a table can come into a publication.
func TestPublishedIsWhatPostgresSays(t *testing.T) {
	_, url := database(t,
		"CREATE SCHEMA s", "CREATE SCHEMA empty",
		"CREATE TABLE plain (id int PRIMARY KEY, a text, b int, g int GENERATED ALWAYS AS (b + 1) STORED)", "CREATE TABLE s.plain (id int PRIMARY KEY, a text)",
		"CREATE TABLE parent (id int PRIMARY KEY)", "CREATE TABLE child () INHERITS (parent)",
		"CREATE TABLE root (id int PRIMARY KEY, a text) PARTITION BY RANGE (id)",
		"CREATE TABLE one PARTITION OF root FOR VALUES FROM (0) TO (10)",
		"CREATE TABLE s.two PARTITION OF root FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id)",
		"CREATE TABLE deep PARTITION OF s.two FOR VALUES FROM (10) TO (15)",
		"CREATE TABLE s.deeper PARTITION OF s.two FOR VALUES FROM (15) TO (20)",
		"CREATE TABLE s.hollow (id int PRIMARY KEY) PARTITION BY RANGE (id)",
		"CREATE VIEW seen AS SELECT 1", "CREATE UNLOGGED TABLE forgotten (id int PRIMARY KEY)",
		"CREATE MATERIALIZED VIEW kept AS SELECT 1 AS one")
	for name, what := range map[string]string{
		"everything": "FOR ALL TABLES", "nothing": "",
		"plain": "FOR TABLE plain, s.plain", "parents": "FOR TABLE parent", "alone": "FOR TABLE ONLY parent, child",
		"schema": "FOR TABLES IN SCHEMA s", "schemas": "FOR TABLES IN SCHEMA s, public, empty", "mixed": "FOR TABLE plain WHERE (id > 5), root, TABLES IN SCHEMA s",
		"root": "FOR TABLE root", "middle": "FOR TABLE s.two", "leaf": "FOR TABLE deep, one", "pair": "FOR TABLE root, deep", "hollow": "FOR TABLE s.hollow",
		"columns": "FOR TABLE plain (id, a), one (id)", "rows": "FOR TABLE plain WHERE (b > 1 AND a <> 'x'), one WHERE (id > 3)",
	} {
		for suffix, option := range map[string]string{"": "false", "_root": "true"} {
			pgtest.Exec(t, url, "CREATE PUBLICATION "+name+suffix+" "+what+" WITH (publish_via_partition_root = "+option+")")
		}
	}
	const theirs = `
		SELECT p.pubname || ' ' || p.schemaname || '.' || p.tablename || ' ' || coalesce(p.rowfilter, '') || ' ' ||
			(SELECT coalesce(string_agg(attname, ',' ORDER BY attnum), '') FROM pg_attribute
			 WHERE attrelid = c.oid AND attnum > 0 AND attname = ANY (p.attnames))
		FROM pg_publication_tables p JOIN pg_namespace n ON n.nspname = p.schemaname
		JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename ORDER BY 1`
	ours := "WITH " + asking("{{published}}", "true") + `
		SELECT pubname || ' ' || nspname || '.' || relname || ' ' || coalesce(p.filter, '') || ' ' ||
			(SELECT coalesce(string_agg(attname, ',' ORDER BY attnum), '') FROM pg_attribute
			 WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND (p.columns IS NULL OR attnum = ANY (p.columns)))
		FROM published p JOIN pg_publication pub ON pub.oid = p.publication
		JOIN pg_class c ON c.oid = p.relation JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY 1`
	conn := pgtest.Connect(t, url)
	read := func(query string) []string {
		t.Helper()
		rows, err := conn.Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return lines
	}
	want, got := read(theirs), read(ours)
	if len(want) < 60 {
		t.Fatalf("Postgres publishes %d tables only", len(want))
	}
	count := map[string]int{}
	for _, line := range want {
		count[line]++
	}
	for _, line := range got {
		count[line]--
	}
	for line, n := range count {
		switch {
		case n > 0:
			t.Errorf("only Postgres has %s", line)
		case n < 0:
			t.Errorf("only published.sql has %s", line)
		}
	}
}
