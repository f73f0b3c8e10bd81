package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"outpost/replicate/change"
	"outpost/server/api/openapi"
	"outpost/server/cache"
	"outpost/server/training"
)

func phishingRoutes() []*route {
	const campaigns = "/api/v1/phishing/campaigns"
	return []*route{
		{method: http.MethodGet, pattern: campaigns, handle: (*API).listPhishingCampaigns, role: training.Manager, scope: "phishing:read", namespace: "phishing"},
		{method: http.MethodPost, pattern: campaigns, handle: (*API).createPhishingCampaign, role: training.Admin, scope: "phishing:write", write: true, creates: true},
		{method: http.MethodGet, pattern: campaigns + "/:campaign", handle: (*API).getPhishingCampaign, role: training.Manager, scope: "phishing:read", namespace: "phishing"},
		{method: http.MethodPatch, pattern: campaigns + "/:campaign", handle: (*API).updatePhishingCampaign, role: training.Admin, scope: "phishing:write", write: true},
		{method: http.MethodPost, pattern: "/api/v1/phishing/events", handle: (*API).recordPhishing, role: training.Admin, scope: "phishing:write", write: true, creates: true, body: maxBulkBody},
	}
}

type phishingWriter interface {
	CreatePhishingCampaign(ctx context.Context, p training.Principal, company int64, n training.NewPhishingCampaign) (training.PhishingCampaign, change.LSN, error)
	ChangePhishingCampaign(ctx context.Context, p training.Principal, id, version int64, c training.PhishingCampaignChange) (training.PhishingCampaign, change.LSN, error)
	RecordPhishing(ctx context.Context, p training.Principal, events []training.PhishingEvent) (training.PhishingOutcome, change.LSN, error)
}

var campaignFields = newProjection[openapi.PhishingCampaign]()

func (a *API) listPhishingCampaigns(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	f, err := k.phishingFilter()
	if err != nil {
		return err
	}
	mask, err := campaignFields.parse(k.c.Query("fields"))
	if err != nil {
		return err
	}
	k.key = newKey(k.key, "phishing_campaigns").person(k).number(f.CompanyID).page(f.Paging).
		flag(f.Active != nil).flag(f.Active != nil && *f.Active).number(int64(mask))
	if done, err := a.hit(k); done {
		return err
	}
	f.Paging = clonePaging(f.Paging)
	p, now := k.principal, a.Now
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		found, err := q.PhishingCampaigns(ctx, p, f)
		if err != nil {
			return answer{}, err
		}
		at := now()
		out := answer{tags: []cache.Tag{inCompany("phishing_campaigns", f.CompanyID)}, validUntil: found.ValidUntil}
		for i := range found.Items { // whose people may be in another company by now
			out.tags = append(out.tags, cache.Ref("phishing_events", "campaign_id", found.Items[i].ID))
		}
		out.value, err = newPage(found.Page, f.Paging, func(c training.PhishingCampaign) openapi.PhishingCampaign {
			return campaignBody(c, at)
		}, campaignFields, mask)
		return out, err
	})
}

// inCompany is the tag of a table's rows of a company, or of all for 0.
func inCompany(table string, company int64) cache.Tag {
	if company == 0 {
		return cache.Table(table)
	}
	return cache.Tenant(table, company)
}

// phishingFilter reads the parameters. The newest come first where nothing is said. Its strings are
// Fiber's: clone what stays.
func (k *call) phishingFilter() (f training.PhishingFilter, err error) {
	if f.Paging, err = k.paging(training.PhishingSorts()); err != nil {
		return f, err
	}
	if k.c.Query("sort") == "" {
		f.Desc = true
	}
	if f.CompanyID, err = k.companyQuery(); err != nil {
		return f, err
	}
	switch text := k.c.Query("active"); text {
	case "":
	case "true", "false":
		active := text == "true"
		f.Active = &active
	default:
		return f, training.InvalidField("active", "must be true or false")
	}
	return f, nil
}

func (a *API) getPhishingCampaign(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	id, err := k.idParam("campaign", 64)
	if err != nil {
		return err
	}
	k.key = newKey(k.key, "phishing_campaign").person(k).number(id)
	if done, err := a.hit(k); done {
		return err
	}
	p, now := k.principal, a.Now
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		found, err := q.PhishingCampaign(ctx, p, id)
		if err != nil {
			return answer{}, err
		}
		at := now()
		return answer{
			value: campaignDetailBody(found, at), version: found.Version, validUntil: found.ValidUntil(at),
			tags: []cache.Tag{ // of users: their departments
				cache.Row("phishing_campaigns", id), cache.Ref("phishing_events", "campaign_id", id), cache.Tenant("users", found.CompanyID),
			},
		}, nil
	})
}

