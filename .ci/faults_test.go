package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const faults = "../replicate/FAULTS.md"

// TestEveryFaultNamesItsTest holds the page of faults to what is there: each row says how
// long and what is served, and names tests that exist.
func TestEveryFaultNamesItsTest(t *testing.T) {
	page, err := os.ReadFile(faults)
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`([a-z0-9]+)\\.(Test[A-Za-z0-9_]+)(/[^`]+)?`")
	rows := 0
	for _, line := range strings.Split(string(page), "\n") {
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| fault |") || strings.HasPrefix(line, "| ---") {
			continue
		}
		rows++
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != 5 {
			t.Errorf("not five columns: %s", line)
			continue
		}
		for _, cell := range cells {
			if strings.TrimSpace(cell) == "" {
				t.Errorf("an empty column: %s", line)
			}
		}
		tests := named.FindAllStringSubmatch(cells[4], -1)
		if tests == nil {
			t.Errorf("no test is named: %s", line)
		}
		for _, test := range tests {
			if !declared(t, test[1], test[2]) {
				t.Errorf("%s.%s does not exist: %s", test[1], test[2], line)
			}
		}
	}
	if rows == 0 {
		t.Errorf("%s has no rows", faults)
	}
}

// declared looks for a test in the package that a name stands for.
func declared(t *testing.T, pkg, name string) bool {
	t.Helper()
	for _, parent := range []string{"../replicate", "../replicate/*", "../server"} {
		files, err := filepath.Glob(filepath.Join(parent, pkg, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(source), "\nfunc "+name+"(") {
				return true
			}
		}
	}
	return false
}
