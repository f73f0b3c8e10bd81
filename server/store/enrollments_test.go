package store_test

import (
	"context"
	"slices"
	"testing"

	"outpost/server/store"
	"outpost/server/training"
)

func enrollments(t *testing.T, s *store.Store, p training.Principal, f training.EnrollmentFilter) (training.Page[training.Enrollment], error) {
	t.Helper()
	if f.Page == 0 {
		f.Page = 1
	}
	if f.Size == 0 {
		f.Size = 20
	}
	if f.Sort == "" {
		f.Sort = "created_at"
	}
	return ask(t, s, func(ctx context.Context, q training.Queries) (training.Page[training.Enrollment], error) {
		return q.Enrollments(ctx, p, f)
	})
}

func enrollmentOf(t *testing.T, s *store.Store, p training.Principal, id int64) (training.Enrollment, error) {
	t.Helper()
	return ask(t, s, func(ctx context.Context, q training.Queries) (training.Enrollment, error) {
		return q.Enrollment(ctx, p, id, "de")
	})
}

func TestEnrollmentsAreSortedAndPaged(t *testing.T) {
	s := reader(t)
	for _, c := range []struct {
		paging training.Paging
		want   []int64
	}{
		{training.Paging{Sort: "created_at"}, []int64{1, 2, 3, 4, 5}},
		{training.Paging{Sort: "created_at", Desc: true}, []int64{5, 4, 3, 2, 1}},
		{training.Paging{Sort: "due_at"}, []int64{4, 2, 1, 3, 5}}, // without one: last
		{training.Paging{Sort: "due_at", Desc: true}, []int64{5, 3, 1, 2, 4}},
	} {
		c.paging.Size = 2
		var got []int64
		for n := 0; n < 3; n++ {
			page, err := enrollments(t, s, learner, training.EnrollmentFilter{Paging: c.paging, UserID: 1, Locale: "de"})
			if err != nil {
				t.Fatal(err)
			}
			if page.Total != 5 {
				t.Errorf("total %d", page.Total)
			}
			for _, e := range page.Items {
				got = append(got, e.ID)
			}
			c.paging.After = page.NextAfter
		}
		if !slices.Equal(got, c.want) || c.paging.After != "" {
			t.Errorf("%+v: %v, want %v", c.paging, got, c.want)
		}
	}
	page, err := enrollments(t, s, learner, training.EnrollmentFilter{UserID: 1, Status: training.Completed})
	if err != nil || page.Total != 1 || len(page.Items) != 1 || page.Items[0].ID != 1 {
		t.Errorf("completed: %+v, %v", page, err)
	}
}

func TestAnEnrollmentShowsItsProgress(t *testing.T) {
	s := reader(t)
	e, err := enrollmentOf(t, s, learner, 1)
	if err != nil {
		t.Fatal(err)
	}
	if e.CourseTitle != "Anfang" || e.CourseSlug != "c1" || e.Lessons != 3 || e.LessonsDone != 2 || *e.Score != 90 || e.DueAt != nil ||
		e.ExpiresAt == nil || e.Status != training.Completed || len(e.Progress) != 2 {
		t.Errorf("%+v", e)
	}
	if e.Progress[0].Lesson != 1 || e.Progress[0].Seconds != 10 || e.Progress[1].Lesson != 3 {
		t.Errorf("%+v", e.Progress)
	}
}

func TestTenancyDecidesWhoSeesAnEnrollment(t *testing.T) {
	s := reader(t)
	second := training.Principal{UserID: 2, CompanyID: 1, Role: training.Learner}
	forged := training.Principal{UserID: 1, CompanyID: 2, Role: training.Learner}
	for name, c := range map[string]struct {
		who  training.Principal
		want training.Code
	}{
		"oneself":              {learner, ""},
		"a colleague":          {second, training.NotFound},
		"the manager":          {manager, ""},
		"a stranger":           {stranger, training.NotFound},
		"another's manager":    {foreign, training.NotFound},
		"a platform admin":     {platform, ""},
		"oneself, elsewhere":   {forged, training.NotFound},
		"an unknown role":      {training.Principal{UserID: 9, CompanyID: 1, Role: "owner"}, training.NotFound},
		"nobody in particular": {training.Principal{}, training.NotFound},
	} {
		if _, err := enrollmentOf(t, s, c.who, 1); training.CodeOf(err) != c.want {
			t.Errorf("%s: one: %v, want %q", name, err, c.want)
		}
		page, err := enrollments(t, s, c.who, training.EnrollmentFilter{UserID: 1})
		if name == "oneself, elsewhere" {
			if len(page.Items) > 0 || page.Total > 0 {
				t.Errorf("%s: %+v", name, page)
			}
			continue
		}
		if training.CodeOf(err) != c.want {
			t.Errorf("%s: the list: %v, want %q", name, err, c.want)
		}
	}
}

func TestInAggregateModeNoOneElseSeesAScore(t *testing.T) {
	s := reader(t)
	for _, who := range []training.Principal{manager, platform} {
		e, err := enrollmentOf(t, s, who, 1)
		if err != nil || e.Score != nil {
			t.Errorf("%+v sees %+v, %v", who, e.Score, err)
		}
	}
	e, err := enrollmentOf(t, s, foreign, 6)
	if err != nil || e.Score == nil {
		t.Errorf("in individual mode the manager sees %+v, %v", e.Score, err)
	}
}
