package web

import (
	"outpost/server/api/openapi"
	"outpost/server/training"
)

func learnPages() []Page {
	return []Page{
		{Path: "/learn", Role: training.Learner, Show: showLearn},
	}
}

// showLearn is one's own courses: what is to be done, the most urgent first, and what was done.
func showLearn(r *Request) (View, error) {
	var mine openapi.EnrollmentPage
	if err := r.Get("/me/enrollments?size=100&sort=due_at", &mine); err != nil {
		return View{}, err
	}
	var data struct{ Open, Done []openapi.EnrollmentSummary }
	for _, e := range mine.Items {
		if e.Status == openapi.EnrollmentStatus(training.Assigned) || e.Status == openapi.EnrollmentStatus(training.InProgress) {
			data.Open = append(data.Open, e)
		} else {
			data.Done = append(data.Done, e)
		}
	}
	return View{Template: "learn", Title: r.T("learn.title"), Data: data}, nil
}
