package verify

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/replica"
)

const (
	people  = "CREATE TABLE people (id bigint PRIMARY KEY, name text)"
	publish = "CREATE PUBLICATION outpost FOR ALL TABLES"
)

func reader(t testing.TB, path string) *replica.Reader {
	t.Helper()
	r, err := replica.OpenReader(t.Context(), path)
	must(t, err)
	t.Cleanup(func() { must(t, r.Close()) })
	return r
}

// TestReplicaThatNobodyFollowsIsSaidToBeBehind has differences that are only lag.
func TestReplicaThatNobodyFollowsIsSaidToBeBehind(t *testing.T) {
	url, path := copied(t, people, "INSERT INTO people SELECT i, 'name' FROM generate_series(1, 50) i", publish)
	o := Options{URL: url, Replica: reader(t, path), Wait: 50 * time.Millisecond}
	expectEqual(t, run(t, o))
	pgtest.Exec(t, url, "UPDATE people SET name = 'new' WHERE id = 7", "DELETE FROM people WHERE id = 8", "INSERT INTO people VALUES (99, 'more')")
	r := run(t, o)
	at, err := reader(t, path).State(t.Context())
	must(t, err)
	if r.Behind == nil || r.Behind.Replica != at.Position || r.Behind.Primary <= at.Position.LSN {
		t.Errorf("behind is %v, the replica is at %s", r.Behind, at.Position)
	}
	got := strings.Join(lines(r), "\n")
	want := `people: id=7: different: name is "new", in the replica "name" (the replica is behind)
people: id=99: missing from the replica (the replica is behind)
people: id=8: surplus in the replica (the replica is behind)`
	if got != want {
		t.Errorf("found\n%s\nwant\n%s", got, want)
	}
}

// TestEqualReplicaIsNotWaitedFor moves the primary's position by something that the
// replica has nothing of: where nothing differs there is nothing to wait for.
func TestEqualReplicaIsNotWaitedFor(t *testing.T) {
	url, path := copied(
		t, people, "INSERT INTO people VALUES (1, 'a')",
		"CREATE TABLE loose (n int)", "ALTER TABLE loose REPLICA IDENTITY FULL", "INSERT INTO loose VALUES (1)", publish)
	pgtest.Exec(t, url, "SELECT pg_logical_emit_message(true, 'test', 'nothing')")
	expectEqual(t, run(t, Options{URL: url, Replica: &bent{Replica: reader(t, path), wait: func() error {
		return errors.New("it was waited for")
	}}}))
}

// TestRowThatChangesForEverIsNotCalledDifferent writes to the row between any two looks.
func TestRowThatChangesForEverIsNotCalledDifferent(t *testing.T) {
	url, path := copied(t, people, "INSERT INTO people VALUES (1, 'a'), (2, 'b')", publish)
	conn := pgtest.Connect(t, url)
	changing := &bent{Replica: reader(t, path), wait: func() error {
		_, err := conn.Exec(context.WithoutCancel(t.Context()), "UPDATE people SET name = name || '.' WHERE id = 2")
		return err
	}}
	pgtest.Exec(t, url, "UPDATE people SET name = 'c' WHERE id = 2")
	r := run(t, Options{URL: url, Replica: changing})
	if got := lines(r); len(got) != 1 || got[0] != "people: unsettled: 1" {
		t.Errorf("found %q", got)
	}
	if !r.Equal() {
		t.Error("what is not settled is called different")
	}
}

