package primary_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/primary"
	"outpost/server/training"
)

// began is when the campaigns of these tests did.
var began = time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC)

// simulated is staff with campaign 1 of company 1, which has ended, and campaign 2 of company 2.
func simulated(t *testing.T, change ...func(*primary.Config)) (p *primary.Primary, url string, admin, root training.Principal) {
	t.Helper()
	p, url, admin, root = staff(t, change...)
	pgtest.Exec(t, url, `INSERT INTO phishing_campaigns (company_id, data_zone, name, started_at, ended_at) VALUES
		(1, 'eu', 'Parcel', '2026-03-02 07:00+00', '2026-03-16 07:00+00'), (2, 'us', 'Theirs', '2026-03-02 07:00+00', NULL)`)
	return p, url, admin, root
}

// event is one of campaign 1, so many minutes after it began.
func event(user int64, kind string, minutes int) training.PhishingEvent {
	return training.PhishingEvent{CampaignID: 1, UserID: user, Kind: kind, OccurredAt: began.Add(time.Duration(minutes) * time.Minute)}
}

func numbered(events ...training.PhishingEvent) []training.PhishingEvent {
	for i := range events {
		events[i].Row = i + 1
	}
	return events
}

// happened are the events that are kept, as "user kind minute".
func happened(t *testing.T, url string) string {
	t.Helper()
	return value[string](t, url, `SELECT coalesce(string_agg(format('%s %s %s', user_id, kind,
		(extract(epoch FROM occurred_at - '2026-03-02 07:00+00') / 60)::integer), ', ' ORDER BY user_id, kind), '')
		FROM phishing_events WHERE campaign_id = 1`)
}

func short(o training.PhishingOutcome) string {
	text := fmt.Sprintf("%d %d %d %d", o.Recorded, o.Earlier, o.Duplicates, o.Refused)
	for _, e := range o.Errors {
		text += fmt.Sprintf("; %d %s %s", e.Row, e.Field, e.Message)
	}
	return text
}

// TestOfEachEventTheEarliestIsKept in whatever order and however often they come.
func TestOfEachEventTheEarliestIsKept(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		p, url, admin, root := simulated(t, mode)
		byMail := event(0, "clicked", 9)
		byMail.Email = "äNNE@Example.com"
		for _, c := range []struct {
			name   string
			who    training.Principal
			events []training.PhishingEvent
			want   string
			kept   string
		}{
			{"new ones, the last first", admin, numbered(event(1, "clicked", 30), event(1, "sent", 0)), "2 0 0 0", "1 clicked 30, 1 sent 0"},
			{"the same again", admin, numbered(event(1, "clicked", 30), event(1, "sent", 0)), "0 0 2 0", "1 clicked 30, 1 sent 0"},
			{"a later one", admin, numbered(event(1, "clicked", 31)), "0 0 1 0", "1 clicked 30, 1 sent 0"},
			{"an earlier one, by address", admin, numbered(byMail), "0 1 0 0", "1 clicked 9, 1 sent 0"},
			{"twins in one batch", admin, numbered(event(2, "opened", 5), event(2, "opened", 5)), "1 0 1 0", "1 clicked 9, 1 sent 0, 2 opened 5"},
			{"the earliest of a batch", admin, numbered(event(2, "clicked", 8), event(2, "clicked", 6), event(2, "clicked", 7)), "1 0 2 0", "1 clicked 9, 1 sent 0, 2 clicked 6, 2 opened 5"},
			{"earlier twins", admin, numbered(event(2, "clicked", 4), event(2, "clicked", 3)), "0 1 1 0", "1 clicked 9, 1 sent 0, 2 clicked 3, 2 opened 5"},
			{"of who is not active, after the end, by who runs the platform", root, numbered(event(3, "reported", 40000)), "1 0 0 0", "1 clicked 9, 1 sent 0, 2 clicked 3, 2 opened 5, 3 reported 40000"},
		} {
			out, lsn, err := p.RecordPhishing(t.Context(), c.who, c.events)
			if err != nil || lsn == 0 || short(out) != c.want {
				t.Errorf("%s: %s, %v; want %s", c.name, short(out), err, c.want)
			}
			if got := happened(t, url); got != c.kept {
				t.Errorf("%s: %s is kept, want %s", c.name, got, c.kept)
			}
		}
		if zone := value[string](t, url, `SELECT DISTINCT company_id || data_zone FROM phishing_events`); zone != "1eu" {
			t.Errorf("the events are of %s", zone)
		}
	})
}

