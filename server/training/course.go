package training

import (
	"context"
	"time"

	"outpost/server/training/search"
)

// Level says for whom a course is.
type Level string

// The levels.
const (
	Beginner     Level = "beginner"
	Intermediate Level = "intermediate"
	Advanced     Level = "advanced"
)

// LessonKind says what a lesson is made of.
type LessonKind string

// The kinds of lessons.
const (
	TextLesson  LessonKind = "text"
	VideoLesson LessonKind = "video"
	QuizLesson  LessonKind = "quiz"
)

// Course is a course as the catalogue lists it, in one locale.
type Course struct {
	ID           int64
	Slug         string
	Category     string
	Level        Level
	Minutes      int
	IsPublished  bool
	ValidityDays int    // a completion expires after so many days; 0: never
	Locale       string // of Title and Description: the wished one, else the course's default
	Title        string
	Description  string
	Lessons      int // how many
	CreatedAt    time.Time
	UpdatedAt    time.Time
	Version      int64
}

// CourseDetail is a course with what it consists of.
type CourseDetail struct {
	Course
	Contents []LessonSummary // by position
}

// LessonSummary names a lesson.
type LessonSummary struct {
	ID       int64
	Position int // from 1, without gaps only as long as nobody deletes one
	Kind     LessonKind
	Minutes  int
	Title    string
}

// Lesson is a lesson with its text.
type Lesson struct {
	LessonSummary
	CourseID   int64
	CourseSlug string
	Locale     string
	Body       string // Markdown
	VideoURL   string // of VideoLesson
	Quiz       *Quiz  // of QuizLesson
	Prev, Next int    // positions of the neighbours; 0: none
	UpdatedAt  time.Time
	Version    int64
}

// Quiz says how a quiz is passed. Its questions are a resource of their own.
type Quiz struct {
	ID          int64
	PassPercent int
	MaxAttempts int // 0: any number
	Questions   int // how many
}

// CourseSorts are the fields by which courses can be sorted; the first is the default.
func CourseSorts() []string { return []string{"title", "created_at", "minutes"} }

// Relevance is the order of what is searched for: best first, and never the other way round.
const Relevance = "relevance"

// SearchSorts are CourseSorts when courses are searched for.
func SearchSorts() []string { return append([]string{Relevance}, CourseSorts()...) }

// CourseFilter chooses courses. Empty fields choose all.
type CourseFilter struct {
	Paging
	Locale      string // one of Locales(); not to be empty
	Category    string
	Level       Level
	Search      search.Query
	Unpublished bool // the unpublished ones too: Principal.SeesUnpublished
	Parts       CourseParts
}

// Sorts are the fields by which f's courses can be sorted; the first is the default.
func (f CourseFilter) Sorts() []string {
	if f.Search.Given() {
		return SearchSorts()
	}
	return CourseSorts()
}

// CourseParts are what of courses is read; what is not is left empty. 0 is all of them.
type CourseParts uint8

// The parts of a course. Its own row is read in any case.
const (
	CourseText        CourseParts = 1 << iota // locale and title
	CourseDescription                         // and locale
	CourseLessonCount
	CourseContents // of CourseDetail
	CourseRow
)

// Has says whether part is one of p.
func (p CourseParts) Has(part CourseParts) bool { return p == 0 || p&part != 0 }

// CourseRef names one course.
type CourseRef struct {
	IDOrSlug    string
	Locale      string // one of Locales()
	Unpublished bool   // found even when it is not published
	Parts       CourseParts
}

// CourseQueries read the catalogue.
type CourseQueries interface {
	// Courses lists the catalogue.
	Courses(ctx context.Context, f CourseFilter) (Page[Course], error)
	// Course is one course with the summaries of its lessons.
	Course(ctx context.Context, ref CourseRef) (CourseDetail, error)
	// Lesson is the lesson at a position of a course.
	Lesson(ctx context.Context, ref CourseRef, position int) (Lesson, error)
}
