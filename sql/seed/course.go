package seed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// courseFile is course.yaml: what is the same in every language.
type courseFile struct {
	Slug          string `yaml:"slug"`
	Category      string `yaml:"category"`
	Level         string `yaml:"level"`
	DefaultLocale string `yaml:"default_locale"`
	ValidityDays  int    `yaml:"validity_days"`
	Lessons       []struct {
		Key     string `yaml:"key"`
		Kind    string `yaml:"kind"`
		Minutes int    `yaml:"minutes"`
	} `yaml:"lessons"`
	Quiz struct {
		PassPercent      int      `yaml:"pass_percent"`
		MaxAttempts      int      `yaml:"max_attempts"`
		TimeLimitSeconds int      `yaml:"time_limit_seconds"`
		Questions        []string `yaml:"questions"`
	} `yaml:"quiz"`
	Satisfies []string `yaml:"satisfies"`
}

// questionFile is an entry of quiz.<locale>.yaml.
type questionFile struct {
	Key         string   `yaml:"key"`
	Question    string   `yaml:"question"`
	Right       string   `yaml:"right"`
	Wrong       []string `yaml:"wrong"`
	Explanation string   `yaml:"explanation"`
}

func loadCourse(fsys fs.FS, dir string) (Course, error) {
	var f courseFile
	if err := readYAML(fsys, dir+"/course.yaml", &f); err != nil {
		return Course{}, err
	}
	c := Course{
		Slug: f.Slug, Category: f.Category, Level: f.Level, DefaultLocale: f.DefaultLocale,
		ValidityDays: f.ValidityDays, Satisfies: f.Satisfies, Texts: map[string]CourseText{},
		Quiz: Quiz{PassPercent: f.Quiz.PassPercent, MaxAttempts: f.Quiz.MaxAttempts, TimeLimitSeconds: f.Quiz.TimeLimitSeconds},
	}
	for i, l := range f.Lessons {
		if quiz := i == len(f.Lessons)-1; l.Minutes <= 0 || quiz != (l.Kind == "quiz") || !quiz && l.Kind != "text" {
			return Course{}, fmt.Errorf("%s: lesson %s: texts come first, one quiz last, each with its minutes", dir, l.Key)
		}
		c.Lessons = append(c.Lessons, Lesson{Key: l.Key, Kind: l.Kind, Minutes: l.Minutes, Texts: map[string]LessonText{}})
	}
	for _, key := range f.Quiz.Questions {
		c.Quiz.Questions = append(c.Quiz.Questions, Question{Key: key, Texts: map[string]QuestionText{}})
	}
	if len(c.Lessons) < 2 || len(c.Quiz.Questions) == 0 {
		return Course{}, fmt.Errorf("%s: a course has lessons, and questions for its quiz", dir)
	}
	pages, err := fs.Glob(fsys, dir+"/*.md")
	if err != nil {
		return Course{}, fmt.Errorf("listing %s: %w", dir, err)
	}
	for _, page := range pages {
		locale := strings.TrimSuffix(path.Base(page), ".md")
		if err := c.readLessons(fsys, page, locale); err != nil {
			return Course{}, fmt.Errorf("%s: %w", page, err)
		}
		quiz := dir + "/quiz." + locale + ".yaml"
		if err := c.readQuiz(fsys, quiz, locale); err != nil {
			return Course{}, fmt.Errorf("%s: %w", quiz, err)
		}
	}
	if c.Slug != path.Base(dir) {
		return Course{}, fmt.Errorf("%s: the slug %q is not the folder's name", dir, c.Slug)
	}
	if _, ok := c.Texts[c.DefaultLocale]; !ok {
		return Course{}, fmt.Errorf("%s: no text in the default locale %q", dir, c.DefaultLocale)
	}
	return c, nil
}

// lessonHeading is "# Title {#key}" on a line of its own.
var lessonHeading = regexp.MustCompile(`(?m)^# (.+) \{#([a-z0-9-]+)\}$`)

