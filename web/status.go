package web

import (
	"time"

	"outpost/server/api/openapi"
)

// statusPages show the regions.
func statusPages() []Page {
	return []Page{{Path: "/status", Show: showStatus}}
}

// worldPage is what /status shows.
type worldPage struct {
	World   openapi.Status
	Regions []*regionView
	Primary *regionView // nil: none is known
	Away    int         // how many are not ready
	Mapped  bool        // there is a region with a place
	Minutes int         // of the timeline
}

// regionView is a region with its place and its last hour.
type regionView struct {
	openapi.RegionStatus
	Place *place // nil: not known
	State string // what is shown: see stateOf
	Hour  []minute
	Ready int // of the minutes that are known
	Known int
}

// minute is one of a region's last hour.
type minute struct {
	X     int    // from the left
	At    string // hh:mm, UTC
	State string // the worst of it; empty: nothing is known
	Lag   *float64
	P95   *float64
	Rate  *float64
}

// timeline is how many minutes a timeline has.
const timeline = 60

// lagging is the distance behind the stream, in seconds, from which on a ready region is shown as one that lags.
const lagging = 1

func showStatus(r *Request) (View, error) {
	var data worldPage
	var history openapi.StatusHistory
	if err := r.Get("/status", &data.World); err != nil {
		return View{}, err
	}
	if err := r.Get("/status/history", &history); err != nil {
		return View{}, err
	}
	for _, s := range data.World.Regions {
		v := &regionView{RegionStatus: s, State: stateOf(s)}
		if p, ok := places[s.Region]; ok {
			v.Place, data.Mapped = &p, true
		}
		if !s.Ready {
			data.Away++
		}
		if s.Role == "primary" {
			data.Primary = v
		}
		for _, h := range history.Regions {
			if h.Region == s.Region {
				v.remember(h, history)
			}
		}
		data.Regions = append(data.Regions, v)
	}
	data.Minutes = timeline
	return View{Template: "status", Title: r.T("status.title"), Data: &data, Scripts: []string{"status.js"}}, nil
}

// stateOf is a region's state, in which one that is ready and behind is told apart. status.js does the same.
func stateOf(s openapi.RegionStatus) string {
	if s.State == "ready" && s.LagSeconds > lagging {
		return "lagging"
	}
	return s.State
}

// remember makes the region's last hour of its history, a minute of as many steps as there are in one.
func (v *regionView) remember(h openapi.RegionHistory, of openapi.StatusHistory) {
	if of.StepSeconds <= 0 {
		return
	}
	end := of.From.Add(time.Duration(of.Steps*of.StepSeconds) * time.Second)
	first := end.Truncate(time.Minute).Add(-(timeline - 1) * time.Minute)
	v.Hour = make([]minute, timeline)
	for i := range v.Hour {
		v.Hour[i] = minute{X: i, At: first.Add(time.Duration(i) * time.Minute).UTC().Format("15:04")}
	}
	for step, state := range h.State {
		at := of.From.Add(time.Duration(step*of.StepSeconds) * time.Second)
		i := int(at.Sub(first) / time.Minute)
		if at.Before(first) || i >= len(v.Hour) {
			continue
		}
		m := &v.Hour[i]
		if worse(state, m.State) {
			m.State = state
		}
		m.Lag, m.P95, m.Rate = largest(m.Lag, h.LagSeconds, step), largest(m.P95, h.P95Ms, step), largest(m.Rate, h.RequestsPerSecond, step)
	}
	for _, m := range v.Hour {
		if m.State != "" {
			v.Known++
		}
		if m.State == "ready" {
			v.Ready++
		}
	}
}

// worse says whether state a is worse than b.
func worse(a, b string) bool {
	rank := map[string]int{"": 0, "ready": 1, "not_ready": 2, "silent": 3, "absent": 4}
	return rank[a] > rank[b]
}

func largest(so *float64, list []*float32, at int) *float64 {
	if at >= len(list) || list[at] == nil {
		return so
	}
	v := float64(*list[at])
	if so != nil && *so >= v {
		return so
	}
	return &v
}
