package web

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"outpost/server/training"
)

// lessonView is a lesson to be written on, or a new one.
type lessonView struct {
	Source    training.CourseSource
	Course    string // its title
	Lesson    training.LessonSource
	Texts     []lessonText
	Kinds     []choice
	Questions []questionRow
	Question  *questionForm // of a new quiz
	Only      bool          // the course has no other
}

// lessonText is a lesson in one language, as it stands in the form.
type lessonText struct {
	Locale   string
	Required bool
	Title    string
	Body     string
	Preview  string // Markdown, of what was filled in
}

// questionRow is a question in its quiz's list.
type questionRow struct {
	ID          int64
	N           int
	Text        string
	First, Last bool
}

// lessonAt finds the lesson of the path.
func (r *Request) lessonAt(s *training.CourseSource) (int, error) {
	i := slices.IndexFunc(s.Lessons, func(l training.LessonSource) bool { return strconv.FormatInt(l.ID, 10) == r.Params["lesson"] })
	if i < 0 {
		return 0, NotFound()
	}
	return i, nil
}

func (r *Request) lessonView(s training.CourseSource, l training.LessonSource) lessonView {
	v := lessonView{Source: s, Course: courseTitle(&s, r.Locale), Lesson: l, Only: len(s.Lessons) == 1}
	v.Kinds = r.choices("author.kind", "", string(training.TextLesson), string(training.VideoLesson))
	for _, locale := range training.Locales() {
		if _, spoken := s.Translations[locale]; !spoken {
			continue
		}
		text := l.Translations[locale]
		at := "translations." + locale + ".body"
		preview := text.Body
		if r.Form.Has(at) {
			preview = unix(r.Form.Get(at))
		}
		v.Texts = append(v.Texts, lessonText{Locale: locale, Required: locale == s.DefaultLocale, Title: text.Title, Body: text.Body, Preview: preview})
	}
	if l.Quiz != nil {
		for i, q := range l.Quiz.Questions {
			text, ok := q.Translations[r.Locale]
			if !ok {
				text = q.Translations[s.DefaultLocale]
			}
			v.Questions = append(v.Questions, questionRow{ID: q.ID, N: i + 1, Text: text.Text, First: i == 0, Last: i == len(l.Quiz.Questions)-1})
		}
	}
	return v
}

func showLessonSource(r *Request) (View, error) {
	s, err := r.source()
	if err != nil {
		return View{}, err
	}
	i, err := r.lessonAt(&s)
	if err != nil {
		return View{}, err
	}
	return View{Template: "author-lesson", Title: lessonTitle(&s, &s.Lessons[i], r.Locale), Data: r.lessonView(s, s.Lessons[i])}, nil
}

func newLessonPage(kind training.LessonKind) func(*Request) (View, error) {
	return func(r *Request) (View, error) {
		s, err := r.source()
		if err != nil {
			return View{}, err
		}
		l := training.LessonSource{Kind: kind, Minutes: 5}
		title := r.T("author.lesson.new")
		if kind == training.QuizLesson {
			l.Quiz, title = &training.QuizSource{PassPercent: 80}, r.T("author.quiz.new")
		}
		v := r.lessonView(s, l)
		if kind == training.QuizLesson {
			v.Question = r.questionForm(&s, firstQuestion, training.QuestionSource{Kind: training.SingleChoice})
		}
		return View{Template: "author-lesson", Title: title, Data: v}, nil
	}
}

// firstQuestion stands before the fields of the question that a new quiz begins with.
const firstQuestion = "quiz.questions[0]."

// readLesson takes a lesson's own fields from the form, and those of its quiz without the questions.
func (r *Request) readLesson(s *training.CourseSource, l *training.LessonSource) (err error) {
	if l.Kind != training.QuizLesson {
		l.Kind, l.VideoURL = training.LessonKind(r.Form.Get("kind")), strings.TrimSpace(r.Form.Get("video_url"))
	}
	if l.Minutes, err = r.count("minutes"); err != nil {
		return err
	}
	l.Translations = make(map[string]training.LessonSourceText)
	for locale := range s.Translations {
		at := "translations." + locale
		text := training.LessonSourceText{Title: strings.TrimSpace(r.Form.Get(at + ".title")), Body: unix(r.Form.Get(at + ".body"))}
		if text != (training.LessonSourceText{}) {
			l.Translations[locale] = text
		}
	}
	if l.Quiz == nil {
		return nil
	}
	if l.Quiz.PassPercent, err = r.count("quiz.pass_percent"); err != nil {
		return err
	}
	if l.Quiz.MaxAttempts, err = r.optionalNumber("quiz.max_attempts"); err != nil {
		return err
	}
	l.Quiz.TimeLimit, err = r.optionalNumber("quiz.time_limit_seconds")
	return err
}

func addLesson(kind training.LessonKind) func(*Request) (string, error) {
	return func(r *Request) (string, error) {
		if r.Form.Get("action") == "preview" {
			return "", ErrAgain
		}
		written, err := r.rewrite(func(s *training.CourseSource) (string, error) {
			l := training.LessonSource{Kind: kind}
			if kind == training.QuizLesson {
				question, err := r.readQuestion(s, firstQuestion, training.QuestionSource{})
				if err != nil {
					return "", err
				}
				l.Quiz = &training.QuizSource{Questions: []training.QuestionSource{question}}
			}
			if err := r.readLesson(s, &l); err != nil {
				return "", err
			}
			s.Lessons = append(s.Lessons, l)
			return fmt.Sprintf("lessons[%d].", len(s.Lessons)-1), nil
		})
		if err != nil {
			return "", err
		}
		added := written.Lessons[len(written.Lessons)-1]
		return fmt.Sprintf("/courses/%s/lessons/%d?done=lesson-added", r.Param("course"), added.ID), nil
	}
}

func changeLesson(r *Request) (string, error) {
	action, id, _ := strings.Cut(r.Form.Get("action"), ":")
	if action == "preview" {
		return "", ErrAgain
	}
	next := r.Path + "?done=course-saved"
	_, err := r.rewrite(func(s *training.CourseSource) (string, error) {
		i, err := r.lessonAt(s)
		if err != nil {
			return "", err
		}
		l := &s.Lessons[i]
		switch {
		case action == "remove":
			s.Lessons = slices.Delete(s.Lessons, i, i+1)
			next = "/courses/" + r.Param("course") + "?done=lesson-removed"
			return "", nil
		case (action == "up" || action == "down") && l.Quiz != nil:
			next = r.Path + "?done=course-moved"
			return "", move(l.Quiz.Questions, action, id, func(q training.QuestionSource) int64 { return q.ID })
		}
		return fmt.Sprintf("lessons[%d].", i), r.readLesson(s, l)
	})
	return next, err
}
