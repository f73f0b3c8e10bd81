package store_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"outpost/server/store"
	"outpost/server/training"
)

// tenants are forty companies with names and times that repeat, the first with three people of whom two
// are active.
func tenants() []string {
	return []string{
		`INSERT INTO companies (name, slug, country, privacy_mode, is_active, created_at)
			SELECT (ARRAY['Nordwind Größe','acme & Söhne','Émile Frères','ACME & Sons'])[1 + i % 4] || ' ' || i / 8, 'c' || i,
			(ARRAY['DE','FR','US'])[1 + i % 3], (ARRAY['aggregate','pseudonymous','individual'])[1 + i % 3], i % 5 > 0,
			'2026-01-01'::timestamptz + (i % 7) * interval '1 day' FROM generate_series(1, 40) i`,
		`INSERT INTO users (company_id, data_zone, email, full_name, is_active) VALUES
			(1, 'global', 'a@example.com', 'A', true), (1, 'global', 'b@example.com', 'B', true), (1, 'global', 'c@example.com', 'C', false)`,
	}
}

func tenantsReader(t *testing.T) *store.Store {
	t.Helper()
	s := store.New(load(t, tenants()...))
	s.Finished = func(queries int) {
		if queries > 3 {
			t.Errorf("a read made %d queries", queries)
		}
	}
	return s
}

func companies(t *testing.T, s *store.Store, p training.Principal, f training.CompanyFilter) (training.Page[training.CompanyDetail], error) {
	t.Helper()
	f.Sort, f.Page, f.Size = cmp.Or(f.Sort, "name"), cmp.Or(f.Page, 1), cmp.Or(f.Size, training.MaxSize)
	return ask(t, s, func(ctx context.Context, q training.Queries) (training.Page[training.CompanyDetail], error) {
		return q.Companies(ctx, p, f)
	})
}

// TestCompaniesComeInEveryOrderOnceAndAll holds each order, with each filter, against a plain sort, by
// page and by key.
func TestCompaniesComeInEveryOrderOnceAndAll(t *testing.T) {
	s := tenantsReader(t)
	all, err := companies(t, s, platform, training.CompanyFilter{})
	if err != nil || len(all.Items) != 40 || all.Total != 40 {
		t.Fatalf("%d of %d companies: %v", len(all.Items), all.Total, err)
	}
	fold := strings.NewReplacer("ö", "o", "é", "e", "è", "e")
	keys := map[string]func(training.CompanyDetail) string{
		"name":       func(c training.CompanyDetail) string { return fold.Replace(strings.ToLower(c.Name)) },
		"created_at": func(c training.CompanyDetail) string { return c.CreatedAt.Format(time.RFC3339Nano) },
	}
	yes, no := true, false
	for name, c := range map[string]struct {
		filter training.CompanyFilter
		holds  func(training.CompanyDetail) bool
	}{
		"all":      {training.CompanyFilter{}, func(training.CompanyDetail) bool { return true }},
		"active":   {training.CompanyFilter{Active: &yes}, func(c training.CompanyDetail) bool { return c.IsActive }},
		"inactive": {training.CompanyFilter{Active: &no}, func(c training.CompanyDetail) bool { return !c.IsActive }},
		"mode":     {training.CompanyFilter{PrivacyMode: training.Pseudonymous}, func(c training.CompanyDetail) bool { return c.PrivacyMode == training.Pseudonymous }},
		"country":  {training.CompanyFilter{Country: "FR", Active: &yes}, func(c training.CompanyDetail) bool { return c.Country == "FR" && c.IsActive }},
		"word":     {training.CompanyFilter{Search: "grosse nord"}, func(c training.CompanyDetail) bool { return strings.HasPrefix(c.Name, "Nordwind") }},
		"words": {training.CompanyFilter{Search: "ACME, so", Country: "US"}, func(c training.CompanyDetail) bool {
			return c.Country == "US" && strings.HasPrefix(strings.ToLower(c.Name), "acme")
		}},
		"nothing": {training.CompanyFilter{Search: "wind"}, func(training.CompanyDetail) bool { return false }},
	} {
		for sort, key := range keys {
			for _, desc := range []bool{false, true} {
				want := slices.DeleteFunc(slices.Clone(all.Items), func(d training.CompanyDetail) bool { return !c.holds(d) })
				slices.SortFunc(want, func(a, b training.CompanyDetail) int {
					return cmp.Or(cmp.Compare(key(a), key(b)), cmp.Compare(a.ID, b.ID))
				})
				if desc {
					slices.Reverse(want)
				}
				for _, byKey := range []bool{false, true} {
					got := walkCompanies(t, s, c.filter, sort, desc, byKey, int64(len(want)))
					if !slices.Equal(companyIDs(got), companyIDs(want)) {
						t.Errorf("%s by %s (reverse %v, by key %v): %v, want %v", name, sort, desc, byKey, companyIDs(got), companyIDs(want))
					}
				}
			}
		}
		if name != "nothing" && !slices.ContainsFunc(all.Items, c.holds) {
			t.Errorf("%s chooses nothing", name)
		}
	}
}