// readLessons reads a page: front matter with the course's own text, then the lessons.
func (c *Course) readLessons(fsys fs.FS, page, locale string) error {
	raw, err := fs.ReadFile(fsys, page)
	if err != nil {
		return err
	}
	rest, ok := bytes.CutPrefix(raw, []byte("---\n"))
	head, body, closed := bytes.Cut(rest, []byte("\n---\n"))
	if !ok || !closed {
		return errors.New("the page does not begin with front matter between two lines of ---")
	}
	var text CourseText
	if err := decodeYAML(head, &text); err != nil {
		return err
	}
	if text.Title == "" || text.Description == "" {
		return errors.New("the front matter lacks title or description")
	}
	c.Texts[locale] = text
	marks := lessonHeading.FindAllSubmatchIndex(body, -1)
	if len(marks) != len(c.Lessons) {
		return fmt.Errorf("%d lessons, where course.yaml has %d", len(marks), len(c.Lessons))
	}
	for i, m := range marks {
		end := len(body)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		lesson := &c.Lessons[i]
		if key := string(body[m[4]:m[5]]); key != lesson.Key {
			return fmt.Errorf("lesson %d is %q, in course.yaml %q", i+1, key, lesson.Key)
		}
		lesson.Texts[locale] = LessonText{
			Title: string(body[m[2]:m[3]]),
			Body:  strings.TrimSpace(string(body[m[1]:end])) + "\n",
		}
	}
	return nil
}

// readQuiz reads a language's questions and shuffles their options, in every language alike.
func (c *Course) readQuiz(fsys fs.FS, file, locale string) error {
	var questions []questionFile
	if err := readYAML(fsys, file, &questions); err != nil {
		return err
	}
	if len(questions) != len(c.Quiz.Questions) {
		return fmt.Errorf("%d questions, where course.yaml has %d", len(questions), len(c.Quiz.Questions))
	}
	for i, q := range questions {
		to := &c.Quiz.Questions[i]
		switch {
		case q.Key != to.Key:
			return fmt.Errorf("question %d is %q, in course.yaml %q", i+1, q.Key, to.Key)
		case q.Question == "" || q.Right == "" || q.Explanation == "" || len(q.Wrong) < 2 || slices.Contains(q.Wrong, ""):
			return fmt.Errorf("question %s lacks its text, its explanation or an option", q.Key)
		}
		for _, other := range to.Texts {
			if len(other.Options) != len(q.Wrong)+1 {
				return fmt.Errorf("question %s has %d options, in another language %d", q.Key, len(q.Wrong)+1, len(other.Options))
			}
		}
		options := append([]string{q.Right}, q.Wrong...)
		order := optionOrder(c.Slug, i, len(questions), len(options))
		text := QuestionText{Question: q.Question, Explanation: q.Explanation}
		for _, from := range order {
			text.Options = append(text.Options, options[from])
		}
		to.Right, to.Texts[locale] = slices.Index(order, 0), text
	}
	return nil
}

// optionOrder shuffles the options of a course's question, of which the first is right. In a
// quiz the right one stands equally often in each place. The order depends on names and
// numbers alone: another language, another run or another machine shows the same.
func optionOrder(course string, question, questions, options int) []int {
	place := source(course).Perm(questions)[question] % options
	order := source(fmt.Sprintf("%s/%d", course, question)).Perm(options - 1)
	for i := range order {
		order[i]++
	}
	return slices.Insert(order, place, 0)
}

func readYAML(fsys fs.FS, name string, into any) error {
	raw, err := fs.ReadFile(fsys, name)
	if err != nil {
		return fmt.Errorf("reading the catalogue: %w", err)
	}
	if err := decodeYAML(raw, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// decodeYAML refuses fields it does not know: a misspelt one would be lost in silence.
func decodeYAML(raw []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
