package pgcluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

var (
	errPortTaken = errors.New("its port is taken")
	errStillHeld = errors.New("processes of an earlier run still hold its memory")
)

// process is a running postmaster.
type process struct {
	pid  int
	cmd  *exec.Cmd
	log  string // file
	from int64  // where this run's part of the log begins
	done chan struct{}
	err  error // how it ended; read after done
}

// spawn starts a postmaster. One thread starts it and waits for it: the parent
// death signal is sent when the starting THREAD ends, and Go ends threads at will.
func spawn(h *home, bin binaries, args []string) (*process, error) {
	p := &process{log: h.path("log"), done: make(chan struct{})}
	out, err := openLog(p.log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	if info, err := out.Stat(); err == nil {
		p.from = info.Size()
	}
	p.cmd = command(h, bin.path("postgres"), args)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	started := make(chan error, 1)
	go func() {
		defer close(p.done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting the private Postgres: %w", err)
	}
	p.pid = p.cmd.Process.Pid
	return p, nil
}

// run runs a program to its end, on one thread for the same reason.
func run(ctx context.Context, cmd *exec.Cmd) ([]byte, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() {
		// The group holds the programs that initdb starts.
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	})
	defer stop()
	err := cmd.Wait()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return out.Bytes(), err
}

// waitReady returns when the server answers. Where it does not come up it is ended,
// and the error says what the server wrote last.
func (p *process) waitReady(ctx context.Context, url string) error {
	for {
		err := ping(ctx, url)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return p.explain()
		case <-ctx.Done():
			return errors.Join(
				fmt.Errorf("waiting for the private Postgres: %w (last: %w)", ctx.Err(), err),
				p.end(ctx, syscall.SIGQUIT))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func ping(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	conn, err := pgconn.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return conn.Ping(ctx)
}

// explain turns the log of a server that did not come up into an error.
func (p *process) explain() error {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return fmt.Errorf("the private Postgres ended (%w) and its log cannot be read: %w", p.err, err)
	}
	text = text[min(p.from, int64(len(text))):]
	cause := p.err
	// Postgres has no exit code for these two.
	switch {
	case bytes.Contains(text, []byte("Address already in use")):
		cause = errPortTaken
	case bytes.Contains(text, []byte("pre-existing shared memory block")):
		cause = errStillHeld
	}
	if cause == nil {
		cause = errors.New("it was stopped from outside")
	}
	return fmt.Errorf("the private Postgres did not come up: %w: %s (log: %s)", cause, lastLine(fatal(text)), p.log)
}

func (p *process) signal(s syscall.Signal) error {
	err := p.cmd.Process.Signal(s)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// end asks the postmaster to stop and waits; once ctx is done it insists.
func (p *process) end(ctx context.Context, s syscall.Signal) error {
	if err := p.signal(s); err != nil {
		return fmt.Errorf("stopping the private Postgres: %w", err)
	}
	for _, patience := range []<-chan struct{}{ctx.Done(), after(5 * time.Second)} {
		select {
		case <-p.done:
			return nil
		case <-patience:
		}
		if err := p.signal(syscall.SIGQUIT); err != nil {
			return fmt.Errorf("stopping the private Postgres: %w", err)
		}
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		return fmt.Errorf("killing the private Postgres: %w", err)
	}
	<-p.done
	return nil
}

func after(d time.Duration) <-chan struct{} {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	context.AfterFunc(ctx, cancel)
	return ctx.Done()
}

// openLog appends to the log, and begins a new one when it has grown long.
func openLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > 4<<20 {
		if err := os.Rename(path, path+".old"); err != nil {
			return nil, fmt.Errorf("putting the old log aside: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the private Postgres' log: %w", err)
	}
	return f, nil
}

// freePort gives the wanted port if nobody has it, else one below the range from
// which outgoing connections take theirs, so that it is still free at a Restart.
func freePort(wanted int) (int, error) {
	for range 100 {
		if wanted != 0 {
			l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(wanted)))
			if err == nil {
				return wanted, l.Close()
			}
		}
		wanted = 15500 + rand.IntN(32000-15500)
	}
	return 0, errors.New("finding a free port for the private Postgres: 100 were taken")
}

// fatal keeps the lines that say why a server ended.
func fatal(log []byte) []byte {
	var kept []byte
	for line := range bytes.Lines(log) {
		if bytes.Contains(line, []byte("FATAL:")) || bytes.Contains(line, []byte("PANIC:")) {
			kept = append(kept, line...)
		}
	}
	if kept == nil {
		return log
	}
	return kept
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}
