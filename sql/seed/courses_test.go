package seed

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yuin/goldmark" // the Markdown of lessons is checked by a parser of CommonMark, not by ours
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	mdtext "github.com/yuin/goldmark/text"
)

// TestCoursesAreFitToPublish is the check that whoever writes a course runs (`make check-courses`):
// it names everything that is wrong, not only the first thing.
func TestCoursesAreFitToPublish(t *testing.T) {
	courses := content(t).Courses
	if len(courses) < 24 {
		t.Errorf("%d courses, want at least 24", len(courses))
	}
	titles := map[string]string{}
	for i := range courses {
		c := &courses[i]
		for _, fault := range faults(c) {
			t.Errorf("%s: %s", c.Slug, fault)
		}
		for locale, text := range c.Texts {
			if other := titles[locale+text.Title]; other != "" {
				t.Errorf("%s has the title of %s", c.Slug, other)
			}
			titles[locale+text.Title] = c.Slug
		}
	}
}

// faults are what keeps a course, which Load has accepted, from being published.
func faults(c *Course) (list []string) {
	fault := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if got := c.Locales(); !slices.Equal(got, []string{"de", "en"}) {
		fault("its languages are %v, want de and en", got)
		return list
	}
	if texts := len(c.Lessons) - 1; texts < 3 || texts > 6 {
		fault("%d lessons beside the quiz, want three to six", texts)
	}
	if n := len(c.Quiz.Questions); n < 5 || n > 10 {
		fault("%d questions, want five to ten", n)
	}
	if !slices.Contains([]string{"beginner", "intermediate", "advanced"}, c.Level) || !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(c.Category) {
		fault("level %q or category %q is none", c.Level, c.Category)
	}
	if c.Quiz.PassPercent < 60 || c.Quiz.PassPercent > 90 || c.Quiz.MaxAttempts < 2 || c.ValidityDays < 180 {
		fault("%d %% to pass, %d attempts or %d days of validity is not what a company would set", c.Quiz.PassPercent, c.Quiz.MaxAttempts, c.ValidityDays)
	}
	for locale, text := range c.Texts {
		if n := utf8.RuneCountInString(text.Description); n < 60 || n > 400 {
			fault("%s: the description has %d characters, want 60 to 400", locale, n)
		}
		list = append(list, prose(locale, text.Title+"\n\n"+text.Description)...)
	}
	for i := range c.Lessons {
		for _, f := range lessonFaults(&c.Lessons[i]) {
			fault("%s: %s", c.Lessons[i].Key, f)
		}
	}
	return append(list, quizFaults(c)...)
}

// wordsPerMinute are those of somebody who reads in order to remember and of one who reads in order
// to learn: Carver, Reading Rate (1990). German is counted alike.
const (
	remembering = 138
	learning    = 200
)

func lessonFaults(l *Lesson) (list []string) {
	fault := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if len(l.Texts) != 2 {
		fault("%d languages, want 2", len(l.Texts))
		return list
	}
	most := 0
	outline := map[string][]string{}
	for locale, lesson := range l.Texts {
		n := len(strings.Fields(lesson.Body))
		most = max(most, n)
		if l.Kind == "text" && (n < 250 || n > 600) {
			fault("%d words in %s, want 250 to 600", n, locale)
		}
		list = append(list, prose(locale, "# "+lesson.Title+"\n\n"+lesson.Body)...)
		outline[locale] = structure(lesson.Body)
	}
	if !slices.Equal(outline["de"], outline["en"]) {
		fault("its headings, tables and code are not the same in both languages: de %v, en %v", outline["de"], outline["en"])
	}
	if least, longest := float64(most)/learning, float64(most)/remembering+1.5; l.Kind == "text" && (float64(l.Minutes) < least || float64(l.Minutes) > longest) {
		fault("%d minutes, where %d words take %.1f to %.1f", l.Minutes, most, least, longest)
	}
	if de := l.Texts["de"].Body; !strings.Contains(de, " und ") && !strings.Contains(de, " Sie ") || !strings.ContainsAny(de, "äöüß") {
		fault("the German text does not look German")
	}
	if en := l.Texts["en"].Body; !strings.Contains(en, " and ") || strings.ContainsAny(en, "äöüß") {
		fault("the English text does not look English")
	}
	return list
}