func TestGoodEventsAreTakenAndBadOnesNamed(t *testing.T) {
	p, url, admin, root := simulated(t)
	future, early, theirs, nowhere, both, nobody := event(1, "sent", 0), event(1, "sent", -24*60-1), event(1, "sent", 0), event(1, "sent", 0), event(1, "sent", 0), event(0, "sent", 0)
	future.OccurredAt = time.Now().Add(6 * time.Minute)
	theirs.CampaignID, nowhere.CampaignID = 2, 99
	both.Email, nobody.Email = "two@example.com", "nobody@example.com"
	unread := training.PhishingEvent{Errors: []training.FieldError{{Field: "kind", Message: "must be a text"}}}
	events := numbered(event(1, "opened", -24*60), future, early, theirs, nowhere, both, nobody, event(4, "sent", 0), event(0, "sent", 0),
		event(1, "typed", 0), unread, event(1, "opened", 3), event(2, "sent", 1))
	out, _, err := p.RecordPhishing(t.Context(), admin, events)
	want := "2 0 1 10" +
		"; 2 occurred_at must not be in the future" +
		"; 3 occurred_at is more than a day before the campaign began" +
		"; 4 campaign_id is no campaign of the company" +
		"; 5 campaign_id is no campaign of the company" +
		"; 6 email must be left out where user_id is given" +
		"; 7 email is nobody of the campaign's company" +
		"; 8 user_id is nobody of the campaign's company" +
		"; 9 user_id is required, or email in its place" +
		"; 10 kind must be sent, opened, clicked, submitted or reported" +
		"; 11 kind must be a text"
	if err != nil || short(out) != want {
		t.Errorf("%v\n%s, want\n%s", err, short(out), want)
	}
	if got := happened(t, url); got != "1 opened -1440, 2 sent 1" {
		t.Errorf("%s is kept", got)
	}
	// A little ahead of the clock is not the future, and who runs the platform reports for all.
	near := event(4, "sent", 0)
	near.CampaignID, near.OccurredAt = 2, time.Now().Add(4*time.Minute)
	if out, _, err := p.RecordPhishing(t.Context(), root, numbered(near)); err != nil || out.Recorded != 1 {
		t.Errorf("%s, %v", short(out), err)
	}
	// Campaign and person of two companies are not brought together by anybody.
	stranger := event(4, "sent", 0)
	for _, who := range []training.Principal{admin, root} {
		if _, _, err := p.RecordPhishing(t.Context(), who, numbered(stranger)); fields(err) != "1 user_id is nobody of the campaign's company" {
			t.Errorf("%s: %v %s", who.Role, err, fields(err))
		}
	}
	if n := value[int64](t, url, `SELECT count(*) FROM phishing_events`); n != 3 {
		t.Errorf("%d events", n)
	}
}

// TestABatchWithoutOneGoodEventIsRefused, its first thousand reasons named, and so says nothing of others'
// campaigns that it would not say of none.
func TestABatchWithoutOneGoodEventIsRefused(t *testing.T) {
	p, url, admin, _ := simulated(t)
	for _, campaign := range []int64{2, 99} {
		events := make([]training.PhishingEvent, training.MaxBulkErrors+5)
		for i := range events {
			events[i] = event(4, "sent", i)
			events[i].CampaignID = campaign
		}
		_, lsn, err := p.RecordPhishing(t.Context(), admin, numbered(events...))
		if training.CodeOf(err) != training.Invalid || lsn != 0 || !strings.HasPrefix(fields(err), "1 campaign_id is no campaign of the company; 2 ") ||
			strings.Count(fields(err), ";") != training.MaxBulkErrors-1 || !strings.Contains(err.Error(), "1005") {
			t.Errorf("%v with %d reasons", err, strings.Count(fields(err), ";")+1)
		}
	}
	if n := value[int64](t, url, `SELECT count(*) FROM phishing_events`); n != 0 {
		t.Errorf("%d events", n)
	}
}

