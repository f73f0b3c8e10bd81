package training_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"outpost/server/training"
)

// staff are some people of a department, with the same to learn and the same job.
func staff(first int64, n int, department, jobRisk string, duties ...training.Duty) (people []training.PersonFacts) {
	for id := first; id < first+int64(n); id++ {
		people = append(people, training.PersonFacts{
			UserID: id, CompanyID: 3, FullName: fmt.Sprintf("Person %d", id), Pseudonym: fmt.Sprintf("P-%d", 1000-id), Department: department,
			RiskFacts: training.RiskFacts{JobRisk: jobRisk, Duties: duties},
		})
	}
	return people
}

func analyse(company training.CompanyProfile, requirements []training.Requirement, people []training.PersonFacts) *training.Analytics {
	a := training.NewAnalyst(company, requirements, training.MinTrend, noon)
	for i := range people {
		p := people[i]
		p.Duties = slices.Clone(p.Duties)
		a.Add(&p)
	}
	return a.Done()
}

// The score of somebody of whom only the job is known is its exposure: 20, 50 or 80.
var (
	ours = training.CompanyProfile{ID: 3, Privacy: training.Individual}
	gdpr = []training.Requirement{{ID: 1, Courses: []int64{1}}}
	done = training.Duty{EnrollmentID: 1, CourseID: 1, StartedAt: hour(20, 1), CompletedAt: hour(20, 2), DueAt: hour(21, 0)}
	late = training.Duty{EnrollmentID: 2, CourseID: 1, Open: true, DueAt: hour(22, 23)}
	self = training.Duty{EnrollmentID: 3, CourseID: 1, CompletedAt: hour(20, 2)} // with no date
)

func TestAnalytics(t *testing.T) {
	people := slices.Concat(
		staff(1, 5, "IT", "low", done, training.Duty{EnrollmentID: 5, CourseID: 2, Open: true, StartedAt: hour(24, 0)}),
		staff(11, 6, "", "high", late, training.Duty{EnrollmentID: 6, CourseID: 2, CompletedAt: hour(1, 0), ExpiresAt: noon}),
		staff(21, 7, "HR", "medium"),
	)
	got := analyse(ours, gdpr, people)
	if !got.At.Equal(noon) || !got.ValidUntil.Equal(hour(25, 24)) || len(got.Trends) != training.MinTrend || len(got.Withheld) > 0 {
		t.Errorf("at %v until %v, %d days, without %v", got.At, got.ValidUntil, len(got.Trends), got.Withheld)
	}
	if today := got.Trends[6]; today.Obligations != 11 || today.Satisfied != 5 || today.Overdue != 6 {
		t.Errorf("today is %+v", today)
	}
	// T of those who are late is 3 days of 30, with 0.2, beside the exposure, with 0.1: 100·(0.02 + 0.08)/0.3.
	const atRisk = 100 * (0.2*0.1 + 0.1*0.8) / 0.3
	const calm = 100 * (0.1 * 0.2) / 0.3
	for i, want := range []struct {
		name                 string
		people, overdue      int
		rate, onTime, scored float64 // NaN: none
	}{{"", 6, 6, 0, 0, atRisk}, {"HR", 7, 0, math.NaN(), math.NaN(), 50}, {"IT", 5, 0, 1, 1, calm}} {
		d := got.Departments[i]
		if d.Name != want.name || d.Rest || d.People != want.people || d.Figures.Overdue != want.overdue ||
			!is(d.Figures.Rate(), want.rate) || !is(d.Figures.OnTimeRate(), want.onTime) || !is(d.Figures.Risk.Mean(), want.scored) {
			t.Errorf("%+v, want %+v", d, want)
		}
	}
	wantCourses := []training.CourseFigures{
		{CourseID: 1, People: 11, Completed: 5, Assigned: 6, Overdue: 6}, {CourseID: 2, People: 11, InProgress: 5, Expired: 6},
	}
	if !slices.Equal(got.Courses, wantCourses) || !is(got.Courses[0].CompletionRate(), 5.0/11) {
		t.Errorf("courses %+v", got.Courses)
	}
	if got.OverdueCount != 6 || got.OverduePeople != 6 || len(got.Overdue) != 6 || got.Overdue[0] != (training.OverdueItem{
		EnrollmentID: 2, UserID: 11, FullName: "Person 11", CourseID: 1, DueAt: hour(22, 23), Days: 3,
	}) {
		t.Errorf("overdue %d of %d: %+v", got.OverdueCount, got.OverduePeople, got.Overdue)
	}
	if first := got.AtRisk[0]; len(got.AtRisk) != 18 || first.UserID != 21 || first.Score != 50 || first.Department != "HR" || first.Exposure == nil || got.Unlisted != "" {
		t.Errorf("%d at risk, %q: %+v", len(got.AtRisk), got.Unlisted, first)
	}
}

