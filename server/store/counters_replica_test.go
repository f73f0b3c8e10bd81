package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"testing"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/replica"
	"outpost/replicate/replicatest"
	"outpost/server/store"
	"outpost/sql"
	"outpost/sql/sqltest"
)

// TestCountersFollowPostgres makes random transactions in a real Postgres, follows them with a real
// replica, and holds what is counted and derived there against Postgres' own full count: after each
// few transactions, and after each resync, when all of it is made anew of a fresh copy.
func TestCountersFollowPostgres(t *testing.T) {
	rounds := 15
	if os.Getenv("OUTPOST_TEST_LONG") != "" {
		rounds = 600
	}
	url := sqltest.Database(t)
	pgtest.Exec(
		t, url,
		`INSERT INTO companies (name, slug, country, data_zone) SELECT 'C' || i, 'c' || i, 'DE', 'z' || i FROM generate_series(1, 4) i`,
		`INSERT INTO courses (slug, category, minutes) SELECT 'k' || i, 'email', 5 FROM generate_series(1, 3) i`,
		`INSERT INTO phishing_campaigns (company_id, data_zone, name, started_at) SELECT id, data_zone, 'P', now() FROM companies`,
	)
	conn := pgtest.Connect(t, url)
	seed := rand.Uint64()
	t.Logf("the seed is %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	for generation := range 3 {
		t.Run(fmt.Sprintf("generation %d", generation), func(t *testing.T) {
			var f *replicatest.Follower
			t.Cleanup(func() { // after Follow's own
				if err := f.Source.DropSlot(context.Background()); err != nil {
					t.Error(err)
				}
			})
			f = replicatest.Follow(t, url, sql.Publication, withObjects(t))
			countersEqual(t, conn, f.Replica)
			for range rounds {
				for range 1 + random.IntN(4) {
					transaction(t, conn, random)
				}
				f.CatchUp(t)
				countersEqual(t, conn, f.Replica)
			}
		})
		// What happens while nobody follows is in the next copy.
		transaction(t, conn, random)
	}
}

// withObjects opens a replica as a node does.
func withObjects(t *testing.T) func(*replica.Options) {
	t.Helper()
	local, err := sql.Objects()
	if err != nil {
		t.Fatal(err)
	}
	return func(o *replica.Options) {
		o.Prepare = store.Prepare
		for _, l := range local {
			o.Objects = append(o.Objects, replica.Object(l))
		}
	}
}

