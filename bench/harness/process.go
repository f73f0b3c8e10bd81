// Package harness is what the drivers of measurements share: processes that end with the run, ports,
// what the machine is, and reports that replace no earlier one.
package harness

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"
)

// Process is a program that a driver has started, and ends.
type Process struct {
	Name string
	PID  int
	Log  string // the path of its output

	cmd   *exec.Cmd
	log   *os.File
	ended chan struct{}
	ours  atomic.Bool // it is we who end it
}

// Start starts a program with its output in a log of its own, in an environment that has only where
// programs are, home, and env. When it ends by itself fail is told so, with the end of its log.
func Start(fail func(error), name, log, home string, env []string, program string, args ...string) (*Process, error) {
	p := &Process{Name: name, Log: log, ended: make(chan struct{}), cmd: exec.Command(program, args...)}
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home}, env...)
	// Ctrl-C is for the driver, which ends its processes itself.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var err error
	if p.log, err = os.Create(log); err != nil {
		return nil, fmt.Errorf("opening a log: %w", err)
	}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", name, err), p.log.Close())
	}
	p.PID = p.cmd.Process.Pid
	go func() {
		err := p.cmd.Wait()
		if !p.ours.Load() {
			fail(fmt.Errorf("%s ended by itself (%w):\n%s", name, err, p.said()))
		}
		close(p.ended)
	}()
	return p, nil
}

// said is the end of its log.
func (p *Process) said() string {
	text, err := os.ReadFile(p.Log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// End asks it to end, and kills it, with the processes that it has started, when it has not after so long;
// at once where that is 0. It may be called twice.
func (p *Process) End(grace time.Duration) error {
	if p.ours.Swap(true) {
		return nil
	}
	if grace > 0 {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // it is gone already when this fails
		select {
		case <-p.ended:
			return p.log.Close()
		case <-time.After(grace):
		}
	}
	_ = syscall.Kill(-p.PID, syscall.SIGKILL)
	<-p.ended
	return p.log.Close()
}

// Ports are addresses that nothing listens on, below the ports of outgoing connections.
type Ports struct{ given uint32 }

// Free gives one, and never the same one twice.
func (p *Ports) Free() (string, error) {
	for range 1000 {
		p.given++
		addr := fmt.Sprintf("127.0.0.1:%d", 10_000+(uint32(os.Getpid())*97+p.given)%20_000)
		listener, err := net.Listen("tcp", addr)
		if err == nil {
			return addr, listener.Close()
		}
	}
	return "", errors.New("no port is free")
}
