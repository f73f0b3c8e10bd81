package primary_test

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/auth"
	"outpost/server/primary"
	"outpost/server/training"
	"outpost/sql/sqltest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

var learner = training.Principal{UserID: 1, CompanyID: 1, Role: training.Learner, Locale: "de", Zone: "eu"}

// observed counts the statements by their type.
type observed struct {
	mu    sync.Mutex
	types map[string]int
}

func (o *observed) see(queryType string, _ time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.types == nil {
		o.types = make(map[string]int)
	}
	o.types[queryType]++
}

// take gives what was seen since the last time, without the brackets around transactions.
func (o *observed) take() (types map[string]int, total int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	types, o.types = o.types, nil
	for name, n := range types {
		if name != "begin" && name != "commit" && name != "rollback" {
			total += n
		}
	}
	return types, total
}

// open gives a primary over a fresh database: company 1 (zone eu) with learner 1 (password
// "right"), learner 2 without a password and learner 3 who is not active; company 2 with learner 4;
// course 1 with lessons at 1 and 3, course 2 with a lesson and a quiz, course 3 unpublished.
func open(t *testing.T, change ...func(*primary.Config)) (*primary.Primary, string) {
	t.Helper()
	url := sqltest.Database(t)
	hash, err := auth.NewPasswords(0).Hash(t.Context(), "right")
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(
		t, url,
		`INSERT INTO companies (name, slug, country, data_zone) VALUES ('Eins', 'eins', 'DE', 'eu'), ('Two', 'two', 'US', 'us')`,
		`INSERT INTO users (company_id, data_zone, email, full_name, is_active) VALUES (1, 'eu', 'Änne@example.com', 'Änne', true),
			(1, 'eu', 'two@example.com', 'Two', true), (1, 'eu', 'gone@example.com', 'Gone', false), (2, 'us', 'four@example.com', 'Four', true)`,
		`INSERT INTO user_credentials (user_id, password_hash) VALUES (1, '`+hash+`'), (3, '`+hash+`')`,
		`INSERT INTO courses (slug, category, minutes, is_published, validity_days) VALUES
			('one', 'email', 10, true, 365), ('two', 'email', 10, true, NULL), ('draft', 'email', 10, false, NULL)`,
		`INSERT INTO course_translations (course_id, locale, title) VALUES (1, 'en', 'One'), (1, 'de', 'Eins')`,
		`INSERT INTO lessons (course_id, position, kind) VALUES (1, 1, 'text'), (1, 3, 'text'), (2, 1, 'text'), (2, 2, 'quiz')`,
		`INSERT INTO frameworks (code, name) VALUES ('gdpr', 'GDPR')`,
		`INSERT INTO requirements (framework_id, code, text, interval_months) VALUES (1, 'a', 'A', 6), (1, 'b', 'B', 12), (1, 'c', 'C', NULL)`,
		`INSERT INTO requirement_courses (requirement_id, course_id) VALUES (1, 1), (2, 1), (3, 1)`,
	)
	config := primary.Config{URL: url, MaxConns: 8, MinConns: 1, AcquireTimeout: 5 * time.Second}
	for _, c := range change {
		c(&config)
	}
	p, err := primary.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, url
}

func value[T any](t *testing.T, url, query string, args ...any) T {
	t.Helper()
	rows, err := pgtest.Connect(t, url).Query(context.Background(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

// inModes runs a test with and without a pooler's restrictions.
func inModes(t *testing.T, test func(t *testing.T, mode func(*primary.Config))) {
	t.Helper()
	for name, pooler := range map[string]bool{"sessions": false, "pooler": true} {
		t.Run(name, func(t *testing.T) { test(t, func(c *primary.Config) { c.Pooler = pooler }) })
	}
}
