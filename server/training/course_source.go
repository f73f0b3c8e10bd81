package training

import "time"

// CourseSource is a course as its authors write it: in all its languages, and with what is right in
// its quizzes. It is read from and written to Postgres only, and in JSON, which is the document of
// GET courses/{course}/source and of PUT.
type CourseSource struct {
	ID            int64                 `json:"id"` // what is given to be written may lack it
	Slug          string                `json:"slug"`
	Category      string                `json:"category"`
	Level         Level                 `json:"level"`
	Minutes       int                   `json:"minutes"` // of all lessons: never given
	IsPublished   bool                  `json:"is_published"`
	ValidityDays  *int                  `json:"validity_days"`
	DefaultLocale string                `json:"default_locale"`
	Translations  map[string]SourceText `json:"translations"`
	Lessons       []LessonSource        `json:"lessons"`
	CreatedAt     time.Time             `json:"created_at"`
	UpdatedAt     time.Time             `json:"updated_at"`
	Version       int64                 `json:"version"`
}

// SourceText is a course's own text in one language.
type SourceText struct {
	Title       string `json:"title"`
	Description string `json:"description"`
}

// LessonSource is a lesson; its place in the list is its position.
type LessonSource struct {
	ID           int64                       `json:"id"` // 0: a new one
	Kind         LessonKind                  `json:"kind"`
	Minutes      int                         `json:"minutes"`
	VideoURL     string                      `json:"video_url"`
	Translations map[string]LessonSourceText `json:"translations"`
	Quiz         *QuizSource                 `json:"quiz"`
}

// LessonSourceText is a lesson in one language.
type LessonSourceText struct {
	Title string `json:"title"`
	Body  string `json:"body"` // Markdown
}

// QuizSource is a lesson's quiz.
type QuizSource struct {
	ID          int64            `json:"id"`
	PassPercent int              `json:"pass_percent"`
	MaxAttempts *int             `json:"max_attempts"` // nil: any number
	Questions   []QuestionSource `json:"questions"`
}

// QuestionSource is a question with its options, of which at least one is right.
type QuestionSource struct {
	ID           int64                         `json:"id"`
	Kind         QuestionKind                  `json:"kind"`
	Translations map[string]QuestionSourceText `json:"translations"`
	Options      []OptionSource                `json:"options"`
}

// QuestionSourceText is a question in one language.
type QuestionSourceText struct {
	Text        string `json:"text"`
	Explanation string `json:"explanation"` // told after an answer
}

// OptionSource is a possible answer.
type OptionSource struct {
	ID           int64                       `json:"id"`
	IsRight      bool                        `json:"is_right"`
	Translations map[string]OptionSourceText `json:"translations"`
}

// OptionSourceText is an answer in one language.
type OptionSourceText struct {
	Text string `json:"text"`
}

// QuestionKind says how many options of a question are right.
type QuestionKind string

// The kinds of questions.
const (
	SingleChoice   QuestionKind = "single"
	MultipleChoice QuestionKind = "multiple"
)