func is(got *float64, want float64) bool {
	return got == nil && math.IsNaN(want) || got != nil && math.Abs(*got-want) < 1e-9
}

func TestAnalyticsChangeWhenTheFirstOfTheirPartsDoes(t *testing.T) {
	next := noon.Add(time.Hour)
	for name, d := range map[string]training.Duty{
		"a date":                           {CourseID: 1, Open: true, DueAt: next},
		"a date of a course for itself":    {CourseID: 9, Open: true, DueAt: next},
		"an expiry":                        {CourseID: 1, CompletedAt: hour(2, 0), ExpiresAt: next},
		"an expiry of a course for itself": {CourseID: 9, CompletedAt: hour(2, 0), ExpiresAt: next},
		"a date of what is done, which then was on time": {CourseID: 1, CompletedAt: hour(2, 0), DueAt: next},
	} {
		if got := analyse(ours, gdpr, staff(1, 1, "", "low", d)).ValidUntil; !got.Equal(next) {
			t.Errorf("%s: valid until %v", name, got)
		}
	}
	for name, d := range map[string]training.Duty{
		"a date of what is done, of a course for itself": {CourseID: 9, CompletedAt: hour(2, 0), DueAt: next},
		"a date that has passed":                         {CourseID: 1, Open: true, DueAt: noon},
	} {
		if got := analyse(ours, gdpr, staff(1, 1, "", "low", d)).ValidUntil; !got.Equal(hour(25, 24)) {
			t.Errorf("%s: valid until %v", name, got)
		}
	}
}

func TestDepartmentsOfFewAreNotShownApart(t *testing.T) {
	for _, c := range []struct {
		name   string
		people []training.PersonFacts
		shown  string // names and people; + is the rest
	}{
		{"enough", slices.Concat(staff(1, 5, "A", "low"), staff(11, 6, "B", "low")), "A:5 B:6"},
		{"the next smallest joins", slices.Concat(staff(1, 4, "A", "low"), staff(11, 6, "B", "low"), staff(21, 7, "C", "low")), "C:7 +:10"},
		{"two of few are enough", slices.Concat(staff(1, 4, "A", "low"), staff(11, 3, "B", "low"), staff(21, 7, "C", "low")), "C:7 +:7"},
		{"nothing left to join", staff(1, 4, "A", "low"), ""},
		{"no department is one", slices.Concat(staff(1, 4, "", "low"), staff(11, 6, "B", "low")), "+:10"},
		// Of A's ten, one has an obligation; with B's four that makes five.
		{"few obligations", slices.Concat(staff(1, 1, "A", "low", self), staff(2, 9, "A", "low"), staff(11, 4, "B", "low", self), staff(21, 8, "C", "low")), "C:8 +:14"},
		// A's one obligation and B's four people make no five of any one figure: C has none to add, D has.
		{
			"few obligations beside none",
			slices.Concat(staff(1, 1, "A", "low", self), staff(2, 9, "A", "low"), staff(11, 4, "B", "low"), staff(21, 8, "C", "low"), staff(31, 9, "D", "low", self)),
			"+:31",
		},
		{
			"few obligations beside none, and one too large to be needed",
			slices.Concat(staff(1, 1, "A", "low", self), staff(2, 9, "A", "low"), staff(11, 4, "B", "low"), staff(21, 8, "C", "low", self), staff(31, 9, "D", "low", self)),
			"D:9 +:22",
		},
		{"few with a date", slices.Concat(staff(1, 2, "A", "low", done), staff(3, 8, "A", "low", self), staff(21, 8, "B", "low", done), staff(31, 9, "C", "low", done)), "C:9 +:18"},
	} {
		got := ""
		for _, d := range analyse(ours, gdpr, c.people).Departments {
			name := d.Name
			if d.Rest {
				name = "+"
			}
			if got != "" {
				got += " "
			}
			got += fmt.Sprintf("%s:%d", name, d.People)
			for _, n := range []int{d.People, d.Figures.People, d.Figures.Timed, len(d.Figures.Risk.Scores)} {
				if !training.Enough(n) {
					t.Errorf("%s: %s shows what %d people make up", c.name, name, n)
				}
			}
		}
		if got != c.shown {
			t.Errorf("%s: %q, want %q", c.name, got, c.shown)
		}
	}
}

