package seed

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func content(t *testing.T) Catalogue {
	t.Helper()
	c, err := Content()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestEveryRequirementIsServedByCourses: one that nobody can satisfy would tell a company nothing. (Load
// refuses a code that stands there twice.)
func TestEveryRequirementIsServedByCourses(t *testing.T) {
	c := content(t)
	var keys []string
	both := func(what string, texts map[string]string) {
		if len(texts) != 2 || strings.TrimSpace(texts["de"]) == "" || strings.TrimSpace(texts["en"]) == "" {
			t.Errorf("%s is not in German and English alone", what)
		}
	}
	for _, f := range c.Frameworks {
		keys = append(keys, f.Key)
		both("the name of "+f.Key, f.Name)
		both("the title of "+f.Key, f.Title)
		for _, r := range f.Requirements {
			ref := f.Key + "/" + r.Code
			both(ref, r.Text)
			if r.Text["de"] == r.Text["en"] {
				t.Errorf("%s says the same in both languages", ref)
			}
			if !slices.ContainsFunc(c.Courses, func(c Course) bool { return c.satisfies(ref) }) {
				t.Errorf("no course satisfies %s", ref)
			}
		}
	}
	if want := []string{"gdpr", "nis2", "iso27001", "pci_dss", "hipaa"}; !slices.Equal(keys, want) {
		t.Errorf("frameworks %v, want %v", keys, want)
	}
	for _, course := range c.Courses {
		if len(course.Satisfies) == 0 || len(slices.Compact(slices.Sorted(slices.Values(course.Satisfies)))) != len(course.Satisfies) {
			t.Errorf("%s satisfies nothing, or something twice", course.Slug)
		}
	}
}

func TestLoadNamesWhatIsWrong(t *testing.T) {
	good := map[string]string{
		"frameworks.yaml": "[{key: gdpr, name: {en: GDPR}, title: {en: G}, " +
			"requirements: [{code: A, interval_months: 12, text: {en: t}}]}]",
		"courses/one/course.yaml": "{slug: one, default_locale: en, " +
			"lessons: [{key: a, kind: text, minutes: 1}, {key: z, kind: quiz, minutes: 1}], " +
			"quiz: {pass_percent: 75, questions: [q]}, satisfies: [gdpr/A]}",
		"courses/one/en.md":        "---\ntitle: One\ndescription: D\n---\n\n# First {#a}\n\nBody\n\n# Quiz {#z}\n\nAsk\n",
		"courses/one/quiz.en.yaml": "[{key: q, question: Q, right: r, wrong: [a, b], explanation: e}]",
	}
	for _, tt := range []struct{ name, file, old, new, want string }{
		{"nothing", "", "", "", ""},
		{"unknown field", "courses/one/course.yaml", "slug", "slugg", "slugg"},
		{"other folder", "courses/one/course.yaml", "slug: one", "slug: two", "folder"},
		{"no default text", "courses/one/course.yaml", "locale: en", "locale: de", "default locale"},
		{"unknown requirement", "courses/one/course.yaml", "gdpr/A", "gdpr/B", "gdpr/B"},
		{"quiz not last", "courses/one/course.yaml", "kind: text", "kind: quiz", "one quiz last"},
		{"no minutes", "courses/one/course.yaml", "minutes: 1", "minutes: 0", "minutes"},
		{"no questions", "courses/one/course.yaml", "[q]", "[]", "questions"},
		{"no front matter", "courses/one/en.md", "---\ntitle", "title", "front matter"},
		{"other lesson", "courses/one/en.md", "{#a}", "{#b}", "lesson 1"},
		{"lesson missing", "courses/one/en.md", "{#a}", "", "1 lessons"},
		{"too few options", "courses/one/quiz.en.yaml", "[a, b]", "[a]", "question q"},
		{"other question", "courses/one/quiz.en.yaml", "key: q", "key: p", "question 1"},
		{"quiz missing", "courses/one/quiz.en.yaml", "", "gone", "quiz.en.yaml"},
		{
			"requirement twice", "frameworks.yaml", "requirements: [",
			"requirements: [{code: A, interval_months: 1, text: {en: t}}, ", "twice",
		},
		{"no German title", "frameworks.yaml", "name: {en: GDPR}", "name: {en: GDPR, de: DSGVO}", "title"},
		{"no English name", "frameworks.yaml", "name: {en: GDPR}", "name: {de: DSGVO}", "English"},
		{"no interval", "frameworks.yaml", "interval_months: 12", "interval_months: 0", "interval"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fsys := fstest.MapFS{}
			for name, body := range maps.All(good) {
				switch {
				case name == tt.file && tt.new == "gone":
					continue
				case name == tt.file:
					body = strings.Replace(body, tt.old, tt.new, 1)
				}
				fsys[name] = &fstest.MapFile{Data: []byte(body)}
			}
			_, err := Load(fsys)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Fatalf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}
