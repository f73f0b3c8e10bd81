package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"outpost/replicate/change"
	"outpost/server/api/openapi"
	"outpost/server/cache"
	"outpost/server/training"
)

func companyRoutes() []*route {
	const companies = "/api/v1/companies"
	return []*route{
		{method: http.MethodGet, pattern: companies, handle: (*API).listCompanies, role: training.PlatformAdmin, scope: "companies:read", namespace: "companies"},
		{method: http.MethodPost, pattern: companies, handle: (*API).createCompany, role: training.PlatformAdmin, scope: "companies:write", write: true, creates: true},
		{method: http.MethodGet, pattern: companies + "/:company", handle: (*API).getCompany, role: training.Manager, scope: "companies:read", namespace: "companies"},
		{method: http.MethodPatch, pattern: companies + "/:company", handle: (*API).updateCompany, role: training.Admin, scope: "companies:write", write: true},
	}
}

type companyWriter interface {
	CreateCompany(ctx context.Context, p training.Principal, n training.NewCompany) (training.CompanyDetail, change.LSN, error)
	ChangeCompany(ctx context.Context, p training.Principal, id, version int64, c training.CompanyChange) (training.CompanyDetail, change.LSN, error)
}

var companyFields = newProjection[openapi.CompanyDetail]()

// listCompanies is the same for all who may ask.
func (a *API) listCompanies(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	f, err := k.companyFilter()
	if err != nil {
		return err
	}
	mask, err := companyFields.parse(k.c.Query("fields"))
	if err != nil {
		return err
	}
	k.key = newKey(k.key, "companies").page(f.Paging).flag(f.Active != nil).flag(f.Active != nil && *f.Active).
		text(string(f.PrivacyMode)).text(f.Country).text(f.Search).number(int64(mask))
	if done, err := a.hit(k); done {
		return err
	}
	f.Paging, f.PrivacyMode = clonePaging(f.Paging), training.PrivacyMode(strings.Clone(string(f.PrivacyMode)))
	f.Country, f.Search = strings.Clone(f.Country), strings.Clone(f.Search)
	p := k.principal
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		found, err := q.Companies(ctx, p, f)
		if err != nil {
			return answer{}, err
		}
		body, err := newPage(found, f.Paging, companyDetailBody, companyFields, mask)
		tags := []cache.Tag{cache.Table("companies")}
		if showsPeople(mask) {
			tags = append(tags, cache.Table("users"))
		}
		return answer{value: body, tags: tags}, err
	})
}

// showsPeople says whether fields of a company are shown that its people make up.
func showsPeople(mask fieldMask) bool {
	return mask == 0 || mask&(1<<slices.Index(companyFields.names, "active_users")) != 0
}

// companyFilter reads a list's parameters. Its strings are Fiber's.
func (k *call) companyFilter() (f training.CompanyFilter, err error) {
	if f.Paging, err = k.paging(training.CompanySorts()); err != nil {
		return f, err
	}
	f.PrivacyMode, f.Country, f.Search = training.PrivacyMode(k.c.Query("privacy_mode")), k.c.Query("country"), k.c.Query("q")
	var errs []training.FieldError
	wrong := func(field, message string) { errs = append(errs, training.FieldError{Field: field, Message: message}) }
	if f.PrivacyMode != "" && !slices.Contains(training.PrivacyModes(), f.PrivacyMode) {
		wrong("privacy_mode", "must be aggregate, pseudonymous or individual")
	}
	if f.Country != "" && !slices.Contains(training.Countries(), f.Country) {
		wrong("country", "must be two capital letters of ISO 3166-1, such as DE")
	}
	if utf8.RuneCountInString(f.Search) > maxSearch {
		wrong("q", "must be at most "+strconv.Itoa(maxSearch)+" characters long")
	}
	switch text := k.c.Query("is_active"); text {
	case "":
	case "true", "false":
		active := text == "true"
		f.Active = &active
	default:
		wrong("is_active", "must be true or false")
	}
	return f, invalid(errs...)
}

