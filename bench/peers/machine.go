package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// machine says what the figures were taken on.
func (l *lab) machine() string {
	var b strings.Builder
	line := func(name, value string) { fmt.Fprintf(&b, "%-12s %s\n", name, value) }
	line("cpu", fmt.Sprintf("%d × %s", runtime.NumCPU(), found("/proc/cpuinfo", "model name")))
	line("memory", found("/proc/meminfo", "MemTotal"))
	line("kernel", said("uname", "-sr"))
	line("go", runtime.Version())
	for _, program := range [][]string{{"nginx", "-v"}, {"varnishd", "-V"}, {"redis-server", "--version"}, {"wrk", "-v"}} {
		if path, err := find(program[0]); err == nil {
			line(program[0], said(path, program[1:]...))
		}
	}
	line("postgres", fmt.Sprint(l.postgres.Version()))
	line("load", first("/proc/loadavg")+" when it began")
	return b.String()
}

// found is the value of a line "name : value".
func found(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func first(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(text))
}

func said(program string, args ...string) string {
	out, _ := exec.Command(program, args...).CombinedOutput() // wrk says its version and fails
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}
