package direct

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/replica"
	"outpost/replicate/replicatest/logbuffer"
	"outpost/replicate/source"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

const patience = time.Minute // for what should take far less

// fixture is a database with a few tables, and a file to replicate into.
type fixture struct {
	t      *testing.T
	url    string
	slot   string
	path   string
	pg     *pgx.Conn
	logged *logbuffer.Buffer
	alter  []func(*Options)

	running *Replicator
	stop    func()
}

var schema = []string{
	"CREATE SCHEMA shop",
	"CREATE TABLE item (id bigint PRIMARY KEY, title text, price numeric, sold boolean NOT NULL DEFAULT false, picture bytea)",
	"ALTER TABLE item ALTER picture SET STORAGE EXTERNAL",
	"CREATE TABLE shop.orders (region text, number int, total numeric, PRIMARY KEY (region, number)) PARTITION BY LIST (region)",
	"CREATE TABLE shop.orders_north PARTITION OF shop.orders FOR VALUES IN ('north')",
	"CREATE TABLE shop.orders_south PARTITION OF shop.orders FOR VALUES IN ('south')",
	"INSERT INTO item SELECT i, 'item ' || i, i * 1.10, i % 3 = 0, decode(repeat('ab', i), 'hex') FROM generate_series(1, 300) i",
	"INSERT INTO shop.orders SELECT CASE i % 2 WHEN 0 THEN 'north' ELSE 'south' END, i, i / 7.0 FROM generate_series(1, 200) i",
}

// queries give the same lines on both sides; the first is for Postgres.
var queries = map[string][2]string{
	"item": {
		"SELECT id || '|' || coalesce(title, '~') || '|' || coalesce(price::text, '~') || '|' || sold::int || '|' || coalesce(encode(picture, 'hex'), '~') FROM item",
		"SELECT id || '|' || coalesce(title, '~') || '|' || coalesce(price, '~') || '|' || sold || '|' || CASE WHEN picture IS NULL THEN '~' ELSE lower(hex(picture)) END FROM item",
	},
	"shop.orders": {
		"SELECT region || '|' || number || '|' || coalesce(total::text, '~') FROM shop.orders",
		"SELECT region || '|' || number || '|' || coalesce(total, '~') FROM shop_orders",
	},
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	t.Parallel()
	return newFixtureAt(t, pgtest.Database(t))
}

func newFixtureAt(t *testing.T, address string) *fixture {
	t.Helper()
	pgtest.Exec(t, address, schema...)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{
		t: t, url: address, slot: source.ReplicateSlotName(strings.TrimPrefix(u.Path, "/")),
		path: filepath.Join(t.TempDir(), "shop.db"), pg: pgtest.Connect(t, address), logged: new(logbuffer.Buffer),
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("the log:\n" + f.logged.String())
		}
	})
	return f
}

func (f *fixture) options() Options {
	log := slog.New(slog.NewTextHandler(f.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o := Options{
		Source: source.New(source.Config{URL: f.url, Publication: f.slot, Slot: f.slot, Log: log}),
		Path:   f.path, Own: true, Log: log,
	}
	for _, alter := range f.alter {
		alter(&o)
	}
	return o
}

// start follows until stop; it may be called again afterwards.
func (f *fixture) start() {
	f.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	f.running = New(f.options())
	done := make(chan error, 1)
	go func() { done <- f.running.Run(ctx) }()
	var once sync.Once
	f.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				f.t.Errorf("stopping: %v", err)
			}
		})
	}
	f.t.Cleanup(f.stop)
}

// run runs to the end, with Once.
func (f *fixture) run(alter ...func(*Options)) error {
	o := f.options()
	o.Once = true
	for _, a := range alter {
		a(&o)
	}
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	return New(o).Run(ctx)
}

func (f *fixture) exec(statements ...string) {
	f.t.Helper()
	for _, statement := range statements {
		if _, err := f.pg.Exec(f.t.Context(), statement); err != nil {
			f.t.Fatalf("%s: %v", statement, err)
		}
	}
}

// equal waits until the file shows what Postgres does.
func (f *fixture) equal() {
	f.t.Helper()
	f.eventually("the file equals Postgres", f.compare)
}

// compare shares no code with what is tested: it is another program that reads the file.
func (f *fixture) compare() error {
	for table, query := range queries {
		rows, err := f.pg.Query(f.t.Context(), query[0])
		if err != nil {
			return err
		}
		want, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		got, err := lines(f.t.Context(), f.path, query[1])
		if err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			return fmt.Errorf("%s: Postgres has %d rows, the file %d, or they differ", table, len(want), len(got))
		}
	}
	return nil
}

func lines(ctx context.Context, path, query string) (all []string, err error) {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
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

// state is the file's, of which nobody else needs to know.
func (f *fixture) state() replica.State {
	f.t.Helper()
	at, err := replica.Inspect(f.t.Context(), f.path)
	if err != nil {
		f.t.Fatal(err)
	}
	return at
}

func (f *fixture) eventually(what string, condition func() error) {
	f.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(15 * time.Millisecond)
	defer tick.Stop()
	var err error
	for {
		select {
		case <-tick.C:
			if err = condition(); err == nil {
				return
			}
		case <-deadline:
			f.t.Fatalf("within %v it was not so that %s: %v", patience, what, err)
		}
	}
}

// leftBehind lists what there is in Postgres of ours.
func (f *fixture) leftBehind() []string {
	f.t.Helper()
	const query = `
		SELECT 'slot ' || slot_name FROM pg_replication_slots WHERE database = current_database()
		UNION ALL SELECT 'publication ' || pubname FROM pg_publication
		UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname = 'outpost'
		UNION ALL SELECT 'event trigger ' || evtname FROM pg_event_trigger ORDER BY 1`
	rows, err := f.pg.Query(f.t.Context(), query)
	if err != nil {
		f.t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		f.t.Fatal(err)
	}
	return found
}
