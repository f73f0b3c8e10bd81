package replicatest

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/replicate/replica"
)

var update = flag.Bool("update", false, "write what the replica holds into TYPES.md")

const typesFile = "../TYPES.md"

// example is a line of TYPES.md.
type example struct {
	line                          int    // in the file
	named                         string // the cell of the type, empty where it is the one above
	typ, literal, storage, stored string
}

// readTypes reads the page: the types it makes, and its examples.
func readTypes(t *testing.T) (text string, ddl []string, examples []example) {
	t.Helper()
	b, err := os.ReadFile(typesFile)
	must(t, err)
	text = string(b)
	_, block, ok := strings.Cut(text, "```sql\n")
	block, _, closed := strings.Cut(block, "```")
	if !ok || !closed {
		t.Fatalf("%s has no block of SQL", typesFile)
	}
	ddl = strings.Split(strings.TrimSpace(block), "\n")
	_, every, ok := strings.Cut(text, "\n## Every type\n")
	if !ok {
		t.Fatalf("%s has no chapter of every type", typesFile)
	}
	before := strings.Count(text[:len(text)-len(every)], "\n")
	typ := ""
	for i, line := range strings.Split(every, "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| type |") || strings.HasPrefix(line, "| --- |") {
			continue
		}
		cells := regexp.MustCompile(`[^\\]\|`).Split(" "+line, -1)
		if len(cells) != 6 {
			t.Fatalf("%s:%d has %d cells", typesFile, before+i+1, len(cells))
		}
		if c := code(cells[1]); c != "" {
			typ = c
		}
		examples = append(examples, example{
			line: before + i + 1, named: strings.TrimSpace(cells[1]), typ: typ, literal: code(cells[2]), storage: strings.TrimSpace(cells[3]), stored: strings.TrimSpace(cells[4]),
		})
	}
	return text, ddl, examples
}

// code takes a cell's text out of its backquotes.
func code(cell string) string {
	cell = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(cell), "`"), "`")
	return strings.ReplaceAll(cell, `\|`, "|")
}

// cell is how the page shows what SQLite holds.
func cell(v any) string {
	var s string
	switch v := v.(type) {
	case nil:
		return "NULL"
	case int64:
		s = strconv.FormatInt(v, 10)
	case float64:
		s = strconv.FormatFloat(v, 'g', -1, 64)
	case []byte:
		s = "x'" + hex.EncodeToString(v) + "'"
	case string:
		s = v
	}
	switch {
	case s == "":
		return "*empty*"
	case len(s) > 80:
		if _, ok := v.([]byte); ok {
			return "*its bytes*"
		}
		return "*its text*"
	case !utf8.ValidString(s), strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == '`' }):
		return "*its text*"
	}
	return "`" + strings.ReplaceAll(s, "|", `\|`) + "`"
}

// How the examples get into the replica: the numbers of their rows begin there.
var ways = []struct {
	name string
	from int
}{{"the copy", 0}, {"INSERT", 10_000}, {"UPDATE", 20_000}}

// unfriendly sets the database so that values look otherwise, to whoever lets it.
const unfriendly = `DO $$ DECLARE setting text; BEGIN
	FOREACH setting IN ARRAY ARRAY['datestyle = German', 'timezone = "Asia/Tokyo"', 'intervalstyle = iso_8601', 'bytea_output = escape',
		'extra_float_digits = 0', 'quote_all_identifiers = on', 'lc_monetary = "C.UTF-8"', 'search_path = public, pg_catalog', 'xmlbinary = hex'] LOOP
		EXECUTE format('ALTER DATABASE %I SET ' || setting, current_database());
	END LOOP; END $$`

