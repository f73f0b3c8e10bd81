package hub

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"outpost/replicate/change"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/replica"
)

// documented is a line of the table in SCHEMA.md.
type documented struct {
	change, statements   string
	announced, otherwise string
}

// readSchemaMD gives the tables that the document alters and what it says of each change.
func readSchemaMD(t *testing.T) (setup []string, changes []documented) {
	t.Helper()
	text, err := os.ReadFile("../SCHEMA.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```sql\n")
	sql, rest, _ := strings.Cut(rest, "```")
	setup = statements(sql)
	_, rest, ok := strings.Cut(rest, "| --- | --- | --- | --- |\n")
	for line := range strings.Lines(rest) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		if len(cells) != 4 {
			break
		}
		changes = append(changes, documented{cells[0], strings.Trim(cells[1], "`"), cells[2], cells[3]})
	}
	if !ok || len(setup) < 5 || len(changes) < 40 {
		t.Fatalf("SCHEMA.md has %d statements of setup and %d changes", len(setup), len(changes))
	}
	return setup, changes
}

func statements(sql string) []string {
	var all []string
	for each := range strings.SplitSeq(sql, ";") {
		if each = strings.TrimSpace(each); each != "" {
			all = append(all, each)
		}
	}
	return all
}

// TestSchemaChangesEndEqual makes each change that SCHEMA.md lists, while the tables are
// being written to: announced by the event triggers, by calls, and not at all. Of the last
// two the short round makes every third.
func TestSchemaChangesEndEqual(t *testing.T) {
	setup, changes := readSchemaMD(t)
	for i, c := range changes {
		t.Run(c.change+"/announced", func(t *testing.T) {
			t.Parallel()
			f := fixtureOf(t, pgtest.Database(t), setup...)
			f.ends(statements(c.statements), c.announced)
		})
		if i%3 > 0 && os.Getenv("OUTPOST_TEST_LONG") == "" {
			continue
		}
		t.Run(c.change+"/otherwise", func(t *testing.T) {
			t.Parallel()
			f := fixtureOf(t, pgtest.Database(t), setup...)
			f.limit("")
			f.ends(statements(c.statements), c.otherwise)
		})
		t.Run(c.change+"/called", func(t *testing.T) {
			t.Parallel()
			f := fixtureOf(t, pgtest.Database(t), setup...)
			f.limit("CREATE")
			how := c.announced
			if c.change == "DDL behind a savepoint" {
				how = "new copy" // SCHEMA.md says so below
			}
			f.ends(withCalls(statements(c.statements)), how)
		})
	}
}

// TestRowsOfAnOpenTransaction makes changes that lock no table while a transaction has rows of
// one: they arrive behind the change, in the shape from before it.
func TestRowsOfAnOpenTransaction(t *testing.T) {
	setup, _ := readSchemaMD(t)
	for _, c := range []struct{ row, change string }{
		{"UPDATE s.other SET a = 'late' WHERE id = 1", "ALTER SCHEMA s RENAME TO r"},
		{"UPDATE t SET n = -1 WHERE id = 1", "ALTER PUBLICATION everything DROP TABLE t"},
	} {
		t.Run(c.change, func(t *testing.T) {
			t.Parallel()
			f := fixtureOf(t, pgtest.Database(t), setup...)
			f.start()
			f.equals("at the beginning")
			before := f.generation()
			open, err := pgtest.Connect(t, f.url).Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := open.Exec(t.Context(), c.row); err != nil {
				t.Fatal(err)
			}
			f.exec(c.change)
			if err := open.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			f.eventually("a new generation begins", func() error {
				if f.generation() == before {
					return errors.New("it does not")
				}
				return nil
			})
			f.equals("in the end")
		})
	}
}

// withCalls announces each statement by hand, in its transaction.
func withCalls(all []string) (out []string) {
	const call = "SELECT outpost.schema_changed()"
	inside := false
	for _, s := range all {
		verb, _, _ := strings.Cut(s, " ")
		switch {
		case verb == "BEGIN" || verb == "COMMIT":
			inside = verb == "BEGIN"
			out = append(out, s)
		case verb != "ALTER" && verb != "CREATE" && verb != "DROP":
			out = append(out, s)
		case inside:
			out = append(out, s, call)
		default:
			out = append(out, "BEGIN", s, call, "COMMIT")
		}
	}
	return out
}