func (a *API) createPhishingCampaign(k *call) error {
	var in openapi.NewPhishingCampaign
	if err := k.decode(&in, "name"); err != nil {
		return err
	}
	n := training.NewPhishingCampaign{Name: in.Name}
	if in.Template != nil {
		n.Template = *in.Template
	}
	var errs []training.FieldError
	n.StartedAt = instant(&errs, "started_at", in.StartedAt)
	n.EndedAt = instant(&errs, "ended_at", in.EndedAt)
	company := int64(0)
	if in.CompanyId != nil {
		if company = *in.CompanyId; company < 1 {
			errs = append(errs, training.FieldError{Field: "company_id", Message: "must be at least 1"})
		}
	}
	if err := invalid(errs...); err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	made, lsn, err := a.Writer.CreatePhishingCampaign(ctx, k.principal, company, n.Trim())
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	k.c.Location("/api/v1/phishing/campaigns/" + strconv.FormatInt(made.ID, 10))
	return k.resource(http.StatusCreated, made.Version, campaignBody(made, a.Now()))
}

// instant reads a time; nil where there is none, or none that can be read.
func instant(errs *[]training.FieldError, field string, text *string) *time.Time {
	if text == nil {
		return nil
	}
	at, err := time.Parse(time.RFC3339, *text)
	if err != nil {
		*errs = append(*errs, training.FieldError{Field: field, Message: "must be a time such as 2026-11-02T07:00:00Z"})
		return nil
	}
	at = at.UTC().Truncate(time.Microsecond) // what Postgres keeps
	return &at
}

func (a *API) updatePhishingCampaign(k *call) error {
	id, err := k.idParam("campaign", 64)
	if err != nil {
		return err
	}
	version, err := k.ifMatch()
	if err != nil {
		return err
	}
	change, err := k.campaignChange()
	if err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	c, lsn, err := a.Writer.ChangePhishingCampaign(ctx, k.principal, id, version, change)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	return k.resource(http.StatusOK, c.Version, campaignBody(c, a.Now()))
}

// campaignBody shows a campaign as it is at that time.
func campaignBody(c training.PhishingCampaign, at time.Time) openapi.PhishingCampaign {
	body := openapi.PhishingCampaign{
		Id: c.ID, CompanyId: c.CompanyID, Name: c.Name, Template: c.Template, Active: c.Active(at), StartedAt: c.StartedAt.UTC(),
		EndedAt: utc(c.EndedAt), CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC(), Version: c.Version,
	}
	if c.Results != nil {
		results := resultsBody(c.Results)
		body.Results = &results
	}
	return body
}

func resultsBody(c *training.PhishingCounts) openapi.PhishingResults {
	return openapi.PhishingResults{
		Sent: c.Sent, Opened: c.Opened, Clicked: c.Clicked, Submitted: c.Submitted, Reported: c.Reported,
		OpenedRate: c.Rate(c.Opened), ClickedRate: c.Rate(c.Clicked), SubmittedRate: c.Rate(c.Submitted), ReportedRate: c.Rate(c.Reported),
	}
}

func campaignDetailBody(d training.PhishingDetail, at time.Time) openapi.PhishingCampaignDetail {
	b := campaignBody(d.PhishingCampaign, at)
	body := openapi.PhishingCampaignDetail{
		Id: b.Id, CompanyId: b.CompanyId, Name: b.Name, Template: b.Template, Active: b.Active, StartedAt: b.StartedAt, EndedAt: b.EndedAt,
		Results: b.Results, Departments: make([]openapi.PhishingDepartment, len(d.Departments)), CreatedAt: b.CreatedAt, UpdatedAt: b.UpdatedAt,
		Version: b.Version,
	}
	for i, g := range d.Departments {
		body.Departments[i] = openapi.PhishingDepartment{Rest: g.Rest, Results: resultsBody(&g.Figures)}
		if !g.Rest {
			body.Departments[i].Name = &g.Name
		}
	}
	return body
}
