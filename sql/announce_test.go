package sql

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// published is the migration that begins to publish; what it and those before it make is copied.
const published = "00009_publication.sql"

// TestMigrationsAnnounceWhatTheyAlter reads every migration since the publication was made.
func TestMigrationsAnnounceWhatTheyAlter(t *testing.T) {
	files, err := fs.Glob(migrations, "postgres/migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	at := slices.Index(files, "postgres/migrations/"+published)
	if at < 0 {
		t.Fatalf("there is no migration %s", published)
	}
	for _, file := range files[at+1:] {
		text, err := fs.ReadFile(migrations, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, statement := range unannounced(string(text)) {
			t.Errorf("%s: behind this has to come SELECT outpost.schema_changed();\n%s", file, statement)
		}
	}
}

// TestUnannouncedStatementsAreSeen proves that the rule can be broken.
func TestUnannouncedStatementsAreSeen(t *testing.T) {
	const migration = `
-- +goose Up
ALTER TABLE users ADD COLUMN a int; -- ALTER TABLE in a comment;
SELECT outpost.schema_changed();
CREATE TABLE forgotten (id int);
CREATE INDEX ON users (a);
DROP TABLE
    old;

SELECT outpost.schema_changed();
-- +goose StatementBegin
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN CREATE TEMP TABLE x (); RETURN 1; END $$;
-- +goose StatementEnd
ALTER PUBLICATION outpost ADD TABLE fresh
-- +goose Down
alter type kind RENAME VALUE 'a' TO 'b';
INSERT INTO users (a) VALUES (1);
`
	got := unannounced(migration)
	want := []string{"CREATE TABLE forgotten (id int)", "ALTER PUBLICATION outpost ADD TABLE fresh", "alter type kind RENAME VALUE 'a' TO 'b'"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

var (
	block   = regexp.MustCompile(`(?s)-- \+goose StatementBegin.*?-- \+goose StatementEnd`)
	section = regexp.MustCompile(`(?m)^-- \+goose (Up|Down).*$`)
	comment = regexp.MustCompile(`(?m)--.*$`)
	alters  = regexp.MustCompile(`(?i)^(CREATE|ALTER|DROP)\s+(UNLOGGED\s+|FOREIGN\s+)?(TABLE|TYPE|DOMAIN|SCHEMA|PUBLICATION)\b`)
	call    = regexp.MustCompile(`(?i)^SELECT\s+outpost\.schema_changed\(\)$`)
)

// unannounced finds the statements that alter what is replicated and do not say so.
func unannounced(migration string) []string {
	migration = block.ReplaceAllString(migration, "")
	migration = section.ReplaceAllString(migration, ";")
	migration = comment.ReplaceAllString(migration, "")
	var all []string
	for statement := range strings.SplitSeq(migration, ";") {
		if statement = strings.TrimSpace(statement); statement != "" {
			all = append(all, statement)
		}
	}
	var found []string
	for i, statement := range all {
		if alters.MatchString(statement) && (i+1 == len(all) || !call.MatchString(all[i+1])) {
			found = append(found, statement)
		}
	}
	return found
}
