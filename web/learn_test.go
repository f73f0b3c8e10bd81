package web

import (
	"net/url"
	"reflect"
	"testing"
	"time"

	"outpost/server/api/openapi"
)

func TestTheMostUrgentCourseComesFirst(t *testing.T) {
	day := func(n int) *time.Time {
		d := time.Date(2026, 12, n, 0, 0, 0, 0, time.UTC)
		return &d
	}
	p := sortLearn([]openapi.EnrollmentSummary{
		{Id: 1, CourseId: 1, Status: openapi.EnrollmentStatusAssigned},
		{Id: 2, CourseId: 2, Status: openapi.EnrollmentStatusInProgress, StartedAt: day(1)},
		{Id: 3, CourseId: 3, Status: openapi.EnrollmentStatusAssigned, DueAt: day(20)},
		{Id: 4, CourseId: 4, Status: openapi.EnrollmentStatusAssigned, DueAt: day(3), Overdue: true},
		{Id: 5, CourseId: 5, Status: openapi.EnrollmentStatusInProgress, DueAt: day(2), Overdue: true},
		{Id: 6, CourseId: 6, Cycle: 1, Status: openapi.EnrollmentStatusExpired, CompletedAt: day(1)},
		{Id: 7, CourseId: 6, Cycle: 2, Status: openapi.EnrollmentStatusCompleted, CompletedAt: day(2)},
		{Id: 8, CourseId: 8, Status: openapi.EnrollmentStatusExpired, CompletedAt: day(1)},
	})
	if p.Next == nil || p.Next.Id != 5 {
		t.Fatalf("goes on with %+v", p.Next)
	}
	for name, list := range map[string]struct {
		got  []openapi.EnrollmentSummary
		want []int64
	}{"overdue": {p.Overdue, []int64{4}}, "open": {p.Open, []int64{3, 2, 1}}, "expired": {p.Expired, []int64{8}}, "done": {p.Done, []int64{7}}} {
		var ids []int64
		for _, e := range list.got {
			ids = append(ids, e.Id)
		}
		if !reflect.DeepEqual(ids, list.want) {
			t.Errorf("%s: %v, want %v", name, ids, list.want)
		}
	}
}

func TestAnExpiredCycleCountsForNothingInTheNext(t *testing.T) {
	p := coursePage{
		Course:     openapi.CourseDetail{Lessons: []openapi.LessonSummary{{Id: 10, Position: 1}, {Id: 11, Position: 2}}},
		Enrollment: &openapi.Enrollment{Status: openapi.EnrollmentStatusExpired, Progress: []openapi.Progress{{LessonId: 10}}},
	}
	p.follow()
	if p.GoOn != 1 || p.Lessons[0].Done || p.Open() {
		t.Errorf("goes on with %d of %+v", p.GoOn, p.Lessons)
	}
}

func TestAnswersOfTheSameFormAreTheSameRequest(t *testing.T) {
	form := url.Values{"q9": {"3", "1"}, "q10": {"7"}, "action": {"submit"}, "number": {"1"}}
	want := []openapi.Answer{{QuestionId: 10, OptionIds: []int64{7}}, {QuestionId: 9, OptionIds: []int64{3, 1}}}
	for range 20 {
		got, err := answers(form)
		if err != nil || !reflect.DeepEqual(got.Answers, want) {
			t.Fatalf("%+v, %v", got.Answers, err)
		}
	}
	if _, err := answers(url.Values{"q9": {"x"}}); err == nil {
		t.Error("an option that is no number was taken")
	}
}

func TestInlineHasNoParagraph(t *testing.T) {
	for source, want := range map[string]string{
		"Who runs `a.test`?":        "Who runs <code>a.test</code>?",
		"<script>alert(1)</script>": "",
		"One.\n\nTwo.":              "<p>One.</p>\n<p>Two.</p>",
	} {
		if got, err := inline(source); err != nil || string(got) != want {
			t.Errorf("%q: %q, %v", source, got, err)
		}
	}
}
