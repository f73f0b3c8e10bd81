package api

import (
	"context"
	"net/http"
	"time"

	"outpost/replicate/change"
	"outpost/server/api/openapi"
	"outpost/server/cache"
	"outpost/server/training"
)

// reportScheduleRoutes lie beside those of reports: below them, OpenAPI could not tell the one path from
// the other.
func reportScheduleRoutes() []*route {
	const pattern = "/api/v1/report-schedules"
	return []*route{
		{method: http.MethodGet, pattern: pattern, handle: (*API).listReportSchedules, role: training.Manager, scope: "reports:read", namespace: "reports"},
		{method: http.MethodPost, pattern: pattern, handle: (*API).createReportSchedule, role: training.Manager, scope: "reports:write", write: true, creates: true},
		{method: http.MethodDelete, pattern: pattern + "/:schedule", handle: (*API).deleteReportSchedule, role: training.Manager, scope: "reports:write", write: true},
	}
}

type reportScheduleWriter interface {
	CreateReportSchedule(ctx context.Context, p training.Principal, n training.NewReportSchedule) (training.ReportSchedule, change.LSN, error)
	DeleteReportSchedule(ctx context.Context, p training.Principal, id int64) (change.LSN, error)
}

var reportScheduleFields = newProjection[openapi.ReportSchedule]()

func (a *API) listReportSchedules(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	paging, err := k.paging(training.ReportScheduleSorts())
	if err != nil {
		return err
	}
	mask, err := reportScheduleFields.parse(k.c.Query("fields"))
	if err != nil {
		return err
	}
	k.key = newKey(k.key, "report_schedules").person(k).page(paging).number(int64(mask))
	if done, err := a.hit(k); done {
		return err
	}
	p, paging := k.principal, clonePaging(paging)
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		found, err := q.ReportSchedules(ctx, p, paging)
		if err != nil {
			return answer{}, err
		}
		out := answer{tags: []cache.Tag{cache.Ref("report_schedules", "user_id", p.UserID)}}
		out.value, err = newPage(found, paging, reportScheduleBody, reportScheduleFields, mask)
		return out, err
	})
}

func (a *API) createReportSchedule(k *call) error {
	var in openapi.ReportScheduleRequest
	if err := k.decode(&in, "report_type", "cadence"); err != nil {
		return err
	}
	n := training.NewReportSchedule{
		NewReport: wanted(training.ReportType(in.ReportType), in.Format, in.Locale, in.CompanyId), Cadence: training.Cadence(in.Cadence),
	}
	if n.Format == "" {
		n.Format = training.ReportFormats()[0]
	}
	if n.Locale == "" {
		locale, err := k.locale()
		if err != nil {
			return err
		}
		n.Locale = locale
	}
	var malformed []training.FieldError
	if in.FirstAt != nil {
		if at, err := time.Parse(time.RFC3339, *in.FirstAt); err != nil {
			malformed = append(malformed, training.FieldError{Field: "first_at", Message: "must be a time such as 2027-01-31T06:00:00Z"})
		} else {
			at = at.UTC().Truncate(time.Microsecond) // which is what Postgres keeps
			n.FirstAt = &at
		}
	}
	if err := invalid(append(n.Check(a.Now()), malformed...)...); err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	made, lsn, err := a.Writer.CreateReportSchedule(ctx, k.principal, n)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	return k.json(http.StatusCreated, reportScheduleBody(made))
}

func (a *API) deleteReportSchedule(k *call) error {
	id, err := k.idParam("schedule", 64)
	if err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	lsn, err := a.Writer.DeleteReportSchedule(ctx, k.principal, id)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	k.c.Response().SetStatusCode(http.StatusNoContent)
	return nil
}

func reportScheduleBody(s training.ReportSchedule) openapi.ReportSchedule {
	return openapi.ReportSchedule{
		Id: s.ID, ReportType: openapi.ReportType(s.Type), Format: openapi.ReportFormat(s.Format), Locale: s.Locale,
		Cadence: openapi.Cadence(s.Cadence), CompanyId: s.SubjectID, FirstAt: s.FirstAt.UTC(), NextAt: s.NextAt.UTC(), LastAt: utc(s.LastAt),
		CreatedAt: s.CreatedAt.UTC(), UpdatedAt: s.UpdatedAt.UTC(), Version: s.Version,
	}
}
