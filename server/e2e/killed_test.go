package e2e

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"outpost/replicate/pgcluster/pgtest"
)

// TestKilledNothingIsLost kills an edge, the primary and Postgres in the middle of
// writes. Afterwards every acknowledged write is there, once, on every replica.
func TestKilledNothingIsLost(t *testing.T) {
	w := newWorldAlone(t, []string{"fra", "iad", "syd"})
	regions := make(map[string]*process)
	for _, region := range w.regions {
		regions[region] = w.serve(region)
	}
	writers := w.startWriters(t, 4)

	kill := func(what string, region string) {
		t.Helper()
		writers.progress(t, 30)
		t.Logf("killing %s after %d acknowledged writes", what, writers.acknowledged.Load())
		p := regions[region]
		p.kill()
		p.start()
		p.ready()
	}
	kill("an edge", "syd")
	kill("the primary", "fra")
	writers.progress(t, 30)
	t.Logf("killing Postgres after %d acknowledged writes", writers.acknowledged.Load())
	if err := w.postgres.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := w.postgres.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	kill("an edge again", "iad")
	writers.progress(t, 30)
	writers.finish()

	for _, writer := range writers.all {
		for _, region := range w.regions {
			eventually(t, "the last acknowledged write is shown in "+region, func() error {
				var got enrollment
				a, err := writer.try(http.MethodGet, enrollmentURL(w.api(region), writer.enrollment), nil)
				if err != nil {
					return err
				}
				a.into(t, &got)
				if s := got.seconds(1); s != writer.last {
					return fmt.Errorf("%s shows %d, acknowledged was %d", region, s, writer.last)
				}
				return nil
			})
		}
	}
	for _, region := range w.regions {
		eventually(t, "the replica of "+region+" equals Postgres", func() error { return w.equal(t, region) })
	}
}

// writers write through all regions, again and again until each write is acknowledged.
type writers struct {
	all          []*writer
	acknowledged atomic.Int64
	stop         context.CancelFunc
	running      sync.WaitGroup
}

// firstNumber lies above whatever time the demo data has for a lesson: of two times
// the longer one is kept.
const firstNumber = 20_000

type writer struct {
	*client
	enrollment int64
	last       int // the number acknowledged last
}

func (w *world) startWriters(t *testing.T, n int) *writers {
	ctx, stop := context.WithCancel(context.Background())
	all := &writers{stop: stop}
	t.Cleanup(all.finish)
	for i := range n {
		region := w.regions[i%len(w.regions)]
		c := w.login(region, fmt.Sprintf("user%d@example.com", i+1))
		e, _ := c.enroll(w.api(region), "passwords-and-passkeys")
		each := &writer{client: c, enrollment: e.ID}
		all.all = append(all.all, each)
		all.running.Go(func() { each.run(ctx, w, all) })
	}
	return all
}

func (c *writer) run(ctx context.Context, w *world, all *writers) {
	for number := firstNumber; ctx.Err() == nil; number++ {
		for attempt := 0; ctx.Err() == nil; attempt++ {
			region := w.regions[(number-firstNumber+attempt)%len(w.regions)]
			a, err := c.try(http.MethodPut, progressURL(w.api(region), c.enrollment, 1), map[string]int{"seconds": number})
			if err == nil && a.status == http.StatusOK {
				c.last = number
				all.acknowledged.Add(1)
				break
			}
			if err == nil && a.status < 500 {
				c.t.Errorf("a write was refused: %d %s", a.status, a.body)
				return
			}
		}
	}
}

// progress waits for more writes to be acknowledged.
func (all *writers) progress(t *testing.T, n int64) {
	t.Helper()
	target := all.acknowledged.Load() + n
	eventually(t, "writes are acknowledged", func() error {
		if got := all.acknowledged.Load(); got < target {
			return fmt.Errorf("%d of %d", got, target)
		}
		return nil
	})
}

func (all *writers) finish() {
	all.stop()
	all.running.Wait()
}

// equal compares the numbers in every row of every published table that has a key of one: keys, versions,
// whom a row belongs to, scores.
func (w *world) equal(t *testing.T, region string) (err error) {
	pg := pgtest.Connect(t, w.url)
	replica, err := sql.Open("sqlite", "file:"+w.replicaFile(region)+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, replica.Close()) }()
	const numbers = `SELECT format('SELECT concat_ws('' '', %s) FROM %s ORDER BY id', string_agg(c.column_name, ', ' ORDER BY ordinal_position), tablename)
		FROM pg_publication_tables p JOIN information_schema.columns c ON c.table_name = tablename AND c.column_name = ANY (attnames)
		WHERE pubname = 'outpost' AND data_type IN ('bigint', 'integer') GROUP BY tablename HAVING bool_or(c.column_name = 'id')`
	found, err := pg.Query(t.Context(), numbers)
	if err != nil {
		return err
	}
	queries, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		return err
	}
	if len(queries) < 25 {
		return fmt.Errorf("only %d tables can be compared", len(queries))
	}
	for _, query := range queries {
		rows, err := pg.Query(t.Context(), query)
		if err != nil {
			return err
		}
		want, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		got, err := lines(t.Context(), replica, query)
		if err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
		if !slices.Equal(want, got) {
			return fmt.Errorf("%s: Postgres has %d rows, the replica %d, or numbers differ", query, len(want), len(got))
		}
	}
	return nil
}

func (w *world) replicaFile(region string) string {
	return filepath.Join(w.env[region]["OUTPOST_DATA"], "replica", "replica.db")
}

func lines(ctx context.Context, db *sql.DB, query string) (all []string, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return nil, err
		}
		all = append(all, line)
	}
	return all, rows.Err()
}