func quizFaults(c *Course) (list []string) {
	fault := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	places, longest := map[int]int{}, map[string]int{}
	questions := len(c.Quiz.Questions)
	for _, q := range c.Quiz.Questions {
		places[q.Right]++
		for locale, text := range q.Texts {
			options := slices.Compact(slices.Sorted(slices.Values(text.Options)))
			if len(options) != 4 || strings.TrimSpace(text.Question) == "" || strings.TrimSpace(text.Options[q.Right]) == "" {
				fault("question %s in %s does not have four different options", q.Key, locale)
			}
			if n := len(strings.Fields(text.Explanation)); n < 8 {
				fault("question %s in %s is explained in %d words", q.Key, locale, n)
			}
			if slices.MaxFunc(text.Options, func(a, b string) int { return utf8.RuneCountInString(a) - utf8.RuneCountInString(b) }) == text.Options[q.Right] {
				longest[locale]++
			}
			for _, s := range append([]string{text.Question, text.Explanation}, text.Options...) {
				for _, f := range prose(locale, s) {
					fault("question %s: %s", q.Key, f)
				}
			}
		}
	}
	if len(places) != min(4, questions) || slices.Max(slices.Collect(maps.Values(places))) > (questions+3)/4 {
		fault("the places of the right options, %v, give some of them away", places)
	}
	for locale, n := range longest {
		if n > questions/2 {
			fault("in %s the right option is the longest in %d of %d questions, which gives it away", locale, n, questions)
		}
	}
	quiz := &c.Lessons[len(c.Lessons)-1]
	if seconds := 60 * quiz.Minutes / questions; seconds < 30 || seconds > 60 {
		fault("%d minutes for %d questions", quiz.Minutes, questions)
	}
	need := (c.Quiz.PassPercent*questions + 99) / 100
	for locale, text := range quiz.Texts {
		body := strings.ToLower(strings.Join(strings.Fields(text.Body), " "))
		for _, n := range []struct {
			what  string
			value int
		}{{"questions", questions}, {"percent to pass", c.Quiz.PassPercent}, {"right answers to pass", need}, {"attempts", c.Quiz.MaxAttempts}} {
			if !says(body, locale, n.value) {
				fault("the quiz's page in %s does not say that it is %d %s", locale, n.value, n.what)
			}
		}
		if minutes := c.Quiz.TimeLimitSeconds / 60; minutes > 0 && !says(body, locale, minutes) {
			fault("the quiz's page in %s does not say that there are %d minutes", locale, minutes)
		}
	}
	return list
}

// says tells whether a text has a number, in digits or as a word.
func says(text, locale string, n int) bool {
	forms := []string{strconv.Itoa(n)}
	words := map[string][]string{
		"en": {"", "one", "two|twice", "three", "four", "five", "six", "seven", "eight", "nine", "ten"},
		"de": {"", "ein|eine", "zwei|zweimal", "drei|dreimal", "vier|viermal", "fünf|fünfmal", "sechs", "sieben", "acht", "neun", "zehn"},
	}[locale]
	if n < len(words) {
		forms = append(forms, strings.Split(words[n], "|")...)
	}
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(" .,;:!?()%–", r) }) {
		if slices.Contains(forms, word) {
			return true
		}
	}
	return false
}

var markdown = goldmark.New(goldmark.WithExtensions(extension.Table)).Parser()

// structure is what two languages of a lesson have in common.
func structure(body string) (list []string) {
	walk(body, func(n ast.Node, _ []byte) {
		switch n := n.(type) {
		case *ast.Heading:
			list = append(list, strings.Repeat("#", n.Level))
		case *ast.FencedCodeBlock:
			list = append(list, "code")
		default:
			if n.Kind().String() == "Table" {
				list = append(list, fmt.Sprintf("table of %d rows", n.ChildCount()))
			}
		}
	})
	return list
}

func walk(body string, visit func(n ast.Node, source []byte)) {
	source := []byte(body)
	// The visitor never fails.
	_ = ast.Walk(markdown.Parse(mdtext.NewReader(source)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			visit(n, source)
		}
		return ast.WalkContinue, nil
	})
}

