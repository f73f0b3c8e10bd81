package hub

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// The names that random worlds give their schemas, tables and columns.
var (
	worldSchemas = []string{"public", "s", "S", "we ird"}
	worldNames   = []string{
		"a", "A", "b", "plain", "two words", `q"uote`, "it's", "Ünï 名前", "UPPER", "upper", "select", "order", "rowid", "oid",
		"_rowid_", "ROWID", "sqlite_x", "_outpost_x", "100%", `back\slash`, "dot.ted", "null", "s_a", "s_A", "value_2", "value",
		"VALUE", "x_2", "X", "x", strings.Repeat("long", 15) + "xyz", "$1", "a;b", "--c",
	}
)

// typed is a type of TYPES.md as Postgres prints it, and its examples.
type typed struct {
	name     string
	literals []string
	domain   bool // adding a column of it rewrites the table
}

// keyTypes are those that keys of random tables are made of.
var keyTypes = []string{
	"integer", "bigint", "smallint", "text", "uuid", "numeric", "timestamp with time zone", "bytea", "date",
	"character varying(30)", "double precision", "boolean", "timestamp without time zone", "interval", "citext",
}

// readTypesMD gives the statements that make the page's types, and of each type its
// examples. What prints the names of other objects is left out: it changes when they do.
func readTypesMD(t *testing.T) (ddl []string, types []typed) {
	t.Helper()
	text, err := os.ReadFile("../TYPES.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```sql\n")
	block, rest, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("TYPES.md has no block of SQL")
	}
	cells := regexp.MustCompile(`[^\\]\|`)
	named := regexp.MustCompile(`^(reg|aclitem|refcursor)`)
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| type |") || strings.HasPrefix(line, "| --- |") {
			continue
		}
		parts := cells.Split(" "+strings.TrimRight(line, "\n"), -1)
		if len(parts) != 6 {
			continue
		}
		cell := func(i int) string {
			return strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(parts[i]), "`"), "`"), `\|`, "|")
		}
		if name := cell(1); name != "" {
			types = append(types, typed{name: name})
		}
		if len(types) > 0 {
			last := &types[len(types)-1]
			last.literals = append(last.literals, cell(2))
		}
	}
	kept := types[:0]
	for _, typ := range types {
		if !named.MatchString(typ.name) {
			kept = append(kept, typ)
		}
	}
	if len(kept) < 80 {
		t.Fatalf("TYPES.md has %d types", len(kept))
	}
	return strings.Split(strings.TrimSpace(block), "\n"), kept
}

// learnTypes replaces the page's names by those that format_type prints, and finds domains.
func (w *world) learnTypes(page []typed) {
	w.t.Helper()
	var columns []string
	for i, typ := range page {
		columns = append(columns, fmt.Sprintf("c%d %s", i, typ.name))
	}
	w.must("CREATE TEMP TABLE page (" + strings.Join(columns, ", ") + ")")
	rows, err := w.pg.Query(w.t.Context(), `SELECT format_type(atttypid, atttypmod), typtype = 'd' FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
		WHERE attrelid = 'page'::regclass AND attnum > 0 ORDER BY attnum`)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; rows.Next(); i++ {
		typ := page[i]
		if err := rows.Scan(&typ.name, &typ.domain); err != nil {
			w.t.Fatal(err)
		}
		w.types = append(w.types, typ)
		w.literals[typ.name] = typ.literals
		w.domains[typ.name] = typ.domain
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	w.must("DROP TABLE page")
}

// literal draws a value for a column: an example of TYPES.md, or for common types one
// of very many.
func (w *world) literal(c worldColumn) string {
	if !c.NotNull && w.chance(12) {
		return "NULL"
	}
	n := w.rand.IntN(100_000)
	switch c.Type {
	case "region":
		return w.pick("'eu'", "'us'", "'asia'")
	case "mood":
		return fmt.Sprintf("(SELECT (array_agg(enumlabel ORDER BY oid))[1 + %d %% count(*)] FROM pg_enum WHERE enumtypid = 'public.mood'::regtype)::text::public.mood", n)
	}
	if examples := w.literals[c.Type]; len(examples) > 0 && (w.chance(3) && !c.Key || w.chance(20)) {
		return examples[w.rand.IntN(len(examples))]
	}
	switch c.Type {
	case "integer", "bigint", "numeric", "oid":
		return fmt.Sprint(n)
	case "smallint":
		return fmt.Sprint(n % 32000)
	case "boolean":
		return w.pick("true", "false")
	case "text", "citext", "character varying":
		return w.pick(fmt.Sprintf("'text %d'", n), fmt.Sprintf("'Ä😀 %d'", n), fmt.Sprintf("repeat(md5('%d'), %d)", n, 1+w.rand.IntN(4)))
	case "character varying(30)":
		return fmt.Sprintf("'v %d'", n)
	case "uuid":
		return fmt.Sprintf("md5('%d')::uuid", n)
	case "bytea":
		return fmt.Sprintf("decode(md5('%d'), 'hex')", n)
	case "date":
		return fmt.Sprintf("'2000-01-01'::date + %d", n)
	case "timestamp with time zone", "timestamp without time zone":
		return fmt.Sprintf("'2000-01-01 00:00:00.%03d'::timestamp + interval '%d minutes'", n%1000, n)
	case "interval":
		return fmt.Sprintf("interval '%d seconds'", n)
	case "double precision", "real":
		return fmt.Sprintf("%d / 7.0", n)
	case "jsonb":
		return fmt.Sprintf(`'{"n": %d, "b": [1, null, "ä"]}'`, n)
	}
	if examples := w.literals[c.Type]; len(examples) > 0 {
		return examples[w.rand.IntN(len(examples))]
	}
	return "NULL"
}

func (w *world) pick(from ...string) string { return from[w.rand.IntN(len(from))] }

// chance is true once in n times.
func (w *world) chance(n int) bool { return w.rand.IntN(n) == 0 }

func ident(parts ...string) string { return pgx.Identifier(parts).Sanitize() }
