package training_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"
	"unsafe"

	"outpost/server/training"
)

func TestTheChosenLocaleOutlivesTheWish(t *testing.T) {
	wish := []byte("de")
	chosen := training.ChooseLocale(training.LocaleWishes{Requested: unsafe.String(&wish[0], len(wish))})
	copy(wish, "xx")
	if chosen != "de" {
		t.Errorf("%q", chosen)
	}
}

func TestLocaleIsTheFirstWishThatCanBeFulfilled(t *testing.T) {
	for _, c := range []struct {
		wishes training.LocaleWishes
		want   string
	}{
		{training.LocaleWishes{}, "en"},
		{training.LocaleWishes{Company: "de"}, "de"},
		{training.LocaleWishes{AcceptLanguage: "fr, de-CH;q=0.8, en;q=0.5", Company: "en"}, "de"},
		{training.LocaleWishes{AcceptLanguage: "en;q=0.5, de;q=0.8"}, "de"},
		{training.LocaleWishes{AcceptLanguage: "*;;,=", Company: "de"}, "de"},
		{training.LocaleWishes{User: "de", AcceptLanguage: "en"}, "de"},
		{training.LocaleWishes{Requested: "en-GB", User: "de"}, "en"},
		{training.LocaleWishes{Requested: "fr", User: "de"}, "de"},
		{training.LocaleWishes{Requested: "DE"}, "de"},
		{training.LocaleWishes{Requested: "\x00\xff"}, "en"},
	} {
		if got := training.ChooseLocale(c.wishes); got != c.want {
			t.Errorf("%+v: %s, want %s", c.wishes, got, c.want)
		}
	}
}

func TestACompletionExpiresAtTheEarlierLimit(t *testing.T) {
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		days, months int
		want         string
	}{
		{0, 0, ""},
		{365, 0, "2027-01-31"},
		{365, 1, "2026-02-28"},
		{10, 1, "2026-02-10"},
		{0, 12, "2027-01-31"},
		{0, 13, "2027-02-28"},
	} {
		got := ""
		if expires := training.ExpiresAt(at, c.days, c.months); expires != nil {
			got = expires.Format(time.DateOnly)
			if expires.Hour() != 12 {
				t.Errorf("%d days, %d months: the hour became %d", c.days, c.months, expires.Hour())
			}
		}
		if got != c.want {
			t.Errorf("%d days, %d months: %q, want %q", c.days, c.months, got, c.want)
		}
	}
}

func TestAnEnrollmentKnowsWhenItChangesByItself(t *testing.T) {
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	soon := now.Add(time.Hour)
	open := training.Enrollment{Status: training.InProgress, DueAt: &soon}
	done := training.Enrollment{Status: training.Completed, DueAt: &soon, ExpiresAt: &soon}
	for name, e := range map[string]training.Enrollment{"open": open, "done": done} {
		until := e.ValidUntil(now)
		if !until.Equal(soon) {
			t.Fatalf("%s: valid until %v, want %v", name, until, soon)
		}
		before := until.Add(-time.Nanosecond)
		if e.StatusAt(before) != e.StatusAt(now) || e.Overdue(before) != e.Overdue(now) {
			t.Errorf("%s: changes before %v", name, until)
		}
		if e.StatusAt(until) == e.StatusAt(now) && e.Overdue(until) == e.Overdue(now) {
			t.Errorf("%s: does not change at %v", name, until)
		}
		if after := e.ValidUntil(until); !after.IsZero() {
			t.Errorf("%s: changes once more at %v", name, after)
		}
	}
	if done.Overdue(soon) || !open.Overdue(soon) {
		t.Error("what is completed is never overdue, what is open is from its due date")
	}
}

func TestStatusFollowsTheLessonsDone(t *testing.T) {
	for _, c := range []struct {
		status training.EnrollmentStatus
		done   int
		want   training.EnrollmentStatus
	}{
		{training.Assigned, 0, training.Assigned},
		{training.Assigned, 1, training.InProgress},
		{training.InProgress, 3, training.Completed},
		{training.Completed, 2, training.Completed}, // a lesson was added later
		{training.Expired, 3, training.Expired},
	} {
		if got := training.StatusAfter(c.status, c.done, 3); got != c.want {
			t.Errorf("%s with %d of 3 done: %s, want %s", c.status, c.done, got, c.want)
		}
	}
}

func TestErrorsAreKnownByTheirCode(t *testing.T) {
	err := fmt.Errorf("enrolling: %w", &training.Error{Code: training.Unavailable, Message: "Later.", Err: io.EOF})
	if training.CodeOf(err) != training.Unavailable || !errors.Is(err, io.EOF) {
		t.Errorf("%v has the code %q", err, training.CodeOf(err))
	}
	if training.CodeOf(io.EOF) != "" {
		t.Error("an internal error has no code")
	}
}

func TestPagingRefusesWhatIsOutOfBounds(t *testing.T) {
	good := training.Paging{Page: 1, Size: 20, Sort: "title"}
	if err := good.Validate(training.CourseSorts()...); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*training.Paging){
		"page 0": func(p *training.Paging) { p.Page = 0 }, "page 1001": func(p *training.Paging) { p.Page = 1001 },
		"size 0": func(p *training.Paging) { p.Size = 0 }, "size 101": func(p *training.Paging) { p.Size = 101 },
		"sort": func(p *training.Paging) { p.Sort = "id" },
	} {
		p := good
		change(&p)
		if training.CodeOf(p.Validate(training.CourseSorts()...)) != training.Invalid {
			t.Errorf("%s was accepted", name)
		}
	}
}
