package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module is what every package of ours begins with.
const module = "outpost"

// pkg is what `go list -json` says about a package.
type pkg struct {
	ImportPath   string
	Name         string
	Doc          string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// TestArrows holds the house's own rule of who may know whom.
func TestArrows(t *testing.T) {
	for _, broken := range check(list(t), confinements(), arrows()) {
		t.Error(broken)
	}
}

// TestArrowsNameWhatExists keeps the rules from going quietly out of use when a
// package or a library is renamed.
func TestArrowsNameWhatExists(t *testing.T) {
	packages := list(t)
	exists := func(path string) bool {
		return slices.ContainsFunc(packages, func(p pkg) bool { return within(p.ImportPath, module+"/"+path) })
	}
	imported := func(library string) bool {
		return slices.ContainsFunc(packages, func(p pkg) bool {
			return slices.ContainsFunc(p.Imports, func(i string) bool { return within(i, library) })
		})
	}
	for _, c := range confinements() {
		if !imported(c.library) {
			t.Errorf("a rule names %s, which nothing imports", c.library)
		}
		for _, where := range c.where {
			if !exists(where) {
				t.Errorf("the rule about %s names %s, which does not exist", c.library, where)
			}
		}
	}
	for _, a := range arrows() {
		for _, path := range slices.Concat([]string{a.from}, a.except, a.to, a.but) {
			if path != anything && !exists(path) {
				t.Errorf("the rule about %s names %s, which does not exist", a.from, path)
			}
		}
	}
}

// TestArrowsSeeWhatIsForbidden proves that the rules can fail.
func TestArrowsSeeWhatIsForbidden(t *testing.T) {
	forbidden := map[string]pkg{
		"replication knows the server":   {ImportPath: "outpost/replicate/hub", Imports: []string{"outpost/server/cache"}},
		"also in a test":                 {ImportPath: "outpost/replicate/hub", XTestImports: []string{"outpost/server/cache"}},
		"Fiber outside the API":          {ImportPath: "outpost/server/node", Imports: []string{"github.com/gofiber/fiber/v2"}},
		"SQLite's driver in the store":   {ImportPath: "outpost/server/store", Imports: []string{"modernc.org/sqlite"}},
		"pgx in a handler":               {ImportPath: "outpost/server/api", Imports: []string{"github.com/jackc/pgx/v5/pgxpool"}},
		"a package builds a node itself": {ImportPath: "outpost/server/api", Imports: []string{"outpost/server/node"}},
		"the domain knows the store":     {ImportPath: "outpost/server/training", Imports: []string{"outpost/server/store"}},
	}
	for name, p := range forbidden {
		if len(check([]pkg{p}, confinements(), arrows())) == 0 {
			t.Errorf("%s: not seen", name)
		}
	}
	allowed := []pkg{
		{ImportPath: "outpost/server/api/model", Imports: []string{"github.com/gofiber/fiber/v2"}},
		{ImportPath: "outpost/server/node", TestImports: []string{"github.com/jackc/pgx/v5"}, Imports: []string{"outpost/server/api", "outpost/replicate/hub"}},
		{ImportPath: "outpost/server/dev", Imports: []string{"outpost/server/node"}},
	}
	for _, broken := range check(allowed, confinements(), arrows()) {
		t.Error(broken)
	}
}

// TestEveryPackageSaysWhatItIsFor wants a doc comment in each package.
func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, p := range list(t) {
		switch {
		case len(p.GoFiles) == 0: // tests only
		case p.Doc == "":
			t.Errorf("%s has no package comment", p.ImportPath)
		case p.Name != "main" && !strings.HasPrefix(p.Doc, "Package "+p.Name+" "):
			t.Errorf("the comment of %s does not begin with %q", p.ImportPath, "Package "+p.Name)
		}
	}
}

func check(packages []pkg, confinements []confinement, arrows []arrow) []error {
	var broken []error
	for _, p := range packages {
		tests := slices.Concat(p.TestImports, p.XTestImports)
		for _, c := range confinements {
			imports := p.Imports
			if !c.tests {
				imports = slices.Concat(imports, tests)
			}
			if found := first(imports, c.library); found != "" && !below(p.ImportPath, c.where) {
				broken = append(broken, fmt.Errorf("%s imports %s, which belongs in %s only",
					p.ImportPath, found, strings.Join(c.where, ", ")))
			}
		}
		for _, a := range arrows {
			for _, found := range slices.Concat(p.Imports, tests) {
				if a.forbids(p.ImportPath, found) {
					broken = append(broken, fmt.Errorf("%s imports %s: %s", p.ImportPath, found, a.why))
				}
			}
		}
	}
	return broken
}

func (a arrow) forbids(from, to string) bool {
	if !below(from, []string{a.from}) || below(from, a.except) || !within(to, module) {
		return false
	}
	if a.to[0] == anything {
		return !below(to, []string{a.from}) && !below(to, a.but)
	}
	return below(to, a.to) && !below(to, a.but)
}

// within says whether path is root or lies below it.
func within(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}

// below says whether one of our packages is one of roots or lies below one.
func below(path string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return within(path, module+"/"+root) })
}

func first(imports []string, library string) string {
	i := slices.IndexFunc(imports, func(path string) bool { return within(path, library) })
	if i < 0 {
		return ""
	}
	return imports[i]
}

// list asks the go command for every package of the module.
func list(t *testing.T) []pkg {
	t.Helper()
	touch(t)
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Name,Doc,GoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir, cmd.Stderr = "..", os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("listing packages: %v", err)
	}
	var packages []pkg
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("reading go list: %v", err)
		}
		packages = append(packages, p)
	}
}

// touch looks at the whole tree, because the go command answers a repeated test from
// its cache unless a file changed that the test itself looked at; it does not know
// what go list read.
func touch(t *testing.T) {
	t.Helper()
	for _, root := range []string{"../server", "../replicate", "../sql"} {
		err := filepath.WalkDir(root, func(_ string, _ fs.DirEntry, err error) error { return err })
		if err != nil {
			t.Fatalf("looking at %s: %v", root, err)
		}
	}
}
