package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"outpost/server/training"
)

// source is the course of the path as its authors see it.
func (r *Request) source() (s training.CourseSource, err error) {
	err = r.Get("/courses/"+r.Param("course")+"/source", &s)
	return s, err
}

// rewrite reads the course, lets edit change a part of it and writes the whole over the version that the
// form was made of. edit says what stands before its fields in the document.
func (r *Request) rewrite(edit func(s *training.CourseSource) (prefix string, err error)) (written training.CourseSource, err error) {
	s, err := r.source()
	if err != nil {
		return s, err
	}
	prefix, err := edit(&s)
	if err != nil {
		return s, err
	}
	err = r.Change(http.MethodPut, "/courses/"+r.Param("course"), s, &written)
	return written, explainCourse(r, err, prefix)
}

// courseTitle is its title in a language, else in its own.
func courseTitle(s *training.CourseSource, locale string) string {
	if text, ok := s.Translations[locale]; ok {
		return text.Title
	}
	return s.Translations[s.DefaultLocale].Title
}

func lessonTitle(s *training.CourseSource, l *training.LessonSource, locale string) string {
	if text, ok := l.Translations[locale]; ok {
		return text.Title
	}
	return l.Translations[s.DefaultLocale].Title
}

// courseView is a course to be written on.
type courseView struct {
	courseForm
	Lessons []lessonRow
}

// lessonRow is a lesson in its course's list.
type lessonRow struct {
	training.LessonSource
	N       int
	Title   string
	Missing []string // languages the course is in and the lesson is not
	First   bool
	Last    bool
}

func showCourseSource(r *Request) (View, error) {
	s, err := r.source()
	if err != nil {
		return View{}, err
	}
	form, err := r.courseForm(s)
	if err != nil {
		return View{}, err
	}
	view := courseView{courseForm: form}
	for i, l := range s.Lessons {
		row := lessonRow{LessonSource: l, N: i + 1, Title: lessonTitle(&s, &l, r.Locale), First: i == 0, Last: i == len(s.Lessons)-1}
		for _, locale := range training.Locales() {
			_, has := l.Translations[locale]
			if _, wanted := s.Translations[locale]; wanted && !has {
				row.Missing = append(row.Missing, locale)
			}
		}
		view.Lessons = append(view.Lessons, row)
	}
	return View{Template: "author-course", Title: courseTitle(&s, r.Locale), Data: view}, nil
}

func changeCourse(r *Request) (string, error) {
	action, id, _ := strings.Cut(r.Form.Get("action"), ":")
	if action == "delete" {
		err := r.Change(http.MethodDelete, "/courses/"+r.Param("course"), nil, nil)
		return "/courses?done=course-deleted", explainCourse(r, err, "")
	}
	if action == "import" {
		document, err := r.courseDocument()
		if err != nil {
			return "", err
		}
		err = r.Change(http.MethodPut, "/courses/"+r.Param("course"), document, nil)
		return r.Path + "?done=course-saved", explainCourse(r, err, "")
	}
	done := "course-saved"
	written, err := r.rewrite(func(s *training.CourseSource) (string, error) {
		switch action {
		case "up", "down":
			done = "course-moved"
			return "", move(s.Lessons, action, id, func(l training.LessonSource) int64 { return l.ID })
		case "publish", "withdraw":
			s.IsPublished, done = action == "publish", "course-"+action
			return "", nil
		}
		return "", r.readCourse(s)
	})
	return "/courses/" + strconv.FormatInt(written.ID, 10) + "?done=" + done, err
}

// move exchanges the item of that id with the one before or after it. At the end of the list it stays.
func move[T any](items []T, direction, id string, idOf func(T) int64) error {
	i := slices.IndexFunc(items, func(item T) bool { return strconv.FormatInt(idOf(item), 10) == id })
	if i < 0 {
		return NotFound()
	}
	to := i + 1
	if direction == "up" {
		to = i - 1
	}
	if to >= 0 && to < len(items) {
		items[i], items[to] = items[to], items[i]
	}
	return nil
}
