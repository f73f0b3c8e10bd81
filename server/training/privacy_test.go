package training_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"outpost/server/training"
)

func TestWhoSeesWhat(t *testing.T) {
	const us, them = 1, 2
	learner := training.Principal{UserID: 10, CompanyID: us, Role: training.Learner}
	manager := training.Principal{UserID: 11, CompanyID: us, Role: training.Manager}
	admin := training.Principal{UserID: 12, CompanyID: us, Role: training.Admin}
	platform := training.Principal{UserID: 13, CompanyID: them, Role: training.PlatformAdmin}
	for _, c := range []struct {
		who              training.Principal
		user, company    int64
		aggregate        training.Sight
		pseudo, indivual training.Sight
	}{
		{learner, 10, us, training.ByName, training.ByName, training.ByName}, // themselves
		{manager, 11, us, training.ByName, training.ByName, training.ByName}, // themselves
		{learner, 11, us, training.Unseen, training.Unseen, training.Unseen}, // a colleague
		{manager, 10, us, training.Unseen, training.ByPseudonym, training.ByName},
		{admin, 10, us, training.Unseen, training.ByPseudonym, training.ByName},
		{platform, 10, us, training.Unseen, training.ByPseudonym, training.ByName}, // their company's mode, not the asker's
		{manager, 20, them, training.Unseen, training.Unseen, training.Unseen},     // strangers
		{admin, 20, them, training.Unseen, training.Unseen, training.Unseen},
	} {
		for mode, want := range map[training.PrivacyMode]training.Sight{
			training.Aggregate: c.aggregate, training.Pseudonymous: c.pseudo, training.Individual: c.indivual, "": c.aggregate, "unheard of": c.aggregate,
		} {
			if have := mode.Sees(c.who, c.user, c.company); have != want {
				t.Errorf("a %s sees %d of user %d of company %d in mode %q, not %d", c.who.Role, have, c.user, c.company, mode, want)
			}
		}
	}
}

func TestFewerThanFiveAreNotEnough(t *testing.T) {
	for people, want := range map[int]bool{0: true, 1: false, 4: false, 5: true, 1000: true} {
		if training.Enough(people) != want {
			t.Errorf("%d people: %v", people, !want)
		}
	}
}

// TestNoSmallGroupCanBeFoundBySubtracting draws groups with three figures that not all have a part in, and
// looks at what is shown as somebody who knows the sums and how many make up each figure: all that follows
// is the sum of what is hidden, which must be nobody's, or that of five or more people in two or more groups.
func TestNoSmallGroupCanBeFoundBySubtracting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		people := rapid.IntRange(0, 12)
		var groups []training.Group[[]string]
		total := []int{0, 0, 0}
		for i := range rapid.IntRange(0, 8).Draw(t, "groups") {
			g := training.Group[[]string]{Name: fmt.Sprintf("g%d", i), People: people.Draw(t, "people"), Figures: []string{fmt.Sprintf("g%d", i)}}
			g.Parts = []int{rapid.IntRange(0, g.People).Draw(t, "part"), rapid.IntRange(0, g.People).Draw(t, "part")}
			for k, n := range append([]int{g.People}, g.Parts...) {
				total[k] += n
			}
			groups = append(groups, g)
		}
		shown := training.Disclose(groups, func(to *[]string, from []string) { *to = append(*to, from...) })
		left := slices.Clone(total) // what of each figure is hidden for good
		var hidden []string         // whose names are not shown
		for _, g := range groups {
			if !slices.ContainsFunc(shown, func(s training.Group[[]string]) bool { return s.Name == g.Name }) {
				hidden = append(hidden, g.Name)
			}
		}
		for i, s := range shown {
			for k, n := range append([]int{s.People}, s.Parts...) {
				if left[k] -= n; !training.Enough(n) {
					t.Fatalf("%+v shows a figure of %d people", s, n)
				}
			}
			if s.Rest && (i != len(shown)-1 || s.Name != "" || len(hidden) < 2 || !slices.Equal(slices.Sorted(slices.Values(s.Figures)), hidden)) {
				t.Fatalf("the rest %+v is not the sum of %v", s, hidden)
			}
		}
		if len(shown) > 0 && shown[len(shown)-1].Rest {
			if slices.Max(left) > 0 {
				t.Fatalf("%v people are in no group", left)
			}
			return
		}
		// There is no rest: whoever knows the sums knows what is left of each figure.
		for k, n := range left {
			if total[k] >= training.MinGroup && !training.Enough(n) {
				t.Fatalf("of the %d people of figure %d all but %d are shown", total[k], k, n)
			}
		}
	})
}

// TestGroupsAreShownAsTheyAre where there is nothing to hide.
func TestGroupsAreShownAsTheyAre(t *testing.T) {
	groups := []training.Group[int]{{Name: "z", People: 5, Figures: 1}, {Name: "a", People: 7, Figures: 2}, {Name: "m", People: 0}}
	shown := training.Disclose(groups, func(to *int, from int) { *to += from })
	var names []string
	for _, g := range shown {
		names = append(names, g.Name)
	}
	if !slices.Equal(names, []string{"a", "m", "z"}) || shown[0].Figures != 2 {
		t.Errorf("shown are %+v", shown)
	}
}
