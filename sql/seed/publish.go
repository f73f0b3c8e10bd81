package seed

import (
	"maps"
	"slices"
	"time"
)

// offer is a course with the keys of its rows.
type offer struct {
	*Course
	id      int64
	lessons []int64
	quiz    int64
	months  int // the shortest interval of the requirements it satisfies; 0: none
}

// expiry is when a completion stops counting: at the earlier of the course's validity and the
// requirements' interval.
func (o *offer) expiry(completed time.Time) time.Time {
	var at time.Time
	if o.ValidityDays > 0 {
		at = completed.AddDate(0, 0, o.ValidityDays)
	}
	if o.months > 0 {
		if byInterval := completed.AddDate(0, o.months, 0); at.IsZero() || byInterval.Before(at) {
			at = byInterval
		}
	}
	return at
}

// publish writes the catalogue and gives its courses with their keys.
func publish(l *loader, c Catalogue, at time.Time) []*offer {
	offers := make([]*offer, 0, len(c.Courses))
	for i := range c.Courses {
		offers = append(offers, publishCourse(l, &c.Courses[i], at))
	}
	for i := range c.Frameworks {
		publishFramework(l, &c.Frameworks[i], offers)
	}
	return offers
}

// publishFramework writes a framework with what satisfies its requirements.
func publishFramework(l *loader, f *Framework, offers []*offer) {
	framework := l.next("frameworks")
	l.add("frameworks", framework, f.Key, f.Name["en"])
	for _, locale := range slices.Sorted(maps.Keys(f.Name)) {
		l.add("framework_translations", l.next("framework_translations"), framework, locale, f.Name[locale], f.Title[locale])
	}
	for _, r := range f.Requirements {
		requirement := l.next("requirements")
		l.add("requirements", requirement, framework, r.Code, r.Text["en"], r.IntervalMonths)
		for _, locale := range slices.Sorted(maps.Keys(r.Text)) {
			l.add("requirement_translations", l.next("requirement_translations"), requirement, locale, r.Text[locale])
		}
		for _, o := range offers {
			if !o.satisfies(f.Key + "/" + r.Code) {
				continue
			}
			l.add("requirement_courses", l.next("requirement_courses"), requirement, o.id)
			if o.months == 0 || r.IntervalMonths < o.months {
				o.months = r.IntervalMonths
			}
		}
	}
}

func publishCourse(l *loader, c *Course, at time.Time) *offer {
	o := &offer{Course: c, id: l.next("courses")}
	l.add("courses", o.id, c.Slug, c.Category, c.Level, c.Minutes(), true, nullInt(c.ValidityDays), c.DefaultLocale, at)
	for _, locale := range c.Locales() {
		l.add("course_translations", l.next("course_translations"), o.id, locale, c.Texts[locale].Title, c.Texts[locale].Description)
	}
	for i, lesson := range c.Lessons {
		id := l.next("lessons")
		o.lessons = append(o.lessons, id)
		l.add("lessons", id, o.id, i+1, lesson.Kind, lesson.Minutes)
		for _, locale := range c.Locales() {
			text := lesson.Texts[locale]
			l.add("lesson_translations", l.next("lesson_translations"), o.id, id, locale, text.Title, text.Body)
		}
		if lesson.Kind == "quiz" {
			o.quiz = l.next("quizzes")
			l.add("quizzes", o.quiz, o.id, id, c.Quiz.PassPercent, nullInt(c.Quiz.MaxAttempts), nullInt(c.Quiz.TimeLimitSeconds))
		}
	}
	for i := range c.Quiz.Questions {
		publishQuestion(l, o, i)
	}
	return o
}

// publishQuestion writes a question with its options. Which one is right, and why, goes into
// tables that are not replicated.
func publishQuestion(l *loader, o *offer, i int) {
	q := &o.Quiz.Questions[i]
	question := l.next("questions")
	l.add("questions", question, o.id, o.quiz, i+1)
	var options []int64
	for n := range q.Texts[o.DefaultLocale].Options {
		option := l.next("options")
		options = append(options, option)
		l.add("options", option, o.id, o.quiz, question, n+1)
	}
	l.add("question_keys", question, options[q.Right])
	for _, locale := range o.Locales() {
		text := q.Texts[locale]
		l.add("question_translations", l.next("question_translations"), o.id, o.quiz, question, locale, text.Question)
		l.add("question_explanations", question, locale, text.Explanation)
		for n, option := range options {
			l.add("option_translations", l.next("option_translations"), o.id, o.quiz, option, locale, text.Options[n])
		}
	}
}

func nullInt(n int) any {
	if n == 0 {
		return nil
	}
	return n
}

func nullTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}
