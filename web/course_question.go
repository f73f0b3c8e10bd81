package web

import (
	"fmt"
	"slices"
	"strconv"

	"outpost/server/training"
)

// questionForm is a question as it stands in a form, whose fields begin with Prefix.
type questionForm struct {
	Prefix  string
	Kind    string
	Kinds   []choice
	Texts   []questionText
	Options []optionRow
	Error   string // what is wrong with the options together
}

// questionText is a question in one language.
type questionText struct {
	At       string // what its fields begin with
	Locale   string
	Required bool
	training.QuestionSourceText
}

// optionRow is a possible answer, or a row for one more.
type optionRow struct {
	At    string
	N     int
	ID    int64
	Right string // "true", as a box is ticked
	Texts []questionText
}

// questionView is a question on a page of its own.
type questionView struct {
	Source   training.CourseSource
	Course   string
	Lesson   training.LessonSource
	Title    string // of the lesson
	Form     *questionForm
	ID       int64 // 0: a new one
	Only     bool
	LessonAt string
}

// questionForm has rows for two more answers than there are.
func (r *Request) questionForm(s *training.CourseSource, prefix string, q training.QuestionSource) *questionForm {
	f := &questionForm{Prefix: prefix, Kind: string(q.Kind), Error: r.Problem.Field(prefix + "options")}
	f.Kinds = r.choices("author.question", "", string(training.SingleChoice), string(training.MultipleChoice))
	texts := func(at string, of func(locale string) training.QuestionSourceText) (list []questionText) {
		for _, locale := range training.Locales() {
			if _, spoken := s.Translations[locale]; spoken {
				list = append(list, questionText{at + "translations." + locale, locale, locale == s.DefaultLocale, of(locale)})
			}
		}
		return list
	}
	f.Texts = texts(prefix, func(locale string) training.QuestionSourceText { return q.Translations[locale] })
	for i := range min(max(len(q.Options)+2, 4), training.MaxOptions) {
		row := optionRow{At: fmt.Sprintf("%soptions[%d].", prefix, i), N: i + 1}
		var o training.OptionSource
		if i < len(q.Options) {
			o = q.Options[i]
		}
		row.ID = o.ID
		if filled := len(r.Form) > 0; filled && r.Form.Has(row.At+"is_right") || !filled && o.IsRight {
			row.Right = "true"
		}
		row.Texts = texts(row.At, func(locale string) training.QuestionSourceText {
			return training.QuestionSourceText{Text: o.Translations[locale].Text}
		})
		f.Options = append(f.Options, row)
	}
	return f
}

// readQuestion takes a question from the form. An answer whose texts were emptied goes.
func (r *Request) readQuestion(s *training.CourseSource, prefix string, q training.QuestionSource) (training.QuestionSource, error) {
	q.Kind = training.QuestionKind(r.Form.Get(prefix + "kind"))
	q.Translations, q.Options = make(map[string]training.QuestionSourceText), nil
	for locale := range s.Translations {
		at := prefix + "translations." + locale
		text := training.QuestionSourceText{Text: unix(r.Form.Get(at + ".text")), Explanation: unix(r.Form.Get(at + ".explanation"))}
		if text != (training.QuestionSourceText{}) {
			q.Translations[locale] = text
		}
	}
	right := 0
	for i := range training.MaxOptions {
		at := fmt.Sprintf("%soptions[%d].", prefix, i)
		o := training.OptionSource{IsRight: r.Form.Has(at + "is_right"), Translations: make(map[string]training.OptionSourceText)}
		for locale := range s.Translations {
			if text := unix(r.Form.Get(at + "translations." + locale + ".text")); text != "" {
				o.Translations[locale] = training.OptionSourceText{Text: text}
			}
		}
		if len(o.Translations) == 0 {
			continue
		}
		if _, ok := o.Translations[s.DefaultLocale]; !ok {
			return q, Invalid(at+"translations."+s.DefaultLocale+".text", r.T("author.option.default"))
		}
		if id := r.Form.Get(at + "id"); id != "" {
			var err error
			if o.ID, err = strconv.ParseInt(id, 10, 64); err != nil {
				return q, NotFound()
			}
		}
		if o.IsRight {
			right++
		}
		q.Options = append(q.Options, o)
	}
	switch {
	case len(q.Options) < training.MinOptions:
		return q, Invalid(prefix+"options", r.T("author.options.few"))
	case right == 0:
		return q, Invalid(prefix+"options", r.T("author.options.none"))
	case right > 1 && q.Kind == training.SingleChoice:
		return q, Invalid(prefix+"options", r.T("author.options.one"))
	}
	return q, nil
}

