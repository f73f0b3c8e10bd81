package web

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"outpost/server/api/openapi"
)

// coursePage is a course and how far one is in it.
type coursePage struct {
	Course      openapi.CourseDetail
	Enrollment  *openapi.Enrollment // nil: one has not taken it up
	Lessons     []courseLesson
	Certificate *openapi.Certificate
	GoOn        int // the lesson to go on with; 0: none
}

type courseLesson struct {
	openapi.LessonSummary
	Done bool
}

func showCourse(r *Request) (View, error) {
	data, err := r.course()
	if err != nil {
		return View{}, err
	}
	if e := data.Enrollment; e != nil && e.CompletedAt != nil {
		if data.Certificate, err = r.certificate(e.Id); err != nil {
			return View{}, err
		}
	}
	return View{Template: "course", Title: data.Course.Title, Data: &data}, nil
}

func (r *Request) course() (coursePage, error) {
	var p coursePage
	if err := r.Get("/courses/"+r.Param("course"), &p.Course); err != nil {
		return p, err
	}
	mine, err := r.enrollment(p.Course.Id)
	if err != nil {
		return p, err
	}
	if mine != nil {
		p.Enrollment = new(openapi.Enrollment)
		if err := r.Get(fmt.Sprintf("/enrollments/%d", mine.Id), p.Enrollment); err != nil {
			return p, err
		}
	}
	p.follow()
	return p, nil
}

// follow says of each lesson whether it is done, and where to go on. A cycle that has expired counts for
// nothing in the next.
func (p *coursePage) follow() {
	e := p.Enrollment
	for _, l := range p.Course.Lessons {
		done := e != nil && e.Status != openapi.EnrollmentStatusExpired &&
			slices.ContainsFunc(e.Progress, func(x openapi.Progress) bool { return x.LessonId == l.Id })
		p.Lessons = append(p.Lessons, courseLesson{l, done})
		if !done && p.GoOn == 0 {
			p.GoOn = l.Position
		}
	}
}

// Open says whether there is an enrollment to go on with.
func (p *coursePage) Open() bool {
	return p.Enrollment != nil && p.Enrollment.Status != openapi.EnrollmentStatusExpired
}

// begin takes the course up, and goes to its first lesson that is not done.
func begin(r *Request) (string, error) {
	if err := r.own(); err != nil {
		return "", err
	}
	var c openapi.CourseDetail
	if err := r.Get("/courses/"+r.Param("course"), &c); err != nil {
		return "", err
	}
	var e openapi.Enrollment
	if err := r.Post("/enrollments", openapi.EnrollRequest{CourseId: c.Id}, &e); err != nil {
		return "", err
	}
	if e.NextLesson != nil {
		return coursePath(c.Slug, *e.NextLesson), nil
	}
	return coursePath(c.Slug, 0), nil
}

// lessonPage is a lesson and where it stands in its course.
type lessonPage struct {
	coursePage
	Lesson     openapi.Lesson
	Number     int // from 1, without gaps
	Done       bool
	Prev, Next *courseLesson
	Quiz       *quizPart // nil: it is none
}

// DoneCount is how many lessons are done.
func (p *lessonPage) DoneCount() int {
	n := 0
	for _, l := range p.Lessons {
		if l.Done {
			n++
		}
	}
	return n
}

func showLesson(r *Request) (View, error) {
	data, err := r.lesson()
	if err != nil {
		return View{}, err
	}
	view := View{Template: "lesson", Title: data.Lesson.Title, Data: data, Scripts: []string{"lesson.js"}}
	if data.Lesson.Quiz != nil {
		if data.Quiz, err = r.quiz(data.Lesson.Quiz.Id); err != nil {
			return View{}, err
		}
		view.Scripts = []string{"quiz.js"}
	}
	return view, nil
}

func (r *Request) lesson() (*lessonPage, error) {
	number, err := strconv.Atoi(r.Params["lesson"])
	if err != nil {
		return nil, NotFound()
	}
	p := new(lessonPage)
	if p.coursePage, err = r.course(); err != nil {
		return nil, err
	}
	if err := r.Get(fmt.Sprintf("/courses/%d/lessons/%d", p.Course.Id, number), &p.Lesson); err != nil {
		return nil, err
	}
	for i := range p.Lessons {
		if p.Lessons[i].Position != number {
			continue
		}
		p.Number, p.Done = i+1, p.Lessons[i].Done
		if i > 0 {
			p.Prev = &p.Lessons[i-1]
		}
		if i+1 < len(p.Lessons) {
			p.Next = &p.Lessons[i+1]
		}
	}
	return p, nil
}

func doLesson(r *Request) (string, error) {
	if err := r.own(); err != nil {
		return "", err
	}
	var lesson openapi.Lesson
	if err := r.Get("/courses/"+r.Param("course")+"/lessons/"+r.Param("lesson"), &lesson); err != nil {
		return "", err
	}
	switch r.Form.Get("action") {
	case "start":
		return startQuiz(r, lesson)
	case "submit":
		return submitQuiz(r, lesson)
	}
	return finishLesson(r, lesson)
}

// finishLesson marks the lesson as done. Doing so again changes nothing.
func finishLesson(r *Request, lesson openapi.Lesson) (string, error) {
	seconds, err := strconv.Atoi(or(r.Form.Get("seconds"), "0"))
	if err != nil {
		return "", &Problem{Status: http.StatusBadRequest, Detail: r.T("lesson.seconds.wrong")}
	}
	id, err := r.enrolled(lesson.CourseId)
	if err != nil {
		return "", err
	}
	var e openapi.Enrollment
	target := fmt.Sprintf("/enrollments/%d/lessons/%d", id, lesson.Position)
	if err := r.Write(http.MethodPut, target, openapi.ProgressRequest{Seconds: seconds}, &e); err != nil {
		return "", err
	}
	switch {
	case lesson.Next != nil:
		return coursePath(lesson.CourseSlug, *lesson.Next), nil
	case e.NextLesson != nil:
		return coursePath(lesson.CourseSlug, 0) + "?done=lesson", nil
	}
	return coursePath(lesson.CourseSlug, 0) + "?done=course", nil
}
