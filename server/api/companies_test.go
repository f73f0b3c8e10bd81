package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"outpost/replicate/change"
	"outpost/server/cache"
	"outpost/server/training"
)

// tenant is company 3 or 4.
func tenant(id int64) training.CompanyDetail {
	return training.CompanyDetail{
		Company:  training.Company{ID: id, Name: fmt.Sprintf("Company %d", id), Slug: "c", Country: "DE", Zone: "eu", Locale: "de", PrivacyMode: training.Individual, Version: 3},
		IsActive: true, ActiveUsers: 12, CreatedAt: day, UpdatedAt: day,
	}
}

// Companies shows in the name what was asked for.
func (s state) Companies(_ context.Context, _ training.Principal, f training.CompanyFilter) (training.Page[training.CompanyDetail], error) {
	c := tenant(4)
	active := "any"
	if f.Active != nil {
		active = fmt.Sprint(*f.Active)
	}
	c.Name = strings.Join([]string{f.Sort, fmt.Sprint(f.Desc), active, string(f.PrivacyMode), f.Country, f.Search}, "|")
	return training.Page[training.CompanyDetail]{Items: []training.CompanyDetail{c}, Total: 1, Page: f.Page, Size: f.Size}, nil
}

func (s state) Company(_ context.Context, _ training.Principal, id int64) (training.CompanyDetail, error) {
	if id > 4 {
		return training.CompanyDetail{}, missing
	}
	return tenant(id), nil
}

func (w *writer) CreateCompany(_ context.Context, _ training.Principal, n training.NewCompany) (training.CompanyDetail, change.LSN, error) {
	if n.Slug == "taken" {
		return training.CompanyDetail{}, 0, training.Errorf(training.Conflict, "Another company has this slug.")
	}
	c := tenant(5)
	c.Name, c.Slug, c.Country, c.Zone, c.Locale, c.PrivacyMode, c.Version = n.Name, n.Slug, n.Country, n.Zone, n.Locale, n.PrivacyMode, 1
	return c, w.published().Position.LSN, nil
}

func (w *writer) ChangeCompany(_ context.Context, p training.Principal, id, version int64, c training.CompanyChange) (training.CompanyDetail, change.LSN, error) {
	before := tenant(id)
	if version != 0 && version != before.Version {
		return before, 0, training.Errorf(training.Precondition, "The company is not what If-Match says any more.")
	}
	after, _ := c.Apply(before)
	return after, w.published().Position.LSN, training.MayChangeCompany(p, before, after)
}