// limit makes the hub connect as a role that may replicate and read, and what else is
// granted on the database.
func (f *fixture) limit(granted string) {
	f.t.Helper()
	u, err := url.Parse(f.url)
	if err != nil {
		f.t.Fatal(err)
	}
	admin, role := f.url, "limited_"+strings.Trim(u.Path, "/")
	pgtest.Exec(f.t, admin, "CREATE ROLE "+role+" LOGIN REPLICATION PASSWORD 'limited' IN ROLE pg_read_all_data")
	f.t.Cleanup(func() { pgtest.Exec(f.t, admin, "DROP OWNED BY "+role+" CASCADE", "DROP ROLE "+role) })
	if granted != "" {
		pgtest.Exec(f.t, admin, "GRANT "+granted+" ON DATABASE "+strings.Trim(u.Path, "/")+" TO "+role)
	}
	u.User = url.UserPassword(role, "limited")
	f.url = u.String()
}

// ends makes a change under writes and waits until the replica equals Postgres: in the
// same generation, or in a new one.
func (f *fixture) ends(sql []string, how string) {
	f.t.Helper()
	f.watch = 100 * time.Millisecond
	f.start()
	f.equals("at the beginning")
	before := f.generation()
	stop := f.write()
	if how == "in place" && locksNothing(sql) { // see TestRowsOfAnOpenTransaction
		stop()
	}
	for _, statement := range sql {
		f.exec(statement)
	}
	stop()
	switch how {
	case "in place":
		f.equals("after the change")
		f.looks() // a difference that the catalogue shows would begin one now
		if g := f.generation(); g != before {
			f.t.Errorf("a new generation was begun")
		}
	case "new copy":
		f.eventually("a new generation begins", func() error {
			if f.generation() == before {
				return errors.New("it does not")
			}
			return nil
		})
	default:
		f.t.Fatalf("SCHEMA.md says %q", how)
	}
	stop = f.write()
	stop()
	f.equals("in the end")
}

// locksNothing says that transactions may write to a table while the change alters it.
func locksNothing(sql []string) bool {
	return slices.ContainsFunc(sql, func(s string) bool {
		return strings.HasPrefix(s, "ALTER PUBLICATION everything DROP") || strings.HasPrefix(s, "ALTER SCHEMA")
	})
}

// looks waits until the hub has looked at the catalogue twice more.
func (f *fixture) looks() {
	f.t.Helper()
	looks := f.hub.progress.Looks()
	f.eventually("the catalogue is looked at", func() error {
		if n := f.hub.progress.Looks(); n < looks+2 {
			return fmt.Errorf("%d times", n-looks)
		}
		return nil
	})
}

// write writes to every table until stop. What the tables do not take just now it leaves.
func (f *fixture) write() (stop func()) {
	ctx, cancel := context.WithCancel(f.t.Context())
	conn, err := pgx.ConnectConfig(f.t.Context(), f.pg.Config())
	if err != nil {
		f.t.Fatal(err)
	}
	all := []string{
		"UPDATE t SET id = id WHERE id = %d", "INSERT INTO t (id) VALUES (1000 + %d)", "DELETE FROM t WHERE id = 1000 + %d",
		"UPDATE t SET n = n + 1 WHERE id = %d", "UPDATE t SET id = -id WHERE id = %d", "INSERT INTO s.other (id) VALUES (100 + %d)",
		"UPDATE parts SET note = note || '.' WHERE id = %d", "INSERT INTO parts VALUES (1000 + %d, 'us', 'n')",
		"UPDATE loose SET note = 'changed' WHERE id = %d",
	}
	started, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ctx.Err() == nil; i++ {
			_, err := conn.Exec(ctx, fmt.Sprintf(all[i%len(all)], i%200))
			if refused := (*pgconn.PgError)(nil); err != nil && ctx.Err() == nil && !errors.As(err, &refused) {
				f.t.Errorf("writing beside: %v", err)
				return
			}
			if i == 20 {
				close(started)
			}
		}
	}()
	<-started
	return sync.OnceFunc(func() {
		cancel()
		<-done
		if err := conn.Close(context.WithoutCancel(ctx)); err != nil {
			f.t.Errorf("closing the writer's connection: %v", err)
		}
	})
}

