package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"outpost/server/api/openapi"
)

// choice is an entry of a list to choose from.
type choice struct{ Value, Text string }

// choices are values with their words; none, when it is given, is the text for no choice.
func (r *Request) choices(of, none string, values ...string) []choice {
	var list []choice
	if none != "" {
		list = append(list, choice{"", r.T(none)})
	}
	for _, v := range values {
		list = append(list, choice{v, r.word(of, v)})
	}
	return list
}

// all reads a list of the API to its end. target has a query.
func all[P, T any](r *Request, target string, of func(*P) (items []T, after *string)) ([]T, error) {
	var list []T
	for next := target; ; {
		page := new(P)
		if err := r.Get(next, page); err != nil {
			return nil, err
		}
		items, after := of(page)
		list = append(list, items...)
		if after == nil || len(items) == 0 {
			return list, nil
		}
		next = target + "&after=" + url.QueryEscape(*after)
	}
}

// courseChoices are the published courses by title.
func (r *Request) courseChoices(none string) ([]choice, error) {
	courses, err := all(r, "/courses?size=100&sort=title&fields=id,title", func(p *openapi.CoursePage) ([]openapi.Course, *string) {
		return p.Items, p.NextAfter
	})
	if err != nil {
		return nil, err
	}
	list := []choice{{"", r.T(none)}}
	for _, c := range courses {
		list = append(list, choice{strconv.FormatInt(c.Id, 10), c.Title})
	}
	return list, nil
}

// departments are those that have figures of their own: to be offered, beside any other that is written.
func (r *Request) departments() ([]string, error) {
	var figures openapi.Analytics
	if err := r.Get("/admin/analytics?days=7", &figures); err != nil {
		return nil, err
	}
	var names []string
	for _, d := range figures.Departments {
		if d.Name != nil && *d.Name != "" {
			names = append(names, *d.Name)
		}
	}
	return names, nil
}

// asked takes those parameters of the page that the API is to be asked with, too.
func (r *Request) asked(names ...string) url.Values {
	query := url.Values{}
	for _, name := range names {
		if v := strings.TrimSpace(r.Query.Get(name)); v != "" {
			query.Set(name, v)
		}
	}
	return query
}

// filtered is Get of what somebody chose by the page's parameters: what is wrong with them is shown above
// the form in which they can be mended.
func (r *Request) filtered(target string, out any) error {
	err := r.Get(target, out)
	if p, ok := asProblem(err); ok && p.Status == http.StatusUnprocessableEntity {
		r.Problem, err = p, nil
	}
	return err
}

// written is a field of the form; nil where nothing stands in it.
func (r *Request) written(name string) *string {
	text := strings.TrimSpace(r.Form.Get(name))
	if text == "" {
		return nil
	}
	return &text
}

// number is a field of the form that names a number; 0 where none stands in it.
func (r *Request) number(name string) (int64, error) {
	text := strings.TrimSpace(r.Form.Get(name))
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, Invalid(name, r.T("form.number"))
	}
	return n, nil
}

// The first and the last second of a day of UTC, the hour at which the API makes reports, and the first second of
// the next day, as the API writes times. What is no day goes on as it is, so that the API says what is wrong with it.
func dayStart(day string) string   { return dayTime(day, 0) }
func dayMorning(day string) string { return dayTime(day, 6*time.Hour) }
func dayEnd(day string) string     { return dayTime(day, 24*time.Hour-time.Second) }
func dayAfter(day string) string   { return dayTime(day, 24*time.Hour) }

func dayTime(day string, later time.Duration) string {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return at.Add(later).Format(time.RFC3339)
}

// FormVersion is for the form's field "version": the version that a form that is shown again was made of,
// so that a change by somebody else in between is still noticed; and once that has been told, as any form
// begins, the current one.
func (r *Request) FormVersion(current int64) string {
	if given := r.Form.Get("version"); given != "" && (r.Problem == nil || r.Problem.Status != http.StatusPreconditionFailed) {
		return given
	}
	return strconv.FormatInt(current, 10)
}
