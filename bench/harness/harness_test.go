package harness

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestProcessThatEndsByItselfFailsTheRun(t *testing.T) {
	failed := make(chan error, 1)
	p, err := Start(func(err error) { failed <- err }, "sh", filepath.Join(t.TempDir(), "log"), t.TempDir(), nil, "sh", "-c", "echo broken; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	if err := <-failed; !strings.Contains(err.Error(), "broken") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("it says %v", err)
	}
	if err := p.End(0); err != nil {
		t.Error(err)
	}
}

// TestProcessesEnd with those that they have started, asked or killed.
func TestProcessesEnd(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		grace  time.Duration
	}{
		"asked":              {"exec sleep 1000", time.Minute},
		"deaf":               {"trap '' TERM; echo deaf; sleep 1000", time.Millisecond},
		"killed":             {"sleep 1000", 0},
		"killed with others": {"sleep 1000 & wait", 0},
	} {
		log := filepath.Join(t.TempDir(), "log")
		p, err := Start(func(err error) { t.Errorf("%s: %v", name, err) }, name, log, t.TempDir(), nil, "sh", "-c", c.script)
		if err != nil {
			t.Fatal(err)
		}
		if memory, err := p.Memory(); err != nil || memory.Resident > memory.Most {
			t.Errorf("%s: memory %+v, error %v", name, memory, err)
		}
		for range 2 {
			if err := p.End(c.grace); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestPortsAreFreeAndGivenOnce(t *testing.T) {
	var ports Ports
	given := make(map[string]bool)
	for range 10 {
		addr, err := ports.Free()
		if err != nil || given[addr] {
			t.Fatalf("%s, error %v, after %v", addr, err, given)
		}
		given[addr] = true
	}
}

func TestWait(t *testing.T) {
	n := 0
	err := Wait(t.Context(), time.Minute, 0, "it is so", func(context.Context) (bool, error) { n++; return n == 3, nil })
	if err != nil || n != 3 {
		t.Errorf("asked %d times, error %v", n, err)
	}
	broken := errors.New("broken")
	if err := Wait(t.Context(), time.Minute, 0, "it is so", func(context.Context) (bool, error) { return false, broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if err := Wait(t.Context(), time.Millisecond, 0, "it is so", func(context.Context) (bool, error) { return false, nil }); err == nil || !strings.Contains(err.Error(), "not so that it is so") {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(broken)
	if err := Wait(ctx, time.Minute, 0, "it is so", func(context.Context) (bool, error) { return false, nil }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

func TestSaveReplacesNothing(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "results")
	for _, text := range []string{"first", "second"} {
		path, err := Save(folder, "driver", time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), "abc", text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Errorf("%s holds %q, error %v", path, got, err)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "driver-2026-01-02-abc-2.txt")); err != nil {
		t.Error(err)
	}
}

func TestMachineIsDescribed(t *testing.T) {
	facts := make(map[string]string)
	Machine(func(name, value string) { facts[name] = value })
	for _, name := range []string{"cpu", "memory", "kernel", "load"} {
		if facts[name] == "" || strings.Contains(facts[name], unknown) {
			t.Errorf("%s is %q", name, facts[name])
		}
	}
}
