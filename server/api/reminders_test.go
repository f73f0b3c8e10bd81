package api

import (
	"context"
	"strings"
	"testing"

	"outpost/replicate/change"
	"outpost/server/training"
)

// RemindOverdue says what it was asked for: the person as a number of people, the course as one of those skipped.
func (w *writer) RemindOverdue(_ context.Context, p training.Principal, r training.ReminderRequest) (training.ReminderOutcome, change.LSN, error) {
	switch {
	case r.UserID == 2 || p.CompanyID != 3:
		return training.ReminderOutcome{}, 0, missing
	case r.Department == "Everybody":
		return training.ReminderOutcome{}, 0, training.Errorf(training.Invalid, "Choose a department or a course.")
	}
	return training.ReminderOutcome{People: r.UserID, Skipped: r.CourseID + int64(len(r.Department))}, w.published().Position.LSN, nil
}

func TestReminders(t *testing.T) {
	n := newNode(t, nil)
	assigning(n.world)
	const target = "/api/v1/reminders"
	for _, s := range []scenario{
		{name: "everybody", as: 21, method: "POST", target: target, body: `{}`, status: 202, want: []string{`{"people":0,"skipped":0}`}},
		{name: "chosen", as: 21, method: "POST", target: target, body: `{"user_id":7,"course_id":42,"department":"IT"}`, status: 202, want: []string{`{"people":7,"skipped":44}`}},
		{name: "nothing chosen, said", as: 21, method: "POST", target: target, body: `{"user_id":null,"course_id":null,"department":null}`, status: 202, want: []string{`{"people":0,"skipped":0}`}},
		{name: "a platform administrator", as: 9, method: "POST", target: target, body: `{}`, status: 202},
		{name: "nobody of the company", as: 21, method: "POST", target: target, body: `{"user_id":2}`, status: 404},
		{name: "too many", as: 21, method: "POST", target: target, body: `{"department":"Everybody"}`, status: 422, want: []string{"Choose a department or a course"}},
		{name: "a manager", as: 20, method: "POST", target: target, body: `{}`, status: 403},
		{name: "a learner", as: 1, method: "POST", target: target, body: `{}`, status: 403},
		{name: "nobody", method: "POST", target: target, body: `{}`, status: 401},
		{name: "no body", as: 21, method: "POST", target: target, status: 400},
		{
			name: "everything wrong", as: 21, method: "POST", target: target, body: `{"user_id":0,"course_id":-1,"department":""}`, status: 422,
			want: []string{`"field":"user_id"`, `"field":"course_id"`, `"field":"department"`, "leave it out"},
		},
		{name: "NUL", as: 21, method: "POST", target: target, body: `{"department":"a\u0000"}`, status: 422, want: []string{`"field":"department"`}},
		{
			name: "too long", as: 21, method: "POST", target: target, body: `{"department":"` + strings.Repeat("ä", training.MaxDepartment+1) + `"}`, status: 422,
			want: []string{`"field":"department"`},
		},
		{name: "an id that is none", as: 21, method: "POST", target: target, body: `{"user_id":"x"}`, status: 422, want: []string{`"field":"user_id"`}},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, n) })
	}
}
