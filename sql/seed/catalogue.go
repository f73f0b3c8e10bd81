package seed

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
)

// Catalogue is what can be learned, and which obligations that satisfies.
type Catalogue struct {
	Courses    []Course // by slug
	Frameworks []Framework
}

// Course is a course in all its languages.
type Course struct {
	Slug          string
	Category      string
	Level         string
	DefaultLocale string
	ValidityDays  int // a completion expires after so many days; 0: never
	Texts         map[string]CourseText
	Lessons       []Lesson
	Quiz          Quiz
	Satisfies     []string // "<framework>/<code>"
}

// CourseText is a course's own text in one language.
type CourseText struct {
	Title       string `yaml:"title"`
	Description string `yaml:"description"`
}

// Minutes is how long the lessons take together.
func (c *Course) Minutes() int {
	sum := 0
	for _, l := range c.Lessons {
		sum += l.Minutes
	}
	return sum
}

func (c *Course) satisfies(ref string) bool { return slices.Contains(c.Satisfies, ref) }

// Locales are the languages the course is written in, sorted.
func (c *Course) Locales() []string { return slices.Sorted(maps.Keys(c.Texts)) }

// Lesson is one lesson, of the kind "text" or "quiz". A course's last one, and no other, is its quiz.
type Lesson struct {
	Key     string
	Kind    string
	Minutes int
	Texts   map[string]LessonText
}

// LessonText is a lesson in one language.
type LessonText struct {
	Title string
	Body  string // Markdown, without the title
}

// Quiz is the test at the end of a course.
type Quiz struct {
	PassPercent      int
	MaxAttempts      int // 0: any number
	TimeLimitSeconds int // 0: none
	Questions        []Question
}

// Question is one question with one right option.
type Question struct {
	Key   string
	Right int // index into every language's Options
	Texts map[string]QuestionText
}

// QuestionText is a question in one language. Its options stand in the order in which they
// are shown, the same in every language.
type QuestionText struct {
	Question    string
	Options     []string
	Explanation string // gives the right option away: never beside the options
}

// Framework is a body of rules whose training obligations are tracked.
type Framework struct {
	Key          string            `yaml:"key"`
	Name         map[string]string `yaml:"name"`
	Title        map[string]string `yaml:"title"`
	Requirements []Requirement     `yaml:"requirements"`
}

// Requirement is one obligation of a framework.
type Requirement struct {
	Code           string            `yaml:"code"`
	IntervalMonths int               `yaml:"interval_months"`
	Text           map[string]string `yaml:"text"`
}

// Load reads a catalogue: frameworks.yaml and one folder per course under courses/. Every
// course must be complete in each of its languages; the first thing missing is the error.
func Load(fsys fs.FS) (Catalogue, error) {
	var c Catalogue
	if err := readYAML(fsys, "frameworks.yaml", &c.Frameworks); err != nil {
		return Catalogue{}, err
	}
	known, err := requirementKeys(c.Frameworks)
	if err != nil {
		return Catalogue{}, err
	}
	folders, err := fs.ReadDir(fsys, "courses")
	if err != nil {
		return Catalogue{}, fmt.Errorf("listing courses: %w", err)
	}
	for _, folder := range folders {
		course, err := loadCourse(fsys, "courses/"+folder.Name())
		if err != nil {
			return Catalogue{}, err
		}
		for _, ref := range course.Satisfies {
			if !known[ref] {
				return Catalogue{}, fmt.Errorf("course %s satisfies %q, which frameworks.yaml does not have", course.Slug, ref)
			}
		}
		c.Courses = append(c.Courses, course)
	}
	return c, nil
}

func sameKeys(a, b map[string]string) bool {
	return slices.Equal(slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b)))
}

func requirementKeys(frameworks []Framework) (map[string]bool, error) {
	known := map[string]bool{}
	for _, f := range frameworks {
		if f.Key == "" || len(f.Requirements) == 0 {
			return nil, fmt.Errorf("frameworks.yaml: framework %q has no key or no requirements", f.Key)
		}
		if f.Name["en"] == "" || f.Title["en"] == "" || !sameKeys(f.Name, f.Title) {
			return nil, fmt.Errorf("frameworks.yaml: %s lacks its name or title in a language, or both in English", f.Key)
		}
		for _, r := range f.Requirements {
			ref := f.Key + "/" + r.Code
			switch {
			case r.Code == "" || r.IntervalMonths <= 0 || r.Text["en"] == "":
				return nil, fmt.Errorf("frameworks.yaml: %s lacks its code, interval or English text", ref)
			case known[ref]:
				return nil, fmt.Errorf("frameworks.yaml: %s stands there twice", ref)
			}
			known[ref] = true
		}
	}
	return known, nil
}
