package node

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"testing"
	"time"

	"outpost/replicate/hub"
	"outpost/replicate/stream"
	"outpost/replicate/verify"
	"outpost/server/api/openapi"
)

func announce(t *testing.T, b *board, r Region) {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	b.hear(r.Region, data)
}

// clock is bent by tests.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newTestBoard() (*board, *clock) {
	c := &clock{at: time.Now()}
	return newBoard(slog.New(slog.DiscardHandler), c.now), c
}

// pass lets time pass, with a look every lookInterval; talking regions announce themselves as often as they do.
func (c *clock) pass(t *testing.T, b *board, d time.Duration, own Region, talking ...Region) {
	t.Helper()
	for i := range int(d / lookInterval) {
		c.at = c.at.Add(lookInterval)
		if i%int(announceInterval/lookInterval) == 0 {
			for _, r := range talking {
				announce(t, b, r)
			}
		}
		b.look(own)
	}
}

// states are what the board shows.
func states(b *board, own Region) map[string]string {
	out := make(map[string]string)
	for _, r := range b.world(own).Regions {
		out[r.Region] = r.State
	}
	return out
}

func expectStates(t *testing.T, what string, b *board, own Region, want map[string]string) {
	t.Helper()
	if got := states(b, own); !maps.Equal(got, want) {
		t.Errorf("%s: the world is %v, want %v", what, got, want)
	}
}

// Regions as they announce themselves.
var (
	fra = Region{Region: "fra", Role: "primary", State: stateReady, Ready: true}
	iad = Region{Region: "iad", Role: "edge", State: stateReady, Ready: true}
	syd = Region{Region: "syd", Role: "edge", State: stateReady, Ready: true}
)

func TestSilentRegionIsNotReady(t *testing.T) {
	b, c := newTestBoard()
	c.pass(t, b, time.Second, syd, fra, iad)
	if w := b.world(syd); w.Regions[0].Region != "fra" || !w.Regions[1].Ready || w.Regions[1].Region != "iad" {
		t.Errorf("the world is %+v", w)
	}
	// The last words of both were 0.4 s ago, and now iad says no more.
	c.pass(t, b, 1100*time.Millisecond, syd, fra)
	expectStates(t, "with two announcements missing", b, syd, map[string]string{"fra": "ready", "iad": "ready", "syd": "ready"})
	c.pass(t, b, lookInterval, syd, fra)
	expectStates(t, "with three missing", b, syd, map[string]string{"fra": "ready", "iad": "silent", "syd": "ready"})
	if r := b.world(syd).Regions[1]; r.Ready || r.Reason != "silent for 2s" || r.SeenSeconds != 1.6 {
		t.Errorf("a silent region is shown as %+v", r)
	}
	c.pass(t, b, lookInterval, syd, fra, iad)
	expectStates(t, "after another word", b, syd, map[string]string{"fra": "ready", "iad": "ready", "syd": "ready"})
	c.pass(t, b, forgottenAfter+time.Second, syd, fra)
	expectStates(t, "a minute later", b, syd, map[string]string{"fra": "ready", "syd": "ready"})
}

// TestTheAbsenceOfThePrimaryTakesMoreThanItsSilence holds when tokens that expired are good for reads.
func TestTheAbsenceOfThePrimaryTakesMoreThanItsSilence(t *testing.T) {
	b, c := newTestBoard()
	c.pass(t, b, 2900*time.Millisecond, syd)
	if b.away("fra") {
		t.Error("a primary that was not heard of yet counts as away at once")
	}
	c.pass(t, b, 200*time.Millisecond, syd)
	if !b.away("fra") {
		t.Error("a primary of which nothing was heard for three seconds does not count as away")
	}
	c.pass(t, b, time.Second, syd, fra)
	c.pass(t, b, 1700*time.Millisecond, syd)
	if got := states(b, syd)["fra"]; got != stateSilent || b.away("fra") {
		t.Errorf("after two seconds it is %s, away: %v", got, b.away("fra"))
	}
	c.pass(t, b, time.Second, syd)
	if !b.away("fra") {
		t.Error("after three seconds it does not count as away")
	}
	stale := fra
	stale.StaleSeconds = 4
	if c.pass(t, b, lookInterval, syd, stale); !b.away("fra") {
		t.Error("a primary that hears nothing of its database does not count as away")
	}
}