// A number that is written as in the other language, a straight quotation mark in German, what an
// author left for later.
var illFormed = map[string][]*regexp.Regexp{
	"en": {
		regexp.MustCompile(`\b\d{1,3}\.\d{3}\b`), regexp.MustCompile(`\d,\d{1,2}\b`), regexp.MustCompile(`\b\d{5,}\b`), regexp.MustCompile(`[„‚‘’“”]`),
	},
	"de": {
		regexp.MustCompile(`\b\d{1,3},\d{3}\b`), regexp.MustCompile(`\d%`), regexp.MustCompile(`\b\d{5,}\b`), regexp.MustCompile(`["”]`),
		regexp.MustCompile(`\b\d+\.\d{1,2} (?:%|Prozent|Millionen|Milliarden|Sekunden|Minuten|Stunden)`),
	},
}

// What has digits and is no number: standards go by theirs.
var standards = regexp.MustCompile(`\b(?:ISO(?:/IEC)?|IEC|DIN|EN|RFC|SP|CFR) [\d.-]+`)

var leftover = regexp.MustCompile(`(?i)\b(?:todo|tbd|fixme|lorem|xxx)\b`)

// prose gives what is wrong with a text's links, numbers and marks, code aside.
func prose(locale, body string) (list []string) {
	fault := func(format string, args ...any) { list = append(list, locale+": "+fmt.Sprintf(format, args...)) }
	var words strings.Builder
	level := 0
	walk(body, func(n ast.Node, source []byte) {
		switch n := n.(type) {
		case *ast.RawHTML, *ast.HTMLBlock, *ast.Image:
			fault("%s, which lessons do not have", n.Kind())
		case *ast.Link:
			if target, err := url.Parse(string(n.Destination)); err != nil || target.Scheme != "https" || !strings.Contains(target.Host, ".") || target.User != nil {
				fault("a link to %q, want https", n.Destination)
			}
		case *ast.Heading:
			if n.Level > level+1 && level > 0 || n.Level == 1 && level > 0 {
				fault("a heading of level %d after one of level %d", n.Level, level)
			}
			level = n.Level
		case *ast.Text:
			if _, code := n.Parent().(*ast.CodeSpan); !code {
				words.Write(n.Segment.Value(source))
				words.WriteByte(' ')
			}
		}
	})
	said := standards.ReplaceAllString(words.String(), "")
	for _, bad := range slices.Concat(illFormed[locale], []*regexp.Regexp{leftover}) {
		if at := bad.FindString(said); at != "" {
			fault("%q in %q", at, around(said, at))
		}
	}
	for _, row := range raggedRows(body) {
		fault("a row of a table has more or fewer cells than its head: %s", row)
	}
	if strings.Contains(said, "](") || strings.Contains(said, "**") || strings.Contains(said, "`") {
		fault("a link, bold text or code that does not end")
	}
	return list
}

// raggedRows are rows of tables that CommonMark would fill up or cut.
func raggedRows(body string) (rows []string) {
	cells := 0
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		n := strings.Count(line, "|") - strings.Count(line, `\|`)
		switch {
		case !strings.HasPrefix(line, "|"):
			cells = 0
		case cells == 0:
			cells = n
		case n != cells:
			rows = append(rows, line)
		}
	}
	return rows
}

// around is a place in a text with what stands beside it.
func around(text, part string) string {
	at := strings.Index(text, part)
	from, to := max(0, at-25), min(len(text), at+len(part)+25)
	return strings.ToValidUTF8(text[from:to], "")
}