func TestABatchUnderOneKeyIsRecordedOnce(t *testing.T) {
	p, _, admin, _ := simulated(t)
	ctx := training.WithCaller(t.Context(), training.Caller{IdempotencyKey: "k"})
	batch := numbered(event(1, "sent", 0), event(4, "sent", 0))
	first, _, err := p.RecordPhishing(ctx, admin, batch)
	again, _, err2 := p.RecordPhishing(ctx, admin, batch)
	if err != nil || err2 != nil || first.Recorded != 1 || short(first) != short(again) {
		t.Errorf("%s, %v; again %s, %v", short(first), err, short(again), err2)
	}
	if _, _, err := p.RecordPhishing(ctx, admin, batch[:1]); !strings.Contains(fields(err), "Idempotency-Key") {
		t.Errorf("another batch under the same key: %v", err)
	}
}

// TestTenThousandEventsAreOneStatement, also with the plan that Postgres makes for any batch, which it
// takes after a few.
func TestTenThousandEventsAreOneStatement(t *testing.T) {
	var seen observed
	p, url, admin, _ := simulated(t, func(c *primary.Config) { c.Observe, c.MaxConns = seen.see, 1 })
	pgtest.Exec(t, url, `INSERT INTO users (company_id, data_zone, email, full_name) SELECT 1, 'eu', 'many' || i || '@example.com', 'M' FROM generate_series(1, 2500) i`)
	low := value[int64](t, url, `SELECT min(id) FROM users WHERE email LIKE 'many%'`)
	batch := func(minute int) []training.PhishingEvent {
		var events []training.PhishingEvent
		for i := range 2500 {
			for n, kind := range []string{"sent", "opened", "clicked", "reported"} {
				e := event(low+int64(i), kind, minute)
				if n > 1 {
					e.UserID, e.Email = 0, fmt.Sprintf("many%d@example.com", i+1)
				}
				events = append(events, e)
			}
		}
		return numbered(events...)
	}
	seen.take()
	for n := range 7 { // each an hour before the one before
		start := time.Now()
		out, _, err := p.RecordPhishing(t.Context(), admin, batch(600-60*n))
		want := "0 10000 0 0"
		if n == 0 {
			want = "10000 0 0 0"
		}
		if err != nil || short(out) != want {
			t.Fatalf("batch %d: %s, %v", n, short(out), err)
		}
		if types, total := seen.take(); total > 3 {
			t.Errorf("it took %v", types)
		}
		took := time.Since(start)
		t.Logf("batch %d took %v", n, took)
		if took > 30*time.Second {
			t.Errorf("batch %d took %v", n, took)
		}
	}
	if n := value[int64](t, url, `SELECT count(*) FROM phishing_events WHERE occurred_at = '2026-03-02 11:00+00'`); n != 10_000 {
		t.Errorf("%d events have the earliest time", n)
	}
}