// TestANodeThatWasPausedBlamesNobody stops the node that looks: the silence was its own.
func TestANodeThatWasPausedBlamesNobody(t *testing.T) {
	b, c := newTestBoard()
	c.pass(t, b, time.Second, syd, fra, iad)
	c.at = c.at.Add(20 * time.Second)
	b.look(syd)
	expectStates(t, "after a pause of the one who looks", b, syd, map[string]string{"fra": "ready", "iad": "ready", "syd": "ready"})
	c.pass(t, b, 2*time.Second, syd, fra)
	expectStates(t, "two seconds after it", b, syd, map[string]string{"fra": "ready", "iad": "silent", "syd": "ready"})
}

func TestAGoodbyeIsShownAtOnce(t *testing.T) {
	b, c := newTestBoard()
	c.pass(t, b, time.Second, syd, fra, iad)
	stopped := iad
	stopped.State, stopped.Ready, stopped.Reason = stateStopped, false, "stopped"
	c.pass(t, b, lookInterval, syd, fra, stopped)
	c.pass(t, b, 10*time.Second, syd, fra)
	if r := b.world(syd).Regions[1]; r.State != stateStopped || r.Ready || r.Reason != "stopped" {
		t.Errorf("ten seconds after its goodbye it is %+v", r)
	}
	c.pass(t, b, lookInterval, syd, fra, iad)
	expectStates(t, "started again", b, syd, map[string]string{"fra": "ready", "iad": "ready", "syd": "ready"})
}

// TestWhatMattersWakesThoseWhoWatch goes through changes, and things that are none.
func TestWhatMattersWakesThoseWhoWatch(t *testing.T) {
	b, c := newTestBoard()
	c.pass(t, b, time.Second, syd, fra, iad)
	bend := func(change func(*Region)) Region {
		r := iad
		change(&r)
		return r
	}
	again := time.UnixMilli(1)
	for _, step := range []struct {
		what    string
		own     Region
		iad     Region
		wakes   bool
		changed bool // of own
	}{
		{"nothing", syd, iad, false, false},
		{"traffic", syd, bend(func(r *Region) { r.Requests, r.Position, r.LagSeconds = 9, "1:0/9", 0.1 }), false, false},
		{"a lag", syd, bend(func(r *Region) { r.LagSeconds = 0.3 }), true, false},
		{"about the same lag", syd, bend(func(r *Region) { r.LagSeconds = 0.4 }), false, false},
		{"twice that", syd, bend(func(r *Region) { r.LagSeconds = 0.8 }), true, false},
		{"not ready", syd, bend(func(r *Region) { r.State = stateNotReady }), true, false},
		{"ready", syd, iad, true, false},
		{"stale", syd, bend(func(r *Region) { r.StaleSeconds = 4 }), true, false},
		{"staler", syd, bend(func(r *Region) { r.StaleSeconds = 5 }), false, false},
		{"started again", syd, bend(func(r *Region) { r.StartedAt = &again }), true, false},
		{"the same", syd, bend(func(r *Region) { r.StartedAt = &again }), false, false},
		{"own", Region{Region: "syd", Role: "edge", State: stateNotReady}, bend(func(r *Region) { r.StartedAt = &again }), true, true},
	} {
		turn := b.changed()
		announce(t, b, fra)
		announce(t, b, step.iad)
		c.at = c.at.Add(lookInterval)
		changed := b.look(step.own)
		woken := false
		select {
		case <-turn:
			woken = true
		default:
		}
		if woken != step.wakes || changed != step.changed {
			t.Errorf("%s: woken: %v, own changed: %v", step.what, woken, changed)
		}
	}
}

