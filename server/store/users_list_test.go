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

var (
	boss   = training.Principal{UserID: 1, CompanyID: 1, Role: training.Manager}
	rival  = training.Principal{UserID: 2, CompanyID: 2, Role: training.Admin}
	worker = training.Principal{UserID: 4, CompanyID: 1, Role: training.Learner}
	root   = training.Principal{UserID: 3, CompanyID: 3, Role: training.PlatformAdmin}
)

// people are forty in company 1 and twenty in company 2, with names, departments and times that
// repeat; company 3 has the platform's administrator.
func people() []string {
	return []string{
		`INSERT INTO companies (name, slug, country, data_zone) VALUES ('Eins', 'eins', 'DE', 'eu'), ('Two', 'two', 'US', 'us'), ('Outpost', 'outpost', 'DE', 'global')`,
		`INSERT INTO users (company_id, data_zone, email, full_name, role) VALUES
			(1, 'eu', 'boss@eins.example', 'Ängela Müller-Groß', 'manager'), (2, 'us', 'rival@two.example', 'Angela "Gigi" Miller–Smith;Jones', 'admin'),
			(3, 'global', 'admin@example.com', 'Admin', 'platform_admin')`,
		`INSERT INTO users (company_id, data_zone, email, full_name, department, job_risk, is_active, created_at, updated_at)
			SELECT CASE WHEN i % 3 = 0 THEN 2 ELSE 1 END, CASE WHEN i % 3 = 0 THEN 'us' ELSE 'eu' END,
			(ARRAY['z','Ä','m'])[1 + i % 3] || i || '@example.com', (ARRAY['Zoë','anna','Émile','ANNA'])[1 + i % 4] || ' ' || (ARRAY['O''Neil','Öz','de la Cruz'])[1 + i % 3],
			(ARRAY['IT','Sales'])[1 + i % 2], (ARRAY['low','medium','high'])[1 + i % 3], i % 5 > 0,
			'2026-01-01'::timestamptz + (i % 7) * interval '1 day', '2026-03-01'::timestamptz + (i % 11) * interval '1 day'
			FROM generate_series(1, 60) i`,
		`INSERT INTO user_activity (user_id, company_id, data_zone, last_login_at) SELECT id, company_id, data_zone,
			CASE WHEN id % 4 > 0 THEN '2026-05-01'::timestamptz + (id % 5) * interval '1 hour' END FROM users WHERE id % 3 > 0`,
		`INSERT INTO courses (slug, category, minutes) SELECT 'c' || i, 'email', 5 FROM generate_series(1, 4) i`,
		`INSERT INTO enrollments (company_id, data_zone, user_id, course_id, cycle, status, completed_at, expires_at) VALUES
			(1, 'eu', 4, 1, 1, 'expired', '2025-01-01', '2025-06-01'), (1, 'eu', 4, 1, 2, 'in_progress', NULL, NULL), (1, 'eu', 4, 2, 1, 'assigned', NULL, NULL),
			(1, 'eu', 4, 3, 1, 'completed', '2026-01-01', '2026-02-01'), (1, 'eu', 4, 4, 1, 'completed', '2026-01-01', '2999-02-01')`,
	}
}

func crowdReader(t *testing.T) *store.Store {
	t.Helper()
	s := store.New(load(t, people()...))
	s.Finished = func(queries int) {
		if queries > 3 {
			t.Errorf("a read made %d queries", queries)
		}
	}
	return s
}

func list(t *testing.T, s *store.Store, p training.Principal, f training.PersonFilter) (training.Page[training.Person], error) {
	t.Helper()
	f.Fields = training.AllPersonFields
	if f.Sort == "" {
		f.Sort = "full_name"
	}
	if f.Page == 0 {
		f.Page = 1
	}
	if f.Size == 0 {
		f.Size = training.MaxSize
	}
	return ask(t, s, func(ctx context.Context, q training.Queries) (training.Page[training.Person], error) {
		return q.People(ctx, p, f)
	})
}

