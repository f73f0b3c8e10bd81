package e2e

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"outpost/replicate/pgcluster/pgtest"
)

// TestAnyPostgresBecomesAFileAndStaysEqual follows a database that has nothing to do with Outpost
// through changes of every table and of the schema, and a kill, and compares twice each time: with
// `outpost verify`, and by reading everything.
func TestAnyPostgresBecomesAFileAndStaysEqual(t *testing.T) {
	length, seed := int64(60), uint64(time.Now().UnixNano())
	if os.Getenv("OUTPOST_TEST_LONG") != "" {
		length = 3000
	}
	t.Logf("seed %d", seed)
	shop := newShop(t)
	shop.start()
	eventually(t, "it follows", func() error { return logged(shop.log, "msg=following") })
	for _, left := range []string{"harbour.visitor", "harbour.tide", "hire.session", "hire.revenue", "hire.open_booking", `harbour.boat reason="columns area: generated`} {
		if err := logged(shop.log, `msg="left out" table=`+left); err != nil {
			t.Error(err)
		}
	}
	shop.verify("before the burst")
	tables := shop.compare("before the burst")
	if rows := sum(tables); len(tables) < 22 || rows < 30_000 {
		t.Fatalf("that were %d tables with %d rows", len(tables), rows)
	}

	b := startBurst(t, shop.url, changeStatements(t, "testdata/shop_changes.sql"), 3, seed)
	b.progress(length)
	before := b.committed.Load()
	shop.verify("during the burst")
	if b.committed.Load() == before {
		t.Error("nothing was written while it was verified")
	}
	b.still(func() { shop.compare("in the middle of the burst") })
	shop.kill()
	b.progress(length)
	shop.start()
	b.progress(length)

	for _, change := range []string{
		"ALTER TABLE hire.customer ADD COLUMN loyalty int NOT NULL DEFAULT 42, ADD COLUMN \"Since\" timestamptz DEFAULT '2020-02-02 02:02+02'",
		"ALTER TABLE hire.licence RENAME COLUMN scan TO \"Scan (colour)\"",
		"ALTER TABLE hire.review DROP COLUMN query",
		"ALTER TABLE \"Back Office\".price_history RENAME TO \"Price History\"; ALTER TABLE \"Back Office\".\"Price History\" RENAME TO price_history",
		"UPDATE hire.customer SET loyalty = 43 WHERE balance > '100'",
	} {
		shop.alter(change)
		b.progress(length / 10)
	}
	b.still(func() { shop.compare("after changes of the schema in place") })
	if n := shop.copies(); n != 1 {
		t.Errorf("it was copied %d times: neither a kill nor these changes cost a copy", n)
	}
	// It is published with the next copy.
	shop.alter("CREATE TABLE hire.waiting (boat bigint REFERENCES harbour.boat ON DELETE CASCADE, place int, who hire.email, PRIMARY KEY (boat, place)); INSERT INTO hire.waiting SELECT id, i, 'w' || i || '@example.com' FROM harbour.boat, generate_series(1, 3) i")
	for i, change := range []string{
		"ALTER TABLE harbour.service ALTER cost TYPE numeric(14,4), ALTER remark TYPE text",
		`LOCK TABLE hire.booking, hire.payment, hire.payment_cheque; DELETE FROM hire.payment_cheque c WHERE NOT EXISTS (SELECT FROM hire.booking b WHERE b.id = c.booking);
			ALTER TABLE hire.payment ATTACH PARTITION hire.payment_cheque FOR VALUES IN ('cheque')`,
	} {
		shop.alter(change)
		eventually(t, "a new generation begins", func() error {
			if n := shop.copies(); n != 2+i {
				return fmt.Errorf("it was copied %d times", n)
			}
			return nil
		})
		b.progress(length / 10)
	}
	shop.alter("UPDATE hire.waiting SET place = place + 10 WHERE place = 3; DELETE FROM hire.waiting WHERE place = 2")
	shop.verify("after changes of the schema, during the burst")
	b.covers(names(tables))
	b.finish()
	shop.compare("after the burst")
	shop.verify("after the burst")
	t.Logf("%d transactions were committed", b.committed.Load())
	shop.seesOneByte()
}

// shop is a boat hire's database and `outpost replicate` as a process.
type shop struct {
	*replication
	marks int
}

