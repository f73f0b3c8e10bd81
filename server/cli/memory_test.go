package cli

import (
	"bytes"
	"log/slog"
	"math"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// TestAnExplicitMemoryLimitIsRespected: nothing else is put in its place.
func TestAnExplicitMemoryLimitIsRespected(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))

	t.Setenv("GOMEMLIMIT", "100MiB")
	debug.SetMemoryLimit(100 << 20)
	got, err := limitMemory(50 << 20)
	if got.log(log); err != nil || got.limit != 100<<20 || debug.SetMemoryLimit(-1) != 100<<20 || !strings.Contains(said.String(), "limit_bytes=104857600") {
		t.Errorf("the limit is %d, %v, Go's %d: %s", got.limit, err, debug.SetMemoryLimit(-1), &said)
	}
}

// TestWithoutALimitTheProgramTakesItsOwn is of a machine without containers; in one that has a limit,
// that is the one.
func TestWithoutALimitTheProgramTakesItsOwn(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(math.MaxInt64))
	t.Setenv("GOMEMLIMIT", "") // so that it comes back
	if err := os.Unsetenv("GOMEMLIMIT"); err != nil {
		t.Fatal(err)
	}
	container, err := memlimit.FromCgroup()
	want, soft := int64(container), int64(float64(container)*.9)
	if err != nil {
		want, soft = 0, 90<<20
	}
	if got, err := limitMemory(100 << 20); err != nil || got.limit != want || debug.SetMemoryLimit(-1) != soft {
		t.Errorf("the limit is %d, %v, Go's %d; want %d and %d", got.limit, err, debug.SetMemoryLimit(-1), want, soft)
	}
}
