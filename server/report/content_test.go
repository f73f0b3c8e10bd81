package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"outpost/server/training"
)

// in gives a duty of a course, with days from the time of evaluation; 0 is no date.
func in(course int64, due, completed, expires int) training.Duty {
	at := func(days int) (t time.Time) {
		if days != 0 {
			t = evaluated.AddDate(0, 0, days)
		}
		return t
	}
	return training.Duty{CourseID: course, Cycle: 1, Open: completed == 0, DueAt: at(due), CompletedAt: at(completed), ExpiresAt: at(expires)}
}

// six are people whose figures are worked out below by hand. Requirement A is satisfied by course 1,
// B by course 2, C by course 3.
func six() *facts {
	f := staff(6, training.Individual, "en")
	f.courses = map[int64]string{1: "One", 2: "Two", 3: "Three"}
	f.requirements = []training.Requirement{{ID: 1, Code: "A", Text: "a", Courses: []int64{1}}, {ID: 2, Code: "B", Text: "b", Courses: []int64{2}}, {ID: 3, Code: "C", Text: "c", Courses: []int64{3}}}
	for i, duties := range [][]training.Duty{
		{in(1, -10, -12, 100), in(2, -10, -5, 100)}, // A and B met, B late
		{in(1, -10, -12, 100), in(2, -10, -15, -1)}, // A met, B expired
		{in(1, -10, -12, 0), in(2, -1, 0, 0)},       // A met for ever, B overdue
		{in(1, -10, -12, 100), in(2, 5, 0, 0)},      // A met, B not due
		{in(1, -3, 0, 0), in(2, -10, -12, 100)},     // A overdue, B met
		{in(1, 9, -1, 100), in(2, -10, -12, 100)},   // both met, A before it was due
	} {
		p := &f.people[i]
		p.Department, p.RiskFacts = "D", training.RiskFacts{Duties: duties, JobRisk: "low"}
	}
	return f
}

// spell is a row or the figures as people read them.
func spell(l *lingo, columns []Column, cells []Cell) string {
	var out []string
	for i := range columns {
		out = append(out, l.say(columns[i], cells[i]))
	}
	return strings.Join(out, " | ")
}

func figuresOf(c *Content) string {
	var out []string
	for _, f := range c.Figures {
		out = append(out, f.Name+" "+lingoOf(c.Locale).say(f.Column, f.Cell))
	}
	return strings.Join(out, ", ")
}

func rowsOf(c *Content, table string) (rows []string) {
	t := c.Table(table)
	for _, row := range t.Rows {
		rows = append(rows, spell(lingoOf(c.Locale), t.Columns, row))
	}
	return rows
}

func TestFiguresOfCompliance(t *testing.T) {
	c := worked(t, requested(training.GDPR, "en"), six())
	// Owed: A by six, B by five. Satisfied: A 5, B 3. Due: A five, B five; in time: A 4, B 3 (of the
	// second, too: it was in time and expired since).
	for _, want := range []struct{ what, got, want string }{
		{"figures", figuresOf(c), "rate 72.7%, on_time_rate 70.0%, obligations 11, satisfied 8, people 6, compliant 3"},
		{"requirements", strings.Join(rowsOf(c, "requirements"), "\n"), "A | a | One | 6 | 5 | 83.3%\nB | b | Two | 5 | 3 | 60.0%\nC | c | Three | 0 | 0 | no obligations"},
		{"departments", strings.Join(rowsOf(c, "departments"), "\n"), "D | 6 | 11 | 8 | 72.7% | 70.0% | 3"},
		{"the fourth", rowsOf(c, "people")[3], "Zoë Geheim-0003 | geheim.0003@mueller.example | D | met | not due | not due"},
	} {
		if want.got != want.want {
			t.Errorf("%s are\n%s\nwant\n%s", want.what, want.got, want.want)
		}
	}
	f := six()
	f.people = f.people[1:2]
	c = worked(t, own(requested(training.GDPR, "en")), f)
	if got, want := figuresOf(c), "rate 50.0%, on_time_rate 100.0%, obligations 2, satisfied 1"; got != want {
		t.Errorf("one's own are %s, want %s", got, want)
	}
	if got, want := rowsOf(c, "requirements")[1], "B | b | Two | open | – | 2026-02-22 | 2026-03-08"; got != want {
		t.Errorf("one's own requirement is %s, want %s", got, want)
	}
}

func TestFiguresOfLearning(t *testing.T) {
	c := worked(t, requested(training.LearningNow, "en"), six())
	for _, want := range []struct{ what, got, want string }{
		{"figures", figuresOf(c), "participations 12, completed 8, open 1, overdue 2, expired 1, completion_rate 66.7%, people 6, people_overdue 2"},
		{"courses", strings.Join(rowsOf(c, "courses"), "\n"), "1 | One | 6 | 5 | 0 | 1 | 0 | 83.3%\n2 | Two | 6 | 3 | 1 | 1 | 1 | 50.0%"},
		{"the third", rowsOf(c, "people")[2], "Zoë Geheim-0002 | geheim.0002@mueller.example | D | 1 | – | 2 | –"},
	} {
		if want.got != want.want {
			t.Errorf("%s are\n%s\nwant\n%s", want.what, want.got, want.want)
		}
	}
}

func TestFiguresOfRisk(t *testing.T) {
	f := six()
	for i := range f.people {
		f.people[i].Duties = nil
	}
	// Without dates the score is 100·0.2 of the job alone. With a quiz of 60 it is
	// 100·(0.15·0.4 + 0.10·0.2)/0.25 = 32.
	percent := 60
	f.people[0].LastQuiz = &percent
	f.people[1].Simulations = []training.Simulation{{SentAt: evaluated, Clicked: true}}
	c := worked(t, requested(training.RiskNow, "en"), f)
	// P of the second: (0.8 + 0.6)/5 = 0.28, R: 1 − 1.2/5 = 0.76; 100·(0.35·0.28 + 0.2·0.76 + 0.1·0.2)/0.65 = 41.5.
	// P90 is half way, at 4.5, from 32 to 41.5.
	mean := (32 + 41.5385 + 4*20) / 6
	if got, want := figuresOf(c), fmt.Sprintf("scored 6, score %.1f, p90 36.8, band moderate, simulations withheld, click_rate withheld, submit_rate withheld, report_rate withheld", mean); got != want {
		t.Errorf("figures are\n%s\nwant\n%s", got, want)
	}
	if got, want := rowsOf(c, "people")[1], "Zoë Geheim-0001 | geheim.0001@mueller.example | D | 41.5 | moderate | 28.0% | 76.0% | – | – | 20.0%"; got != want {
		t.Errorf("the second is\n%s\nwant\n%s", got, want)
	}
	// One person has been in a simulation: a department that would say so is not shown.
	if rows := rowsOf(c, "departments"); rows != nil {
		t.Errorf("departments are shown: %v", rows)
	}
}
