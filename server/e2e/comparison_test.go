package e2e

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// comparison reads all of a database and all of a file, and makes Postgres' text out of what the
// file holds. It calls nothing of the program: what it knows, it knows from replicate/TYPES.md and
// README.md.
type comparison struct {
	postgres *pgx.Conn
	file     *sql.DB
}

// standardText makes Postgres print values as replicate/TYPES.md says.
const standardText = `SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; SET bytea_output = 'hex'; SET lc_monetary = 'C'; SET search_path = 'pg_catalog'`

// comparedTable is a table whose rows can be told apart.
type comparedTable struct {
	schema, name, replica string
	only                  string // ONLY where others inherit from it: they are tables of their own
	columns               []comparedColumn
}

type comparedColumn struct{ name, replica, kind string }

// compareEverything wants the file to have the tables of the database that can be
// replicated, no other, and in each the same rows. Nobody may write meanwhile. It gives the
// number of rows of each table.
func compareEverything(ctx context.Context, url, path string) (counts map[string]int, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	if _, err := conn.Exec(ctx, standardText); err != nil {
		return nil, err
	}
	file, err := sql.Open("sqlite", "file:"+path+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	c := comparison{conn, file}
	tables, err := c.tables(ctx)
	if err != nil {
		return nil, err
	}
	there, err := lines(ctx, file, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\_outpost\_%' ESCAPE '\' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`)
	if err != nil {
		return nil, err
	}
	var want []string
	for _, t := range tables {
		want = append(want, t.replica)
	}
	slices.Sort(want)
	if !slices.Equal(there, want) {
		return nil, fmt.Errorf("the file has the tables %q, want %q", there, want)
	}
	counts = make(map[string]int)
	for _, t := range tables {
		n, err := c.table(ctx, t)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t.schema, t.name, err)
		}
		counts[t.schema+"."+t.name] = n
	}
	return counts, nil
}

func (c comparison) tables(ctx context.Context) (tables []comparedTable, err error) {
	const query = `SELECT n.nspname, c.relname, CASE c.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END, a.attname, CASE t.typtype WHEN 'd' THEN 'a domain' ELSE t.typname END
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
		WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'outpost') AND n.nspname NOT LIKE 'pg\_toast%'
		AND c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition
		AND (c.relreplident = 'f' OR EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND CASE c.relreplident WHEN 'd' THEN i.indisprimary ELSE i.indisreplident END))
		AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
		ORDER BY n.nspname, c.relname, a.attnum`
	rows, err := c.postgres.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	var schema, name, only, column, kind string
	taken := make(map[string]bool) // SQLite cannot tell "group" from "Group"
	_, err = pgx.ForEachRow(rows, []any{&schema, &name, &only, &column, &kind}, func() error {
		if last := len(tables) - 1; last < 0 || tables[last].schema != schema || tables[last].name != name {
			t := comparedTable{schema: schema, name: name, replica: schema + "_" + name, only: only}
			if schema == "public" {
				t.replica = name
			}
			tables = append(tables, t)
			clear(taken)
		}
		in := column
		if taken[strings.ToLower(column)] {
			in += "_2"
		}
		taken[strings.ToLower(column)] = true
		t := &tables[len(tables)-1]
		t.columns = append(t.columns, comparedColumn{column, in, kind})
		return nil
	})
	return tables, err
}

