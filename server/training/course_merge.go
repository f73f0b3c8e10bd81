package training

import "fmt"

// NewIDs are keys for what is new in a course.
type NewIDs struct{ Courses, Lessons, Quizzes, Questions, Options []int64 }

// Written is what people have done of a course, which a change of it must leave alone.
type Written struct {
	Course   *CourseSource      // as it is; nil: there is none yet
	Begun    bool               // somebody has done a lesson or tried a quiz
	Answered map[int64]struct{} // options that somebody has chosen
}

// Merge gives everything in s its key and the options their places, so that s can be written over
// what is there. What carries an id is that row. In a list of lessons or questions in which nothing
// carries one, each is the row that stands at its place; options are those of the same text in the
// default locale. What else there is, is new.
//
// What people have done stays: once somebody has begun the course, no lesson may go, nor become a
// quiz or cease to be one; and no question or option may go that somebody has answered. Lessons may be
// added, changed and moved: who has completed a course has completed it.
//
// The places of options are not the author's: who writes the right one first would tell it. Those of a
// question are shuffled when it is new or gets a new one, and else stay as they are. shuffle is
// rand.Shuffle.
func (s *CourseSource) Merge(w Written, ids NewIDs, shuffle func(n int, swap func(i, j int))) error {
	m := &merging{written: w, ids: ids, shuffle: shuffle, locale: s.DefaultLocale}
	before := w.Course
	if before == nil {
		before = &CourseSource{ID: take(&m.ids.Courses)}
	}
	s.ID, s.Minutes = before.ID, 0
	old := pair(m, "lessons", s.Lessons, before.Lessons, func(l *LessonSource) *int64 { return &l.ID }, &m.ids.Lessons)
	for i := range s.Lessons {
		s.Minutes += s.Lessons[i].Minutes
		m.lesson(fmt.Sprintf("lessons[%d]", i), &s.Lessons[i], old[i])
	}
	for _, l := range without(before.Lessons, old) {
		if w.Begun {
			m.refuse("lessons", "The lesson %d cannot go: people have begun the course. Change it, or withdraw the course and write another.", l.ID)
		}
	}
	if len(m.invalid) > 0 {
		return &Error{Code: Invalid, Message: "The request is well-formed but cannot be accepted.", Fields: m.invalid}
	}
	if m.conflict != nil {
		return m.conflict
	}
	return nil
}

type merging struct {
	written  Written
	ids      NewIDs
	shuffle  func(n int, swap func(i, j int))
	locale   string
	invalid  []FieldError
	conflict *Error
}

func (m *merging) refuse(field, format string, args ...any) {
	if m.conflict == nil {
		m.conflict = Errorf(Conflict, format, args...)
		m.conflict.Fields = []FieldError{{Field: field, Message: "would undo what people have done"}}
	}
}

func (m *merging) lesson(at string, l, old *LessonSource) {
	var before QuizSource
	if old != nil {
		if m.written.Begun && (old.Kind == QuizLesson) != (l.Kind == QuizLesson) {
			m.refuse(at+".kind", "The lesson %d cannot become a quiz or cease to be one: people have begun the course.", l.ID)
		}
		if old.Quiz != nil {
			before = *old.Quiz
		}
	}
	q := l.Quiz
	if q == nil {
		return
	}
	if q.ID = before.ID; q.ID == 0 {
		q.ID = take(&m.ids.Quizzes)
	}
	questions := pair(m, at+".quiz.questions", q.Questions, before.Questions, func(q *QuestionSource) *int64 { return &q.ID }, &m.ids.Questions)
	for i := range q.Questions {
		m.question(fmt.Sprintf("%s.quiz.questions[%d]", at, i), &q.Questions[i], questions[i])
	}
	for _, gone := range without(before.Questions, questions) {
		m.keep(at+".quiz.questions", gone.Options)
	}
}

