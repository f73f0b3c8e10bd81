package store_test

import (
	"context"
	stdsql "database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"outpost/server/training"
)

func TestAPersonIsSeenByThoseWhoMay(t *testing.T) {
	s := crowdReader(t)
	get := func(p training.Principal, id int64) (training.PersonDetail, error) {
		return ask(t, s, func(ctx context.Context, q training.Queries) (training.PersonDetail, error) {
			return q.Person(ctx, p, id, training.AllPersonFields)
		})
	}
	for _, c := range []struct {
		who  training.Principal
		id   int64
		sees bool
	}{
		{boss, 4, true},
		{boss, 1, true},
		{boss, 2, false},
		{boss, 99, false},
		{worker, 4, true},
		{worker, 5, false},
		{worker, 2, false},
		{rival, 4, false},
		{root, 4, true},
		{training.Principal{UserID: 4, CompanyID: 2, Role: training.Learner}, 4, false}, // moved since the token was made
	} {
		d, err := get(c.who, c.id)
		if c.sees && (err != nil || d.ID != c.id) || !c.sees && training.CodeOf(err) != training.NotFound {
			t.Errorf("%s %d asks for %d: %+v, %v", c.who.Role, c.who.UserID, c.id, d.Person, err)
		}
	}
	d, err := get(worker, 4)
	if err != nil {
		t.Fatal(err)
	}
	if d.Courses != 4 || d.Assigned != 1 || d.InProgress != 1 || d.Completed != 1 || d.Expired != 2 {
		t.Errorf("the courses are %+v", d)
	}
	if want := time.Date(2999, 2, 1, 0, 0, 0, 0, time.UTC); !d.ValidUntil.Equal(want) {
		t.Errorf("it is valid until %v, want %v", d.ValidUntil, want)
	}
	if d.Company.Slug != "eins" || d.Company.PrivacyMode != training.Aggregate || d.Version != 1 || d.Email != "Ä1@example.com" {
		t.Errorf("the person is %+v", d)
	}
}

func TestAPersonIsReadInTwoQueries(t *testing.T) {
	s := crowdReader(t)
	made := 0
	s.Finished = func(queries int) { made = queries }
	for fields, want := range map[training.PersonField]int{training.AllPersonFields: 2, training.PersonEmail | training.PersonCompany: 1} {
		_, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.PersonDetail, error) {
			return q.Person(ctx, boss, 4, fields)
		})
		if err != nil || made != want {
			t.Errorf("the fields %b took %d queries, want %d: %v", fields, made, want, err)
		}
	}
}

// TestWhatIsNotAskedForIsNotRead puts views in the place of the tables, whose columns cannot be
// looked at without an error.
func TestWhatIsNotAskedForIsNotRead(t *testing.T) {
	db, err := stdsql.Open("sqlite", filepath.Join(t.TempDir(), "traps.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	schema, err := os.ReadFile("../../sql/sqlite/schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	trap := func(column string) string { return "json('no JSON ' || id) AS " + column }
	columns := []string{"email", "full_name", "role", "department", "job_risk", "locale", "is_active", "last_login_at", "created_at", "updated_at"}
	traps := make([]string, 0, len(columns))
	for _, c := range columns {
		if c != "last_login_at" {
			traps = append(traps, trap(c))
		}
	}
	for _, statement := range []string{
		string(schema), `ALTER TABLE users RENAME TO real_users`, `DROP TABLE companies`, `DROP TABLE user_activity`,
		`INSERT INTO real_users VALUES (1, 1, 'z', 'e', 'e', 'n', 'n', 'learner', '', 'low', '', 1, '', '', 1, '')`,
		`CREATE VIEW users AS SELECT id, company_id, version, ` + strings.Join(traps, ", ") + ` FROM real_users`,
		`CREATE VIEW companies AS SELECT id, json('no JSON ' || id) AS name, slug, data_zone, country, locale, privacy_mode
			FROM (SELECT id, '' AS slug, '' AS data_zone, '' AS country, '' AS locale, '' AS privacy_mode FROM real_users)`,
		`CREATE VIEW user_activity AS SELECT id AS user_id, json('no JSON ' || id) AS last_login_at FROM real_users`,
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	queries := generated(t)
	read := func(query string, fields training.PersonField, args ...any) error {
		rows, err := db.Query(queries[query], append([]any{int64(fields)}, args...)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		found := 0
		for rows.Next() {
			found++
		}
		if rows.Err() == nil && found != 1 {
			t.Errorf("%s finds %d people", query, found)
		}
		return rows.Err()
	}
	for query, args := range map[string][]any{"UsersByID": {"[1]", 0, 1}, "UserDetail": {1, 0, 1, 1, 1}} {
		if err := read(query, training.PersonVersion, args...); err != nil {
			t.Errorf("%s: something is read that nobody asked for: %v", query, err)
		}
		for _, c := range columns {
			if err := read(query, training.PersonFieldOf(c), args...); err == nil || !strings.Contains(err.Error(), "JSON") {
				t.Errorf("%s: %s was asked for and not read: %v", query, c, err)
			}
		}
	}
	if err := read("UserDetail", training.PersonCompany, 1, 0, 1, 1, 1); err == nil {
		t.Error("the company was asked for and not read")
	}
}

func TestTheExportGoesByKey(t *testing.T) {
	s := crowdReader(t)
	for _, c := range []struct {
		who     training.Principal
		company int64
		want    int
	}{{boss, 0, 41}, {rival, 2, 21}, {root, 0, 63}, {root, 1, 41}} {
		var last int64
		found := 0
		for {
			chunk, err := ask(t, s, func(ctx context.Context, q training.Queries) ([]training.ExportedPerson, error) {
				return q.PeopleForExport(ctx, c.who, c.company, last, 10)
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(chunk) == 0 {
				break
			}
			for _, p := range chunk {
				if p.ID <= last || p.Email == "" || p.CreatedAt.IsZero() {
					t.Errorf("behind %d comes %+v", last, p)
				}
				last = p.ID
			}
			found += len(chunk)
		}
		if found != c.want {
			t.Errorf("%s of company %d exports %d people, want %d", c.who.Role, c.company, found, c.want)
		}
	}
	_, err := ask(t, s, func(ctx context.Context, q training.Queries) ([]training.ExportedPerson, error) {
		return q.PeopleForExport(ctx, worker, 0, 0, 10)
	})
	if training.CodeOf(err) != training.Forbidden {
		t.Errorf("a learner exports: %v", err)
	}
}
