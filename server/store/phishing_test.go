package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"outpost/server/store"
	"outpost/server/training"
)

// simulated is the fixture with campaigns: 1 to 4 of company 1, of which 1 has ended, 2 and 4 run and 3 is
// still to begin, and 5 of company 2.
func simulated(t *testing.T, statements ...string) *store.Store {
	t.Helper()
	s := store.New(load(t, append(append(
		fixture(),
		`INSERT INTO phishing_campaigns (company_id, data_zone, name, template, started_at, ended_at) VALUES
			(1, 'eu', 'b', 'parcel', '2026-01-01', '2026-01-15'), (1, 'eu', 'Älteste', '', '2026-05-01', '2026-06-15'),
			(1, 'eu', 'c', '', '2026-06-01', NULL), (1, 'eu', 'D', '', '2026-04-01', NULL), (2, 'us', 'a', '', '2026-02-01', NULL)`,
		// Sixteen people of company 1: six in Sales, five in IT, three in HR, two in no department.
		`INSERT INTO users (company_id, data_zone, email, full_name, department, is_active) SELECT 1, 'eu', 'p' || i || '@example.com', 'P' || i,
			CASE WHEN i <= 6 THEN 'Sales' WHEN i <= 11 THEN 'IT' WHEN i <= 14 THEN 'HR' ELSE '' END, i > 1 FROM generate_series(1, 16) i`,
	), statements...)...))
	s.Now = func() time.Time { return time.Date(2026, 5, 29, 0, 0, 0, 0, time.UTC) }
	s.Finished = func(queries int) {
		if queries > 4 {
			t.Errorf("a read made %d queries", queries)
		}
	}
	return s
}

func TestCampaignsAreOfOnesCompany(t *testing.T) {
	s := simulated(t)
	yes, no := true, false
	for name, c := range map[string]struct {
		who    training.Principal
		change func(*training.PhishingFilter)
		want   []int64
		until  string
	}{
		"the newest first":   {manager, func(*training.PhishingFilter) {}, []int64{3, 2, 4, 1}, "2026-06-01"},
		"the oldest first":   {manager, func(f *training.PhishingFilter) { f.Desc = false }, []int64{1, 4, 2, 3}, "2026-06-01"},
		"by name":            {manager, func(f *training.PhishingFilter) { f.Sort, f.Desc = "name", false }, []int64{2, 1, 3, 4}, "2026-06-01"},
		"by name, backwards": {manager, func(f *training.PhishingFilter) { f.Sort = "name" }, []int64{4, 3, 1, 2}, "2026-06-01"},
		"those that run":     {manager, func(f *training.PhishingFilter) { f.Active = &yes }, []int64{2, 4}, "2026-06-01"},
		"those that do not":  {manager, func(f *training.PhishingFilter) { f.Active = &no }, []int64{3, 1}, "2026-06-01"},
		"of another company": {foreign, func(*training.PhishingFilter) {}, []int64{5}, "0001-01-01"},
		"of all":             {platform, func(*training.PhishingFilter) {}, []int64{3, 2, 4, 5, 1}, "2026-06-01"},
		"of all, oldest":     {platform, func(f *training.PhishingFilter) { f.Desc = false }, []int64{1, 5, 4, 2, 3}, "2026-06-01"},
		"of all, by name":    {platform, func(f *training.PhishingFilter) { f.Sort, f.Desc = "name", false }, []int64{5, 2, 1, 3, 4}, "2026-06-01"},
		"of all, backwards":  {platform, func(f *training.PhishingFilter) { f.Sort = "name" }, []int64{4, 3, 1, 2, 5}, "2026-06-01"},
		"of one of all":      {platform, func(f *training.PhishingFilter) { f.CompanyID = 2 }, []int64{5}, "0001-01-01"},
		"of all, that run":   {platform, func(f *training.PhishingFilter) { f.Active = &yes }, []int64{2, 4, 5}, "2026-06-01"},
	} {
		t.Run(name, func(t *testing.T) {
			f := training.PhishingFilter{Paging: training.Paging{Page: 1, Size: 20, Sort: "started_at", Desc: true}}
			c.change(&f)
			list := func() training.PhishingPage {
				t.Helper()
				page, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.PhishingPage, error) {
					return q.PhishingCampaigns(ctx, c.who, f)
				})
				if err != nil {
					t.Fatal(err)
				}
				return page
			}
			page := list()
			var got []int64
			for _, a := range page.Items {
				got = append(got, a.ID)
			}
			if !slices.Equal(got, c.want) || page.Total != int64(len(c.want)) || page.HasNext() || page.ValidUntil.Format(time.DateOnly) != c.until {
				t.Errorf("got %v of %d until %v, want %v until %s", got, page.Total, page.ValidUntil, c.want, c.until)
			}
			// And one by one, each behind the one before.
			f.Size, got = 1, nil
			for {
				page = list()
				if len(page.Items) > 0 {
					got = append(got, page.Items[0].ID)
				}
				if f.After = page.NextAfter; f.After == "" {
					break
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("one by one: %v, want %v", got, c.want)
			}
		})
	}
	for name, f := range map[string]training.PhishingFilter{
		"a learner's":         {Paging: training.Paging{Page: 1, Size: 20, Sort: "name"}},
		"of another company":  {Paging: training.Paging{Page: 1, Size: 20, Sort: "name"}, CompanyID: 2},
		"by what is no field": {Paging: training.Paging{Page: 1, Size: 20, Sort: "template"}},
	} {
		who := manager
		if name == "a learner's" {
			who = learner
		}
		if _, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.PhishingPage, error) {
			return q.PhishingCampaigns(ctx, who, f)
		}); training.CodeOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// did has people of the fixture do something in a campaign: those from first to last.
