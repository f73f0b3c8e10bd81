package api

import (
	"context"
	"net/http"
	"testing"

	"outpost/server/cache"
	"outpost/server/training"
)

func (s state) Frameworks(_ context.Context, locale string, unpublished bool) ([]training.Framework, error) {
	r := training.FrameworkRequirement{Code: "Art. 32(4)", Text: "Text (" + locale + ")", Interval: 12}
	for _, c := range s.courses {
		if c.IsPublished || unpublished {
			r.Courses = append(r.Courses, training.CourseName{ID: c.ID, Slug: c.Slug, Title: c.Title})
		}
	}
	once := training.FrameworkRequirement{Code: "Art. 29", Text: "Once"}
	return []training.Framework{
		{Code: "gdpr", Name: "GDPR", Title: "Regulation", Requirements: []training.FrameworkRequirement{r, once}},
	}, nil
}

func TestScenariosOfFrameworks(t *testing.T) {
	const hit, target = "outpost; hit", "/api/v1/frameworks"
	first := scenario{
		name: "a learner", as: 1, method: http.MethodGet, target: target, status: 200,
		want: []string{
			`{"frameworks":[{"code":"gdpr","name":"GDPR","requirements":[{"code":"Art. 32(4)","courses":[{"id":42,"slug":"phishing","title":"Phishing"}],"interval_months":12,"text":"Text (en)"},`,
			`{"code":"Art. 29","courses":[],"interval_months":null,"text":"Once"}],"title":"Regulation"}],"locale":"en"}`,
		},
		wantNot: []string{"draft"}, headers: map[string]string{"Cache-Status": missed},
	}
	n := newNode(t, nil)
	for _, s := range []scenario{
		first,
		{name: "another company's", as: 2, method: http.MethodGet, target: target + "?locale=en", status: 200, headers: map[string]string{"Cache-Status": hit}},
		{
			name: "another language", as: 2, method: http.MethodGet, target: target, status: 200,
			want: []string{`"locale":"de"`, "Text (de)"}, headers: map[string]string{"Cache-Status": missed},
		},
		{
			name: "a platform admin", as: 9, method: http.MethodGet, target: target, status: 200,
			want: []string{`{"id":43,"slug":"draft","title":"Secret draft"}`}, headers: map[string]string{"Cache-Status": missed},
		},
		{name: "nobody", method: http.MethodGet, target: target, status: 401},
		{name: "a locale too long", as: 1, method: http.MethodGet, target: target + "?locale=abcdefghijklmnopqrstuvwxyzabcdefghijklmnop", status: 422},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, n) })
	}
	// Whatever the answer shows, its change is seen.
	for _, table := range []string{
		"frameworks", "framework_translations", "requirements", "requirement_translations", "requirement_courses", "courses",
	} {
		n.world.change(func() {}, cache.Table(table))
		t.Run("after a change of "+table, func(t *testing.T) { first.run(t, n) })
	}
	n.world.change(func() {}, cache.Table("users"))
	first.headers = map[string]string{"Cache-Status": hit}
	t.Run("after a change of something else", func(t *testing.T) { first.run(t, n) })
}
