package training_test

import (
	"testing"
	"time"

	"outpost/server/training"
)

func TestOccurrencesFollowOneAnotherFromTheFirstDueDate(t *testing.T) {
	day := func(s string) time.Time {
		t.Helper()
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, c := range []struct {
		due    string
		months int
		at     string
		number int
		opens  string
		want   string
	}{
		{"2026-01-31", 0, "2026-01-10", 1, "2026-01-01", "2026-01-31"},
		{"2026-01-31", 0, "2030-01-01", 1, "2026-01-01", "2026-01-31"}, // once
		{"", 0, "2030-01-01", 1, "2026-01-01", ""},
		{"2026-01-31", 1, "2026-01-30", 1, "2026-01-01", "2026-01-31"},
		{"2026-01-31", 1, "2026-01-31", 2, "2026-01-31", "2026-02-28"}, // opens when the one before is due
		{"2026-01-31", 1, "2026-02-28", 3, "2026-02-28", "2026-03-31"}, // and the 31st comes back
		{"2026-01-31", 1, "2026-03-30", 3, "2026-02-28", "2026-03-31"},
		{"2026-01-31", 12, "2027-01-31", 3, "2027-01-31", "2028-01-31"},
		{"2028-02-29", 12, "2028-03-01", 2, "2028-02-29", "2029-02-28"},
		{"2028-02-29", 12, "2031-12-01", 5, "2031-02-28", "2032-02-29"},
		{"2026-12-15", 3, "2030-01-01", 14, "2029-12-15", "2030-03-15"}, // long after
	} {
		a := training.Assignment{CreatedAt: day("2026-01-01"), Recurrence: c.months}
		if c.due != "" {
			due := day(c.due)
			a.DueAt = &due
		}
		got := a.Occurrence(day(c.at))
		due := ""
		if got.DueAt != nil {
			due = got.DueAt.Format(time.DateOnly)
		}
		if got.Number != c.number || due != c.want || got.OpensAt.Format(time.DateOnly) != c.opens {
			t.Errorf("due %s every %d months, at %s: number %d from %s until %q, want %d from %s until %q",
				c.due, c.months, c.at, got.Number, got.OpensAt.Format(time.DateOnly), due, c.number, c.opens, c.want)
		}
	}
}

func TestEveryInstantHasOneOccurrence(t *testing.T) {
	first := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for months := 1; months <= 13; months++ {
		a := training.Assignment{CreatedAt: first.AddDate(0, 0, -20), DueAt: &first, Recurrence: months}
		number := 1
		for at := a.CreatedAt; at.Year() < 2033; at = at.Add(7 * time.Hour) {
			o := a.Occurrence(at)
			if o.Number != number && o.Number != number+1 || at.Before(o.OpensAt) || !at.Before(*o.DueAt) {
				t.Fatalf("every %d months, at %v: %+v due %v after number %d", months, at, o, o.DueAt, number)
			}
			number = o.Number
		}
	}
}

func TestAnAssignmentKnowsWhenItChangesByItself(t *testing.T) {
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	due, soon := now.Add(2*time.Hour), now.Add(time.Hour)
	a := training.Assignment{CreatedAt: now, DueAt: &due}
	if got := a.ValidUntil(now); !got.Equal(due) {
		t.Errorf("without counts: %v", got)
	}
	a.Counts = &training.AssignmentCounts{NextDue: soon}
	if got := a.ValidUntil(now); !got.Equal(soon) {
		t.Errorf("with counts: %v", got)
	}
	a.Counts, a.EndedAt = nil, &now
	if got := a.ValidUntil(now); !got.IsZero() {
		t.Errorf("ended: %v", got)
	}
}

func TestAnAssignmentIsRefusedForAllThatIsWrongWithIt(t *testing.T) {
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	ahead, past, far := now.Add(time.Hour), now, now.AddDate(11, 0, 0)
	good := training.NewAssignment{CourseID: 1, Scope: training.CompanyScope, DueAt: &ahead, Recurrence: 12}
	for name, c := range map[string]struct {
		change func(*training.NewAssignment)
		fields []string
	}{
		"good":                      {func(*training.NewAssignment) {}, nil},
		"no date":                   {func(n *training.NewAssignment) { n.DueAt, n.Recurrence = nil, 0 }, nil},
		"a person":                  {func(n *training.NewAssignment) { n.Scope, n.UserID = training.UserScope, 3 }, nil},
		"everything":                {func(n *training.NewAssignment) { *n = training.NewAssignment{Recurrence: -1} }, []string{"course_id", "scope", "recurrence_months"}},
		"a department without name": {func(n *training.NewAssignment) { n.Scope = training.DepartmentScope }, []string{"department"}},
		"a department too many":     {func(n *training.NewAssignment) { n.Department = "IT" }, []string{"department"}},
		"a department too long": {func(n *training.NewAssignment) {
			n.Scope, n.Department = training.DepartmentScope, string(make([]byte, 201))
		}, []string{"department"}},
		"nobody":                       {func(n *training.NewAssignment) { n.Scope = training.UserScope }, []string{"user_id"}},
		"somebody too many":            {func(n *training.NewAssignment) { n.UserID = 3 }, []string{"user_id"}},
		"now":                          {func(n *training.NewAssignment) { n.DueAt = &past }, []string{"due_at"}},
		"far away":                     {func(n *training.NewAssignment) { n.DueAt = &far }, []string{"due_at"}},
		"recurring from no date":       {func(n *training.NewAssignment) { n.DueAt = nil }, []string{"recurrence_months"}},
		"recurring every eleven years": {func(n *training.NewAssignment) { n.Recurrence = 121 }, []string{"recurrence_months"}},
	} {
		n := good
		c.change(&n)
		errs := n.Validate(now)
		if len(errs) != len(c.fields) {
			t.Errorf("%s: %v, want %v", name, errs, c.fields)
			continue
		}
		for i, e := range errs {
			if e.Field != c.fields[i] {
				t.Errorf("%s: %v, want %v", name, errs, c.fields)
			}
		}
	}
}
