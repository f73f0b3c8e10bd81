package source

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"outpost/replicate/change"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/pgoutput"
)

// A copy made while others write, and the stream from its position, give exactly what
// is in Postgres in the end: nothing twice, nothing missing, no half transaction.
func TestCopyUnderWritesIsContinuedByTheStream(t *testing.T) {
	statements := []string{publishAll}
	const tables = 6
	for i := range tables {
		statements = append(statements,
			fmt.Sprintf("CREATE TABLE t%d (id bigint PRIMARY KEY, n int NOT NULL, note text)", i),
			fmt.Sprintf("INSERT INTO t%d SELECT g, 0, repeat('x', 200) FROM generate_series(1, 3000) g", i))
	}
	s, url := database(t, statements...)

	var writes atomic.Int64
	writing, stop := context.WithCancel(t.Context())
	defer stop()
	var writers errgroup.Group
	for w := range 4 {
		writers.Go(func() error { return write(writing, url, w, tables, &writes) })
	}
	waitFor(t, func() bool { return writes.Load() > 20 })
	m, lsn := copied(t, s)
	atCopy := writes.Load()
	waitFor(t, func() bool { return writes.Load() > atCopy+50 })
	stop()
	if err := writers.Wait(); err != nil {
		t.Fatal(err)
	}
	sum := 0
	for oid, rows := range m.rows {
		for _, row := range rows {
			var id, n int
			if _, err := fmt.Sscanf(row, `"%d" "%d"`, &id, &n); err != nil {
				t.Fatalf("table %d: %s: %v", oid, row, err)
			}
			sum += n
		}
	}
	if sum != 0 {
		t.Errorf("the copy holds half a transaction: the sum is %d", sum)
	}

	pgtest.Exec(t, url, "CREATE TABLE last (id int PRIMARY KEY)", "INSERT INTO last VALUES (1)")
	st := stream(t, s, lsn)
	follow(t, m, st)
	for _, table := range m.tables {
		compare(t, url, m, table)
	}
}

// write moves amounts between rows of two tables, makes rows and deletes them.
func write(ctx context.Context, url string, w, tables int, count *atomic.Int64) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	random := rand.New(rand.NewPCG(1, uint64(w)))
	for i := 0; ctx.Err() == nil; i++ {
		id := 10_000 + i*10 + w
		from, to := random.IntN(tables), random.IntN(tables)
		// Each writer has its own rows, so that they never wait for each other.
		row := 1 + random.IntN(700)*4 + w
		sql := fmt.Sprintf(`
			WITH moved AS (UPDATE t%d SET n = n - 1 WHERE id = %d RETURNING 1) INSERT INTO t%d SELECT %d, 1, 'new' FROM moved;
			DELETE FROM t%d WHERE id = %d AND n = 0;
			UPDATE t%d SET id = id + 1000000 WHERE id = %d`,
			from, row, to, id, from, 1+random.IntN(700)*4+w, to, id-20)
		if _, err := conn.Exec(context.WithoutCancel(ctx), "BEGIN;"+sql+";COMMIT"); err != nil {
			return err
		}
		count.Add(1)
	}
	return nil
}

// follow applies the stream until it tells of a table that was not copied.
func follow(t *testing.T, m *mirror, st *Stream) {
	t.Helper()
	for {
		message, _ := next(t, st)
		if relation, ok := message.(*pgoutput.Relation); ok && m.tables[relation.OID] == nil {
			return
		}
		if err := m.apply(message); err != nil {
			t.Fatal(err)
		}
	}
}

