package store

import (
	"context"
	"fmt"
	"math"

	"outpost/server/store/sqlite"
	"outpost/server/training"
)

func (q *queries) PhishingCampaigns(ctx context.Context, p training.Principal, f training.PhishingFilter) (training.PhishingPage, error) {
	page := training.PhishingPage{Page: training.Page[training.PhishingCampaign]{Page: f.Page, Size: f.Size}}
	if err := f.Validate(training.PhishingSorts()...); err != nil {
		return page, err
	}
	company, err := companyOf(p, f.CompanyID)
	if err != nil {
		return page, err
	}
	now, active := timeText(q.now()), int64(-1)
	if f.Active != nil {
		active = flag(*f.Active)
	}
	found, err := q.findCampaigns(ctx, f.Paging, company, active, now)
	if err != nil {
		return page, err
	}
	found, page.NextAfter = cut(f.Paging, found)
	if page.Items, err = q.campaigns(ctx, company, found); err != nil {
		return page, err
	}
	arg := sqlite.CountPhishingCampaignsParams{Active: active, Now: now, FromCompany: company, ToCompany: company}
	if company == 0 {
		arg.FromCompany, arg.ToCompany = math.MinInt64, math.MaxInt64
	}
	counted, err := run(ctx, q, "count_phishing_campaigns", q.sql.CountPhishingCampaigns, arg)
	if err != nil {
		return page, err
	}
	page.Total = counted.Total
	var t times
	for _, text := range []string{counted.NextStart, counted.NextEnd} {
		if text == "" || text == "infinity" {
			continue
		}
		if at := t.at(text); page.ValidUntil.IsZero() || at.Before(page.ValidUntil) {
			page.ValidUntil = at
		}
	}
	return page, t.err
}

func (q *queries) PhishingCampaign(ctx context.Context, p training.Principal, id int64) (training.PhishingDetail, error) {
	hidden := training.Errorf(training.NotFound, "There is no such campaign.")
	company, err := companyOf(p, 0)
	if err != nil {
		return training.PhishingDetail{}, hidden
	}
	found, err := q.campaigns(ctx, company, []place{{id: id}})
	if err != nil {
		return training.PhishingDetail{}, err
	}
	if len(found) == 0 {
		return training.PhishingDetail{}, hidden
	}
	out := training.PhishingDetail{PhishingCampaign: found[0]}
	rows, err := run(ctx, q, "phishing_departments", q.sql.PhishingDepartments, sqlite.PhishingDepartmentsParams{
		CampaignID: id, CompanyID: out.CompanyID,
	})
	if err != nil {
		return out, err
	}
	groups := make([]training.Group[training.PhishingCounts], len(rows))
	for i, r := range rows {
		counts := phishingCounts(r.People, r.Opened, r.Clicked, r.Submitted, r.Reported)
		groups[i] = training.Group[training.PhishingCounts]{Name: r.Department, People: counts.Sent, Figures: counts}
	}
	out.Departments = training.PhishingGroups(groups)
	return out, nil
}

// findCampaigns gives the places of the page, and one more if there is one.
func (q *queries) findCampaigns(ctx context.Context, p training.Paging, company, active int64, now string) ([]place, error) {
	from, err := after(p, false)
	if err != nil {
		return nil, err
	}
	own := sqlite.PhishingCampaignIDsByStartedParams{
		CompanyID: company, AfterKey: from.text, AfterID: from.id, Active: active, Now: now, Skip: p.Offset(), Size: int64(p.Size) + 1,
	}
	all := sqlite.AllPhishingCampaignIDsByStartedParams{
		AfterKey: own.AfterKey, AfterID: own.AfterID, Active: own.Active, Now: own.Now, Skip: own.Skip, Size: own.Size,
	}
	everywhere := company == 0
	switch order(p) {
	case "started_at":
		if everywhere {
			rows, err := run(ctx, q, "phishing_by_started", q.sql.AllPhishingCampaignIDsByStarted, all)
			return userPlaces(rows), err
		}
		rows, err := run(ctx, q, "phishing_by_started", q.sql.PhishingCampaignIDsByStarted, own)
		return userPlaces(rows), err
	case "-started_at":
		if everywhere {
			rows, err := run(ctx, q, "phishing_by_started", q.sql.AllPhishingCampaignIDsByStartedDesc, sqlite.AllPhishingCampaignIDsByStartedDescParams(all))
			return userPlaces(rows), err
		}
		rows, err := run(ctx, q, "phishing_by_started", q.sql.PhishingCampaignIDsByStartedDesc, sqlite.PhishingCampaignIDsByStartedDescParams(own))
		return userPlaces(rows), err
	case "name":
		if everywhere {
			rows, err := run(ctx, q, "phishing_by_name", q.sql.AllPhishingCampaignIDsByName, sqlite.AllPhishingCampaignIDsByNameParams(all))
			return userPlaces(rows), err
		}
		rows, err := run(ctx, q, "phishing_by_name", q.sql.PhishingCampaignIDsByName, sqlite.PhishingCampaignIDsByNameParams(own))
		return userPlaces(rows), err
	case "-name":
		if everywhere {
			rows, err := run(ctx, q, "phishing_by_name", q.sql.AllPhishingCampaignIDsByNameDesc, sqlite.AllPhishingCampaignIDsByNameDescParams(all))
			return userPlaces(rows), err
		}
		rows, err := run(ctx, q, "phishing_by_name", q.sql.PhishingCampaignIDsByNameDesc, sqlite.PhishingCampaignIDsByNameDescParams(own))
		return userPlaces(rows), err
	}
	return nil, fmt.Errorf("no query sorts campaigns by %q", p.Sort)
}

// campaigns reads those at places, of a company or of all (0).
func (q *queries) campaigns(ctx context.Context, company int64, found []place) ([]training.PhishingCampaign, error) {
	list, err := idList(ids(found))
	if err != nil {
		return nil, err
	}
	rows, err := run(ctx, q, "phishing_campaigns", q.sql.PhishingCampaignsByID, sqlite.PhishingCampaignsByIDParams{
		Ids: list, AnyCompany: flag(company == 0), CompanyID: company,
	})
	if err != nil {
		return nil, err
	}
	return arrange(found, rows, func(r *sqlite.PhishingCampaignsByIDRow) int64 { return r.PhishingCampaign.ID }, phishingCampaign)
}

func phishingCampaign(r *sqlite.PhishingCampaignsByIDRow) (training.PhishingCampaign, error) {
	c := r.PhishingCampaign
	var t times
	out := training.PhishingCampaign{
		ID: c.ID, CompanyID: c.CompanyID, Name: c.Name, Template: c.Template, StartedAt: t.at(c.StartedAt), EndedAt: t.maybe(c.EndedAt),
		Results:   phishingCounts(r.People, r.Opened, r.Clicked, r.Submitted, r.Reported).Shown(),
		CreatedAt: t.at(c.CreatedAt), UpdatedAt: t.at(c.UpdatedAt), Version: c.Version,
	}
	return out, t.err
}

func phishingCounts(people, opened, clicked, submitted, reported int64) training.PhishingCounts {
	return training.PhishingCounts{
		Sent: int(people), Opened: int(opened), Clicked: int(clicked), Submitted: int(submitted), Reported: int(reported),
	}
}
