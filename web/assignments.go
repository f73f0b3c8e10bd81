package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

// assignmentPages show who has to learn what, by when.
func assignmentPages() []Page {
	return []Page{
		{Path: "/assignments", Role: training.Manager, Show: showAssignments},
		{Path: "/assignments/new", Role: training.Admin, Show: showNewAssignment, Do: assign},
		{Path: "/assignments/:assignment", Role: training.Manager, Show: showAssignment, Do: endAssignment},
	}
}

// assignment is one with whom it is for and how far they are.
type assignment struct {
	openapi.Assignment
	Person *openapi.Person // of the scope user; nil when there is nobody any more
	Total  int64
}

func (r *Request) assignment(a openapi.Assignment) (assignment, error) {
	shown := assignment{Assignment: a}
	if c := a.Counts; c != nil {
		shown.Total = c.Assigned + c.InProgress + c.Completed + c.Expired
	}
	if a.UserId == nil {
		return shown, nil
	}
	var err error
	shown.Person, err = r.person(*a.UserId)
	return shown, err
}

// person is one of the company's people; nil when they are not there, or not any more.
func (r *Request) person(id int64) (*openapi.Person, error) {
	p := new(openapi.Person)
	err := r.Get("/users/"+strconv.FormatInt(id, 10), p)
	if no, ok := asProblem(err); ok && no.Status == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

type assignmentList struct {
	openapi.AssignmentPage
	Items           []assignment
	Courses, Scopes []choice
	States          []choice
	Filtered        bool
}

func showAssignments(r *Request) (View, error) {
	ask := r.asked("course_id", "scope", "active", "page")
	data := assignmentList{Filtered: ask.Has("course_id") || ask.Has("scope") || ask.Has("active")}
	ask.Set("sort", "-created_at")
	if err := r.filtered("/assignments?"+ask.Encode(), &data.AssignmentPage); err != nil {
		return View{}, err
	}
	for _, a := range data.AssignmentPage.Items {
		shown, err := r.assignment(a)
		if err != nil {
			return View{}, err
		}
		data.Items = append(data.Items, shown)
	}
	var err error
	data.Courses, err = r.courseChoices("assignments.courses")
	data.Scopes = r.choices("assignments.scope", "assignments.scopes", "company", "department", "user")
	data.States = []choice{{"", r.T("assignments.states")}, {"true", r.T("assignments.active")}, {"false", r.T("assignments.ended")}}
	return View{Template: "assignments", Title: r.T("assignments.title"), Data: data}, err
}

func showAssignment(r *Request) (View, error) {
	var a openapi.Assignment
	version, err := r.GetVersion("/assignments/"+r.Param("assignment"), &a)
	if err != nil {
		return View{}, err
	}
	shown, err := r.assignment(a)
	return View{Template: "assignment", Title: a.CourseTitle, Data: struct {
		assignment
		Etag string
	}{shown, version}}, err
}

func endAssignment(r *Request) (string, error) {
	if err := r.Change(http.MethodDelete, "/assignments/"+r.Param("assignment"), nil, nil); err != nil {
		return "", err
	}
	return r.Path + "?done=assignment.ended", nil
}

type newAssignment struct {
	Courses, Recurrences []choice
	Departments          []string
	People               []openapi.Person // that the field for a person offers
	Person               string           // an address that was chosen already
	Scope                string
}

// showNewAssignment offers people: those whose names begin as ?person= says.
func showNewAssignment(r *Request) (View, error) {
	data := newAssignment{Scope: "company"}
	if scope := r.Form.Get("scope"); scope != "" {
		data.Scope = scope
	}
	if id, err := strconv.ParseInt(r.Query.Get("user_id"), 10, 64); err == nil {
		p, err := r.person(id)
		if err != nil {
			return View{}, err
		}
		if p != nil {
			data.Person, data.Scope = p.Email, "user"
		}
	}
	var err error
	if data.People, err = r.people(r.Query.Get("person"), "20"); err != nil {
		return View{}, err
	}
	if data.Courses, err = r.courseChoices("assignments.course.choose"); err != nil {
		return View{}, err
	}
	if data.Departments, err = r.departments(); err != nil {
		return View{}, err
	}
	data.Recurrences = r.choices("assignments.every", "assignments.once", "3", "6", "12", "24", "36")
	return View{Template: "assignment-new", Title: r.T("assignments.new"), Data: data, Scripts: []string{"suggest.js"}}, nil
}

// people are active ones whose name or address has words that begin like these.
func (r *Request) people(like, size string) ([]openapi.Person, error) {
	ask := url.Values{"size": {size}, "is_active": {"true"}, "sort": {"full_name"}}
	if like = strings.TrimSpace(like); like != "" {
		ask.Set("q", like)
	}
	var found openapi.PersonPage
	err := r.filtered("/users?"+ask.Encode(), &found)
	return found.Items, err
}

func assign(r *Request) (string, error) {
	in := openapi.AssignmentRequest{Scope: openapi.AssignmentScope(r.Form.Get("scope"))}
	var err error
	if in.CourseId, err = r.number("course_id"); err != nil {
		return "", err
	}
	if in.CourseId == 0 {
		return "", Invalid("course_id", r.T("assignments.course.missing"))
	}
	switch in.Scope {
	case openapi.AssignmentScope(training.DepartmentScope):
		if in.Department = r.written("department"); in.Department == nil {
			return "", Invalid("department", r.T("assignments.department.missing"))
		}
	case openapi.AssignmentScope(training.UserScope):
		if in.UserId, err = r.addressed("person"); err != nil {
			return "", err
		}
	}
	if day := r.written("due_at"); day != nil {
		end := dayEnd(*day)
		in.DueAt = &end
	}
	months, err := r.number("recurrence_months")
	if err != nil {
		return "", err
	}
	if months > 0 {
		every := int(months)
		in.RecurrenceMonths = &every
	}
	var made openapi.Assignment
	if err := r.Post("/assignments", in, &made); err != nil {
		return "", err
	}
	return fmt.Sprintf("/assignments/%d?done=assigned", made.Id), nil
}

// addressed is the person whose e-mail address stands in a field.
func (r *Request) addressed(name string) (*int64, error) {
	address := strings.TrimSpace(r.Form.Get(name))
	if address == "" {
		return nil, Invalid(name, r.T("assignments.person.missing"))
	}
	found, err := r.people(address, "100")
	if err != nil {
		return nil, err
	}
	for _, p := range found {
		if strings.EqualFold(p.Email, address) {
			return &p.Id, nil
		}
	}
	return nil, Invalid(name, r.T("assignments.person.unknown", address))
}
