package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// program is the one that is measured, built once for all tests.
var program string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	folder, err := os.MkdirTemp("", "outpost-bench-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	program = filepath.Join(folder, "outpost")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = "../.." // the root module, with its own versions
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// TestQuickRunTakesTheFigures takes the figures with tiny sizes: a few in a short round,
// all of them in a long one.
func TestQuickRunTakesTheFigures(t *testing.T) {
	wanted := []string{"1", "4", "5"}
	if os.Getenv("OUTPOST_TEST_LONG") != "" {
		wanted = []string{"1", "2", "3", "4", "5", "6", "7"}
	}
	out, dir := t.TempDir(), folder(t)
	args := []string{"-quick", "-rounds", "1", "-outpost", program, "-commit", "abc", "-out", out, "-dir", dir, "-only", strings.Join(wanted, ",")}
	if err := command(t.Context(), args, t.Output()); err != nil {
		t.Fatal(err)
	}
	saved, err := filepath.Glob(filepath.Join(out, "replicate-*-abc-1.txt"))
	if err != nil || len(saved) != 1 {
		t.Fatalf("reports %v, error %v", saved, err)
	}
	text, err := os.ReadFile(saved[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, number := range wanted {
		if !bytes.Contains(text, []byte("\n"+number+". ")) {
			t.Errorf("figure %s is missing", number)
		}
	}
	if bytes.Contains(text, []byte("INCOMPLETE")) || bytes.Contains(text, []byte("NaN")) {
		t.Errorf("unexpected:\n%s", text)
	}
	nothingLeft(t, dir)
}

// TestInterruptedRunLeavesNothing ends a run in the middle of a figure.
func TestInterruptedRunLeavesNothing(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	dir := folder(t)
	heard := &trigger{at: "outpost: ", do: interrupt}
	err := command(ctx, []string{"-quick", "-outpost", program, "-dir", dir, "-only", "5"}, heard)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("the run ended with %v", err)
	}
	nothingLeft(t, dir)
}

// TestProgramThatEndsIsSeen gives a program that cannot serve.
func TestProgramThatEndsIsSeen(t *testing.T) {
	broken, dir := filepath.Join(t.TempDir(), "broken"), folder(t)
	script := "#!/bin/sh\n[ \"$1\" = serve ] || exec " + program + " \"$@\"\necho out of order\nexit 3\n"
	if err := os.WriteFile(broken, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	err := command(t.Context(), []string{"-quick", "-outpost", broken, "-dir", dir, "-only", "5"}, t.Output())
	if err == nil || !strings.Contains(err.Error(), "primary ended by itself") || !strings.Contains(err.Error(), "out of order") {
		t.Fatalf("the run ended with %v", err)
	}
	nothingLeft(t, dir)
}

// folder is one for all data of a run. Postgres may run under another account, which
// must be able to enter it. What is temporary is made there from now on.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "outpost-bench-test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("TMPDIR", dir)
	return dir
}

// nothingLeft fails when a run has left files in its folder, or processes.
func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		t.Errorf("left behind: %s", entry.Name())
	}
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range processes {
		line, err := os.ReadFile(path)
		if err == nil && (bytes.HasPrefix(line, []byte(program)) || bytes.Contains(line, []byte(dir))) {
			t.Errorf("still running: %s", bytes.ReplaceAll(line, []byte{0}, []byte{' '}))
		}
	}
}

// trigger does something once a text is written to it.
type trigger struct {
	at   string
	do   func()
	mu   sync.Mutex
	said bytes.Buffer
}

func (w *trigger) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said.Write(p)
	if strings.Contains(w.said.String(), w.at) {
		w.do()
	}
	return len(p), nil
}

func TestMedianAndPercentile(t *testing.T) {
	values := []float64{5, 1, 4, 2, 3}
	for p, want := range map[float64]float64{0: 1, 0.5: 3, 0.75: 4, 0.9: 4.6, 1: 5} {
		if got := percentile(values, p); got != want {
			t.Errorf("percentile %v is %v, want %v", p, got, want)
		}
	}
	if median(nil) != 0 || median([]float64{1, 2}) != 1.5 || !slices.Equal(values, []float64{5, 1, 4, 2, 3}) {
		t.Error("the median is wrong, or it sorted what it was given")
	}
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		row     row
		ratio   float64
		verdict string
	}{
		{row{base: []float64{3}, outpost: []float64{2}, goal: ratioOf(1.5)}, 1.5, "met"},
		{row{base: []float64{2}, outpost: []float64{3}, goal: ratioOf(1)}, 2.0 / 3, "NOT MET"},
		{row{base: []float64{100}, outpost: []float64{150}, more: true}, 1.5, ""},
		{row{outpost: []float64{0.4, 0.6, 9}, goal: atMost(0.6, "s")}, 0, "met"},
		{row{outpost: []float64{0.4, 0.7, 9}, goal: atMost(0.6, "s")}, 0, "NOT MET"},
	} {
		if c.row.ratio() != c.ratio || c.row.verdict() != c.verdict {
			t.Errorf("%+v: ratio %v, %q; want %v, %q", c.row, c.row.ratio(), c.row.verdict(), c.ratio, c.verdict)
		}
	}
}

func TestLatencies(t *testing.T) {
	at := func(milliseconds ...int) (list []time.Time) {
		for _, m := range milliseconds {
			list = append(list, time.UnixMilli(int64(1000+m)))
		}
		return list
	}
	got := latencies(at(0, 1, 2, 3), at(0, 9, 5, 8), 1)
	if !slices.Equal(got, []float64{3, 5}) {
		t.Errorf("latencies %v", got)
	}
	if rate := achieved(at(0, 30, 10, 20)); rate != 100 {
		t.Errorf("achieved %v", rate)
	}
	var samples []sample
	for _, lag := range []int{1, 2, 3, 50, 50, 50, 11, 12, 13} {
		samples = append(samples, sample{lag: time.Duration(lag) * time.Millisecond})
	}
	if got := growth(samples); got != 10 {
		t.Errorf("growth %v", got)
	}
}
