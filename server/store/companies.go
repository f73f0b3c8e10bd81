package store

import (
	"context"
	"fmt"
	"strings"

	"outpost/server/store/sqlite"
	"outpost/server/training"
)

func (q *queries) Companies(ctx context.Context, p training.Principal, f training.CompanyFilter) (training.Page[training.CompanyDetail], error) {
	page := training.Page[training.CompanyDetail]{Page: f.Page, Size: f.Size}
	if p.Role != training.PlatformAdmin {
		return page, training.Errorf(training.Forbidden, "This is for the role %s.", training.PlatformAdmin)
	}
	if err := f.Validate(training.CompanySorts()...); err != nil {
		return page, err
	}
	words := prefixes(f.Search, "")
	if strings.TrimSpace(f.Search) != "" && words == "" {
		return page, nil // signs alone are the beginning of no word
	}
	active := int64(-1)
	if f.Active != nil {
		active = flag(*f.Active)
	}
	found, err := q.findCompanies(ctx, f, words, active)
	if err != nil {
		return page, err
	}
	found, page.NextAfter = cut(f.Paging, found)
	if page.Items, err = q.companies(ctx, found); err != nil {
		return page, err
	}
	arg := sqlite.CountCompaniesParams{Country: f.Country, PrivacyMode: string(f.PrivacyMode), Active: active}
	if words != "" {
		page.Total, err = run(ctx, q, "count_companies_by_search", q.sql.CountCompaniesBySearch, sqlite.CountCompaniesBySearchParams{
			Words: words, Country: arg.Country, PrivacyMode: arg.PrivacyMode, Active: active,
		})
		return page, err
	}
	page.Total, err = run(ctx, q, "count_companies", q.sql.CountCompanies, arg)
	return page, err
}

func (q *queries) Company(ctx context.Context, p training.Principal, id int64) (training.CompanyDetail, error) {
	if _, err := companyOf(p, id); err != nil {
		return training.CompanyDetail{}, err
	}
	found, err := q.companies(ctx, []place{{id: id}})
	if err != nil {
		return training.CompanyDetail{}, err
	}
	if len(found) == 0 {
		return training.CompanyDetail{}, training.Errorf(training.NotFound, "There is no such company.")
	}
	return found[0], nil
}

// findCompanies gives the places of the page, and one more if there is one.
func (q *queries) findCompanies(ctx context.Context, f training.CompanyFilter, words string, active int64) ([]place, error) {
	from, err := after(f.Paging, false)
	if err != nil {
		return nil, err
	}
	arg := sqlite.CompanyIDsByNameParams{
		AfterKey: from.text, AfterID: from.id, Country: f.Country, PrivacyMode: string(f.PrivacyMode), Active: active,
		Skip: f.Offset(), Size: int64(f.Size) + 1,
	}
	if words != "" {
		return q.searchCompanies(ctx, f.Paging, words, arg)
	}
	switch order(f.Paging) {
	case "name":
		rows, err := run(ctx, q, "companies_by_name", q.sql.CompanyIDsByName, arg)
		return userPlaces(rows), err
	case "-name":
		rows, err := run(ctx, q, "companies_by_name", q.sql.CompanyIDsByNameDesc, sqlite.CompanyIDsByNameDescParams(arg))
		return userPlaces(rows), err
	case "created_at":
		rows, err := run(ctx, q, "companies_by_created_at", q.sql.CompanyIDsByCreated, sqlite.CompanyIDsByCreatedParams(arg))
		return userPlaces(rows), err
	case "-created_at":
		rows, err := run(ctx, q, "companies_by_created_at", q.sql.CompanyIDsByCreatedDesc, sqlite.CompanyIDsByCreatedDescParams(arg))
		return userPlaces(rows), err
	}
	return nil, fmt.Errorf("no query sorts companies by %q", f.Sort)
}

func (q *queries) searchCompanies(ctx context.Context, p training.Paging, words string, a sqlite.CompanyIDsByNameParams) ([]place, error) {
	arg := sqlite.CompanyIDsBySearchParams{
		Sort: p.Sort, Words: words, Country: a.Country, PrivacyMode: a.PrivacyMode, Active: a.Active, AfterKey: a.AfterKey,
		AfterID: a.AfterID, Skip: a.Skip, Size: a.Size,
	}
	if p.Desc {
		rows, err := run(ctx, q, "companies_by_search", q.sql.CompanyIDsBySearchDesc, sqlite.CompanyIDsBySearchDescParams(arg))
		return userPlaces(rows), err
	}
	rows, err := run(ctx, q, "companies_by_search", q.sql.CompanyIDsBySearch, arg)
	return userPlaces(rows), err
}

// companies reads those at places.
func (q *queries) companies(ctx context.Context, found []place) ([]training.CompanyDetail, error) {
	list, err := idList(ids(found))
	if err != nil {
		return nil, err
	}
	rows, err := run(ctx, q, "companies", q.sql.CompaniesByID, list)
	if err != nil {
		return nil, err
	}
	return arrange(found, rows, func(r *sqlite.CompaniesByIDRow) int64 { return r.Company.ID }, companyDetail)
}

func companyDetail(r *sqlite.CompaniesByIDRow) (training.CompanyDetail, error) {
	c := r.Company
	var t times
	out := training.CompanyDetail{
		Company: company(c), IsActive: c.IsActive == 1, ActiveUsers: int(r.ActiveUsers), CreatedAt: t.at(c.CreatedAt), UpdatedAt: t.at(c.UpdatedAt),
	}
	return out, t.err
}

func company(c sqlite.Company) training.Company {
	return training.Company{
		ID: c.ID, Name: c.Name, Slug: c.Slug, Country: c.Country, Zone: c.DataZone, Locale: c.Locale,
		PrivacyMode: training.PrivacyMode(c.PrivacyMode), Version: c.Version,
	}
}