// table compares the rows of one as a bag: equal ones may stand there more than once.
func (c comparison) table(ctx context.Context, t comparedTable) (int, error) {
	columns, err := lines(ctx, c.file, "SELECT name FROM pragma_table_xinfo("+quoted(t.replica, `'`)+") ORDER BY name")
	if err != nil {
		return 0, err
	}
	var format, expressions, want, selected []string
	for _, column := range t.columns {
		expression := quoted(column.name, `"`)
		switch column.kind {
		case "float4": // the number nearest to its shortest text
			expression = "encode(float8send(" + expression + "::text::float8), 'hex')"
		case "float8":
			expression = "encode(float8send(" + expression + "), 'hex')"
		}
		format, expressions = append(format, strings.ReplaceAll(column.name, "%", "%%")+"=%L"), append(expressions, expression)
		want, selected = append(want, column.replica), append(selected, quoted(column.replica, `"`))
	}
	slices.Sort(want)
	if !slices.Equal(columns, want) {
		return 0, fmt.Errorf("the file has the columns %q, want %q", columns, want)
	}
	rows, err := c.postgres.Query(ctx, fmt.Sprintf("SELECT format(%s, %s) FROM %s%s.%s", quoted(strings.Join(format, " "), `'`), strings.Join(expressions, ", "),
		t.only, quoted(t.schema, `"`), quoted(t.name, `"`)))
	if err != nil {
		return 0, err
	}
	primary, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return 0, err
	}
	held, err := c.held(ctx, t, "SELECT "+strings.Join(selected, ", ")+" FROM "+quoted(t.replica, `"`))
	if err != nil {
		return 0, err
	}
	surplus := make(map[string]int)
	for _, row := range primary {
		surplus[row]++
	}
	for _, row := range held {
		surplus[row]--
	}
	var only []string
	for row, n := range surplus {
		if n != 0 && len(only) < 6 {
			only = append(only, fmt.Sprintf("%+d in Postgres: %.400s", n, row))
		}
	}
	if only != nil {
		return 0, fmt.Errorf("Postgres has %d rows, the file %d, and they differ:\n%s", len(primary), len(held), strings.Join(only, "\n"))
	}
	return len(primary), nil
}

// held gives the rows of the file as Postgres would print them.
func (c comparison) held(ctx context.Context, t comparedTable, query string) (all []string, err error) {
	rows, err := c.file.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	values, places := make([]any, len(t.columns)), make([]any, len(t.columns))
	for i := range values {
		places[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return nil, err
		}
		fields := make([]string, len(values))
		for i, column := range t.columns {
			text, err := printed(column.kind, values[i])
			if err != nil {
				return nil, fmt.Errorf("column %s: %w", column.name, err)
			}
			fields[i] = column.name + "=" + text
		}
		all = append(all, strings.Join(fields, " "))
	}
	return all, rows.Err()
}

// printed is what format('%L') makes of the value in Postgres.
func printed(kind string, v any) (string, error) {
	text, ok := v.(string)
	if v == nil {
		return "NULL", nil
	}
	switch kind {
	case "bool":
		n, is := v.(int64)
		text, ok = map[int64]string{0: "f", 1: "t"}[n], is && (n == 0 || n == 1)
	case "int2", "int4", "int8", "oid":
		var n int64
		n, ok = v.(int64)
		text = strconv.FormatInt(n, 10)
	case "bytea":
		var b []byte
		b, ok = v.([]byte)
		text = `\x` + hex.EncodeToString(b)
	case "float4", "float8":
		text, ok = bitsOf(v)
	case "timestamp":
		text, ok = moment(text, "", "")
	case "timestamptz":
		text, ok = moment(text, "Z", "+00")
	}
	if !ok {
		return "", fmt.Errorf("%T %.80v is no %s", v, v, kind)
	}
	text = quoted(text, `'`)
	if strings.Contains(text, `\`) {
		text = "E" + strings.ReplaceAll(text, `\`, `\\`)
	}
	return text, nil
}

// bitsOf is a float as float8send has it. What SQLite cannot hold as a number is a word.
func bitsOf(v any) (string, bool) {
	if word, ok := v.(string); ok {
		bits, ok := map[string]string{"NaN": "7ff8000000000000", "-0": "8000000000000000", "Infinity": "7ff0000000000000", "-Infinity": "fff0000000000000"}[word]
		return bits, ok
	}
	n, ok := v.(float64)
	return fmt.Sprintf("%016x", math.Float64bits(n)), ok && (n != 0 || !math.Signbit(n))
}

// moment takes away what a file adds to a timestamp: the T, zeros, and the Z of one with a zone.
func moment(text, zone, shown string) (string, bool) {
	date, clock, found := strings.Cut(text, "T")
	if !found {
		return text, text == "infinity" || text == "-infinity"
	}
	clock, zoned := strings.CutSuffix(clock, zone)
	whole, fraction, _ := strings.Cut(clock, ".")
	if clock = strings.TrimRight(clock, "0"); fraction == "000000" {
		clock = whole
	}
	return date + " " + clock + shown, zoned && len(whole) == len("23:59:59") && len(fraction) == len("000000")
}

func quoted(name, quote string) string {
	return quote + strings.ReplaceAll(name, quote, quote+quote) + quote
}
