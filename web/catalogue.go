package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"outpost/server/api/openapi"
)

// cataloguePage is a page of the courses, with what has become of those that one has taken up.
type cataloguePage struct {
	openapi.CoursePage
	Mine       map[int64]openapi.EnrollmentSummary // by course
	Categories []choice
	Levels     []choice
	Orders     []choice
	Filtered   bool
}

// perPage fills rows of two, three and four cards.
const perPage = "12"

func showCatalogue(r *Request) (View, error) {
	view := View{Template: "catalogue", Title: r.T("catalogue.title")}
	ask := url.Values{"size": {perPage}}
	var data cataloguePage
	for _, name := range []string{"q", "category", "level", "sort", "page"} {
		if v := r.Query.Get(name); v != "" {
			ask.Set(name, v)
			data.Filtered = data.Filtered || name != "sort" && name != "page"
		}
	}
	if ask.Get("sort") == "relevance" && ask.Get("q") == "" {
		ask.Del("sort")
	}
	err := r.Get("/courses?"+ask.Encode(), &data.CoursePage)
	if p, ok := asProblem(err); ok && p.Status == http.StatusUnprocessableEntity {
		r.Problem, err = p, nil // what was asked for: it can be mended in the form
	}
	if err != nil {
		return view, err
	}
	mine, err := r.enrollments()
	if err != nil {
		return view, err
	}
	data.Mine = make(map[int64]openapi.EnrollmentSummary)
	for _, e := range latest(mine) {
		data.Mine[e.CourseId] = e
	}
	if data.Categories, err = r.categories(); err != nil {
		return view, err
	}
	data.Levels = r.choices("level", "catalogue.levels", "beginner", "intermediate", "advanced")
	data.Orders = r.choices("sort", "", "title", "minutes", "-minutes", "-created_at")
	if ask.Get("q") != "" {
		data.Orders = append([]choice{{"relevance", r.T("sort.relevance")}}, data.Orders...)
	}
	view.Data = data
	return view, nil
}

// categories are those that there are courses of.
func (r *Request) categories() ([]choice, error) {
	courses, err := all(r, "/courses?size=100&fields=category", func(p *openapi.CoursePage) ([]openapi.Course, *string) {
		return p.Items, p.NextAfter
	})
	if err != nil {
		return nil, err
	}
	var found []string
	for _, c := range courses {
		found = append(found, c.Category)
	}
	slices.Sort(found)
	list := r.choices("category", "catalogue.categories", slices.Compact(found)...)
	slices.SortFunc(list[1:], func(a, b choice) int { return strings.Compare(a.Text, b.Text) })
	return list, nil
}
