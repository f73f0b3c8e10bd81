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

// memory is what is known of the limit of memory, to be said once the node has started: a start that
// fails says why, and nothing else.
type memory struct {
	limit int64  // what the process may take at most; 0: nobody knows
	whose string // empty: there is none
	soft  int64  // Go's
}

func (m memory) log(log *slog.Logger) {
	if m.whose == "" {
		log.Debug("there is no memory limit: neither GOMEMLIMIT nor a container has one")
		return
	}
	log.Info("the memory limit is set", "whose", m.whose, "limit_bytes", m.limit, "go_limit_bytes", m.soft)
}

// limitMemory sets the soft limit near which the collector works harder: GOMEMLIMIT if that is set,
// else nine tenths of the container's, else of own, where 0 is no limit. What the process may take at most is
// the lesser of GOMEMLIMIT and the container's limit.
func limitMemory(own int64) (memory, error) {
	container, err := memlimit.FromCgroup()
	contained := err == nil // whatever the error is, there is no limit to be read
	_, asked := os.LookupEnv("GOMEMLIMIT")
	switch {
	case asked: // Go has read it
		m := memory{whose: "GOMEMLIMIT", soft: debug.SetMemoryLimit(-1)}
		m.limit = m.soft
		if contained {
			m.limit = min(m.limit, int64(min(container, math.MaxInt64)))
		}
		if m.limit == math.MaxInt64 {
			m.limit = 0
		}
		return m, nil
	case contained:
		return setLimit(int64(container), container, "the container's")
	case own > 0:
		return setLimit(0, uint64(own), "this program's own")
	}
	return memory{}, nil
}

func setLimit(limit int64, bytes uint64, whose string) (memory, error) {
	soft, err := memlimit.Set(memlimit.WithProvider(memlimit.Limit(bytes)))
	if err != nil {
		return memory{}, fmt.Errorf("setting the memory limit: %w", err)
	}
	return memory{limit: limit, whose: whose, soft: soft}, nil
}
