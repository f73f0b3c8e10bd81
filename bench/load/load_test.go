// Package load holds k6's scenarios, and the tests that run them against a real `outpost dev`.
package load

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"outpost/bench/report/result"
)

// k6 is what `make .bin/k6` builds; `make test` sees to it.
const k6 = "../../.bin/k6"

// TestScenariosPass runs scenarios, made short, against two regions a tenth of a second apart, all at once.
// How fast they are is not asked; no promise may be broken at any speed.
func TestScenariosPass(t *testing.T) {
	base := startDev(t)
	urls := fmt.Sprintf("BASE_URLS=http://127.0.0.1:%d,http://127.0.0.1:%d", base, base+1)
	for script, settings := range map[string][]string{
		"geo":       {"USERS=2", "STEADY=4", "WARMUP=1", "REGIONS=fra,syd"},
		"smoke":     {"USERS=2", "STEADY=3"},
		"learner":   {"USERS=10", "STEADY=6", "WARMUP=1", "WRITES=3", "TOKENS_LIVE=3"},
		"writes":    {"USERS=8", "RATE=4", "STEADY=3", "WARMUP=2"},
		"ramp":      {"USERS=10", "STEADY=2", "WARMUP=1", "FOLLOW=0"},
		"spike":     {"USERS=10", "STEADY=2", "WARMUP=1"},
		"endurance": {"USERS=10", "STEADY=2", "WARMUP=1", "FOLLOW=0"},
		"arrival":   {"USERS=10", "RATE=20", "STEADY=3", "WARMUP=1"},
	} {
		t.Run(script, func(t *testing.T) {
			t.Parallel() // users mostly think
			path := filepath.Join(t.TempDir(), "result.json")
			run := exec.CommandContext(t.Context(), k6, "run", "--quiet", "--no-usage-report", "--out", "outpost="+path, script+".js")
			run.Env = append(append(os.Environ(), "SHORT=1", "BOUNDS=off", urls), settings...)
			if out, err := run.CombinedOutput(); err != nil {
				t.Fatalf("k6 ended with %v:\n%s", err, out)
			}
			expectResult(t, strings.TrimSuffix(path, ".json")+"-1.json", script)
		})
	}
}

// expectResult wants what the scenario asked, by region and endpoint, without what came before it.
func expectResult(t *testing.T, path, script string) {
	t.Helper()
	r, err := result.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	asked := make(map[string]int64)
	for _, cell := range r.Cells {
		asked[cell.Endpoint] += cell.Count
		asked[cell.Region] += cell.Count
	}
	wanted := map[string][]string{
		"geo":       {"GET /dashboard", "GET /me", "GET /courses", "fra", "syd", "syd-fra"},
		"ramp":      {"GET /dashboard", "fra", "syd"},
		"spike":     {"GET /dashboard", "fra", "syd"},
		"endurance": {"GET /dashboard", "fra", "syd"},
		"arrival":   {"GET /dashboard", "GET /courses", "POST /reports/compliance", "fra", "syd"},
		"smoke":     {"GET /me", "GET /courses/{course}", "PUT /enrollments/{enrollment}/lessons/{lesson}", "fra", "syd"},
		"learner":   {"GET /dashboard", "GET /courses", "POST /reports/compliance", "GET /admin/analytics", "PUT /enrollments/{enrollment}/lessons/{lesson}", "fra", "syd"},
		"writes":    {"PUT /enrollments/{enrollment}/lessons/{lesson}", "GET /enrollments/{enrollment}", "fra", "syd"},
	}
	for _, what := range wanted[script] {
		if asked[what] == 0 {
			t.Errorf("nothing is known of %s, but of %v", what, asked)
		}
	}
	if r.Totals.Count == 0 || r.Totals.LeftOut["setup"] == 0 || asked["POST /auth/login"] > 0 || asked["POST /auth/refresh"] > 0 {
		t.Errorf("%d requests count, and %v do not: signing in never counts", r.Totals.Count, r.Totals.LeftOut)
	}
}

