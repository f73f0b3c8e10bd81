package web

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

// coursePages show the courses, for who writes them.
func coursePages() []Page {
	page := func(path string, show func(*Request) (View, error), do func(*Request) (string, error)) Page {
		return Page{Path: "/courses" + path, Role: training.PlatformAdmin, Show: show, Do: do}
	}
	return []Page{
		page("", showCourses, nil),
		page("/new", showNewCourse, createCourse),
		page("/:course", showCourseSource, changeCourse),
		page("/:course/lessons/new", newLessonPage(training.TextLesson), addLesson(training.TextLesson)),
		page("/:course/lessons/new-quiz", newLessonPage(training.QuizLesson), addLesson(training.QuizLesson)),
		page("/:course/lessons/:lesson", showLessonSource, changeLesson),
		page("/:course/lessons/:lesson/questions/new", showNewQuestion, addQuestion),
		page("/:course/lessons/:lesson/questions/:question", showQuestionSource, changeQuestion),
	}
}

type courseList struct {
	Page       openapi.CoursePage
	Levels     []choice
	Categories []choice
	Filtered   bool
}

func showCourses(r *Request) (View, error) {
	data := courseList{Levels: r.choices("level", "author.all", courseLevels()...)}
	if err := r.Get("/courses?"+r.asked("q", "level", "category", "sort", "page").Encode(), &data.Page); err != nil {
		return View{}, err
	}
	categories, err := r.courseCategories()
	if err != nil {
		return View{}, err
	}
	data.Categories = r.choices("category", "author.all", categories...)
	data.Filtered = r.Query.Get("q") != "" || r.Query.Get("level") != "" || r.Query.Get("category") != ""
	return View{Template: "author-courses", Title: r.T("author.courses"), Data: data}, nil
}

func courseLevels() []string {
	return []string{string(training.Beginner), string(training.Intermediate), string(training.Advanced)}
}

// courseCategories are those that courses have, and the one that was asked for.
func (r *Request) courseCategories() ([]string, error) {
	var page openapi.CoursePage
	if err := r.Get("/courses?size=100&fields=category", &page); err != nil {
		return nil, err
	}
	names := []string{r.Query.Get("category")}
	for _, c := range page.Items {
		names = append(names, c.Category)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if names[0] == "" {
		names = names[1:]
	}
	return names, nil
}

// courseForm is a course's own part with what it can be chosen from.
type courseForm struct {
	Source     training.CourseSource
	Languages  []courseText
	Levels     []choice
	Locales    []choice
	Categories []string
}

// courseText is a course in one language.
type courseText struct {
	Locale string
	training.SourceText
}

func (r *Request) courseForm(s training.CourseSource) (courseForm, error) {
	f := courseForm{Source: s, Levels: r.choices("level", "", courseLevels()...), Locales: r.choices("language", "", training.Locales()...)}
	for _, locale := range training.Locales() {
		f.Languages = append(f.Languages, courseText{locale, s.Translations[locale]})
	}
	var err error
	f.Categories, err = r.courseCategories()
	return f, err
}

func showNewCourse(r *Request) (View, error) {
	form, err := r.courseForm(training.CourseSource{Level: training.Beginner, DefaultLocale: r.Locale})
	return View{Template: "author-new", Title: r.T("author.new"), Data: form}, err
}

// createCourse makes a course that nobody sees yet, with a lesson to begin with, or the one of a file.
func createCourse(r *Request) (string, error) {
	var in any
	if r.Form.Get("action") == "import" {
		document, err := r.courseDocument()
		if err != nil {
			return "", err
		}
		in = document
	} else {
		var s training.CourseSource
		if err := r.readCourse(&s); err != nil {
			return "", err
		}
		if s.Slug == "" {
			s.Slug = training.SlugOf(s.Translations[s.DefaultLocale].Title)
		}
		first := training.LessonSource{Kind: training.TextLesson, Minutes: 5, Translations: map[string]training.LessonSourceText{}}
		for locale := range s.Translations {
			first.Translations[locale] = training.LessonSourceText{Title: r.word("author.first", locale)}
		}
		s.Lessons = []training.LessonSource{first}
		in = s
	}
	var made training.CourseSource
	if err := r.Post("/courses", in, &made); err != nil {
		return "", explainCourse(r, err, "")
	}
	return "/courses/" + strconv.FormatInt(made.ID, 10) + "?done=course-created", nil
}

// courseDocument is a course that was written elsewhere, as it was uploaded.
func (r *Request) courseDocument() (json.RawMessage, error) {
	content := r.Files["document"].Content
	if !json.Valid(content) {
		return nil, Invalid("document", r.T("author.file.unreadable"))
	}
	return content, nil
}

// readCourse takes a course's own fields from the form. A language without any text is one it is not in.
func (r *Request) readCourse(s *training.CourseSource) error {
	s.Slug, s.Category = strings.TrimSpace(r.Form.Get("slug")), strings.TrimSpace(r.Form.Get("category"))
	s.Level, s.DefaultLocale = training.Level(r.Form.Get("level")), r.Form.Get("default_locale")
	var err error
	if s.ValidityDays, err = r.optionalNumber("validity_days"); err != nil {
		return err
	}
	texts := make(map[string]training.SourceText)
	for _, locale := range training.Locales() {
		at := "translations." + locale
		text := training.SourceText{Title: strings.TrimSpace(r.Form.Get(at + ".title")), Description: unix(r.Form.Get(at + ".description"))}
		if text != (training.SourceText{}) {
			texts[locale] = text
			continue
		}
		for _, l := range s.Lessons {
			if _, spoken := l.Translations[locale]; spoken {
				return Invalid(at+".title", r.T("author.language.used"))
			}
		}
	}
	s.Translations = texts
	return nil
}

// count is a field that must have a whole number.
func (r *Request) count(name string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(r.Form.Get(name)))
	if err != nil {
		return 0, Invalid(name, r.T("author.number"))
	}
	return n, nil
}

// optionalNumber is nil for a field that was left empty.
func (r *Request) optionalNumber(name string) (*int, error) {
	if strings.TrimSpace(r.Form.Get(name)) == "" {
		return nil, nil //nolint:nilnil // none was given
	}
	n, err := r.count(name)
	return &n, err
}

// unix has a text's lines end as those that are kept do: browsers send them with CRLF.
func unix(text string) string { return strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")) }

// explainCourse says in the reader's language why a course was not written, and names the fields as the
// form does: without what stands before them in the whole document.
func explainCourse(r *Request, err error, prefix string) error {
	p, ok := asProblem(err)
	if !ok {
		return err
	}
	field := ""
	if len(p.Fields) > 0 {
		field = p.Fields[0].Field
	}
	switch {
	case p.Status == http.StatusPreconditionFailed:
		p.Detail = r.T("author.outdated")
	case p.Status == http.StatusConflict && field == "slug":
		p.Detail, p.Fields[0].Message = r.T("author.slug.taken"), r.T("author.slug.another")
	case p.Status == http.StatusConflict && field == "":
		p.Detail = r.T("author.inuse")
	case p.Status == http.StatusConflict && (strings.HasSuffix(field, ".options") || strings.HasSuffix(field, ".questions")):
		p.Detail, p.Fields = r.T("author.undo.answer"), nil
	case p.Status == http.StatusConflict:
		p.Detail, p.Fields = r.T("author.undo.lesson"), nil
	}
	for i := range p.Fields {
		p.Fields[i].Field = strings.TrimPrefix(p.Fields[i].Field, prefix)
	}
	return p
}