func TestWhoIsListedWithAScore(t *testing.T) {
	two := func(n int) []training.PersonFacts {
		return append(staff(1, n-1, "IT", "low"), staff(50, 1, "HR", "high", late)...)
	}
	listed := func(mode training.PrivacyMode, company int64, n int) *training.Analytics {
		return analyse(training.CompanyProfile{ID: company, Privacy: mode}, gdpr, two(n))
	}
	for _, c := range []struct {
		mode    training.PrivacyMode
		company int64
		people  int
		listed  int
		reason  training.Reason
	}{
		{training.Aggregate, 3, 30, 0, training.PrivacyReason},
		{"", 3, 30, 0, training.PrivacyReason},
		{training.Aggregate, 0, 30, 0, training.SeveralReason},
		{training.Individual, 0, 30, 0, training.SeveralReason},
		{training.Pseudonymous, 3, 4, 0, training.FewReason},
		{training.Pseudonymous, 3, 5, 5, ""},
		{training.Pseudonymous, 3, 30, training.MaxAtRisk, ""},
		{training.Individual, 3, 4, 4, ""},
		{training.Individual, 3, 30, training.MaxAtRisk, ""},
	} {
		a := listed(c.mode, c.company, c.people)
		if len(a.AtRisk) != c.listed || a.Unlisted != c.reason {
			t.Errorf("%+v: %d are listed, %q", c, len(a.AtRisk), a.Unlisted)
		}
		few := !slices.Contains(a.Withheld, "risk") == (a.Risk.Mean() != nil)
		if !few {
			t.Errorf("%+v: withheld are %v, the score is %v", c, a.Withheld, a.Risk.Mean())
		}
		for _, r := range a.AtRisk {
			named, hidden := r.FullName != "" && r.UserID != 0 && r.Exposure != nil && r.Pseudonym == "", r.Pseudonym != "" && r == (training.AtRisk{
				Sight: training.ByPseudonym, Pseudonym: r.Pseudonym, Risk: training.Risk{Score: math.Round(r.Score)},
			})
			if named != (c.mode == training.Individual) || hidden != (c.mode == training.Pseudonymous) {
				t.Errorf("%s shows %+v", c.mode, r)
			}
		}
	}
	if first := listed(training.Pseudonymous, 3, 30).AtRisk[0]; first.Pseudonym != "P-950" || first.Score != 33 {
		t.Errorf("the first is %+v", first)
	}
}

func TestListsAreBoundedAndCountsAreNot(t *testing.T) {
	var duties []training.Duty
	for i := range 150 {
		duties = append(duties, training.Duty{EnrollmentID: int64(i), CourseID: int64(i), Open: true, DueAt: noon.Add(-time.Duration((i*77)%150+1) * time.Hour)})
	}
	got := analyse(ours, gdpr, slices.Concat(staff(1, 5, "", "low", duties...), staff(6, 1, "", "low", duties[7])))
	if got.OverdueCount != 751 || got.OverduePeople != 6 || len(got.Overdue) != training.MaxOverdue || len(got.Courses) != training.MaxCourseFigures || got.Courses[0].CourseID != 7 {
		t.Errorf("%d overdue of %d people, %d listed, %d courses", got.OverdueCount, got.OverduePeople, len(got.Overdue), len(got.Courses))
	}
	for i, o := range got.Overdue {
		if o.Days != days(o.DueAt) || i > 0 && o.DueAt.Before(got.Overdue[i-1].DueAt) {
			t.Errorf("item %d is %+v", i, o)
		}
	}
}

func TestWhatIsLeftOutIsNamed(t *testing.T) {
	twice := []training.Duty{{CourseID: 2, Cycle: 1, CompletedAt: hour(2, 0)}, {CourseID: 2, Cycle: 2, Open: true}} // one person in two cycles
	few := analyse(ours, gdpr, staff(1, 4, "", "low", append(twice, late)...))
	if len(few.Courses) > 0 || !slices.Equal(few.Withheld, []string{"trends", "departments", "courses", "risk"}) {
		t.Errorf("of four people, %v are withheld, and courses are %+v", few.Withheld, few.Courses)
	}
	enough := analyse(ours, gdpr, staff(1, 5, "", "low", append(twice, late)...))
	if len(enough.Courses) != 2 || len(enough.Withheld) > 0 || enough.Courses[0].People != 5 {
		t.Errorf("of five people, %v are withheld, and courses are %+v", enough.Withheld, enough.Courses)
	}
}

func days(since time.Time) int {
	return int(noon.Truncate(24*time.Hour).Sub(since.Truncate(24*time.Hour)) / (24 * time.Hour))
}