// compare holds a mirrored table against Postgres. A value that the stream left out
// as unchanged is not looked at.
func compare(t *testing.T, url string, m *mirror, table *change.Table) {
	t.Helper()
	conn := pgtest.Connect(t, url)
	rows, err := conn.Query(t.Context(), "SELECT id::text, n::text FROM "+table.Name)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	var id, n string
	_, err = pgx.ForEachRow(rows, []any{&id, &n}, func() error {
		found++
		if got, want := m.rows[table.OID][id], fmt.Sprintf("%q %q ", id, n); !strings.HasPrefix(got, want) {
			t.Errorf("table %s, row %s: got %s, want %s", table.Name, id, got, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.rows[table.OID]) != found {
		t.Errorf("table %s: %d rows, Postgres has %d", table.Name, len(m.rows[table.OID]), found)
	}
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatal("it did not happen")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestCopyAndStreamShowEveryValueAlike(t *testing.T) {
	values := []string{
		"NULL", "''", `E'tab\t line\n return\r back\\slash \\N'`, "'ä€😀'", "repeat('long ', 60000)",
	}
	insert := `INSERT INTO every (r8, tz, ts, d, iv, by, js, a, n, tx) VALUES
		('NaN', '2026-11-23 06:00+01', '0044-03-15 BC', 'infinity', '1 year 2 days 03:04:05.6', '\x00ff5c', '{"a": "\t"}', ARRAY[1, NULL], 'NaN', `
	s, url := database(t, `CREATE TABLE every (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
			r8 float8, tz timestamptz, ts timestamp, d date, iv interval, by bytea, js jsonb, a int[], n numeric, tx text)`,
		publishAll, "INSERT INTO every (r8, n) VALUES (0.1::float4, 1.10)")
	// Whatever the database's own settings are.
	pgtest.Exec(t, url, `DO $$ BEGIN
		EXECUTE format('ALTER DATABASE %I SET datestyle = German', current_database());
		EXECUTE format('ALTER DATABASE %I SET timezone = "Asia/Tokyo"', current_database());
		EXECUTE format('ALTER DATABASE %I SET intervalstyle = iso_8601', current_database());
		EXECUTE format('ALTER DATABASE %I SET bytea_output = escape', current_database());
		EXECUTE format('ALTER DATABASE %I SET extra_float_digits = 0', current_database()); END $$`)
	for _, value := range values {
		pgtest.Exec(t, url, insert+value+")")
	}
	m, lsn := copied(t, s)
	copies := m.rows[only(m).OID]
	st := stream(t, s, lsn)
	pgtest.Exec(t, url, "INSERT INTO every (r8, tz, ts, d, iv, by, js, a, n, tx) SELECT r8, tz, ts, d, iv, by, js, a, n, tx FROM every ORDER BY id")
	for i := 1; i <= len(values)+1; {
		message, _ := next(t, st)
		m, ok := message.(*pgoutput.Insert)
		if !ok {
			continue
		}
		_, streamed, _ := strings.Cut(show(m.New), " ")
		_, copied, _ := strings.Cut(copies[fmt.Sprint(i)], " ")
		if streamed != copied {
			t.Errorf("row %d\nin the stream %.300s\nin the copy   %.300s", i, streamed, copied)
		}
		i++
	}
	_, first, _ := strings.Cut(copies["2"], " ")
	want := `"NaN" "2026-11-23 05:00:00+00" "0044-03-15 00:00:00 BC" "infinity" "1 year 2 days 03:04:05.6" "\\x00ff5c" "{\"a\": \"\\t\"}" "{1,NULL}" "NaN" n`
	if first != want {
		t.Errorf("got  %s\nwant %s", first, want)
	}
}

func only(m *mirror) *change.Table {
	for _, t := range m.tables {
		return t
	}
	return nil
}

// Slot made, table rewritten, COPY under the slot's snapshot: the table would read as
// empty. So a rewrite that comes during a copy has to wait for its end.
func TestCopyKeepsTablesFromBeingRewritten(t *testing.T) {
	s, url := database(t, people, "CREATE TABLE z_last (id int PRIMARY KEY)", publishAll,
		"INSERT INTO people SELECT g, 'somebody' FROM generate_series(1, 2000) g",
		"INSERT INTO z_last SELECT g FROM generate_series(1, 2000) g")
	altered := make(chan error, 1)
	rows := 0
	var m mirror
	_, err := s.Copy(t.Context(), func(tables []*change.Table) error {
		go func() {
			conn, err := pgx.Connect(t.Context(), url)
			if err == nil {
				_, err = conn.Exec(t.Context(), "ALTER TABLE z_last ALTER id TYPE bigint")
				err = errors.Join(err, conn.Close(context.Background()))
			}
			altered <- err
		}()
		eventually(t, url, "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'z_last'::regclass AND NOT granted)")
		return m.begin(tables)
	}, func(table *change.Table, r change.Row) error {
		rows++
		return m.row(table, r)
	})
	if err != nil {
		t.Fatal(err)
	}
	if rows != 4000 {
		t.Errorf("%d rows were copied, want 4000", rows)
	}
	if err := <-altered; err != nil { // it goes on once the copy is done
		t.Error(err)
	}
}

// TestCopyHoldsNobodyUp copies while two tables are emptied together, again and again: each
// time somebody waits for a table that a copy has, and has one that the copy still needs.
func TestCopyHoldsNobodyUp(t *testing.T) {
	s, url := database(t, people, "CREATE TABLE z_last (id int PRIMARY KEY)",
		"CREATE PUBLICATION outpost FOR TABLE people, z_last WHERE (id > 0)") // a filter is read under a lock
	s.lockTimeout = time.Minute
	ctx, stop := context.WithCancel(t.Context())
	conn := pgtest.Connect(t, url)
	if _, err := conn.Exec(ctx, "SET lock_timeout = '20s'; SET deadlock_timeout = '10ms'"); err != nil {
		t.Fatal(err)
	}
	var emptying errgroup.Group
	emptying.Go(func() error {
		for ctx.Err() == nil {
			_, err := conn.Exec(ctx, "TRUNCATE people, z_last")
			if err != nil && code(err) != codeDeadlock && ctx.Err() == nil {
				return err
			}
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond): // an application does something else, too
			}
		}
		return nil
	})
	for range 3 {
		copied(t, s)
		if err := s.DropSlot(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if err := emptying.Wait(); err != nil {
		t.Errorf("emptying beside the copies: %v", err)
	}
}

func TestFailedCopyLeavesNoSlot(t *testing.T) {
	s, url := database(t, people, publishAll, "INSERT INTO people SELECT g, repeat('x', 100) FROM generate_series(1, 50000) g")
	noSlot := func() {
		t.Helper()
		if query[int](t, url, "SELECT count(*) FROM pg_replication_slots WHERE slot_name = $1", s.Config.Slot) != 0 {
			t.Error("the slot is still there")
		}
	}
	mine := errors.New("mine")
	var m mirror
	if _, err := s.Copy(t.Context(), func([]*change.Table) error { return mine }, m.row); !errors.Is(err, mine) {
		t.Errorf("got %v", err)
	}
	noSlot()
	rows := 0
	_, err := s.Copy(t.Context(), m.begin, func(*change.Table, change.Row) error {
		if rows++; rows == 100 {
			return mine
		}
		return nil
	})
	if !errors.Is(err, mine) || rows != 100 {
		t.Errorf("got %v after %d rows", err, rows)
	}
	noSlot()
	ctx, cancel := context.WithCancel(t.Context())
	_, err = s.Copy(ctx, m.begin, func(*change.Table, change.Row) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	noSlot()
	if copied, _ := copied(t, s); len(copied.rows[only(copied).OID]) != 50000 {
		t.Error("the copy afterwards is not whole")
	}
}

func TestCopyRefusesASlotThatExistsAndLeavesItAlone(t *testing.T) {
	s, url := database(t, people, publishAll)
	pgtest.Exec(t, url, "SELECT pg_create_logical_replication_slot('"+s.Config.Slot+"', 'pgoutput')")
	var m mirror
	if _, err := s.Copy(t.Context(), m.begin, m.row); code(err) != codeExists {
		t.Errorf("got %v", err)
	}
	if slot, err := s.Slot(t.Context()); err != nil || !slot.Exists {
		t.Errorf("the slot is %+v (%v)", slot, err)
	}
}

func TestCopySaysWhoHoldsUpTheSlot(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Cluster(t, "max_prepared_transactions=5")
	url := cluster.URL("postgres")
	pgtest.Exec(t, url, people, publishAll)
	s := New(config(t, url))
	s.lockTimeout = 300 * time.Millisecond
	var m mirror
	fails := func(words ...string) {
		t.Helper()
		_, err := s.Copy(t.Context(), m.begin, m.row)
		if code(err) != codeLocked {
			t.Fatalf("got %v", err)
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%q does not say %q", err, word)
			}
		}
		if slot, err := s.Slot(t.Context()); err != nil || slot.Exists {
			t.Errorf("the slot is %+v (%v)", slot, err)
		}
	}
	other := pgtest.Connect(t, url)
	exec := func(sql string) {
		t.Helper()
		if _, err := other.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec("BEGIN")
	exec("INSERT INTO people VALUES (1)")
	fails(fmt.Sprintf("process %d", other.PgConn().PID()), "user postgres", "idle in transaction", "end it")
	exec("ROLLBACK")
	exec("BEGIN")
	exec("INSERT INTO people VALUES (1)")
	exec("PREPARE TRANSACTION 'forgotten'")
	fails("'forgotten'")
	exec("ROLLBACK PREPARED 'forgotten'")
	worker, err := s.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer Disconnect(t.Context(), worker)
	if _, err := worker.Exec(t.Context(), "BEGIN; SAVEPOINT unlocked"); err != nil {
		t.Fatal(err)
	}
	exec("BEGIN")
	exec("LOCK TABLE people")
	err = s.lock(t.Context(), []*pgx.Conn{worker}, []string{"public.people"})
	if want := fmt.Sprintf("process %d", other.PgConn().PID()); code(err) != codeLocked || !strings.Contains(err.Error(), want) ||
		!strings.Contains(err.Error(), "holds table public.people") {
		t.Errorf("locking fails with %v", err)
	}
	exec("ROLLBACK")
	copied(t, s)
}

// A caller that goes away while Postgres still waits for an old transaction leaves a
// backend behind which would finish the slot later.
func TestCopyGivenUpWhileWaitingLeavesNoSlot(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Cluster(t)
	url := cluster.URL("postgres")
	pgtest.Exec(t, url, people, publishAll)
	s := New(config(t, url))
	other := pgtest.Connect(t, url)
	if _, err := other.Exec(t.Context(), "BEGIN; INSERT INTO people VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	var m mirror
	go func() {
		_, err := s.Copy(ctx, m.begin, m.row)
		failed <- err
	}()
	eventually(t, url, "SELECT EXISTS (SELECT FROM pg_replication_slots WHERE active)")
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if slot, err := s.Slot(t.Context()); err != nil || slot.Exists {
		t.Errorf("the slot is %+v (%v)", slot, err)
	}
}

func TestCopyHonoursRootsFiltersAndHugeValues(t *testing.T) {
	s, url := database(t,
		"CREATE TABLE parted (id int PRIMARY KEY, v text) PARTITION BY RANGE (id)",
		"CREATE TABLE part1 PARTITION OF parted FOR VALUES FROM (0) TO (10)",
		"CREATE TABLE part2 PARTITION OF parted FOR VALUES FROM (10) TO (20)",
		"INSERT INTO parted SELECT g, 'v' FROM generate_series(0, 19) g",
		"CREATE TABLE parent (id int PRIMARY KEY)", "CREATE TABLE child () INHERITS (parent)",
		"INSERT INTO parent VALUES (1)", "INSERT INTO child VALUES (2)",
		"CREATE TABLE huge (id int PRIMARY KEY, v text)",
		"INSERT INTO huge SELECT g, repeat(E'\\n', 3000000) FROM generate_series(1, 3) g",
		"CREATE TABLE quoted (\"select\" int PRIMARY KEY, \"odd \"\"name\" text)", "INSERT INTO quoted VALUES (1, 'x')",
		"CREATE PUBLICATION outpost FOR TABLE parted WHERE (id % 2 = 0), ONLY parent, huge, quoted WITH (publish_via_partition_root)")
	m, _ := copied(t, s)
	counts := map[string]int{}
	for oid, rows := range m.rows {
		counts[m.tables[oid].Name] = len(rows)
		for _, row := range rows {
			if m.tables[oid].Name == "huge" && len(row) < 6_000_000 {
				t.Errorf("a huge value has %d bytes", len(row))
			}
		}
	}
	if want := "map[huge:3 parent:1 parted:10 quoted:1]"; fmt.Sprint(counts) != want {
		t.Errorf("got %v, want %s", counts, want)
	}
	if query[bool](t, url, "SELECT count(*) > 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'outpost'") {
		t.Error("connections are left open")
	}
}
