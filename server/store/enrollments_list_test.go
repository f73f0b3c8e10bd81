package store_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"outpost/server/store"
	"outpost/server/training"
)

// The clock of these tests: enrollment 2 of the fixture was due three days ago, 4 five days ago.
var may = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// learning is the fixture with more enrollments: user 2 of the department IT is in course 2, 7, which falls due at six,
// and user 4, who is not active, in course 2, 8; user 2 completed course 3, 9, of which the time ran out in May, and
// course 4, 10, of which it runs out in July. 11 is of company 2, overdue since 2025.
func learning(t *testing.T) *store.Store {
	t.Helper()
	s := store.New(load(t, append(
		fixture(),
		`UPDATE users SET department = 'IT' WHERE id = 2`,
		`UPDATE users SET is_active = false WHERE id = 4`,
		`INSERT INTO enrollments (company_id, data_zone, user_id, course_id, status, due_at, completed_at, expires_at, lessons_done, created_at) VALUES
			(1, 'eu', 2, 2, 'in_progress', '2026-06-01 18:00+00', NULL, NULL, 1, '2026-03-01'),
			(1, 'eu', 4, 2, 'assigned', '2026-01-01', NULL, NULL, 0, '2026-03-02'),
			(1, 'eu', 2, 3, 'completed', '2026-01-01', '2025-05-01', '2026-05-01', 0, '2026-03-03'),
			(1, 'eu', 2, 4, 'completed', NULL, '2025-07-01', '2026-07-01', 0, '2026-03-04'),
			(2, 'us', 5, 2, 'assigned', '2025-12-01', NULL, NULL, 0, '2026-03-05')`,
	)...))
	s.Finished = func(queries int) {
		if queries > 4 {
			t.Errorf("a read made %d queries", queries)
		}
	}
	return s
}

func companyEnrollments(t *testing.T, s *store.Store, p training.Principal, f training.CompanyEnrollmentFilter) (training.CompanyEnrollments, error) {
	t.Helper()
	f.Page, f.Locale = 1, "de"
	if f.Size == 0 {
		f.Size = 20
	}
	if f.Sort == "" {
		f.Sort = "created_at"
	}
	if f.At.IsZero() {
		f.At = may
	}
	return ask(t, s, func(ctx context.Context, q training.Queries) (training.CompanyEnrollments, error) {
		return q.CompanyEnrollments(ctx, p, f)
	})
}

