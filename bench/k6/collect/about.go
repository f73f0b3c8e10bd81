package collect

import (
	"net/url"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/prometheus/procfs"

	"outpost/bench/report/result"
)

// list reads values separated by commas.
func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// targets are the servers asked. Of their URLs only the host is kept.
func targets(env map[string]string) []result.Target {
	regions := list(env["REGIONS"])
	var all []result.Target
	for i, base := range list(env["BASE_URLS"]) {
		t := result.Target{Host: host(base)}
		if i < len(regions) {
			t.Region = regions[i]
		}
		all = append(all, t)
	}
	return all
}

// host is the host and port of a URL.
func host(of string) string {
	u, err := url.Parse(of)
	if err != nil || u.Host == "" {
		return "unknown"
	}
	return u.Host
}

// shaping are the variables that say how the scenarios run.
func shaping() []string {
	return []string{
		"SHORT", "USERS", "RATE", "RAMP", "STEADY", "WARMUP", "WRITES", "FOLLOW", "BOUNDS", "PEOPLE", "ROUNDS", "LEARNERS",
	}
}

// settings are the variables that shaped the run, as far as they were set. None holds a URL or an
// address of mail: there may be secrets in it.
func settings(env map[string]string) map[string]string {
	kept := make(map[string]string)
	for _, name := range slices.Concat(shaping(), list(env["SETTINGS"])) {
		if value := env[name]; value != "" && !strings.ContainsAny(value, "@?") && !strings.Contains(value, "://") {
			kept[name] = value
		}
	}
	return kept
}

// machine says where k6 runs, as far as it can be found out.
func machine() result.Machine {
	m := result.Machine{CPU: "unknown", Cores: runtime.NumCPU(), OS: runtime.GOOS + "/" + runtime.GOARCH}
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return m
	}
	if cpus, err := fs.CPUInfo(); err == nil && len(cpus) > 0 && cpus[0].ModelName != "" {
		m.CPU = cpus[0].ModelName
	}
	if memory, err := fs.Meminfo(); err == nil && memory.MemTotalBytes != nil {
		m.Memory = int64(*memory.MemTotalBytes)
	}
	return m
}

// k6Version is that of the module this binary was built with.
func k6Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, module := range info.Deps {
		if module.Path == "go.k6.io/k6/v2" {
			return module.Version
		}
	}
	return "unknown"
}
