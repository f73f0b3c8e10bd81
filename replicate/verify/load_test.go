package verify

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/replica"
)

// TestNoDifferenceIsReportedUnderLoad compares while every table is written to: rows that
// come and go, rows that change for ever, keys that move, equal rows without a key.
func TestNoDifferenceIsReportedUnderLoad(t *testing.T) {
	f := follow(
		t,
		`CREATE TABLE counted (id bigint PRIMARY KEY, n bigint, filler text)`,
		`INSERT INTO counted SELECT i, 0, repeat('x', 100) FROM generate_series(1, 3000) i`,
		`CREATE TABLE moved (name text COLLATE "de-x-icu", place int, PRIMARY KEY (name, place))`,
		`INSERT INTO moved SELECT 'Ö' || i, 0 FROM generate_series(1, 500) i`,
		`CREATE TABLE flicker (id int PRIMARY KEY)`,
		`CREATE TABLE states (id int PRIMARY KEY, state text)`,
		`INSERT INTO states SELECT i, 'live' FROM generate_series(1, 500) i`,
		`CREATE TABLE events (kind int, what text)`,
		`ALTER TABLE events REPLICA IDENTITY FULL`,
		`INSERT INTO events SELECT i % 10, 'event' FROM generate_series(1, 3000) i`,
		`CREATE PUBLICATION outpost FOR TABLE counted, moved, flicker, states WHERE (id > 0), events`,
		`ALTER TABLE states REPLICA IDENTITY FULL`,
	)
	writers := []func(r *rand.Rand) string{
		func(r *rand.Rand) string {
			return fmt.Sprintf("UPDATE counted SET n = n + 1 WHERE id IN (1, %d)", r.IntN(3000))
		},
		func(r *rand.Rand) string {
			return fmt.Sprintf("DELETE FROM counted WHERE id = %d; INSERT INTO counted SELECT max(id) + 1, 0, 'new' FROM counted", r.IntN(3000))
		},
		func(r *rand.Rand) string {
			return fmt.Sprintf("UPDATE moved SET place = place + 1 WHERE name = 'Ö%d'", r.IntN(500))
		},
		func(r *rand.Rand) string {
			return fmt.Sprintf("INSERT INTO flicker VALUES (%[1]d) ON CONFLICT DO NOTHING; DELETE FROM flicker WHERE id = %[1]d", r.IntN(3))
		},
		func(r *rand.Rand) string {
			return fmt.Sprintf("UPDATE states SET state = 'draft' WHERE id = %[1]d; UPDATE states SET state = 'live' WHERE id = %[1]d", r.IntN(500))
		},
		func(r *rand.Rand) string { return fmt.Sprintf("INSERT INTO events VALUES (%d, 'event')", r.IntN(10)) },
	}
	passes := 5
	if os.Getenv("OUTPOST_TEST_LONG") != "" {
		passes = 60
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var running sync.WaitGroup
	var written atomic.Int64
	for i, next := range writers {
		running.Go(func() {
			conn, err := pgx.Connect(t.Context(), f.url)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close(context.WithoutCancel(ctx))
			// As fast as it goes, six writers would only show how far a replica can lag.
			pace := time.NewTicker(3 * time.Millisecond)
			defer pace.Stop()
			for r := rand.New(rand.NewPCG(1, uint64(i))); ctx.Err() == nil; written.Add(1) {
				<-pace.C
				for statement := range strings.SplitSeq(next(r), "; ") {
					if _, err := conn.Exec(t.Context(), statement); err != nil {
						t.Errorf("%s: %v", statement, err)
						return
					}
				}
			}
		})
	}
	reader, err := replica.OpenReader(t.Context(), f.path)
	must(t, err)
	defer func() { must(t, reader.Close()) }()
	for pass := range passes {
		r := f.verify(func(o *Options) {
			if pass%2 == 0 {
				o.Replica = reader
			}
		})
		if r.Differences() > 0 || r.Behind != nil {
			t.Errorf("pass %d found %s, behind: %v", pass, strings.Join(lines(r), "\n"), r.Behind)
		}
		t.Logf("pass %d took %v beside %d writes; not settled: %d", pass, r.Ended.Sub(r.Began).Round(time.Millisecond), written.Swap(0), r.Unsettled())
	}
	stop()
	running.Wait()
	expectEqual(t, f.verify())
	// And what is wrong is found beside the same kind of load.
	plant(t, f.path, "UPDATE states SET state = 'wrong' WHERE id = 77", "INSERT INTO flicker VALUES (99)")
	if got := lines(f.verify()); len(got) != 2 {
		t.Errorf("found %s", strings.Join(got, "\n"))
	}
}
