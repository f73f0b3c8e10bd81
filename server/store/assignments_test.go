package store_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"outpost/server/store"
	"outpost/server/training"
)

// assigned is the fixture with assignments: 1 and 2 of company 1, 3 of it ended, 4 of company 2.
func assigned(t *testing.T) *store.Store {
	t.Helper()
	s := store.New(load(t, append(
		fixture(),
		`INSERT INTO assignments (company_id, data_zone, course_id, scope, department, user_id, due_at, recurrence_months, created_by, ended_at, created_at) VALUES
			(1, 'eu', 1, 'company', '', NULL, '2026-06-01', 12, 4, NULL, '2026-01-01'),
			(1, 'eu', 2, 'department', 'IT', NULL, NULL, NULL, 4, NULL, '2026-01-02'),
			(1, 'eu', 1, 'user', '', 1, '2026-05-01', NULL, NULL, '2026-05-02', '2026-01-03'),
			(2, 'us', 1, 'company', '', NULL, '2026-04-01', NULL, NULL, NULL, '2026-01-04')`,
		`UPDATE enrollments SET assignment_id = 1 WHERE user_id = 1`,
		`UPDATE enrollments SET assignment_id = 4 WHERE user_id = 5`,
	)...))
	s.Now = func() time.Time { return time.Date(2026, 5, 29, 0, 0, 0, 0, time.UTC) }
	s.Finished = func(queries int) {
		if queries > 4 {
			t.Errorf("a read made %d queries", queries)
		}
	}
	return s
}

func TestAssignmentsAreOfOnesCompany(t *testing.T) {
	s := assigned(t)
	yes, no := true, false
	for name, c := range map[string]struct {
		who    training.Principal
		change func(*training.AssignmentFilter)
		want   []int64
	}{
		"by age":              {manager, func(*training.AssignmentFilter) {}, []int64{1, 2, 3}},
		"the newest first":    {manager, func(f *training.AssignmentFilter) { f.Desc = true }, []int64{3, 2, 1}},
		"by due date":         {manager, func(f *training.AssignmentFilter) { f.Sort = "due_at" }, []int64{3, 1, 2}},
		"the last due first":  {manager, func(f *training.AssignmentFilter) { f.Sort, f.Desc = "due_at", true }, []int64{2, 1, 3}},
		"of another company":  {foreign, func(*training.AssignmentFilter) {}, []int64{4}},
		"of all":              {platform, func(*training.AssignmentFilter) {}, []int64{1, 2, 3, 4}},
		"of all, newest":      {platform, func(f *training.AssignmentFilter) { f.Desc = true }, []int64{4, 3, 2, 1}},
		"of all, by due date": {platform, func(f *training.AssignmentFilter) { f.Sort = "due_at" }, []int64{4, 3, 1, 2}},
		"of all, last due":    {platform, func(f *training.AssignmentFilter) { f.Sort, f.Desc = "due_at", true }, []int64{2, 1, 3, 4}},
		"open":                {manager, func(f *training.AssignmentFilter) { f.Active = &yes }, []int64{1, 2}},
		"ended":               {manager, func(f *training.AssignmentFilter) { f.Active = &no }, []int64{3}},
		"of a course":         {manager, func(f *training.AssignmentFilter) { f.CourseID = 1 }, []int64{1, 3}},
		"of a department":     {manager, func(f *training.AssignmentFilter) { f.Department = "IT" }, []int64{2}},
		"of a scope":          {platform, func(f *training.AssignmentFilter) { f.Scope = training.CompanyScope }, []int64{1, 4}},
		"of a person":         {manager, func(f *training.AssignmentFilter) { f.UserID = 1 }, []int64{3}},
	} {
		t.Run(name, func(t *testing.T) {
			f := training.AssignmentFilter{Paging: training.Paging{Page: 1, Size: 20, Sort: "created_at"}, Locale: "de"}
			c.change(&f)
			list := func() training.Page[training.Assignment] {
				t.Helper()
				page, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.Page[training.Assignment], error) {
					return q.Assignments(ctx, c.who, f)
				})
				if err != nil {
					t.Fatal(err)
				}
				return page
			}
			page := list()
			var got []int64
			for _, a := range page.Items {
				got = append(got, a.ID)
			}
			if !slices.Equal(got, c.want) || page.Total != int64(len(c.want)) || page.HasNext() {
				t.Errorf("got %v of %d, want %v", got, page.Total, c.want)
			}
			// And one by one, each behind the one before.
			f.Size, got = 1, nil
			for {
				page = list()
				if len(page.Items) > 0 {
					got = append(got, page.Items[0].ID)
				}
				if f.After = page.NextAfter; f.After == "" {
					break
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("one by one: %v, want %v", got, c.want)
			}
		})
	}
}

func TestAnAssignmentShowsHowFarItIs(t *testing.T) {
	s := assigned(t)
	one := func(who training.Principal, id int64) (training.Assignment, error) {
		return ask(t, s, func(ctx context.Context, q training.Queries) (training.Assignment, error) {
			return q.Assignment(ctx, who, id, "de")
		})
	}
	a, err := one(manager, 1)
	if err != nil {
		t.Fatal(err)
	}
	// Of user 1's five enrollments one is completed; two have due dates, one of them past.
	want := training.AssignmentCounts{Assigned: 4, Completed: 1, Overdue: 1, NextDue: time.Date(2026, 5, 30, 0, 0, 0, 0, time.UTC)}
	if a.CourseTitle != "Anfang" || a.Recurrence != 12 || a.CreatedBy != 4 || a.Counts == nil || *a.Counts != want {
		t.Errorf("%+v with %+v, want %+v", a, a.Counts, want)
	}
	empty, err := one(manager, 2)
	if err != nil || *empty.Counts != (training.AssignmentCounts{}) || empty.DueAt != nil {
		t.Errorf("%+v, %v", empty, err)
	}
	if ended, err := one(platform, 3); err != nil || ended.EndedAt == nil || ended.UserID != 1 {
		t.Errorf("%+v, %v", ended, err)
	}
	for name, c := range map[string]struct {
		who training.Principal
		id  int64
	}{"another company's": {foreign, 1}, "a learner's view": {learner, 1}, "none": {manager, 99}} {
		if _, err := one(c.who, c.id); training.CodeOf(err) != training.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
}