// TestCommitThatThePrimaryDoesNotShowYetIsNoDifference lets commits wait for a standby
// that never comes: they are in the WAL, and so in the replica, and nobody sees them.
func TestCommitThatThePrimaryDoesNotShowYetIsNoDifference(t *testing.T) {
	url := pgtest.Cluster(t).URL("postgres")
	path := copyOf(
		t, url, people, "INSERT INTO people VALUES (1, 'a'), (2, 'b'), (3, 'c')",
		"CREATE TABLE loose (n int)", "ALTER TABLE loose REPLICA IDENTITY FULL", "INSERT INTO loose VALUES (1)", publish)
	pgtest.Exec(t, url, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()")
	committing := make(chan error, 1)
	conn := pgtest.Connect(t, url)
	go func() {
		_, err := conn.Exec(context.WithoutCancel(t.Context()),
			"UPDATE people SET name = 'new' WHERE id = 1; DELETE FROM people WHERE id = 2; INSERT INTO people VALUES (4, 'd'); INSERT INTO loose VALUES (2)")
		committing <- err
	}()
	watch := pgtest.Connect(t, url)
	count := func(query string) (n int) {
		must(t, watch.QueryRow(t.Context(), query).Scan(&n))
		return n
	}
	eventually(t, "the commit waits", func() bool {
		return count("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND backend_type = 'client backend'") == 1
	})
	plant(t, path, "UPDATE people SET name = 'new' WHERE id = 1", "DELETE FROM people WHERE id = 2", "INSERT INTO people VALUES (4, 'd')", "INSERT INTO loose VALUES (2)")
	o := Options{URL: url, Replica: &bent{Replica: reader(t, path), wait: func() error { return nil }}}
	got := run(t, o)
	if got.Differences() != 0 || got.Unsettled() != 4 {
		t.Errorf("found %s", strings.Join(lines(got), "\n"))
	}
	pgtest.Exec(t, url, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
	must(t, <-committing)
	expectEqual(t, run(t, o))
}

// bent is a replica that says it has reached whatever it is asked to, after doing
// something else.
type bent struct {
	Replica
	wait    func() error
	reached atomic.Uint64
}

func (b *bent) Wait(_ context.Context, p change.Position) error {
	b.reached.Store(uint64(p.LSN))
	return b.wait()
}

func (b *bent) Read(ctx context.Context, fn func(replica.View) error) error {
	return b.Replica.Read(ctx, func(v replica.View) error {
		v.At.Position.LSN = max(v.At.Position.LSN, change.LSN(b.reached.Load()))
		return fn(v)
	})
}

// TestNewGenerationBeginsThePassAgain begins one while the pass waits.
func TestNewGenerationBeginsThePassAgain(t *testing.T) {
	url, path := copied(t, people, "INSERT INTO people VALUES (1, 'a')", publish)
	pgtest.Exec(t, url, "UPDATE people SET name = 'b' WHERE id = 1")
	waits := 0
	r := run(t, Options{URL: url, Replica: &bent{Replica: reader(t, path), wait: func() error {
		waits++
		plant(t, path, "UPDATE _outpost_state SET generation = generation + 1", "UPDATE people SET name = 'b'")
		return nil
	}}})
	expectEqual(t, r)
	if waits != 1 {
		t.Errorf("it waited %d times", waits)
	}
}

// TestTableThatIsAlteredIsComparedAgain alters the replica's table as a replica does that
// follows the primary's, in the middle of a comparison.
func TestTableThatIsAlteredIsComparedAgain(t *testing.T) {
	url, path := copied(t, people, "INSERT INTO people VALUES (1, 'a'), (2, 'b')", publish)
	pgtest.Exec(t, url, "ALTER TABLE people RENAME name TO label", "UPDATE people SET label = 'c' WHERE id = 2")
	waits := 0
	r := run(t, Options{URL: url, Replica: &bent{Replica: reader(t, path), wait: func() error {
		waits++
		plant(
			t, path, "ALTER TABLE people RENAME name TO label", "UPDATE people SET label = 'c' WHERE id = 2",
			"UPDATE _outpost_tables SET definition = replace(definition, '\"name\":\"name\"', '\"name\":\"label\"')",
		)
		return nil
	}}})
	expectEqual(t, r)
	if waits != 1 {
		t.Errorf("it waited %d times", waits)
	}
}

// TestTableThatIsAnotherOneIsAProblem alters only the primary.
func TestTableThatIsAnotherOneIsAProblem(t *testing.T) {
	url, path := copied(
		t, people, "CREATE TABLE gone (id int PRIMARY KEY)", "CREATE TABLE typed (id int PRIMARY KEY, n int)", "CREATE TABLE whole (id int PRIMARY KEY)",
		publish)
	pgtest.Exec(t, url, "ALTER TABLE people RENAME name TO label", "DROP TABLE gone", "ALTER TABLE typed ALTER n TYPE bigint",
		"CREATE TABLE new (id int PRIMARY KEY)", "ALTER TABLE whole ADD more text")
	o := Options{URL: url, Replica: reader(t, path), Wait: 50 * time.Millisecond, Publication: "outpost"}
	got := strings.Join(lines(run(t, o)), "\n")
	for _, want := range []string{
		"people: problem: Postgres has no column name in it", "gone: problem: Postgres does not have it any more",
		"typed: problem: its column n is another one in Postgres (bigint, here integer)",
		"new: problem: it is published, and the replica does not have it", "whole: problem: its column more is published",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("did not find %q in\n%s", want, got)
		}
	}
}

// TestAnotherServersReplicaIsRefused compares with the identifier that initdb gave.
func TestAnotherServersReplicaIsRefused(t *testing.T) {
	url, path := copied(t, people, publish)
	plant(t, path, "UPDATE _outpost_state SET system = system + 1")
	_, err := New(Options{URL: url, Replica: reader(t, path)}).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "another Postgres server") {
		t.Errorf("got %v", err)
	}
}

