package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"outpost/replicate/replicatest/logbuffer"
	"outpost/server/cache"
	"outpost/server/telemetry"
)

// shortage is a watch over a cache that is full, with memory as the test says.
type shortage struct {
	*memoryWatch
	used    int64
	garbage int64 // that the collector would give back
	log     *logbuffer.Buffer
	metrics *telemetry.Metrics
}

const mib = 1 << 20

func newShortage(t *testing.T) *shortage {
	t.Helper()
	c, err := cache.New(cache.Options{MaxBytes: mib, Published: func() cache.At { return cache.At{Incarnation: 1} }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.Reset(1)
	s := &shortage{log: new(logbuffer.Buffer), metrics: telemetry.New("v", "fra", nil)}
	s.memoryWatch = &memoryWatch{
		cache: c, full: mib, limit: 1000 * mib, log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		used: func() (int64, error) { return s.used, nil },
		free: func() { s.used, s.garbage = s.used-s.garbage, 0 },
	}
	if s.count, err = s.metrics.WatchMemory(func() telemetry.Memory { return telemetry.Memory{} }); err != nil {
		t.Fatal(err)
	}
	s.fill(t)
	return s
}

func (s *shortage) fill(t *testing.T) {
	t.Helper()
	for i := range 1200 {
		_, err := s.cache.Do(t.Context(), fmt.Append(nil, i), func(context.Context) (cache.Filled, error) {
			return cache.Filled{Body: make([]byte, 200), At: cache.At{Incarnation: 1}, Store: true}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// counted is how often the cache gave up memory, by the metrics.
func (s *shortage) counted(t *testing.T) (shrunk, emptied float64) {
	t.Helper()
	families, err := s.metrics.Registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "outpost_cache_shrunk_total" {
			for _, m := range f.Metric {
				if m.Label[0].GetValue() == "empty" {
					emptied = m.Counter.GetValue()
				} else {
					shrunk = m.Counter.GetValue()
				}
			}
		}
	}
	return shrunk, emptied
}

func TestTheCacheGivesUpMemoryAndGetsItBack(t *testing.T) {
	s := newShortage(t)
	for i, step := range []struct {
		what            string
		used, garbage   int64 // MiB of 1000
		bound           int64 // KiB of the cache afterwards
		shrunk, emptied float64
		says            string
	}{
		{"enough", 700, 0, 1024, 0, 0, ""},
		{"garbage only", 950, 400, 1024, 0, 0, ""},
		{"short", 850, 0, 512, 1, 0, "the cache was shrunk"},
		{"still short", 850, 20, 256, 2, 0, "the cache was shrunk"},
		{"between", 700, 0, 256, 2, 0, ""},
		{"out", 950, 0, 128, 2, 1, "the cache was emptied"},
		{"still out", 950, 0, 64, 2, 2, "the cache was emptied"},
		{"none to give", 950, 0, 64, 2, 2, "the cache has none to give up"},
		{"none to give again", 950, 0, 64, 2, 2, ""},
		{"enough again", 500, 0, 128, 2, 2, "there is memory again"},
		{"and again", 500, 0, 256, 2, 2, "there is memory again"},
		{"and again", 500, 0, 512, 2, 2, "there is memory again"},
		{"all", 500, 0, 1024, 2, 2, "there is memory again"},
		{"no more", 500, 0, 1024, 2, 2, ""},
	} {
		before := len(s.log.String())
		s.used, s.garbage = step.used*mib, step.garbage*mib
		if err := s.look(); err != nil {
			t.Fatal(err)
		}
		shrunk, emptied := s.counted(t)
		if s.cache.Bound() != step.bound<<10 || s.cache.Stats().Bytes > step.bound<<10 || shrunk != step.shrunk || emptied != step.emptied {
			t.Errorf("%d, %s: %d of %d KiB are held, shrunk %v and emptied %v times", i, step.what, s.cache.Stats().Bytes>>10, s.cache.Bound()>>10, shrunk, emptied)
		}
		said := s.log.String()[before:]
		if strings.Count(said, "\n") > 1 || (step.says == "") != (said == "") || !strings.Contains(said, step.says) {
			t.Errorf("%d, %s: it says %q", i, step.what, said)
		}
		if step.emptied > 0 && step.says != "" && step.used > 900 && s.cache.Stats().Bytes != 0 {
			t.Errorf("%d, %s: %d bytes are still held", i, step.what, s.cache.Stats().Bytes)
		}
	}
}

func TestWithNoLimitNothingIsWatched(t *testing.T) {
	s := newShortage(t)
	s.limit, s.used = 0, 1<<50
	if err := s.Run(t.Context(), make(chan time.Time)); err != nil || !strings.Contains(s.log.String(), "level=DEBUG") || s.cache.Bound() != mib {
		t.Errorf("%v, and it says %q", err, s.log)
	}
}

func TestTheWatchLooksWhenItIsTime(t *testing.T) {
	s := newShortage(t)
	ctx, stop := context.WithCancel(t.Context())
	tick, done := make(chan time.Time), make(chan error)
	s.used = 850 * mib
	go func() { done <- s.Run(ctx, tick) }()
	tick <- time.Time{}
	tick <- time.Time{}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) || s.cache.Bound() > mib/2 {
		t.Errorf("%v, with a bound of %d", err, s.cache.Bound())
	}
}

// TestUsedMemoryIsCounted takes memory and gives it back.
func TestUsedMemoryIsCounted(t *testing.T) {
	before, err := memoryUsed()
	if err != nil {
		t.Fatal(err)
	}
	taken := make([]byte, 64*mib)
	for i := 0; i < len(taken); i += 4096 {
		taken[i] = 1
	}
	after, err := memoryUsed()
	if err != nil || after-before < 60*mib || goMemory() < 60*mib {
		t.Errorf("with 64 MiB more, %d became %d, of which Go knows %d: %v", before, after, goMemory(), err)
	}
	taken[0] = 0
}
