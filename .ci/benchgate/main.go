// Command benchgate compares two files of Go benchmarks, old and new, and fails when a benchmark
// allocates more than before, or needs more instructions: what a benchmark counts does not depend on the
// machine, nor on what else runs there. Times are for benchstat, and for people, to judge.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: benchgate old.txt new.txt")
		os.Exit(2)
	}
	worse, err := run(os.Args[1], os.Args[2], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchgate:", err)
		os.Exit(2)
	}
	if worse {
		os.Exit(1)
	}
}

func run(oldPath, newPath string, out io.Writer) (worse bool, err error) {
	before, errOld := readFile(oldPath)
	after, errNew := readFile(newPath)
	if err := errors.Join(errOld, errNew); err != nil {
		return false, err
	}
	v := compare(before, after)
	v.print(out)
	return len(v.worse) > 0, nil
}

func readFile(path string) (results, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening benchmarks: %w", err)
	}
	defer f.Close()
	r, err := read(f, path)
	if err != nil {
		return nil, fmt.Errorf("reading benchmarks: %w", err)
	}
	if len(r) == 0 {
		return nil, fmt.Errorf("reading benchmarks: %s has none", path)
	}
	return r, nil
}
