package collect

import (
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"

	"outpost/bench/report/result"
)

// largest is the largest value told apart, in thousandths: of milliseconds, eleven days, so that a
// metric of something else than time has room, too.
const largest = 1e12

// A course over time is known to one in a hundred (33 kB a histogram), totals to one in a thousand (250 kB).
const (
	coarse = 2
	fine   = 3
)

// histogram counts values, mostly milliseconds, to a thousandth.
type histogram struct{ *hdrhistogram.Histogram }

func newHistogram(digits int) histogram {
	return histogram{hdrhistogram.New(1, largest, digits)}
}

func (h histogram) add(value float64) {
	// It refuses only what is below 0 or above the largest, and that has just been cut off.
	_ = h.RecordValue(int64(math.Round(min(max(value*1000, 0), largest))))
}

// at gives percentiles; of nothing, NaN.
func (h histogram) at(percentiles ...float64) []float64 {
	values := make([]float64, len(percentiles))
	found := h.ValueAtPercentiles(percentiles)
	for i, p := range percentiles {
		values[i] = float64(found[p]) / 1000
		if h.TotalCount() == 0 {
			values[i] = math.NaN()
		}
	}
	return values
}

// line is the course of a group of requests in steps of whole seconds. The newest steps are open: k6 hands
// samples over some tens of milliseconds after they were taken, and not in order. Of a closed one only
// percentiles are left, so that a run of hours takes no more memory than one of a minute.
type line struct {
	result.Line
	open []*window // of the steps that follow on the closed ones
}

// window is a step that may still get samples.
type window struct {
	took   histogram
	failed float64
}

// kept is how many steps are open.
const kept = 3

func newLine(name string, step, from int) *line {
	return &line{Line: result.Line{Name: name, Step: step, From: from}}
}

// at is the window of a second, which closes those that are too old. A sample from before all open windows
// goes into the oldest: it counts, a few seconds late.
func (l *line) at(second int) *window {
	n := max((second-l.From)/l.Step-len(l.Count), 0)
	for n >= len(l.open) {
		next := &window{took: newHistogram(coarse)}
		if len(l.open) == kept {
			next = l.open[0]
			l.close(next)
			l.open = l.open[:copy(l.open, l.open[1:])]
			*next = window{took: next.took}
			next.took.Reset()
			n--
		}
		l.open = append(l.open, next)
	}
	return l.open[n]
}

func (l *line) close(w *window) {
	p := w.took.at(50, 95, 99)
	l.Count = append(l.Count, float64(w.took.TotalCount()))
	l.Failed = append(l.Failed, w.failed)
	l.P50 = append(l.P50, p[0])
	l.P95 = append(l.P95, p[1])
	l.P99 = append(l.P99, p[2])
}

// finish closes what is open.
func (l *line) finish() result.Line {
	for _, w := range l.open {
		l.close(w)
	}
	l.open = nil
	return l.Line
}
