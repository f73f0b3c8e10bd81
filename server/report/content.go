package report

import (
	"math"
	"time"

	"outpost/server/training"
)

// Content is what a report says, whatever it is written in. Words in it are in its language; what is
// said in a code (a state, a band, a column) is put into words where it is written for people.
type Content struct {
	ID          int64
	Type        training.ReportType
	Scope       training.ReportScope
	Locale      string
	EvaluatedAt time.Time // UTC
	Title       string
	Company     string
	Person      string // of a report about one
	Privacy     training.PrivacyMode
	ActiveUsers int
	Framework   *framework // nil: it is about none
	Covers      []string   // sentences: who is covered, and what is not shown
	Method      []string   // how the figures come about
	Figures     []Figure
	Chart       *Chart // nil: there is nothing to draw
	Tables      []Table
}

// Figure is one number about all that are covered.
type Figure struct {
	Column
	Cell Cell
}

// Table is rows of the same columns.
type Table struct {
	Name    string // and the word for what a row is
	Columns []Column
	Rows    [][]Cell
	Note    string // a sentence below it
}

// Column says what stands in the cells below it.
type Column struct {
	Name  string
	Kind  Kind
	Label string // where it is not the word for Name
	Wide  float64
}

// Kind says how a cell is to be read.
type Kind uint8

// The kinds.
const (
	Text  Kind = iota
	Word       // a code
	Day        // of UTC, as 2026-03-09
	Count      // a whole number
	Share      // from 0 to 1, to four digits
	Score      // from 0 to 100, to one digit
)

// Numeric says whether cells of the kind are numbers.
func (k Kind) Numeric() bool { return k >= Count }

// Cell is one value: a text, a number, nothing, or something that is not shown because too few people
// make it up.
type Cell struct {
	Text   string
	Number float64
	State  State
}

// State says what a cell holds.
type State uint8

// The states.
const (
	None State = iota
	Given
	Withheld
)

// Chart draws a column of a table as bars, and may put marks of another one to them.
type Chart struct {
	Table, Label, Value, Mark string
	Whole                     float64 // the value of a bar that is as long as can be
}

// chartBars is how many bars fit on a page and are still read.
const chartBars = 30

// Table is the table of that name; nil: there is none.
func (c *Content) Table(name string) *Table {
	for i := range c.Tables {
		if c.Tables[i].Name == name {
			return &c.Tables[i]
		}
	}
	return nil
}

// column is the index of a column, which there must be.
func (t *Table) column(name string) int {
	for i, c := range t.Columns {
		if c.Name == name {
			return i
		}
	}
	panic("report: no column " + name + " in table " + t.Name)
}

// Bar is one bar of a chart.
type Bar struct {
	Label string
	Value Cell
	Mark  Cell
}

// Bars are what the chart shows: of a long table its beginning.
func (c *Content) Bars() (bars []Bar) {
	t := c.Table(c.Chart.Table)
	label, value := t.column(c.Chart.Label), t.column(c.Chart.Value)
	for _, row := range t.Rows[:min(len(t.Rows), chartBars)] {
		bar := Bar{Label: row[label].Text, Value: row[value]}
		if c.Chart.Mark != "" {
			bar.Mark = row[t.column(c.Chart.Mark)]
		}
		bars = append(bars, bar)
	}
	return bars
}

func text(s string) Cell {
	if s = clean(s); s == "" {
		return Cell{}
	}
	return Cell{Text: s, State: Given}
}

func count(n int) Cell { return Cell{Number: float64(n), State: Given} }

func day(t time.Time) Cell {
	if t.IsZero() {
		return Cell{}
	}
	return text(t.UTC().Format(time.DateOnly))
}

// share and score are nothing where there is no number.
func share(v *float64) Cell { return rounded(v, 1e4) }
func score(v *float64) Cell { return rounded(v, 10) }
func whole(v *float64) Cell { return rounded(v, 1) }

func rounded(v *float64, digits float64) Cell {
	if v == nil {
		return Cell{}
	}
	return Cell{Number: math.Round(*v*digits) / digits, State: Given}
}

// of is part / all, and nothing where all is 0: never 100 %.
func of(part, all int) *float64 {
	if all == 0 {
		return nil
	}
	v := float64(part) / float64(all)
	return &v
}

// made is the cell where those who make it up are enough, and else says that they are not.
func made(people int, c Cell) Cell {
	if !training.Enough(people) {
		return Cell{State: Withheld}
	}
	return c
}