func (m *merging) question(at string, q, old *QuestionSource) {
	var before []OptionSource
	if old != nil {
		before = old.Options
	}
	adopt(m.locale, q.Options, before)
	options := pair(m, at+".options", q.Options, before, func(o *OptionSource) *int64 { return &o.ID }, nil)
	m.keep(at+".options", without(before, options))
	if fresh := len(q.Options) - count(options); fresh > 0 {
		m.shuffle(len(q.Options), func(i, j int) { q.Options[i], q.Options[j] = q.Options[j], q.Options[i] })
		for i := range q.Options {
			if q.Options[i].ID == 0 {
				q.Options[i].ID = take(&m.ids.Options) // in the order of the places: neither tells
			}
		}
		return
	}
	place := make(map[int64]int, len(before))
	for i, o := range before {
		place[o.ID] = i
	}
	arranged := make([]OptionSource, len(before))
	for _, o := range q.Options {
		arranged[place[o.ID]] = o
	}
	q.Options = q.Options[:0]
	for _, o := range arranged {
		if o.ID != 0 {
			q.Options = append(q.Options, o)
		}
	}
}

// keep refuses to let go of options that somebody has chosen.
func (m *merging) keep(at string, gone []OptionSource) {
	for _, o := range gone {
		if _, answered := m.written.Answered[o.ID]; answered {
			m.refuse(at, "The option %d cannot go: people have chosen it. Change its text, or make another one right.", o.ID)
		}
	}
}

// adopt gives options without any id those of the same text.
func adopt(locale string, given, before []OptionSource) {
	for _, o := range given {
		if o.ID != 0 {
			return
		}
	}
	taken := map[int64]bool{}
	for i := range given {
		for _, o := range before {
			if !taken[o.ID] && o.Translations[locale] == given[i].Translations[locale] {
				given[i].ID, taken[o.ID] = o.ID, true
				break
			}
		}
	}
}

// pair finds for each item the one that it is, nil for a new one, which gets a key of fresh.
// With fresh nil new ones get none, and are none by their places.
func pair[T any](m *merging, field string, items, before []T, id func(*T) *int64, fresh *[]int64) []*T {
	known := make(map[int64]*T, len(before))
	for i := range before {
		known[*id(&before[i])] = &before[i]
	}
	named := false
	for i := range items {
		named = named || *id(&items[i]) != 0
	}
	out := make([]*T, len(items))
	for i := range items {
		key := id(&items[i])
		switch {
		case *key != 0:
			if out[i] = known[*key]; out[i] == nil {
				m.invalid = append(m.invalid, FieldError{Field: fmt.Sprintf("%s[%d].id", field, i), Message: "is of none that is here, or is named twice"})
			}
			delete(known, *key)
		case fresh == nil:
		case !named && i < len(before):
			out[i], *key = &before[i], *id(&before[i])
		default:
			*key = take(fresh)
		}
	}
	return out
}

// without gives those of before that are in none of kept.
func without[T any](before []T, kept []*T) (gone []T) {
	is := make(map[*T]bool, len(kept))
	for _, k := range kept {
		is[k] = true
	}
	for i := range before {
		if !is[&before[i]] {
			gone = append(gone, before[i])
		}
	}
	return gone
}

func count[T any](items []*T) (n int) {
	for _, i := range items {
		if i != nil {
			n++
		}
	}
	return n
}

func take(ids *[]int64) int64 {
	id := (*ids)[0]
	*ids = (*ids)[1:]
	return id
}

// Needs counts the keys that Merge may take.
func (s *CourseSource) Needs() (lessons, quizzes, questions, options int) {
	for i := range s.Lessons {
		l := &s.Lessons[i]
		lessons += zero(l.ID)
		if l.Quiz == nil {
			continue
		}
		quizzes++
		for j := range l.Quiz.Questions {
			q := &l.Quiz.Questions[j]
			questions += zero(q.ID)
			for k := range q.Options {
				options += zero(q.Options[k].ID)
			}
		}
	}
	return lessons, quizzes, questions, options
}

// Forget makes everything in s new: what is copied from another course is not that course's.
func (s *CourseSource) Forget() {
	s.ID = 0
	for i := range s.Lessons {
		l := &s.Lessons[i]
		l.ID = 0
		if l.Quiz == nil {
			continue
		}
		for j := range l.Quiz.Questions {
			q := &l.Quiz.Questions[j]
			q.ID = 0
			for k := range q.Options {
				q.Options[k].ID = 0
			}
		}
	}
}

func zero(id int64) int {
	if id == 0 {
		return 1
	}
	return 0
}