func TestEveryTypeIsStoredAsThePageSays(t *testing.T) {
	text, ddl, examples := readTypes(t)
	types, columns := columnsOf(examples)
	definition := "(id integer"
	for i, typ := range types {
		definition += fmt.Sprintf(", c%d %s", i, typ)
	}
	statements := append(ddl, publishAll,
		"CREATE TABLE every "+definition+", PRIMARY KEY (id))",
		"CREATE TABLE loose "+definition+")", "ALTER TABLE loose REPLICA IDENTITY FULL")
	insert := func(from int) (out []string) {
		for i, e := range examples {
			for _, table := range []string{"every", "loose"} {
				out = append(out, fmt.Sprintf("INSERT INTO %s (id, %s) VALUES (%d, %s)", table, columns[i], from+i, e.literal))
			}
		}
		return out
	}
	statements = append(statements, together(insert(0)...))
	for _, table := range []string{"every", "loose"} {
		statements = append(statements, fmt.Sprintf("INSERT INTO %s (id) SELECT g FROM generate_series(20000, %d) g", table, 20_000+len(examples)-1))
	}
	f := database(t, append(statements, unfriendly)...)
	changes := insert(10_000)
	for i, e := range examples {
		for _, table := range []string{"every", "loose"} {
			changes = append(changes, fmt.Sprintf("UPDATE %s SET %s = %s WHERE id = %d", table, columns[i], e.literal, 20_000+i))
		}
	}
	f.exec(t, together(changes...))

	f.EqualTables(t, "every", "loose")
	if t.Failed() {
		return
	}
	// And it is what the page says.
	lines := strings.Split(text, "\n")
	for i, e := range examples {
		for _, way := range ways {
			storage, stored := held(t, f, columns[i], way.from+i)
			if *update {
				lines[e.line-1] = fmt.Sprintf("| %s | `%s` | %s | %s |", e.named, strings.ReplaceAll(e.literal, "|", `\|`), storage, stored)
				continue
			}
			if storage != e.storage || stored != e.stored {
				t.Errorf("%s:%d: %s %s by %s is stored as %s %s, the page says %s %s",
					typesFile, e.line, e.typ, e.literal, way.name, storage, stored, e.storage, e.stored)
			}
		}
	}
	if *update {
		must(t, os.WriteFile(typesFile, []byte(strings.Join(lines, "\n")), 0o644))
	}
	// Rows without a key are found again by every one of their values.
	f.exec(t, "UPDATE loose SET id = id + 1 WHERE id < 20000", "DELETE FROM loose WHERE id >= 20000")
	f.EqualTables(t, "loose")
	f.exec(t, "DELETE FROM loose", "UPDATE every SET id = -id")
	f.EqualTables(t, "every", "loose")
}

// columnsOf gives a column to each type, and names each example's column.
func columnsOf(examples []example) (types, columns []string) {
	for _, e := range examples {
		i := slices.Index(types, e.typ)
		if i < 0 {
			i = len(types)
			types = append(types, e.typ)
		}
		columns = append(columns, fmt.Sprintf("c%d", i))
	}
	return types, columns
}

// held says what SQLite has in a row, in the words of the page.
func held(t *testing.T, f *Follower, column string, id int) (storage, stored string) {
	t.Helper()
	must(t, f.Replica.Read(t.Context(), func(v replica.View) error {
		var value any
		if err := v.Tx.QueryRow("SELECT typeof("+column+"), "+column+" FROM every WHERE id = ?", id).Scan(&storage, &value); err != nil {
			return fmt.Errorf("row %d: %w", id, err)
		}
		stored = cell(value)
		return nil
	}))
	return storage, stored
}

// A new version of Postgres may bring a type of which the page says nothing.
func TestThePageNamesEveryTypeOfPostgres(t *testing.T) {
	text, ddl, examples := readTypes(t)
	types, _ := columnsOf(examples)
	f := database(t, append(ddl, publishAll, "CREATE TABLE one (id int PRIMARY KEY)")...)
	rows, _ := f.Postgres(t, `SELECT format_type(oid, NULL) FROM pg_type
		WHERE typtype IN ('b', 'd', 'e', 'r', 'm') AND typcategory <> 'A' AND typname NOT LIKE '\_%'
		AND typnamespace <> 'information_schema'::regnamespace`)
	if len(rows) < 80 {
		t.Errorf("Postgres has %d types only", len(rows))
	}
	for _, row := range rows {
		name, err := strconv.Unquote(row)
		must(t, err)
		name = strings.TrimPrefix(name, "public.")
		named := slices.ContainsFunc(types, func(typ string) bool {
			return typ == name || regexp.MustCompile(`\([-0-9,]+\)`).ReplaceAllString(typ, "") == name
		})
		if !named && !strings.Contains(text, "`"+name+"`") {
			t.Errorf("%s does not name %s", typesFile, name)
		}
	}
}

