package primary

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
	"outpost/sql/sqltest"
)

// operator gives a primary over an empty database with an administrator, user 1 of company 1.
func operator(t *testing.T) (*Primary, string, training.Principal) {
	t.Helper()
	url := sqltest.Database(t)
	pgtest.Exec(
		t, url, `INSERT INTO companies (name, slug, country) VALUES ('One', 'one', 'DE')`,
		`INSERT INTO users (company_id, data_zone, email, full_name, role) VALUES (1, 'global', 'a@example.com', 'A', 'admin')`,
	)
	p, err := Open(t.Context(), Config{URL: url, MaxConns: 8, MinConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, url, training.Principal{UserID: 1, CompanyID: 1, Role: training.Admin}
}

// rename is a write: it gives the user's name as it was asked for.
func rename(t *testing.T, p *Primary, o operation, key string, runs *atomic.Int32) (string, error) {
	ctx := training.WithCaller(t.Context(), training.Caller{IP: "192.0.2.7", IdempotencyKey: key})
	out, _, err := operate(ctx, p, o, func(q *pgsql.Queries, _ time.Time) (string, error) {
		runs.Add(1)
		name, _ := o.request.(string)
		_, err := q.RevokeSession(ctx, pgsql.RevokeSessionParams{})
		return name, err
	})
	return out, err
}

func TestAKeyRunsAnOperationOnce(t *testing.T) {
	p, url, admin := operator(t)
	var runs atomic.Int32
	o := operation{"rename", admin, "Ä"}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if out, err := rename(t, p, o, "k", &runs); err != nil || out != "Ä" {
				t.Errorf("%q, %v", out, err)
			}
		})
	}
	group.Wait()
	before := runs.Load()
	if out, err := rename(t, p, o, "k", &runs); err != nil || out != "Ä" || runs.Load() != before {
		t.Errorf("again: %q, %v, run %d times before and %d after", out, err, before, runs.Load())
	}
	if _, err := rename(t, p, operation{"rename", admin, "B"}, "k", &runs); training.CodeOf(err) != training.Invalid {
		t.Errorf("another request under the key: %v", err)
	}
	if out, err := rename(t, p, operation{"other", admin, "B"}, "k", &runs); err != nil || out != "B" {
		t.Errorf("another operation under the key: %q, %v", out, err)
	}
	if out, err := rename(t, p, operation{"rename", admin, "B"}, "", &runs); err != nil || out != "B" {
		t.Errorf("without a key: %q, %v", out, err)
	}
	pgtest.Exec(t, url, `UPDATE idempotency_keys SET expires_at = now()`)
	if out, err := rename(t, p, operation{"rename", admin, "B"}, "k", &runs); err != nil || out != "B" {
		t.Errorf("under a key that has expired: %q, %v", out, err)
	}
}

// TestATwinIsNoConflict: of two equal requests at once the second waits for the first, finds its
// own work done, and must not take that for somebody else's.
func TestATwinIsNoConflict(t *testing.T) {
	p, url, admin := operator(t)
	ctx := training.WithCaller(t.Context(), training.Caller{IdempotencyKey: "k"})
	tries := 0
	out, _, err := operate(ctx, p, operation{"create", admin, 1}, func(*pgsql.Queries, time.Time) (int, error) {
		if tries++; tries == 1 {
			pgtest.Exec(t, url, `INSERT INTO idempotency_keys (user_id, operation, key, request_hash, outcome, expires_at)
				VALUES (1, 'create', 'k', sha256('1'), '7', now() + interval '1 day')`)
		}
		return 0, training.Errorf(training.Conflict, "It is there already.")
	})
	if err != nil || out != 7 || tries != 1 {
		t.Errorf("%d, %v after %d tries", out, err, tries)
	}
	if _, _, err = operate(training.WithCaller(ctx, training.Caller{IdempotencyKey: "l"}), p, operation{"create", admin, 1}, func(*pgsql.Queries, time.Time) (int, error) {
		return 0, training.Errorf(training.Conflict, "It is there already.")
	}); training.CodeOf(err) != training.Conflict {
		t.Errorf("what really stands in the way: %v", err)
	}
}