func TestForgedAnnouncementIsIgnored(t *testing.T) {
	b, _ := newTestBoard()
	b.hear("fra", []byte(`{"region":"iad","role":"primary"}`))
	b.hear("fra", []byte("rubbish"))
	if len(b.regions) != 0 {
		t.Errorf("the board took %+v", b.regions)
	}
}

// TestAnOlderVersionIsUnderstood hears a region that says only whether it is ready.
func TestAnOlderVersionIsUnderstood(t *testing.T) {
	b, _ := newTestBoard()
	b.hear("fra", []byte(`{"region":"fra","role":"primary","ready":true}`))
	b.hear("iad", []byte(`{"region":"iad","role":"edge","ready":false}`))
	expectStates(t, "heard of", b, syd, map[string]string{"fra": "ready", "iad": "not_ready", "syd": "ready"})
}

func TestTheBoardIsBounded(t *testing.T) {
	b, c := newTestBoard()
	var many []Region
	for i := range 2 * maxRegions {
		many = append(many, Region{Region: fmt.Sprintf("r%03d", i), Role: "edge", State: stateReady})
	}
	c.pass(t, b, time.Second, syd, many...)
	if n := len(b.world(syd).Regions); n != maxRegions+1 {
		t.Errorf("the world has %d regions", n)
	}
	// Others come in their place, and the history keeps to the bound.
	c.pass(t, b, forgottenAfter+time.Second, syd, many[maxRegions:]...)
	c.pass(t, b, historyStep, syd, many[maxRegions:]...)
	w := b.world(syd)
	if n := len(w.Regions); n != maxRegions+1 || w.Regions[1].Region != "r065" || len(b.history.regions) != maxRegions+1 {
		t.Errorf("a minute later the world has %d regions, the second %s, and the history %d", n, w.Regions[1].Region, len(b.history.regions))
	}
}

// TestStatusIsAsTheDocumentSays reads what the node answers into the document's own types.
func TestStatusIsAsTheDocumentSays(t *testing.T) {
	b, _ := newTestBoard()
	at, rows, none := time.UnixMilli(1500).UTC(), int64(41), int64(0)
	full := Region{
		Region: "fra", Role: "primary", State: stateNotReady, Reason: "why not", Position: "1:0/1", LagSeconds: 1, StaleSeconds: 2,
		AppliedRows: 9, AppliedTransactions: 8, HitRatio: 0.5, Requests: 3, P50: 4, P95: 5, P99: 6,
		VerifiedAt: &at, VerifiedRows: &rows, VerifiedDifferences: &none, StartedAt: &at, Uptime: 7, Version: "v", SeenSeconds: 8,
	}
	data, err := json.Marshal(world{
		World: b.world(full),
		Hub: newHubStatus(hub.Status{
			Stalled: "another hub reads the slot", Published: 1, RetainedBytes: 9, RetainedLimit: 10, StreamBytes: 11, Snapshot: at,
		}, &stream.Bounds{First: 1, Last: 2, Bytes: 3, Messages: 2, Consumers: 4, Oldest: at, Newest: at}, at.Add(time.Second)),
		Verify: newVerifyStatus(verify.Status{Rows: 7, Table: "public.users", TableRows: 3, Last: &verify.Summary{
			Ended: time.UnixMilli(1500), Took: time.Second, Tables: 2, Rows: 5, Differences: 1, Unsettled: 1, Behind: true,
		}}),
	})
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var status openapi.Status
	if err := decoder.Decode(&status); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(status)
	if err != nil {
		t.Fatal(err)
	}
	var got, want map[string]any
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(again, &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) || len(status.Regions) != 1 || status.Regions[0].SeenSecondsAgo != 8 || status.Hub == nil ||
		!maps.EqualFunc(got, want, reflect.DeepEqual) || *status.Hub.SnapshotAgeSeconds != 1 || status.Hub.Stream.Consumers != 4 ||
		status.Verify == nil || status.Verify.Last == nil || status.Verify.Last.Rows != 5 || status.Verify.Last.Ended.UnixMilli() != 1500 {
		t.Errorf("%s is not %s", again, data)
	}
}
