package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
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

// word is the text for one value of an enumeration, for what is made in Go.
func (r *Request) word(of string, value any) string {
	all, err := loadWords()
	if err != nil {
		panic(fmt.Sprintf("web: %v", err)) // a test reads the texts
	}
	return all[r.Locale].word(of, value)
}

// listed is the target of a list of the API, with those parameters that the page was asked for with.
func (r *Request) listed(target string, names ...string) string {
	q := url.Values{}
	for _, name := range names {
		if v := r.Query.Get(name); v != "" {
			q.Set(name, v)
		}
	}
	if len(q) == 0 {
		return target
	}
	return target + "?" + q.Encode()
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
