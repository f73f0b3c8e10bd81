package web

import (
	"net/http"
	"strconv"
	"strings"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

// companyView is a company with what whoever looks at it may change.
type companyView struct {
	openapi.CompanyDetail
	Form        companyForm
	CountryName string
	Platform    bool // a platform admin looks: there is more to change
	Own         bool
	Settings    bool // it is the page of one's own, and not one of the list
}

// companyID is the company of the path, or one's own.
func (r *Request) companyID() string {
	if _, named := r.Params["company"]; named {
		return r.Param("company")
	}
	return strconv.FormatInt(r.Viewer.CompanyID, 10)
}

func showCompany(r *Request) (View, error) {
	var c openapi.CompanyDetail
	if err := r.Get("/companies/"+r.companyID(), &c); err != nil {
		return View{}, err
	}
	data := companyView{
		CompanyDetail: c, Form: r.companyForm(c.PrivacyMode), CountryName: country(r.Locale, c.Country),
		Platform: r.Is(training.PlatformAdmin), Own: c.Id == r.Viewer.CompanyID,
	}
	title := c.Name
	if _, named := r.Params["company"]; !named {
		data.Settings, title = true, r.T("company.title")
	}
	return View{Template: "company", Title: title, Data: data}, nil
}

func changeCompany(r *Request) (string, error) {
	var err error
	done := "company-saved"
	switch r.Form.Get("action") {
	case "invite":
		done, err = "company-invited", r.inviteAdmin()
	case "activate", "deactivate":
		active := r.Form.Get("action") == "activate"
		done = "company-" + r.Form.Get("action") + "d"
		err = r.patchCompany(openapi.CompanyPatch{IsActive: &active})
	default:
		name, locale, mode := r.Form.Get("name"), r.Form.Get("locale"), openapi.PrivacyMode(r.Form.Get("privacy_mode"))
		change := openapi.CompanyPatch{Name: &name, Locale: &locale, PrivacyMode: &mode}
		if country := r.Form.Get("country"); country != "" && r.Is(training.PlatformAdmin) {
			change.Country = &country
		}
		err = r.patchCompany(change)
	}
	return r.Path + "?done=" + done, err
}

func (r *Request) patchCompany(change openapi.CompanyPatch) error {
	err := r.Change(http.MethodPatch, "/companies/"+r.companyID(), change, nil)
	if p, ok := asProblem(err); ok && p.Status == http.StatusPreconditionFailed {
		p.Detail = r.T("company.outdated")
	}
	return err
}

// inviteAdmin writes to somebody who is to run the company.
func (r *Request) inviteAdmin() error {
	id, err := strconv.ParseInt(r.companyID(), 10, 64)
	if err != nil {
		return NotFound()
	}
	role := openapi.InvitationRole(training.Admin)
	in := openapi.InvitationRequest{Email: strings.TrimSpace(r.Form.Get("email")), Role: &role, CompanyId: &id}
	if name := strings.TrimSpace(r.Form.Get("full_name")); name != "" {
		in.FullName = &name
	}
	return r.Post("/invitations", in, nil)
}
