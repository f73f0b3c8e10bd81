package e2e

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"outpost/server/config"
)

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestTheREADMENamesEveryVariable compares the README with what the program looks up.
func TestTheREADMENamesEveryVariable(t *testing.T) {
	var want []string
	// Nothing is set, so what else it says does not matter.
	_, _ = config.FromEnv(func(name string) (string, bool) {
		want = append(want, name)
		return "", false
	})
	var got []string
	for _, m := range regexp.MustCompile("`([A-Z]+_[A-Z_]+)`").FindAllStringSubmatch(readFile(t, "../../README.md"), -1) {
		got = append(got, m[1])
	}
	compare(t, "variables", got, want)
}

// TestTheREADMEListsEveryEndpoint compares the README's table with the OpenAPI document.
func TestTheREADMEListsEveryEndpoint(t *testing.T) {
	var want []string
	path, method := regexp.MustCompile(`^  (/\S+):$`), regexp.MustCompile(`^    (get|post|put|patch|delete):$`)
	at := ""
	for line := range strings.Lines(readFile(t, "../api/openapi.yaml")) {
		line = strings.TrimSuffix(line, "\n")
		if m := path.FindStringSubmatch(line); m != nil {
			at = m[1]
		}
		if m := method.FindStringSubmatch(line); m != nil {
			want = append(want, strings.ToUpper(m[1])+" "+at)
		}
	}
	var got []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z]+ /\\S*)` \\|").FindAllStringSubmatch(readFile(t, "../../README.md"), -1) {
		got = append(got, m[1])
	}
	compare(t, "endpoints", got, want)
}

func compare(t *testing.T, what string, readme, program []string) {
	t.Helper()
	if len(program) == 0 {
		t.Fatalf("the program has no %s: this test looks in the wrong place", what)
	}
	for _, each := range program {
		if !slices.Contains(readme, each) {
			t.Errorf("the README does not name %s, one of the program's %s", each, what)
		}
	}
	for _, each := range readme {
		if !slices.Contains(program, each) {
			t.Errorf("the README names %s, which is none of the program's %s", each, what)
		}
	}
}
