package cli

import (
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

// limitMemory sets the soft limit near which the collector works harder: GOMEMLIMIT if that is set,
// else nine tenths of the container's, else of own, where 0 is no limit. It gives what the process may
// take at most, the lesser of GOMEMLIMIT and the container's limit; 0: nobody knows.
func limitMemory(log *slog.Logger, own int64) (int64, error) {
	container, err := memlimit.FromCgroup()
	contained := err == nil // whatever the error is, there is no limit to be read
	asked, ok := os.LookupEnv("GOMEMLIMIT")
	switch {
	case ok: // Go has read it
		soft := debug.SetMemoryLimit(-1)
		log.Info("the memory limit is GOMEMLIMIT", "value", asked)
		if contained {
			soft = min(soft, int64(min(container, math.MaxInt64)))
		}
		if soft == math.MaxInt64 {
			soft = 0
		}
		return soft, nil
	case contained:
		return int64(container), setLimit(log, container, "the container's")
	case own > 0:
		return 0, setLimit(log, uint64(own), "this program's own")
	}
	log.Debug("there is no memory limit: neither GOMEMLIMIT nor a container has one")
	return 0, nil
}

func setLimit(log *slog.Logger, bytes uint64, whose string) error {
	soft, err := memlimit.Set(memlimit.WithProvider(memlimit.Limit(bytes)))
	if err != nil {
		return fmt.Errorf("setting the memory limit: %w", err)
	}
	log.Info("the memory limit was set", "whose", whose, "limit_bytes", bytes, "go_limit_bytes", soft)
	return nil
}
