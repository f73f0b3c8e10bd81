package collect

import (
	"math"
	"runtime"
	"slices"

	"outpost/bench/report/result"
)

// summarise says of the samples what a reader would have to read off the plots.
func summarise(r *result.Result) {
	r.CPU = meanCPU(r)
	for i := range r.Samples.Processes {
		p := &r.Samples.Processes[i]
		p.ResidentDrift, p.HeapDrift = drift(r, p.Resident), drift(r, p.Heap)
	}
	for i := range r.Samples.Nodes {
		n := &r.Samples.Nodes[i]
		n.LagDrift = drift(r, n.Lag)
	}
}

// meanCPU is what was used on average while requests were counted; nil where nothing is known.
func meanCPU(r *result.Result) *result.CPU {
	during := func(c result.Column) float64 {
		var sum float64
		values := counted(r, c, 0, 1)
		for _, v := range values {
			sum += v
		}
		return sum / float64(len(values)) // NaN of none
	}
	cpu := &result.CPU{
		Cores: runtime.NumCPU(), Machine: result.Round(during(r.Samples.Machine)),
		Stolen: result.Round(during(r.Samples.Stolen)), K6: result.Round(during(r.Samples.K6)),
	}
	if math.IsNaN(cpu.Machine) || math.IsNaN(cpu.K6) {
		return nil
	}
	left := float64(cpu.Cores) - cpu.Stolen - cpu.K6
	cpu.RestShare = result.Round((cpu.Machine - cpu.K6) / left)
	var outpost float64
	for _, p := range r.Samples.Processes {
		outpost += during(p.CPU)
	}
	if len(r.Samples.Processes) == 0 || math.IsNaN(outpost) {
		return cpu
	}
	outpost = result.Round(outpost)
	share := result.Round(outpost / left)
	cpu.Outpost, cpu.OutpostShare = &outpost, &share
	return cpu
}

// drift is nil where one of the thirds has no samples.
func drift(r *result.Result, c result.Column) *result.Drift {
	first, last := counted(r, c, 0, 1.0/3), counted(r, c, 2.0/3, 1)
	if len(first) == 0 || len(last) == 0 {
		return nil
	}
	return &result.Drift{First: median(first), Last: median(last), Most: slices.Max(counted(r, c, 0, 1))}
}

func median(values []float64) float64 { return slices.Sorted(slices.Values(values))[len(values)/2] }

// counted are the known samples from one share of the time in which requests were counted to another.
func counted(r *result.Result, c result.Column, from, to float64) []float64 {
	began, lasted := r.Run.SteadyFrom, r.Run.SteadyTo-r.Run.SteadyFrom
	end := began + to*lasted
	if to == 1 {
		end++ // what the last second was like is sampled at its end
	}
	var values []float64
	for i, v := range c {
		if at := r.Samples.At[i]; at >= began+from*lasted && at <= end && !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	return values
}
