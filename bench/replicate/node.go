package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// nodes are the processes of one round: a primary, which holds the hub, and edges.
type nodes struct {
	lab     *lab
	primary *node
	edges   []*node
}

// node is one `outpost serve`.
type node struct {
	lab   *lab
	name  string
	dir   string
	api   string
	admin string
	hub   string
	began time.Time // when the process was started
	cmd   *exec.Cmd
	log   *os.File
	ended chan struct{}
	ours  atomic.Bool // it is we who end it
	far   *far        // once its replica is loaded
}

// nodes starts a primary on an empty folder.
func (d *database) nodes() (*nodes, error) {
	n := &nodes{lab: d.lab}
	var err error
	n.primary, err = n.lab.serve("primary", func(p *node) map[string]string {
		return map[string]string{"DATABASE_URL": d.url, "OUTPOST_HUB_ADDR": p.hub}
	})
	return n, err
}

// edge starts an edge on an empty folder.
func (n *nodes) edge() (*node, error) {
	edge, err := n.lab.serve(fmt.Sprintf("edge%d", len(n.edges)+1), func(*node) map[string]string {
		return map[string]string{"OUTPOST_PRIMARY_URL": "http://" + n.primary.api, "OUTPOST_HUB_URL": "nats://" + n.primary.hub}
	})
	if err != nil {
		return nil, err
	}
	n.edges = append(n.edges, edge)
	return edge, nil
}

func (n *nodes) close() error {
	var errs []error
	for _, each := range append(slices.Clone(n.edges), n.primary) {
		errs = append(errs, each.close())
	}
	return errors.Join(errs...)
}

// serve starts a process with the product's own settings, but for its addresses and
// folder. When it ends by itself the whole run has failed.
func (l *lab) serve(name string, more func(*node) map[string]string) (_ *node, err error) {
	n := &node{lab: l, name: name, dir: l.path(name), ended: make(chan struct{})}
	for _, addr := range []*string{&n.api, &n.admin, &n.hub} {
		if *addr, err = l.freePort(); err != nil {
			return nil, err
		}
	}
	env := map[string]string{
		"OUTPOST_REGION": name, "PRIMARY_REGION": "primary", "OUTPOST_ADDR": n.api, "OUTPOST_ADMIN_ADDR": n.admin,
		"OUTPOST_DATA": n.dir, "OUTPOST_CLUSTER_KEY": "of the measurement", "LOG_FORMAT": "text",
	}
	maps.Copy(env, more(n))
	n.cmd = exec.Command(l.outpost, "serve")
	n.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + l.folder, "TMPDIR=" + l.folder}
	for key, value := range env {
		n.cmd.Env = append(n.cmd.Env, key+"="+value)
	}
	// Ctrl-C is for the driver, which ends its processes itself.
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if n.log, err = os.Create(n.dir + ".log"); err != nil {
		return nil, fmt.Errorf("opening a log: %w", err)
	}
	n.cmd.Stdout, n.cmd.Stderr = n.log, n.log
	n.began = time.Now()
	if err := n.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", name, err), n.log.Close())
	}
	go n.guard()
	return n, nil
}

// guard ends the run when the process ends by itself.
func (n *node) guard() {
	err := n.cmd.Wait()
	if !n.ours.Load() {
		n.lab.fail(fmt.Errorf("%s ended by itself (%w):\n%s", n.name, err, n.said()))
	}
	close(n.ended)
}

// said is the end of its log.
func (n *node) said() string {
	text, err := os.ReadFile(n.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// loaded waits until its replica has a row, in a file that appears once it is complete.
func (n *node) loaded(id int64) error {
	path := filepath.Join(n.dir, "replica", "replica.db")
	return wait(n.lab.ctx, 2*time.Millisecond, n.name+" has its rows", func(ctx context.Context) (bool, error) {
		f, err := openFile(ctx, path)
		if err != nil {
			return false, nil // not yet
		}
		if at, err := f.newest(ctx); err != nil || at < id {
			return false, f.close()
		}
		n.far = f
		return true, nil
	})
}

// ready waits until it would be given requests.
func (n *node) ready() error {
	return wait(n.lab.ctx, 2*time.Millisecond, n.name+" is ready", func(ctx context.Context) (bool, error) {
		return n.get(ctx, "/readyz", io.Discard) == nil, nil
	})
}

// get asks its admin port.
func (n *node) get(ctx context.Context, path string, into io.Writer) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.admin+path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("asking %s: %w", n.name, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("asking %s: %s answered %s", n.name, path, response.Status)
	}
	_, err = io.Copy(into, response.Body)
	return err
}

func (n *node) close() error {
	n.ours.Store(true)
	_ = n.cmd.Process.Kill() // it is gone already when this fails
	<-n.ended
	var errs []error
	if n.far != nil {
		errs = append(errs, n.far.close())
	}
	return errors.Join(append(errs, n.log.Close(), os.RemoveAll(n.dir))...)
}

// use is what a process has used.
type use struct {
	cpu          time.Duration
	resident     float64 // MB now
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
	u.resident, u.mostResident = megabytes(string(status), "VmRSS:"), megabytes(string(status), "VmHWM:")
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