// equals waits until the replica has the published tables, and in them the rows, that
// Postgres has.
func (f *fixture) equals(when string) {
	f.t.Helper()
	f.eventually("the replica equals Postgres "+when, func() error {
		tables := f.replica.Tables()
		if err := f.sameTables(tables); err != nil {
			return err
		}
		for _, t := range tables {
			want, err := f.postgresRows(t)
			if err != nil {
				return err
			}
			got, err := replicaRows(f.t.Context(), f.replica, t)
			if err != nil {
				return err
			}
			if !slices.Equal(got, want) {
				return fmt.Errorf("%s.%s: Postgres has %d rows, the replica %d: %s", t.Schema, t.Name, len(want), len(got), firstDifference(want, got))
			}
		}
		return nil
	})
}

func firstDifference(want, got []string) string {
	for i := range want {
		if i >= len(got) || want[i] != got[i] {
			return fmt.Sprintf("first where Postgres has %q and the replica %q", want[i], got[min(i, len(got)):min(i+1, len(got))])
		}
	}
	return "the replica has more"
}

func (f *fixture) sameTables(tables []*change.Table) error {
	rows, err := f.pg.Query(f.t.Context(), `SELECT schemaname || '.' || tablename FROM pg_publication_tables WHERE pubname = 'everything'`)
	if err != nil {
		return err
	}
	want, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	var got []string
	for _, t := range tables {
		got = append(got, t.Schema+"."+t.Name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		return fmt.Errorf("Postgres publishes %q, the replica has %q", want, got)
	}
	return nil
}

// postgresRows reads a table as Postgres has it now, each row as one text.
func (f *fixture) postgresRows(t *change.Table) ([]string, error) {
	var columns []string
	for _, c := range t.Columns {
		name := pgx.Identifier{c.Name}.Sanitize()
		switch c.Kind {
		case change.Timestamptz:
			name = "to_char(" + name + ` AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
		case change.Bytes:
			name = `'\x' || encode(` + name + ", 'hex')"
		default:
			name += "::text"
		}
		columns = append(columns, name)
	}
	sql := "SELECT ARRAY[" + strings.Join(columns, ", ") + "] FROM " + pgx.Identifier{t.Schema, t.Name}.Sanitize()
	if t.Filter != "" {
		sql += " WHERE " + t.Filter
	}
	rows, err := f.pg.Query(f.t.Context(), sql)
	if err != nil {
		return nil, err
	}
	lines, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		var values []*string
		err := row.Scan(&values)
		return line(values), err
	})
	slices.Sort(lines)
	return lines, err
}

func replicaRows(ctx context.Context, r *replica.Replica, t *change.Table) (lines []string, err error) {
	err = r.Read(ctx, func(v replica.View) error {
		rows, err := v.Tx.QueryContext(ctx, `SELECT * FROM "`+strings.ReplaceAll(t.SQLite, `"`, `""`)+`"`)
		if err != nil {
			return err
		}
		defer rows.Close()
		names, err := rows.Columns()
		if err != nil || len(names) != len(t.Columns) {
			return fmt.Errorf("the replica's table has the columns %q (%w)", names, err)
		}
		for rows.Next() {
			cells := make([]any, len(names))
			for i := range cells {
				cells[i] = new(any)
			}
			if err := rows.Scan(cells...); err != nil {
				return err
			}
			values := make([]*string, len(t.Columns))
			for i, c := range t.Columns {
				at := slices.IndexFunc(names, func(name string) bool { return name == c.Name || name == c.Name+"_2" })
				if at < 0 {
					return fmt.Errorf("the replica's table has no column %s but %q", c.Name, names)
				}
				values[i] = asPostgres(c.Kind, *cells[at].(*any))
			}
			lines = append(lines, line(values))
		}
		return rows.Err()
	})
	slices.Sort(lines)
	return lines, err
}

func asPostgres(kind change.Kind, value any) *string {
	var text string
	switch v := value.(type) {
	case nil:
		return nil
	case int64:
		text = strconv.FormatInt(v, 10)
		if kind == change.Boolean {
			text = strconv.FormatBool(v == 1)
		}
	case float64:
		text = strconv.FormatFloat(v, 'g', -1, 64)
	case []byte:
		text = `\x` + hex.EncodeToString(v)
	case string:
		text = v
	}
	return &text
}

func line(values []*string) string {
	var b strings.Builder
	for _, v := range values {
		if v == nil {
			b.WriteString("NULL|")
		} else {
			b.WriteString(strconv.Quote(*v) + "|")
		}
	}
	return b.String()
}
