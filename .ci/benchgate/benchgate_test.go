package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// bench is a file of one package's benchmarks, as `go test` writes it. Each line is a name and what
// follows the number of rounds; it is measured three times.
func bench(lines ...string) string {
	var b strings.Builder
	b.WriteString("goos: linux\ngoarch: amd64\npkg: outpost/server/api\ncpu: Some\n")
	for range 3 {
		for _, line := range lines {
			name, values, _ := strings.Cut(line, " ")
			fmt.Fprintf(&b, "Benchmark%s-2 \t 1000\t %s\n", name, values)
		}
	}
	b.WriteString("PASS\nok  \toutpost/server/api\t1.0s\n")
	return b.String()
}

func judge(t *testing.T, before, after string) (worse bool, said string) {
	t.Helper()
	folder := t.TempDir()
	paths := []string{filepath.Join(folder, "old.txt"), filepath.Join(folder, "new.txt")}
	for i, text := range []string{before, after} {
		if err := os.WriteFile(paths[i], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	worse, err := run(paths[0], paths[1], &out)
	if err != nil {
		t.Fatal(err)
	}
	return worse, out.String()
}

func TestOneBenchmarkIsJudgedByWhatItCounts(t *testing.T) {
	for _, c := range []struct {
		name, before, after string
		worse               bool
		want                string
	}{
		{"the same", "900 ns/op 52 B/op 2 allocs/op", "900 ns/op 52 B/op 2 allocs/op", false, "Benchmarks: 1 compared"},
		{"slower is no matter", "900 ns/op 52 B/op 2 allocs/op", "9000 ns/op 52 B/op 2 allocs/op", false, "0 worse"},
		{"the first allocation", "9 ns/op 0 B/op 0 allocs/op", "9 ns/op 8 B/op 1 allocs/op", true, "allocs/op from 0 to 1"},
		{"one more of two", "9 ns/op 52 B/op 2 allocs/op", "9 ns/op 52 B/op 3 allocs/op", true, "allocs/op from 2 to 3"},
		{"five in a hundred more", "9 ns/op 900 B/op 100 allocs/op", "9 ns/op 900 B/op 105 allocs/op", false, "0 worse"},
		{"six in a hundred more", "9 ns/op 900 B/op 100 allocs/op", "9 ns/op 900 B/op 106 allocs/op", true, "allocs/op from 100 to 106"},
		{"a tenth more bytes", "9 ns/op 1000 B/op 9 allocs/op", "9 ns/op 1100 B/op 9 allocs/op", false, "0 worse"},
		{"more bytes in as many pieces", "9 ns/op 1000 B/op 9 allocs/op", "9 ns/op 1101 B/op 9 allocs/op", true, "B/op from 1000 to 1101"},
		{"a pool's few bytes", "9 ns/op 4 B/op 0 allocs/op", "9 ns/op 30 B/op 0 allocs/op", false, "0 worse"},
		{"more instructions", "9 ns/op 1000 instructions/op", "9 ns/op 1051 instructions/op", true, "instructions/op from 1000 to 1051"},
		{"no instructions are counted", "9 ns/op 0 B/op 0 allocs/op", "9 ns/op 0 B/op 0 allocs/op", false, "None counts instructions/op."},
		{"counted on one side only", "9 ns/op", "9 ns/op 8 B/op 1 allocs/op", false, "None counts allocs/op."},
		{"better", "9 ns/op 52 B/op 2 allocs/op", "9 ns/op 20 B/op 1 allocs/op", false, "better outpost/server/api Hit/br-2: allocs/op from 2 to 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			worse, said := judge(t, bench("Hit/br "+c.before), bench("Hit/br "+c.after))
			if worse != c.worse || !strings.Contains(said, c.want) || strings.Contains(said, "WORSE") != worse {
				t.Errorf("worse: %v, want %v and %q:\n%s", worse, c.worse, c.want, said)
			}
		})
	}
}

func TestTheMedianDecides(t *testing.T) {
	file := func(allocations ...int) string {
		text := "pkg: outpost/server/api\n"
		for _, n := range allocations {
			text += fmt.Sprintf("BenchmarkHit-2 1000 9 ns/op %d allocs/op\n", n)
		}
		return text
	}
	if worse, said := judge(t, file(0, 0, 0), file(0, 7, 0)); worse {
		t.Errorf("one run in three is enough:\n%s", said)
	}
	if worse, said := judge(t, file(0, 0, 0, 0), file(0, 1, 1, 0)); !worse {
		t.Errorf("two runs in four are not enough:\n%s", said)
	}
}

func TestWhatIsNewAndWhatIsGoneIsSaid(t *testing.T) {
	worse, said := judge(t, bench("Kept 9 ns/op 0 allocs/op", "Old 9 ns/op 0 allocs/op"), bench("Kept 9 ns/op 0 allocs/op", "New 9 ns/op 5 allocs/op"))
	for _, want := range []string{"new    outpost/server/api New-2\n", "gone   outpost/server/api Old-2\n", "1 compared, 1 new, 1 gone"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	if worse {
		t.Errorf("a new benchmark fails:\n%s", said)
	}
}

// Two packages may name a benchmark alike.
func TestBenchmarksAreOfTheirPackage(t *testing.T) {
	other := func(text string) string { return strings.ReplaceAll(text, "server/api", "server/cache") }
	none, one := bench("Hit 9 ns/op 0 allocs/op"), bench("Hit 9 ns/op 1 allocs/op")
	if worse, said := judge(t, none+other(one), none+other(one)); worse {
		t.Errorf("they were mixed up:\n%s", said)
	}
	worse, said := judge(t, none+other(none), none+other(one))
	if !worse || !strings.Contains(said, "WORSE  outpost/server/cache Hit-2:") {
		t.Errorf("it is not named:\n%s", said)
	}
}

func TestWithoutBenchmarksThereIsNoVerdict(t *testing.T) {
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good", bench("Hit 9 ns/op 0 allocs/op"))
	for _, bad := range []string{
		filepath.Join(folder, "none"), file("empty", ""), file("tests", "ok  \toutpost/server/api\t1.0s\n"),
		file("broken", bench("Hit nine ns/op 0 allocs/op")),
	} {
		for _, paths := range [][2]string{{good, bad}, {bad, good}} {
			if _, err := run(paths[0], paths[1], &strings.Builder{}); err == nil || !strings.Contains(err.Error(), bad) {
				t.Errorf("%s: %v", filepath.Base(bad), err)
			}
		}
	}
}
