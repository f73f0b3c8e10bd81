// Package result is what a load test found out: the types of the JSON file that is kept of a run, and
// how that file is read and written. It knows neither k6, which fills it, nor the pages made of it.
//
// Times of day are UTC; offsets are seconds since the run began; durations are milliseconds; CPU is in
// cores that were busy; memory is in bytes. Only counted requests are in the figures: those of the
// steady phase, and those whose scenario knows no phases.
package result

import "time"

// Version is that of the file's layout. A reader refuses any other.
const Version = 1

// Result is one run.
type Result struct {
	Version    int         `json:"version"`
	Run        Run         `json:"run"`
	Totals     Totals      `json:"totals"`
	CPU        *CPU        `json:"cpu,omitempty"` // nil where the machine does not tell
	Thresholds []Threshold `json:"thresholds"`
	Endpoints  []Row       `json:"by_endpoint"`
	Regions    []Row       `json:"by_region"`
	Users      []Row       `json:"by_user"`
	Cells      []Row       `json:"by_endpoint_and_region"`
	Metrics    []Metric    `json:"other_metrics"`
	Series     Series      `json:"series"`
	Samples    Samples     `json:"samples"`
}

// Run says what was run, where, and how it ended.
type Run struct {
	Scenario   string            `json:"scenario"`
	Commit     string            `json:"commit"`
	Started    time.Time         `json:"started"`
	Seconds    float64           `json:"seconds"`
	SteadyFrom float64           `json:"steady_from"` // offset of the first counted request
	SteadyTo   float64           `json:"steady_to"`   // and of the last
	Ended      string            `json:"ended"`       // Complete, or why not
	Notes      string            `json:"notes,omitempty"`
	Targets    []Target          `json:"targets"`
	Settings   map[string]string `json:"settings"`
	Machine    Machine           `json:"machine"`
	K6         string            `json:"k6"`
}

// Complete is how a run ends that nothing interrupted, whatever its thresholds say.
const Complete = "complete"

// Target is one address that was asked. It has no credentials, no path and no query.
type Target struct {
	Host   string `json:"host"`
	Region string `json:"region,omitempty"`
}

// Machine is where k6 ran; with targets on 127.0.0.1, where everything did.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory int64  `json:"memory"`
	OS     string `json:"os"`
}

// Figures are those of a group of requests. The percentiles are of k6's http_req_duration: from the
// first byte sent until the last one received, without the time to connect.
type Figures struct {
	Count    int64            `json:"count"`
	Rate     float64          `json:"rate"` // a second
	Failed   int64            `json:"failed"`
	Statuses map[string]int64 `json:"statuses"`
	Errors   map[string]int64 `json:"errors"` // the failed ones, by status or by what went wrong
	P50      float64          `json:"p50"`
	P90      float64          `json:"p90"`
	P95      float64          `json:"p95"`
	P99      float64          `json:"p99"`
	Max      float64          `json:"max"`
	Cached   int64            `json:"cached"`              // answers that said where they came from
	HitRatio *float64         `json:"hit_ratio,omitempty"` // of those; nil when there were none
}

// NoStatus stands in Statuses for requests that got no answer; Errors says why.
const NoStatus = "none"

// ErrorRate is the share of requests that failed.
func (f *Figures) ErrorRate() float64 {
	if f.Count == 0 {
		return 0
	}
	return float64(f.Failed) / float64(f.Count)
}

// Row has the figures of one group. What it is not grouped by is empty.
type Row struct {
	Endpoint string `json:"endpoint,omitempty"`
	Region   string `json:"region,omitempty"`
	User     string `json:"user,omitempty"`
	Figures
}

// Totals are of all counted requests, and of the run as a whole.
type Totals struct {
	Figures
	Iterations   int64            `json:"iterations"`
	Dropped      int64            `json:"dropped_iterations"` // that k6 could not begin in time
	ChecksPassed int64            `json:"checks_passed"`
	ChecksFailed int64            `json:"checks_failed"`
	LeftOut      map[string]int64 `json:"left_out"` // requests that do not count, by phase
}