// TestCoursesFaultsAreFound: a checker that finds nothing would pass as well.
func TestCoursesFaultsAreFound(t *testing.T) {
	for _, tt := range []struct {
		name string
		harm func(c *Course)
		want string
	}{
		{"a language is missing", func(c *Course) { delete(c.Texts, "de") }, "languages"},
		{"a lesson is missing in a language", func(c *Course) { delete(c.Lessons[0].Texts, "de") }, "1 languages"},
		{"too few lessons", func(c *Course) { c.Lessons = c.Lessons[3:] }, "lessons beside the quiz"},
		{"too few questions", func(c *Course) { c.Quiz.Questions = c.Quiz.Questions[:4] }, "4 questions"},
		{"no such level", func(c *Course) { c.Level = "expert" }, "expert"},
		{"a pass mark that anybody meets", func(c *Course) { c.Quiz.PassPercent = 10 }, "10 %"},
		{"too short", edit("en", func(s string) string { return s[:1000] }), "words in en"},
		{"too long", edit("de", func(s string) string { return s + s }), "words in de"},
		{"more minutes than it takes", func(c *Course) { c.Lessons[0].Minutes = 9 }, "9 minutes"},
		{"fewer minutes than it takes", func(c *Course) { c.Lessons[0].Minutes = 1 }, "1 minutes"},
		{"another outline", edit("de", func(s string) string { return s + "\n## Noch etwas\n" }), "not the same in both"},
		{"languages mixed up", func(c *Course) { c.Lessons[0].Texts["en"] = c.Lessons[0].Texts["de"] }, "does not look English"},
		{"a link without https", edit("en", func(s string) string { return s + "\n[x](http://a.example)\n" }), "want https"},
		{"a link to nowhere", edit("en", func(s string) string { return s + "\n[x](#below)\n" }), "want https"},
		{"HTML", edit("en", func(s string) string { return s + "\na <b>b</b>\n" }), "RawHTML"},
		{"a number in the other language's way", edit("de", func(s string) string { return s + "\n25,000 Fälle\n" }), "25,000"},
		{"the same in English", edit("en", func(s string) string { return s + "\n25.000 cases\n" }), "25.000"},
		{"no thousands", edit("en", func(s string) string { return s + "\n25000 cases\n" }), "25000"},
		{"no blank before the percent", edit("de", func(s string) string { return s + "\n20% der Fälle\n" }), "0%"},
		{"a straight quotation mark in German", edit("de", func(s string) string { return s + "\n\"so\"\n" }), `"\""`},
		{"a note to oneself", edit("en", func(s string) string { return s + "\nTODO\n" }), "TODO"},
		{"a level of headings left out", edit("en", func(s string) string { return s + "\n#### Deep\n" }), "level 4"},
		{"a ragged table", edit("en", func(s string) string { return s + "\n| a | b |\n| --- | --- |\n| c |\n" }), "| c |"},
		{"bold without end", edit("en", func(s string) string { return s + "\n**so\n" }), "does not end"},
		{"an option twice", question(func(q *QuestionText) { q.Options[1] = q.Options[0] }), "four different options"},
		{"no explanation", question(func(q *QuestionText) { q.Explanation = "Because." }), "explained in 1 words"},
		{"a right option that shows", func(c *Course) {
			for _, q := range c.Quiz.Questions {
				q.Texts["de"].Options[q.Right] += strings.Repeat(" und weiter", 40)
			}
		}, "longest"},
		{"the right option in one place", func(c *Course) {
			for i := range c.Quiz.Questions {
				c.Quiz.Questions[i].Right = 0
			}
		}, "places"},
		{"an hour for a quiz", func(c *Course) { c.Lessons[len(c.Lessons)-1].Minutes = 60 }, "60 minutes for"},
		{"a page that promises other attempts", func(c *Course) { c.Quiz.MaxAttempts = 9 }, "9 attempts"},
		{"a page that promises another mark", func(c *Course) { c.Quiz.PassPercent = 80 }, "80 percent"},
		{"a page that does not tell the limit", func(c *Course) { c.Quiz.TimeLimitSeconds = 11 * 60 }, "11 minutes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			courses := content(t).Courses
			c := courses[slices.IndexFunc(courses, func(c Course) bool { return c.Slug == "phishing" })]
			if list := faults(&c); len(list) > 0 {
				t.Fatalf("before any harm: %v", list)
			}
			tt.harm(&c)
			if list := faults(&c); !slices.ContainsFunc(list, func(s string) bool { return strings.Contains(s, tt.want) }) {
				t.Errorf("faults %q, want one with %q", list, tt.want)
			}
		})
	}
}

func edit(locale string, change func(string) string) func(*Course) {
	return func(c *Course) {
		lesson := c.Lessons[0].Texts[locale]
		lesson.Body = change(lesson.Body)
		c.Lessons[0].Texts[locale] = lesson
	}
}

func question(change func(*QuestionText)) func(*Course) {
	return func(c *Course) {
		text := c.Quiz.Questions[0].Texts["en"]
		change(&text)
		c.Quiz.Questions[0].Texts["en"] = text
	}
}
