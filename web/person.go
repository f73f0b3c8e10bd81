package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

// person is what the page of one shows.
type person struct {
	*openapi.PersonDetail
	Learns   openapi.CompanyEnrollmentPage
	Risk     *openapi.PersonRisk // nil: NoRisk says why
	NoRisk   string              // the end of a text's name
	Change   bool                // the viewer may change them
	Self     bool
	Roles    []choice
	JobRisks []choice
	Locales  []choice
	Fresh    []fresh
}

// fresh is a field that somebody else has changed while the viewer filled in the form.
type fresh struct{ Label, Now, Yours string }

// personFields are those of the form, with the names of their labels.
var personFields = []struct{ name, label string }{
	{"full_name", "people.name"},
	{"email", "people.email"},
	{"role", "people.role"},
	{"department", "people.department"},
	{"job_risk", "people.jobrisk"},
	{"locale", "people.locale"},
}

// showPerson is one person: who they are, what they learn, and how they stand where the privacy mode tells.
func showPerson(r *Request) (View, error) {
	data := person{PersonDetail: new(openapi.PersonDetail), Roles: r.roles(), JobRisks: r.jobRisks(), Locales: r.locales()}
	if err := r.Get("/users/"+r.Param("user"), data.PersonDetail); err != nil {
		return View{}, err
	}
	learns := fmt.Sprintf("/enrollments?user_id=%d&size=100&sort=-created_at", data.Id)
	if err := r.Get(learns, &data.Learns); err != nil {
		return View{}, err
	}
	data.Self = data.Id == r.Viewer.UserID
	data.Change = r.Is(training.Admin) && r.Is(training.Role(data.Role))
	if err := r.readRisk(&data); err != nil {
		return View{}, err
	}
	if r.Problem != nil && r.Problem.Status == http.StatusPreconditionFailed {
		data.Fresh = freshOf(r, data.PersonDetail)
	}
	return View{Template: "person", Title: data.FullName, Data: data}, nil
}

// readRisk asks for the score where the privacy mode shows it.
func (r *Request) readRisk(p *person) error {
	switch {
	case !p.IsActive:
		p.NoRisk = "inactive"
	case p.Company.PrivacyMode != string(training.Individual) && !p.Self:
		p.NoRisk = p.Company.PrivacyMode
	default:
		p.Risk = new(openapi.PersonRisk)
		return r.Get(fmt.Sprintf("/users/%d/risk", p.Id), p.Risk)
	}
	return nil
}

// freshOf tells what is saved now from what was filled in.
func freshOf(r *Request, p *openapi.PersonDetail) (changed []fresh) {
	now := map[string]string{
		"full_name": p.FullName, "email": p.Email, "role": string(p.Role), "department": p.Department, "job_risk": string(p.JobRisk), "locale": p.Locale,
	}
	for _, f := range personFields {
		if yours := strings.TrimSpace(r.Form.Get(f.name)); r.Form.Has(f.name) && yours != now[f.name] {
			changed = append(changed, fresh{r.T(f.label), or(now[f.name], "–"), or(yours, "–")})
		}
	}
	return changed
}

// changePerson carries out the forms of the page: which, its button says.
func changePerson(r *Request) (string, error) {
	target, page := "/users/"+r.Param("user"), "/people/"+url.PathEscape(r.Params["user"])
	var err error
	action := r.Form.Get("action")
	switch action {
	case "save":
		patch := make(map[string]string)
		for _, f := range personFields {
			if r.Form.Has(f.name) {
				patch[f.name] = strings.TrimSpace(r.Form.Get(f.name))
			}
		}
		err = r.Change(http.MethodPatch, target, patch, nil)
	case "activate":
		err = r.Change(http.MethodPatch, target, map[string]bool{"is_active": true}, nil)
	case "deactivate":
		err = r.Write(http.MethodDelete, target, nil, nil)
	case "invite":
		err = r.Post(target+"/invitation", nil, nil)
	default:
		return "", Invalid("action", r.T("people.action.unknown"))
	}
	return page + "?done=person_" + action, err
}
