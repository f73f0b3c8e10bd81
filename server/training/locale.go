package training

import (
	"slices"

	"golang.org/x/text/language"
)

// DefaultLocale is chosen when nothing else is.
const DefaultLocale = "en"

// Locales are those the product speaks. Everything that chooses a locale chooses one of
// these, so that what a client sends cannot multiply the keys of the cache.
func Locales() []string { return []string{"de", "en"} }

// LocaleWishes are the places a locale can come from, strongest first.
type LocaleWishes struct {
	Requested      string // ?locale=
	User           string
	AcceptLanguage string // the header
	Company        string
}

// ChooseLocale gives the first wish that the product can fulfil. Regions are ignored:
// de-AT is de.
func ChooseLocale(w LocaleWishes) string {
	for _, tag := range []string{w.Requested, w.User} {
		if l, ok := supported(tag); ok {
			return l
		}
	}
	if w.AcceptLanguage != "" {
		// A header that cannot be parsed wishes for nothing.
		tags, _, err := language.ParseAcceptLanguage(w.AcceptLanguage)
		for i := 0; err == nil && i < len(tags); i++ {
			if l, ok := supported(tags[i].String()); ok {
				return l
			}
		}
	}
	if l, ok := supported(w.Company); ok {
		return l
	}
	return DefaultLocale
}

// supported gives the name that Locales has for s. It does not lie in the text of s, which may be a client's
// and be overwritten.
func supported(s string) (string, bool) {
	if s == "" {
		return "", false
	}
	all := Locales()
	at := slices.Index(all, s)
	if at < 0 {
		tag, err := language.Parse(s)
		if err != nil {
			return "", false
		}
		base, _ := tag.Base()
		at = slices.Index(all, base.String())
	}
	if at < 0 {
		return "", false
	}
	return all[at], true
}
