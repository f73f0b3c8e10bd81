package store_test

import (
	"context"
	neturl "net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"outpost/replicate/change"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/replica"
	"outpost/replicate/source"
	"outpost/server/store"
	"outpost/server/training"
	"outpost/sql"
	"outpost/sql/sqltest"
)

// shared is the fixture's replica file, made once: the tests only read it.
var shared struct {
	once   sync.Once
	folder string
}

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "store")
	if err != nil {
		panic(err)
	}
	shared.folder = folder
	code := pgtest.Run(m)
	if err := os.RemoveAll(folder); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// The people of the fixture: company 1 (aggregate) has learners 1 and 2, manager 3 and admin 4;
// company 2 (individual) learner 5 and manager 6; company 3 platform administrator 7.
var (
	learner  = training.Principal{UserID: 1, CompanyID: 1, SessionID: 1, Role: training.Learner}
	manager  = training.Principal{UserID: 3, CompanyID: 1, Role: training.Manager}
	stranger = training.Principal{UserID: 5, CompanyID: 2, Role: training.Learner}
	foreign  = training.Principal{UserID: 6, CompanyID: 2, Role: training.Manager}
	platform = training.Principal{UserID: 7, CompanyID: 3, Role: training.PlatformAdmin}
)

func fixture() []string {
	return []string{
		`INSERT INTO companies (name, slug, country, locale, data_zone, privacy_mode) VALUES
			('Eins', 'eins', 'DE', 'de', 'eu', 'aggregate'), ('Two', 'two', 'US', 'en', 'us', 'individual'), ('Outpost', 'outpost', 'DE', 'en', 'global', 'aggregate')`,
		`INSERT INTO users (company_id, data_zone, email, full_name, role, locale) VALUES
			(1, 'eu', 'User1@Example.com', 'Äda One', 'learner', 'de'), (1, 'eu', 'user2@example.com', 'Two', 'learner', ''),
			(1, 'eu', 'm1@example.com', 'M', 'manager', ''), (1, 'eu', 'a1@example.com', 'A', 'admin', ''),
			(2, 'us', 'user5@example.com', 'Five', 'learner', ''), (2, 'us', 'm2@example.com', 'M2', 'manager', ''),
			(3, 'global', 'admin@example.com', 'Admin', 'platform_admin', '')`,
		`INSERT INTO sessions (company_id, data_zone, user_id, expires_at, revoked_at) VALUES
			(1, 'eu', 1, now() + interval '1 day', NULL), (1, 'eu', 1, now() + interval '1 day', now())`,
		`INSERT INTO token_revocations (company_id, data_zone, user_id, revoked_at) VALUES
			(1, 'eu', 2, '2026-01-02 03:04:05.678901+00'), (1, 'eu', 2, '2026-01-01 00:00:00+00')`,
		`INSERT INTO signing_keys (kid, public_key, not_before, not_after) VALUES
			('good', decode(repeat('01', 32), 'hex'), now(), NULL), ('over', decode(repeat('02', 32), 'hex'), now(), now() - interval '1 s'),
			('early', decode(repeat('03', 32), 'hex'), now() + interval '1 h', NULL)`,
		// Of admin 4, who made them a day apart; one of company 2.
		`INSERT INTO api_keys (company_id, data_zone, user_id, name, prefix, scopes, expires_at, revoked_at, created_at) VALUES
			(1, 'eu', 4, 'first', 'opk_11111111', 'me:read users:read', '2027-01-01', NULL, '2026-01-01'), (1, 'eu', 4, 'second', 'opk_22222222', 'me:read', NULL, now(), '2026-01-02'),
			(1, 'eu', 4, 'third', 'opk_33333333', 'me:read', 'infinity', NULL, '2026-01-03'), (2, 'us', 6, 'theirs', 'opk_44444444', 'me:read', NULL, NULL, '2026-01-01')`,
		// Twelve published courses, c12 the newest and shortest, and one that is not.
		`INSERT INTO courses (slug, category, level, minutes, is_published, validity_days, created_at)
			SELECT 'c' || i, CASE WHEN i % 3 = 0 THEN 'email' ELSE 'data' END, 'beginner', 10 + (13 - i) / 2, true, 365,
			'2026-01-01'::timestamptz + i * interval '1 h' FROM generate_series(1, 12) i`,
		`INSERT INTO courses (slug, category, minutes, created_at) VALUES ('draft', 'email', 99, '2026-02-01')`,
		`INSERT INTO course_translations (course_id, locale, title, description)
			SELECT i, 'en', 'Title ' || chr(123 - i), 'About ' || i FROM generate_series(1, 12) i`,
		`INSERT INTO course_translations (course_id, locale, title) VALUES (12, 'de', 'Öffnen'), (1, 'de', 'Anfang')`,
		`INSERT INTO lessons (course_id, position, kind, video_url) VALUES
			(1, 1, 'text', ''), (1, 3, 'video', 'https://example.com/v'), (1, 4, 'quiz', ''), (13, 1, 'text', '')`,
		`INSERT INTO lesson_translations (course_id, lesson_id, locale, title, body) VALUES
			(1, 1, 'en', 'One', 'First.'), (1, 1, 'de', 'Eins', 'Erstens.'), (1, 2, 'en', 'Two', ''), (1, 3, 'en', 'Quiz', '')`,
		`INSERT INTO quizzes (course_id, lesson_id, pass_percent, max_attempts) VALUES (1, 3, 70, 3)`,
		`INSERT INTO questions (course_id, quiz_id, position) VALUES (1, 1, 1), (1, 1, 2)`,
		// User 1 is in five courses: due dates for the even ones.
		`INSERT INTO enrollments (company_id, data_zone, user_id, course_id, status, score, due_at, lessons_done, completed_at, expires_at, created_at)
			SELECT 1, 'eu', 1, i, CASE i WHEN 1 THEN 'completed' ELSE 'assigned' END, CASE i WHEN 1 THEN 90 END,
			CASE WHEN i % 2 = 0 THEN '2026-06-01'::timestamptz - i * interval '1 day' END, CASE i WHEN 1 THEN 2 ELSE 0 END,
			CASE i WHEN 1 THEN '2026-03-01'::timestamptz END, CASE i WHEN 1 THEN '2027-03-01'::timestamptz END,
			'2026-02-01'::timestamptz + i * interval '1 h' FROM generate_series(1, 5) i`,
		`INSERT INTO enrollments (company_id, data_zone, user_id, course_id, score) VALUES (2, 'us', 5, 1, 50)`,
		`INSERT INTO lesson_progress (company_id, data_zone, user_id, enrollment_id, lesson_id, seconds) VALUES
			(1, 'eu', 1, 1, 2, 20), (1, 'eu', 1, 1, 1, 10)`,
	}
}