// TestBatchesThatOverlapDoNotStandInEachOthersWay sends the same people's events at once, in opposite
// orders: all come in, the earliest times are kept, and no transaction had to be begun anew.
func TestBatchesThatOverlapDoNotStandInEachOthersWay(t *testing.T) {
	var seen observed
	p, url, admin, _ := simulated(t, func(c *primary.Config) { c.Observe = seen.see })
	pgtest.Exec(t, url, `INSERT INTO users (company_id, data_zone, email, full_name) SELECT 1, 'eu', 'many' || i || '@example.com', 'M' FROM generate_series(1, 400) i`)
	low := value[int64](t, url, `SELECT min(id) FROM users WHERE email LIKE 'many%'`)
	var group sync.WaitGroup
	outs := make([]training.PhishingOutcome, 8)
	for n := range outs {
		group.Go(func() {
			var events []training.PhishingEvent
			for i := range 400 {
				for _, kind := range []string{"sent", "clicked"} {
					events = append(events, event(low+int64(i), kind, 60+n))
				}
			}
			if n%2 == 1 {
				slices.Reverse(events)
			}
			var err error
			if outs[n], _, err = p.RecordPhishing(context.WithoutCancel(t.Context()), admin, numbered(events...)); err != nil {
				t.Errorf("batch %d: %v", n, err)
			}
		})
	}
	group.Wait()
	if types, _ := seen.take(); types["rollback"] > 0 {
		t.Errorf("transactions were begun anew: %v", types)
	}
	recorded, all := 0, 0
	for _, o := range outs {
		recorded += o.Recorded
		all += o.Recorded + o.Earlier + o.Duplicates
	}
	if n := value[int64](t, url, `SELECT count(*) FROM phishing_events WHERE occurred_at = '2026-03-02 08:00+00'`); n != 800 || recorded != 800 || all != 8*800 {
		t.Errorf("%d events have the earliest time, %d were recorded, %d were counted", n, recorded, all)
	}
}

func TestACampaignIsOfOnesCompany(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		p, url, admin, root := staff(t, mode)
		n := training.NewPhishingCampaign{Name: "Pärcel", Template: "parcel", StartedAt: &began}
		made, lsn, err := p.CreatePhishingCampaign(t.Context(), admin, 0, n)
		if err != nil || lsn == 0 || made.CompanyID != 1 || !made.StartedAt.Equal(began) || made.Version != 1 || made.Results == nil || *made.Results != (training.PhishingCounts{}) {
			t.Fatalf("%+v, %v", made, err)
		}
		if row := value[string](t, url, `SELECT data_zone || name_folded FROM phishing_campaigns WHERE id = $1`, made.ID); row != "euparcel" {
			t.Errorf("the row is %s", row)
		}
		now, _, err := p.CreatePhishingCampaign(t.Context(), root, 1, training.NewPhishingCampaign{Name: "Now"})
		if err != nil || now.CompanyID != 1 || time.Since(now.StartedAt) > time.Minute || !now.Active(time.Now()) {
			t.Errorf("%+v, %v", now, err)
		}
		before := began.Add(-time.Hour)
		for name, c := range map[string]struct {
			who     training.Principal
			company int64
			n       training.NewPhishingCampaign
			code    training.Code
			says    string
		}{
			"another company":  {admin, 2, n, training.Forbidden, ""},
			"no company":       {root, 99, n, training.Invalid, "company_id"},
			"no name":          {admin, 0, training.NewPhishingCampaign{}, training.Invalid, "name must not be empty"},
			"over at once":     {admin, 0, training.NewPhishingCampaign{Name: "X", EndedAt: &before}, training.Invalid, "ended_at must be after started_at"},
			"two lines":        {admin, 0, training.NewPhishingCampaign{Name: "X\nY"}, training.Invalid, "name must be one line"},
			"a long template":  {admin, 0, training.NewPhishingCampaign{Name: "X", Template: strings.Repeat("x", 101)}, training.Invalid, "template must be at most"},
			"another century":  {admin, 0, training.NewPhishingCampaign{Name: "X", StartedAt: &time.Time{}}, training.Invalid, "started_at must be within ten years"},
			"of somebody else": {training.Principal{UserID: 4, CompanyID: 1, Role: training.Admin}, 0, n, training.Unauthorized, ""},
		} {
			if _, _, err := p.CreatePhishingCampaign(t.Context(), c.who, c.company, c.n); training.CodeOf(err) != c.code || !strings.Contains(fields(err), c.says) {
				t.Errorf("%s: %v %s", name, err, fields(err))
			}
		}
		ctx := training.WithCaller(t.Context(), training.Caller{IdempotencyKey: "k"})
		first, _, err := p.CreatePhishingCampaign(ctx, admin, 0, n)
		again, _, err2 := p.CreatePhishingCampaign(ctx, admin, 0, n)
		if err != nil || err2 != nil || first.ID != again.ID || again.Results == nil {
			t.Errorf("%+v, %v; again %+v, %v", first, err, again, err2)
		}
	})
}

