package web

import (
	"slices"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

func peoplePages() []Page {
	return []Page{
		{Path: "/people", Role: training.Manager, Show: showPeople},
		{Path: "/people/add", Role: training.Admin, Show: showAdd, Do: addPerson},
		{Path: "/people/import", Role: training.Admin, Show: showImport, Do: importPeople, Body: importBody},
		{Path: "/people/:user", Role: training.Manager, Show: showPerson, Do: changePerson},
	}
}

// roles are those that the viewer may give.
func (r *Request) roles() []choice {
	var names []string
	for _, role := range []training.Role{training.Learner, training.Manager, training.Admin, training.PlatformAdmin} {
		if r.Is(role) {
			names = append(names, string(role))
		}
	}
	return r.choices("role", "", names...)
}

func (r *Request) jobRisks() []choice { return r.choices("jobrisk", "", "low", "medium", "high") }

// locales are the languages somebody may have, and none of their own.
func (r *Request) locales() []choice {
	return r.choices("language", "people.locale.company", training.Locales()...)
}

// people is what the list shows.
type people struct {
	Page        openapi.PersonPage
	Roles       []choice
	JobRisks    []choice
	States      []choice
	Departments []string // of those on the page, to choose from
	Filtered    bool
	Change      bool   // the viewer may change people
	Company     string // that a platform administrator looks at
}

// peopleFilters narrow the list down.
var peopleFilters = []string{"q", "role", "department", "job_risk", "is_active"}

// showPeople is the list of a company's people.
func showPeople(r *Request) (View, error) {
	whichever := choice{"", r.T("people.any")}
	data := people{
		Roles: r.choices("role", "people.any", "learner", "manager", "admin"), JobRisks: append([]choice{whichever}, r.jobRisks()...),
		States: r.choices("people.active", "people.any", "true", "false"), Change: r.Is(training.Admin),
	}
	query := r.companyQuery()
	data.Company = query.Get("company_id")
	query.Set("size", "25")
	for _, name := range append([]string{"sort", "page"}, peopleFilters...) {
		if value := r.Query.Get(name); value != "" {
			query.Set(name, value)
			data.Filtered = data.Filtered || slices.Contains(peopleFilters, name)
		}
	}
	if err := r.Get("/users?"+query.Encode(), &data.Page); err != nil {
		return View{}, err
	}
	for _, p := range data.Page.Items {
		if p.Department != "" && !slices.Contains(data.Departments, p.Department) {
			data.Departments = append(data.Departments, p.Department)
		}
	}
	slices.Sort(data.Departments)
	return View{Template: "people", Title: r.T("nav.people"), Data: data}, nil
}
