package node

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"outpost/replicate/replica"
	"outpost/server/api/openapi"
)

// newHistoryBoard begins with a whole step.
func newHistoryBoard() (*board, *clock) {
	b, c := newTestBoard()
	c.at = c.at.Truncate(historyStep).Add(historyStep)
	*b = *newBoard(b.log, c.now)
	return b, c
}

// past reads the history into the document's own types.
func past(t *testing.T, b *board) openapi.StatusHistory {
	t.Helper()
	data, err := b.past("syd")
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var h openapi.StatusHistory
	if err := decoder.Decode(&h); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	for _, r := range h.Regions {
		for _, list := range [][]*float32{r.LagSeconds, r.RequestsPerSecond, r.HitRatio, r.P95Ms} {
			if len(list) != h.Steps || len(r.State) != h.Steps {
				t.Errorf("%s: lists of %d and %d values for %d steps", r.Region, len(list), len(r.State), h.Steps)
			}
		}
	}
	return h
}

// line shows one region's states and lags.
func line(t *testing.T, h openapi.StatusHistory, region string) string {
	t.Helper()
	i := slices.IndexFunc(h.Regions, func(r openapi.RegionHistory) bool { return r.Region == region })
	if i < 0 {
		return "none"
	}
	var parts []string
	for n, state := range h.Regions[i].State {
		if lag := h.Regions[i].LagSeconds[n]; lag != nil {
			state += fmt.Sprintf(" %v", *lag)
		}
		parts = append(parts, state)
	}
	return strings.Join(parts, ", ")
}

func TestTheHistoryKeepsTheWorstOfEachStep(t *testing.T) {
	b, c := newHistoryBoard()
	if h := past(t, b); h.Steps != 0 || len(h.Regions) != 0 || h.Region != "syd" || h.StepSeconds != 10 {
		t.Errorf("before the first step there is %+v", h)
	}
	began := c.at
	slow, ill, stopped := iad, iad, iad
	slow.LagSeconds, slow.Requests, slow.HitRatio, slow.P95 = 0.5, 12.34567, 0.25, 3
	ill.State, ill.LagSeconds = stateNotReady, 9
	stopped.State = stateStopped
	c.at = c.at.Add(-lookInterval)                       // a look at the very beginning of each step
	c.pass(t, b, historyStep, syd, fra)                  // 0: nobody knows of iad
	c.pass(t, b, historyStep, syd, fra, iad)             // 1: it came
	c.pass(t, b, historyStep/2, syd, fra, slow)          // 2: it lagged, and no more
	c.pass(t, b, historyStep/2, syd, fra, iad)           //
	c.pass(t, b, historyStep/2, syd, fra, ill)           // 3: it was not ready, and no more
	c.pass(t, b, historyStep/2, syd, fra, iad)           //
	c.pass(t, b, historyStep/2, syd, fra)                // 4: it was silent, and no more
	c.pass(t, b, historyStep/2, syd, fra, slow)          //
	c.pass(t, b, 2*historyStep, syd, fra)                // 5, 6: it was silent
	c.pass(t, b, forgottenAfter-2*historyStep, syd, fra) // 7 to 10: and still, until it was forgotten
	c.pass(t, b, historyStep, syd, fra)                  // 11: it is gone
	c.pass(t, b, lookInterval, syd, fra, iad)            // 12: here again, and with a goodbye
	c.pass(t, b, historyStep-lookInterval, syd, fra, stopped)
	c.pass(t, b, lookInterval, syd, fra)
	h := past(t, b)
	const want = "absent, ready 0, ready 0.5, not_ready 9, silent 0.5, silent 0.5, silent, silent, silent, silent, absent, absent, absent 0"
	if got := line(t, h, "iad"); got != want {
		t.Errorf("the history of iad is\n%s, want\n%s", got, want)
	}
	if got := line(t, h, "fra"); got != strings.TrimSuffix(strings.Repeat("ready 0, ", 13), ", ") {
		t.Errorf("the history of fra is %s", got)
	}
	if h.Regions[0].Region != "fra" || h.Regions[1].Region != "iad" || h.Regions[2].Region != "syd" || !h.From.Equal(began) {
		t.Errorf("the history is %+v", h)
	}
	if r := h.Regions[1]; *r.RequestsPerSecond[4] != 12.346 || *r.HitRatio[4] != 0.25 || *r.P95Ms[4] != 3 {
		t.Errorf("the figures of a step are %v, %v, %v", *r.RequestsPerSecond[4], *r.HitRatio[4], *r.P95Ms[4])
	}
}

// TestTheHistoryIsOfAnHour lets a region say its last word, and more than an hour go by.
func TestTheHistoryIsOfAnHour(t *testing.T) {
	b, c := newHistoryBoard()
	began := c.at
	c.at = c.at.Add(-lookInterval)
	c.pass(t, b, historyStep, syd, fra, iad)
	c.pass(t, b, time.Hour-historyStep, syd, fra)
	c.pass(t, b, lookInterval, syd, fra)
	h := past(t, b)
	if !h.From.Equal(began) || h.Steps != 360 || !strings.HasPrefix(line(t, h, "iad"), "ready 0, silent 0, silent") {
		t.Errorf("after an hour it begins %v after the start and has %d steps, and iad was %.50s", h.From.Sub(began), h.Steps, line(t, h, "iad"))
	}
	c.pass(t, b, forgottenAfter+2*historyStep, syd, fra)
	h = past(t, b)
	if !h.From.Equal(began.Add(forgottenAfter+2*historyStep)) || h.Steps != 360 || len(b.history.regions) != 2 || line(t, h, "iad") != "none" {
		t.Errorf("later it begins %v after the start and has %d steps of %d regions", h.From.Sub(began), h.Steps, len(b.history.regions))
	}
}

// TestTheHistoryOfAPausedNodeHasGaps stops the node that keeps it.
func TestTheHistoryOfAPausedNodeHasGaps(t *testing.T) {
	b, c := newHistoryBoard()
	c.at = c.at.Add(-lookInterval)
	c.pass(t, b, historyStep, syd, fra)
	c.at = c.at.Add(2 * historyStep)
	c.pass(t, b, historyStep, syd, fra)
	c.pass(t, b, lookInterval, syd, fra)
	if got := line(t, past(t, b), "fra"); got != "ready 0, absent, absent, ready 0" {
		t.Errorf("the history of fra is %s", got)
	}
}

func TestRatesAreOfTheLastTenSeconds(t *testing.T) {
	var a applied
	now, stats := time.Now(), replica.Stats{Rows: 1000, Transactions: 10}
	if rows, transactions := a.rates(now, stats); rows != 0 || transactions != 0 {
		t.Errorf("before the first count they are %v and %v", rows, transactions)
	}
	expect := func(what string, wantRows, wantTransactions float64) {
		t.Helper()
		if rows, transactions := a.rates(now, stats); rows != wantRows || transactions != wantTransactions {
			t.Errorf("%s: %v rows and %v transactions a second, want %v and %v", what, rows, transactions, wantRows, wantTransactions)
		}
	}
	a.count(now, stats)
	stats.Rows += 50
	expect("in the first instant", 50, 0)
	for range 600 {
		now = now.Add(lookInterval)
		stats.Rows += 30
		stats.Transactions++
		a.count(now, stats)
	}
	expect("after a minute of a steady flow", 300, 10)
	if len(a.seen) > 22 {
		t.Errorf("it keeps %d counts", len(a.seen))
	}
	for range 110 {
		now = now.Add(lookInterval)
		a.count(now, stats)
	}
	expect("after ten seconds of nothing", 0, 0)
}
