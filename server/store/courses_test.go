package store_test

import (
	"context"
	"slices"
	"testing"

	"outpost/server/training"
)

func courses(t *testing.T, f training.CourseFilter) func(context.Context, training.Queries) (training.Page[training.Course], error) {
	t.Helper()
	if f.Page == 0 {
		f.Page = 1
	}
	if f.Size == 0 {
		f.Size = 20
	}
	if f.Sort == "" {
		f.Sort = "title"
	}
	if f.Locale == "" {
		f.Locale = training.DefaultLocale
	}
	return func(ctx context.Context, q training.Queries) (training.Page[training.Course], error) {
		return q.Courses(ctx, f)
	}
}

func slugs(p training.Page[training.Course]) []string {
	out := make([]string, len(p.Items))
	for i, c := range p.Items {
		out[i] = c.Slug
	}
	return out
}

func TestCoursesAreSortedByEveryField(t *testing.T) {
	s := reader(t)
	for _, c := range []struct {
		filter training.CourseFilter
		first  []string
	}{
		{training.CourseFilter{Locale: "en"}, []string{"c12", "c11", "c10"}},
		{training.CourseFilter{Locale: "en", Paging: training.Paging{Desc: true}}, []string{"c1", "c2", "c3"}},
		{training.CourseFilter{Locale: "de"}, []string{"c1", "c12", "c11"}}, // Anfang, Öffnen, Title o
		{training.CourseFilter{Locale: "de", Paging: training.Paging{Desc: true}}, []string{"c2", "c3", "c4"}},
		{training.CourseFilter{Locale: "en", Paging: training.Paging{Sort: "created_at"}}, []string{"c1", "c2", "c3"}},
		{training.CourseFilter{Locale: "en", Paging: training.Paging{Sort: "created_at", Desc: true}}, []string{"c12", "c11", "c10"}},
		{training.CourseFilter{Locale: "en", Paging: training.Paging{Sort: "minutes"}}, []string{"c12", "c10", "c11"}},
		{training.CourseFilter{Locale: "en", Paging: training.Paging{Sort: "minutes", Desc: true}}, []string{"c1", "c3", "c2"}},
	} {
		page, err := ask(t, s, courses(t, c.filter))
		if err != nil {
			t.Fatal(err)
		}
		if got := slugs(page); len(got) != 12 || !slices.Equal(got[:3], c.first) {
			t.Errorf("%+v: %v, want %v first", c.filter, got, c.first)
		}
		if page.Total != 12 || page.NextAfter != "" || page.Pages() != 1 {
			t.Errorf("%+v: total %d, next %q, pages %d", c.filter, page.Total, page.NextAfter, page.Pages())
		}
	}
}

func TestPagesAndKeysGiveTheSameList(t *testing.T) {
	s := reader(t)
	for _, sort := range training.CourseSorts() {
		for _, desc := range []bool{false, true} {
			whole, err := ask(t, s, courses(t, training.CourseFilter{Locale: "de", Paging: training.Paging{Sort: sort, Desc: desc}}))
			if err != nil {
				t.Fatal(err)
			}
			var byPage, byKey []string
			after := ""
			for n := 1; n <= 3; n++ {
				paging := training.Paging{Page: n, Size: 5, Sort: sort, Desc: desc}
				page, err := ask(t, s, courses(t, training.CourseFilter{Locale: "de", Paging: paging}))
				if err != nil {
					t.Fatal(err)
				}
				byPage = append(byPage, slugs(page)...)
				paging.After = after
				next, err := ask(t, s, courses(t, training.CourseFilter{Locale: "de", Paging: paging}))
				if err != nil {
					t.Fatal(err)
				}
				byKey = append(byKey, slugs(next)...)
				after = next.NextAfter
				if (after == "") != (n == 3) || page.HasNext() != (n < 3) {
					t.Errorf("%s page %d: next_after %q", sort, n, after)
				}
			}
			if !slices.Equal(byPage, slugs(whole)) || !slices.Equal(byKey, slugs(whole)) {
				t.Errorf("%s, desc %v:\nwhole %v\npages %v\nkeys  %v", sort, desc, slugs(whole), byPage, byKey)
			}
		}
	}
}

func TestCoursesAreFiltered(t *testing.T) {
	s := reader(t)
	for _, c := range []struct {
		filter training.CourseFilter
		total  int64
	}{
		{training.CourseFilter{Category: "email"}, 4},
		{training.CourseFilter{Category: "email", Unpublished: true}, 5},
		{training.CourseFilter{Unpublished: true}, 13},
		{training.CourseFilter{Level: training.Advanced}, 0},
		{training.CourseFilter{Level: training.Beginner, Category: "data"}, 8},
	} {
		for _, sort := range training.CourseSorts() {
			c.filter.Sort = sort
			page, err := ask(t, s, courses(t, c.filter))
			if err != nil {
				t.Fatal(err)
			}
			if page.Total != c.total || len(page.Items) != int(c.total) {
				t.Errorf("%+v: %d of %d", c.filter, len(page.Items), page.Total)
			}
		}
	}
}

