package report

import (
	"cmp"
	"slices"
	"time"

	"outpost/server/training"
)

// exposure is the scores of some people and what they did in simulations.
type exposure struct {
	training.GroupRisk
	Simulated int // people whom a simulation has reached
	Reached   int // person × simulation
	Fallen    int // of these, clicked or submitted
	Submitted int
	Reported  int
}

func (e *exposure) add(other exposure) {
	e.GroupRisk.Add(other.GroupRisk)
	e.Simulated += other.Simulated
	e.Reached += other.Reached
	e.Fallen += other.Fallen
	e.Submitted += other.Submitted
	e.Reported += other.Reported
}

// made is by how many people each figure is made up.
func (e *exposure) made() []int { return []int{len(e.Scores), e.Simulated} }

// scored is somebody's score; false: nothing is known of them that makes one.
func scored(p *training.PersonFacts, t time.Time) (training.Risk, bool) {
	r := p.RiskAt(t)
	return r, slices.ContainsFunc(r.Components(), func(c training.RiskComponent) bool { return c.Value != nil })
}

func exposureOf(p *training.PersonFacts, t time.Time) (e exposure) {
	if r, ok := scored(p, t); ok {
		e.Scores = []float64{r.Score}
	}
	for _, s := range p.Simulations {
		if s.SentAt.After(t) {
			continue
		}
		e.Simulated = 1
		e.Reached++
		if s.Clicked || s.Submitted {
			e.Fallen++
		}
		if s.Submitted {
			e.Submitted++
		}
		if s.Reported {
			e.Reported++
		}
	}
	return e
}

func riskColumns() []Column {
	return []Column{
		{Name: "scored", Kind: Count, Wide: 2},
		{Name: "score", Kind: Score, Wide: 1.6},
		{Name: "p90", Kind: Score, Wide: 1.6},
		{Name: "band", Kind: Word, Wide: 2},
		{Name: "simulations", Kind: Count, Wide: 2.4},
		{Name: "click_rate", Kind: Share, Wide: 2},
		{Name: "submit_rate", Kind: Share, Wide: 2},
		{Name: "report_rate", Kind: Share, Wide: 2},
	}
}

func (e *exposure) cells() []Cell {
	n := len(e.Scores)
	return []Cell{
		made(n, count(n)), made(n, score(e.Mean())), made(n, score(e.P90())), made(n, bandCell(e.Mean())),
		made(e.Simulated, count(e.Reached)), made(e.Simulated, share(of(e.Fallen, e.Reached))),
		made(e.Simulated, share(of(e.Submitted, e.Reached))), made(e.Simulated, share(of(e.Reported, e.Reached))),
	}
}

func bandCell(s *float64) Cell {
	if s == nil {
		return Cell{}
	}
	return Cell{Text: string(training.BandOf(*s)), State: Given}
}

// risk is the scores of a company and what its people did in simulations.
func risk(c *Content, f *facts, l *lingo) {
	var all exposure
	var sums [5]float64
	var have [5]int
	components := new(training.Risk).Components()
	for i := range f.people {
		p := &f.people[i]
		all.add(exposureOf(p, f.at))
		r, _ := scored(p, f.at)
		for n, part := range r.Components() {
			if part.Value != nil {
				sums[n] += *part.Value
				have[n]++
			}
		}
	}
	for i, cell := range all.cells() {
		c.figure(riskColumns()[i].Name, riskColumns()[i].Kind, cell)
	}
	table := componentTable("mean")
	table.Columns = append(table.Columns, Column{Name: "people", Kind: Count, Wide: 2})
	for n, part := range components {
		mean := Cell{}
		if have[n] > 0 {
			v := sums[n] / float64(have[n])
			mean = share(&v)
		}
		table.Rows = append(table.Rows, append(componentCells(part, l), made(have[n], mean), made(have[n], count(have[n]))))
	}
	table.noteWithheld(l)
	c.Tables = append(c.Tables, table)

	groups := grouped(f, l, func(p *training.PersonFacts) exposure { return exposureOf(p, f.at) },
		func(to *exposure, from exposure) { to.add(from) }, func(e *exposure) []int { return e.made() })
	c.Tables = append(c.Tables, departments(groups, riskColumns(), l, func(e *exposure) []Cell { return e.cells() }))
	c.Chart = &Chart{Table: "departments", Label: "department", Value: "score", Mark: "p90", Whole: 100}
	if t, ok := scores(f, l); ok {
		c.Tables = append(c.Tables, t)
	}
}

