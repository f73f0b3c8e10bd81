package disktest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Disk is a tmpfs that a process of its own has mounted, where no other process sees the
// mount: it is gone with that process, however the test ends.
type Disk struct {
	Path string // its root

	t      testing.TB
	at     string // its root as its process sees it
	shell  io.Writer
	answer *bufio.Reader
}

// script mounts a disk and then does what it is told, line by line.
const script = `mount --make-rprivate / && mount -t tmpfs -o "size=$1" none "$2" && echo done
while read -r options; do mount -o "remount,$options" "$2" && echo done || echo failed; done`

// New mounts a disk of so many bytes until the test ends. Root may do that; others need to
// be allowed user namespaces.
func New(t testing.TB, size int) *Disk {
	t.Helper()
	at := t.TempDir()
	cmd := exec.Command("sh", "-c", script, "sh", fmt.Sprint(size), at)
	cmd.Stderr = t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("a disk of its own needs root, or user namespaces that are allowed: %v", err)
	}
	t.Cleanup(func() {
		// The end of its input ends it.
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Errorf("unmounting the disk: %v", err)
		}
	})
	d := &Disk{Path: filepath.Join(fmt.Sprintf("/proc/%d/root", cmd.Process.Pid), at), t: t, at: at, shell: in, answer: bufio.NewReader(out)}
	if err := d.done(); err != nil {
		t.Fatalf("a disk of its own needs root, or user namespaces that are allowed: mounting one: %v", err)
	}
	return d
}

func (d *Disk) done() error {
	line, err := d.answer.ReadString('\n')
	if err == nil && strings.TrimSpace(line) != "done" {
		err = errors.New("mount failed")
	}
	return err
}

// Seal makes the disk read-only. A kernel that no longer trusts a disk does so whatever is
// open; when asked to, only while no file is open for writing. What this process has open is
// therefore opened again, for reading, under the same descriptor.
func (d *Disk) Seal() {
	d.t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		d.t.Fatal(err)
	}
	for _, entry := range open {
		number, err := strconv.Atoi(entry.Name())
		if err != nil {
			d.t.Fatal(err)
		}
		link := filepath.Join("/proc/self/fd", entry.Name())
		path, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(path, d.at) {
			continue // closed meanwhile, or elsewhere
		}
		reading, err := syscall.Open(link, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err == nil {
			err = errors.Join(syscall.Dup3(reading, number, syscall.O_CLOEXEC), syscall.Close(reading))
		}
		if err != nil {
			d.t.Fatalf("opening %s again: %v", path, err)
		}
	}
	d.remount("ro")
}

// Unseal makes it writable again.
func (d *Disk) Unseal() {
	d.t.Helper()
	d.remount("rw")
}

func (d *Disk) remount(options string) {
	d.t.Helper()
	_, err := fmt.Fprintln(d.shell, options)
	if err == nil {
		err = d.done()
	}
	if err != nil {
		d.t.Fatalf("remounting the disk %s: %v", options, err)
	}
}

// Fill leaves not a byte.
func (d *Disk) Fill() {
	d.t.Helper()
	file, err := os.Create(d.filler())
	if err != nil {
		d.t.Fatal(err)
	}
	for size := 1 << 20; size > 0; size /= 2 { // the last bytes come singly
		for err == nil {
			_, err = file.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			d.t.Fatalf("filling the disk: %v", err)
		}
		err = nil
	}
	if err := file.Close(); err != nil {
		d.t.Fatal(err)
	}
}

// Empty takes away what Fill has filled it with.
func (d *Disk) Empty() {
	d.t.Helper()
	if err := os.Remove(d.filler()); err != nil {
		d.t.Fatal(err)
	}
}

func (d *Disk) filler() string { return filepath.Join(d.Path, "filler") }
