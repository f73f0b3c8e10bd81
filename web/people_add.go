package web

import (
	"net/http"
	"net/url"
	"strings"

	"outpost/server/api/openapi"
)

// addition is what the page for adding one person shows.
type addition struct {
	Roles       []choice
	JobRisks    []choice
	Locales     []choice
	Invitations openapi.InvitationPage
}

// showAdd is the form for one person, and the invitations that are on their way.
func showAdd(r *Request) (View, error) {
	data := addition{Roles: r.choices("role", "", "learner", "manager", "admin"), JobRisks: r.jobRisks(), Locales: r.locales()}
	query := url.Values{"size": {"25"}}
	if page := r.Query.Get("page"); page != "" {
		query.Set("page", page)
	}
	if err := r.Get("/invitations?"+query.Encode(), &data.Invitations); err != nil {
		return View{}, err
	}
	return View{Template: "people-add", Title: r.T("people.add.title"), Data: data}, nil
}

// addPerson invites somebody, creates somebody without a mail, or withdraws an invitation.
func addPerson(r *Request) (string, error) {
	// What is left empty is left out.
	text := func(name string) *string {
		if value := strings.TrimSpace(r.Form.Get(name)); value != "" {
			return &value
		}
		return nil
	}
	email := strings.TrimSpace(r.Form.Get("email"))
	switch r.Form.Get("action") {
	case "invite":
		in := openapi.InvitationRequest{
			Email: email, FullName: text("full_name"), Department: text("department"),
			Role: (*openapi.InvitationRole)(text("role")), Locale: text("locale"),
		}
		return "/people/add?done=invited", r.Post("/invitations", in, nil)
	case "create":
		in := openapi.NewPerson{
			Email: email, FullName: strings.TrimSpace(r.Form.Get("full_name")), Department: text("department"),
			Role: (*openapi.Role)(text("role")), JobRisk: (*openapi.JobRisk)(text("job_risk")), Locale: text("locale"),
		}
		var made openapi.PersonDetail
		if err := r.Post("/users", in, &made); err != nil {
			return "", err
		}
		return personPath(made.Id) + "?done=person_created", nil
	case "withdraw":
		return "/people/add?done=withdrawn", r.Write(http.MethodDelete, "/invitations/"+url.PathEscape(r.Form.Get("invitation")), nil, nil)
	}
	return "", Invalid("action", r.T("people.action.unknown"))
}