func companyIDs(list []training.CompanyDetail) []int64 {
	ids := make([]int64, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	return ids
}

func walkCompanies(t *testing.T, s *store.Store, f training.CompanyFilter, sort string, desc, byKey bool, total int64) (all []training.CompanyDetail) {
	t.Helper()
	f.Sort, f.Desc, f.Size = sort, desc, 7
	for f.Page = 1; ; {
		page, err := companies(t, s, platform, f)
		if err != nil {
			t.Fatal(err)
		}
		if page.Total != total {
			t.Errorf("of %d companies, want %d", page.Total, total)
		}
		if all = append(all, page.Items...); !page.HasNext() {
			return all
		}
		if byKey {
			f.After = page.NextAfter
		} else {
			f.Page++
		}
	}
}

// TestACompanyShowsWhatThePostgresRowSays with how many of its people are active.
func TestACompanyShowsWhatThePostgresRowSays(t *testing.T) {
	s := tenantsReader(t)
	found, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.CompanyDetail, error) {
		return q.Company(ctx, platform, 1)
	})
	if err != nil {
		t.Fatal(err)
	}
	found.UpdatedAt = time.Time{}
	want := training.CompanyDetail{
		Company: training.Company{
			ID: 1, Name: "acme & Söhne 0", Slug: "c1", Country: "FR", Zone: "global", Locale: "en", PrivacyMode: training.Pseudonymous, Version: 1,
		},
		IsActive: true, ActiveUsers: 2, CreatedAt: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC),
	}
	if found != want {
		t.Errorf("%+v, want %+v", found, want)
	}
}

func TestACompanyIsSeenByThoseWhoRunIt(t *testing.T) {
	s := tenantsReader(t)
	for _, c := range []struct {
		who  training.Principal
		id   int64
		want training.Code
	}{
		{manager, 1, ""},
		{training.Principal{UserID: 4, CompanyID: 1, Role: training.Admin}, 1, ""},
		{manager, 2, training.NotFound},
		{manager, 99, training.NotFound},
		{learner, 1, training.Forbidden},
		{platform, 2, ""},
		{platform, 99, training.NotFound},
	} {
		found, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.CompanyDetail, error) {
			return q.Company(ctx, c.who, c.id)
		})
		if training.CodeOf(err) != c.want || c.want == "" && (err != nil || found.ID != c.id) {
			t.Errorf("%s asks for %d: %+v, %v", c.who.Role, c.id, found, err)
		}
	}
	for _, who := range []training.Principal{learner, manager, {UserID: 4, CompanyID: 1, Role: training.Admin}} {
		if found, err := companies(t, s, who, training.CompanyFilter{}); training.CodeOf(err) != training.Forbidden || len(found.Items) > 0 {
			t.Errorf("%s lists %d companies: %v", who.Role, len(found.Items), err)
		}
	}
}

// TestWhatIsTypedIsNoExpression gives a search what FTS5 would take for its own.
func TestWhatIsTypedIsNoExpression(t *testing.T) {
	s := tenantsReader(t)
	for _, typed := range []string{`"`, `'`, "*", "name:acme*", "NEAR(acme", "acme OR", "-acme", "a AND", "(", "^acme", strings.Repeat("ac ", 200), "日本", "ﬁ"} {
		if _, err := companies(t, s, platform, training.CompanyFilter{Search: typed}); err != nil {
			t.Errorf("%q: %v", typed, err)
		}
	}
	if found, err := companies(t, s, platform, training.CompanyFilter{Search: fmt.Sprintf("%c", '&')}); err != nil || found.Total != 0 {
		t.Errorf("a sign finds %d companies: %v", found.Total, err)
	}
}
