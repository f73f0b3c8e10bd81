package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"

	"outpost/server/training"
)

// anybody is who a company's report is read by: it is handed on, so that nobody in it is oneself.
func anybody(company int64) training.Principal {
	return training.Principal{CompanyID: company, Role: training.Manager}
}

// sight is what a company's report shows of each person.
func (f *facts) sight() training.Sight {
	if len(f.people) == 0 {
		return training.Unseen
	}
	return f.company.Privacy.Sees(anybody(f.company.ID), f.people[0].UserID, f.people[0].CompanyID)
}

// listed are the people in the order in which a report shows them: by name, or by what stands for it,
// so that the order says nothing that the rows do not.
func (f *facts) listed(by training.Sight, key func(*training.PersonFacts) string, locale string) []*training.PersonFacts {
	people := make([]*training.PersonFacts, len(f.people))
	for i := range f.people {
		people[i] = &f.people[i]
	}
	if by == training.ByName {
		c, buf := collate.New(language.Make(locale)), new(collate.Buffer)
		keys := make(map[int64][]byte, len(people))
		for _, p := range people {
			keys[p.UserID] = c.KeyFromString(buf, p.FullName)
		}
		slices.SortFunc(people, func(a, b *training.PersonFacts) int {
			return cmp.Or(slices.Compare(keys[a.UserID], keys[b.UserID]), cmp.Compare(a.UserID, b.UserID))
		})
		return people
	}
	slices.SortFunc(people, func(a, b *training.PersonFacts) int {
		return cmp.Or(cmp.Compare(key(a), key(b)), cmp.Compare(a.UserID, b.UserID))
	})
	return people
}

// learners are the people whom a report about learning lists, and the first cells of their rows. What
// somebody has learned their managers know by name in every mode; with a pseudonym beside it, the name
// behind it would be known, and by that the score in a report about risk. So those who are not named
// are numbered, by when they came.
func (f *facts) learners(l *lingo) (columns []Column, people []*training.PersonFacts, cells func(int) []Cell) {
	switch by := f.sight(); by {
	case training.ByName:
		people = f.listed(by, nil, l.locale)
		return nameColumns(), people, func(i int) []Cell { return nameCells(people[i]) }
	case training.ByPseudonym:
		if !training.Enough(len(f.people)) { // so few know each other
			break
		}
		for i := range f.people {
			people = append(people, &f.people[i])
		}
		return []Column{{Name: "person", Wide: 2}}, people, func(i int) []Cell { return []Cell{text(fmt.Sprintf(l.t("person n"), i+1))} }
	case training.Unseen:
	}
	return nil, nil, nil
}

func nameColumns() []Column {
	return []Column{{Name: "name", Wide: 4}, {Name: "email", Wide: 5.5}, {Name: "department", Wide: 3}}
}

func nameCells(p *training.PersonFacts) []Cell {
	return []Cell{text(p.FullName), text(p.Email), text(p.Department)}
}

// grouped gives what may be shown of departments: figures of each person are put together, made says
// by how many people each of a group's figures is made up.
func grouped[T any](f *facts, l *lingo, figures func(*training.PersonFacts) T, add func(to *T, from T), made func(*T) []int) []training.Group[T] {
	all := map[string]*T{}
	for i := range f.people {
		p := &f.people[i]
		name := clean(p.Department)
		if all[name] == nil {
			all[name] = new(T)
		}
		add(all[name], figures(p))
	}
	groups := make([]training.Group[T], 0, len(all))
	for name, figures := range all {
		groups = append(groups, training.Group[T]{Name: name, People: fewest(made(figures)), Figures: *figures})
	}
	for {
		shown := training.Disclose(groups, add)
		last := len(shown) - 1
		if last < 0 || !shown[last].Rest || training.Enough(fewest(made(&shown[last].Figures))) {
			return named(shown, l)
		}
		// Together they are enough for one figure and not for another: one more department joins them.
		shown[last].Rest, shown[last].People = false, fewest(made(&shown[last].Figures))
		groups = shown
	}
}

func named[T any](groups []training.Group[T], l *lingo) []training.Group[T] {
	for i := range groups {
		switch {
		case groups[i].Rest:
			groups[i].Name = l.t("other departments")
		case groups[i].Name == "":
			groups[i].Name = l.t("no department")
		}
	}
	return groups
}

// fewest is the least that is not none.
func fewest(people []int) int {
	least := 0
	for _, n := range people {
		if n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	return least
}

// hidden says which of n parts of a whole must not be shown: those that fewer than five people have a
// share in; and if all that is hidden is of fewer than five people, the smallest of the others too,
// for what is hidden could be found by subtracting. of gives the parts that each person shares in.
func hidden(n int, of [][]int) []bool {
	people := make([]int, n)
	for _, parts := range of {
		for _, i := range parts {
			people[i]++
		}
	}
	hide := make([]bool, n)
	for i := range hide {
		hide[i] = !training.Enough(people[i])
	}
	for slices.Contains(hide, true) {
		together := 0
		for _, parts := range of {
			if slices.ContainsFunc(parts, func(i int) bool { return hide[i] }) {
				together++
			}
		}
		next := -1
		for i := range hide {
			if !hide[i] && people[i] > 0 && (next < 0 || people[i] < people[next]) {
				next = i
			}
		}
		if training.Enough(together) || next < 0 {
			break
		}
		hide[next] = true
	}
	return hide
}

// clean composes accents and puts a blank for what is no sign: what breaks lines or hides.
func clean(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, norm.NFC.String(strings.ToValidUTF8(s, "\uFFFD"))))
}
