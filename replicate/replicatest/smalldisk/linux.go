//go:build linux

package smalldisk

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
)

const variable = "OUTPOST_TEST_SMALL_DISK"

// Run gives test a disk of so many bytes. It is called by a test as all that it does.
func Run(t *testing.T, bytes int, test func(t *testing.T, d *Disk)) {
	t.Helper()
	if dir := os.Getenv(variable); dir != "" {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", bytes)); err != nil {
			t.Fatalf("mounting a small disk: %v", err)
		}
		test(t, &Disk{Dir: dir, t: t})
		return
	}
	child := exec.Command(os.Args[0], "-test.run=^"+regexp.QuoteMeta(t.Name())+"$", "-test.timeout=2m")
	child.Env = append(os.Environ(), variable+"="+t.TempDir())
	// Its mounts end with it.
	child.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if os.Getuid() != 0 {
		child.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		child.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		child.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("with a disk of its own, for which this user needs to be allowed to mount (as root, or in user namespaces): %v\n%s", err, out)
	}
}

// ReadOnly makes the disk one that cannot be written, or can again. No file may be open.
func (d *Disk) ReadOnly(yes bool) {
	d.t.Helper()
	flags := uintptr(syscall.MS_REMOUNT)
	if yes {
		flags |= syscall.MS_RDONLY
	}
	if err := syscall.Mount("", d.Dir, "", flags, ""); err != nil {
		d.t.Fatalf("mounting a small disk again: %v", err)
	}
}
