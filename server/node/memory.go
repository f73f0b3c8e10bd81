package node

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/prometheus/procfs" // what Linux says of a process

	"outpost/server/cache"
	"outpost/server/telemetry"
)

const (
	memoryInterval = time.Minute
	// Of the limit, in percent.
	memoryEmpty   = 90
	memoryShrink  = 80
	memoryRestore = 60 // and below
	// A cache below this part of its size is not what takes the memory.
	memoryLeast = 16
)

// memoryWatch lets the cache give up memory before the kernel ends the process for it.
type memoryWatch struct {
	cache *cache.Cache
	full  int64 // the cache's bound where there is memory enough
	limit int64 // of the process; 0: not known
	used  func() (int64, error)
	// free collects garbage and returns it to the system. Garbage is nobody's need: with a limit Go
	// lets it grow up to there.
	free  func()
	count func(action string)
	log   *slog.Logger

	helpless bool // the cache has no more to give, and that was said
}

func (n *Node) openMemoryWatch() error {
	count, err := n.metrics.WatchMemory(func() telemetry.Memory {
		return telemetry.Memory{CacheBytes: n.cache.Stats().Bytes, CacheLimit: n.cache.Bound(), Limit: n.options.MemoryLimit}
	})
	n.memory = &memoryWatch{
		cache: n.cache, full: n.cacheBytes(), limit: n.options.MemoryLimit, used: memoryUsed, free: debug.FreeOSMemory, count: count, log: n.log,
	}
	return err
}

// Run looks every time that tick says, until ctx ends.
func (w *memoryWatch) Run(ctx context.Context, tick <-chan time.Time) error {
	if w.limit == 0 {
		w.log.Debug("no limit of memory is known, so the cache keeps its size whatever is used")
		return nil
	}
	for {
		select {
		case <-tick:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := w.look(); err != nil {
			w.log.Error("how much memory is used cannot be read, so the cache keeps its size", "error", err)
		}
	}
}

func (w *memoryWatch) look() error {
	used, err := w.used()
	if err == nil && w.above(used, memoryShrink) {
		w.free()
		used, err = w.used()
	}
	if err != nil {
		return fmt.Errorf("reading how much memory is used: %w", err)
	}
	bound := w.cache.Bound()
	switch {
	case w.above(used, memoryShrink):
		w.shrink(used, bound)
	case !w.above(used, memoryRestore) && bound < w.full:
		w.helpless = false
		w.cache.Resize(min(2*bound, w.full))
		w.log.Info("there is memory again, and the cache may take more", w.figures(used)...)
	}
	return nil
}

// shrink halves the cache, and empties it where that may come too late.
func (w *memoryWatch) shrink(used, bound int64) {
	least := max(w.full/memoryLeast, 1)
	if bound <= least && w.cache.Stats().Bytes <= least {
		if !w.helpless {
			w.helpless = true
			w.log.Warn("memory runs short, and the cache has none to give up: the process needs a higher limit", w.figures(used)...)
		}
		return
	}
	w.cache.Resize(max(bound/2, least))
	if w.above(used, memoryEmpty) {
		w.cache.Empty()
		w.count("empty")
		w.log.Warn("memory runs out, so the cache was emptied", w.figures(used)...)
	} else {
		w.count("shrink")
		w.log.Warn("memory runs short, so the cache was shrunk", w.figures(used)...)
	}
	w.free()
}

func (w *memoryWatch) above(used int64, percent int64) bool { return used > w.limit/100*percent }

func (w *memoryWatch) figures(used int64) []any {
	return []any{"used_bytes", used, "limit_bytes", w.limit, "cache_limit_bytes", w.cache.Bound()}
}

// memoryUsed is what the process holds of memory that the system can take back only by ending it:
// Go's, and SQLite's, which Go does not see. Pages of files do not count, they are only borrowed.
// Where there is no /proc it is Go's alone.
func memoryUsed() (int64, error) {
	self, err := procfs.Self()
	if err != nil {
		return goMemory(), nil
	}
	status, err := self.NewStatus()
	return int64(status.RssAnon + status.RssShmem), err
}

func goMemory() int64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}