func newShop(t *testing.T) *shop {
	t.Helper()
	world, err := os.ReadFile("testdata/shop.sql")
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{replication: replicationOf(t, pgtest.Database(t))}
	pgtest.Exec(t, s.url, string(world))
	return s
}

// alter runs statements in one transaction, again where the burst was in their way.
func (s *shop) alter(statements string) {
	s.t.Helper()
	conn := pgtest.Connect(s.t, s.url)
	for {
		_, err := conn.Exec(s.t.Context(), statements)
		if refused := new(pgconn.PgError); errors.As(err, &refused) && refused.Code == "40P01" {
			continue
		}
		if err != nil {
			s.t.Fatalf("%s: %v", statements, err)
		}
		return
	}
}

// copies is how often everything was copied.
func (s *shop) copies() int { return strings.Count(s.log.String(), "msg=copied") }

// mark writes a row and waits until the file has it, and so all that was committed before.
func (s *shop) mark() {
	s.t.Helper()
	s.marks++
	pgtest.Exec(s.t, s.url, fmt.Sprintf("INSERT INTO notice VALUES (%d, 'lighthouse %d')", -s.marks, s.marks))
	eventually(s.t, "the file has caught up", func() (err error) {
		file, err := sql.Open("sqlite", "file:"+s.path+"?mode=ro&_pragma=busy_timeout(5000)")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		var n int
		return file.QueryRowContext(s.t.Context(), "SELECT 1 FROM notice WHERE id = ?", -s.marks).Scan(&n)
	})
}

// compare reads everything on both sides while nobody writes.
func (s *shop) compare(when string) map[string]int {
	s.t.Helper()
	began := time.Now()
	defer func() { s.t.Logf("comparing %s took %v", when, time.Since(began)) }()
	s.mark()
	rows, err := compareEverything(s.t.Context(), s.url, s.path)
	if err != nil {
		s.t.Fatalf("%s: %v", when, err)
	}
	return rows
}

// verify wants the command to find everything equal. What others change whenever it looks
// it leaves out, and says so.
func (s *shop) verify(when string) {
	s.t.Helper()
	began := time.Now()
	out, code := s.verified(s.path)
	s.t.Logf("verify %s took %v", when, time.Since(began))
	if code != 0 || !strings.Contains(out, "\nequal: ") {
		s.t.Fatalf("%s verify ended with %d: %s", when, code, out)
	}
}

func (s *shop) verified(path string, extra ...string) (string, int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, slices.Concat([]string{"verify", "--from", s.url, "--replica", path}, extra)...)
	out, err := cmd.CombinedOutput()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// seesOneByte ends the process and changes one byte in a copy of its file.
func (s *shop) seesOneByte() {
	s.t.Helper()
	s.mark()
	if code := s.terminate(); code != 0 {
		s.t.Errorf("it ended with %d", code)
	}
	whole, err := os.ReadFile(s.path)
	if err != nil {
		s.t.Fatal(err)
	}
	right, wrong := fmt.Sprintf("lighthouse %d", s.marks), fmt.Sprintf("lighthousf %d", s.marks)
	if n := bytes.Count(whole, []byte(right)); n != 1 {
		s.t.Fatalf("the file has %q %d times", right, n)
	}
	path := filepath.Join(s.t.TempDir(), "copy.db")
	for _, c := range []struct {
		content []byte
		code    int
		says    []string
	}{
		{whole, 0, []string{"public.notice: ", "\nequal: "}},
		{
			bytes.Replace(whole, []byte(right), []byte(wrong), 1), 1,
			[]string{"0 missing, 0 surplus, 1 different", fmt.Sprintf("id=%d: different: text is %q, in the replica %q", -s.marks, right, wrong), "\noutpost: 1 of "},
		},
	} {
		if err := os.WriteFile(path, c.content, 0o600); err != nil {
			s.t.Fatal(err)
		}
		out, code := s.verified(path, "--wait", "2s")
		if code != c.code {
			s.t.Errorf("of a copy verify ended with %d, want %d: %s", code, c.code, out)
		}
		for _, words := range c.says {
			if !strings.Contains(out, words) {
				s.t.Errorf("of a copy verify does not say %q: %s", words, out)
			}
		}
	}
}

func sum(tables map[string]int) (rows int) {
	for _, n := range tables {
		rows += n
	}
	return rows
}

func names(tables map[string]int) (all []string) {
	for name := range tables {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