func (a *API) getCompany(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	id, err := k.companyParam()
	if err != nil {
		return err
	}
	mask, err := companyFields.parse(k.c.Query("fields"))
	if err != nil {
		return err
	}
	k.key = newKey(k.key, "company").number(id).number(int64(mask))
	if done, err := a.hit(k); done {
		return err
	}
	p := k.principal
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		found, err := q.Company(ctx, p, id)
		if err != nil {
			return answer{}, err
		}
		body, err := companyFields.pick(companyDetailBody(found), mask)
		out := answer{value: body, version: found.Version, tags: []cache.Tag{cache.Row("companies", id)}}
		if showsPeople(mask) {
			out.tags = append(out.tags, cache.Tenant("users", id))
		}
		return out, err
	})
}

// companyParam is the company in the path: the asker's own, or any for a platform administrator. Answers
// are kept by it alone, so that nobody who may not ask for it may come as far as the cache.
func (k *call) companyParam() (int64, error) {
	id, err := k.idParam("company", 64)
	if err == nil && id != k.principal.CompanyID && k.principal.Role != training.PlatformAdmin {
		err = training.Errorf(training.NotFound, "There is no such company.")
	}
	return id, err
}

func (a *API) createCompany(k *call) error {
	var in openapi.NewCompany
	if err := k.decode(&in, "name", "country"); err != nil {
		return err
	}
	n := training.NewCompany{
		Name: in.Name, Slug: given(in.Slug), Country: in.Country, Zone: given(in.DataZone), Locale: given(in.Locale),
		PrivacyMode: training.PrivacyMode(given(in.PrivacyMode)),
	}.Complete()
	if err := invalid(n.Validate()...); err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	made, lsn, err := a.Writer.CreateCompany(ctx, k.principal, n)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	k.c.Location("/api/v1/companies/" + strconv.FormatInt(made.ID, 10))
	return k.resource(http.StatusCreated, made.Version, companyDetailBody(made))
}

func (a *API) updateCompany(k *call) error {
	id, err := k.companyParam()
	if err != nil {
		return err
	}
	version, err := k.ifMatch()
	if err != nil {
		return err
	}
	change, err := k.companyChange()
	if err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	d, lsn, err := a.Writer.ChangeCompany(ctx, k.principal, id, version, change)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	return k.resource(http.StatusOK, d.Version, companyDetailBody(d))
}

// companyChange reads a merge patch, in which nothing may be null: a company has all there is. What it
// never changes is refused and not passed over, since whoever sends it believes that it would.
func (k *call) companyChange() (training.CompanyChange, error) {
	var in map[string]json.RawMessage
	if err := k.decode(&in); err != nil {
		return training.CompanyChange{}, err
	}
	var c training.CompanyChange
	var errs []training.FieldError
	for _, f := range []struct {
		name string
		to   any
		kind string
	}{
		{"name", &c.Name, "a text"},
		{"country", &c.Country, "a text"},
		{"locale", &c.Locale, "a text"},
		{"privacy_mode", &c.PrivacyMode, "a text"},
		{"is_active", &c.IsActive, "true or false"},
	} {
		raw, ok := in[f.name]
		switch {
		case !ok:
		case string(raw) == "null":
			errs = append(errs, training.FieldError{Field: f.name, Message: "must not be null"})
		case json.Unmarshal(raw, f.to) != nil:
			errs = append(errs, training.FieldError{Field: f.name, Message: "must be " + f.kind})
		}
	}
	if _, ok := in["data_zone"]; ok {
		errs = append(errs, training.FieldError{
			Field: "data_zone", Message: "cannot be changed here: it would move the data of all its people to other regions. Leave it out",
		})
	}
	if _, ok := in["slug"]; ok {
		errs = append(errs, training.FieldError{Field: "slug", Message: "cannot be changed: others know the company by it. Leave it out"})
	}
	if len(errs) == 0 {
		c = c.Trim()
		errs = c.Validate(k.principal)
	}
	return c, invalid(errs...)
}

func companyDetailBody(d training.CompanyDetail) openapi.CompanyDetail {
	return openapi.CompanyDetail{
		Id: d.ID, Name: d.Name, Slug: d.Slug, Country: d.Country, DataZone: d.Zone, Locale: d.Locale, PrivacyMode: string(d.PrivacyMode),
		IsActive: d.IsActive, ActiveUsers: d.ActiveUsers, CreatedAt: d.CreatedAt.UTC(), UpdatedAt: d.UpdatedAt.UTC(), Version: d.Version,
	}
}
