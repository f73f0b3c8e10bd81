package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"outpost/server/training"
)

// Where somebody stands with a course, in all its cycles.
const (
	isOverdue   = "overdue"   // a cycle should be done and is not
	isCompleted = "completed" // and has not expired
	isOpen      = "open"
	isExpired   = "expired" // completed once, and nothing open
)

// standsAt is where somebody with these duties, of one course, stands.
func standsAt(duties []training.Duty, t time.Time) string {
	state := isExpired
	for i := range duties {
		d := &duties[i]
		switch {
		case d.OverdueAt(t):
			return isOverdue
		case d.CompleteAt(t):
			state = isCompleted
		case d.Open && state != isCompleted:
			state = isOpen
		}
	}
	return state
}

// perCourse puts somebody's duties together by course, in the order of the courses' ids.
func perCourse(duties []training.Duty) [][]training.Duty {
	sorted := slices.Clone(duties)
	slices.SortStableFunc(sorted, func(a, b training.Duty) int {
		return cmp.Or(cmp.Compare(a.CourseID, b.CourseID), cmp.Compare(a.Cycle, b.Cycle))
	})
	var out [][]training.Duty
	for len(sorted) > 0 {
		n := 1
		for n < len(sorted) && sorted[n].CourseID == sorted[0].CourseID {
			n++
		}
		out, sorted = append(out, sorted[:n]), sorted[n:]
	}
	return out
}

// progress is how far some people are with some courses.
type progress struct {
	People   int            // who take part in one
	Behind   int            // of these, with something overdue
	Takings  int            // person × course
	InStates map[string]int // of these
}

func (s *progress) take(state string) {
	if s.InStates == nil {
		s.InStates = map[string]int{}
	}
	s.Takings++
	s.InStates[state]++
}

func (s *progress) add(other progress) {
	s.People += other.People
	s.Behind += other.Behind
	s.Takings += other.Takings
	for state, n := range other.InStates {
		if s.InStates == nil {
			s.InStates = map[string]int{}
		}
		s.InStates[state] += n
	}
}

func (s *progress) cells() []Cell {
	return []Cell{
		count(s.Takings), count(s.InStates[isCompleted]), count(s.InStates[isOpen]), count(s.InStates[isOverdue]), count(s.InStates[isExpired]),
		share(of(s.InStates[isCompleted], s.Takings)),
	}
}

func progressColumns() []Column {
	return []Column{
		{Name: "participations", Kind: Count, Wide: 2},
		{Name: isCompleted, Kind: Count, Wide: 2},
		{Name: isOpen, Kind: Count, Wide: 1.6},
		{Name: isOverdue, Kind: Count, Wide: 1.8},
		{Name: isExpired, Kind: Count, Wide: 1.9},
		{Name: "completion_rate", Kind: Share, Wide: 2},
	}
}

// taken is where somebody stands with each of their courses.
type taken struct {
	course int64
	state  string
}

func takings(p *training.PersonFacts, at time.Time) (all []taken, s progress) {
	for _, duties := range perCourse(p.Duties) {
		state := standsAt(duties, at)
		all = append(all, taken{duties[0].CourseID, state})
		s.take(state)
	}
	if len(all) > 0 {
		s.People = 1
	}
	if s.InStates[isOverdue] > 0 {
		s.Behind = 1
	}
	return all, s
}

