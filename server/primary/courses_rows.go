package primary

import "outpost/server/training"

// courseRows is a course as write_course takes it: rows with all their keys.
type courseRows struct {
	Course        courseRow        `json:"course"`
	Translations  []courseText     `json:"translations"`
	Lessons       []lessonRow      `json:"lessons"`
	LessonTexts   []lessonText     `json:"lesson_texts"`
	Quizzes       []quizRow        `json:"quizzes"`
	Questions     []questionRow    `json:"questions"`
	QuestionTexts []questionText   `json:"question_texts"`
	Explanations  []explanationRow `json:"explanations"`
	Options       []optionRow      `json:"options"`
	OptionTexts   []optionText     `json:"option_texts"`
	Keys          []keyRow         `json:"keys"`
}

type courseRow struct {
	ID            int64          `json:"id"`
	Slug          string         `json:"slug"`
	Category      string         `json:"category"`
	Level         training.Level `json:"level"`
	Minutes       int            `json:"minutes"`
	IsPublished   bool           `json:"is_published"`
	ValidityDays  *int           `json:"validity_days"`
	DefaultLocale string         `json:"default_locale"`
}

type courseText struct {
	Locale string `json:"locale"`
	training.SourceText
}

type lessonRow struct {
	ID       int64               `json:"id"`
	Position int                 `json:"position"`
	Kind     training.LessonKind `json:"kind"`
	Minutes  int                 `json:"minutes"`
	VideoURL string              `json:"video_url"`
}

type lessonText struct {
	LessonID int64  `json:"lesson_id"`
	Locale   string `json:"locale"`
	training.LessonSourceText
}

type quizRow struct {
	ID          int64 `json:"id"`
	LessonID    int64 `json:"lesson_id"`
	PassPercent int   `json:"pass_percent"`
	MaxAttempts *int  `json:"max_attempts"`
}

type questionRow struct {
	ID       int64                 `json:"id"`
	QuizID   int64                 `json:"quiz_id"`
	Position int                   `json:"position"`
	Kind     training.QuestionKind `json:"kind"`
}

type questionText struct {
	QuestionID int64  `json:"question_id"`
	QuizID     int64  `json:"quiz_id"`
	Locale     string `json:"locale"`
	Text       string `json:"text"`
}

type explanationRow struct {
	QuestionID int64  `json:"question_id"`
	Locale     string `json:"locale"`
	Text       string `json:"text"`
}

type optionRow struct {
	ID         int64 `json:"id"`
	QuizID     int64 `json:"quiz_id"`
	QuestionID int64 `json:"question_id"`
	Position   int   `json:"position"`
}

type optionText struct {
	OptionID int64  `json:"option_id"`
	QuizID   int64  `json:"quiz_id"`
	Locale   string `json:"locale"`
	Text     string `json:"text"`
}

type keyRow struct {
	QuestionID int64 `json:"question_id"`
	OptionID   int64 `json:"option_id"`
}

// rowsOf takes a course apart in which everything has its key. Lists that are empty are not null:
// NOT IN nothing is everything, NOT IN null nothing.
func rowsOf(s *training.CourseSource) *courseRows {
	rows := &courseRows{
		Course: courseRow{
			ID: s.ID, Slug: s.Slug, Category: s.Category, Level: s.Level, Minutes: s.Minutes, IsPublished: s.IsPublished,
			ValidityDays: s.ValidityDays, DefaultLocale: s.DefaultLocale,
		},
		Translations: []courseText{}, Lessons: []lessonRow{}, LessonTexts: []lessonText{}, Quizzes: []quizRow{}, Questions: []questionRow{},
		QuestionTexts: []questionText{}, Explanations: []explanationRow{}, Options: []optionRow{}, OptionTexts: []optionText{}, Keys: []keyRow{},
	}
	for locale, text := range s.Translations {
		rows.Translations = append(rows.Translations, courseText{locale, text})
	}
	for i := range s.Lessons {
		l := &s.Lessons[i]
		rows.Lessons = append(rows.Lessons, lessonRow{l.ID, i + 1, l.Kind, l.Minutes, l.VideoURL})
		for locale, text := range l.Translations {
			rows.LessonTexts = append(rows.LessonTexts, lessonText{l.ID, locale, text})
		}
		if l.Quiz != nil {
			rows.Quizzes = append(rows.Quizzes, quizRow{l.Quiz.ID, l.ID, l.Quiz.PassPercent, l.Quiz.MaxAttempts})
			for j := range l.Quiz.Questions {
				rows.question(l.Quiz.ID, j+1, &l.Quiz.Questions[j])
			}
		}
	}
	return rows
}

func (r *courseRows) question(quiz int64, position int, q *training.QuestionSource) {
	r.Questions = append(r.Questions, questionRow{q.ID, quiz, position, q.Kind})
	for locale, text := range q.Translations {
		r.QuestionTexts = append(r.QuestionTexts, questionText{q.ID, quiz, locale, text.Text})
		if text.Explanation != "" {
			r.Explanations = append(r.Explanations, explanationRow{q.ID, locale, text.Explanation})
		}
	}
	for i := range q.Options {
		o := &q.Options[i]
		r.Options = append(r.Options, optionRow{o.ID, quiz, q.ID, i + 1})
		for locale, text := range o.Translations {
			r.OptionTexts = append(r.OptionTexts, optionText{o.ID, quiz, locale, text.Text})
		}
		if o.IsRight {
			r.Keys = append(r.Keys, keyRow{q.ID, o.ID})
		}
	}
}