func TestAPlaceInAnotherOrderIsRefused(t *testing.T) {
	s := reader(t)
	page, err := ask(t, s, courses(t, training.CourseFilter{Paging: training.Paging{Size: 2, Sort: "created_at"}}))
	if err != nil {
		t.Fatal(err)
	}
	for _, paging := range []training.Paging{
		{Sort: "title", After: page.NextAfter},
		{Sort: "created_at", Desc: true, After: page.NextAfter},
		{Sort: "minutes", After: "%"},
		{Sort: "minutes", After: "bWludXRlcyAxIHg"},
	} {
		if _, err := ask(t, s, courses(t, training.CourseFilter{Paging: paging})); training.CodeOf(err) != training.Invalid {
			t.Errorf("%+v: %v", paging, err)
		}
	}
}

func TestACourseIsFoundByIDAndSlug(t *testing.T) {
	s := reader(t)
	for _, name := range []string{"1", "c1"} {
		c, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.CourseDetail, error) {
			return q.Course(ctx, training.CourseRef{IDOrSlug: name, Locale: "de"})
		})
		if err != nil {
			t.Fatal(err)
		}
		if c.Title != "Anfang" || c.Locale != "de" || c.ValidityDays != 365 || c.Lessons != 3 || len(c.Contents) != 3 {
			t.Errorf("%s: %+v", name, c)
		}
		if c.Contents[0].Title != "Eins" || c.Contents[1].Title != "Two" || c.Contents[2].Kind != training.QuizLesson || c.Contents[2].Position != 4 {
			t.Errorf("%s: %+v", name, c.Contents)
		}
	}
	for _, c := range []struct {
		ref  training.CourseRef
		want training.Code
	}{
		{training.CourseRef{IDOrSlug: "99"}, training.NotFound},
		{training.CourseRef{IDOrSlug: "none"}, training.NotFound},
		{training.CourseRef{IDOrSlug: "99999999999999999999"}, training.NotFound},
		{training.CourseRef{IDOrSlug: "draft"}, training.NotFound},
		{training.CourseRef{IDOrSlug: "13"}, training.NotFound},
		{training.CourseRef{IDOrSlug: "draft", Unpublished: true}, ""},
	} {
		c.ref.Locale = training.DefaultLocale
		_, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.CourseDetail, error) {
			return q.Course(ctx, c.ref)
		})
		if training.CodeOf(err) != c.want {
			t.Errorf("%+v: %v", c.ref, err)
		}
	}
}

func TestALessonKnowsItsNeighboursAndItsQuiz(t *testing.T) {
	s := reader(t)
	lesson := func(name string, position int, unpublished bool) (training.Lesson, error) {
		return ask(t, s, func(ctx context.Context, q training.Queries) (training.Lesson, error) {
			return q.Lesson(ctx, training.CourseRef{IDOrSlug: name, Locale: "de", Unpublished: unpublished}, position)
		})
	}
	first, err := lesson("c1", 1, false)
	if err != nil {
		t.Fatal(err)
	}
	if first.Body != "Erstens." || first.Locale != "de" || first.Prev != 0 || first.Next != 3 || first.Quiz != nil {
		t.Errorf("%+v", first)
	}
	video, err := lesson("1", 3, false)
	if err != nil {
		t.Fatal(err)
	}
	if video.VideoURL == "" || video.Locale != "en" || video.Prev != 1 || video.Next != 4 || video.CourseSlug != "c1" {
		t.Errorf("%+v", video)
	}
	quiz, err := lesson("1", 4, false)
	if err != nil {
		t.Fatal(err)
	}
	if quiz.Next != 0 || quiz.Quiz == nil || *quiz.Quiz != (training.Quiz{ID: 1, PassPercent: 70, MaxAttempts: 3, Questions: 2}) {
		t.Errorf("%+v %+v", quiz, quiz.Quiz)
	}
	if _, err := lesson("1", 2, false); training.CodeOf(err) != training.NotFound {
		t.Errorf("a gap: %v", err)
	}
	if _, err := lesson("draft", 1, false); training.CodeOf(err) != training.NotFound {
		t.Errorf("of a draft: %v", err)
	}
	if _, err := lesson("draft", 1, true); err != nil {
		t.Errorf("of a draft, for those who see it: %v", err)
	}
}
