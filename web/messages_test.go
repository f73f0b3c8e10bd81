package web

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestTheAPIsMessagesAreTranslated holds messages/de.yaml against what the API's code says to people.
func TestTheAPIsMessagesAreTranslated(t *testing.T) {
	said := messagesIn(t, "../server/api", "../server/training", "../server/primary", "../server/auth")
	if len(said) < 100 {
		t.Fatalf("only %d messages were found in the code", len(said))
	}
	translated, err := loadMessages()
	if err != nil {
		t.Fatal(err)
	}
	used := make(map[string]bool)
	for _, message := range said {
		if i := slices.IndexFunc(translated["de"], func(m saying) bool { return m.of == message }); i < 0 {
			t.Errorf("messages/de.yaml lacks %q", message)
		}
		used[message] = true
	}
	for _, m := range translated["de"] {
		if !used[m.of] {
			t.Errorf("messages/de.yaml has %q, which nothing says", m.of)
		}
	}
}

// messagesIn finds the texts that become a problem's detail or a field's message.
func messagesIn(t *testing.T, folders ...string) (found []string) {
	t.Helper()
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".gen.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				for _, e := range spoken(n) {
					if literal, ok := e.(*ast.BasicLit); ok && literal.Kind == token.STRING {
						text, err := strconv.Unquote(literal.Value)
						if err != nil {
							t.Fatal(err)
						}
						if strings.Contains(text, " ") {
							found = append(found, text)
						}
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// spoken are the expressions in n that are said to people.
func spoken(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.CallExpr:
		at := map[string]int{"InvalidField": 1, "invalidField": 1, "wrong": 1, "unavailable": 0, "badRequest": 0}
		name := ""
		switch f := n.Fun.(type) {
		case *ast.Ident:
			name = f.Name
		case *ast.SelectorExpr:
			name = f.Sel.Name
			if x, ok := f.X.(*ast.Ident); name == "Errorf" && ok && x.Name == "training" {
				at["Errorf"] = 1
			}
		}
		if i, ok := at[name]; ok && len(n.Args) > i {
			return []ast.Expr{n.Args[i]}
		}
	case *ast.ReturnStmt: // of what says why a password is weak
		if len(n.Results) == 1 {
			if literal, ok := n.Results[0].(*ast.BasicLit); ok && (strings.HasPrefix(literal.Value, `"must `) || strings.HasPrefix(literal.Value, `"is `)) {
				return n.Results
			}
		}
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && (key.Name == "Message" || key.Name == "detail") {
			if call, ok := n.Value.(*ast.CallExpr); ok && len(call.Args) > 0 {
				return call.Args[:1]
			}
			return []ast.Expr{n.Value}
		}
	}
	return nil
}

// TestMessagesKeepWhatTheySay fills blanks in, and leaves alone what it does not know.
func TestMessagesKeepWhatTheySay(t *testing.T) {
	for said, want := range map[string]string{
		"must be at most 800 bytes long":               "darf höchstens 800 Bytes lang sein",
		"No attempt is left: 3 of 3 were used.":        "Es ist kein Versuch mehr übrig: 3 von 3 sind verbraucht.",
		"is something that no translator has seen yet": "is something that no translator has seen yet",
		"must be at most 1024 bytes long":              "darf höchstens 1024 Bytes lang sein",
	} {
		got, err := translate("de", said)
		if err != nil || got != want {
			t.Errorf("%q in German is %q (%v), want %q", said, got, err, want)
		}
	}
	if got, err := translate("en", "is taken"); err != nil || got != "is taken" {
		t.Errorf("in English it is %q (%v)", got, err)
	}
}
