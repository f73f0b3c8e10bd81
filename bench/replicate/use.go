package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"outpost/bench/harness"
)

// use is what a process has used.
type use struct {
	harness.Memory
	cpu time.Duration
}

// use reads what the kernel says of the process; Linux only.
func (n *node) use() (use, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.PID))
	if err != nil {
		return use{}, fmt.Errorf("reading what %s uses: %w", n.Name, err)
	}
	// Behind the name, which may hold anything: utime and stime are the 12th and 13th, in
	// the kernel's fixed hundredths of a second.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 13 {
		return use{}, fmt.Errorf("reading what %s uses: %q is not understood", n.Name, stat)
	}
	var u use
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return use{}, fmt.Errorf("reading what %s uses: %w", n.Name, err)
		}
		u.cpu += time.Duration(ticks) * 10 * time.Millisecond
	}
	u.Memory, err = n.Memory()
	return u, err
}

// rests gives the milliseconds of CPU a second that the process uses by itself.
func (n *node) rests(duration time.Duration) (float64, error) {
	before, err := n.use()
	if err != nil {
		return 0, err
	}
	time.Sleep(duration)
	after, err := n.use()
	return milliseconds(after.cpu-before.cpu) / duration.Seconds(), err
}
