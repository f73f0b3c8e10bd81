package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"outpost/replicate/pgcluster/pgtest"
)

// simulation is a campaign as the API shows it.
type simulation struct {
	ID          int64
	Active      bool
	Version     int64
	Results     *phishingResults
	Departments []struct {
		Name    *string
		Rest    bool
		Results phishingResults
	}
}

type phishingResults struct {
	Sent, Opened, Clicked, Submitted, Reported int
	ClickedRate                                *float64 `json:"clicked_rate"`
}

// phishingReport is what became of a batch.
type phishingReport struct{ Recorded, Earlier, Duplicates, Refused int }

func campaignsURL(api string) string { return api + "/api/v1/phishing/campaigns" }

// TestPhishingThroughAnEdge reports events in Sydney, by an integrator's key, whose results Virginia shows.
func TestPhishingThroughAnEdge(t *testing.T) {
	w := newWorld(t, []string{"fra", "iad", "syd"})
	w.startInside(nil)
	admin, learner := w.login("syd", "manager@example.com"), w.login("iad", "user1@example.com")
	machine := admin.with(key(admin, w, "phishing:write"))
	reader := admin.with(key(admin, w, "phishing:read"))

	// Seven people of Phish, one of whom has left, and four of Chips; the seven are told by their addresses.
	const own = `(SELECT company_id FROM users WHERE email = 'manager@example.com')`
	pgtest.Exec(t, w.url, `INSERT INTO users (company_id, data_zone, email, full_name, department, is_active)
		SELECT c.id, c.data_zone, 'bait' || i || '@example.com', 'Bait', CASE WHEN i <= 7 THEN 'Phish' ELSE 'Chips' END, i <> 2
		FROM companies c, generate_series(1, 11) i WHERE c.id = `+own)
	first := inPostgres[int64](t, w, `SELECT min(id) FROM users WHERE email LIKE 'bait%'`)

	var made, other simulation
	create := map[string]any{"name": "Bait", "started_at": "2026-03-02T07:00:00Z"}
	a := machine.must(http.StatusCreated, http.MethodPost, campaignsURL(w.api("syd")), create)
	a.into(t, &made)
	if at := a.header.Get("Location"); at != fmt.Sprintf("/api/v1/phishing/campaigns/%d", made.ID) {
		t.Errorf("the campaign is said to be at %s", at)
	}
	machine.must(http.StatusCreated, http.MethodPost, campaignsURL(w.api("syd")), create).into(t, &other)
	url := fmt.Sprintf("%s/%d", campaignsURL(w.api("iad")), made.ID)
	elsewhere := fmt.Sprintf("%s/%d", campaignsURL(w.api("iad")), other.ID)

	var batch []map[string]any
	event := func(i int, kind, at string) {
		e := map[string]any{"campaign_id": made.ID, "kind": kind, "occurred_at": "2026-03-" + at, "typed": "hunter2"}
		if i <= 7 {
			e["email"] = fmt.Sprintf("BAIT%d@example.com", i)
		} else {
			e["user_id"] = first + int64(i) - 1
		}
		batch = append(batch, e)
	}
	position := a.position()
	report := func(want phishingReport, headers ...string) {
		t.Helper()
		a := machine.must(http.StatusOK, http.MethodPost, w.api("syd")+"/api/v1/phishing/events", map[string]any{"events": batch}, headers...)
		var got phishingReport
		if a.into(t, &got); got != want {
			t.Errorf("the batch became %+v, want %+v: %s", got, want, a.body)
		}
		position, batch = a.position(), nil
	}
	shown := func() (s simulation) {
		t.Helper()
		reader.get(url, "Outpost-Position", position).into(t, &s)
		return s
	}

	// Four people are too few to be shown.
	for i := range 4 {
		event(8+i, "sent", "02T08:00:00Z")
	}
	event(8, "clicked", "02T09:00:00Z")
	report(phishingReport{Recorded: 5})
	if s := shown(); s.Results != nil || len(s.Departments) > 0 || !s.Active {
		t.Errorf("of four people it is shown that %+v", s)
	}
	reader.get(elsewhere, "Outpost-Position", position)

	// Clicks come before what they followed, twice, of somebody unknown, and of somebody who has left.
	for i := 1; i <= 7; i++ {
		event(i, "clicked", "02T10:00:00Z")
	}
	event(3, "clicked", "02T09:30:00Z")
	event(8, "clicked", "02T08:30:00Z")
	batch = append(batch, map[string]any{"campaign_id": made.ID, "email": "user1@elsewhere.example", "kind": "sent", "occurred_at": "2026-03-02T07:00:00Z"})
	again := batch
	report(phishingReport{Recorded: 7, Earlier: 1, Duplicates: 1, Refused: 1}, "Idempotency-Key", "bait")
	batch = again
	report(phishingReport{Recorded: 7, Earlier: 1, Duplicates: 1, Refused: 1}, "Idempotency-Key", "bait")
	batch = again
	report(phishingReport{Duplicates: 9, Refused: 1})
	for i := range 6 {
		event(1+i, "sent", "02T08:00:00Z")
	}
	report(phishingReport{Recorded: 6})

	s := shown()
	if r := s.Results; r == nil || r.Sent != 11 || r.Clicked != 8 || r.Opened != 0 || *r.ClickedRate != 0.7273 {
		t.Errorf("the results are %+v", r)
	}
	// Chips has four people, and so Phish joins it.
	if len(s.Departments) != 1 || !s.Departments[0].Rest || s.Departments[0].Name != nil || s.Departments[0].Results.Sent != 11 {
		t.Errorf("by department: %+v", s.Departments)
	}
	var page struct{ Items []simulation }
	reader.get(campaignsURL(w.api("iad"))+"?active=true&sort=name", "Outpost-Position", position).into(t, &page)
	found := false
	for _, item := range page.Items {
		found = found || item.ID == made.ID && item.Results != nil && *item.Results.ClickedRate == 0.7273
	}
	if !found {
		t.Errorf("the list has no such results: %+v", page)
	}
	if got := inPostgres[string](t, w, `SELECT to_char(min(occurred_at) AT TIME ZONE 'UTC', 'HH24:MI') FROM phishing_events
		WHERE campaign_id = $1 AND kind = 'clicked'`, made.ID); got != "08:30" {
		t.Errorf("the earliest click was at %s", got)
	}

	// All this was of one campaign: what shows the other is as it was.
	if got := reader.get(elsewhere, "Outpost-Position", position).header.Get("Cache-Status"); got != "outpost; hit" {
		t.Errorf("the other campaign is computed anew: %s", got)
	}
	if got := reader.get(url, "Outpost-Position", position).header.Get("Cache-Status"); got != "outpost; hit" {
		t.Errorf("the campaign is computed anew for nothing: %s", got)
	}

	// It ends, if it is still what one saw.
	etag := reader.get(url, "Outpost-Position", position).header.Get("ETag")
	patch := map[string]any{"ended_at": "2026-03-16T07:00:00Z"}
	ended := machine.must(http.StatusOK, http.MethodPatch, fmt.Sprintf("%s/%d", campaignsURL(w.api("syd")), made.ID), patch, "If-Match", etag)
	position = ended.position()
	if s := shown(); s.Active || s.Version != 2 || s.Results.Sent != 11 {
		t.Errorf("it has ended and is %+v", s)
	}
	machine.must(http.StatusPreconditionFailed, http.MethodPatch, fmt.Sprintf("%s/%d", campaignsURL(w.api("syd")), made.ID), patch, "If-Match", etag)

	// Nobody else may, and nothing that was typed is anywhere.
	for _, c := range []*client{reader, learner} {
		c.must(http.StatusForbidden, http.MethodPost, w.api("syd")+"/api/v1/phishing/events", map[string]any{"events": []any{}})
	}
	learner.must(http.StatusForbidden, http.MethodGet, url, nil)
	machine.must(http.StatusForbidden, http.MethodGet, url, nil)
	if dump := inPostgres[string](t, w, `SELECT coalesce(string_agg(t::text, ' '), '') FROM (SELECT e::text FROM phishing_events e
		UNION ALL SELECT k::text FROM idempotency_keys k UNION ALL SELECT a::text FROM audit_log a) t`); strings.Contains(dump, "hunter2") {
		t.Error("what somebody typed was stored")
	}
	for _, region := range w.regions {
		eventually(t, "the replica of "+region+" equals Postgres", func() error { return w.equal(t, region) })
	}
}

// key is an API key of the administrator's, with that scope alone.
func key(admin *client, w *world, scope string) apiKey {
	admin.t.Helper()
	k, _ := admin.makeKey(w.api("syd"), scope)
	return k
}
