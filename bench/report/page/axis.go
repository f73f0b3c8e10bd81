package page

import (
	"fmt"
	"math"
	"strconv"
)

// axis maps values to a share of its length. It begins at 0, or, when it is logarithmic, at a power of ten.
type axis struct {
	low, high float64
	log       bool
}

// wide is how many times its middle value the highest must be for a logarithmic axis: on a plain one the
// middle would lie on the ground.
const wide = 20

// newAxis holds all values and the one given. Only times may be logarithmic: what else is plotted means
// something at 0.
func newAxis(values []float64, top float64, times bool) axis {
	highest, lowest := top, math.Inf(1)
	var positive []float64
	for _, v := range values {
		if v > 0 {
			highest, lowest = max(highest, v), min(lowest, v)
			positive = append(positive, v)
		}
	}
	if highest == 0 {
		return axis{high: 1}
	}
	if times && highest > wide*median(positive) {
		return axis{math.Pow(10, math.Floor(math.Log10(lowest))), math.Pow(10, math.Ceil(math.Log10(highest))), true}
	}
	step := niceStep(highest)
	return axis{high: step * math.Ceil(highest/step-1e-9)}
}

func (a axis) share(v float64) float64 {
	if a.log {
		return math.Log10(max(v, a.low)/a.low) / math.Log10(a.high/a.low)
	}
	return v / a.high
}

func (a axis) ticks() []float64 {
	var list []float64
	if a.log {
		for v := a.low; v <= a.high*1.0001; v *= 10 {
			list = append(list, v)
		}
		return list
	}
	step := niceStep(a.high)
	for i := 0.0; i*step <= a.high*1.0001; i++ {
		list = append(list, i*step)
	}
	return list
}

// niceStep is 1, 2 or 5 times a power of ten, four to six times below the highest value.
func niceStep(highest float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(highest/4)))
	for _, n := range []float64{1, 2, 5} {
		if highest/(n*power) <= 6 {
			return n * power
		}
	}
	return 10 * power
}

// timeStep is the shortest usual length of time that is not more often in the whole than wanted.
func timeStep(seconds, most float64) float64 {
	steps := []float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200}
	for _, step := range steps {
		if seconds/step <= most {
			return step
		}
	}
	return steps[len(steps)-1] * math.Ceil(seconds/most/steps[len(steps)-1])
}

// clock shows an offset as minutes and seconds, or hours and minutes and seconds.
func clock(seconds float64) string {
	s := int(math.Round(seconds))
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// short is a value as a tick shows it.
func short(v float64) string {
	switch size := math.Abs(v); {
	case math.IsNaN(v):
		return "–"
	case size >= 1000:
		return count(int64(math.Round(v)))
	default:
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
}
