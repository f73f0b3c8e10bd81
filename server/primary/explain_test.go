package primary_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/pgcluster/pgtest"
)

// TestNoStatementScansATableThatGrows asks Postgres for the generic plan of every statement. With
// sequential scans made expensive, one that is left has no index to use.
func TestNoStatementScansATableThatGrows(t *testing.T) {
	_, url := open(t)
	conn := pgtest.Connect(t, url)
	exec := func(statement string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), statement, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	exec("SET enable_seqscan = off")
	exec("SET plan_cache_mode = force_generic_plan")
	queries := generated(t)
	queries["hand_out"] = value[string](t, url, `SELECT prosrc FROM pg_proc WHERE proname = 'hand_out'`)
	const control = "control"
	queries[control] = "SELECT * FROM users WHERE department = $1"
	found := false
	for name, text := range queries {
		if name == "LockSigningKeys" {
			continue // LOCK has no plan
		}
		exec("PREPARE statement AS " + text)
		call := "EXPLAIN (FORMAT JSON) EXECUTE statement"
		if n := parameters(text); n > 0 {
			call += "(" + strings.TrimSuffix(strings.Repeat("NULL,", n), ",") + ")"
		}
		var plan string
		if err := conn.QueryRow(t.Context(), call, pgx.QueryExecModeSimpleProtocol).Scan(&plan); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var tree any
		if err := json.Unmarshal([]byte(plan), &tree); err != nil {
			t.Fatal(err)
		}
		for _, table := range scanned(tree) {
			if name == control {
				found = true
				continue
			}
			if table != "signing_keys" && table != "signing_key_secrets" { // a few, ever
				t.Errorf("%s walks all of %s", name, table)
			}
		}
		exec("DEALLOCATE statement")
	}
	if !found {
		t.Error("the test does not see a scan where there is one")
	}
}

// scanned finds the tables that a plan reads from end to end.
func scanned(node any) (tables []string) {
	switch n := node.(type) {
	case []any:
		for _, child := range n {
			tables = append(tables, scanned(child)...)
		}
	case map[string]any:
		_, conditional := n["Index Cond"]
		kind, _ := n["Node Type"].(string)
		// An index that is walked without a condition is a scan too.
		if kind == "Seq Scan" || strings.HasPrefix(kind, "Index") && !conditional {
			table, _ := n["Relation Name"].(string)
			tables = append(tables, table)
		}
		for _, child := range n {
			tables = append(tables, scanned(child)...)
		}
	}
	return tables
}

func parameters(text string) int {
	highest := 0
	for _, m := range regexp.MustCompile(`\$(\d+)`).FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(m[1])
		highest = max(highest, n)
	}
	return highest
}

// generated reads the text of every query that sqlc generated.
func generated(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("pgsql/*.sql.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no generated queries: %v", err)
	}
	queries := make(map[string]string)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if c, ok := n.(*ast.BasicLit); ok && strings.HasPrefix(c.Value, "`-- name: ") {
				text, err := strconv.Unquote(c.Value)
				if err != nil {
					t.Fatal(err)
				}
				queries[strings.Fields(text)[2]] = text
			}
			return true
		})
	}
	return queries
}
