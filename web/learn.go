package web

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

func learnPages() []Page {
	return []Page{
		{Path: "/learn", Role: training.Learner, Show: showLearn},
		{Path: "/catalogue", Role: training.Learner, Show: showCatalogue},
		{Path: "/learn/:course", Role: training.Learner, Show: showCourse, Do: begin},
		{Path: "/learn/:course/:lesson", Role: training.Learner, Show: showLesson, Do: doLesson},
	}
}

// learnPage is one's own courses: the one to go on with, what else there is to do, what was done.
type learnPage struct {
	Next                         *openapi.EnrollmentSummary
	Overdue, Open, Expired, Done []openapi.EnrollmentSummary
	// Begun is false for who has done nothing yet.
	Begun bool
	// Suggested are for who has no course at all.
	Suggested []openapi.Course
}

func showLearn(r *Request) (View, error) {
	mine, err := r.enrollments()
	if err != nil {
		return View{}, err
	}
	data := sortLearn(mine)
	if len(mine) == 0 {
		var found openapi.CoursePage
		if err := r.Get("/courses?level=beginner&size=3&sort=minutes", &found); err != nil {
			return View{}, err
		}
		data.Suggested = found.Items
	}
	return View{Template: "learn", Title: r.T("learn.title"), Data: data}, nil
}

// sortLearn puts the latest cycle of each course where it belongs, the most urgent first.
func sortLearn(mine []openapi.EnrollmentSummary) learnPage {
	var p learnPage
	for _, e := range latest(mine) {
		p.Begun = p.Begun || e.StartedAt != nil
		switch {
		case e.Overdue:
			p.Overdue = append(p.Overdue, e)
		case e.Status == openapi.EnrollmentStatusExpired:
			p.Expired = append(p.Expired, e)
		case e.Status == openapi.EnrollmentStatusCompleted:
			p.Done = append(p.Done, e)
		default:
			p.Open = append(p.Open, e)
		}
	}
	slices.SortStableFunc(p.Overdue, byUrgency)
	slices.SortStableFunc(p.Open, byUrgency)
	slices.SortStableFunc(p.Done, func(a, b openapi.EnrollmentSummary) int { return compareTimes(b.CompletedAt, a.CompletedAt) })
	switch {
	case len(p.Overdue) > 0:
		p.Next, p.Overdue = &p.Overdue[0], p.Overdue[1:]
	case len(p.Open) > 0:
		p.Next, p.Open = &p.Open[0], p.Open[1:]
	}
	return p
}

// byUrgency: what is due first, then what was begun, then the older.
func byUrgency(a, b openapi.EnrollmentSummary) int {
	return cmp.Or(compareTimes(a.DueAt, b.DueAt), compareTimes(a.StartedAt, b.StartedAt), a.CreatedAt.Compare(b.CreatedAt))
}

// compareTimes puts none last.
func compareTimes(a, b *time.Time) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return a.Compare(*b)
}

// enrollments are all of one's own. Every page asks for them in the same way, and so finds them kept.
func (r *Request) enrollments() ([]openapi.EnrollmentSummary, error) {
	return all(r, "/me/enrollments?size=100&sort=-created_at", func(p *openapi.EnrollmentPage) ([]openapi.EnrollmentSummary, *string) {
		return p.Items, p.NextAfter
	})
}

// latest leaves of each course's cycles the latest.
func latest(mine []openapi.EnrollmentSummary) []openapi.EnrollmentSummary {
	at := make(map[int64]int, len(mine))
	var kept []openapi.EnrollmentSummary
	for _, e := range mine {
		if i, ok := at[e.CourseId]; !ok {
			at[e.CourseId] = len(kept)
			kept = append(kept, e)
		} else if e.Cycle > kept[i].Cycle {
			kept[i] = e
		}
	}
	return kept
}

// enrollment is one's latest in a course; nil: none.
func (r *Request) enrollment(course int64) (*openapi.EnrollmentSummary, error) {
	mine, err := r.enrollments()
	if err != nil {
		return nil, err
	}
	for _, e := range latest(mine) {
		if e.CourseId == course {
			return &e, nil
		}
	}
	return nil, nil
}

// enrolled is one's enrollment in a course, which begins now when there is none that has not expired.
func (r *Request) enrolled(course int64) (int64, error) {
	mine, err := r.enrollment(course)
	if err != nil {
		return 0, err
	}
	if mine != nil && mine.Status != openapi.EnrollmentStatusExpired {
		return mine.Id, nil
	}
	var e openapi.Enrollment
	err = r.Post("/enrollments", openapi.EnrollRequest{CourseId: course}, &e)
	return e.Id, err
}

// coursePath is where a course is shown; lesson 0: the course itself.
func coursePath(slug string, lesson int) string {
	path := "/learn/" + url.PathEscape(slug)
	if lesson > 0 {
		path += "/" + strconv.Itoa(lesson)
	}
	return path
}

// own refuses a form that was filled in by somebody else than the session is of now: another tab has
// signed in as another person since. It is for the next session of the first.
func (r *Request) own() error {
	if given := r.Form.Get("user"); given != "" && given != fmt.Sprint(r.Viewer.UserID) {
		return &Problem{Status: 401, Detail: r.T("learn.other")}
	}
	return nil
}
