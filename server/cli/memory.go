package cli

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit" // a memory limit, from the cgroup if there is one
)

// heapBytes is what the heap may take beside the cache before the collector runs more often
// than it would: of what a busy hub's log keeps in memory, most is free to go.
const heapBytes = 128 << 20

// memory is what is known of the limit of memory, to be said once the node has started: a start that
// fails says why, and nothing else.
type memory struct {
	limit int64 // what the process may take at most; 0: nobody knows
	level slog.Level
	says  string
	attrs []any
}

func (m memory) log(log *slog.Logger) { log.Log(context.Background(), m.level, m.says, m.attrs...) }

// limitMemory sets the soft limit near which the collector works harder: GOMEMLIMIT if that is set,
// else nine tenths of the container's, else of own, where 0 is no limit. What the process may take at most is
// the lesser of GOMEMLIMIT and the container's limit.
func limitMemory(own int64) (memory, error) {
	container, err := memlimit.FromCgroup()
	contained := err == nil // whatever the error is, there is no limit to be read
	asked, ok := os.LookupEnv("GOMEMLIMIT")
	switch {
	case ok: // Go has read it
		soft := debug.SetMemoryLimit(-1)
		if contained {
			soft = min(soft, int64(min(container, math.MaxInt64)))
		}
		if soft == math.MaxInt64 {
			soft = 0
		}
		return memory{limit: soft, says: "the memory limit is GOMEMLIMIT", attrs: []any{"value", asked}}, nil
	case contained:
		return setLimit(int64(container), container, "the container's")
	case own > 0:
		return setLimit(0, uint64(own), "this program's own")
	}
	return memory{level: slog.LevelDebug, says: "there is no memory limit: neither GOMEMLIMIT nor a container has one"}, nil
}

func setLimit(limit int64, bytes uint64, whose string) (memory, error) {
	soft, err := memlimit.Set(memlimit.WithProvider(memlimit.Limit(bytes)))
	if err != nil {
		return memory{}, fmt.Errorf("setting the memory limit: %w", err)
	}
	return memory{limit: limit, says: "the memory limit was set", attrs: []any{"whose", whose, "limit_bytes", bytes, "go_limit_bytes", soft}}, nil
}
