package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/server/cache"
	"outpost/server/training"
)

// campaign is number 7 of company 3: it ends years after day.
func campaign(people int) training.PhishingCampaign {
	end := day.AddDate(5, 0, 0)
	return training.PhishingCampaign{
		ID: 7, CompanyID: 3, Name: "Parcel", Template: "parcel", StartedAt: day.Add(-time.Hour), EndedAt: &end,
		Results: training.PhishingCounts{Sent: people, Opened: people, Clicked: people / 3}.Shown(), CreatedAt: day, UpdatedAt: day, Version: 3,
	}
}

func (s state) PhishingCampaigns(_ context.Context, _ training.Principal, f training.PhishingFilter) (training.PhishingPage, error) {
	page := training.PhishingPage{Page: training.Page[training.PhishingCampaign]{Page: f.Page, Size: f.Size}}
	if f.CompanyID == 4 || f.Active != nil && !*f.Active {
		return page, nil
	}
	c := campaign(9)
	if f.Sort == "name" {
		c = campaign(4)
	}
	c.Name += fmt.Sprintf(" %s %v", f.Sort, f.Desc)
	page.Items, page.Total, page.ValidUntil = append(page.Items, c), 1, *c.EndedAt
	return page, nil
}

func (s state) PhishingCampaign(_ context.Context, p training.Principal, id int64) (training.PhishingDetail, error) {
	if id != 7 || p.CompanyID != 3 {
		return training.PhishingDetail{}, missing
	}
	group := func(name string, people, clicked int) training.Group[training.PhishingCounts] {
		return training.Group[training.PhishingCounts]{Name: name, People: people, Figures: training.PhishingCounts{Sent: people, Clicked: clicked}}
	}
	return training.PhishingDetail{
		PhishingCampaign: campaign(18),
		Departments:      training.PhishingGroups([]training.Group[training.PhishingCounts]{group("Sales", 6, 2), group("IT", 4, 4), group("", 5, 0), group("HR", 3, 1)}),
	}, nil
}

func (w *writer) CreatePhishingCampaign(_ context.Context, _ training.Principal, company int64, n training.NewPhishingCampaign) (training.PhishingCampaign, change.LSN, error) {
	c := campaign(0)
	if c.Name, c.Template, c.EndedAt, c.Version = n.Name, n.Template, n.EndedAt, 1; n.StartedAt != nil {
		c.StartedAt = *n.StartedAt
	}
	if company != 0 {
		c.CompanyID = company
	}
	return c, w.published().Position.LSN, nil
}

func (w *writer) ChangePhishingCampaign(_ context.Context, p training.Principal, id, version int64, c training.PhishingCampaignChange) (training.PhishingCampaign, change.LSN, error) {
	before := campaign(9)
	switch {
	case id != before.ID || p.CompanyID != before.CompanyID:
		return before, 0, missing
	case version != 0 && version != before.Version:
		return before, 0, training.Errorf(training.Precondition, "The campaign is not what If-Match says any more.")
	}
	after, _ := c.Apply(before)
	return after, w.published().Position.LSN, nil
}

func (w *writer) RecordPhishing(_ context.Context, _ training.Principal, events []training.PhishingEvent) (out training.PhishingOutcome, _ change.LSN, err error) {
	for _, e := range events {
		errs := e.Errors
		if len(errs) == 0 {
			errs = e.Validate(day)
		}
		if len(errs) > 0 {
			out.Refuse(e.Row, errs...)
			continue
		}
		out.Recorded++
	}
	return out, w.published().Position.LSN, out.Refusal()
}