// CPU is how many cores were busy on average while requests were counted.
type CPU struct {
	Cores   int      `json:"cores"`
	Machine float64  `json:"machine"` // all that ran there, k6 included
	Stolen  float64  `json:"stolen"`  // what other guests of the same host took of the cores
	K6      float64  `json:"k6"`
	Outpost *float64 `json:"outpost,omitempty"` // all its processes that were sampled
	// Of the cores that k6 and other guests left: what all else took, and what Outpost did.
	RestShare    float64  `json:"all_else_of_what_k6_left"`
	OutpostShare *float64 `json:"outpost_of_what_k6_left,omitempty"`
}

// Verdict of a threshold.
type Verdict string

// The verdicts. A threshold whose metric had no values says nothing, though k6 lets it pass.
const (
	Met    Verdict = "met"
	Missed Verdict = "missed"
	NoData Verdict = "no data"
)

// Threshold is one of the scenario's, with k6's own verdict.
type Threshold struct {
	Metric  string   `json:"metric"` // with its tags, as in http_req_duration{user:learner}
	Bound   string   `json:"bound"`  // as in p(95)<100
	Value   *float64 `json:"value,omitempty"`
	Verdict Verdict  `json:"verdict"`
}

// Metric is one that a scenario made itself, or that k6 keeps beside those of requests.
type Metric struct {
	Name  string   `json:"name"`
	Type  string   `json:"type"` // counter, gauge, rate or trend
	Count int64    `json:"count"`
	Value float64  `json:"value"` // sum, last value, ratio or median
	P95   *float64 `json:"p95,omitempty"`
	P99   *float64 `json:"p99,omitempty"`
	Max   *float64 `json:"max,omitempty"`
}

// Series are the figures over time.
type Series struct {
	Overall  Line   `json:"overall"`
	Region   []Line `json:"by_region"`
	Endpoint []Line `json:"by_endpoint"`
}

// Line is the course of a group of requests. Entry i is of the Step seconds from From + i × Step.
type Line struct {
	Name   string `json:"name"`
	Step   int    `json:"step"`
	From   int    `json:"from"`
	Count  Column `json:"count"`
	Failed Column `json:"failed"`
	P50    Column `json:"p50"`
	P95    Column `json:"p95"`
	P99    Column `json:"p99"`
}

// Samples are what was read once a second, from the run's first second on.
type Samples struct {
	At        Column    `json:"at"` // offsets; all other columns have a value for each
	VUs       Column    `json:"virtual_users"`
	K6        Column    `json:"k6_cpu"`
	Machine   Column    `json:"machine_cpu"`
	Stolen    Column    `json:"stolen_cpu"`
	Processes []Process `json:"processes"`
	Nodes     []Node    `json:"nodes"`
	Missing   []string  `json:"missing"` // what could not be read, and why
}

// Process is one of Outpost's; that of `outpost dev` is several nodes at once.
type Process struct {
	Name          string `json:"name"`
	CPU           Column `json:"cpu"`
	Resident      Column `json:"resident"`
	Heap          Column `json:"heap"`
	ResidentDrift *Drift `json:"resident_drift,omitempty"`
	HeapDrift     *Drift `json:"heap_drift,omitempty"`
}

// Drift says whether a column grows: the medians of the first and of the last third of the counted time, which are
// alike where nothing does, and the highest value.
type Drift struct {
	First float64 `json:"first"`
	Last  float64 `json:"last"`
	Most  float64 `json:"most"`
}

// Node is one region's server.
type Node struct {
	Name      string `json:"name"`
	Lag       Column `json:"replica_lag"` // seconds
	LagDrift  *Drift `json:"replica_lag_drift,omitempty"`
	HitRatio  Column `json:"hit_ratio"` // of the requests to its cache since the sample before
	Forwarded Column `json:"forwarded"` // requests a second sent on to the primary
}
