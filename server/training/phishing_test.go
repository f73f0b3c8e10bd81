package training_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"outpost/server/training"
)

func TestACampaignRunsFromItsBeginningToItsEnd(t *testing.T) {
	begin := time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC)
	end := begin.AddDate(0, 0, 14)
	never := time.Time{}
	for _, c := range []struct {
		end    *time.Time
		at     time.Time
		active bool
		until  time.Time
	}{
		{&end, begin.Add(-1), false, begin},
		{&end, begin, true, end},
		{&end, end.Add(-1), true, end},
		{&end, end, false, never},
		{nil, begin.Add(-1), false, begin},
		{nil, begin, true, never},
	} {
		p := training.PhishingCampaign{StartedAt: begin, EndedAt: c.end}
		if active, until := p.Active(c.at), p.ValidUntil(c.at); active != c.active || !until.Equal(c.until) {
			t.Errorf("ends %v, at %v: active %v until %v, want %v until %v", c.end, c.at, active, until, c.active, c.until)
		}
	}
}

func TestARateIsOfThoseWhoWereReached(t *testing.T) {
	for _, c := range []struct {
		sent, people int
		want         string
	}{{0, 0, "none"}, {7, 0, "0"}, {7, 1, "0.1429"}, {3, 2, "0.6667"}, {20000, 1, "0.0001"}, {7, 7, "1"}} {
		counts := training.PhishingCounts{Sent: c.sent}
		got := "none"
		if rate := counts.Rate(c.people); rate != nil {
			got = fmt.Sprint(*rate)
		}
		if got != c.want {
			t.Errorf("%d of %d: %s, want %s", c.people, c.sent, got, c.want)
		}
	}
	for people, shown := range map[int]bool{0: true, 1: false, 4: false, 5: true} {
		if got := (training.PhishingCounts{Sent: people}).Shown(); (got != nil) != shown {
			t.Errorf("of %d people is shown %v", people, got)
		}
	}
}

func TestTheResultsOfGroupsAddUp(t *testing.T) {
	group := func(name string, people int) training.Group[training.PhishingCounts] {
		return training.Group[training.PhishingCounts]{Name: name, People: people, Figures: training.PhishingCounts{Sent: people, Opened: 4, Clicked: 3, Submitted: 2, Reported: 1}}
	}
	got := training.PhishingGroups([]training.Group[training.PhishingCounts]{group("A", 4), group("B", 9), group("C", 1), group("D", 5)})
	want := training.PhishingCounts{Sent: 5, Opened: 8, Clicked: 6, Submitted: 4, Reported: 2}
	if len(got) != 3 || got[0].Name != "B" || got[1].Name != "D" || !got[2].Rest || got[2].People != 5 || got[2].Figures != want {
		t.Errorf("%+v", got)
	}
}

func TestAnEventSaysWhoDidWhatWhen(t *testing.T) {
	now := time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		bend func(*training.PhishingEvent)
		want string // the fields
	}{
		"all there":        {func(*training.PhishingEvent) {}, ""},
		"by address":       {func(e *training.PhishingEvent) { e.UserID, e.Email = 0, "ada@example.com" }, ""},
		"a clock ahead":    {func(e *training.PhishingEvent) { e.OccurredAt = now.Add(training.PhishingLeeway) }, ""},
		"the future":       {func(e *training.PhishingEvent) { e.OccurredAt = now.Add(training.PhishingLeeway + 1) }, "occurred_at"},
		"by both":          {func(e *training.PhishingEvent) { e.Email = "ada@example.com" }, "email"},
		"by no address":    {func(e *training.PhishingEvent) { e.UserID, e.Email = 0, "ada\x00@example.com" }, "email"},
		"nobody":           {func(e *training.PhishingEvent) { e.UserID = 0 }, "user_id"},
		"less than nobody": {func(e *training.PhishingEvent) { e.UserID = -1 }, "user_id"},
		"another kind":     {func(e *training.PhishingEvent) { e.Kind = "Clicked" }, "kind"},
		"nothing at all":   {func(e *training.PhishingEvent) { *e = training.PhishingEvent{} }, "campaign_id user_id kind occurred_at"},
	} {
		e := training.PhishingEvent{CampaignID: 1, UserID: 1, Kind: "clicked", OccurredAt: now}
		c.bend(&e)
		var got []string
		for _, f := range e.Validate(now) {
			got = append(got, f.Field)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

func TestWhatIsRefusedIsNamedUpToAThousand(t *testing.T) {
	var o training.PhishingOutcome
	for row := range training.MaxBulkErrors + 10 {
		o.Refuse(row+1, training.FieldError{Field: "kind"}, training.FieldError{Field: "user_id"})
	}
	if o.Refused != training.MaxBulkErrors+10 || len(o.Errors) != 2*training.MaxBulkErrors || o.Errors[3].Row != 2 || training.CodeOf(o.Refusal()) != training.Invalid {
		t.Errorf("%d refused, %d named, %v", o.Refused, len(o.Errors), o.Refusal())
	}
	if o.Duplicates = 1; o.Refusal() != nil {
		t.Errorf("with a good one: %v", o.Refusal())
	}
}