func did(campaign int, kind string, first, last int) string {
	return fmt.Sprintf(`INSERT INTO phishing_events (company_id, data_zone, user_id, campaign_id, kind)
		SELECT company_id, data_zone, id, %d, '%s' FROM users WHERE email ~ '^p\d' AND substr(split_part(email, '@', 1), 2)::int BETWEEN %d AND %d`,
		campaign, kind, first, last)
}

func TestACampaignsResultsAreOfGroupsAlone(t *testing.T) {
	s := simulated(
		t,
		did(1, "sent", 1, 14), did(1, "opened", 5, 16), did(1, "clicked", 5, 7), did(1, "submitted", 7, 7), did(1, "reported", 12, 12),
		did(2, "sent", 1, 4),                            // four people
		did(4, "clicked", 1, 6), did(4, "sent", 12, 12), // six of Sales, one of HR
		// One of IT has moved to company 2 since, department and all.
		`UPDATE users SET company_id = 2, data_zone = 'us', department = 'Theirs' WHERE email = 'p7@example.com'`,
	)
	one := func(who training.Principal, id int64) (training.PhishingDetail, error) {
		return ask(t, s, func(ctx context.Context, q training.Queries) (training.PhishingDetail, error) {
			return q.PhishingCampaign(ctx, who, id)
		})
	}
	for _, c := range []struct {
		id   int64
		want string
	}{
		// The two that were reached without sent are people too. IT, down to four, HR and who is in none
		// are ten together.
		{1, "16 12 3 1 1; Sales 6: 6 2 2 0 0; rest 10: 10 10 1 1 1"},
		{2, "nothing"},
		{3, "0 0 0 0 0"},
		// One person apart could be found by subtracting: Sales joins HR.
		{4, "7 0 6 0 0; rest 7: 7 0 6 0 0"},
	} {
		d, err := one(manager, c.id)
		if err != nil {
			t.Fatal(err)
		}
		text := func(n training.PhishingCounts) string {
			return fmt.Sprintln(n.Sent, n.Opened, n.Clicked, n.Submitted, n.Reported)
		}
		got := "nothing"
		if d.Results != nil {
			got = text(*d.Results)
		}
		for _, g := range d.Departments {
			name := g.Name
			if g.Rest {
				name = "rest"
			}
			got += fmt.Sprintf("; %s %d: %s", name, g.People, text(g.Figures))
		}
		got = strings.ReplaceAll(got, "\n", "")
		if got != c.want {
			t.Errorf("campaign %d: %s, want %s", c.id, got, c.want)
		}
	}
	if d, err := one(platform, 5); err != nil || d.CompanyID != 2 || len(d.Departments) != 0 {
		t.Errorf("%+v, %v", d, err)
	}
	for name, c := range map[string]struct {
		who training.Principal
		id  int64
	}{"another company's": {foreign, 1}, "a learner's view": {learner, 1}, "none": {manager, 99}} {
		if _, err := one(c.who, c.id); training.CodeOf(err) != training.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}