func TestACampaignIsChangedAndEnded(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		var seen observed
		p, url, admin, root := simulated(t, mode, func(c *primary.Config) { c.Observe = seen.see })
		pgtest.Exec(t, url, `INSERT INTO users (company_id, data_zone, email, full_name) SELECT 1, 'eu', 'many' || i || '@example.com', 'M' FROM generate_series(1, 6) i`,
			`INSERT INTO phishing_events (company_id, data_zone, user_id, campaign_id, kind) SELECT 1, 'eu', id, 1, k FROM users, unnest('{opened,clicked}'::text[]) k
				WHERE email LIKE 'many%'`)
		name, other, ended, early := "Päket", "Other", began.AddDate(0, 1, 0), began
		for _, c := range []struct {
			name    string
			who     training.Principal
			id      int64
			version int64
			change  training.PhishingCampaignChange
			code    training.Code
			want    string // name, end and version
		}{
			{"the same end", admin, 1, 1, training.PhishingCampaignChange{EndedAt: value[*time.Time](t, url, `SELECT ended_at FROM phishing_campaigns WHERE id = 1`)}, "", "Parcel 2026-03-16 1"},
			{"a name", admin, 1, 1, training.PhishingCampaignChange{Name: &name}, "", "Päket 2026-03-16 2"},
			{"what has moved on", admin, 1, 1, training.PhishingCampaignChange{Name: &other}, training.Precondition, ""},
			{"an end", admin, 1, 0, training.PhishingCampaignChange{EndedAt: &ended}, "", "Päket 2026-04-02 3"},
			{"an end at the beginning", admin, 1, 0, training.PhishingCampaignChange{EndedAt: &early}, training.Invalid, ""},
			{"no end", root, 1, 3, training.PhishingCampaignChange{Endless: true}, "", "Päket never 4"},
			{"another company's", admin, 2, 0, training.PhishingCampaignChange{Name: &other}, training.NotFound, ""},
			{"none", admin, 99, 0, training.PhishingCampaignChange{Name: &other}, training.NotFound, ""},
		} {
			seen.take()
			out, _, err := p.ChangePhishingCampaign(t.Context(), c.who, c.id, c.version, c.change)
			if types, total := seen.take(); total > 4 {
				t.Errorf("%s took %v", c.name, types)
			}
			end := "never"
			if out.EndedAt != nil {
				end = out.EndedAt.Format(time.DateOnly)
			}
			got := fmt.Sprintf("%s %s %d", out.Name, end, out.Version)
			if training.CodeOf(err) != c.code || c.code == "" && (got != c.want || out.Results == nil || *out.Results != training.PhishingCounts{Sent: 6, Opened: 6, Clicked: 6}) {
				t.Errorf("%s: %s with %+v, %v", c.name, got, out.Results, err)
			}
		}
		if folded := value[string](t, url, `SELECT name_folded FROM phishing_campaigns WHERE id = 1`); folded != "paket" {
			t.Errorf("sorted as %q", folded)
		}
		log := value[string](t, url, `SELECT string_agg(concat_ws(' ', actor_id, action, details), '; ' ORDER BY id) FROM audit_log
			WHERE subject = 'phishing_campaigns' AND subject_id = 1 AND actor_id IS NOT NULL`)
		if !strings.HasPrefix(log, `2 updatePhishingCampaign {"update": {"name": ["Parcel", "Päket"]}}; 2 updatePhishingCampaign {"update": {"ended_at": [`) ||
			!strings.Contains(log, "; 5 updatePhishingCampaign ") {
			t.Errorf("the audit log says %s", log)
		}
	})
}
