package node

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"outpost/replicate/change"
)

const (
	// forgottenAfter is how long a region that says nothing stays on the board.
	forgottenAfter = time.Minute
	// awayAfter is how long a region that says nothing counts as there.
	awayAfter = 3 * announceInterval
)

// Region is what a region says of itself, every second, and what /api/v1/status
// shows of it. Nothing in it is a secret.
type Region struct {
	Region       string  `json:"region"`
	Role         string  `json:"role"` // primary or edge
	Ready        bool    `json:"ready"`
	Reason       string  `json:"reason,omitempty"` // why it is not ready
	Position     string  `json:"position"`
	LagSeconds   float64 `json:"lag_seconds"`             // behind the stream's newest message
	StaleSeconds float64 `json:"stale_seconds,omitempty"` // since anything was heard, when that is too long
	HitRatio     float64 `json:"hit_ratio"`               // of the cache, over the last minute
	Requests     float64 `json:"requests_per_second"`     // over the last minute, as are the percentiles
	P50          float64 `json:"p50_ms"`
	P95          float64 `json:"p95_ms"`
	P99          float64 `json:"p99_ms"`
	Uptime       float64 `json:"uptime_seconds"`
	Version      string  `json:"version"`
	SeenSeconds  float64 `json:"seen_seconds_ago"` // when this node last heard of it
}

// World is the answer of /api/v1/status: the world as this node knows it.
type World struct {
	Region  string   `json:"region"`
	Regions []Region `json:"regions"`
}

// board remembers what each region said last.
type board struct {
	mu      sync.Mutex
	regions map[string]heard
	began   time.Time
	log     *slog.Logger
}

type heard struct {
	Region
	at time.Time
}

func newBoard(log *slog.Logger) *board {
	return &board{regions: make(map[string]heard), began: time.Now(), log: log}
}

// hear takes an announcement.
func (b *board) hear(region string, data []byte) {
	var r Region
	if err := json.Unmarshal(data, &r); err != nil || r.Region != region {
		b.log.Warn("an announcement of a region cannot be read", "region", region, "error", err)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.regions[region] = heard{r, time.Now()}
}

// away says that a region has said nothing for some time, or only that it hears nothing of its
// database.
func (b *board) away(region string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	h, ok := b.regions[region]
	if !ok {
		h.at = b.began
	}
	return h.StaleSeconds > 0 || time.Since(h.at) > awayAfter
}

// world shows own as it is now and the others as they said; the primary comes first.
func (b *board) world(own Region) World {
	b.mu.Lock()
	defer b.mu.Unlock()
	regions := []Region{own}
	for name, h := range b.regions {
		age := time.Since(h.at)
		switch {
		case name == own.Region:
		case age > forgottenAfter:
			delete(b.regions, name)
		default:
			h.SeenSeconds = seconds(age)
			if age > awayAfter {
				h.Ready, h.Reason = false, fmt.Sprintf("silent for %.0fs", age.Seconds())
			}
			regions = append(regions, h.Region)
		}
	}
	slices.SortFunc(regions, func(a, b Region) int {
		if a.Role != b.Role {
			return strings.Compare(b.Role, a.Role)
		}
		return strings.Compare(a.Region, b.Region)
	})
	return World{Region: own.Region, Regions: regions}
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
