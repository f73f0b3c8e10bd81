package seed

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/auth"
	"outpost/sql/sqltest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

const testHash = "$argon2id$v=19$m=19456,t=2,p=1$b3V0cG9zdC1kZW1v$c2VlZC10ZXN0LW9ubHktbm90LWEtaGFzaA"

// today is the day on which the tests' demo takes place.
func today() time.Time { return time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC) }

func seed(t *testing.T, url string, size Size) {
	t.Helper()
	if err := Run(t.Context(), url, Options{Size: size, Now: today()}); err != nil {
		t.Fatal(err)
	}
}

func ask[T any](t *testing.T, conn *pgx.Conn, query string, args ...any) []T {
	t.Helper()
	rows, err := conn.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	values, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return values
}

func one[T comparable](t *testing.T, conn *pgx.Conn, want T, query string, args ...any) {
	t.Helper()
	if got := ask[T](t, conn, query, args...); len(got) != 1 || got[0] != want {
		t.Errorf("%s: %v, want %v", query, got, want)
	}
}

func TestTheSmallDemo(t *testing.T) {
	url := sqltest.Database(t)
	seed(t, url, Small)
	conn := pgtest.Connect(t, url)
	for name, test := range map[string]func(*testing.T, *pgx.Conn){
		"every published table is filled":        everyPublishedTableIsFilled,
		"the accounts of the contract are there": accountsOfTheContract,
		"keys handed out do not collide":         keysDoNotCollide,
		"the story holds together":               storyHoldsTogether,
		"every privacy mode has a crowd":         everyPrivacyModeHasACrowd,
		"every situation occurs":                 everySituationOccurs,
	} {
		t.Run(name, func(t *testing.T) { test(t, conn) })
	}
	t.Run("a second run changes nothing", func(t *testing.T) {
		before := fingerprints(t, conn)
		seed(t, url, Small)
		seed(t, url, Medium)
		if after := fingerprints(t, conn); !slices.Equal(before, after) {
			t.Errorf("%v, before %v", after, before)
		}
	})
}

func everyPublishedTableIsFilled(t *testing.T, conn *pgx.Conn) {
	for _, table := range ask[string](t, conn, "SELECT tablename FROM pg_publication_tables ORDER BY 1") {
		// The primary makes its signing keys itself: one made here would be known to all.
		one(t, conn, table != "signing_keys", fmt.Sprintf("SELECT EXISTS (SELECT FROM %s)", table))
	}
}

func accountsOfTheContract(t *testing.T, conn *pgx.Conn) {
	one(t, conn, int64(1000), `
		SELECT count(*) FROM users JOIN user_credentials c ON c.user_id = users.id
		JOIN generate_series(1, 1000) n ON email = 'user' || n || '@example.com' WHERE is_active`)
	hashes := ask[string](t, conn, "SELECT DISTINCT password_hash FROM user_credentials")
	if len(hashes) != 1 {
		t.Fatalf("%d password hashes, want one for all", len(hashes))
	}
	if ok, err := auth.NewPasswords(1).Verify(t.Context(), hashes[0], Password); err != nil || !ok {
		t.Errorf("the password does not match its hash (%v)", err)
	}
	one(t, conn, "platform_admin", "SELECT role FROM users WHERE email = 'admin@example.com' AND is_active")
	one(t, conn, "admin", `
		SELECT m.role FROM users m JOIN users u USING (company_id)
		WHERE m.email = 'manager@example.com' AND m.is_active AND u.email = 'user1@example.com'`)
	one(t, conn, int64(20), `
		SELECT count(*) FROM users JOIN generate_series(1, 20) n ON email = 'user' || n || '@example.com' WHERE role = 'learner'`)
	one(t, conn, "in_progress 2 phishing", `
		SELECT string_agg(status || ' ' || lessons_done || ' ' || slug, ',') FROM enrollments e
		JOIN courses c ON c.id = course_id JOIN users u ON u.id = user_id WHERE u.email = 'user1@example.com'`)
	one(t, conn, int64(3), `
		SELECT count(*) FROM users WHERE email LIKE 'user%' AND company_id = (SELECT id FROM companies WHERE slug = 'kanzlei-brandt')`)
}

