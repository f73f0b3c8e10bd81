//go:build !linux

package smalldisk

import "testing"

// Run needs Linux.
func Run(t *testing.T, _ int, _ func(t *testing.T, d *Disk)) {
	t.Helper()
	t.Fatal("a disk of a test's own needs Linux")
}

// ReadOnly needs Linux.
func (d *Disk) ReadOnly(bool) {
	d.t.Helper()
	d.t.Fatal("a disk of a test's own needs Linux")
}
