package store_test

import (
	"context"
	stdsql "database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"outpost/replicate/replica"
	"outpost/server/store"
	"outpost/server/store/sqlite"
	"outpost/server/training"
)

// TestAReplicaLooksLikeTheSchemaThatQueriesAreWrittenFor compares tables, columns, types and
// keys of a real replica with sql/sqlite/schema.sql.
func TestAReplicaLooksLikeTheSchemaThatQueriesAreWrittenFor(t *testing.T) {
	const columns = `
		SELECT m.name || '.' || c.name || ' ' || c.type || ' ' || (c.pk > 0)
		FROM sqlite_schema m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE '\_outpost%' ESCAPE '\' AND m.name NOT LIKE 'sqlite%'
		AND m.name NOT IN ('assignment_stats', 'catalogue', 'course_stats', 'course_totals', 'company_stats', 'phishing_stats', 'touched', 'user_totals', 'user_logins') AND m.name NOT LIKE 'course\_words%' ESCAPE '\' AND m.name NOT LIKE 'users\_search%' ESCAPE '\' AND m.name NOT LIKE 'companies\_search%' ESCAPE '\'
		ORDER BY m.name, c.cid`
	list := func(query func(string, ...any) (*stdsql.Rows, error)) (out []string) {
		t.Helper()
		rows, err := query(columns)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var column string
			if err := rows.Scan(&column); err != nil {
				t.Fatal(err)
			}
			out = append(out, column)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return out
	}
	schema, err := os.ReadFile("../../sql/sqlite/schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	db, err := stdsql.Open("sqlite", filepath.Join(t.TempDir(), "schema.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(string(schema)); err != nil {
		t.Fatal(err)
	}
	want := list(db.Query)
	err = load(t).Read(t.Context(), func(v replica.View) error {
		if have := list(v.Tx.Query); !slices.Equal(have, want) {
			for _, column := range have {
				if !slices.Contains(want, column) {
					t.Errorf("the replica has %s", column)
				}
			}
			for _, column := range want {
				if !slices.Contains(have, column) {
					t.Errorf("the replica lacks %s", column)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestAStatementThatDoesNotFitFailsAlone prepares on a file without the objects, and so without the catalogue.
func TestAStatementThatDoesNotFitFailsAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "replica.db")
	replicate(t, path, fixture()...)
	db, err := stdsql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const missing = "no such table: catalogue"
	if _, err := store.Prepare(t.Context(), conn, true); err == nil || !strings.Contains(err.Error(), "no such table") {
		t.Errorf("as the first: %v", err)
	}
	prepared, err := store.Prepare(t.Context(), conn, false)
	if err != nil {
		t.Fatal(err)
	}
	defer prepared.Close()
	q := prepared.(*sqlite.Queries)
	if locale, err := q.CompanyLocale(t.Context(), 1); err != nil || locale != "de" {
		t.Errorf("what fits gives %q, %v", locale, err)
	}
	if _, err := q.CoursesByID(t.Context(), sqlite.CoursesByIDParams{Locale: "de", Ids: "[1]"}); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("what does not fit: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.Prepare(ended, conn, false); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits: %v", err)
	}
}

// TestTheCatalogueIsInEveryLanguage holds the locales that stand in objects/courses_catalogue.sql.
func TestTheCatalogueIsInEveryLanguage(t *testing.T) {
	var have string
	err := load(t, fixture()...).Read(t.Context(), func(v replica.View) error {
		return v.Tx.QueryRow("SELECT group_concat(locale, ' ') FROM (SELECT DISTINCT locale FROM catalogue ORDER BY locale)").Scan(&have)
	})
	if want := strings.Join(training.Locales(), " "); err != nil || have != want {
		t.Errorf("the catalogue is kept for %q, want %q (%v)", have, want, err)
	}
}
