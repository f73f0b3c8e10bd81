package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/change"
	"outpost/replicate/replica"
	"outpost/replicate/replicatest"
)

// seedVariable gives one seed to run; else the short round has some of its own, so that it
// fails only where something changed, and the long round draws them.
const seedVariable = "OUTPOST_TEST_SEED"

// TestRandomHistoriesEndEqual lets random sessions write to random tables and alter them,
// while hub, edge and Postgres end and come back at random. Whenever all is quiet both
// replicas must be what Postgres is, and no new copy may have been made without need.
func TestRandomHistoriesEndEqual(t *testing.T) {
	seeds, steps := []uint64{20261124, 7, 42}, 150
	if os.Getenv("OUTPOST_TEST_LONG") != "" {
		seeds, steps = make([]uint64, 8), 600
		for i := range seeds {
			seeds[i] = uint64(rand.Uint32())
		}
	}
	if text := os.Getenv(seedVariable); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seeds = []uint64{seed}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			w := newWorld(t, seed)
			w.compare()
			for i := range steps {
				w.step()
				if w.chance(40) {
					w.crash()
				}
				if w.chance(80) || i == steps-1 {
					w.quiet()
					w.compare()
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}

// compare waits until the replicas equal Postgres, and go on doing so when the catalogue
// was looked at.
func (w *world) compare() {
	w.t.Helper()
	w.note("compare")

	w.until("the replicas equal Postgres", w.equal)
	looks := w.f.hub.progress.Looks()
	w.until("the catalogue is looked at", func() error {
		if n := w.f.hub.progress.Looks(); n < looks+2 {
			return fmt.Errorf("%d times", n-looks)
		}
		return nil
	})
	w.until("the replicas still equal Postgres", w.equal)
	w.reasons()
	w.mayCopy = false
}

// until waits for a condition longer than other tests do: a restarted edge may pause.
func (w *world) until(what string, condition func() error) {
	w.t.Helper()
	w.f.within(time.Minute, what, condition)
}

// reasons looks through what the hub and the edge said since the world began.
func (w *world) reasons() {
	log := w.f.logged.String()
	for line := range strings.Lines(log[w.told:]) {
		_, reason, _ := strings.Cut(line, "reason=")
		switch {
		case strings.Contains(line, "the primary's own replica"), strings.Contains(line, "hit 0 rows"), strings.Contains(line, "constraint"):
			w.t.Errorf("a replica refused what it was sent: %s", line)
		case strings.Contains(reason, "through the publication's row filter"), strings.Contains(reason, "was filled in the transaction that"):
			// README.md and SCHEMA.md say so.
		case !strings.Contains(line, "beginning a new generation"), w.mayCopy, strings.Contains(reason, "beginning was cut off"):
		case w.emptied && (strings.Contains(reason, "it was rewritten") || strings.Contains(reason, "truncated or rewritten")):
		default:
			w.t.Errorf("a new copy was made without need: %s", reason)
		}
	}
	w.told = len(log)
}

// equal compares both replicas with Postgres.
func (w *world) equal() error {
	want, err := published(w.t.Context(), w.pg, w.admin)
	if err != nil {
		return err
	}
	for name, r := range map[string]*replica.Replica{"the primary's replica": w.f.replica, "the edge": w.edge} {
		if err := sameAs(w.t.Context(), want, r); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// contents is a published table as Postgres has it.
type contents struct {
	columns []string
	types   []uint32
	rows    []string
}

// published reads everything that is. It asks no code of the product's.
func published(ctx context.Context, pg *pgx.Conn, url string) (map[string]contents, error) {
	rows, err := pg.Query(ctx, `SELECT schemaname, tablename, coalesce(rowfilter, 'true'), array_agg(attname ORDER BY attnum),
			array_agg(quote_ident(attname) || CASE typtype WHEN 'd' THEN '::text' ELSE '' END ORDER BY attnum)
		FROM pg_publication_tables
		JOIN pg_class c ON relname = tablename AND relnamespace = quote_ident(schemaname)::regnamespace AND relpersistence = 'p'
		JOIN pg_attribute a ON attrelid = c.oid AND attname = ANY (attnames) AND attgenerated = ''
		JOIN pg_type y ON y.oid = atttypid
		WHERE pubname = 'everything' GROUP BY 1, 2, 3`)
	if err != nil {
		return nil, err
	}
	type line struct {
		Schema, Name, Filter string
		Columns, Expressions []string
	}
	tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[line])
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // only read from
	if _, err := conn.PgConn().Exec(ctx, `SET TimeZone = 'UTC'; SET DateStyle = ISO; SET IntervalStyle = postgres; SET extra_float_digits = 3;
		SET bytea_output = hex; SET lc_monetary = 'C'; SET search_path = pg_catalog`).ReadAll(); err != nil {
		return nil, err
	}
	all := make(map[string]contents)
	for _, t := range tables {
		c := contents{columns: t.Columns}
		result := conn.PgConn().ExecParams(ctx, "SELECT "+strings.Join(t.Expressions, ", ")+" FROM "+ident(t.Schema, t.Name)+" WHERE "+t.Filter, nil, nil, nil, nil)
		for _, field := range result.FieldDescriptions() {
			c.types = append(c.types, field.DataTypeOID)
		}
		for result.NextRow() {
			c.rows = append(c.rows, postgresLine(c.types, result.Values()))
		}
		if _, err := result.Close(); err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t.Schema, t.Name, err)
		}
		slices.Sort(c.rows)
		all[t.Schema+"."+t.Name] = c
	}
	return all, nil
}

// between stands between the fields of a row; each is quoted.
const between = "\x1f"

// difference tells some of the fields, or the rows, in which a replica differs.
func (c *contents) difference(got []string) string {
	for i, row := range c.rows {
		if i >= len(got) || row == got[i] {
			continue
		}
		var told []string
		have := strings.Split(got[i], between)
		for n, field := range strings.Split(row, between) {
			if field != have[n] {
				told = append(told, fmt.Sprintf("%s is %.60s in Postgres and %.60s in the replica", c.columns[n], field, have[n]))
			}
		}
		return fmt.Sprintf("row %.60s: %s", row, strings.Join(told[:min(8, len(told))], "; "))
	}
	return firstDifference(c.rows, got)
}

func postgresLine(types []uint32, values [][]byte) string {
	fields := make([]string, len(values))
	for i, v := range values {
		text := string(v)
		switch number, err := strconv.ParseFloat(text, 64); {
		case v == nil:
			fields[i] = "NULL"
		case (types[i] == 700 || types[i] == 701) && err == nil:
			fields[i] = strconv.FormatFloat(number, 'e', -1, 64)
		default:
			fields[i] = strconv.Quote(text)
		}
	}
	return strings.Join(fields, between)
}

// readable is a replica of this process, or of another.
type readable interface {
	Read(ctx context.Context, fn func(replica.View) error) error
}

// sameAs says in what a replica is not as it should be.
func sameAs(ctx context.Context, want map[string]contents, r readable) error {
	return r.Read(ctx, func(v replica.View) error {
		tables, err := v.Tables(ctx)
		if err != nil {
			return err
		}
		got := make(map[string]*change.Table)
		for _, t := range tables {
			got[t.Schema+"."+t.Name] = t
		}
		names := slices.Sorted(maps.Keys(want))
		if has := slices.Sorted(maps.Keys(got)); !slices.Equal(has, names) || len(has) != len(tables) {
			return fmt.Errorf("Postgres publishes %q, the replica has %q", names, has)
		}
		for _, name := range names {
			if err := sameTable(ctx, want[name], got[name], v); err != nil {
				return fmt.Errorf("at %s, table %s: %w", v.At.Position, name, err)
			}
		}
		return nil
	})
}

func sameTable(ctx context.Context, want contents, t *change.Table, v replica.View) error {
	var columns []string
	for _, name := range replicaNames(want.columns) {
		columns = append(columns, `"`+strings.ReplaceAll(name, `"`, `""`)+`"`)
	}
	name := `"` + strings.ReplaceAll(t.SQLite, `"`, `""`) + `"`
	var count int
	if err := v.Tx.QueryRowContext(ctx, "SELECT count(*) FROM pragma_table_info(?)", t.SQLite).Scan(&count); err != nil {
		return err
	}
	if count != len(columns) {
		return fmt.Errorf("it has %d columns, not %q", count, columns)
	}
	rows, err := v.Tx.QueryContext(ctx, "SELECT "+strings.Join(columns, ", ")+" FROM "+name)
	if err != nil {
		return err
	}
	defer rows.Close()
	if have, err := rows.Columns(); err != nil || !slices.Equal(have, replicaNames(want.columns)) {
		return errors.Join(err, fmt.Errorf("it has columns %q", have)) // SQLite takes an unknown name for a text
	}
	var got []string
	values, places := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		places[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return err
		}
		fields := make([]string, len(values))
		for i, value := range values {
			fields[i] = replicatest.Text(want.types[i], value)
		}
		got = append(got, strings.Join(fields, between))
	}
	if err := rows.Err(); err != nil {
		return err
	}
	slices.Sort(got)
	if !slices.Equal(got, want.rows) {
		return fmt.Errorf("Postgres has %d rows, the replica %d; %s", len(want.rows), len(got), want.difference(got))
	}
	return nil
}

// replicaNames is what README.md says of the names of columns.
func replicaNames(names []string) []string {
	fold := func(s string) string {
		b := []byte(s)
		for i, c := range b {
			if 'A' <= c && c <= 'Z' {
				b[i] = c + 32
			}
		}
		return string(b)
	}
	taken, seen, hidden := map[string]bool{}, map[string]bool{}, 0
	for _, name := range names {
		taken[fold(name)] = true
	}
	out := make([]string, len(names))
	for i, name := range names {
		f := fold(name)
		again := seen[f]
		if !again && (f == "rowid" || f == "_rowid_" || f == "oid") {
			hidden++
			again = hidden == 3
		}
		seen[f] = true
		for n := 2; again; n++ {
			next := names[i] + "_" + strconv.Itoa(n)
			name, again = next, taken[fold(next)]
		}
		taken[fold(name)] = true
		out[i] = cmp.Or(name, names[i])
	}
	return out
}