// quizAt finds the lesson of the path, which must be a quiz.
func (r *Request) quizAt(s *training.CourseSource) (int, error) {
	i, err := r.lessonAt(s)
	if err == nil && s.Lessons[i].Quiz == nil {
		err = NotFound()
	}
	return i, err
}

func (r *Request) questionAt(quiz *training.QuizSource) (int, error) {
	i := slices.IndexFunc(quiz.Questions, func(q training.QuestionSource) bool {
		return strconv.FormatInt(q.ID, 10) == r.Params["question"]
	})
	if i < 0 {
		return 0, NotFound()
	}
	return i, nil
}

func (r *Request) questionPage(title string, of func(quiz *training.QuizSource) (training.QuestionSource, error)) (View, error) {
	s, err := r.source()
	if err != nil {
		return View{}, err
	}
	i, err := r.quizAt(&s)
	if err != nil {
		return View{}, err
	}
	l := s.Lessons[i]
	q, err := of(l.Quiz)
	if err != nil {
		return View{}, err
	}
	return View{Template: "author-question", Title: title, Data: questionView{
		Source: s, Course: courseTitle(&s, r.Locale), Lesson: l, Title: lessonTitle(&s, &l, r.Locale), Form: r.questionForm(&s, "", q),
		ID: q.ID, Only: len(l.Quiz.Questions) == 1, LessonAt: r.lessonPath(),
	}}, nil
}

func (r *Request) lessonPath() string {
	return "/courses/" + r.Param("course") + "/lessons/" + r.Param("lesson")
}

func showNewQuestion(r *Request) (View, error) {
	return r.questionPage(r.T("author.question.new"), func(*training.QuizSource) (training.QuestionSource, error) {
		return training.QuestionSource{Kind: training.SingleChoice}, nil
	})
}

func showQuestionSource(r *Request) (View, error) {
	return r.questionPage(r.T("author.question.title"), func(quiz *training.QuizSource) (training.QuestionSource, error) {
		i, err := r.questionAt(quiz)
		if err != nil {
			return training.QuestionSource{}, err
		}
		return quiz.Questions[i], nil
	})
}

func addQuestion(r *Request) (string, error) {
	_, err := r.rewrite(func(s *training.CourseSource) (string, error) {
		i, err := r.quizAt(s)
		if err != nil {
			return "", err
		}
		quiz := s.Lessons[i].Quiz
		q, err := r.readQuestion(s, "", training.QuestionSource{})
		quiz.Questions = append(quiz.Questions, q)
		return fmt.Sprintf("lessons[%d].quiz.questions[%d].", i, len(quiz.Questions)-1), err
	})
	return r.lessonPath() + "?done=question-saved", err
}

func changeQuestion(r *Request) (string, error) {
	done := "question-saved"
	_, err := r.rewrite(func(s *training.CourseSource) (string, error) {
		i, err := r.quizAt(s)
		if err != nil {
			return "", err
		}
		quiz := s.Lessons[i].Quiz
		at, err := r.questionAt(quiz)
		if err != nil {
			return "", err
		}
		if r.Form.Get("action") == "remove" {
			quiz.Questions, done = slices.Delete(quiz.Questions, at, at+1), "question-removed"
			return "", nil
		}
		quiz.Questions[at], err = r.readQuestion(s, "", quiz.Questions[at])
		return fmt.Sprintf("lessons[%d].quiz.questions[%d].", i, at), err
	})
	return r.lessonPath() + "?done=" + done, err
}