func TestAnOperationNeedsTheAccountAsItWas(t *testing.T) {
	p, url, admin := operator(t)
	var runs atomic.Int32
	for name, change := range map[string]string{
		"a lesser role":   `UPDATE users SET role = 'manager'`,
		"not active":      `UPDATE users SET role = 'admin', is_active = false`,
		"another company": `UPDATE users SET is_active = true, company_id = 2`,
	} {
		t.Run(name, func(t *testing.T) {
			pgtest.Exec(
				t, url, `INSERT INTO companies (id, name, slug, country) VALUES (2, 'Two', 'two', 'DE') ON CONFLICT DO NOTHING`,
				`UPDATE users SET role = 'admin', is_active = true, company_id = 1`, change,
			)
			if _, err := rename(t, p, operation{"rename", admin, "x"}, "", &runs); training.CodeOf(err) != training.Unauthorized {
				t.Errorf("%v", err)
			}
		})
	}
	if runs.Load() != 0 {
		t.Errorf("it ran %d times", runs.Load())
	}
}

func TestWhatFailsIsNotRemembered(t *testing.T) {
	p, _, admin := operator(t)
	ctx := training.WithCaller(t.Context(), training.Caller{IdempotencyKey: "k"})
	broken := errors.New("broken")
	fail := broken
	for range 2 {
		out, _, err := operate(ctx, p, operation{"create", admin, 1}, func(*pgsql.Queries, time.Time) (int, error) { return 5, fail })
		if !errors.Is(err, fail) || fail == nil && out != 5 {
			t.Errorf("%d, %v", out, err)
		}
		fail = nil
	}
}

// TestTheAuditLogKnowsWho: the triggers find in the transaction who acts, and show neither
// secrets nor bookkeeping.
func TestTheAuditLogKnowsWho(t *testing.T) {
	p, url, admin := operator(t)
	change := func(name, statement string) {
		t.Helper()
		err := p.with(t.Context(), name, func(conn *pgxpool.Conn) error {
			return pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
				_, err := pgsql.New(tx).BeginOperation(t.Context(), pgsql.BeginOperationParams{
					ActorID: admin.UserID, CompanyID: admin.CompanyID, Ip: "192.0.2.7", Operation: name,
				})
				if err == nil {
					_, err = tx.Exec(t.Context(), statement)
				}
				return err
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	change("createUser", `INSERT INTO users (company_id, data_zone, email, full_name) VALUES (1, 'global', 'b@example.com', 'B')`)
	change("setPassword", `INSERT INTO user_credentials VALUES (2, 'secret')`)
	change("updateUser", `UPDATE users SET department = 'IT' WHERE id = 2`)
	change("nothing", `UPDATE users SET department = 'IT', version = version WHERE id = 2`)
	change("setPassword", `UPDATE user_credentials SET password_hash = 'other'`)
	change("deleteUser", `DELETE FROM users WHERE id = 2`)
	conn := pgtest.Connect(t, url)
	rows, err := conn.Query(t.Context(), `SELECT action || ' ' || subject || ' ' || subject_id || ' ' || details::text FROM audit_log
		WHERE actor_id = 1 AND ip = '192.0.2.7' AND (subject = 'user_credentials' OR company_id = 1) ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	user := `"role": "learner", "email": "b@example.com", "locale": "", "job_risk": "medium", "full_name": "B", "is_active": true, "department": `
	want := []string{
		`createUser users 2 {"insert": {` + user + `""}}`,
		`setPassword user_credentials 2 {"insert": {"user_id": 2}}`,
		`updateUser users 2 {"update": {"department": ["", "IT"]}}`,
		`setPassword user_credentials 2 {"update": null}`,
		`deleteUser user_credentials 2 {"delete": {"user_id": 2}}`,
		`deleteUser users 2 {"delete": {` + user + `"IT"}}`,
	}
	for _, w := range want {
		found := false
		for _, g := range got {
			found = found || g == w
		}
		if !found {
			t.Errorf("missing: %s", w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d entries instead of %d: %q", len(got), len(want), got)
	}
}
