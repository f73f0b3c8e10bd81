package web

import (
	"net/http"
	"net/url"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

type scheduleList struct {
	reportForm
	openapi.ReportSchedulePage
	Cadences []choice
}

func showSchedules(r *Request) (View, error) {
	var cadences []string
	for _, c := range training.Cadences() {
		cadences = append(cadences, string(c))
	}
	data := scheduleList{reportForm: r.reportForm(), Cadences: r.choices("cadence", "", cadences...)}
	err := r.filtered("/report-schedules?"+r.asked("page").Encode(), &data.ReportSchedulePage)
	return View{Template: "schedules", Title: r.T("schedules.title"), Data: data}, err
}

func changeSchedules(r *Request) (string, error) {
	if r.Form.Get("action") == "end" {
		if err := r.Write(http.MethodDelete, "/report-schedules/"+url.PathEscape(r.Form.Get("schedule")), nil, nil); err != nil {
			return "", err
		}
		return r.Path + "?done=schedule.ended", nil
	}
	in := openapi.ReportScheduleRequest{
		ReportType: openapi.ReportType(r.Form.Get("report_type")), Cadence: openapi.Cadence(r.Form.Get("cadence")),
		Format: r.written("format"), Locale: r.written("locale"),
	}
	if day := r.written("first_at"); day != nil {
		at := dayMorning(*day)
		in.FirstAt = &at
	}
	if err := r.Post("/report-schedules", in, nil); err != nil {
		return "", err
	}
	return r.Path + "?done=schedule.made", nil
}
