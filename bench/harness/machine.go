package harness

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
)

const unknown = "unknown"

// Machine are the lines that say what figures were taken on, as the drivers' reports have them. Linux only.
func Machine(line func(name, value string)) {
	line("cpu", fmt.Sprintf("%d × %s", runtime.NumCPU(), found("/proc/cpuinfo", "model name")))
	line("memory", found("/proc/meminfo", "MemTotal"))
	line("kernel", Said("uname", "-sr"))
	line("load", Load()+" when it began")
}

// Load is how many processes ran or waited of late.
func Load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return unknown
	}
	return strings.TrimSpace(string(text))
}

// Said is the first line that a program prints.
func Said(program string, args ...string) string {
	out, _ := exec.Command(program, args...).CombinedOutput() // wrk says its version and fails
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}

// found is the value of a line "name : value".
func found(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return unknown
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return unknown
}

// Memory is what a process has in memory, in MB of 10^6 bytes.
type Memory struct {
	Resident float64
	Files    float64 // of it, pages of files
	Most     float64 // that were ever resident
}

// Memory is what the kernel says of it. Linux only.
func (p *Process) Memory() (m Memory, err error) {
	path := fmt.Sprintf("/proc/%d/status", p.PID)
	status, err := os.ReadFile(path)
	if err != nil {
		return m, fmt.Errorf("reading what %s uses: %w", p.Name, err)
	}
	for name, value := range map[string]*float64{"VmRSS": &m.Resident, "RssFile": &m.Files, "VmHWM": &m.Most} {
		if *value, err = megabytes(string(status), name); err != nil {
			return m, fmt.Errorf("reading %s: %w", path, err)
		}
	}
	return m, nil
}

// megabytes finds a line of /proc/…/status such as "VmRSS:  1234 kB".
func megabytes(status, name string) (float64, error) {
	for line := range strings.Lines(status) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kilo, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
			return kilo * 1024 / 1e6, err
		}
	}
	return 0, fmt.Errorf("%s is missing", name)
}
