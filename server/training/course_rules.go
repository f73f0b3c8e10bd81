package training

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a course. Lengths are in characters, but for bodies, which are in bytes.
const (
	MaxLessons       = 50
	MaxQuestions     = 200 // of all quizzes of a course
	MinOptions       = 2
	MaxOptions       = 10
	MaxTitle         = 200
	MaxDescription   = 2000
	MaxLessonBody    = 64 << 10
	MaxQuestionText  = 1000
	MaxExplanation   = 2000
	MaxCategory      = 64
	MaxSlug          = 100
	MaxVideoURL      = 2000
	MaxLessonMinutes = 600
	MaxAttempts      = 100
	MaxValidityDays  = 3650
)

var (
	slugForm     = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	categoryForm = regexp.MustCompile(`^[a-z0-9]+([-_][a-z0-9]+)*$`)
)

// Check says what is wrong with a course that is to be written, field by field.
func (s *CourseSource) Check() []FieldError {
	c := &checker{locales: s.Translations, required: s.DefaultLocale}
	c.that(len(s.Slug) <= MaxSlug && slugForm.MatchString(s.Slug), "slug",
		"must be at most %d letters a-z and digits, with single hyphens between, and begin with a letter", MaxSlug)
	c.that(len(s.Category) <= MaxCategory && categoryForm.MatchString(s.Category), "category",
		"must be at most %d letters a-z and digits, with single hyphens or underscores between", MaxCategory)
	c.that(slices.Contains([]Level{Beginner, Intermediate, Advanced}, s.Level), "level", "must be beginner, intermediate or advanced")
	c.that(s.ValidityDays == nil || between(*s.ValidityDays, 1, MaxValidityDays), "validity_days", "must be between 1 and %d, or null for no end", MaxValidityDays)
	c.that(slices.Contains(Locales(), s.DefaultLocale), "default_locale", "must be one of %s", strings.Join(Locales(), ", "))
	for _, l := range sorted(s.Translations) {
		at := "translations." + l
		c.that(slices.Contains(Locales(), l), at, "must be in one of %s", strings.Join(Locales(), ", "))
		c.text(at+".title", s.Translations[l].Title, 1, MaxTitle)
		c.text(at+".description", s.Translations[l].Description, 0, MaxDescription)
	}
	locales(c, "translations", s.Translations)
	c.that(between(len(s.Lessons), 1, MaxLessons), "lessons", "must be between 1 and %d", MaxLessons)
	questions := 0
	for i := range s.Lessons {
		if i == MaxLessons {
			break
		}
		c.lesson(fmt.Sprintf("lessons[%d]", i), &s.Lessons[i])
		if q := s.Lessons[i].Quiz; q != nil {
			questions += len(q.Questions)
		}
	}
	c.that(questions <= MaxQuestions, "lessons", "must have at most %d questions together", MaxQuestions)
	return c.errors
}

// maxErrors is how many errors are told at once.
const maxErrors = 50

type checker struct {
	locales  map[string]SourceText // in which the course is
	required string                // the locale that everything must have
	errors   []FieldError
}

func (c *checker) that(ok bool, field, format string, args ...any) {
	if !ok && len(c.errors) < maxErrors {
		c.errors = append(c.errors, FieldError{Field: field, Message: fmt.Sprintf(format, args...)})
	}
}

func (c *checker) text(field, s string, least, most int) {
	n := utf8.RuneCountInString(s)
	switch {
	case strings.ContainsRune(s, 0):
		c.that(false, field, "must not contain NUL")
	case least > 0 && strings.TrimSpace(s) == "":
		c.that(false, field, "must not be empty")
	default:
		c.that(n <= most, field, "must be at most %d characters long", most)
	}
}

// locales holds that texts are there in the default locale, and in none that the course is not in.
func locales[T any](c *checker, field string, texts map[string]T) {
	_, ok := texts[c.required]
	c.that(ok, field, "must have the default locale %q", c.required)
	for _, l := range sorted(texts) {
		_, ok := c.locales[l]
		c.that(ok, field+"."+l, "is in a locale that the course itself is not in")
	}
}

func (c *checker) lesson(at string, l *LessonSource) {
	c.that(slices.Contains([]LessonKind{TextLesson, VideoLesson, QuizLesson}, l.Kind), at+".kind", "must be text, video or quiz")
	c.that(between(l.Minutes, 1, MaxLessonMinutes), at+".minutes", "must be between 1 and %d", MaxLessonMinutes)
	locales(c, at+".translations", l.Translations)
	for _, locale := range sorted(l.Translations) {
		text := l.Translations[locale]
		c.text(at+".translations."+locale+".title", text.Title, 1, MaxTitle)
		c.that(len(text.Body) <= MaxLessonBody && !strings.ContainsRune(text.Body, 0), at+".translations."+locale+".body",
			"must be at most %d bytes long, without NUL", MaxLessonBody)
	}
	if l.Kind == VideoLesson {
		u, err := url.Parse(l.VideoURL)
		c.that(err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && len(l.VideoURL) <= MaxVideoURL && !strings.ContainsRune(l.VideoURL, 0),
			at+".video_url", "must be an https URL of at most %d bytes", MaxVideoURL)
	} else {
		c.that(l.VideoURL == "", at+".video_url", "is for lessons of the kind video")
	}
	c.that((l.Kind == QuizLesson) == (l.Quiz != nil), at+".quiz", "is for lessons of the kind quiz, which must have it")
	if l.Quiz == nil {
		return
	}
	c.that(between(l.Quiz.PassPercent, 1, 100), at+".quiz.pass_percent", "must be between 1 and 100")
	c.that(l.Quiz.MaxAttempts == nil || between(*l.Quiz.MaxAttempts, 1, MaxAttempts), at+".quiz.max_attempts", "must be between 1 and %d, or null for any number", MaxAttempts)
	c.that(between(len(l.Quiz.Questions), 1, MaxQuestions), at+".quiz.questions", "must be between 1 and %d", MaxQuestions)
	for i := range l.Quiz.Questions {
		c.question(fmt.Sprintf("%s.quiz.questions[%d]", at, i), &l.Quiz.Questions[i])
	}
}

func (c *checker) question(at string, q *QuestionSource) {
	locales(c, at+".translations", q.Translations)
	for _, locale := range sorted(q.Translations) {
		c.text(at+".translations."+locale+".text", q.Translations[locale].Text, 1, MaxQuestionText)
		c.text(at+".translations."+locale+".explanation", q.Translations[locale].Explanation, 0, MaxExplanation)
	}
	c.that(between(len(q.Options), MinOptions, MaxOptions), at+".options", "must be between %d and %d", MinOptions, MaxOptions)
	right := 0
	for i, o := range q.Options {
		field := fmt.Sprintf("%s.options[%d].translations", at, i)
		locales(c, field, o.Translations)
		for _, locale := range sorted(o.Translations) {
			c.text(field+"."+locale+".text", o.Translations[locale].Text, 1, MaxQuestionText)
		}
		if o.IsRight {
			right++
		}
	}
	switch q.Kind {
	case SingleChoice:
		c.that(right == 1, at+".options", "must have exactly one that is right, since the kind is single")
	case MultipleChoice:
		c.that(right >= 1, at+".options", "must have at least one that is right")
	default:
		c.that(false, at+".kind", "must be single or multiple")
	}
}

func between(n, least, most int) bool { return least <= n && n <= most }

func sorted[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
