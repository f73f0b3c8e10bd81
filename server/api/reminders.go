package api

import (
	"context"
	"net/http"

	"outpost/replicate/change"
	"outpost/server/api/openapi"
	"outpost/server/training"
)

func reminderRoutes() []*route {
	return []*route{
		{method: http.MethodPost, pattern: "/api/v1/reminders", handle: (*API).remind, role: training.Admin, scope: "users:write", write: true, creates: true},
	}
}

type reminderWriter interface {
	RemindOverdue(ctx context.Context, p training.Principal, r training.ReminderRequest) (training.ReminderOutcome, change.LSN, error)
}

func (a *API) remind(k *call) error {
	var in openapi.ReminderRequest
	if err := k.decode(&in); err != nil {
		return err
	}
	r, errs := reminderRequest(in)
	if err := invalid(errs...); err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	out, lsn, err := a.Writer.RemindOverdue(ctx, k.principal, r)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	return k.json(http.StatusAccepted, openapi.ReminderOutcome{People: out.People, Skipped: out.Skipped})
}

func reminderRequest(in openapi.ReminderRequest) (r training.ReminderRequest, errs []training.FieldError) {
	for _, id := range []struct {
		field string
		given *int64
		to    *int64
	}{{"user_id", in.UserId, &r.UserID}, {"course_id", in.CourseId, &r.CourseID}} {
		if id.given == nil {
			continue
		}
		if *id.to = *id.given; *id.given < 1 {
			errs = append(errs, training.FieldError{Field: id.field, Message: "must be at least 1"})
		}
	}
	if in.Department != nil {
		if r.Department = *in.Department; r.Department == "" { // it would be everybody
			errs = append(errs, training.FieldError{Field: "department", Message: "must not be empty; leave it out for everybody"})
		}
		errs = append(errs, checkDepartment(r.Department)...)
	}
	return r, errs
}
