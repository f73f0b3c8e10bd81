package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"
)

// patience is for whatever should take far less.
const patience = 2 * time.Minute

// process is a program that the lab has started, and ends.
type process struct {
	lab   *lab
	name  string
	cmd   *exec.Cmd
	log   *os.File
	ended chan struct{}
	ours  atomic.Bool // it is we who end it
}

// start starts a program with its output in a log of its own. When it ends by itself the
// whole run has failed.
func (l *lab) start(name string, env []string, program string, args ...string) (*process, error) {
	p := &process{lab: l, name: name, ended: make(chan struct{}), cmd: exec.Command(program, args...)}
	// What is measured sees nothing of this session but where programs are.
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + l.folder, "TMPDIR=" + l.folder}, env...)
	// Ctrl-C is for the driver, which ends its processes itself.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var err error
	if p.log, err = os.Create(filepath.Join(l.folder, name+".log")); err != nil {
		return nil, fmt.Errorf("opening a log: %w", err)
	}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", name, err), p.log.Close())
	}
	l.processes = append(l.processes, p)
	go p.guard()
	return p, nil
}

// guard ends the run when the process ends by itself.
func (p *process) guard() {
	err := p.cmd.Wait()
	if !p.ours.Load() {
		p.lab.fail(fmt.Errorf("%s ended by itself (%w):\n%s", p.name, err, p.said()))
	}
	close(p.ended)
}

// said is the end of its log.
func (p *process) said() string {
	text, err := os.ReadFile(p.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// close asks it to end, with the processes that it has started; one that does not is killed.
func (p *process) close() error {
	if p.ours.Swap(true) {
		return nil // it was closed before
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it is gone already when this fails
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.ended
	}
	return p.log.Close()
}

// freePort gives an address that nothing listens on, below the ports of outgoing
// connections, and never the same one twice.
func (l *lab) freePort() (string, error) {
	for range 1000 {
		l.ports++
		addr := fmt.Sprintf("127.0.0.1:%d", 10_000+(uint32(os.Getpid())*97+l.ports)%20_000)
		listener, err := net.Listen("tcp", addr)
		if err == nil {
			return addr, listener.Close()
		}
	}
	return "", errors.New("no port is free")
}

// listening waits until something takes connections there.
func (l *lab) listening(p *process, addr string) error {
	return wait(l.ctx, p.name+" listens", func(ctx context.Context) (bool, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			return false, nil // not yet
		}
		return true, c.Close()
	})
}

// wait asks again and again, until it is so.
func wait(ctx context.Context, what string, condition func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("within %v it was not so that %s", patience, what))
	defer cancel()
	for {
		done, err := condition(ctx)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil || done:
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}
