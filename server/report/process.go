package report

import (
	"fmt"

	"outpost/server/training"
)

// process works out what a report says. The same facts make the same content.
func process(r training.Report, f *facts) (*Content, error) {
	l := lingoOf(r.Locale)
	c := &Content{
		ID: r.ID, Type: r.Type, Scope: r.Scope, Locale: l.locale, EvaluatedAt: f.at, Company: clean(f.company.Name),
		Privacy: f.company.Privacy, ActiveUsers: f.company.ActiveUsers,
	}
	own := r.Scope == training.OwnReport
	if own {
		c.Person = clean(f.people[0].FullName)
		c.Covers = []string{fmt.Sprintf(l.t("covers own"), c.Person, c.Company)}
	} else {
		c.Covers = []string{
			fmt.Sprintf(l.t("covers company"), c.Company, l.number(float64(c.ActiveUsers), 0)),
			l.t("privacy " + string(c.Privacy)), l.t("five"),
		}
	}
	c.Method = []string{fmt.Sprintf(l.t("evaluated"), l.moment(f.at))}
	switch {
	case r.Type.Framework():
		called := f.framework // the facts are thrown away before the content is written
		c.Framework = &called
		c.Title = fmt.Sprintf(l.t("title compliance"), f.framework.Name)
		c.Method = append(c.Method, l.t("method obligation"), l.t("method satisfied"), l.t("method rate"))
		if own {
			ownCompliance(c, f)
		} else {
			c.Method = append(c.Method, l.t("method on time"), l.t("method compliant"))
			compliance(c, f, l)
		}
	case r.Type == training.LearningNow:
		c.Title = l.t("title training")
		c.Method = append(c.Method, l.t("method learning"), l.t("method learning rate"))
		if own {
			ownLearning(c, f)
		} else {
			learning(c, f, l)
		}
	case r.Type == training.RiskNow:
		c.Title = l.t("title risk")
		c.Method = append(c.Method, l.t("method risk"), l.t("method simulations"), l.t("method other components"), l.t("method bands"))
		if own {
			ownRisk(c, f, l)
		} else {
			c.Method = append(c.Method, l.t("method group risk"))
			risk(c, f, l)
		}
	default:
		return nil, training.InvalidField("type", "is %q, of which no report is made", r.Type)
	}
	return c, nil
}

// figure puts a number about all that are covered to c.
func (c *Content) figure(name string, kind Kind, cell Cell) {
	c.labelled(Column{Name: name, Kind: kind}, cell)
}

func (c *Content) labelled(column Column, cell Cell) {
	c.Figures = append(c.Figures, Figure{column, cell})
}

// noteWithheld puts below the table why figures, or whole departments, are missing.
func (t *Table) noteWithheld(l *lingo) {
	for _, row := range t.Rows {
		for _, cell := range row {
			if cell.State == Withheld {
				t.Note = l.t("withheld note")
				return
			}
		}
	}
}

// departments are groups as a table, with a note when there is none to show.
func departments[T any](groups []training.Group[T], columns []Column, l *lingo, cells func(*T) []Cell) Table {
	t := Table{Name: "departments", Columns: append([]Column{{Name: "department", Wide: 5}}, columns...)}
	for i := range groups {
		t.Rows = append(t.Rows, append([]Cell{text(groups[i].Name)}, cells(&groups[i].Figures)...))
	}
	if len(groups) == 0 {
		t.Note = l.t("departments withheld")
	} else if groups[len(groups)-1].Rest {
		t.Note = l.t("departments note")
	}
	return t
}
