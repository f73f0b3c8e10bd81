package web

import (
	"net/url"
	"strconv"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

// overduePages show who is late, and remind them.
func overduePages() []Page {
	return []Page{{Path: "/overdue", Role: training.Manager, Show: showOverdue, Do: remind}}
}

type overdueList struct {
	openapi.CompanyEnrollmentPage
	Courses     []choice
	Departments []string
	Filtered    bool
	Outcome     *openapi.ReminderOutcome // of the reminders that were just sent
}

func showOverdue(r *Request) (View, error) {
	ask := r.asked("course_id", "department", "user_id", "page")
	data := overdueList{Filtered: ask.Has("course_id") || ask.Has("department") || ask.Has("user_id"), Outcome: reminded(r.Query)}
	ask.Set("overdue", "true")
	ask.Set("fields", "id,user_id,full_name,email,department,course_id,course_title,status,due_at,days_overdue")
	ask.Set("size", "50")
	if err := r.filtered("/enrollments?"+ask.Encode(), &data.CompanyEnrollmentPage); err != nil {
		return View{}, err
	}
	var err error
	if data.Courses, err = r.courseChoices("assignments.courses"); err != nil {
		return View{}, err
	}
	data.Departments, err = r.departments()
	return View{Template: "overdue", Title: r.T("overdue.title"), Data: data}, err
}

// reminded reads the outcome that remind wrote into the address.
func reminded(query url.Values) *openapi.ReminderOutcome {
	people, err := strconv.ParseInt(query.Get("reminded"), 10, 64)
	if err != nil || people < 0 {
		return nil
	}
	skipped, err := strconv.ParseInt(query.Get("skipped"), 10, 64)
	if err != nil || skipped < 0 {
		return nil
	}
	return &openapi.ReminderOutcome{People: people, Skipped: skipped}
}

// remind sends letters to the person whose button it was, or to whom the filters choose.
func remind(r *Request) (string, error) {
	var in openapi.ReminderRequest
	back := url.Values{}
	for _, name := range []string{"course_id", "department"} {
		if v := r.written(name); v != nil {
			back.Set(name, *v)
		}
	}
	user, err := r.number("user_id")
	if err != nil {
		return "", err
	}
	if user != 0 {
		in.UserId = &user // all that they have overdue, in one letter
	} else {
		course, err := r.number("course_id")
		if err != nil {
			return "", err
		}
		if course != 0 {
			in.CourseId = &course
		}
		in.Department = r.written("department")
	}
	var out openapi.ReminderOutcome
	if err := r.Post("/reminders", in, &out); err != nil {
		return "", err
	}
	back.Set("reminded", strconv.FormatInt(out.People, 10))
	back.Set("skipped", strconv.FormatInt(out.Skipped, 10))
	return r.Path + "?" + back.Encode(), nil
}