// scores are those of each person, as far as the privacy mode lets them be shown: all there is by
// name, or beside a pseudonym so little that nobody is recognised by it.
func scores(f *facts, l *lingo) (Table, bool) {
	t := Table{Name: "people"}
	by := f.sight()
	switch by {
	case training.ByName:
		t.Columns = append(nameColumns(), Column{Name: "score", Kind: Score, Wide: 1.6}, Column{Name: "band", Kind: Word, Wide: 2})
		for _, part := range new(training.Risk).Components() {
			t.Columns = append(t.Columns, Column{Name: part.Name, Kind: Share, Wide: 2})
		}
	case training.ByPseudonym:
		if !training.Enough(len(f.people)) { // so few know each other
			t.Note = l.t("people withheld")
			return t, true
		}
		t.Columns = []Column{{Name: "pseudonym", Wide: 3}, {Name: "score", Kind: Count, Wide: 1}, {Name: "band", Kind: Word, Wide: 2}}
		t.Note = l.t("pseudonyms note")
	case training.Unseen:
		return t, false
	}
	for _, p := range f.listed(by, func(p *training.PersonFacts) string { return p.Pseudonym }, l.locale) {
		r, ok := scored(p, f.at)
		var s *float64
		if ok {
			s = &r.Score
		}
		if by == training.ByPseudonym {
			t.Rows = append(t.Rows, []Cell{text(p.Pseudonym), whole(s), bandCell(wholeScore(s))})
			continue
		}
		row := append(nameCells(p), score(s), bandCell(s))
		for _, part := range r.Components() {
			row = append(row, share(part.Value))
		}
		t.Rows = append(t.Rows, row)
	}
	return t, true
}

// wholeScore is the score to which the band beside a pseudonym belongs: of the exact one it would say
// on which side of a whole number it lies.
func wholeScore(s *float64) *float64 {
	if s == nil {
		return nil
	}
	v := whole(s).Number
	return &v
}

func componentTable(value string) Table {
	return Table{Name: "components", Columns: []Column{
		{Name: "component", Wide: 3}, {Name: "meaning", Wide: 8}, {Name: "weight", Kind: Share, Wide: 2}, {Name: value, Kind: Share, Wide: 2},
	}}
}

func componentCells(c training.RiskComponent, l *lingo) []Cell {
	return []Cell{text(l.t("column " + c.Name)), text(l.t("meaning " + c.Name)), share(&c.Weight)}
}

// ownRisk is one person's score, what makes it up and what they did in simulations.
func ownRisk(c *Content, f *facts, l *lingo) {
	p := &f.people[0]
	r, ok := scored(p, f.at)
	var s *float64
	if ok {
		s = &r.Score
	}
	e := exposureOf(p, f.at)
	c.figure("score", Score, score(s))
	c.figure("band", Word, bandCell(s))
	c.figure("simulations", Count, count(e.Reached))
	c.figure("click_rate", Share, share(of(e.Fallen, e.Reached)))
	c.figure("submit_rate", Share, share(of(e.Submitted, e.Reached)))
	c.figure("report_rate", Share, share(of(e.Reported, e.Reached)))

	components := componentTable("value")
	for _, part := range r.Components() {
		components.Rows = append(components.Rows, append(componentCells(part, l), share(part.Value)))
	}
	c.Chart = &Chart{Table: "components", Label: "component", Value: "value", Whole: 1}

	t := Table{Name: "simulations", Columns: []Column{{Name: "sent", Kind: Day, Wide: 2}, {Name: "behaviour", Kind: Word, Wide: 4}, {Name: "reported", Kind: Word, Wide: 2}}}
	sent := slices.DeleteFunc(slices.Clone(p.Simulations), func(s training.Simulation) bool { return s.SentAt.After(f.at) })
	slices.SortStableFunc(sent, func(a, b training.Simulation) int { return cmp.Compare(b.SentAt.Unix(), a.SentAt.Unix()) })
	for _, s := range sent {
		did, reported := "resisted", "no"
		if s.Submitted {
			did = "submitted"
		} else if s.Clicked {
			did = "clicked"
		}
		if s.Reported {
			reported = "yes"
		}
		t.Rows = append(t.Rows, []Cell{day(s.SentAt), {Text: did, State: Given}, {Text: reported, State: Given}})
	}
	c.Tables = append(c.Tables, components, t)
}