// learning is who of a company has learned what, and what is overdue.
func learning(c *Content, f *facts, l *lingo) {
	var all progress
	byCourse := map[int64]*progress{}
	byPerson := make(map[int64][]taken, len(f.people))
	for i := range f.people {
		takes, s := takings(&f.people[i], f.at)
		byPerson[f.people[i].UserID] = takes
		all.add(s)
		for _, t := range takes {
			if byCourse[t.course] == nil {
				byCourse[t.course] = &progress{}
			}
			byCourse[t.course].take(t.state)
		}
	}
	for i, cell := range all.cells() {
		column := progressColumns()[i]
		c.figure(column.Name, column.Kind, made(all.People, cell))
	}
	c.labelled(Column{Name: "people", Kind: Count, Label: l.t("people taking part")}, made(all.People, count(all.People)))
	c.figure("people_overdue", Count, made(all.People, count(all.Behind)))

	table, number := courseTable(f, byCourse, byPerson)
	table.noteWithheld(l)
	c.Tables = append(c.Tables, table)
	c.Chart = &Chart{Table: "courses", Label: "course", Value: "completion_rate", Whole: 1}

	groups := grouped(f, l, func(p *training.PersonFacts) progress { _, s := takings(p, f.at); return s },
		func(to *progress, from progress) { to.add(from) }, func(s *progress) []int { return []int{s.People} })
	c.Tables = append(c.Tables, departments(groups, append([]Column{{Name: "people", Kind: Count, Wide: 1.8, Label: l.t("people taking part")}}, progressColumns()...), l,
		func(s *progress) []Cell { return append([]Cell{count(s.People)}, s.cells()...) }))

	if columns, people, cells := f.learners(l); people != nil {
		t := Table{Name: "people", Columns: columns, Note: l.t("course numbers")}
		states := []string{isCompleted, isOpen, isOverdue, isExpired}
		for _, state := range states {
			t.Columns = append(t.Columns, Column{Name: "courses_" + state, Wide: 2})
		}
		for i, p := range people {
			row := cells(i)
			for _, state := range states {
				row = append(row, numbers(byPerson[p.UserID], state, number))
			}
			t.Rows = append(t.Rows, row)
		}
		c.Tables = append(c.Tables, t)
	}
}

// courseTable is the courses that people take part in, and the number by which other tables name each.
func courseTable(f *facts, byCourse map[int64]*progress, byPerson map[int64][]taken) (Table, map[int64]int) {
	ids := make([]int64, 0, len(byCourse))
	for id := range byCourse {
		ids = append(ids, id)
	}
	// By title: an order by how many take part would tell of a course of few.
	slices.SortFunc(ids, func(a, b int64) int {
		return cmp.Or(cmp.Compare(f.courses[a], f.courses[b]), cmp.Compare(a, b))
	})
	index, number := map[int64]int{}, map[int64]int{}
	for i, id := range ids {
		index[id], number[id] = i, i+1
	}
	shares := make([][]int, 0, len(byPerson))
	for i := range f.people {
		var of []int
		for _, t := range byPerson[f.people[i].UserID] {
			of = append(of, index[t.course])
		}
		shares = append(shares, of)
	}
	hide := hidden(len(ids), shares)
	t := Table{Name: "courses", Columns: append([]Column{{Name: "no", Kind: Count, Wide: 0.8}, {Name: "course", Wide: 6}}, progressColumns()...)}
	for i, id := range ids {
		cells := byCourse[id].cells()
		for n := range cells {
			if hide[i] {
				cells[n] = Cell{State: Withheld}
			}
		}
		t.Rows = append(t.Rows, append([]Cell{count(number[id]), text(f.courses[id])}, cells...))
	}
	return t, number
}

// numbers are those of the courses that are in a state.
func numbers(takes []taken, state string, number map[int64]int) Cell {
	var of []int
	for _, t := range takes {
		if t.state == state {
			of = append(of, number[t.course])
		}
	}
	slices.Sort(of)
	words := make([]string, len(of))
	for i, n := range of {
		words[i] = strconv.Itoa(n)
	}
	return text(strings.Join(words, ", "))
}

// ownLearning is what one person has learned, and what is overdue.
func ownLearning(c *Content, f *facts) {
	p := &f.people[0]
	_, s := takings(p, f.at)
	for i, cell := range s.cells() {
		column := progressColumns()[i]
		c.figure(column.Name, column.Kind, cell)
	}
	t := Table{Name: "courses", Columns: []Column{
		{Name: "course", Wide: 6}, {Name: "state", Kind: Word, Wide: 2}, {Name: "due_on", Kind: Day, Wide: 2}, {Name: "completed_on", Kind: Day, Wide: 2}, {Name: "expires_on", Kind: Day, Wide: 2},
	}}
	for _, duties := range perCourse(p.Duties) {
		due, done := outlook(duties, f.at)
		t.Rows = append(t.Rows, []Cell{
			text(f.courses[duties[0].CourseID]), {Text: standsAt(duties, f.at), State: Given}, day(due), day(done.CompletedAt), day(done.ExpiresAt),
		})
	}
	slices.SortStableFunc(t.Rows, func(a, b []Cell) int { return cmp.Compare(a[0].Text, b[0].Text) })
	c.Tables = append(c.Tables, t)
}
