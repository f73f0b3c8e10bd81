package sql_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/sql"
	"outpost/sql/sqltest"
)

var update = flag.Bool("update", false, "write sqlite/schema.sql anew")

const schemaHead = `-- What the published tables look like in a replica, for sqlc. Made from the migrations by
-- go test ./sql -update, and held to them and to what a replica makes by the tests. NOT NULL is
-- what Postgres promises; a replica's own tables leave it to Postgres.
`

// TestTheReplicaSchemaIsThatOfTheMigrations keeps sqlite/schema.sql true.
func TestTheReplicaSchemaIsThatOfTheMigrations(t *testing.T) {
	rows, err := pgtest.Connect(t, sqltest.Database(t)).Query(context.Background(), `
		SELECT c.relname, a.attname, format_type(a.atttypid, NULL), a.attnotnull,
			a.attnum = ANY (i.indkey) AND i.indnkeyatts = 1
		FROM pg_publication_tables p
		JOIN pg_class c ON c.relname = p.tablename AND c.relnamespace = p.schemaname::regnamespace
		JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND a.attname = ANY (p.attnames) AND a.attgenerated = ''
		WHERE p.pubname = $1
		ORDER BY c.relname, a.attnum`, sql.Publication)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var b strings.Builder
	b.WriteString(schemaHead)
	table := ""
	for rows.Next() {
		var name, column, kind string
		var notNull, key bool
		if err := rows.Scan(&name, &column, &kind, &notNull, &key); err != nil {
			t.Fatal(err)
		}
		if name != table {
			if table != "" {
				b.WriteString("\n);\n")
			}
			fmt.Fprintf(&b, "\nCREATE TABLE %s (\n", name)
			table = name
		} else {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, "    %s %s", column, affinity(t, kind))
		switch {
		case key:
			b.WriteString(" PRIMARY KEY")
		case notNull:
			b.WriteString(" NOT NULL")
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	b.WriteString("\n);\n")
	const path = "sqlite/schema.sql"
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != b.String() {
		t.Errorf("%s is not what the migrations make; go test ./sql -update", path)
	}
}

func affinity(t *testing.T, kind string) string {
	switch kind {
	case "bigint", "integer", "boolean":
		return "INTEGER"
	case "text", "timestamp with time zone":
		return "TEXT"
	case "bytea":
		return "BLOB"
	}
	t.Fatalf("a published column has the type %s, which no published column had so far: say here what it becomes", kind)
	return ""
}
