package primary_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/primary"
	"outpost/server/training"
	"outpost/sql"
)

func weakHash(password string) string {
	b64 := base64.RawStdEncoding
	salt := []byte("saltsaltsaltsalt")
	return fmt.Sprintf("$argon2id$v=19$m=8,t=1,p=1$%s$%s", b64.EncodeToString(salt), b64.EncodeToString(argon2.IDKey([]byte(password), salt, 1, 8, 1, 32)))
}

func TestAConnectionThatDiedIsNotUsed(t *testing.T) {
	p, url := open(t)
	for range 20 {
		pgtest.Exec(t, url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'outpost'`)
		if _, err := p.WALInsert(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFullPoolIsUnavailable(t *testing.T) {
	p, url := open(t, func(c *primary.Config) { c.MaxConns, c.AcquireTimeout = 1, 50*time.Millisecond })
	conn := pgtest.Connect(t, url)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `LOCK TABLE sessions`); err != nil {
		t.Fatal(err)
	}
	stuck := make(chan error, 1)
	go func() {
		_, err := p.Logout(t.Context(), training.Principal{UserID: 1, SessionID: 1})
		stuck <- err
	}()
	waiting := func() bool {
		return value[int64](t, url, `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'outpost' AND wait_event_type = 'Lock'`) == 1
	}
	for deadline := time.Now().Add(10 * time.Second); !waiting(); {
		if time.Now().After(deadline) {
			t.Fatal("the write does not wait for the lock")
		}
	}
	_, err = p.WALInsert(t.Context())
	var e *training.Error
	if !errors.As(err, &e) || e.Code != training.Unavailable || e.RetryAfter == 0 {
		t.Errorf("with all connections in use: %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-stuck; err != nil {
		t.Errorf("the write that waited: %v", err)
	}
}

func TestAPostgresThatIsAwayIsUnavailableUntilItIsBack(t *testing.T) {
	cluster := pgtest.Cluster(t)
	if err := sql.Migrate(t.Context(), cluster.URL("postgres"), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	p, err := primary.Open(t.Context(), primary.Config{URL: cluster.URL("postgres"), MaxConns: 4, AcquireTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := cluster.Kill(); err != nil {
		t.Fatal(err)
	}
	who := training.Principal{UserID: 1, CompanyID: 1, SessionID: 1}
	if _, err := p.Logout(t.Context(), who); training.CodeOf(err) != training.Unavailable {
		t.Errorf("without Postgres: %v", err)
	}
	if _, _, err := p.Login(t.Context(), training.LoginRequest{Login: "a", Password: "b"}); training.CodeOf(err) != training.Unavailable {
		t.Errorf("a login without Postgres: %v", err)
	}
	if err := cluster.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Logout(t.Context(), who); err != nil {
		t.Errorf("when Postgres is back: %v", err)
	}
}

func TestOpenSaysWhatIsWrongWithoutTheSecret(t *testing.T) {
	url := pgtest.Database(t)
	for _, wrong := range []string{"postgres://u:hunter2@127.0.0.1:1/x", "postgres://u:hunter2@[::bad/x", strings.Replace(url, "@", "hunter2@", 1)} {
		_, err := primary.Open(t.Context(), primary.Config{URL: wrong})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	}
}

func TestRunRecordsTheLastLoginsWhenItEnds(t *testing.T) {
	p, url := open(t)
	login(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if n := value[int64](t, url, `SELECT count(*) FROM user_activity`); n != 1 {
		t.Errorf("%d recorded", n)
	}
}

func TestSweepRemovesWhatHasServedItsTime(t *testing.T) {
	p, url := open(t)
	login(t, p)
	pgtest.Exec(
		t, url,
		`INSERT INTO sessions (company_id, data_zone, user_id, expires_at) SELECT 1, 'eu', 1, now() - interval '2 d' FROM generate_series(1, 2500)`,
		`INSERT INTO login_failures (login_hash, reason, created_at) SELECT '', 'unknown', now() - i * interval '1 d' FROM generate_series(0, 99) i`,
		`INSERT INTO idempotency_keys (user_id, operation, key, request_hash, outcome, expires_at) VALUES
			(1, 'enroll', 'old', '', '{}', now() - interval '1 s'), (1, 'enroll', 'new', '', '{}', now() + interval '1 h')`,
		`INSERT INTO login_sources (user_id, source, seen_at) SELECT 1, i::text, now() - i * interval '1 d' FROM generate_series(0, 99) i`,
	)
	if err := p.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for table, want := range map[string]int64{"sessions": 1, "refresh_tokens": 1, "login_failures": 90, "idempotency_keys": 1, "login_sources": 90} {
		if n := value[int64](t, url, `SELECT count(*) FROM `+table); n != want {
			t.Errorf("%d rows are left in %s, want %d", n, table, want)
		}
	}
}