// load makes a real replica of a real Postgres that holds what the statements made.
func load(t testing.TB, statements ...string) *replica.Replica {
	t.Helper()
	path := filepath.Join(t.TempDir(), "replica.db")
	replicate(t, path, statements...)
	return open(t, path)
}

// replicate makes a replica's file and gives the database it is a copy of.
func replicate(t testing.TB, path string, statements ...string) (url string) {
	t.Helper()
	url = sqltest.Database(t)
	pgtest.Exec(t, url, statements...)
	loader, err := replica.Create(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer loader.Abort()
	parsed, err := neturl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	slot := source.SlotName(strings.TrimPrefix(parsed.Path, "/"))
	lsn, err := source.New(source.Config{URL: url, Publication: sql.Publication, Slot: slot}).Copy(t.Context(), loader.Begin, loader.Row)
	if err != nil {
		t.Fatal(err)
	}
	state := replica.State{Position: change.Position{Generation: 7, LSN: lsn}, Incarnation: 3}
	if err := loader.Finish(t.Context(), state); err != nil {
		t.Fatal(err)
	}
	return url
}

func open(t testing.TB, path string, bend ...func(*replica.Options)) *replica.Replica {
	t.Helper()
	local, err := sql.Objects()
	if err != nil {
		t.Fatal(err)
	}
	options := replica.Options{Path: path, Prepare: store.Prepare}
	for _, o := range local {
		options.Objects = append(options.Objects, replica.Object(o))
	}
	for _, b := range bend {
		b(&options)
	}
	r, err := replica.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// reader gives a store over the fixture, which fails the test when a read needs five queries.
func reader(t testing.TB) *store.Store {
	t.Helper()
	path := filepath.Join(shared.folder, "replica.db")
	shared.once.Do(func() { replicate(t, path, fixture()...) })
	s := store.New(open(t, path))
	s.Finished = func(queries int) {
		if queries > 4 {
			t.Errorf("a read made %d queries", queries)
		}
	}
	return s
}

// ask reads one thing.
func ask[T any](t *testing.T, s *store.Store, question func(context.Context, training.Queries) (T, error)) (answer T, err error) {
	t.Helper()
	_, err = s.Read(t.Context(), func(q training.Queries) error {
		answer, err = question(t.Context(), q)
		return err
	})
	return answer, err
}
