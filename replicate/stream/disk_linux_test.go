package stream

import (
	"strings"
	"testing"

	"outpost/replicate/disktest"
)

// TestALogOnAReadOnlyDiskIsNotOpened opens it before anybody has written to the disk since it
// became read-only: the server counts as well.
func TestALogOnAReadOnlyDiskIsNotOpened(t *testing.T) {
	disk := disktest.New(t, 32<<20)
	c := connect(t, ConnOptions{Server: startServer(t, disk.Path)})
	openLog(t, c)
	disk.Seal()
	if _, err := c.OpenLog(t.Context(), 1<<20); err == nil || !strings.Contains(err.Error(), "is read-only; mount it writable") {
		t.Errorf("got %v", err)
	}
	disk.Unseal()
	if !eventually(func() bool { _, err := c.OpenLog(t.Context(), 1<<20); return err == nil }) {
		t.Error("it cannot be opened afterwards")
	}
}