// TestFullLength holds the scenarios to what is written about them.
func TestFullLength(t *testing.T) {
	for script, want := range map[string]struct {
		users int
		lasts time.Duration
	}{
		"smoke":     {10, time.Minute},
		"learner":   {1000, 5*time.Minute + 40*time.Second},
		"ramp":      {1000, 30*time.Minute + 20*time.Second},
		"spike":     {5000, 10*time.Minute + 20*time.Second},
		"endurance": {500, 4*time.Hour + 2*time.Minute},
		"arrival":   {1000, 70 * time.Second},
		"writes":    {40, 5*time.Minute + 10*time.Second},
	} {
		out, err := exec.CommandContext(t.Context(), k6, "inspect", "--execution-requirements", script+".js").Output()
		if err != nil {
			t.Fatalf("%s: k6 ended with %v:\n%s", script, err, out)
		}
		var got struct {
			Scenarios map[string]struct {
				VUs    int
				Pre    int    `json:"preAllocatedVUs"`
				Lasts  string `json:"duration"`
				Stages []struct {
					Duration string
					Target   int
				}
			}
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		s := got.Scenarios[script]
		users, lasts := max(s.VUs, s.Pre), seconds(t, s.Lasts)
		for _, stage := range s.Stages {
			users, lasts = stage.Target, lasts+seconds(t, stage.Duration)
		}
		if users != want.users || lasts != want.lasts {
			t.Errorf("%s is for %d users and lasts %v, not %d and %v", script, users, lasts, want.users, want.lasts)
		}
	}
}

func seconds(t *testing.T, text string) time.Duration {
	t.Helper()
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// startDev builds the program, has it run two regions until the test is over, and gives the port of the first.
func startDev(t *testing.T) int {
	t.Helper()
	dir := folder(t)
	program := filepath.Join(dir, "outpost")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = "../.." // the root module, with its own versions
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	base := freeRange(t)
	dev := exec.Command(program, "dev", "--regions", "fra,syd", "--distance", "fra-syd=100ms",
		"--base-port", fmt.Sprint(base), "--data", filepath.Join(dir, "data"))
	// A minute's patience where the machine has other things to do, instead of a 503 after a second.
	dev.Env = append(os.Environ(), "OUTPOST_RATE_LIMIT=off", "OUTPOST_LOGIN_LIMIT=off", "OUTPOST_WAIT=1m", "OUTPOST_MAX_LAG=1m")
	said, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	dev.Stdout, dev.Stderr = said, said
	if err := dev.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- dev.Wait() }()
	t.Cleanup(func() {
		_ = dev.Process.Signal(syscall.SIGTERM) // it has ended already, if the test failed
		err := <-ended
		_ = said.Close() // what it says is only read after a failure
		if text, _ := os.ReadFile(said.Name()); err != nil || t.Failed() {
			t.Logf("outpost dev ended with %v, and said:\n%s", err, text)
		}
	})
	waitUntilReady(t, said.Name(), ended)
	return base
}

func waitUntilReady(t *testing.T, log string, ended chan error) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(2 * time.Minute)
	for {
		if text, err := os.ReadFile(log); err != nil || strings.Contains(string(text), "\nready ") {
			return
		}
		select {
		case <-tick.C:
		case err := <-ended:
			ended <- err
			t.Fatalf("outpost dev ended: %v", err)
		case <-limit:
			t.Fatal("outpost dev is not ready after two minutes")
		}
	}
}

// folder is one that another account can enter, under which Postgres runs where the test runs as root.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "outpost-load-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// freeRange finds a base for all ports of an outpost dev with two regions and a distance.
func freeRange(t *testing.T) int {
	t.Helper()
	for base := 27_000 + os.Getpid()%2_000; base < 29_700; base += 17 {
		if free(t, base) {
			return base
		}
	}
	t.Fatal("no range of ports is free")
	return 0
}

func free(t *testing.T, base int) bool {
	t.Helper()
	for _, offset := range []int{0, 1, 1000, 1001, 2000, 2001, 2010, 2011, 3000} {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", base+offset))
		if err != nil {
			return false
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return true
}
