package node

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

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

func TestSilentRegionIsNotReady(t *testing.T) {
	b := newBoard(slog.New(slog.DiscardHandler))
	announce(t, b, Region{Region: "fra", Role: "primary", Ready: true})
	announce(t, b, Region{Region: "iad", Role: "edge", Ready: true})
	own := Region{Region: "syd", Role: "edge", Ready: true}
	w := b.world(own)
	if len(w.Regions) != 3 || w.Regions[0].Region != "fra" || !w.Regions[0].Ready || b.away("fra") {
		t.Fatalf("the world is %+v", w)
	}
	b.regions["fra"] = heard{b.regions["fra"].Region, time.Now().Add(-10 * time.Second)}
	b.regions["iad"] = heard{b.regions["iad"].Region, time.Now().Add(-2 * forgottenAfter)}
	w = b.world(own)
	if len(w.Regions) != 2 || w.Regions[0].Ready || !strings.Contains(w.Regions[0].Reason, "silent") || !b.away("fra") {
		t.Errorf("after a silence the world is %+v", w)
	}
}

func TestForgedAnnouncementIsIgnored(t *testing.T) {
	b := newBoard(slog.New(slog.DiscardHandler))
	b.hear("fra", []byte(`{"region":"iad","role":"primary"}`))
	b.hear("fra", []byte("rubbish"))
	if len(b.regions) != 0 {
		t.Errorf("the board took %+v", b.regions)
	}
}

// TestStatusIsAsTheDocumentSays reads what the node answers into the document's own types.
func TestStatusIsAsTheDocumentSays(t *testing.T) {
	b := newBoard(slog.New(slog.DiscardHandler))
	full := Region{
		Region: "fra", Role: "primary", Reason: "why not", Position: "1:0/1", LagSeconds: 1, StaleSeconds: 2, HitRatio: 0.5,
		Requests: 3, P50: 4, P95: 5, P99: 6, Uptime: 7, Version: "v", SeenSeconds: 8,
	}
	data, err := json.Marshal(world{
		World: b.world(full), Hub: &hubStatus{true, "another hub reads the slot", "0/1", 9},
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
		status.Verify == nil || status.Verify.Last == nil || status.Verify.Last.Rows != 5 || status.Verify.Last.Ended.UnixMilli() != 1500 {
		t.Errorf("%s is not %s", again, data)
	}
}
