package seed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/sql/sqltest"
)

// loading gives a loader on a transaction, and a connection besides.
func loading(t *testing.T, flushAt int) (*loader, *pgx.Conn) {
	t.Helper()
	url := sqltest.Database(t)
	tx, err := pgtest.Connect(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return newLoader(tx, flushAt), pgtest.Connect(t, url)
}

func addFramework(l *loader) {
	id := l.next("frameworks")
	l.add("frameworks", id, fmt.Sprintf("code%d", id), "name")
}

func TestABatchIsGatheredWhileTheOneBeforeIsCopied(t *testing.T) {
	const flushAt = 100
	l, other := loading(t, flushAt)
	lock, err := other.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Exec(t.Context(), "LOCK TABLE frameworks IN SHARE MODE"); err != nil {
		t.Fatal(err)
	}
	err = l.load(t.Context(), func(ctx context.Context) error {
		for range 2 * flushAt { // of which the first half waits for the lock
			if err := l.flushWhenFull(ctx); err != nil {
				return err
			}
			addFramework(l)
		}
		if err := lock.Rollback(ctx); err != nil {
			return err
		}
		return l.flush(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	one(t, l.tx.Conn(), int64(2*flushAt), "SELECT count(*) FROM frameworks")
}

func TestTheLoaderHoldsNoMoreThanTwoBatches(t *testing.T) {
	const flushAt = 100
	l, _ := loading(t, flushAt)
	var mu sync.Mutex
	copied, most := 0, 0
	l.copied = func(_ string, rows int) {
		mu.Lock()
		defer mu.Unlock()
		copied += rows
	}
	err := l.load(t.Context(), func(ctx context.Context) error {
		for i := range 30 * flushAt {
			addFramework(l)
			mu.Lock()
			most = max(most, i+1-copied)
			mu.Unlock()
			if err := l.flushWhenFull(ctx); err != nil {
				return err
			}
		}
		return l.flush(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	if most > 2*flushAt || copied != 30*flushAt {
		t.Errorf("of %d rows up to %d were held, want at most %d", copied, most, 2*flushAt)
	}
}

func TestAFailingCopyEndsTheGathering(t *testing.T) {
	l, _ := loading(t, 10)
	err := l.load(t.Context(), func(ctx context.Context) error {
		for {
			l.add("frameworks", 1, "the same", "again and again")
			if err := l.flushWhenFull(ctx); err != nil {
				return err
			}
		}
	})
	if err == nil || !strings.Contains(err.Error(), "frameworks") {
		t.Errorf("error %v, want one that names the table", err)
	}
}

// TestRunLeavesNothingWhenATableFails: neither in the middle of the rows nor at the end of them.
func TestRunLeavesNothingWhenATableFails(t *testing.T) {
	for _, tt := range []struct{ prepare, want string }{
		{"ALTER TABLE lesson_progress ADD CHECK (enrollment_id < 500)", "copying into lesson_progress"},
		{"CREATE UNIQUE INDEX once ON lesson_progress (lesson_id)", "making the index once again"},
		{"ALTER TABLE sessions ADD CONSTRAINT own FOREIGN KEY (id) REFERENCES lessons", "making the constraint own of sessions again"},
	} {
		url := sqltest.Database(t)
		pgtest.Exec(t, url, tt.prepare)
		conn := pgtest.Connect(t, url)
		before := catalogueOf(t, conn)
		err := Run(t.Context(), url, Options{Size: Small, Courses: 1, PasswordHash: testHash, Now: today(), flushAt: 700, postpone: true})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.prepare, err, tt.want)
		}
		one(t, conn, int64(0), "SELECT (SELECT count(*) FROM companies) + (SELECT count(*) FROM courses)")
		if after := catalogueOf(t, conn); after != before {
			t.Errorf("%s: the catalogue is\n%s\nbefore\n%s", tt.prepare, after, before)
		}
	}
}

func TestRunTellsHowFarItIs(t *testing.T) {
	url := sqltest.Database(t)
	lines, err := runTold(t.Context(), t, url, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`msg="demo data" doing="copying rows" users=\d+ of=1000 rows=\d+ rows_per_second=\d+`,
		`msg="demo data" doing="making the index \w+" table=\w+`,
		`msg="demo data" doing="making the constraint \w+" table=\w+`,
	} {
		if !regexp.MustCompile(want).MatchString(lines) {
			t.Errorf("no line with %s", want)
		}
	}
	lines = strings.TrimSpace(lines)
	last := lines[strings.LastIndexByte(lines, '\n')+1:]
	for _, want := range []string{`msg="demo data is in" size=small seed=7 users=1000 rows=`, "took_ms="} {
		if !strings.Contains(last, want) {
			t.Errorf("the last line is %q, want one with %q", last, want)
		}
	}
}

func TestRunEndsWhenItIsCancelled(t *testing.T) {
	url := sqltest.Database(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := runTold(ctx, t, url, func(line string) {
		if strings.Contains(line, "copying rows") && !strings.Contains(line, "rows=0 ") {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	one(t, pgtest.Connect(t, url), int64(0), "SELECT (SELECT count(*) FROM companies) + (SELECT count(*) FROM courses)")
}

// runTold makes a demo whose progress is told every millisecond, and gives the lines. Each is also
// given to told.
func runTold(ctx context.Context, t *testing.T, url string, told func(line string)) (string, error) {
	t.Helper()
	var lines strings.Builder
	err := Run(ctx, url, Options{
		Size: Small, Seed: 7, Courses: 1, PasswordHash: testHash, Now: today(), flushAt: 700, postpone: true, every: time.Millisecond,
		Log: slog.New(slog.NewTextHandler(writer(func(line []byte) {
			lines.Write(line)
			told(string(line))
		}), nil)),
	})
	return lines.String(), err
}

type writer func([]byte)

func (w writer) Write(b []byte) (int, error) {
	w(b)
	return len(b), nil
}
