package main

import (
	"fmt"
	"runtime"
	"strings"

	"outpost/bench/harness"
)

// machine says what the figures were taken on.
func (l *lab) machine() string {
	var b strings.Builder
	line := func(name, value string) { fmt.Fprintf(&b, "%-12s %s\n", name, value) }
	harness.Machine(line)
	line("go", runtime.Version())
	for _, program := range [][]string{{"nginx", "-v"}, {"varnishd", "-V"}, {"redis-server", "--version"}, {"wrk", "-v"}} {
		if path, err := find(program[0]); err == nil {
			line(program[0], harness.Said(path, program[1:]...))
		}
	}
	line("postgres", fmt.Sprint(l.postgres.Version()))
	return b.String()
}