// TestPeopleComeInEveryOrderOnceAndAll holds each order, with each filter, against a plain sort,
// by page and by key.
func TestPeopleComeInEveryOrderOnceAndAll(t *testing.T) {
	s := crowdReader(t)
	everybody, err := list(t, s, root, training.PersonFilter{})
	if err != nil || len(everybody.Items) != 63 || everybody.Total != 63 {
		t.Fatalf("%d of %d people: %v", len(everybody.Items), everybody.Total, err)
	}
	fold := strings.NewReplacer("ä", "a", "ë", "e", "é", "e", "ö", "o", "ü", "u")
	keys := map[string]func(training.Person) string{
		"full_name":  func(p training.Person) string { return fold.Replace(strings.ToLower(p.FullName)) },
		"email":      func(p training.Person) string { return strings.ToLower(p.Email) },
		"created_at": func(p training.Person) string { return p.CreatedAt.Format(time.RFC3339Nano) },
		"updated_at": func(p training.Person) string { return p.UpdatedAt.Format(time.RFC3339Nano) },
		"last_login_at": func(p training.Person) string {
			if p.LastLoginAt == nil {
				return ""
			}
			return p.LastLoginAt.Format(time.RFC3339Nano)
		},
	}
	no, since := false, time.Date(2026, 3, 6, 0, 0, 0, 0, time.UTC)
	filters := map[string]struct {
		filter training.PersonFilter
		holds  func(training.Person) bool
	}{
		"all":        {training.PersonFilter{}, func(training.Person) bool { return true }},
		"department": {training.PersonFilter{Department: "IT", JobRisk: "medium"}, func(p training.Person) bool { return p.Department == "IT" && p.JobRisk == "medium" }},
		"role":       {training.PersonFilter{Role: training.Learner}, func(p training.Person) bool { return p.Role == training.Learner }},
		"inactive":   {training.PersonFilter{Active: &no}, func(p training.Person) bool { return !p.IsActive }},
		"updated":    {training.PersonFilter{UpdatedSince: since}, func(p training.Person) bool { return !p.UpdatedAt.Before(since) }},
		"words": {training.PersonFilter{Search: "ANN öz", Department: "Sales"}, func(p training.Person) bool {
			return p.Department == "Sales" && strings.HasPrefix(strings.ToLower(p.FullName), "anna") && strings.Contains(p.FullName, "Ö")
		}},
	}
	askers := map[string]struct {
		who     training.Principal
		company int64
		sees    int64 // 0: all
	}{"manager": {boss, 0, 1}, "own company": {rival, 2, 2}, "platform": {root, 0, 0}, "platform of one": {root, 2, 2}}
	for as, asker := range askers {
		for name, c := range filters {
			var want []training.Person
			for _, p := range everybody.Items {
				if (asker.sees == 0 || p.CompanyID == asker.sees) && c.holds(p) {
					want = append(want, p)
				}
			}
			for sort, key := range keys {
				slices.SortFunc(want, func(a, b training.Person) int {
					return cmp.Or(cmp.Compare(key(a), key(b)), cmp.Compare(a.ID, b.ID))
				})
				for _, desc := range []bool{false, true} {
					label := fmt.Sprintf("%s, %s by %s, %v", as, name, sort, desc)
					f := c.filter
					f.CompanyID, f.Paging = asker.company, training.Paging{Page: 1, Size: 7, Sort: sort, Desc: desc}
					walk(t, s, label, asker.who, f, want)
					slices.Reverse(want)
				}
			}
			if len(want) == 0 && asker.sees != 2 {
				t.Errorf("%s, %s: chooses nobody", as, name)
			}
		}
	}
}

// walk reads a list by page and by key and wants the same of both.
func walk(t *testing.T, s *store.Store, label string, who training.Principal, f training.PersonFilter, want []training.Person) {
	t.Helper()
	var paged, keyed []int64
	byKey := f
	for n := 1; ; n++ {
		f.Page = n
		page, err := list(t, s, who, f)
		if err != nil {
			t.Fatalf("%s: %v", label, err)
		}
		next, err := list(t, s, who, byKey)
		if err != nil {
			t.Fatalf("%s: %v", label, err)
		}
		for i, p := range page.Items {
			paged = append(paged, p.ID)
			keyed = append(keyed, next.Items[min(i, len(next.Items)-1)].ID)
		}
		if page.Total != int64(len(want)) || next.Total != page.Total {
			t.Errorf("%s: the total is %d and %d, want %d", label, page.Total, next.Total, len(want))
		}
		if byKey.After = next.NextAfter; byKey.After == "" || page.NextAfter == "" {
			break
		}
	}
	ids := make([]int64, len(want))
	for i, p := range want {
		ids[i] = p.ID
	}
	if !slices.Equal(paged, ids) || !slices.Equal(keyed, ids) {
		t.Errorf("%s:\n by page %v\n by key  %v\n want    %v", label, paged, keyed, ids)
	}
}

