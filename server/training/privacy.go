package training

import (
	"cmp"
	"slices"
)

// PrivacyMode says what a company's managers may see of one person's figures: of their score and of
// what they did in simulations. It is the mode of the company whose person it is, whoever asks.
// Who has to learn what, and whether they have, is no such figure: a company hands its courses out.
type PrivacyMode string

// The modes.
const (
	Aggregate    PrivacyMode = "aggregate"    // groups only
	Pseudonymous PrivacyMode = "pseudonymous" // people, without names
	Individual   PrivacyMode = "individual"   // people by name
)

// MinGroup is how many people a group must have to be shown apart.
const MinGroup = 5

// Sight is what somebody sees of a person's figures.
type Sight int

// From least to most.
const (
	Unseen Sight = iota
	ByPseudonym
	ByName
)

// Sees is what p sees of the figures of a person of a company with mode m. Everybody sees their own.
func (m PrivacyMode) Sees(p Principal, userID, companyID int64) Sight {
	switch {
	case userID == p.UserID:
		return ByName
	case !p.Role.Manages() || companyID != p.CompanyID && p.Role != PlatformAdmin:
		return Unseen
	case m == Individual:
		return ByName
	case m == Pseudonymous:
		return ByPseudonym
	}
	return Unseen // of a mode that is not known, too
}

// Enough says whether a figure that so many people make up may be shown. What nobody makes up tells of
// nobody.
func Enough(people int) bool { return people == 0 || people >= MinGroup }

// Group is a part of a company with its figures.
type Group[T any] struct {
	Name   string
	Rest   bool // several groups together, none of which may be shown; Name is empty
	People int
	// Parts are by how many of the people each figure is made up, where not all are by all. They add up,
	// and every group has as many. None: all by all.
	Parts   []int
	Figures T
}

// size is by how many people the figure is made up that fewest make up; what nobody does is none.
func (g *Group[T]) size() int {
	size := g.People
	for _, n := range g.Parts {
		if n > 0 && n < size {
			size = n
		}
	}
	return size
}

// Disclose gives what may be shown of groups that add up to what is shown elsewhere, by name and the
// rest last. A group of fewer than MinGroup people goes into the rest, and so does one of whose figures
// fewer make up any. If that makes a rest of too few, by the same measure, the smallest of the others
// joins them: what is left out could be found out by subtracting. If nothing is left to join, nothing is
// shown. add puts the second one's figures to the first's.
func Disclose[T any](groups []Group[T], add func(to *T, from T)) []Group[T] {
	all := slices.SortedFunc(slices.Values(groups), func(a, b Group[T]) int { // of nobody: the last ones
		return cmp.Or(cmp.Compare(uint(a.size()-1), uint(b.size()-1)), cmp.Compare(a.Name, b.Name))
	})
	rest := Group[T]{Rest: true}
	hidden := false
	for len(all) > 0 && (!Enough(all[0].size()) || !Enough(rest.size())) {
		rest.add(all[0], add)
		all, hidden = all[1:], true
	}
	slices.SortFunc(all, func(a, b Group[T]) int { return cmp.Compare(a.Name, b.Name) })
	if hidden && rest.size() >= MinGroup {
		all = append(all, rest)
	}
	return all
}

func (g *Group[T]) add(other Group[T], add func(to *T, from T)) {
	g.People += other.People
	if g.Parts == nil {
		g.Parts = make([]int, len(other.Parts))
	}
	for i, n := range other.Parts {
		g.Parts[i] += n
	}
	add(&g.Figures, other.Figures)
}
