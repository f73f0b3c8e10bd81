package collect

import (
	"math"
	"testing"

	"outpost/bench/report/result"
)

func TestMeanCPUIsOfTheCountedTime(t *testing.T) {
	r := &result.Result{Run: result.Run{SteadyFrom: 2, SteadyTo: 3}, Samples: result.Samples{
		At: result.Column{0, 1, 2, 3, 4, 5, 6}, K6: result.Column{9, 9, 0.25, 0.75, 0.5, 9, 9}, Machine: result.Column{9, 9, 1, math.NaN(), 2, 9, 9},
		Stolen:    result.Column{9, 9, 0.25, math.NaN(), 0.25, 9, 9},
		Processes: []result.Process{{CPU: result.Column{9, 9, 0.5, 0.5, 0.5, 9, 9}}, {CPU: result.Column{9, 9, 0.25, 0.25, 0.25, 9, 9}}},
	}}
	cpu := meanCPU(r)
	left := float64(cpu.Cores) - 0.5 - 0.25
	if cpu.K6 != 0.5 || cpu.Machine != 1.5 || cpu.Stolen != 0.25 || *cpu.Outpost != 0.75 || *cpu.OutpostShare != result.Round(0.75/left) || cpu.RestShare != result.Round(1/left) {
		t.Errorf("%+v", cpu)
	}
	r.Run.SteadyFrom, r.Run.SteadyTo = 100, 101
	if cpu := meanCPU(r); cpu != nil {
		t.Errorf("of a time without samples: %+v", cpu)
	}
}

// A peak, a gap and what was before the counted time do not look like growth, and growth does.
func TestDriftIsOfTheCountedTime(t *testing.T) {
	gap := math.NaN()
	r := &result.Result{Run: result.Run{SteadyFrom: 2, SteadyTo: 11}, Samples: result.Samples{
		At: result.Column{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
		Processes: []result.Process{{
			Resident: result.Column{900, 900, 10, 80, 11, gap, 12, 12, 19, 20, 21, 20, 20},
			Heap:     result.Column{1, 1, gap, gap, gap, gap, 5, 5, 5, 5, 5, 5, 5}, // nothing is known of the first third
		}},
		Nodes: []result.Node{{Lag: result.Column{9, 9, 1, 1, 1, 1, 7, 1, 1, 1, 1, 1, 1}}},
	}}
	summarise(r)
	p, n := r.Samples.Processes[0], r.Samples.Nodes[0]
	if p.ResidentDrift == nil || *p.ResidentDrift != (result.Drift{First: 11, Last: 20, Most: 80}) {
		t.Errorf("resident: %+v", p.ResidentDrift)
	}
	if n.LagDrift == nil || *n.LagDrift != (result.Drift{First: 1, Last: 1, Most: 7}) {
		t.Errorf("lag: %+v", n.LagDrift)
	}
	if p.HeapDrift != nil {
		t.Errorf("heap: %+v", p.HeapDrift)
	}
}