func TestPhishing(t *testing.T) {
	n := newNode(t, func(d *Deps, _ *node) { d.Now = func() time.Time { return day } })
	assigning(n.world)
	const (
		list   = "/api/v1/phishing/campaigns"
		one    = list + "/7"
		events = "/api/v1/phishing/events"
	)
	good := `{"campaign_id":7,"user_id":1,"kind":"clicked","occurred_at":"2026-11-23T05:30:00.123456789+01:00"}`
	event := func(fields string) string { return `{"events":[` + good + `,{` + fields + `}]}` }
	for _, s := range []scenario{
		{
			name: "a manager's list, the newest first", as: 20, method: "GET", target: list, status: 200,
			want: []string{
				`"name":"Parcel started_at true"`, `"active":true`, `"ended_at":"2031-11-23T05:00:00Z"`,
				`"results":{"clicked":3,"clicked_rate":0.3333,"opened":9,"opened_rate":1,"reported":0,"reported_rate":0,"sent":9,"submitted":0,"submitted_rate":0}`,
			},
		},
		{name: "the oldest first", as: 20, method: "GET", target: list + "?sort=started_at", status: 200, want: []string{`"name":"Parcel started_at false"`}},
		{name: "of four people", as: 20, method: "GET", target: list + "?sort=name&active=true", status: 200, want: []string{`"name":"Parcel name false"`, `"results":null`}, wantNot: []string{"rate"}},
		{name: "those that do not run", as: 20, method: "GET", target: list + "?active=false", status: 200, want: []string{`"items":[]`}},
		{name: "some fields", as: 20, method: "GET", target: list + "?fields=id,results", status: 200, want: []string{`"items":[{"id":7,"results":{`}, wantNot: []string{"Parcel"}},
		{name: "another company's list", as: 22, method: "GET", target: list, status: 200, want: []string{`"items":[]`}, wantNot: []string{"Parcel"}},
		{name: "of another company", as: 20, method: "GET", target: list + "?company_id=4", status: 404},
		{name: "of any company", as: 9, method: "GET", target: list + "?company_id=4", status: 200, want: []string{`"items":[]`}},
		{name: "a learner's list", as: 1, method: "GET", target: list, status: 403},
		{name: "nobody's list", method: "GET", target: list, status: 401},
		{name: "an unknown order", as: 20, method: "GET", target: list + "?sort=clicked", status: 422, want: []string{`"field":"sort"`}},
		{name: "a filter that is none", as: 20, method: "GET", target: list + "?active=maybe", status: 422, want: []string{`"field":"active"`}},
		{
			name: "one by department", as: 20, method: "GET", target: one, status: 200,
			want: []string{
				`"departments":[{"name":"","rest":false,"results":{"clicked":0,`, `{"name":"Sales","rest":false,`, `{"name":null,"rest":true,"results":{"clicked":5,`, `"sent":7,`,
			},
			wantNot: []string{"IT", "HR"},
		},
		{name: "one of another company", as: 22, method: "GET", target: one, status: 404, wantNot: []string{"Parcel"}},
		{name: "one for a learner", as: 1, method: "GET", target: one, status: 403},
		{name: "none", as: 20, method: "GET", target: list + "/nine", status: 404},

		{
			name: "a new one", as: 21, method: "POST", target: list, body: `{"name":" Spring ","template":"t","started_at":"2026-11-30T08:00:00+01:00","ended_at":null}`, status: 201,
			want:    []string{`"name":"Spring"`, `"started_at":"2026-11-30T07:00:00Z"`, `"active":false`, `"ended_at":null`, `"sent":0`, `"opened_rate":null`},
			headers: map[string]string{"Location": list + "/7"},
		},
		{name: "a new one of any company", as: 9, method: "POST", target: list, body: `{"name":"Spring","company_id":4}`, status: 201, want: []string{`"company_id":4`}},
		{name: "a new one without anything", as: 21, method: "POST", target: list, body: `{}`, status: 422, want: []string{`"field":"name"`}},
		{
			name: "a new one at no time", as: 21, method: "POST", target: list, body: `{"name":"X","started_at":"today","ended_at":"later","company_id":0}`, status: 422,
			want: []string{`"field":"started_at"`, `"field":"ended_at"`, `"field":"company_id"`},
		},
		{name: "a manager's new one", as: 20, method: "POST", target: list, body: `{"name":"X"}`, status: 403},

		{name: "another name", as: 21, method: "PATCH", target: one, body: `{"name":" Other "}`, status: 200, want: []string{`"name":"Other"`, `"ended_at":"2031-11-23T05:00:00Z"`}},
		{name: "an end", as: 21, method: "PATCH", target: one, header: map[string]string{"If-Match": `"3.0123456789abcdef"`}, body: `{"ended_at":"2026-11-23T05:00:00Z"}`, status: 200, want: []string{`"active":false`}},
		{name: "no end", as: 21, method: "PATCH", target: one, body: `{"ended_at":null}`, status: 200, want: []string{`"ended_at":null`, `"active":true`}},
		{name: "what has changed", as: 21, method: "PATCH", target: one, header: map[string]string{"If-Match": `"2.0123456789abcdef"`}, body: `{"name":"X"}`, status: 412},
		{name: "what is none", as: 21, method: "PATCH", target: one, body: `{"name":null,"ended_at":5}`, status: 422, want: []string{`"field":"name"`, `"field":"ended_at"`}},
		{name: "a manager changes", as: 20, method: "PATCH", target: one, body: `{"name":"X"}`, status: 403},
		{name: "another company's", as: 22, method: "PATCH", target: one, body: `{"name":"X"}`, status: 403},
		{name: "none there is", as: 21, method: "PATCH", target: list + "/8", body: `{"name":"X"}`, status: 404},

		{name: "events", as: 21, method: "POST", target: events, body: `{"events":[` + good + `]}`, status: 200, want: []string{`{"duplicates":0,"earlier":0,"recorded":1,"refused":0}`}},
		{name: "what somebody typed", as: 21, method: "POST", target: events, body: event(`"campaign_id":7,"email":"a@example.com","kind":"submitted","occurred_at":"2026-11-23T05:00:00Z","password":"hunter2","form":{"user":"hunter2"}`), status: 200, want: []string{`"recorded":2`}, wantNot: []string{"hunter2"}},
		{name: "a bad row", as: 21, method: "POST", target: events, body: event(`"campaign_id":0,"user_id":0,"kind":"typed","occurred_at":"2026-11-23T05:06:00Z"`), status: 200, want: []string{`"recorded":1,"refused":1`, `"field":"campaign_id"`, `"field":"user_id"`, `"field":"kind"`, `"field":"occurred_at","message":"must not be in the future","row":2`}},
		{name: "a row of other types", as: 21, method: "POST", target: events, body: event(`"campaign_id":"7"`), status: 200, want: []string{`{"field":"campaign_id","message":"must be a whole number","row":2}`}},
		{name: "a row that is none", as: 21, method: "POST", target: events, body: `{"events":[null,` + good + `,5]}`, status: 200, want: []string{`"refused":2`, `{"field":"events","message":"must be an object","row":1}`, `"row":3`}},
		{name: "a row at no time", as: 21, method: "POST", target: events, body: event(`"campaign_id":7,"user_id":1,"kind":"sent","occurred_at":"now"`), status: 200, want: []string{`{"field":"occurred_at","message":"must be a time`}},
		{name: "a row without a time", as: 21, method: "POST", target: events, body: event(`"campaign_id":7,"user_id":1,"kind":"sent"`), status: 200, want: []string{`{"field":"occurred_at","message":"is required","row":2}`}},
		{name: "not one good row", as: 21, method: "POST", target: events, body: `{"events":[{}]}`, status: 422, want: []string{"not one of the 1 events", `"row":1`}},
		{name: "no rows", as: 21, method: "POST", target: events, body: `{"events":[]}`, status: 422, want: []string{`"field":"events"`}},
		{name: "no list", as: 21, method: "POST", target: events, body: `{"events":{}}`, status: 422, want: []string{`"field":"events"`}},
		{name: "nothing", as: 21, method: "POST", target: events, body: `{}`, status: 422, want: []string{`"field":"events"`}},
		{name: "too many rows", as: 21, method: "POST", target: events, body: `{"events":[` + strings.Repeat("{},", 10_000) + `{}]}`, status: 422, want: []string{"at most 10000"}},
		{name: "a manager's events", as: 20, method: "POST", target: events, body: `{"events":[` + good + `]}`, status: 403},
		{name: "nobody's events", method: "POST", target: events, body: `{"events":[` + good + `]}`, status: 401},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, n) })
	}
	if strings.Contains(n.logs.String(), "hunter2") {
		t.Error("the log shows what somebody typed")
	}
	t.Run("as many as fit", func(t *testing.T) { // in a body that is larger than all others may be
		a := n.do("POST", events, n.as(21), `{"events":[`+strings.Repeat(good+",", training.MaxPhishingEvents-1)+good+`]}`)
		if a.StatusCode != 200 || !strings.Contains(a.body, `"recorded":10000`) {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
	})
}

