package web

import (
	"fmt"
	"strings"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

// companyPages show the companies of the platform, and one's own.
func companyPages() []Page {
	return []Page{
		{Path: "/company", Role: training.Admin, Show: showCompany, Do: changeCompany},
		{Path: "/companies", Role: training.PlatformAdmin, Show: showCompanies},
		{Path: "/companies/new", Role: training.PlatformAdmin, Show: showNewCompany, Do: createCompany},
		{Path: "/companies/:company", Role: training.PlatformAdmin, Show: showCompany, Do: changeCompany},
	}
}

// companyRow is a company in the list.
type companyRow struct {
	openapi.CompanyDetail
	CountryName string
}

type companyList struct {
	Page      openapi.CompanyPage
	Rows      []companyRow
	States    []choice
	Modes     []choice
	Countries []choice
	Filtered  bool
}

func showCompanies(r *Request) (View, error) {
	data := companyList{
		States:    []choice{{"", r.T("companies.states")}, {"true", r.T("company.active")}, {"false", r.T("company.inactive")}},
		Modes:     r.choices("company.mode", "companies.modes", privacyModes()...),
		Countries: append([]choice{{"", r.T("companies.countries")}}, countries(r.Locale)...),
	}
	if err := r.Get("/companies?"+r.asked("q", "is_active", "privacy_mode", "country", "sort", "page").Encode(), &data.Page); err != nil {
		return View{}, err
	}
	for _, name := range []string{"q", "is_active", "privacy_mode", "country"} {
		data.Filtered = data.Filtered || r.Query.Get(name) != ""
	}
	for _, c := range data.Page.Items {
		data.Rows = append(data.Rows, companyRow{c, country(r.Locale, c.Country)})
	}
	return View{Template: "companies", Title: r.T("companies.title"), Data: data}, nil
}

func privacyModes() []string {
	var modes []string
	for _, m := range training.PrivacyModes() {
		modes = append(modes, string(m))
	}
	return modes
}

// companyForm is what a company's settings are filled in with.
type companyForm struct {
	Locales   []choice
	Countries []choice
	Modes     []string
	Mode      string // the one that is chosen
}

// companyForm begins with what was filled in, else with the mode given.
func (r *Request) companyForm(mode string) companyForm {
	return companyForm{
		Locales: r.choices("language", "", training.Locales()...), Countries: countries(r.Locale),
		Modes: privacyModes(), Mode: or(r.Form.Get("privacy_mode"), mode),
	}
}

func showNewCompany(r *Request) (View, error) {
	form := r.companyForm(string(training.Aggregate))
	form.Countries = append([]choice{{"", r.T("company.choose")}}, form.Countries...)
	return View{Template: "company-new", Title: r.T("companies.new"), Data: form}, nil
}

func createCompany(r *Request) (string, error) {
	locale, mode := r.Form.Get("locale"), openapi.PrivacyMode(r.Form.Get("privacy_mode"))
	in := openapi.NewCompany{Name: r.Form.Get("name"), Country: r.Form.Get("country"), Locale: &locale, PrivacyMode: &mode}
	if zone := strings.TrimSpace(r.Form.Get("data_zone")); zone != "" {
		in.DataZone = &zone
	}
	if slug := strings.TrimSpace(r.Form.Get("slug")); slug != "" {
		in.Slug = &slug
	}
	var made openapi.CompanyDetail
	if err := r.Post("/companies", in, &made); err != nil {
		if p, ok := asProblem(err); ok && p.Status == 409 {
			return "", &Problem{Status: 409, Detail: r.T("company.slug.taken"), Fields: []openapi.FieldError{{Field: "slug", Message: r.T("company.slug.another")}}}
		}
		return "", err
	}
	return fmt.Sprintf("/companies/%d?done=company-created", made.Id), nil
}
