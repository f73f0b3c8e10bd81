package api

import (
	"strconv"
	"strings"
	"testing"
)

func TestScenariosOfCourses(t *testing.T) {
	n := newNode(t, nil)
	const right = `{"slug":"a","category":"email","level":"beginner","default_locale":"en","translations":{"en":{"title":"A"}},"lessons":[{"kind":"text","minutes":1,"translations":{"en":{"title":"L"}}}]}`
	change := func(old, replacement string) string { return strings.Replace(right, old, replacement, 1) }
	quiz := func(options string) string {
		return change(`"text","minutes":1`, `"quiz","minutes":1,"quiz":{"pass_percent":80,"questions":[{"kind":"single","translations":{"en":{"text":"Q"}},"options":[`+options+`]}]}`)
	}
	for _, s := range []scenario{
		{name: "search", as: 1, method: "GET", target: "/api/v1/courses?q=phish", status: 200, want: []string{`"slug":"phishing"`}},
		{name: "searches of one meaning share an answer", as: 1, method: "GET", target: "/api/v1/courses?q=PHISH", status: 200, headers: map[string]string{"Cache-Status": "outpost; hit"}},
		{name: "a finished word is another search", as: 1, method: "GET", target: "/api/v1/courses?q=phish%20", status: 200, headers: map[string]string{"Cache-Status": missed}},
		{name: "no search", as: 1, method: "GET", target: "/api/v1/courses?q=%20", status: 200, headers: map[string]string{"Cache-Status": missed}},
		{name: "is as none given", as: 1, method: "GET", target: "/api/v1/courses", status: 200, headers: map[string]string{"Cache-Status": "outpost; hit"}},
		{name: "is not nothing found", as: 1, method: "GET", target: "/api/v1/courses?q=%3F", status: 200, headers: map[string]string{"Cache-Status": missed}},
		{name: "search that is no UTF-8", as: 1, method: "GET", target: "/api/v1/courses?q=%ff%00%22", status: 200},
		{name: "long search", as: 1, method: "GET", target: "/api/v1/courses?q=" + strings.Repeat("x", 201), status: 422, want: []string{`"field":"q"`}},
		{name: "search of many words", as: 1, method: "GET", target: "/api/v1/courses?q=" + words(17), status: 422, want: []string{`"field":"q"`}},
		{name: "relevance of nothing", as: 1, method: "GET", target: "/api/v1/courses?sort=relevance", status: 422, want: []string{`"field":"sort"`}},
		{name: "worst first", as: 1, method: "GET", target: "/api/v1/courses?q=x&sort=-relevance", status: 422, want: []string{`"field":"sort"`}},
		{name: "search by title", as: 1, method: "GET", target: "/api/v1/courses?q=x&sort=-title", status: 200},

		{name: "a learner writes", as: 1, method: "POST", target: "/api/v1/courses", body: right, status: 403},
		{name: "a learner rewrites", as: 1, method: "PUT", target: "/api/v1/courses/phishing", body: right, status: 403},
		{name: "a learner deletes", as: 1, method: "DELETE", target: "/api/v1/courses/phishing", status: 403},
		{name: "a learner looks at the answers", as: 1, method: "GET", target: "/api/v1/courses/phishing/source", status: 403, wantNot: []string{"is_right"}},
		{name: "nobody", method: "GET", target: "/api/v1/courses/phishing/source", status: 401},
		{name: "no document", as: 9, method: "POST", target: "/api/v1/courses", body: `[]`, status: 400},
		{name: "an empty document", as: 9, method: "POST", target: "/api/v1/courses", body: `{}`, status: 422, want: []string{`"field":"slug"`, `"field":"lessons"`, `"field":"translations"`}},
		{name: "a field of another type", as: 9, method: "PUT", target: "/api/v1/courses/a", body: change(`"minutes":1`, `"minutes":"1"`), status: 422, want: []string{`minutes`}},
		{name: "slug", as: 9, method: "POST", target: "/api/v1/courses", body: change(`"slug":"a"`, `"slug":"1-A"`), status: 422, want: []string{`"field":"slug"`}},
		{name: "locale", as: 9, method: "POST", target: "/api/v1/courses", body: change(`"default_locale":"en"`, `"default_locale":"fr"`), status: 422, want: []string{`"field":"default_locale"`, `"field":"translations"`, `"field":"lessons[0].translations"`}},
		{name: "video without an address", as: 9, method: "POST", target: "/api/v1/courses", body: change(`"text"`, `"video","video_url":"http://example.com"`), status: 422, want: []string{`"field":"lessons[0].video_url"`}},
		{name: "quiz without a quiz", as: 9, method: "POST", target: "/api/v1/courses", body: change(`"text"`, `"quiz"`), status: 422, want: []string{`"field":"lessons[0].quiz"`}},
		{name: "nothing right", as: 9, method: "POST", target: "/api/v1/courses", body: quiz(`{"translations":{"en":{"text":"1"}}},{"translations":{"en":{"text":"2"}}}`), status: 422, want: []string{`"field":"lessons[0].quiz.questions[0].options"`}},
		{name: "two right of one", as: 9, method: "POST", target: "/api/v1/courses", body: quiz(`{"is_right":true,"translations":{"en":{"text":"1"}}},{"is_right":true,"translations":{"en":{"text":"2"}}}`), status: 422, want: []string{`exactly one`}},
		{name: "NUL", as: 9, method: "POST", target: "/api/v1/courses", body: change(`"title":"A"`, `"title":"A\u0000"`), status: 422, want: []string{`"field":"translations.en.title"`}},
		{name: "If-Match of no ETag", as: 9, method: "PUT", target: "/api/v1/courses/a", body: right, header: map[string]string{"If-Match": "1"}, status: 400},
	} {
		t.Run(s.name, func(t *testing.T) {
			if s.body != "" {
				if s.header == nil {
					s.header = map[string]string{}
				}
				s.header["Content-Type"] = "application/json"
			}
			s.run(t, n)
		})
	}
}

// words are so many, and no two the same.
func words(n int) string {
	var list []string
	for i := range n {
		list = append(list, strconv.Itoa(i))
	}
	return strings.Join(list, "+")
}
