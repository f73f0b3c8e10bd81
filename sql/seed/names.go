package seed

import (
	"math/rand/v2"
	"strings"
	"unicode/utf8"
)

// abroad are the languages of those who come from elsewhere, as often as each stands here.
func abroad() []string {
	return strings.Fields("en en de fr it es pl pl pt tr tr ar ar hi hi zh vi ja uk uk el af af cs hu sv nl fi")
}

// A name is longer than a form's author expects in one of so many people, and a single word in one of
// so many.
const (
	longNames = 300
	mononyms  = 1500
)

// Long names are so many characters; the API takes 200.
const longName = 60

// nameIn gives a person's name at a company: mostly one of its country.
func (w *world) nameIn(rng *rand.Rand, c *company) string {
	language := choose(rng, c.place.languages)
	if chance(rng, 20) {
		language = choose(rng, w.abroad)
	}
	n := choose(rng, w.names[language])
	switch {
	case rng.IntN(longNames) == 0:
		return n.long(rng)
	case rng.IntN(mononyms) == 0:
		return choose(rng, n.first)
	}
	given, family := choose(rng, n.first), n.family(rng)
	if !n.familyFirst && !strings.ContainsAny(given, "- ") && chance(rng, 5) {
		given = twice(rng, given, n.first, " ")
	}
	if !strings.ContainsAny(family, "- '") && chance(rng, 6) {
		family = twice(rng, family, n.last, "-")
	}
	return n.order(given, family)
}

func (n names) order(given, family string) string {
	if n.familyFirst {
		return family + " " + given
	}
	return given + " " + family
}

// family gives a family name, now and then of those who put something before it.
func (n names) family(rng *rand.Rand) string {
	name := choose(rng, n.last)
	if len(n.particles) == 0 || strings.ContainsAny(name, " '") || !chance(rng, 7) {
		return name
	}
	return choose(rng, n.particles) + " " + name
}

// twice puts another name of the list behind one, unless it is the same.
func twice(rng *rand.Rand, name string, list []string, between string) string {
	if other := choose(rng, list); other != name && !strings.ContainsAny(other, "- '") {
		return name + between + other
	}
	return name
}

// long gives a name with given and family names enough for the widest column.
func (n names) long(rng *rand.Rand) string {
	given, family := choose(rng, n.first), choose(rng, n.last)
	for wanted := longName + rng.IntN(10); utf8.RuneCountInString(given)+utf8.RuneCountInString(family) < wanted; {
		if chance(rng, 60) {
			given += " " + choose(rng, n.first)
		} else {
			family += " " + choose(rng, n.last)
		}
	}
	return n.order(given, family)
}
