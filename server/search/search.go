// Package search reads what people search courses for.
//
// An edge has to find what Postgres would find. Both look into the same words, which Postgres made
// of the texts (migration 00014) and replication brought; this package makes of a search what
// course_query makes of it there: the same folding, stop words and stems. A search consists of
// letters and digits alone, so nothing that a client sends is an operator of anybody's. The package
// knows neither of the engines.
//
// What counts: case and accents do not, so ä is a, and ß is ss; a text is also found by the other
// spelling of its umlauts (Änderung by aenderung), and by a compound without its hyphens. Whoever
// spells it in a way of their own finds less: ae in a text is not ä. A compound is found by how it
// begins, not by what it is made of: Schutz does not find Datenschutz. Letters that have nothing to do
// with a to z (Greek, Cyrillic) find nothing. All words must be there; stop words do not count
// unless there are no others.
package search

import (
	"slices"
	"strings"

	"github.com/blevesearch/snowballstem" // the algorithms of Postgres' own stemmers
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/german"
	"golang.org/x/text/unicode/norm"
)

// Limits of a search.
const (
	MaxBytes = 200
	MaxWords = 16
)

// Languages are those that Terms knows: the locales of the product, and the empty one, whose words
// are taken as they are.
func Languages() []string { return []string{"de", "en", ""} }

// Query is what is searched for. The zero Query searches for nothing, and so chooses everything.
type Query struct {
	words  []string // folded
	typing bool     // the last word may go on
	given  bool
}

// Parse reads a search. A blank one is the zero Query; one without a letter or digit finds nothing.
func Parse(q string) Query {
	q = strings.ToValidUTF8(q, " ")
	if strings.TrimSpace(q) == "" {
		return Query{}
	}
	folded := fold(q)
	words := strings.Fields(folded)
	query := Query{given: true, typing: len(words) > 0 && !strings.HasSuffix(folded, " ")}
	for i, w := range words {
		// The one that may go on asks for less than the same word elsewhere.
		if query.typing && i == len(words)-1 || !slices.Contains(query.words, w) {
			query.words = append(query.words, w)
		}
	}
	return query
}

// Given says whether anything is searched for.
func (q Query) Given() bool { return q.given }

// Words is how many words there are.
func (q Query) Words() int { return len(q.words) }

// String is the search in a form that all searches of the same meaning share.
func (q Query) String() string {
	s := strings.Join(q.words, " ")
	if q.typing {
		s += "*"
	}
	return s
}

// Term is one word of a search: a text has it if it has the word or its stem, and with Prefix also
// if it has a word that begins like it. All are of the letters a to z and digits.
type Term struct {
	Word   string
	Stem   string
	Prefix bool
}

// Terms are what a text in that language must have, all of them. None: no text has it.
func (q Query) Terms(language string) []Term {
	terms, stops := []Term{}, []Term{}
	for i, w := range q.words {
		t := Term{Word: w, Stem: stem(language, w), Prefix: q.typing && i == len(q.words)-1}
		if isStop(language, w) {
			stops = append(stops, t)
		} else {
			terms = append(terms, t)
		}
	}
	if len(terms) == 0 {
		return stops
	}
	return terms
}

// fold gives the words of s in lower case and without accents, with one space or more for whatever
// is between them.
func fold(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(s) {
		switch {
		case r >= 0x300 && r <= 0x36F, r == 0xAD: // what the letter before it wears; a soft hyphen
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteByte(byte(r))
		case r >= 'A' && r <= 'Z':
			b.WriteByte(byte(r) + 'a' - 'A')
		default:
			b.WriteString(plain(r))
		}
	}
	return b.String()
}

// plain writes the letters that wear no accent and are no others either.
func plain(r rune) string {
	switch r {
	case 'ß', 'ẞ':
		return "ss"
	case 'æ', 'Æ':
		return "ae"
	case 'œ', 'Œ':
		return "oe"
	case 'ø', 'Ø':
		return "o"
	case 'ł', 'Ł':
		return "l"
	case 'đ', 'Đ':
		return "d"
	case 'ı':
		return "i"
	}
	return " "
}

func stem(language, word string) string {
	switch language {
	case "de":
		return stemmed(word, german.Stem)
	case "en":
		return stemmed(word, english.Stem)
	}
	return word
}

func stemmed(word string, rules func(*snowballstem.Env) bool) string {
	env := snowballstem.NewEnv(word)
	rules(env)
	return env.Current()
}