func TestHugeValuesSurvive(t *testing.T) {
	const size = 50 << 20
	f := database(t, publishAll, "CREATE TABLE huge (id int PRIMARY KEY, b bytea, x text)",
		// Compressible, for the disk's sake; all the same it travels whole.
		fmt.Sprintf("INSERT INTO huge VALUES (1, decode(repeat('00ff0a5c', %d), 'hex'), NULL), (2, NULL, NULL)", size/4))
	f.exec(t,
		"INSERT INTO huge SELECT 3, b, NULL FROM huge WHERE id = 1",
		"UPDATE huge SET b = (SELECT substr(b, 1, 4000000) FROM huge WHERE id = 1) WHERE id = 2",
		"UPDATE huge SET x = 'large value unchanged'")
	f.CatchUp(t)
	want := bytes.Repeat([]byte{0x00, 0xff, 0x0a, 0x5c}, size/4)
	must(t, f.Replica.Read(t.Context(), func(v replica.View) error {
		for id := 1; id <= 3; id++ {
			var got []byte
			var x string
			if err := v.Tx.QueryRow("SELECT b, x FROM huge WHERE id = ?", id).Scan(&got, &x); err != nil {
				return err
			}
			if id == 2 && len(got) == 4000000 {
				got = append(got, want[len(got):]...)
			}
			if !bytes.Equal(got, want) || x != "large value unchanged" {
				t.Errorf("row %d holds %d other bytes, and %q", id, len(got), x)
			}
		}
		return nil
	}))
}

// What a value's text depends on besides the value is fixed, whatever the database's
// own settings are, and otherwise happens as the page says.
func TestTextThatDependsOnMoreThanTheValue(t *testing.T) {
	f := database(t, publishAll, "CREATE TYPE mood AS ENUM ('sad', 'ok')",
		"CREATE TABLE keyed (id int PRIMARY KEY, m mood, c regclass)", "CREATE TABLE loose (m mood)", "ALTER TABLE loose REPLICA IDENTITY FULL",
		"CREATE TABLE named (id int PRIMARY KEY)",
		"INSERT INTO keyed VALUES (1, 'sad', 'named')", "INSERT INTO loose VALUES ('sad')")
	f.exec(t, "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'", "ALTER TABLE named RENAME TO renamed", "INSERT INTO keyed VALUES (2, 'blue', 'renamed')")
	f.CatchUp(t)
	_, types := f.Postgres(t, "SELECT m, c FROM public.keyed")
	if got, want := f.SQLite(t, types, "SELECT m, c FROM keyed ORDER BY id"), []string{`"sad" "public.named"`, `"blue" "public.renamed"`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	f.exec(t, "UPDATE keyed SET m = m, c = c")
	f.EqualTables(t, "keyed")
	f.exec(t, "DELETE FROM loose")
	if err := f.Try(t); err == nil || !strings.Contains(err.Error(), "hit 0 rows") {
		t.Errorf("the row that is called otherwise was found: %v", err)
	}
}

func TestTextIsUTF8WhateverTheDatabaseIs(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Cluster(t)
	for _, encoding := range []struct{ name, inserted, want string }{
		{"LATIN1", "'Ä' || chr(255)", `"\u00c4\u00ff"`},
		{"EUC_JP", "'名前'", `"\u540d\u524d"`},
		{"SQL_ASCII", `E'\xc3\x84'`, `"\u00c4"`},
	} {
		name := strings.ToLower(encoding.name)
		pgtest.Exec(t, cluster.URL("postgres"), "CREATE DATABASE "+name+" ENCODING "+encoding.name+" LOCALE 'C' TEMPLATE template0")
		pgtest.Exec(t, cluster.URL(name), "SET client_encoding = 'UTF8'", publishAll, "CREATE TABLE text (id int PRIMARY KEY, x text)", "INSERT INTO text VALUES (1, "+encoding.inserted+")")
		f := Follow(t, cluster.URL(name), "outpost")
		f.exec(t, "SET client_encoding = 'UTF8'", "INSERT INTO text VALUES (2, "+encoding.inserted+")", "INSERT INTO text VALUES (3)", "UPDATE text SET x = "+encoding.inserted+" WHERE id = 3")
		f.EqualTables(t, "text")
		for _, row := range f.SQLite(t, []uint32{25}, "SELECT x FROM text") {
			if text, err := strconv.Unquote(row); err != nil || strconv.QuoteToASCII(text) != encoding.want {
				t.Errorf("%s: got %s, want %s", encoding.name, row, encoding.want)
			}
		}
	}
}