// everyPrivacyModeHasACrowd: each can be seen at work, among people by name at the company of user1, and
// the rule of five where departments are smaller and where the company is.
func everyPrivacyModeHasACrowd(t *testing.T, conn *pgx.Conn) {
	one(t, conn, "aggregate,individual,pseudonymous", `
		SELECT string_agg(DISTINCT privacy_mode, ',') FROM companies c
		WHERE (SELECT count(*) FROM users u WHERE u.company_id = c.id AND is_active) > 20`)
	one(t, conn, "individual", `
		SELECT privacy_mode FROM companies c JOIN users u ON u.company_id = c.id WHERE u.email = 'user1@example.com'`)
	one(t, conn, int64(4), `
		SELECT count(*) FROM users WHERE is_active AND company_id = (SELECT id FROM companies WHERE slug = 'kanzlei-brandt')`)
	one(t, conn, true, `
		SELECT count(*) > 0 FROM (
			SELECT company_id FROM (SELECT company_id, department, count(*) AS people FROM users WHERE is_active GROUP BY 1, 2) d
			GROUP BY company_id HAVING min(people) < 5 AND max(people) >= 5) c`)
	one(t, conn, int64(0), `
		SELECT count(*) FROM users a JOIN users b USING (pseudonym) WHERE a.id < b.id OR pseudonym !~ '^P-[0-9A-F]{12}$'`)
}

func TestRunIsDeterministic(t *testing.T) {
	var all [][]string
	for _, flushAt := range []int{0, 700} {
		url := sqltest.Database(t)
		o := Options{Size: Small, Courses: 4, PasswordHash: testHash, Now: today().Add(time.Duration(flushAt) * time.Second), flushAt: flushAt}
		if err := Run(t.Context(), url, o); err != nil {
			t.Fatal(err)
		}
		all = append(all, fingerprints(t, pgtest.Connect(t, url)))
	}
	if !slices.Equal(all[0], all[1]) {
		t.Errorf("two runs differ: %v and %v", all[0], all[1])
	}
}

// fingerprints gives a hash of each table. The triggers stamp the catalogue with the clock:
// its times do not count.
func fingerprints(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	var list []string
	for _, table := range tables() {
		columns := strings.ReplaceAll(table.columns, " ", ", ")
		query := fmt.Sprintf("SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM (SELECT %s FROM %s) t", columns, table.name)
		list = append(list, table.name+" "+ask[string](t, conn, query)[0])
	}
	return list
}

func keysDoNotCollide(t *testing.T, conn *pgx.Conn) {
	numbered := ask[string](t, conn, `
		SELECT table_name::text FROM information_schema.columns
		WHERE table_schema = 'public' AND column_name = 'id' AND is_identity = 'YES'`)
	if len(numbered) < 20 {
		t.Fatalf("only %d tables have an identity", len(numbered))
	}
	for _, table := range numbered {
		one(t, conn, true, fmt.Sprintf(
			"SELECT nextval(pg_get_serial_sequence('%[1]s', 'id')) > coalesce((SELECT max(id) FROM %[1]s), 0)", table))
	}
}

func TestRunRefusesForeignData(t *testing.T) {
	url := sqltest.Database(t)
	pgtest.Exec(t, url, "INSERT INTO companies (name, slug, country) VALUES ('Real', 'real', 'DE')")
	err := Run(t.Context(), url, Options{Size: Small, PasswordHash: testHash})
	if !errors.Is(err, ErrForeignData) {
		t.Fatalf("error %v, want %v", err, ErrForeignData)
	}
	one(t, pgtest.Connect(t, url), int64(1), "SELECT (SELECT count(*) FROM companies) + (SELECT count(*) FROM users)")
}

func TestRunIsAllOrNothing(t *testing.T) {
	url := sqltest.Database(t)
	pgtest.Exec(t, url, "ALTER TABLE reports ADD CHECK (state <> 'failed')")
	err := Run(t.Context(), url, Options{Size: Small, PasswordHash: testHash})
	if err == nil || !strings.Contains(err.Error(), "reports") {
		t.Fatalf("error %v, want one that names the table", err)
	}
	one(t, pgtest.Connect(t, url), int64(0), "SELECT (SELECT count(*) FROM companies) + (SELECT count(*) FROM courses)")
}

func TestRunSaysWhatIsWrongWithItsOptions(t *testing.T) {
	for _, tt := range []struct {
		url  string
		o    Options
		want string
	}{
		{"postgres://localhost/x", Options{Size: "huge", PasswordHash: testHash}, "huge"},
		{"postgres://localhost/x", Options{Size: Small, PasswordHash: Password}, "PHC"},
		{"postgres://me:geheim@[", Options{Size: Small, PasswordHash: testHash}, "postgres://user:password@"},
		{pgtest.Database(t), Options{Size: Small, PasswordHash: testHash}, "migrations"},
	} {
		err := Run(t.Context(), tt.url, tt.o)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("error %v, want one with %q and no password", err, tt.want)
		}
	}
	if _, err := ParseSize("huge"); err == nil {
		t.Error("the size huge is accepted")
	}
	if size, err := ParseSize("medium"); err != nil || size.Users() != 20_000 {
		t.Errorf("medium is %d users, %v", size.Users(), err)
	}
}
