package report

import (
	"slices"
	"strings"
	"time"

	"outpost/server/training"
)

// standing is how some people stand to a framework.
type standing struct {
	training.Compliance
	Dated int // people with something due
}

func (s *standing) add(other standing) {
	s.Compliance.Add(other.Compliance)
	s.Dated += other.Dated
}

// made is by how many people each figure is made up.
func (s *standing) made() []int { return []int{s.People, s.Dated} }

func standingOf(f *facts, p *training.PersonFacts) (s standing, verdicts []training.Verdict) {
	verdicts, _ = s.Count(f.requirements, p.Duties, f.at)
	if s.Due > 0 {
		s.Dated = 1
	}
	return s, verdicts
}

// compliance is how a company stands to a framework.
func compliance(c *Content, f *facts, l *lingo) {
	var all standing
	verdicts := make([][]training.Verdict, len(f.people))
	rowOf := make(map[int64]int, len(f.people))
	owes := make([][]int, len(f.people))
	totals := make([]training.Compliance, len(f.requirements))
	for i := range f.people {
		var s standing
		s, verdicts[i] = standingOf(f, &f.people[i])
		all.add(s)
		rowOf[f.people[i].UserID] = i
		for r, v := range verdicts[i] {
			if v == training.NotOwed {
				continue
			}
			owes[i] = append(owes[i], r)
			totals[r].Obligations++
			if v == training.Satisfied {
				totals[r].Satisfied++
			}
		}
	}
	c.figure("rate", Share, made(all.People, share(all.Rate())))
	c.figure("on_time_rate", Share, made(all.Dated, share(of(all.OnTime, all.Due))))
	c.figure("obligations", Count, made(all.People, count(all.Obligations)))
	c.figure("satisfied", Count, made(all.People, count(all.Satisfied)))
	c.labelled(Column{Name: "people", Kind: Count, Label: l.t("people obliged")}, made(all.People, count(all.People)))
	c.figure("compliant", Count, made(all.People, count(all.Compliant)))

	requirements := requirementTable(f)
	hide := hidden(len(f.requirements), owes)
	for r := range f.requirements {
		cells := []Cell{{State: Withheld}, {State: Withheld}, {State: Withheld}}
		if !hide[r] {
			n := totals[r]
			cells = []Cell{count(n.Obligations), count(n.Satisfied), share(of(n.Satisfied, n.Obligations))}
		}
		requirements.Rows[r] = append(requirements.Rows[r], cells...)
	}
	requirements.Columns = append(requirements.Columns, Column{Name: "obligations", Kind: Count, Wide: 1.8}, Column{Name: "satisfied", Kind: Count, Wide: 1.8}, Column{Name: "rate", Kind: Share, Wide: 1.6})
	requirements.noteWithheld(l)
	c.Tables = append(c.Tables, requirements)
	c.Chart = &Chart{Table: "requirements", Label: "code", Value: "rate", Whole: 1}

	groups := grouped(f, l, func(p *training.PersonFacts) standing { s, _ := standingOf(f, p); return s },
		func(to *standing, from standing) { to.add(from) }, func(s *standing) []int { return s.made() })
	c.Tables = append(c.Tables, departments(groups, []Column{
		{Name: "people", Kind: Count, Wide: 2, Label: l.t("people obliged")},
		{Name: "obligations", Kind: Count, Wide: 2},
		{Name: "satisfied", Kind: Count, Wide: 2},
		{Name: "rate", Kind: Share, Wide: 2},
		{Name: "on_time_rate", Kind: Share, Wide: 2},
		{Name: "compliant", Kind: Count, Wide: 2},
	}, l, func(s *standing) []Cell {
		return []Cell{
			count(s.People), count(s.Obligations), count(s.Satisfied), share(of(s.Satisfied, s.Obligations)),
			share(of(s.OnTime, s.Due)), count(s.Compliant),
		}
	}))

	if columns, people, cells := f.learners(l); people != nil {
		t := Table{Name: "people", Columns: columns, Note: l.t("people note")}
		for r := range f.requirements {
			t.Columns = append(t.Columns, Column{Name: f.requirements[r].Code, Label: f.requirements[r].Code, Kind: Word, Wide: 1.5})
		}
		for i, p := range people {
			row := cells(i)
			for _, v := range verdicts[rowOf[p.UserID]] {
				row = append(row, Cell{Text: verdictCode(v), State: Given})
			}
			t.Rows = append(t.Rows, row)
		}
		c.Tables = append(c.Tables, t)
	}
}