func TestSearchFindsTheBeginningsOfWords(t *testing.T) {
	s := crowdReader(t)
	for _, c := range []struct {
		q    string
		who  training.Principal
		want int64
	}{
		{"angela", boss, 1},
		{"ANGELA", rival, 1},
		{"ängela", rival, 1}, // accents do not count, on either side
		{"angela", root, 2},
		{"mull", boss, 1},
		{"gro", boss, 1}, // behind a hyphen
		{"gross", boss, 1},
		{"groß", boss, 1},
		{"boss@eins.example", boss, 1},
		{"eins", boss, 1},
		{"gigi", rival, 1}, // whatever stands before a word
		{"smith", rival, 1},
		{"jones", rival, 1},
		{"jones", root, 1},
		{"neil", boss, 0},
		{"neil", rival, 20}, // company 2's are all O'Neil
		{"o'neil", rival, 20},
		{"angela nobody", boss, 0},
		{"ngela", boss, 0},
		{"rival", boss, 0}, // another company's
		{"c2xrival", boss, 0},
		{"xrival", boss, 0},
		{`"angela"`, boss, 1},
		{`angela*`, boss, 1},
		{`(angela) -müller:`, boss, 1},
		{`angela NEAR(müller)`, boss, 0}, // words like all others
		{`company:angela`, boss, 0},
		{`}{^"' angela`, boss, 1},
	} {
		page, err := list(t, s, c.who, training.PersonFilter{Search: c.q})
		if err != nil || page.Total != c.want || len(page.Items) != int(c.want) {
			t.Errorf("%q as %s: %d of %d, want %d: %v", c.q, c.who.Role, len(page.Items), page.Total, c.want, err)
		}
	}
	for _, q := range []string{"", " "} { // nothing to choose by
		if page, err := list(t, s, boss, training.PersonFilter{Search: q}); err != nil || page.Total != 41 {
			t.Errorf("%q: %d, %v", q, page.Total, err)
		}
	}
	for _, q := range []string{"***", `"`, "-", "\x00", "😀"} { // the beginning of no word
		if page, err := list(t, s, boss, training.PersonFilter{Search: q}); err != nil || page.Total != 0 || len(page.Items) != 0 || page.NextAfter != "" {
			t.Errorf("%q: %d, %v", q, page.Total, err)
		}
	}
}

func FuzzSearchIsHarmless(f *testing.F) {
	for _, q := range []string{"angela", `"`, `a"b`, "NEAR(a b)", "a AND", "company:x", "^a", "a*b", "c1x", "ß ſ ﬁ İ", "\xff", "نور", "देव"} {
		f.Add(q)
	}
	s := reader(f)
	f.Fuzz(func(t *testing.T, q string) {
		filter := training.PersonFilter{Paging: training.Paging{Page: 1, Size: 100, Sort: "email"}, Search: q, Fields: training.AllPersonFields}
		_, err := s.Read(t.Context(), func(queries training.Queries) error {
			page, err := queries.People(t.Context(), manager, filter)
			for _, p := range page.Items {
				if p.CompanyID != manager.CompanyID {
					t.Errorf("%q finds somebody of company %d", q, p.CompanyID)
				}
			}
			return err
		})
		if err != nil {
			t.Errorf("%q: %v", q, err)
		}
	})
}

func TestOnlyWhoManagesPeopleListsThem(t *testing.T) {
	s := crowdReader(t)
	if _, err := list(t, s, worker, training.PersonFilter{}); training.CodeOf(err) != training.Forbidden {
		t.Errorf("a learner lists people: %v", err)
	}
	if _, err := list(t, s, boss, training.PersonFilter{CompanyID: 2}); training.CodeOf(err) != training.NotFound {
		t.Errorf("a manager lists another company: %v", err)
	}
	if _, err := list(t, s, boss, training.PersonFilter{Paging: training.Paging{Sort: "role"}}); training.CodeOf(err) != training.Invalid {
		t.Errorf("people are sorted by what has no index: %v", err)
	}
	page, err := list(t, s, boss, training.PersonFilter{Paging: training.Paging{Size: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := list(t, s, boss, training.PersonFilter{Paging: training.Paging{Sort: "email", After: page.NextAfter}}); training.CodeOf(err) != training.Invalid {
		t.Errorf("a cursor of another order is taken: %v", err)
	}
}
