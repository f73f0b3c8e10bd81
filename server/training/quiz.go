package training

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// QuizDetail is a quiz with its questions, in one locale. Nothing in it tells what is right.
type QuizDetail struct {
	ID               int64
	CourseID         int64
	CourseSlug       string
	Lesson           int // position of the lesson that the quiz is
	Locale           string
	PassPercent      int
	MaxAttempts      int // 0: any number
	TimeLimitSeconds int // 0: none
	Questions        []Question
	UpdatedAt        time.Time
	Version          int64
}

// Question is one question of a quiz.
type Question struct {
	ID       int64
	Position int
	Multiple bool // any number of its options may be right, else exactly one is
	Text     string
	Options  []Option // in the order in which they are shown
}

// Option is one possible answer.
type Option struct {
	ID   int64
	Text string
}

// Attempt is one try at a quiz.
type Attempt struct {
	Number      int
	Score       int // percent of the questions that were fully right
	Passed      bool
	Seconds     *int // since the attempt was begun, of a quiz with a time limit
	SubmittedAt time.Time
}

// Attempts are one's own tries at a quiz, in one's latest enrollment in its course.
type Attempts struct {
	QuizID      int64
	CourseID    int64
	MaxAttempts int // 0: any number
	// Enrollment is the latest one, of which only what its status depends on is set; nil: none.
	Enrollment *Enrollment
	Items      []Attempt // by number
}

// Passed says whether one of the attempts passed the quiz.
func (a *Attempts) Passed() bool {
	return slices.ContainsFunc(a.Items, func(a Attempt) bool { return a.Passed })
}

// QuizQueries read quizzes, without what is right.
type QuizQueries interface {
	// Quiz is a quiz with its questions. unpublished: found even when its course is not published.
	Quiz(ctx context.Context, id int64, locale string, unpublished bool) (QuizDetail, error)
	// Attempts are the asker's own.
	Attempts(ctx context.Context, p Principal, quizID int64) (Attempts, error)
}

// Answer is what somebody takes for right in one question.
type Answer struct {
	QuestionID int64
	OptionIDs  []int64
}

// Submission is an attempt as it is handed in.
type Submission struct {
	QuizID  int64
	Answers []Answer // a question that is missing counts as wrong
	Locale  string   // of the explanations
}

// Start is an attempt under way at a quiz with a time limit.
type Start struct {
	StartedAt time.Time
	EndsAt    time.Time
}

// Grace is how long after its end an attempt still counts as handed in in time: the network's
// share, not the learner's.
const Grace = 10 * time.Second

// Late says whether an attempt that is handed in at t comes too late.
func (s Start) Late(t time.Time) bool { return t.After(s.EndsAt.Add(Grace)) }

// GradedQuestion tells what became of one answer.
type GradedQuestion struct {
	QuestionID int64
	Right      bool
	// Explanation says what is right and why. It is given away only when that can help nobody to
	// pass any more: see Reveals.
	Explanation string
}

// Graded is a graded attempt with what it led to.
type Graded struct {
	Attempt
	InTime       bool
	AttemptsLeft *int // nil: any number
	Questions    []GradedQuestion
	Enrollment   Enrollment
	Certificate  *Certificate // of a completion
}

// Key is what the answers to one question are held against. It never leaves the primary.
type Key struct {
	QuestionID int64
	Multiple   bool
	Options    map[int64]bool // whether each is right
}

// Grade says which questions of a quiz were answered right, in the order of keys, and what is
// wrong with answers that cannot be graded. Of a question with several right options all must be
// named and no other.
func Grade(keys []Key, answers []Answer) ([]bool, []FieldError) {
	index := make(map[int64]int, len(keys))
	for i, k := range keys {
		index[k.QuestionID] = i
	}
	right := make([]bool, len(keys))
	seen := make(map[int64]bool, len(answers))
	var wrong []FieldError
	for n, a := range answers {
		field := fmt.Sprintf("answers[%d]", n)
		i, ok := index[a.QuestionID]
		switch {
		case !ok:
			wrong = append(wrong, FieldError{Field: field + ".question_id", Message: "is no question of this quiz"})
			continue
		case seen[a.QuestionID]:
			wrong = append(wrong, FieldError{Field: field + ".question_id", Message: "is answered twice"})
			continue
		}
		seen[a.QuestionID] = true
		errs := checkOptions(&keys[i], a.OptionIDs, field+".option_ids")
		wrong = append(wrong, errs...)
		right[i] = len(errs) == 0 && isRight(&keys[i], a.OptionIDs)
	}
	return right, wrong
}

func checkOptions(k *Key, options []int64, field string) (wrong []FieldError) {
	for n, id := range options {
		at := fmt.Sprintf("%s[%d]", field, n)
		if _, ok := k.Options[id]; !ok {
			wrong = append(wrong, FieldError{Field: at, Message: "is no option of this question"})
		} else if slices.Contains(options[:n], id) {
			wrong = append(wrong, FieldError{Field: at, Message: "stands there twice"})
		}
	}
	if !k.Multiple && len(options) > 1 {
		wrong = append(wrong, FieldError{Field: field, Message: "must be one option: only one is right"})
	}
	return wrong
}

// isRight takes options that are the question's and stand there once.
func isRight(k *Key, options []int64) bool {
	want := 0
	for _, right := range k.Options {
		if right {
			want++
		}
	}
	return want > 0 && len(options) == want && !slices.ContainsFunc(options, func(id int64) bool { return !k.Options[id] })
}

// Score is how many percent of the questions were right, rounded to the nearest.
func Score(right []bool) int {
	n := 0
	for _, r := range right {
		if r {
			n++
		}
	}
	if len(right) == 0 {
		return 0
	}
	return (200*n + len(right)) / (2 * len(right))
}

// AttemptsLeft is how many attempts remain after so many; nil: any number.
func AttemptsLeft(limit, used int) *int {
	if limit <= 0 {
		return nil
	}
	left := max(limit-used, 0)
	return &left
}

// Reveals says whether what is right may be told after an attempt: it was passed, or it was the
// last one.
func Reveals(passed bool, left *int) bool { return passed || left != nil && *left == 0 }
