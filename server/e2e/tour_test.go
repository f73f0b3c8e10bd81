package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"outpost/replicate/replicatest/logbuffer"
)

// secondStart is what the README promises of it.
const secondStart = 10 * time.Second

// TestTheTourOfTheREADME takes the tour through `outpost dev` as it is written, twice, for what
// it writes can be repeated; in between the world is told to stop and started again.
//
// The section "A tour" of the README consists of prose and of fenced blocks, in this form:
//
//   - A block marked sh is run. All of them are pasted into one bash, one line after the other,
//     with nothing changed but the ports.
//   - A block marked text behind it is what it prints, line by line. Between words any space is
//     as good as any other, and … stands for whatever is there, or nothing.
//   - A block of commands without one prints nothing. No command fails.
func TestTheTourOfTheREADME(t *testing.T) {
	stops := readTour(t)
	w := &devWorld{base: freeRange(t), data: openFolder(t)}
	for round, limit := range []time.Duration{3 * patience, secondStart} {
		w.start(t, limit)
		w.takeTour(t, stops)
		w.catchesMail(t, fmt.Sprintf("user%d@example.com", 500+round)) // one account gets one mail in five minutes
		w.stop(t)
		w.forget(t)
	}
}

// forget removes what regions remember of what was asked: the tour shows an answer that is computed.
func (w *devWorld) forget(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(w.data, "*", "warm"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no region remembers what it was asked: %v", err)
	}
	for _, file := range files {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}

// stop is one of the tour's: commands, and the lines that they print.
type stop struct{ commands, prints []string }

func readTour(t *testing.T) (stops []stop) {
	t.Helper()
	_, tour, found := strings.Cut(readFile(t, "../../README.md"), "\n## A tour\n")
	tour, _, ends := strings.Cut(tour, "\n## ")
	if !found || !ends {
		t.Fatal("the README has no section A tour, or nothing behind it")
	}
	block := ""
	for line := range strings.Lines(tour) {
		line = strings.TrimSuffix(line, "\n")
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && block != "":
			block = ""
		case isFence && fence == "sh":
			block, stops = fence, append(stops, stop{})
		case isFence && fence == "text" && len(stops) > 0 && stops[len(stops)-1].prints == nil:
			block = fence
		case isFence:
			t.Fatalf("the tour has a block %q that is neither commands nor what they print", line)
		case block == "sh":
			stops[len(stops)-1].commands = append(stops[len(stops)-1].commands, line)
		case block == "text":
			stops[len(stops)-1].prints = append(stops[len(stops)-1].prints, line)
		}
	}
	if block != "" || len(stops) < 2 {
		t.Fatalf("the tour has %d stops, or a block without an end", len(stops))
	}
	return stops
}

// devWorld is one `outpost dev`.
type devWorld struct {
	base int
	data string

	cmd   *exec.Cmd
	log   *logbuffer.Buffer
	ended chan error
}

func (w *devWorld) url(region int) string { return fmt.Sprintf("http://127.0.0.1:%d", w.base+region) }

// openFolder gives a folder that others may enter, unlike t.TempDir: for root, Postgres runs under
// another account, and would have its data elsewhere.
func openFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "outpost-tour-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

// start returns when the program has said that every region is ready.
func (w *devWorld) start(t *testing.T, limit time.Duration) {
	t.Helper()
	w.cmd = exec.Command(binary, "dev", "--base-port", strconv.Itoa(w.base), "--data", w.data)
	w.log = new(logbuffer.Buffer)
	w.cmd.Stdout, w.cmd.Stderr = w.log, w.log
	began := time.Now()
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd, log, ended := w.cmd, w.log, make(chan error, 1)
	w.ended = ended
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has ended already, unless the test failed
		if t.Failed() {
			t.Logf("what outpost dev said:\n%s", log)
		}
	})
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(log.String(), "\nready ") {
		select {
		case <-tick.C:
		case err := <-ended:
			t.Fatalf("outpost dev ended: %v", err)
		}
		if time.Since(began) > limit {
			t.Fatalf("outpost dev was not ready within %v", limit)
		}
	}
	t.Logf("ready after %v", time.Since(began).Round(time.Millisecond))
	// Each tells the others about itself once a second; nobody types faster.
	eventually(t, "the regions know of each other", func() error {
		for region := range 3 {
			var status struct{ Regions []struct{ Ready bool } }
			if err := getJSON(w.url(region)+"/api/v1/status", &status); err != nil {
				return err
			}
			if len(status.Regions) != 3 {
				return fmt.Errorf("region %d knows of %d", region, len(status.Regions))
			}
		}
		return nil
	})
}

