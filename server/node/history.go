package node

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

const (
	historyStep  = 10 * time.Second
	historySteps = int(time.Hour / historyStep)
)

// stateAbsent is that of a region of which nothing is known: it was not heard of yet, said goodbye, or
// was silent for so long that it was forgotten.
const stateAbsent = "absent"

// worst are the states of a step, the worse ones later: the worst of a step is kept, so that what
// was short is seen.
var worst = []string{stateReady, stateNotReady, stateSilent, stateAbsent}

// history is the last hour as this node heard of it. Its memory is bounded: maxRegions others and own,
// 13 KB each.
type history struct {
	began   time.Time // of step 0; a multiple of historyStep, so that nodes' steps are the same
	regions map[string]*timeline
	made    []byte // the answer as of step madeAt
	madeAt  int64
}

// timeline is one region's, a ring: one step is being filled, the others are whole.
type timeline struct {
	role    string
	heard   int64 // the last step in which it was not absent
	samples [historySteps + 1]sample
}

// sample is one step. Figures are NaN where there are none.
type sample struct {
	step                    int64 // plus one; 0: none yet
	state                   uint8 // of worst
	lag, requests, hit, p95 float32
}

func newHistory(now time.Time) *history {
	// Unlike Truncate this leaves the clock that only goes forward.
	return &history{began: now.Add(-now.Sub(now.Truncate(historyStep))), regions: make(map[string]*timeline)}
}

func (h *history) step(now time.Time) int64 { return int64(max(now.Sub(h.began), 0) / historyStep) }

// note takes the world as it is shown now.
func (h *history) note(now time.Time, regions []Region) {
	step := h.step(now)
	there := make(map[string]bool, len(regions))
	for i := range regions {
		there[regions[i].Region] = true
	}
	for i := range regions {
		r := &regions[i]
		line := h.regions[r.Region]
		if line == nil {
			if r.State == stateStopped {
				continue
			}
			if len(h.regions) > maxRegions {
				h.evict(there)
			}
			line = &timeline{}
			h.regions[r.Region] = line
		}
		line.note(step, r)
	}
	for name, line := range h.regions {
		if !there[name] {
			line.at(step).state = absent
		}
		if step-line.heard > int64(historySteps) {
			delete(h.regions, name)
		}
	}
}

// evict forgets the region that has been absent longest. There is one: not so many can be there.
func (h *history) evict(there map[string]bool) {
	oldest, gone := int64(math.MaxInt64), ""
	for name, line := range h.regions {
		if !there[name] && line.heard < oldest {
			oldest, gone = line.heard, name
		}
	}
	delete(h.regions, gone)
}

// at is the sample of a step that is being filled.
func (l *timeline) at(step int64) *sample {
	s := &l.samples[step%int64(len(l.samples))]
	if s.step != step+1 {
		none := float32(math.NaN())
		*s = sample{step + 1, 0, none, none, none, none}
	}
	return s
}

func (l *timeline) note(step int64, r *Region) {
	s := l.at(step)
	now := uint8(max(slices.Index(worst, r.State), 0))
	if r.State == stateStopped {
		now = absent
	}
	s.state = max(s.state, now)
	l.role = r.Role
	if now == absent {
		return
	}
	l.heard = step
	if r.State == stateSilent {
		return // what it said last is no figure of this step
	}
	if lag := float32(r.LagSeconds); lag > s.lag || math.IsNaN(float64(s.lag)) {
		s.lag = lag
	}
	s.requests, s.hit, s.p95 = float32(r.Requests), float32(r.HitRatio), float32(r.P95)
}

var absent = uint8(slices.Index(worst, stateAbsent))

// History is the answer of /api/v1/status/history: the whole steps of the last hour.
type History struct {
	Region      string     `json:"region"`
	From        time.Time  `json:"from"` // when the first step began
	StepSeconds int        `json:"step_seconds"`
	Steps       int        `json:"steps"` // and as many values in each list
	Regions     []Timeline `json:"regions"`
}

// Timeline is one region's last hour.
type Timeline struct {
	Region   string   `json:"region"`
	Role     string   `json:"role"`
	State    []string `json:"state"`       // the worst of the step
	Lag      figures  `json:"lag_seconds"` // the largest
	Requests figures  `json:"requests_per_second"`
	HitRatio figures  `json:"hit_ratio"`
	P95      figures  `json:"p95_ms"`
}

// figures are short in JSON: three decimals, and null for NaN.
type figures []float32

// MarshalJSON writes them.
func (f figures) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 5*len(f)+2), '[')
	for i, v := range f {
		if i > 0 {
			b = append(b, ',')
		}
		if math.IsNaN(float64(v)) {
			b = append(b, "null"...)
			continue
		}
		b = strconv.AppendFloat(b, math.Round(float64(v)*1000)/1000, 'f', -1, 64)
	}
	return append(b, ']'), nil
}

// json gives the answer, which is made once for each step.
func (h *history) json(region string, now time.Time) ([]byte, error) {
	step := h.step(now)
	if h.made != nil && h.madeAt == step {
		return h.made, nil
	}
	made, err := json.Marshal(h.answer(region, step))
	if err != nil {
		return nil, fmt.Errorf("encoding the history: %w", err)
	}
	h.made, h.madeAt = made, step
	return made, nil
}

func (h *history) answer(region string, step int64) History {
	first := max(step-int64(historySteps), 0)
	a := History{
		Region: region, From: h.began.Add(time.Duration(first) * historyStep).UTC(),
		StepSeconds: int(historyStep.Seconds()), Steps: int(step - first), Regions: []Timeline{},
	}
	for name, line := range h.regions {
		if line.heard < first {
			continue
		}
		t := Timeline{Region: name, Role: line.role, State: make([]string, 0, a.Steps)}
		for i := first; i < step; i++ {
			s := line.samples[i%int64(len(line.samples))]
			if s.step != i+1 { // before it was heard of, or this node did not run
				none := float32(math.NaN())
				s = sample{0, absent, none, none, none, none}
			}
			t.State = append(t.State, worst[s.state])
			t.Lag, t.Requests = append(t.Lag, s.lag), append(t.Requests, s.requests)
			t.HitRatio, t.P95 = append(t.HitRatio, s.hit), append(t.P95, s.p95)
		}
		a.Regions = append(a.Regions, t)
	}
	slices.SortFunc(a.Regions, func(x, y Timeline) int { return before(x.Role, y.Role, x.Region, y.Region) })
	return a
}