func TestCompanies(t *testing.T) {
	n := newNode(t, nil)
	assigning(n.world)
	const (
		list   = "/api/v1/companies"
		own    = list + "/3"
		theirs = list + "/4"
	)
	for _, s := range []scenario{
		{
			name: "the list, by name", as: 9, method: "GET", target: list, status: 200,
			want: []string{`"name":"name|false|any|||"`, `"active_users":12`, `"is_active":true`, `"data_zone":"eu"`, `"privacy_mode":"individual"`, `"version":3`, `"total":1`},
		},
		{
			name: "all that can be asked", as: 9, method: "GET", target: list + "?sort=-created_at&is_active=false&privacy_mode=aggregate&country=FR&q=acme", status: 200,
			want: []string{`"name":"created_at|true|false|aggregate|FR|acme"`},
		},
		{name: "those that are active", as: 9, method: "GET", target: list + "?is_active=true", status: 200, want: []string{`|true||`}},
		{name: "some fields", as: 9, method: "GET", target: list + "?fields=id,slug", status: 200, want: []string{`"items":[{"id":4,"slug":"c"}]`}},
		{name: "an admin's list", as: 21, method: "GET", target: list, status: 403},
		{name: "nobody's list", method: "GET", target: list, status: 401},
		{name: "an unknown order", as: 9, method: "GET", target: list + "?sort=active_users", status: 422, want: []string{`"field":"sort"`}},
		{
			name: "filters that are none", as: 9, method: "GET", target: list + "?is_active=maybe&privacy_mode=open&country=de&q=" + strings.Repeat("x", 201), status: 422,
			want: []string{`"field":"is_active"`, `"field":"privacy_mode"`, `"field":"country"`, `"field":"q"`},
		},
		{name: "one's own", as: 20, method: "GET", target: own, status: 200, want: []string{`"id":3`, `"active_users":12`}},
		{name: "any, for who runs the platform", as: 9, method: "GET", target: theirs, status: 200, want: []string{`"id":4`}},
		{name: "another's, which is kept", as: 20, method: "GET", target: theirs, status: 404, wantNot: []string{"Company 4"}},
		{name: "one's own, of a company that another's manager asked of", as: 22, method: "GET", target: theirs, status: 200},
		{name: "a learner's own", as: 1, method: "GET", target: own, status: 403},
		{name: "none", as: 9, method: "GET", target: list + "/99", status: 404},
		{name: "nonsense", as: 9, method: "GET", target: list + "/acme", status: 404},
		{
			name: "create", as: 9, method: "POST", target: list, body: `{"name":" Müller & Söhne ","country":"CH"}`, status: 201,
			want:    []string{`"name":"Müller & Söhne"`, `"slug":"mueller-soehne"`, `"country":"CH"`, `"data_zone":"global"`, `"locale":"en"`, `"privacy_mode":"aggregate"`},
			headers: map[string]string{"Location": list + "/5"},
		},
		{
			name: "create with all that can be said", as: 9, method: "POST", target: list, body: `{"name":"A","slug":"b","country":"US","data_zone":"us","locale":"de","privacy_mode":"individual"}`, status: 201,
			want: []string{`"slug":"b"`, `"data_zone":"us"`, `"locale":"de"`, `"privacy_mode":"individual"`},
		},
		{name: "create what is there", as: 9, method: "POST", target: list, body: `{"name":"Taken","country":"CH"}`, status: 409},
		{name: "create nothing", as: 9, method: "POST", target: list, body: `{}`, status: 422, want: []string{`"field":"name"`, `"field":"country"`}},
		{
			name: "create what cannot be", as: 9, method: "POST", target: list, body: `{"name":"A","slug":"A B","country":"XX","data_zone":"Mars!","locale":"tlh","privacy_mode":"open"}`, status: 422,
			want: []string{`"field":"slug"`, `"field":"country"`, `"field":"data_zone"`, `"field":"locale"`, `"field":"privacy_mode"`},
		},
		{name: "create as an admin", as: 21, method: "POST", target: list, body: `{"name":"A","country":"CH"}`, status: 403},
		{
			name: "an admin changes their own", as: 21, method: "PATCH", target: own, body: `{"name":" New ","locale":"en","privacy_mode":"aggregate"}`, status: 200,
			header: map[string]string{"If-Match": `"3.0123456789abcdef"`}, want: []string{`"name":"New"`, `"locale":"en"`, `"privacy_mode":"aggregate"`},
		},
		{name: "of a version that has passed", as: 21, method: "PATCH", target: own, body: `{"name":"New"}`, header: map[string]string{"If-Match": `"2.0123456789abcdef"`}, status: 412},
		{name: "what an admin may not", as: 21, method: "PATCH", target: own, body: `{"is_active":false,"country":"FR"}`, status: 422, want: []string{`"field":"is_active"`, `"field":"country"`, "platform administrators"}},
		{name: "an admin changes another's", as: 21, method: "PATCH", target: theirs, body: `{"name":"New"}`, status: 404},
		{name: "a manager changes their own", as: 20, method: "PATCH", target: own, body: `{"name":"New"}`, status: 403},
		{name: "another is deactivated", as: 9, method: "PATCH", target: theirs, body: `{"is_active":false,"country":"FR"}`, status: 200, want: []string{`"is_active":false`, `"country":"FR"`}},
		{name: "one's own is deactivated", as: 9, method: "PATCH", target: own, body: `{"is_active":false}`, status: 409, want: []string{"of another company", `"field":"is_active"`}},
		{
			name: "what stays", as: 9, method: "PATCH", target: theirs, body: `{"data_zone":"us","slug":"new"}`, status: 422,
			want: []string{`"field":"data_zone"`, "cannot be changed here", `"field":"slug"`},
		},
		{
			name: "what is of no use", as: 9, method: "PATCH", target: theirs, body: `{"name":null,"locale":7,"is_active":"no"}`, status: 422,
			want: []string{`"field":"name"`, "must not be null", `"field":"locale"`, "must be a text", `"field":"is_active"`, "must be true or false"},
		},
		{name: "a name of spaces", as: 21, method: "PATCH", target: own, body: `{"name":"  "}`, status: 422, want: []string{`"field":"name"`}},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, n) })
	}
	if tag := n.do("GET", own, n.as(21), "").Header.Get("Etag"); !strings.HasPrefix(tag, `"3.`) {
		t.Errorf("the ETag is %s", tag)
	}
}

// TestACompanysAnswerChangesWithWhatItShows by the tags of what was changed.
func TestACompanysAnswerChangesWithWhatItShows(t *testing.T) {
	n := newNode(t, nil)
	assigning(n.world)
	const list, plain, one, name = "/api/v1/companies", "/api/v1/companies?fields=id,name", "/api/v1/companies/3", "/api/v1/companies/3?fields=name"
	all := []string{list, plain, one, name}
	status := func(target string) string {
		t.Helper()
		return n.do("GET", target, n.as(9), "").Header.Get("Cache-Status")
	}
	for _, target := range all {
		if got := status(target); got != missed {
			t.Fatalf("%s: %s", target, got)
		}
	}
	for _, c := range []struct {
		what string
		tags []cache.Tag
		miss []string
	}{
		{"nothing", nil, nil},
		{"the company", []cache.Tag{cache.Table("companies"), cache.Row("companies", 3)}, all},
		{"another company", []cache.Tag{cache.Table("companies"), cache.Row("companies", 4)}, []string{list, plain}},
		{"somebody of it", []cache.Tag{cache.Table("users"), cache.Tenant("users", 3)}, []string{list, one}},
		{"somebody of another", []cache.Tag{cache.Table("users"), cache.Tenant("users", 4)}, []string{list}},
		{"a session", []cache.Tag{cache.Table("sessions"), cache.Tenant("sessions", 3)}, nil},
	} {
		n.world.change(func() {}, c.tags...)
		for _, target := range all {
			if got := status(target) == missed; got != slices.Contains(c.miss, target) {
				t.Errorf("%s: %s is computed anew: %v", c.what, target, got)
			}
		}
	}
}
