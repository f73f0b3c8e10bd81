package auth

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	// zxcvbn knows common passwords, words, names, keyboard walks, dates and their disguises, and is
	// the measure that browsers use too.
	"github.com/trustelem/zxcvbn"
	"github.com/trustelem/zxcvbn/frequency"
	"golang.org/x/text/unicode/norm"
)

const (
	// MinPassword is the shortest password that can be set, in bytes.
	MinPassword = 10
	// minScore is zxcvbn's "safely unguessable": more than 10^8 guesses.
	minScore = 3
	// judged bounds what is estimated of a password, in characters: the work grows faster than the
	// length, and what is good to here is good.
	judged = 100
	// personalLength is the shortest part of a name that a password must not contain.
	personalLength = 4
)

// zxcvbn has made its dictionaries of these lists, and would keep 3 MB for good that nobody reads
// again.
func init() { clear(frequency.FrequencyLists) }

// Weakness says what is wrong with a password that somebody wants to set, as an end of "The password
// …"; empty when nothing is. It follows NIST SP 800-63B, 3.1.1.2: any characters, no rules of
// composition, but neither what is commonly used or easy to guess nor what says whose it is. personal
// are the account's e-mail address and names.
func Weakness(password string, personal ...string) string {
	switch {
	case len(password) < MinPassword:
		return "must be at least 10 bytes long; several words that do not belong together make a good one"
	case len(password) > MaxPassword:
		return "must be at most 1024 bytes long"
	}
	folded := fold(password)
	known := append(commonWords(), personal...)
	for _, text := range personal {
		for _, part := range strings.FieldsFunc(fold(text), func(r rune) bool { return strings.ContainsRune(" @.-_+'", r) }) {
			known = append(known, part)
			if utf8.RuneCountInString(part) >= personalLength && strings.Contains(folded, part) && !strings.Contains(fold(text), "@"+part) {
				return "must not contain your name or e-mail address"
			}
		}
	}
	runes := []rune(password)
	if len(runes) > judged {
		runes = runes[:judged]
	}
	core := strings.TrimFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) }) // Sommer of Sommer2026!!
	if slices.Contains(known, core) || zxcvbn.PasswordStrength(string(runes), known).Score < minScore {
		return "is commonly used or easy to guess; take several words that do not belong together, or let a password manager make one"
	}
	return ""
}

func fold(s string) string { return strings.ToLower(norm.NFKC.String(s)) }

// commonWords are those of the product and of German passwords, which zxcvbn's lists, made of
// English ones, lack.
func commonWords() []string {
	return []string{
		"outpost", "security", "sicherheit", "passwort", "kennwort", "willkommen", "geheim", "hallo", "schatz", "hallowelt", "startpasswort",
		"firma", "training", "schulung", "montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonntag", "januar", "februar",
		"märz", "maerz", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "dezember", "frühling", "fruehling",
		"sommer", "herbst", "winter", "fussball", "fußball", "bayern", "borussia", "schalke", "deutschland", "berlin", "hamburg", "münchen",
		"muenchen", "ficken", "arschloch", "schatzi", "sonnenschein", "qwertz", "qwertzuiop", "asdfghjkl", "yxcvbnm",
	}
}