// requirementTable is the framework's requirements, without figures yet.
func requirementTable(f *facts) Table {
	t := Table{Name: "requirements", Columns: []Column{{Name: "code", Wide: 2.4}, {Name: "text", Wide: 6.5}, {Name: "courses", Wide: 4.5}}}
	for i := range f.requirements {
		r := &f.requirements[i]
		var courses []string
		for _, id := range r.Courses {
			courses = append(courses, f.courses[id])
		}
		slices.Sort(courses)
		t.Rows = append(t.Rows, []Cell{text(r.Code), text(r.Text), text(strings.Join(courses, "; "))})
	}
	return t
}

func verdictCode(v training.Verdict) string {
	switch v {
	case training.Satisfied:
		return "satisfied"
	case training.Owed:
		return "open"
	case training.NotOwed:
	}
	return "not_due"
}

// ownCompliance is how one person stands to a framework.
func ownCompliance(c *Content, f *facts) {
	p := &f.people[0]
	s, verdicts := standingOf(f, p)
	c.figure("rate", Share, share(of(s.Satisfied, s.Obligations)))
	c.figure("on_time_rate", Share, share(of(s.OnTime, s.Due)))
	c.figure("obligations", Count, count(s.Obligations))
	c.figure("satisfied", Count, count(s.Satisfied))

	t := requirementTable(f)
	t.Columns = append(t.Columns, Column{Name: "state", Kind: Word, Wide: 1.8}, Column{Name: "due_on", Kind: Day, Wide: 2.2},
		Column{Name: "completed_on", Kind: Day, Wide: 2.2}, Column{Name: "expires_on", Kind: Day, Wide: 2.2})
	for i := range f.requirements {
		r := &f.requirements[i]
		mine := slices.DeleteFunc(slices.Clone(p.Duties), func(d training.Duty) bool { return !slices.Contains(r.Courses, d.CourseID) })
		due, done := outlook(mine, f.at)
		t.Rows[i] = append(t.Rows[i], Cell{Text: verdictCode(verdicts[i]), State: Given}, day(due), day(done.CompletedAt), day(done.ExpiresAt))
	}
	c.Tables = append(c.Tables, t, completions(p, f))
}

// outlook is the next date of what is open, and of what was completed what lasts longest.
func outlook(duties []training.Duty, at time.Time) (due time.Time, done training.Duty) {
	for _, d := range duties {
		if d.Open && !d.DueAt.IsZero() && (due.IsZero() || d.DueAt.Before(due)) {
			due = d.DueAt
		}
		if d.CompletedAt.IsZero() || d.CompletedAt.After(at) {
			continue
		}
		if done.CompletedAt.IsZero() || !done.ExpiresAt.IsZero() && (d.ExpiresAt.IsZero() || d.ExpiresAt.After(done.ExpiresAt)) {
			done = d
		}
	}
	return due, done
}

// completions are all that somebody has completed, latest first.
func completions(p *training.PersonFacts, f *facts) Table {
	t := Table{Name: "completions", Columns: []Column{
		{Name: "course", Wide: 6}, {Name: "completed_on", Kind: Day, Wide: 2}, {Name: "expires_on", Kind: Day, Wide: 2}, {Name: "state", Kind: Word, Wide: 2},
	}}
	done := slices.DeleteFunc(slices.Clone(p.Duties), func(d training.Duty) bool { return d.CompletedAt.IsZero() || d.CompletedAt.After(f.at) })
	slices.SortStableFunc(done, func(a, b training.Duty) int { return b.CompletedAt.Compare(a.CompletedAt) })
	for i := range done {
		state := "expired"
		if done[i].CompleteAt(f.at) {
			state = "valid"
		}
		t.Rows = append(t.Rows, []Cell{text(f.courses[done[i].CourseID]), day(done[i].CompletedAt), day(done[i].ExpiresAt), {Text: state, State: Given}})
	}
	return t
}
