package web

import (
	"slices"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display" // the names of countries, in every language

	"outpost/server/training"
)

// country is a country's name in a language. A code that has none is shown as it is.
func country(locale, code string) string {
	region, err := language.ParseRegion(code)
	if err != nil {
		return code
	}
	return or(display.Regions(language.Make(locale)).Name(region), code)
}

// countries are all that a company can be in, by name.
func countries(locale string) []choice {
	var list []choice
	for _, code := range training.Countries() {
		list = append(list, choice{code, country(locale, code)})
	}
	slices.SortFunc(list, func(a, b choice) int {
		return strings.Compare(training.SlugOf(a.Text), training.SlugOf(b.Text)) // Ö is with O
	})
	return list
}
