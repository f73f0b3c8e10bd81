package web

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"outpost/server/training"
)

// inTemplate finds what names a text in a template: t "name", tn "name", and word "prefix". One that is put together,
// as t (print "nav.group." .Group), gives the beginning or the end.
var (
	inTemplate  = regexp.MustCompile(`[({ ]tn? "([^"]+)"`)
	wordIn      = regexp.MustCompile(`[({ ]word "([^"]+)"`)
	beginningIn = regexp.MustCompile(`[({ ]tn? \(print "([a-z_.]+\.)"`)
	endIn       = regexp.MustCompile(`\(?print [.$][\w.]+ "(\.[a-z_.]+)"`)
	prefixInGo  = regexp.MustCompile(`\.(?:choices|word)\("([^"]+)"`)
	inGo        = regexp.MustCompile(`\.T\("([^"]+)"`)
	remark      = regexp.MustCompile(`(?s)\{\{/\*.*?\*/\}\}`)
	literal     = regexp.MustCompile(`"([a-z_0-9]+(?:\.[a-zA-Z_0-9]+)+)"`)
)

// uses is what templates and Go name.
type uses struct {
	texts                       map[string]string // where each is named outright
	prefixes, beginnings, parts map[string]string
	ends                        map[string]string
}

func findUses(t *testing.T) uses {
	t.Helper()
	u := uses{make(map[string]string), make(map[string]string), make(map[string]string), make(map[string]string), make(map[string]string)}
	note := func(in map[string]string, pattern *regexp.Regexp, file string, content []byte) {
		for _, m := range pattern.FindAllSubmatch(content, -1) {
			in[string(m[1])] = file
		}
	}
	err := fs.WalkDir(templates, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := templates.ReadFile(file)
		if err != nil {
			return err
		}
		content = remark.ReplaceAll(content, nil)
		note(u.texts, inTemplate, file, content)
		note(u.prefixes, wordIn, file, content)
		note(u.beginnings, beginningIn, file, content)
		note(u.ends, endIn, file, content)
		note(u.parts, literal, file, content)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, pattern := range []string{"*.go", "../server/dev/*.go"} { // which tells the first page of a demo
		some, err := filepath.Glob(pattern)
		if err != nil || len(some) == 0 {
			t.Fatalf("%s finds %d files: %v", pattern, len(some), err)
		}
		files = append(files, some...)
	}
	files = append(files, "../server/dev/dev.go") // which says who may be looked at the demo as
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		note(u.texts, inGo, file, content)
		note(u.prefixes, prefixInGo, file, content)
		note(u.parts, literal, file, content)
	}
	return u
}

func loadedWords(t *testing.T) map[string]words {
	t.Helper()
	all, err := loadWords() // fails for a text that is not in every language, or twice
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEveryTextThatIsNamedExists(t *testing.T) {
	u, all := findUses(t), loadedWords(t)["en"]
	if len(u.texts) < 50 {
		t.Fatalf("only %d texts are found to be named", len(u.texts))
	}
	for name, file := range u.texts {
		if _, ok := all[name]; !ok {
			t.Errorf("%s names the text %s, which is not there", file, name)
		}
	}
	for kind, named := range map[string]map[string]string{"word": u.prefixes, "print": u.beginnings} {
		for prefix, file := range named {
			if !anyName(all, func(name string) bool { return strings.HasPrefix(name, strings.TrimSuffix(prefix, ".")+".") }) {
				t.Errorf("%s: no text begins like those of %s %q", file, kind, prefix)
			}
		}
	}
}

// TestEveryTextIsUsed keeps texts from staying when their page has changed.
func TestEveryTextIsUsed(t *testing.T) {
	u := findUses(t)
	for name := range loadedWords(t)["en"] {
		if !u.has(name) {
			t.Errorf("the text %s is used nowhere: delete it", name)
		}
	}
}

func (u uses) has(name string) bool {
	if _, ok := u.parts[name]; ok {
		return true
	}
	if _, ok := u.texts[name]; ok {
		return true
	}
	for prefix := range u.prefixes {
		if strings.HasPrefix(name, prefix+".") {
			return true
		}
	}
	for prefix := range u.beginnings {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	// Of print .Data ".text", what comes before is named in Go.
	for end := range u.ends {
		before, ok := strings.CutSuffix(name, end)
		if _, known := u.parts[before]; ok && (known || u.beginsIn(before)) {
			return true
		}
	}
	// By status, see RenderProblem; and what is there for any page that needs it.
	return strings.HasPrefix(name, "problem.") || strings.HasPrefix(name, "role.")
}

func (u uses) beginsIn(name string) bool {
	return anyName(u.beginnings, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

func anyName[T any](of map[string]T, fits func(string) bool) bool {
	for name := range of {
		if fits(name) {
			return true
		}
	}
	return false
}

// verb is a blank of a text.
var verb = regexp.MustCompile(`%[^%]`)

// TestTextsHaveTheSameBlanks in every language and number, or a page would say %!s(MISSING).
func TestTextsHaveTheSameBlanks(t *testing.T) {
	all := loadedWords(t)
	for name, en := range all["en"] {
		want := blanksOf(en.other)
		for _, locale := range training.Locales() {
			said := all[locale][name]
			if said.other == "" {
				t.Errorf("%s: the text %s is empty", locale, name)
			}
			if (said.one == "") != (en.one == "") {
				t.Errorf("%s: %s has a form for one in one language only", locale, name)
			}
			if got := blanksOf(said.other); got != want {
				t.Errorf("%s: %s has the blanks %q, in English %q", locale, name, got, want)
			}
			// For one thing its number may go without saying.
			if got := blanksOf(said.one); got != "" && got != want {
				t.Errorf("%s: %s has the blanks %q for one, %q for others", locale, name, got, want)
			}
		}
	}
}

func blanksOf(form string) string {
	return strings.Join(verb.FindAllString(strings.ReplaceAll(form, "%%", ""), -1), " ")
}

func TestTextsAreFilledIn(t *testing.T) {
	w := words{
		"plain": {other: "all of it, 100 %%"}, "hello": {other: "Hello %s"},
		"things": {one: "%s thing of %s", other: "%s things of %s"}, "sheep": {other: "%s sheep"}, "turned": {other: "of %[2]s, %[1]s"}, "state.done": {other: "Done"},
	}
	said := func(s string, err error) string {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		return s
	}
	for got, want := range map[string]string{
		said(w.say("plain")):                          "all of it, 100 %",
		said(w.say("hello", "<Ada>")):                 "Hello <Ada>", // escaped by whoever shows it
		said(w.count("things", 1, "1", "Ada")):        "1 thing of Ada",
		said(w.count("things", 1000, "1.000", "Ada")): "1.000 things of Ada",
		said(w.count("things", 0, "0", "Ada")):        "0 things of Ada",
		said(w.count("sheep", 1, "1")):                "1 sheep",
		said(w.count("turned", 2, "2", "Ada")):        "of Ada, 2",
		w.word("state", "done"):                       "Done",
		w.word("state", "new"):                        "new", // of a newer API
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if _, err := w.say("missing"); err == nil {
		t.Error("a text that is missing is said")
	}
	if _, err := w.count("missing", 1, "1"); err == nil {
		t.Error("a text that is missing is counted")
	}
}
