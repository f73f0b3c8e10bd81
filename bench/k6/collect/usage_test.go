package collect

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/procfs"
)

// Time that the host gave to other guests is not used by this machine: it would look busy with nothing.
func TestStolenTimeIsNotUsed(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "7"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{ // in hundredths of a second; see proc(5)
		"stat":   "cpu 100 200 300 5000 600 700 800 900 0 0\n",
		"7/stat": "7 (k6) S 1 7 7 0 -1 0 0 0 0 0 30 20 0 0 20 0 9 0 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	fs, err := procfs.NewFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	self, err := fs.Proc(7)
	if err != nil {
		t.Fatal(err)
	}
	u := usage{fs: fs, self: self}
	if got, want := u.read(), (used{k6: 0.5, machine: 21, stolen: 9}); got != want {
		t.Errorf("%+v, not %+v", got, want)
	}
}