// TestWhollyDifferentTableIsCountedAndListedInPart has more differences than are kept.
func TestWhollyDifferentTableIsCountedAndListedInPart(t *testing.T) {
	f := follow(
		t, people, "INSERT INTO people SELECT i, 'name' FROM generate_series(1, 3500) i",
		"CREATE TABLE loose (n int)", "ALTER TABLE loose REPLICA IDENTITY FULL", "INSERT INTO loose SELECT generate_series(1, 1500)", publish)
	plant(t, f.path, "UPDATE people SET name = 'mane'", "UPDATE loose SET n = n + 10000")
	r := f.verify(func(o *Options) { o.List = 10 })
	if len(r.Tables) != 2 {
		t.Fatalf("compared %d tables", len(r.Tables))
	}
	loose, people := r.Tables[0], r.Tables[1]
	if people.Different != 3500 || people.Differences() != 3500 || len(people.List) != 10 || people.Rows != 3500 {
		t.Errorf("people: %d different, %d listed", people.Different, len(people.List))
	}
	if loose.Missing != 1500 || loose.Surplus != 1500 || len(loose.List) != 10 {
		t.Errorf("loose: %d missing, %d surplus, %d listed", loose.Missing, loose.Surplus, len(loose.List))
	}
}

// TestMemoryIsBounded compares many rows and some huge values, and watches the heap.
func TestMemoryIsBounded(t *testing.T) {
	rows, size := 40_000, 8<<20
	if os.Getenv("OUTPOST_TEST_LONG") != "" {
		rows, size = 200_000, 20<<20
	}
	url, path := copied(
		t, people, fmt.Sprintf("INSERT INTO people SELECT i, 'name ' || i FROM generate_series(1, %d) i", rows),
		"CREATE TABLE loose (n int, name text)", "ALTER TABLE loose REPLICA IDENTITY FULL",
		fmt.Sprintf("INSERT INTO loose SELECT i, 'name' FROM generate_series(1, %d) i", rows/2),
		"CREATE TABLE large (id int PRIMARY KEY, body bytea, note text)", "ALTER TABLE large ALTER body SET STORAGE EXTERNAL",
		fmt.Sprintf("INSERT INTO large SELECT i, decode(repeat('%s', %d), 'hex'), repeat('y', %d) FROM generate_series(1, 4) i", strings.Repeat("ab", 64), size/64, size), publish)
	// What is bounded is what the comparison holds, and not how long the collector lets
	// garbage stand.
	defer debug.SetGCPercent(debug.SetGCPercent(25))
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	var most atomic.Uint64
	done := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			most.Store(max(most.Load(), now.HeapAlloc))
			select {
			case <-done:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	r := run(t, Options{URL: url, Replica: reader(t, path)})
	close(done)
	<-watched
	expectEqual(t, r)
	if r.Rows() != int64(rows+rows/2+4) {
		t.Errorf("compared %d rows", r.Rows())
	}
	grown := int64(most.Load()) - int64(before.HeapAlloc)
	// A row of two such values, one garbage beside the one in use, and what is fixed.
	if bound := int64(4*size + 48<<20); grown > bound {
		t.Errorf("the heap grew by %d MiB, more than %d MiB", grown>>20, bound>>20)
	}
	t.Logf("%d rows in %v, the heap grew by %d MiB", r.Rows(), r.Ended.Sub(r.Began).Round(time.Millisecond), grown>>20)
}

func TestRateIsKept(t *testing.T) {
	url, path := copied(t, people, "INSERT INTO people SELECT i, 'name' FROM generate_series(1, 1500) i", publish)
	began := time.Now()
	expectEqual(t, run(t, Options{URL: url, Replica: reader(t, path), Rate: 2000}))
	// 3,000 rows are read, and the first 1,000 of a pass are free.
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Errorf("it took %v", took)
	}
}

func TestTablesAreChosenByName(t *testing.T) {
	url, path := copied(t, people, "CREATE TABLE other (id int PRIMARY KEY)", publish)
	o := Options{URL: url, Replica: reader(t, path), Tables: []string{"public.people"}}
	if r := run(t, o); len(r.Tables) != 1 || r.Tables[0].Name != "people" {
		t.Errorf("compared %v", r.Tables)
	}
	o.Tables = []string{"nowhere"}
	if _, err := New(o).Run(t.Context()); err == nil || !strings.Contains(err.Error(), `"nowhere"`) {
		t.Errorf("got %v", err)
	}
}

