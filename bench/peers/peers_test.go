package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// program is the one that is measured, and own this one, built once for all tests: the driver
// starts itself as a handler.
var program, own string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	folder, err := os.MkdirTemp("", "outpost-peers-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	program, own = filepath.Join(folder, "outpost"), filepath.Join(folder, "peers")
	for path, dir := range map[string]string{program: "../..", own: "."} { // each with its module's own versions
		build := exec.Command("go", "build", "-o", path, ".")
		build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, out)
			return 1
		}
	}
	return m.Run()
}

// TestQuickRunMeasuresEverySide starts every side, holds its answers to Outpost's, and gives it
// one short turn.
func TestQuickRunMeasuresEverySide(t *testing.T) {
	out, dir := t.TempDir(), folder(t)
	c := exec.CommandContext(t.Context(), own, "-quick", "-medium", "-rounds", "1", "-seconds", "1", "-outpost", program, "-commit", "abc", "-out", out, "-dir", dir)
	if said, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	saved, err := filepath.Glob(filepath.Join(out, "peers-*-abc-1.txt"))
	if err != nil || len(saved) != 1 {
		t.Fatalf("reports %v, error %v", saved, err)
	}
	text, err := os.ReadFile(saved[0])
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "\nresident "); n != 2 {
		t.Errorf("the memory of %d edges is told, want 2", n)
	}
	for _, s := range allSides() {
		if !strings.Contains(string(text), "\n| "+s.title+" | ") {
			t.Errorf("%s is missing", s.name)
		}
	}
	for _, wrong := range []string{"INCOMPLETE", "NaN", "Inf"} {
		if strings.Contains(string(text), wrong) {
			t.Errorf("%s in\n%s", wrong, text)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// folder is one that Postgres' account can enter.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "outpost-peers-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestMissingProgramIsNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := command(t.Context(), []string{"-outpost", program, "-only", "fiber"}, t.Output())
	if err == nil || !strings.Contains(err.Error(), "wrk is not installed") || !strings.Contains(err.Error(), "apt-get install") {
		t.Errorf("it says %v", err)
	}
}

func TestWrongArguments(t *testing.T) {
	for _, args := range [][]string{{"-only", "apache"}, {"-rounds", "0"}, {"hit"}, {"serve", "php", "127.0.0.1:1"}} {
		if err := command(t.Context(), args, t.Output()); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}

// TestRoundsAreRefused in which a side did not do what it is there for.
func TestRoundsAreRefused(t *testing.T) {
	done := load{Requests: 1000, Micros: 1e6, Bytes: 3e6}
	failed := done
	failed.Errors = 1
	small := done
	small.Bytes = 1e5
	status := func(ok, notModified float64) map[string]float64 {
		return map[string]float64{"200": ok, "304": notModified}
	}
	for name, c := range map[string]struct {
		side side
		load load
		did  counts
		want string
	}{
		"good hits":         {side{warm: true, from: &node{}}, done, counts{hits: 995, misses: 5}, ""},
		"good misses":       {side{empty: true, from: &node{}}, done, counts{misses: 900, shared: 100}, ""},
		"a good cache":      {side{warm: true, origin: true}, done, counts{answers: status(10, 0)}, ""},
		"good 304":          {side{warm: true, validates: true, from: &node{}}, small, counts{hits: 1000, answers: status(10, 990)}, ""},
		"no writes":         {side{}, done, counts{}, "writes a second"},
		"errors":            {side{}, failed, counts{}, "failed"},
		"too few hits":      {side{warm: true, from: &node{}}, done, counts{hits: 980, misses: 20}, "were hits"},
		"a cache that asks": {side{warm: true, origin: true}, done, counts{answers: status(11, 0)}, "were hits"},
		"hits among misses": {side{empty: true, from: &node{}}, done, counts{hits: 1, misses: 999}, "none should be"},
		"bodies":            {side{warm: true, validates: true, from: &node{}}, done, counts{hits: 1000, answers: status(11, 989)}, "not 304"},
		"no bodies":         {side{}, small, counts{}, "bytes"},
	} {
		r := round{load: c.load, writes: writesASecond}
		if name == "no writes" {
			r.writes = 0.8 * writesASecond
		}
		err := r.judge(&c.side, c.did, 2000)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestZipf wants the first of many drawn as often as the law has it.
func TestZipf(t *testing.T) {
	const n, draws = 100, 100_000
	draw := zipf(rand.New(rand.NewPCG(1, 1)), n)
	counted := make([]int, n)
	for range draws {
		counted[draw()]++
	}
	// The sum of 1/1 to 1/100 is 5.187.
	for rank, share := range map[int]float64{0: 1 / 5.187, 1: 1 / 5.187 / 2, 9: 1 / 5.187 / 10} {
		if got := float64(counted[rank]) / draws; got < 0.9*share || got > 1.1*share {
			t.Errorf("rank %d is %.4f of the draws, want %.4f", rank, got, share)
		}
	}
}

func TestRatiosAreHeldToTheGoals(t *testing.T) {
	turn := func(name string, requests float64) round {
		return round{side: &side{name: name}, load: load{Requests: requests, Micros: 1e6}, cpu: 1e9}
	}
	r := report{rounds: []round{turn("hit", 90), turn("hit", 80), turn("hit", 100), turn("nginx", 100), turn("nginx", 100), turn("nginx", 100), turn("fiber", 200)}}
	got := r.ratios()
	for _, want := range []string{"| hit : nginx | 0.90 | 0.80–1.00 | 0.90 | ≥ 0.9 | met |", "| hit : fiber | 0.45 | 0.45–0.45 | 0.45 | ≥ 0.8 | NOT MET |"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}
