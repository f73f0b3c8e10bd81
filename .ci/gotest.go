// Command gotest runs `go test -json` with the arguments given, prints one line for
// each package and everything a failed test had to say, and fails when a test was
// skipped: a test that cannot run where it is has to say so by failing.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// event is a line of `go test -json`; `go doc test2json` describes it.
type event struct {
	Action     string
	Package    string
	ImportPath string // of build-output
	Test       string
	Elapsed    float64
	Output     string
}

type line struct{ test, text string }

// run is a package under test: what it printed, until it is known to have passed.
type run struct {
	lines   []line
	results map[string]string
}

type report struct {
	out     io.Writer
	runs    map[string]*run
	passed  int
	failed  []string
	skipped []string
}

func main() {
	failed, err := test(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
	}
	if failed || err != nil {
		os.Exit(1)
	}
}

func test(args []string) (failed bool, err error) {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return true, fmt.Errorf("reading go test: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return true, fmt.Errorf("starting go test: %w", err)
	}
	r := &report{out: os.Stdout, runs: map[string]*run{}}
	readErr := r.read(stdout)
	waitErr := cmd.Wait()
	r.finish()
	if exit := (*exec.ExitError)(nil); waitErr != nil && !errors.As(waitErr, &exit) {
		return true, fmt.Errorf("running go test: %w", waitErr)
	}
	return waitErr != nil || len(r.failed) > 0 || len(r.skipped) > 0, readErr
}

func (r *report) read(from io.Reader) error {
	scanner := bufio.NewScanner(from)
	scanner.Buffer(nil, 64<<20)
	for scanner.Scan() {
		var e event
		if err := json.Unmarshal(scanner.Bytes(), &e); err != nil {
			fmt.Fprintln(r.out, scanner.Text())
			continue
		}
		r.take(e)
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("reading go test: %w", err)
	}
	return nil
}

func (r *report) take(e event) {
	if e.Action == "build-output" {
		fmt.Fprint(r.out, e.Output)
		return
	}
	p := r.runs[e.Package]
	if p == nil {
		p = &run{results: map[string]string{}}
		r.runs[e.Package] = p
	}
	switch e.Action {
	case "output":
		p.lines = append(p.lines, line{e.Test, e.Output})
	case "pass", "fail", "skip":
		p.results[e.Test] = e.Action
		if e.Test == "" {
			r.packageDone(e, p)
		} else {
			r.testDone(e, p)
		}
	}
}

func (r *report) testDone(e event, p *run) {
	switch e.Action {
	case "pass":
		r.passed++
	case "fail":
		r.failed = append(r.failed, e.Package+" "+e.Test)
	case "skip":
		r.skipped = append(r.skipped, e.Package+" "+e.Test+reason(p, e.Test))
	}
}

// reason is what a skipped test printed besides the framework's own lines.
func reason(p *run, test string) string {
	var said strings.Builder
	for _, l := range p.lines {
		text := strings.TrimSpace(l.text)
		if l.test == test && text != "" && !strings.HasPrefix(text, "=== ") && !strings.HasPrefix(text, "--- ") {
			said.WriteString(" " + text)
		}
	}
	if said.Len() == 0 {
		return ""
	}
	return ":" + said.String()
}

func (r *report) packageDone(e event, p *run) {
	delete(r.runs, e.Package)
	switch e.Action {
	case "pass":
		fmt.Fprintf(r.out, "ok    %7.1fs  %s\n", e.Elapsed, e.Package)
	case "fail":
		// Whatever did not pass, so that a test cut short by a panic or the
		// time limit is shown too.
		for _, l := range p.lines {
			if result := p.results[l.test]; result != "pass" && result != "skip" {
				fmt.Fprint(r.out, l.text)
			}
		}
		fmt.Fprintf(r.out, "FAIL  %7.1fs  %s\n", e.Elapsed, e.Package)
		r.failed = append(r.failed, e.Package)
	}
}

func (r *report) finish() {
	for _, name := range r.failed {
		fmt.Fprintln(r.out, "failed: ", name)
	}
	for _, name := range r.skipped {
		fmt.Fprintln(r.out, "skipped:", name)
	}
	if len(r.skipped) > 0 {
		fmt.Fprintln(r.out, "A test that cannot run here has to fail and say why; none may be skipped.")
	}
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", r.passed, len(r.failed), len(r.skipped))
}