// TestForeverTellsWithoutValues logs a difference with its key, and keeps the figures.
func TestForeverTellsWithoutValues(t *testing.T) {
	f := follow(t, people, "INSERT INTO people SELECT i, 'secret' FROM generate_series(1, 20) i", publish)
	plant(t, f.path, "UPDATE people SET name = 'wrong' WHERE id = 7")
	v := New(Options{URL: f.url, Replica: f.replica, Log: logTo(f.log), Pause: time.Millisecond, Publication: "outpost"})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- v.Forever(ctx) }()
	eventually(t, "two passes are done", func() bool { s := v.Status(); return s.Last != nil && s.Rows >= 40 })
	stop()
	must(t, <-done)
	if s := v.Status(); s.Last.Differences != 1 || s.Last.Tables != 1 || s.Last.Rows != 20 || s.Table != "" || s.Last.Ended.IsZero() {
		t.Errorf("the status is %+v, %+v", s, s.Last)
	}
	log := f.log.String()
	if !strings.Contains(log, `key="id=7"`) || !strings.Contains(log, "table=public.people") || strings.Contains(log, "secret") || strings.Contains(log, "wrong") {
		t.Errorf("the log is\n%s", log)
	}
}

func TestPostgresOutOfReachIsOneLine(t *testing.T) {
	_, path := copied(t, people, publish)
	_, err := New(Options{URL: "postgres://u:geheim@127.0.0.1:1/x", Replica: reader(t, path)}).Run(t.Context())
	if err == nil || strings.Contains(err.Error(), "geheim") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}

// TestFieldsOfTheReplicaAreExact turns values back that a replica stores, and refuses
// those that it never stores so.
func TestFieldsOfTheReplicaAreExact(t *testing.T) {
	for _, c := range []struct {
		kind   change.Kind
		stored any
		want   string
	}{
		{change.Integer, int64(math.MinInt64), "-9223372036854775808"},
		{change.Boolean, int64(1), "t"},
		{change.Float, math.Inf(1), "7ff0000000000000"},
		{change.Float, "Infinity", "7ff0000000000000"},
		{change.Float, "-0", "8000000000000000"},
		{change.Float, 5e-324, "0000000000000001"},
		{change.Float, "NaN", "NaN"},
		{change.Timestamptz, "2026-11-23T05:00:00.000000Z", "2026-11-23 05:00:00+00"},
		{change.Timestamptz, "2026-11-23T05:00:10.120000Z", "2026-11-23 05:00:10.12+00"},
		{change.Timestamp, "294276-12-31T23:59:59.999999", "294276-12-31 23:59:59.999999"},
		{change.Timestamptz, "0044-03-15T00:00:00.000000Z BC", "0044-03-15 00:00:00+00 BC"},
		{change.Date, "0044-03-15 BC", "0044-03-15 BC"},
		{change.Date, "-infinity", "-infinity"},
		{change.Text, nil, "-"},
	} {
		if got := string(appendField(nil, c.kind, c.stored)); got != c.want {
			t.Errorf("%s %v: got %s, want %s", c.kind, c.stored, got, c.want)
		}
	}
	for _, c := range []struct {
		kind   change.Kind
		stored any
	}{
		{change.Integer, "1"},
		{change.Integer, 1.0},
		{change.Boolean, int64(2)},
		{change.Float, int64(1)},
		{change.Float, "1"},
		{change.Bytes, "text"},
		{change.Text, []byte("text")},
		{change.Timestamptz, "2026-11-23T05:00:00Z"},
		{change.Timestamptz, "2026-11-23T05:00:00.000000"},
		{change.Timestamp, "2026-11-23T05:00:00.000000Z"},
		{change.Timestamp, "2026-11-23 05:00:00"},
		{change.Date, "2026-11-23T05:00:00.000000"},
		{change.Date, "-"},
		{change.Date, "2026-11-23|x"},
	} {
		if got := appendField(nil, c.kind, c.stored); got[0] != wrong {
			t.Errorf("%s %v: got %s", c.kind, c.stored, got)
		}
	}
}

func TestBagsWithEqualSumsAreEqual(t *testing.T) {
	s := new(sums)
	a, b := sum{1, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, sum{1, 2, 1}
	for _, h := range []sum{a, b, b, a} {
		s.add(h)
	}
	for _, h := range []sum{b, a, a, b} {
		s.take(h)
	}
	if *s != (sums{}) {
		t.Error("the same hashes in another order do not cancel out")
	}
	s.add(a)
	s.take(b)
	if *s == (sums{}) {
		t.Error("other hashes cancel out")
	}
}

func TestStopsWhenTold(t *testing.T) {
	url, path := copied(t, people, "INSERT INTO people VALUES (1, 'a')", publish)
	pgtest.Exec(t, url, "UPDATE people SET name = 'b'")
	ctx, stop := context.WithCancel(t.Context())
	_, err := New(Options{URL: url, Replica: &stopping{reader(t, path), stop}}).Run(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// stopping ends the context as soon as it is waited for.
type stopping struct {
	Replica
	stop func()
}

func (s *stopping) Wait(ctx context.Context, _ change.Position) error {
	s.stop()
	<-ctx.Done()
	return ctx.Err()
}