func TestEnrollmentsOfACompanysPeople(t *testing.T) {
	s := learning(t)
	yes, no := true, false
	type filter = training.CompanyEnrollmentFilter
	for name, c := range map[string]struct {
		who    training.Principal
		filter filter
		sort   string
		want   []int64
		next   string // when others are chosen
	}{
		"by age":                    {manager, filter{}, "created_at", []int64{1, 2, 3, 4, 5, 7, 8, 9, 10}, ""},
		"the newest first":          {manager, filter{}, "-created_at", []int64{10, 9, 8, 7, 5, 4, 3, 2, 1}, ""},
		"by due date":               {manager, filter{}, "due_at", []int64{8, 9, 4, 2, 7, 1, 3, 5, 10}, ""},
		"the last due first":        {manager, filter{}, "-due_at", []int64{10, 5, 3, 1, 7, 2, 4, 9, 8}, ""},
		"overdue":                   {manager, filter{Overdue: &yes}, "due_at", []int64{4, 2}, "2026-06-01T18:00:00Z"},
		"the last overdue first":    {manager, filter{Overdue: &yes}, "-due_at", []int64{2, 4}, "2026-06-01T18:00:00Z"},
		"overdue, by age":           {manager, filter{Overdue: &yes}, "created_at", []int64{2, 4}, "2026-06-01T18:00:00Z"},
		"overdue at the instant":    {manager, filter{Overdue: &yes, At: may.Add(6 * time.Hour)}, "due_at", []int64{4, 2, 7}, ""},
		"overdue in a course":       {manager, filter{Overdue: &yes, CourseID: 2, At: may.Add(6 * time.Hour)}, "due_at", []int64{2, 7}, ""},
		"overdue in a department":   {manager, filter{Overdue: &yes, Department: "IT", At: may.Add(6 * time.Hour)}, "due_at", []int64{7}, "2026-07-01T00:00:00Z"},
		"overdue and begun":         {manager, filter{Overdue: &yes, Status: training.InProgress, At: may.Add(6 * time.Hour)}, "due_at", []int64{7}, ""},
		"overdue, of a person":      {manager, filter{Overdue: &yes, UserID: 1}, "due_at", []int64{4, 2}, "2027-03-01T00:00:00Z"},
		"overdue, of who is gone":   {manager, filter{Overdue: &yes, UserID: 4}, "due_at", nil, ""},
		"not overdue":               {manager, filter{Overdue: &no}, "created_at", []int64{1, 3, 5, 7, 8, 9, 10}, "2026-06-01T18:00:00Z"},
		"of a course":               {manager, filter{CourseID: 2}, "created_at", []int64{2, 7, 8}, ""},
		"of a department":           {manager, filter{Department: "IT"}, "created_at", []int64{7, 9, 10}, ""},
		"of a department of nobody": {manager, filter{Department: "it"}, "created_at", nil, ""},
		"of who is in it":           {manager, filter{Department: "IT", UserID: 2}, "created_at", []int64{7, 9, 10}, ""},
		"of who is not in it":       {manager, filter{Department: "IT", UserID: 1}, "created_at", nil, ""},
		"of a department elsewhere": {foreign, filter{Department: "IT"}, "created_at", nil, ""},
		"of a person":               {manager, filter{UserID: 2}, "-created_at", []int64{10, 9, 7}, ""},
		"of a person, by due date":  {manager, filter{UserID: 2}, "due_at", []int64{9, 7, 10}, ""},
		"of a person in a course":   {manager, filter{UserID: 2, CourseID: 2}, "due_at", []int64{7}, ""},
		"of a person elsewhere":     {manager, filter{UserID: 5}, "created_at", nil, ""},
		"begun":                     {manager, filter{Status: training.InProgress}, "created_at", []int64{7}, ""},
		"completed":                 {manager, filter{Status: training.Completed}, "created_at", []int64{1, 10}, "2026-06-01T18:00:00Z"},
		"expired":                   {manager, filter{Status: training.Expired}, "created_at", []int64{9}, "2026-06-01T18:00:00Z"},
		"expired, of a person":      {manager, filter{Status: training.Expired, UserID: 2, CourseID: 4}, "created_at", nil, "2026-07-01T00:00:00Z"},
		"expired by then":           {manager, filter{Status: training.Expired, At: may.AddDate(0, 1, 0)}, "created_at", []int64{9, 10}, "2027-03-01T00:00:00Z"},
		"of another company":        {foreign, filter{}, "created_at", []int64{11, 6}, ""},
		"of another company, named": {platform, filter{CompanyID: 2, Overdue: &yes}, "due_at", []int64{11}, ""},
		"of all":                    {platform, filter{}, "created_at", []int64{1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 6}, ""},
		"of all, the newest first":  {platform, filter{}, "-created_at", []int64{6, 11, 10, 9, 8, 7, 5, 4, 3, 2, 1}, ""},
		"of all, by due date":       {platform, filter{}, "due_at", []int64{11, 8, 9, 4, 2, 7, 1, 3, 5, 6, 10}, ""},
		"of all, the last due":      {platform, filter{}, "-due_at", []int64{10, 6, 5, 3, 1, 7, 2, 4, 9, 8, 11}, ""},
		"of all, overdue":           {platform, filter{Overdue: &yes}, "due_at", []int64{11, 4, 2}, "2026-06-01T18:00:00Z"},
		"of all, the last overdue":  {platform, filter{Overdue: &yes}, "-due_at", []int64{2, 4, 11}, "2026-06-01T18:00:00Z"},
		"of all, in a department":   {platform, filter{Department: "IT"}, "created_at", []int64{7, 9, 10}, ""},
		"of all, in a course":       {platform, filter{CourseID: 2}, "created_at", []int64{2, 7, 8, 11}, ""},
		"of all, a person":          {platform, filter{UserID: 5}, "created_at", []int64{11, 6}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := c.filter
			f.Sort, f.Desc = strings.TrimPrefix(c.sort, "-"), strings.HasPrefix(c.sort, "-")
			f.Size = 2
			var got []int64
			for range len(c.want)/2 + 1 { // from page to page by key
				found, err := companyEnrollments(t, s, c.who, f)
				if err != nil {
					t.Fatal(err)
				}
				for i := range found.Items {
					got = append(got, found.Items[i].ID)
				}
				next := ""
				if !found.NextChange.IsZero() {
					next = found.NextChange.Format(time.RFC3339)
				}
				if found.Total != int64(len(c.want)) || next != c.next {
					t.Errorf("%d in all, others at %q; want %d, %q", found.Total, next, len(c.want), c.next)
				}
				if f.After = found.NextAfter; f.After == "" {
					break
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestWhatIsShownOfAnEnrollment(t *testing.T) {
	s := learning(t)
	yes := true
	found, err := companyEnrollments(t, s, manager, training.CompanyEnrollmentFilter{Overdue: &yes, CourseID: 2})
	if err != nil || len(found.Items) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	e := found.Items[0]
	if e.FullName != "Äda One" || e.Email != "User1@Example.com" || e.CompanyID != 1 || e.CourseSlug != "c2" || e.CourseTitle != "Title y" ||
		!e.Overdue(may) || e.DaysOverdue(may) != 2 || e.Score != nil || !e.IsActive {
		t.Errorf("%+v", e)
	}
	if got, want := found.ValidUntil(may), time.Date(2026, 6, 1, 18, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("it is good until %s, want %s", got, want)
	}
	later := may.Add(6 * time.Hour) // the last has become overdue: now only the days count
	found, err = companyEnrollments(t, s, manager, training.CompanyEnrollmentFilter{Overdue: &yes, At: later})
	if got, want := found.ValidUntil(later), time.Date(2026, 6, 2, 0, 0, 0, 0, time.UTC); err != nil || !got.Equal(want) {
		t.Errorf("it is good until %s, want %s; %v", got, want, err)
	}
	found, err = companyEnrollments(t, s, manager, training.CompanyEnrollmentFilter{UserID: 2, CourseID: 3})
	if err != nil || len(found.Items) != 1 || found.Items[0].StatusAt(may) != training.Expired {
		t.Errorf("%+v, %v", found.Items, err)
	}
	found, err = companyEnrollments(t, s, manager, training.CompanyEnrollmentFilter{UserID: 4})
	if err != nil || len(found.Items) != 1 || found.Items[0].Overdue(may) || found.Items[0].DaysOverdue(may) != 0 {
		t.Errorf("of somebody who is not active: %+v, %v", found.Items, err)
	}
}

func TestWhoSeesACompanysEnrollments(t *testing.T) {
	s := learning(t)
	for name, c := range map[string]struct {
		who     training.Principal
		company int64
		want    training.Code
	}{
		"a learner":                {learner, 0, training.Forbidden},
		"a manager":                {manager, 0, ""},
		"a manager, by name":       {manager, 1, ""},
		"a manager of another":     {manager, 2, training.NotFound},
		"a platform administrator": {platform, 2, ""},
		"an unknown role":          {training.Principal{UserID: 9, CompanyID: 1, Role: "owner"}, 0, training.Forbidden},
	} {
		_, err := companyEnrollments(t, s, c.who, training.CompanyEnrollmentFilter{CompanyID: c.company})
		if training.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	for _, sort := range []string{"full_name", ""} {
		f := training.CompanyEnrollmentFilter{Paging: training.Paging{Page: 1, Size: 5, Sort: sort}}
		_, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.CompanyEnrollments, error) {
			return q.CompanyEnrollments(ctx, manager, f)
		})
		if training.CodeOf(err) != training.Invalid {
			t.Errorf("sorted by %q: %v", sort, err)
		}
	}
}

// TestOverdueListsWalkWhatIsOpen looks at the plans: neither those who have completed a course nor what falls due later
// is looked at, and the next due date is found without a walk.
func TestOverdueListsWalkWhatIsOpen(t *testing.T) {
	r := load(t, crowd()...)
	queries := generated(t)
	for name, want := range map[string][]string{
		"CompanyOverdueIDs":         {"SEARCH e USING COVERING INDEX enrollments_company_open (company_id=? AND due_at>? AND due_at<?)"},
		"AllOverdueIDs":             {"SEARCH e USING COVERING INDEX enrollments_open (due_at>? AND due_at<?)"},
		"CountCompanyOverdue":       {"SEARCH e USING COVERING INDEX enrollments_company_open (company_id=? AND due_at<?)", "SEARCH x USING COVERING INDEX enrollments_company_open (company_id=? AND due_at>?)"},
		"CountAllOverdue":           {"SEARCH e USING COVERING INDEX enrollments_open (due_at<?)", "SEARCH x USING COVERING INDEX enrollments_open (due_at>?)"},
		"CompanyEnrollmentIDsByDue": {"SEARCH e USING INDEX enrollments_company_due (company_id=? AND <expr>>?)"},
		"CountCompanyEnrollments":   {"SEARCH e USING COVERING INDEX enrollments_company (company_id>? AND company_id<?)"},
	} {
		steps := plan(t, r, queries[name])
		for _, step := range want {
			if !slices.Contains(steps, step) {
				t.Errorf("%s: %q lacks %q", name, steps, step)
			}
		}
	}
}
