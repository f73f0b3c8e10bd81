package node

import (
	"cmp"
	"context"
	"log/slog"
	"path/filepath"
	"runtime/debug"
	"slices"
	"time"

	"outpost/server/api"
	"outpost/server/cache"
)

// What a node asks again after a restart, and how gently.
const (
	warmKeys    = 2000            // asked again, the hottest first
	warmWatched = 2 * warmKeys    // from which those are chosen; little more than a kilobyte each at most
	warmSave    = 5 * time.Minute // what a node that is killed forgets
	warmTime    = time.Minute     // for asking; after it, whoever comes asks for themselves
	warmSettle  = 3 * time.Second // for what was missed meanwhile to arrive; without the primary it does not
	warmPoll    = 50 * time.Millisecond
	// One asks at a time, and rests three times as long as it took: on a machine that is busy it takes
	// longer, and so rests longer.
	warmRest  = 2 * time.Millisecond
	warmShare = 3
)

type asked = cache.Counted[api.Again]

// warmer fills the cache with what was asked most before a restart, and keeps what is asked most now.
type warmer struct {
	file   warmFile
	hits   *cache.Hits[api.Again]
	ask    func(context.Context, asked) error
	loaded func() bool // whether there is anything to ask
	behind func() bool // whether what was missed meanwhile is still on its way
	log    *slog.Logger
}

func (n *Node) newWarmer() *warmer {
	return &warmer{
		file: warmFile{path: filepath.Join(n.config.Data, "warm"), log: n.log}, hits: n.hits, ask: n.api.NewReplay().Ask,
		loaded: n.replica.Loaded,
		behind: func() bool {
			_, stale := n.follow.Stale()
			return stale || n.follow.Lag() > 0
		},
		log: n.log,
	}
}

// Run returns when ctx has ended and the file is written.
func (w *warmer) Run(ctx context.Context) error {
	rest := w.warm(ctx, w.file.load())
	debug.FreeOSMemory() // what starting took goes back now, which would take Go minutes
	tick := time.NewTicker(warmSave)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
		rest = w.save(rest)
		if err := ctx.Err(); err != nil {
			return err
		}
		w.hits.Age()
	}
}

// save keeps what is asked most now, and of what was asked before the restart the rest that was not asked
// again, for as long as there is room for it: it gives what is to be kept the next time, too.
func (w *warmer) save(rest []asked) []asked {
	top := w.hits.Top(warmKeys)
	w.file.save(hottest(slices.Concat(top, rest)))
	if len(top) == warmKeys {
		return nil
	}
	return rest
}

// hottest sorts all and gives the first of it, each once.
func hottest(all []asked) []asked {
	slices.SortStableFunc(all, func(a, b asked) int { return cmp.Compare(b.Count, a.Count) })
	seen := make(map[api.Again]bool, len(all))
	all = slices.DeleteFunc(all, func(a asked) bool {
		twice := seen[a.What]
		seen[a.What] = true
		return twice
	})
	return all[:min(len(all), warmKeys)]
}

// warm asks, the hottest first, and gives what it had no time for.
func (w *warmer) warm(ctx context.Context, all []asked) (rest []asked) {
	began := time.Now()
	limit, cancel := context.WithTimeout(ctx, warmTime)
	defer cancel()
	if !w.settled(limit) || len(all) == 0 {
		return all
	}
	kept := 0
	for i, a := range all {
		at := time.Now()
		if err := w.ask(limit, a); err == nil {
			kept++
		} else {
			w.log.Debug("what was asked before the restart is not there any more", "target", a.What.Target, "error", err)
		}
		if !sleep(limit, max(warmRest, warmShare*time.Since(at))) {
			rest = all[i+1:]
			break
		}
	}
	w.log.Info("the cache has what was asked most before the restart", "answers", kept, "not_there", len(all)-len(rest)-kept,
		"not_asked", len(rest), "took_ms", time.Since(began).Milliseconds())
	return rest
}

// settled waits for a replica, and a moment for it to catch up: an answer that changes at once is made
// for nothing.
func (w *warmer) settled(ctx context.Context) bool {
	for !w.loaded() {
		if !sleep(ctx, warmPoll) {
			return false
		}
	}
	settling, cancel := context.WithTimeout(ctx, warmSettle)
	defer cancel()
	for w.behind() && sleep(settling, warmPoll) {
	}
	return ctx.Err() == nil
}

// sleep says whether there is time left.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
