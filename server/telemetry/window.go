package telemetry

import (
	"math"
	"sync/atomic"
	"time"
)

// The window is a ring of slices of time, each with a coarse histogram: fixed memory,
// one atomic increment per request, percentiles within a seventh of the truth.
const (
	slices     = 13 // twelve whole ones and the one that is being filled
	sliceWidth = 5 * time.Second
	buckets    = 96
	firstBound = 20 * time.Microsecond
	growth     = 1.15
	lnGrowth   = 0.13976194237515868 // the logarithm of growth
)

// Traffic is what a node answered in the last minute.
type Traffic struct {
	Rate     float64       // requests a second
	P50      time.Duration // of all requests, errors included
	P95      time.Duration
	P99      time.Duration
	HitRatio float64 // of requests to the cache; 0 when there were none
	Requests uint64
}

type window struct {
	now    func() time.Time
	start  time.Time
	slices [slices]slice
}

type slice struct {
	epoch   atomic.Int64 // which sliceWidth since start this slice counts, plus one; 0: none yet
	hits    atomic.Uint64
	looked  atomic.Uint64
	buckets [buckets]atomic.Uint64
}

func newWindow(now func() time.Time) *window { return &window{now: now, start: now()} }

// current gives the slice of this moment, emptied when it last counted an earlier one. A
// request counted at the very turn may be lost or counted a slice too late: these are
// figures for people, not for bills.
func (w *window) current(now time.Time) *slice {
	epoch := w.epoch(now)
	s := &w.slices[epoch%slices]
	if old := s.epoch.Load(); old != epoch && s.epoch.CompareAndSwap(old, epoch) {
		s.hits.Store(0)
		s.looked.Store(0)
		for i := range s.buckets {
			s.buckets[i].Store(0)
		}
	}
	return s
}

// epoch numbers the slices from 1. A clock before the start is taken for the start.
func (w *window) epoch(now time.Time) int64 { return int64(max(now.Sub(w.start), 0)/sliceWidth) + 1 }

func (w *window) request(took time.Duration, now time.Time) {
	w.current(now).buckets[bucketOf(took)].Add(1)
}

func (w *window) cache(hit bool, now time.Time) {
	s := w.current(now)
	s.looked.Add(1)
	if hit {
		s.hits.Add(1)
	}
}

func (w *window) traffic() Traffic {
	var sum [buckets]uint64
	var t Traffic
	var hits, looked uint64
	now := w.now()
	epoch := w.epoch(now)
	for i := range w.slices {
		s := &w.slices[i]
		if e := s.epoch.Load(); e == 0 || e > epoch || epoch-e >= slices {
			continue
		}
		hits += s.hits.Load()
		looked += s.looked.Load()
		for b := range s.buckets {
			n := s.buckets[b].Load()
			sum[b] += n
			t.Requests += n
		}
	}
	span := min(now.Sub(w.start), (slices-1)*sliceWidth+now.Sub(w.start)%sliceWidth)
	// A node that has just started has not seen a second yet.
	t.Rate = float64(t.Requests) / max(span.Seconds(), 1)
	t.P50, t.P95, t.P99 = percentile(&sum, t.Requests, .50), percentile(&sum, t.Requests, .95), percentile(&sum, t.Requests, .99)
	if looked > 0 {
		t.HitRatio = float64(hits) / float64(looked)
	}
	return t
}

// bucketOf gives the bucket whose bounds are [first·growth^(i-1), first·growth^i).
func bucketOf(took time.Duration) int {
	if took < firstBound {
		return 0
	}
	i := int(math.Log(float64(took)/float64(firstBound))/lnGrowth) + 1
	return min(i, buckets-1)
}

func percentile(sum *[buckets]uint64, total uint64, p float64) time.Duration {
	if total == 0 {
		return 0
	}
	rank := uint64(math.Ceil(p * float64(total)))
	var seen uint64
	for i, n := range sum {
		seen += n
		if seen >= rank {
			return time.Duration(float64(firstBound) * math.Pow(growth, float64(i)))
		}
	}
	return time.Duration(float64(firstBound) * math.Pow(growth, buckets-1))
}
