package node

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"time"

	"outpost/replicate/change"
)

// How soon a region's end is seen, in every other region, is silentAfter and a look later: within two
// seconds of its last word. Two announcements in a row may be lost or a whole second late before a
// region that is well is called silent. Time in which this node itself did not run counts for nobody.
const (
	announceInterval = 500 * time.Millisecond
	lookInterval     = 100 * time.Millisecond
	silentAfter      = 1500 * time.Millisecond
	// forgottenAfter is how long a region that says nothing stays on the board.
	forgottenAfter = time.Minute
	// awayAfter is how long the primary may say nothing until tokens that expired are good for reads.
	// That is more than a display, so it takes more.
	awayAfter = 3 * time.Second
	// maxRegions bounds what a node keeps of others.
	maxRegions = 64
)

// What a region is.
const (
	stateReady    = "ready"
	stateNotReady = "not_ready"
	stateSilent   = "silent"  // nothing is heard of it
	stateStopped  = "stopped" // it said goodbye
)

// Region is what a region says of itself, twice a second and when it changes, and what /api/v1/status
// shows of it. Nothing in it is a secret.
type Region struct {
	Region              string     `json:"region"`
	Role                string     `json:"role"` // primary or edge
	State               string     `json:"state"`
	Ready               bool       `json:"ready"`
	Reason              string     `json:"reason,omitempty"` // why it is not ready
	Position            string     `json:"position"`
	LagSeconds          float64    `json:"lag_seconds"`                     // behind the stream's newest message
	StaleSeconds        float64    `json:"stale_seconds,omitempty"`         // since anything was heard, when that is too long
	AppliedRows         float64    `json:"applied_rows_per_second"`         // to its replica, over the last ten seconds
	AppliedTransactions float64    `json:"applied_transactions_per_second"` // as well
	HitRatio            float64    `json:"hit_ratio"`                       // of the cache, over the last minute
	Requests            float64    `json:"requests_per_second"`             // over the last minute, as are the percentiles
	P50                 float64    `json:"p50_ms"`
	P95                 float64    `json:"p95_ms"`
	P99                 float64    `json:"p99_ms"`
	VerifiedAt          *time.Time `json:"verified_at,omitempty"` // of the primary: when its last whole comparison with Postgres ended
	VerifiedRows        *int64     `json:"verified_rows,omitempty"`
	VerifiedDifferences *int64     `json:"verified_differences,omitempty"`
	StartedAt           *time.Time `json:"started_at,omitempty"`
	Uptime              float64    `json:"uptime_seconds"`
	Version             string     `json:"version"`
	SeenSeconds         float64    `json:"seen_seconds_ago"` // when this node last heard of it
}

// World is the answer of /api/v1/status: the world as this node knows it.
type World struct {
	Region  string   `json:"region"`
	Regions []Region `json:"regions"`
}

// board remembers what each region said last, and what was said in the last hour.
type board struct {
	log *slog.Logger
	now func() time.Time

	mu      sync.Mutex
	regions map[string]*heard
	began   time.Time
	looked  time.Time
	shown   map[string]gist // as of the last look
	turn    chan struct{}   // closed when a look finds that something changed
	history *history
}

// heard is what a region said last.
type heard struct {
	Region
	at     time.Time
	quiet  time.Time // since when it says nothing, as far as this node could hear
	silent bool
}

// gist is what matters of a region: that something else changed can wait a second.
type gist struct {
	state   string
	stale   bool
	lag     int // its size, in powers of two
	started int64
}

func gistOf(r Region) gist {
	g := gist{state: r.State, stale: r.StaleSeconds > 0, lag: bits.Len(uint(r.LagSeconds / lagMatters.Seconds()))}
	if r.StartedAt != nil {
		g.started = r.StartedAt.UnixMilli()
	}
	return g
}

// lagMatters is where a lag begins to.
const lagMatters = 250 * time.Millisecond

func newBoard(log *slog.Logger, now func() time.Time) *board {
	return &board{
		log: log, now: now, regions: make(map[string]*heard), began: now(), looked: now(), turn: make(chan struct{}), history: newHistory(now()),
	}
}

// hear takes an announcement.
func (b *board) hear(region string, data []byte) {
	var r Region
	if err := json.Unmarshal(data, &r); err != nil || r.Region != region {
		b.log.Warn("an announcement of a region cannot be read", "region", region, "error", err)
		return
	}
	if r.State == "" { // of a version that had none
		r.State = state(r.Ready)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.regions[region] == nil && len(b.regions) == maxRegions {
		b.log.Debug("a region is not shown: there are too many", "region", region, "most", maxRegions)
		return
	}
	now := b.now()
	b.regions[region] = &heard{Region: r, at: now, quiet: now}
}

// away says that a region has said nothing for some time, or only that it hears nothing of its
// database.
func (b *board) away(region string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	h, ok := b.regions[region]
	if !ok {
		return b.now().Sub(b.began) > awayAfter
	}
	return h.StaleSeconds > 0 || b.now().Sub(h.at) > awayAfter
}

// look finds out who has become silent, and says whether what matters of own has changed since the
// last look. Whoever waits for a change of anything is woken.
func (b *board) look(own Region) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	pause := now.Sub(b.looked) - lookInterval
	b.looked = now
	for name, h := range b.regions {
		if pause > lookInterval { // this node was not running, or had no time
			if h.quiet = h.quiet.Add(pause); h.quiet.After(now) {
				h.quiet = now
			}
		}
		h.silent = h.State != stateStopped && now.Sub(h.quiet) > silentAfter
		if now.Sub(h.at) > forgottenAfter {
			delete(b.regions, name)
		}
	}
	regions := b.list(own, now)
	b.history.note(now, regions)
	shown := make(map[string]gist, len(regions))
	for _, r := range regions {
		shown[r.Region] = gistOf(r)
	}
	if !maps.Equal(shown, b.shown) {
		close(b.turn)
		b.turn = make(chan struct{})
	}
	changed = shown[own.Region] != b.shown[own.Region]
	b.shown = shown
	return changed
}

// changed is closed when a look has found a change.
func (b *board) changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.turn
}

// world shows own as it is now and the others as they said; the primary comes first.
func (b *board) world(own Region) World {
	b.mu.Lock()
	defer b.mu.Unlock()
	return World{Region: own.Region, Regions: b.list(own, b.now())}
}

func (b *board) list(own Region, now time.Time) []Region {
	regions := []Region{own}
	for name, h := range b.regions {
		if name == own.Region {
			continue
		}
		r := h.Region
		r.SeenSeconds = seconds(now.Sub(h.at))
		if h.silent {
			r.State, r.Ready, r.Reason = stateSilent, false, fmt.Sprintf("silent for %.0fs", r.SeenSeconds)
		}
		regions = append(regions, r)
	}
	slices.SortFunc(regions, func(a, b Region) int { return before(a.Role, b.Role, a.Region, b.Region) })
	return regions
}

// past is the answer of /api/v1/status/history.
func (b *board) past(region string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.history.json(region, b.now())
}

// before puts the primary first, and then goes by name.
func before(role, otherRole, name, otherName string) int {
	return cmp.Or(strings.Compare(otherRole, role), strings.Compare(name, otherName))
}

func state(ready bool) string {
	if ready {
		return stateReady
	}
	return stateNotReady
}

func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func role(primary bool) string {
	if primary {
		return "primary"
	}
	return "edge"
}

// position shows a replica that has none yet as nothing rather than as 0:0/0.
func position(p change.Position) string {
	if p.IsZero() {
		return ""
	}
	return p.String()
}