// stop asks the program to end, and expects that it does so without an error and takes its
// Postgres with it.
func (w *devWorld) stop(t *testing.T) {
	t.Helper()
	port, err := os.ReadFile(filepath.Join(w.data, "postgres", "port"))
	if err != nil {
		t.Fatal(err)
	}
	postgres := net.JoinHostPort("127.0.0.1", strings.TrimSpace(string(port)))
	if !listens(postgres) {
		t.Errorf("nothing listens on %s, where Postgres should", postgres)
	}
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-w.ended:
		if err != nil {
			t.Errorf("outpost dev, told to stop, ended with %v", err)
		}
	case <-time.After(2 * patience):
		t.Fatal("outpost dev, told to stop, goes on")
	}
	if listens(postgres) {
		t.Error("outpost dev has ended, and its Postgres has not")
	}
}

func listens(addr string) bool {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	_ = conn.Close() // it was only asked whether it can be had
	return true
}

// takeTour pastes the commands into a shell and looks at what it prints.
func (w *devWorld) takeTour(t *testing.T, stops []stop) {
	t.Helper()
	const mark = "-- the end of a stop --"
	folder := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(folder, "bin"), 0o755), os.Symlink(binary, filepath.Join(folder, "bin", "outpost"))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	shell := exec.CommandContext(ctx, "bash", "--norc")
	shell.Dir, shell.WaitDelay = folder, time.Second
	var complaints logbuffer.Buffer
	shell.Stderr = &complaints
	stdin, err := shell.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	paste := func(text string) {
		if _, err := io.WriteString(stdin, text+"\n"); err != nil {
			t.Fatalf("the shell has ended: %v\n%s", err, &complaints)
		}
	}
	ports := strings.NewReplacer("8080", strconv.Itoa(w.base), "8081", strconv.Itoa(w.base+1), "8082", strconv.Itoa(w.base+2))
	paste(`set -E -o pipefail; trap 'echo "it failed: $BASH_COMMAND" >&2' ERR`)
	lines := bufio.NewScanner(stdout)
	for _, s := range stops {
		paste(ports.Replace(strings.Join(s.commands, "\n")))
		paste("echo '" + mark + "'")
		var printed []string
		for lines.Scan() {
			line, last := strings.CutSuffix(lines.Text(), mark)
			if line != "" || !last {
				printed = append(printed, line)
			}
			if last {
				break
			}
		}
		if !slices.EqualFunc(printed, s.prints, prints) {
			t.Errorf("the commands\n\t%s\nprinted\n\t%s\nand not\n\t%s", strings.Join(s.commands, "\n\t"),
				strings.Join(printed, "\n\t"), strings.Join(s.prints, "\n\t"))
		}
	}
	if err := errors.Join(stdin.Close(), shell.Wait()); err != nil {
		t.Errorf("the shell ended with %v", err)
	}
	if said := complaints.String(); said != "" {
		t.Errorf("the shell complained:\n%s", said)
	}
}

// prints compares a printed line with one of the README.
func prints(printed, shown string) bool {
	pattern := regexp.QuoteMeta(strings.Join(strings.Fields(shown), " "))
	pattern = strings.ReplaceAll(pattern, "…", ".*")
	return regexp.MustCompile("^" + pattern + "$").MatchString(strings.Join(strings.Fields(printed), " "))
}

// freeRange gives a base port for `outpost dev`: see freePort.
func freeRange(t *testing.T) int {
	t.Helper()
	for {
		base := 10_000 + int(ports.Add(1)%17_000)
		free := true
		for _, offset := range []int{0, 1, 2, 1000, 1001, 1002, 3000} {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", base+offset))
			if err != nil {
				free = false
				break
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if free {
			return base
		}
	}
}

func getJSON(url string, v any) error {
	response, err := http.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(v)
}
