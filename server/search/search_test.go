package search_test

import (
	"regexp"
	"strings"
	"testing"

	"outpost/server/search"
)

func TestSearchesOfTheSameMeaningAreOne(t *testing.T) {
	for q, want := range map[string]string{
		"":                          "",
		" \t ":                      "",
		"Passwörter":                "passworter*",
		"PASSWO\u0308RTER":          "passworter*",
		"passworter ":               "passworter",
		`"Straße"`:                  "strasse",
		"E-Mail":                    "e mail*",
		"data data data":            "data data*",
		"data data data ":           "data",
		"NEAR(a b) OR c*":           "near a b or c",
		"2FA":                       "2fa*",
		"\xff\x00daten\xfe":         "daten",
		"Daten\u00adschutz":         "datenschutz*",
		"Øre Łódź Œuvre ﬁle":        "ore lodz oeuvre file*",
		"%_^$(){}[]+-\\'\"":         "",
		"Ελλάδα":                    "",
		"it's \u200b résumé, naïve": "it s resume naive*",
	} {
		if got := search.Parse(q).String(); got != want {
			t.Errorf("%q: %q, want %q", q, got, want)
		}
	}
	if search.Parse(" ").Given() || !search.Parse("?").Given() {
		t.Error("a blank search is one, or a question mark none")
	}
}

func TestStopWordsCountOnlyAlone(t *testing.T) {
	for _, c := range []struct {
		q, language string
		want        []search.Term
	}{
		{"Schutz für Daten", "de", []search.Term{{Word: "schutz", Stem: "schutz"}, {Word: "daten", Stem: "dat", Prefix: true}}},
		{"Schutz für", "de", []search.Term{{Word: "schutz", Stem: "schutz"}}},
		{"für", "de", []search.Term{{Word: "fur", Stem: "fur", Prefix: true}}},
		{"für data", "en", []search.Term{{Word: "fur", Stem: "fur"}, {Word: "data", Stem: "data", Prefix: true}}},
		{"the passwords ", "en", []search.Term{{Word: "passwords", Stem: "password"}}},
		{"the passwords ", "", []search.Term{{Word: "the", Stem: "the"}, {Word: "passwords", Stem: "passwords"}}},
		{"?", "en", nil},
	} {
		got := search.Parse(c.q).Terms(c.language)
		if len(got) != len(c.want) {
			t.Errorf("%q in %q: %+v", c.q, c.language, got)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%q in %q: %+v, want %+v", c.q, c.language, got[i], c.want[i])
			}
		}
	}
}

// FuzzParse proves that nothing of a search but letters and digits reaches an engine, and that how a
// search reads is what it means.
func FuzzParse(f *testing.F) {
	for _, q := range []string{
		"", "passwort", `"a" OR b*`, "NEAR(a b, 2)", "title:x -y ^z", "Straße ä\u0308 ﬁ", "\xff\xfe\x00", "a\u00adb", "ẞ Œ Ł ı İ",
		"𝓓𝓪𝓽𝓮𝓷 １２３", "ie ies ied y yy", "die der das", "ungheitkeit", "sses'", "e̊e̊e̊",
	} {
		f.Add(q)
	}
	plain := regexp.MustCompile(`^[a-z0-9]+$`)
	f.Fuzz(func(t *testing.T, q string) {
		if len(q) > search.MaxBytes {
			return
		}
		query := search.Parse(q)
		for _, language := range search.Languages() {
			terms := query.Terms(language)
			if len(terms) > query.Words() || len(terms) == 0 && query.Words() > 0 {
				t.Fatalf("%q has %d terms of %d words", q, len(terms), query.Words())
			}
			for i, term := range terms {
				if !plain.MatchString(term.Word) || !plain.MatchString(term.Stem) || term.Prefix && i < len(terms)-1 {
					t.Fatalf("%q: %+v", q, term)
				}
			}
		}
		text := query.String()
		typed, typing := strings.CutSuffix(text, "*")
		if !typing {
			typed += " "
		}
		if again := search.Parse(typed).String(); again != text {
			t.Fatalf("%q is %q, which is %q", q, text, again)
		}
	})
}
