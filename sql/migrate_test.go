package sql_test

import (
	"log/slog"
	"os"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/sql"
	"outpost/sql/sqltest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

func column[T any](t *testing.T, url, query string, args ...any) []T {
	t.Helper()
	rows, err := pgtest.Connect(t, url).Query(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	values, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func TestMigrationsGoUpAndDownAndUpAgain(t *testing.T) {
	url := sqltest.Database(t)
	have, want, err := sql.Current(t.Context(), url)
	if err != nil || have != want || have == 0 {
		t.Fatalf("at version %d of %d, %v", have, want, err)
	}
	all, err := sql.Status(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	for range all {
		if err := sql.Down(t.Context(), url, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
	}
	left := column[string](t, url, `
		SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'goose%'
		UNION ALL SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
		UNION ALL SELECT pubname FROM pg_publication
		UNION ALL SELECT nspname FROM pg_namespace WHERE nspname = 'river'`)
	if len(left) > 0 {
		t.Errorf("undoing everything leaves %q", left)
	}
	if err := sql.Migrate(t.Context(), url, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
}

// private are the tables that must never leave Postgres.
func private() []string {
	return []string{
		"api_key_secrets", "assignment_runs", "audit_log", "goose_db_version", "idempotency_keys", "invitations", "login_failures", "login_sources", "outbox", "overdue_reminders",
		"password_requests", "password_resets", "question_explanations", "question_keys", "quiz_attempt_answers", "quiz_starts", "refresh_tokens", "reminders",
		"report_documents", "signing_key_secrets", "user_credentials", "user_imports",
	}
}

func TestEveryTableIsPublishedOrPrivate(t *testing.T) {
	url := sqltest.Database(t)
	unpublished := column[string](t, url, `
		SELECT relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
		AND NOT EXISTS (SELECT FROM pg_publication_tables p WHERE p.pubname = $1 AND p.tablename = c.relname)
		ORDER BY relname`, sql.Publication)
	if !slices.Equal(unpublished, private()) {
		t.Errorf("unpublished: %q\nprivate:     %q", unpublished, private())
	}
	secret := column[string](t, url, `
		SELECT tablename || '.' || a FROM pg_publication_tables, unnest(attnames) a
		WHERE pubname = $1 AND a ~ '(hash|secret|password|private|is_correct|token)$'`, sql.Publication)
	if len(secret) > 0 {
		t.Errorf("published columns that sound secret: %q", secret)
	}
	foreign := column[string](t, url, `SELECT schemaname || '.' || tablename FROM pg_publication_tables WHERE schemaname <> 'public'`)
	if len(foreign) > 0 {
		t.Errorf("published tables of other schemas: %q", foreign)
	}
	some := column[string](t, url, `
		SELECT pubname FROM pg_publication WHERE NOT (pubinsert AND pubupdate AND pubdelete AND pubtruncate) OR puballtables`)
	if len(some) > 0 {
		t.Errorf("publications that are not what they should be: %q", some)
	}
}

func TestTenantTablesNameTheirTenantInTheReplicaIdentity(t *testing.T) {
	url := sqltest.Database(t)
	// Every published table with a company or a zone, and with a user or a course it belongs to,
	// has them in its identity, NOT NULL: what an index serves, Postgres itself checks.
	missing := column[string](t, url, `
		SELECT p.tablename || '.' || a.attname
		FROM pg_publication_tables p
		JOIN pg_class c ON c.relname = p.tablename AND c.relnamespace = 'public'::regnamespace
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE p.pubname = $1 AND a.attname IN ('id', 'company_id', 'data_zone')
		AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND a.attnum = ANY (i.indkey)
			AND CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END)`, sql.Publication)
	if len(missing) > 0 {
		t.Errorf("not in the replica identity: %q", missing)
	}
	half := column[string](t, url, `
		SELECT c.relname FROM pg_class c JOIN pg_publication_tables p ON p.tablename = c.relname AND p.pubname = $1
		WHERE c.relnamespace = 'public'::regnamespace AND c.relname <> 'companies'
		AND (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('company_id', 'data_zone')) = 1`,
		sql.Publication)
	if len(half) > 0 {
		t.Errorf("with a company or a zone, but not both: %q", half)
	}
}

func TestEveryPublishedTableIsVersioned(t *testing.T) {
	url := sqltest.Database(t)
	missing := column[string](t, url, `
		SELECT p.tablename FROM pg_publication_tables p WHERE p.pubname = $1
		AND ((SELECT count(*) FROM pg_attribute a WHERE a.attrelid = to_regclass(p.tablename)
			AND a.attname IN ('created_at', 'updated_at', 'version')) < 3
		OR NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = p.tablename::regclass AND g.tgname = 'touch'))`, sql.Publication)
	if len(missing) > 0 {
		t.Errorf("without created_at, updated_at, version or the trigger that raises it: %q", missing)
	}
}

func TestEveryForeignKeyIsIndexed(t *testing.T) {
	url := sqltest.Database(t)
	// An index serves a foreign key when its first columns are among the key's.
	missing := column[string](t, url, `
		SELECT k.conrelid::regclass || ' ' || k.conname FROM pg_constraint k
		WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace
		AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indpred IS NULL
			AND i.indkey[0] = ANY (k.conkey)
			AND i.indkey[0] NOT IN (SELECT attnum FROM pg_attribute WHERE attrelid = k.conrelid AND attname IN ('company_id', 'data_zone')
				AND cardinality(k.conkey) > 2))`)
	if len(missing) > 0 {
		t.Errorf("foreign keys without an index: %q", missing)
	}
}