// transaction changes a few things at random in one transaction, which now and then is undone.
func transaction(t *testing.T, conn *pgx.Conn, random *rand.Rand) {
	t.Helper()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 1 + random.IntN(6) {
		statement := statementOf(random)
		if _, err := tx.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	end := tx.Commit
	if random.IntN(8) == 0 {
		end = tx.Rollback
	}
	if err := end(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// statementOf is a statement that always succeeds, on some of a few dozen people.
func statementOf(random *rand.Rand) string {
	company, low := 1+random.IntN(4), random.IntN(40)
	some := fmt.Sprintf("id %% 40 BETWEEN %d AND %d", low, low+random.IntN(8))
	status := []string{"assigned", "in_progress", "completed", "expired"}[random.IntN(4)]
	const sometimes = 40
	switch random.IntN(sometimes) {
	case 0:
		return `TRUNCATE enrollments CASCADE`
	case 1:
		return `TRUNCATE user_activity`
	case 2:
		return `TRUNCATE users CASCADE`
	case 3: // a company's zone takes its people and their rows along
		return fmt.Sprintf(`UPDATE companies SET data_zone = 'z%d' WHERE id = %d`, random.IntN(9), company)
	case 5, 6: // the catalogue: one of the courses that somebody is in, or one more
		return fmt.Sprintf(`INSERT INTO courses (slug, category, minutes) VALUES ('k%d', 'data', 5)
			ON CONFLICT (slug) DO UPDATE SET is_published = NOT courses.is_published, default_locale = CASE courses.default_locale WHEN 'en' THEN 'de' ELSE 'en' END`,
			1+random.IntN(9))
	case 7, 8:
		return fmt.Sprintf(`INSERT INTO course_translations (course_id, locale, title) SELECT max(id), '%s', 'Title' FROM courses
			ON CONFLICT (course_id, locale) DO UPDATE SET title = course_translations.title || ' x'`, []string{"de", "en", "fr"}[random.IntN(3)])
	case 9, 10:
		return `INSERT INTO lessons (course_id, position, kind) SELECT course_id, max(position) + 1, 'text' FROM lessons GROUP BY course_id
			UNION ALL SELECT max(id), 1, 'text' FROM courses WHERE id NOT IN (SELECT course_id FROM lessons) HAVING max(id) IS NOT NULL`
	case 11:
		return `DELETE FROM lessons WHERE position = 2`
	case 12:
		return fmt.Sprintf(`DELETE FROM course_translations WHERE locale = '%s'`, []string{"de", "en"}[random.IntN(2)])
	case 13:
		return `DELETE FROM courses WHERE id = (SELECT max(id) FROM courses WHERE id > 3)`
	case 4: // a key that changes
		return `UPDATE users SET id = nextval(pg_get_serial_sequence('users', 'id')) WHERE id = (SELECT min(id) FROM users)`
	}
	kind := []string{"sent", "opened", "clicked", "submitted", "reported"}[random.IntN(5)]
	switch random.IntN(10) {
	case 0, 1: // in bulk
		return fmt.Sprintf(`INSERT INTO users (company_id, data_zone, email, full_name, is_active)
			SELECT c.id, c.data_zone, gen_random_uuid() || '@example.com', 'Ärnst ' || i, i %% 3 > 0 FROM companies c, generate_series(1, %d) i WHERE c.id = %d`,
			1+random.IntN(30), company)
	case 2: // a move between companies takes enrollments and activity along
		return fmt.Sprintf(`UPDATE users u SET company_id = c.id, data_zone = c.data_zone FROM companies c WHERE c.id = %d AND u.%s`, company, some)
	case 3:
		return fmt.Sprintf(`UPDATE users SET is_active = NOT is_active, full_name = full_name || ' x', email = 'n' || email WHERE length(email) < 200 AND %s`, some)
	case 4:
		return `DELETE FROM users WHERE ` + some
	case 5:
		return fmt.Sprintf(`INSERT INTO enrollments (company_id, data_zone, user_id, course_id, status, completed_at)
			SELECT company_id, data_zone, id, 1 + id %% 3, '%s', now() FROM users WHERE %s
			ON CONFLICT (user_id, course_id, cycle) DO UPDATE SET status = excluded.status, completed_at = now()`, status, some)
	case 6:
		return `DELETE FROM enrollments WHERE user_` + some
	case 7: // the campaign is not always the company's: people move
		return fmt.Sprintf(`INSERT INTO phishing_events (company_id, data_zone, user_id, campaign_id, kind)
			SELECT company_id, data_zone, id, %d, '%s' FROM users WHERE %s
			ON CONFLICT (campaign_id, user_id, kind) DO UPDATE SET occurred_at = clock_timestamp()`, company, kind, some)
	case 8:
		return fmt.Sprintf(`DELETE FROM phishing_events WHERE kind = '%s' AND user_%s`, kind, some)
	}
	return fmt.Sprintf(`INSERT INTO user_activity (user_id, company_id, data_zone, last_login_at)
		SELECT id, company_id, data_zone, CASE WHEN id %% 5 > 0 THEN now() END FROM users WHERE %s
		ON CONFLICT (user_id) DO UPDATE SET last_login_at = clock_timestamp()`, some)
}

// countersEqual compares what the replica keeps beside the tables with Postgres.
func countersEqual(t *testing.T, conn *pgx.Conn, r *replica.Replica) {
	t.Helper()
	for _, c := range []struct{ what, have, want string }{
		{"company_stats", counted, `
			SELECT company_id, sum(users), sum(active), sum(a), sum(p), sum(c), sum(x) FROM (
				SELECT company_id, 1 AS users, is_active::int AS active, 0 AS a, 0 AS p, 0 AS c, 0 AS x FROM users
				UNION ALL
				SELECT company_id, 0, 0, (status = 'assigned')::int, (status = 'in_progress')::int, (status = 'completed')::int, (status = 'expired')::int
				FROM enrollments) rows
			GROUP BY company_id ORDER BY company_id`},
		{"phishing_stats", countedCampaigns, `
			SELECT campaign_id, count(DISTINCT user_id), count(*) FILTER (WHERE kind = 'opened'), count(*) FILTER (WHERE kind = 'clicked'),
				count(*) FILTER (WHERE kind = 'submitted'), count(*) FILTER (WHERE kind = 'reported')
			FROM phishing_events GROUP BY campaign_id ORDER BY campaign_id`},
		{"catalogue", wrongInCatalogue, `SELECT 0`},
		{"user_totals", `SELECT users, active_users FROM user_totals`, `SELECT count(*), count(*) FILTER (WHERE is_active) FROM users`},
		{
			"user_logins", `SELECT user_id, company_id, last_login_at <> '' FROM user_logins ORDER BY user_id`,
			`SELECT u.id, u.company_id, (a.last_login_at IS NOT NULL)::int FROM users u LEFT JOIN user_activity a ON a.user_id = u.id ORDER BY u.id`,
		},
		{
			"users_search", `SELECT rowid, 1 FROM users_search WHERE users_search MATCH 'platform : "arnst"*' ORDER BY rowid`,
			`SELECT id, 1 FROM users ORDER BY id`,
		},
		{
			"users_search of company 2", `SELECT rowid FROM users_search WHERE users_search MATCH 'company : "c2xarnst"*' ORDER BY rowid`,
			`SELECT id FROM users WHERE company_id = 2 ORDER BY id`,
		},
	} {
		var have [][]int64
		err := r.Read(t.Context(), func(v replica.View) error {
			have = integers(t, v.Tx, c.have)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := conn.Query(t.Context(), c.want)
		if err != nil {
			t.Fatal(err)
		}
		want, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]int64, error) {
			values := make([]int64, len(row.FieldDescriptions()))
			places := make([]any, len(values))
			for i := range values {
				places[i] = &values[i]
			}
			return values, row.Scan(places...)
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(have)+len(want) > 0 && !reflect.DeepEqual(have, want) {
			t.Fatalf("%s: the replica has %v, Postgres %v", c.what, have, want)
		}
	}
}

// wrongInCatalogue counts where the table differs from what it would be if it were made now.
const wrongInCatalogue = `SELECT count(*) FROM (
	SELECT * FROM (SELECT * FROM catalogue EXCEPT SELECT * FROM catalogue_rows)
	UNION ALL SELECT * FROM (SELECT * FROM catalogue_rows EXCEPT SELECT * FROM catalogue))`
