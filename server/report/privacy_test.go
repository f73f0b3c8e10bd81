package report

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"outpost/server/training"
)

// readable is all that can be read from a document: of a PDF its text, of a page what can be saved too.
func readable(t *testing.T, c *Content, format training.ReportFormat) string {
	t.Helper()
	b := written(t, c, format)
	if format == training.PDF {
		return strings.Join(pagesOf(t, b), "\n")
	}
	if saved := regexp.MustCompile(`base64,([^"]+)"`).FindSubmatch(b); saved != nil {
		content, err := base64.StdEncoding.DecodeString(string(saved[1]))
		if err != nil {
			t.Fatal(err)
		}
		return string(b) + string(content)
	}
	return string(b)
}

// Whatever a report is about and is written in, it shows of one person what the privacy mode lets it.
func TestDocumentsKeepThePrivacyMode(t *testing.T) {
	for _, kind := range []training.ReportType{training.GDPR, training.LearningNow, training.RiskNow} {
		for _, mode := range []training.PrivacyMode{training.Aggregate, training.Pseudonymous, training.Individual} {
			f := staff(63, mode, "en")
			content := worked(t, requested(kind, "en"), f)
			for _, format := range training.ReportFormats() {
				t.Run(fmt.Sprintf("%s %s %s", kind, mode, format), func(t *testing.T) {
					text := readable(t, content, format)
					named, hidden := mode == training.Individual, mode == training.Pseudonymous && kind == training.RiskNow
					for i := range f.people {
						p := &f.people[i]
						for what, has := range map[string]bool{p.FullName: named, p.Email: named, p.Pseudonym: hidden} {
							if strings.Contains(text, what) != has {
								t.Errorf("%q is there: %v, want %v", what, !has, has)
							}
						}
					}
					// Departments of three people and of one. With names everybody's department is said.
					for _, small := range []string{"Vorstand", "Revision"} {
						if strings.Contains(text, small) != named {
							t.Errorf("%s is there: %v, want %v", small, !named, named)
						}
					}
				})
			}
			for _, row := range content.Table("departments").Rows {
				if name := row[0].Text; name == "Vorstand" || name == "Revision" {
					t.Errorf("%s is shown apart", name)
				}
			}
		}
	}
}

// What makes a score up, and what somebody did in a simulation, is shown by name or not at all.
func TestNothingStandsBesideAPseudonymThatRecognisesSomebody(t *testing.T) {
	f := staff(63, training.Pseudonymous, "en")
	people := worked(t, requested(training.RiskNow, "en"), f).Table("people")
	var columns []string
	for _, c := range people.Columns {
		columns = append(columns, c.Name)
	}
	if got := strings.Join(columns, " "); got != "pseudonym score band" {
		t.Errorf("the columns are %s", got)
	}
	for _, row := range people.Rows {
		if row[1].Number != float64(int(row[1].Number)) {
			t.Errorf("the score %v is not whole", row[1].Number)
		}
	}
	if !slices.IsSortedFunc(people.Rows, func(a, b []Cell) int { return strings.Compare(a[0].Text, b[0].Text) }) {
		t.Error("the order of the rows is not that of the pseudonyms")
	}
	few := worked(t, requested(training.RiskNow, "en"), staff(4, training.Pseudonymous, "en"))
	if rows := few.Table("people").Rows; rows != nil {
		t.Errorf("four people are shown with pseudonyms: %v", rows)
	}
}

// Of too few people no number at all is shown, and none of what is left out is written as 0.
func TestFiguresOfFewAreWithheld(t *testing.T) {
	for _, kind := range []training.ReportType{training.GDPR, training.LearningNow, training.RiskNow} {
		content := worked(t, requested(kind, "en"), staff(4, training.Aggregate, "en"))
		for _, figure := range content.Figures {
			// Three of the four have been in a simulation, or owe something.
			if figure.Cell.State == Given {
				t.Errorf("%s: %s is shown", kind, figure.Name)
			}
		}
		for _, table := range content.Tables {
			for _, row := range table.Rows {
				for i, column := range table.Columns {
					if column.Kind.Numeric() && column.Name != "no" && column.Name != "weight" && row[i].State == Given && row[i].Number != 0 {
						t.Errorf("%s: %s of %s is shown: %v", kind, column.Name, table.Name, row[i].Number)
					}
				}
			}
		}
		if text := readable(t, content, training.HTML); !strings.Contains(text, "withheld: fewer than five people") {
			t.Errorf("%s does not say why", kind)
		}
		if text := readable(t, content, training.CSV); regexp.MustCompile(`(?m)^total,[^,]`).MatchString(text) {
			t.Errorf("%s has figures:\n%s", kind, text)
		}
	}
}

func TestOnesOwnReportIsAboutNobodyElse(t *testing.T) {
	for _, kind := range []training.ReportType{training.GDPR, training.LearningNow, training.RiskNow} {
		f := staff(63, training.Aggregate, "en")
		f.people = f.people[5:6]
		content := worked(t, own(requested(kind, "en")), f)
		if content.Person != "Zoë Geheim-0005" {
			t.Errorf("it is about %q", content.Person)
		}
		if content.Table("departments") != nil || content.Table("people") != nil {
			t.Error("it has tables of others")
		}
		for _, figure := range content.Figures {
			if figure.Cell.State == Withheld {
				t.Errorf("%s: %s is withheld from the one whose it is", kind, figure.Name)
			}
		}
	}
}

// Of parts of a whole, what is hidden is of nobody, or of five people or more, or is all there is.
func TestWhatIsHiddenCannotBeFoundBySubtracting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "parts")
		of := rapid.SliceOfN(rapid.SliceOfNDistinct(rapid.IntRange(0, n-1), 0, n, rapid.ID), 0, 14).Draw(t, "people")
		hide := hidden(n, of)
		together, shown := 0, 0
		people := make([]int, n)
		for _, parts := range of {
			if slices.ContainsFunc(parts, func(i int) bool { return hide[i] }) {
				together++
			}
			for _, i := range parts {
				people[i]++
			}
		}
		for i := range hide {
			if !hide[i] {
				if !training.Enough(people[i]) {
					t.Fatalf("part %d of %d people is shown", i, people[i])
				}
				shown += people[i]
			}
		}
		if !training.Enough(together) && shown > 0 {
			t.Fatalf("%d people make up all that is hidden", together)
		}
	})
}

// Departments are shown so that each of their figures is made up by enough people, and so is each
// figure of what is not shown.
func TestDepartmentsAreDisclosedFigureByFigure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := &facts{at: evaluated}
		var all exposure
		for i := range rapid.IntRange(0, 40).Draw(t, "people") {
			p := person(i)
			p.Department = rapid.SampledFrom([]string{"", "a", "b", "c", "d"}).Draw(t, "department")
			if rapid.Bool().Draw(t, "never simulated") {
				p.Simulations = nil
			}
			f.people = append(f.people, *p)
			all.add(exposureOf(p, f.at))
		}
		shown := grouped(f, lingoOf("en"), func(p *training.PersonFacts) exposure { return exposureOf(p, f.at) },
			func(to *exposure, from exposure) { to.add(from) }, func(e *exposure) []int { return e.made() })
		left := all.made()
		for _, g := range shown {
			for i, n := range g.Figures.made() {
				if !training.Enough(n) {
					t.Fatalf("figure %d of %s is of %d people", i, g.Name, n)
				}
				left[i] -= n
			}
		}
		for i, n := range left {
			if !training.Enough(n) && n != all.made()[i] {
				t.Fatalf("figure %d of what is not shown is of %d people", i, n)
			}
		}
	})
}