func TestACampaignsAnswerChangesWithWhatItShows(t *testing.T) {
	n := newNode(t, func(d *Deps, _ *node) { d.Now = func() time.Time { return day } })
	assigning(n.world)
	const list, one = "/api/v1/phishing/campaigns", "/api/v1/phishing/campaigns/7"
	status := func(target string) string {
		t.Helper()
		return n.do("GET", target, n.as(20), "").Header.Get("Cache-Status")
	}
	for _, target := range []string{list, one} {
		if got := status(target); got != missed {
			t.Fatalf("%s: %s", target, got)
		}
	}
	for _, c := range []struct {
		what string
		tags []cache.Tag
		miss []string
	}{
		{"another campaign's events", []cache.Tag{cache.Tenant("phishing_events", 3), cache.Ref("phishing_events", "campaign_id", 8)}, nil},
		{"events", []cache.Tag{cache.Tenant("phishing_events", 3), cache.Ref("phishing_events", "campaign_id", 7)}, []string{list, one}},
		{"another company's campaign", []cache.Tag{cache.Tenant("phishing_campaigns", 4), cache.Row("phishing_campaigns", 9)}, nil},
		{"another campaign", []cache.Tag{cache.Tenant("phishing_campaigns", 3), cache.Row("phishing_campaigns", 8)}, []string{list}},
		{"the campaign", []cache.Tag{cache.Tenant("phishing_campaigns", 3), cache.Row("phishing_campaigns", 7)}, []string{list, one}},
		{"somebody's department", []cache.Tag{cache.Tenant("users", 3), cache.Row("users", 50)}, []string{one}},
	} {
		n.world.change(func() {}, c.tags...)
		for _, target := range []string{list, one} {
			if got := status(target) == missed; got != slices.Contains(c.miss, target) {
				t.Errorf("%s: %s is computed anew: %v", c.what, target, got)
			}
		}
	}
}
