// Package smalldisk runs a test on a disk of its own, which it may fill. The test's process
// runs once more for that, in a namespace in which it may mount: an ordinary user may, too.
// It is for SQLite's files: SQLite follows symbolic links by itself, so the path by which
// package disktest leads into another process' mounts would lead it to no disk at all.
package smalldisk

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Disk is a mounted file system.
type Disk struct {
	Dir string
	t   *testing.T
}

func (d *Disk) filler() string { return filepath.Join(d.Dir, "filler") }

// Fill takes all the room that there is but so many bytes.
func (d *Disk) Fill(but int64) {
	d.t.Helper()
	f, err := os.OpenFile(d.filler(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatal(err)
	}
	info, err := f.Stat()
	if err == nil && but > 0 {
		err = f.Truncate(info.Size() - but)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		d.t.Fatal(err)
	}
}

// Free gives all room back.
func (d *Disk) Free() {
	d.t.Helper()
	if err := os.Remove(d.filler()); err != nil {
		d.t.Fatal(err)
	}
}
