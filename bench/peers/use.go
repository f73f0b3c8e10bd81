package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cpu is what processes, and those that they have started, have used so far. Linux only.
func cpu(pids ...int) (time.Duration, error) {
	parents, used, err := processes()
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for pid := range used {
		for at, depth := pid, 0; at > 1 && depth < 10; at, depth = parents[at], depth+1 {
			if contains(pids, at) {
				sum += used[pid]
				break
			}
		}
	}
	return sum, nil
}

func contains(list []int, n int) bool {
	for _, each := range list {
		if each == n {
			return true
		}
	}
	return false
}

// processes are all there are.
func processes() (parents map[int]int, used map[int]time.Duration, err error) {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(paths) == 0 {
		return nil, nil, fmt.Errorf("reading /proc, which is there on Linux only: %w", err)
	}
	parents, used = make(map[int]int), make(map[int]time.Duration)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// Behind the name, which may hold anything: the state, the parent; utime and stime are the
		// 12th and 13th, in the kernel's fixed hundredths of a second.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) < 13 {
			return nil, nil, fmt.Errorf("reading %s: %q is not understood", path, text)
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			return nil, nil, fmt.Errorf("reading %s: %w", path, err)
		}
		numbers := make([]int, 3)
		for i, field := range []string{fields[1], fields[11], fields[12]} {
			if numbers[i], err = strconv.Atoi(field); err != nil {
				return nil, nil, fmt.Errorf("reading %s: %w", path, err)
			}
		}
		parents[pid] = numbers[0]
		used[pid] = time.Duration(numbers[1]+numbers[2]) * 10 * time.Millisecond
	}
	return parents, used, nil
}
