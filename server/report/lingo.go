package report

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// lingo is how a report says things in one language.
type lingo struct {
	locale  string
	texts   map[string]string
	point   string // before decimals
	group   string // between thousands
	percent string // behind a number
	day     string // layout of a date in a table
	date    func(time.Time) string
}

// lingoOf gives the words of a locale, English where there are none.
func lingoOf(locale string) *lingo {
	if locale == "de" {
		return &lingo{locale: "de", texts: german(), point: ",", group: ".", percent: "\u00a0%", day: "02.01.2006", date: germanDate}
	}
	return &lingo{locale: "en", texts: english(), point: ".", group: ",", percent: "%", day: time.DateOnly, date: englishDate}
}

// t is the text of that name. There is one of each in every language: a test holds that.
func (l *lingo) t(name string) string {
	text, ok := l.texts[name]
	if !ok {
		panic("report: no text " + name + " in " + l.locale)
	}
	return text
}

// label is the head of a column and the name of a figure.
func (l *lingo) label(c Column) string {
	if c.Label != "" {
		return c.Label
	}
	return l.t("column " + c.Name)
}

// say is a cell as people read it.
func (l *lingo) say(of Column, c Cell) string {
	switch {
	case c.State == Withheld:
		return l.t("withheld")
	case c.State == None:
		if why, ok := l.texts["none "+of.Name]; ok {
			return why
		}
		return "–"
	}
	switch of.Kind {
	case Text:
		return c.Text
	case Word:
		return l.t("word " + c.Text)
	case Day:
		t, err := time.Parse(time.DateOnly, c.Text)
		if err != nil {
			return c.Text
		}
		return t.Format(l.day)
	case Count:
		return l.number(c.Number, 0)
	case Share:
		return l.number(math.Round(c.Number*1000)/10, 1) + l.percent
	case Score:
		return l.number(c.Number, 1)
	}
	return c.Text
}

// number writes a number with so many decimals.
func (l *lingo) number(v float64, decimals int) string {
	whole, rest, _ := strings.Cut(strconv.FormatFloat(v, 'f', decimals, 64), ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + l.group + whole[i:]
	}
	if rest == "" {
		return whole
	}
	return whole + l.point + rest
}

// moment is a time to the second, UTC.
func (l *lingo) moment(t time.Time) string {
	return l.date(t.UTC()) + ", " + t.UTC().Format("15:04:05") + " UTC"
}
