package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// use is what a process has used.
type use struct {
	cpu          time.Duration
	resident     float64 // MB now
	files        float64 // MB of it that are pages of files
	mostResident float64 // MB at its peak
}

// use reads what the kernel says of the process; Linux only.
func (n *node) use() (use, error) {
	pid := n.cmd.Process.Pid
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return use{}, fmt.Errorf("reading what %s uses: %w", n.name, err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return use{}, fmt.Errorf("reading what %s uses: %w", n.name, err)
	}
	// Behind the name, which may hold anything: utime and stime are the 12th and 13th, in
	// the kernel's fixed hundredths of a second.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 13 {
		return use{}, fmt.Errorf("reading what %s uses: %q is not understood", n.name, stat)
	}
	var u use
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return use{}, fmt.Errorf("reading what %s uses: %w", n.name, err)
		}
		u.cpu += time.Duration(ticks) * 10 * time.Millisecond
	}
	u.resident, u.files = megabytes(string(status), "VmRSS:"), megabytes(string(status), "RssFile:")
	u.mostResident = megabytes(string(status), "VmHWM:")
	return u, nil
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

// megabytes finds a line of /proc/…/status such as "VmRSS:  1234 kB".
func megabytes(status, name string) float64 {
	for line := range strings.Lines(status) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == name {
			kilo, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				return 0
			}
			return kilo * 1024 / 1e6
		}
	}
	return 0
}
