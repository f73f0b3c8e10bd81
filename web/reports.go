package web

import (
	"net/http"
	"net/url"
	"slices"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

// reportPages show reports and their schedules.
func reportPages() []Page {
	return []Page{
		{Path: "/reports", Role: training.Learner, Show: showReports, Do: changeReports},
		{Path: "/reports/schedules", Role: training.Manager, Show: showSchedules, Do: changeSchedules},
	}
}

// reportForm is what a report can be.
type reportForm struct {
	Types, Formats, Locales []choice
}

func (r *Request) reportForm() reportForm {
	var types, formats []string
	for _, t := range training.ReportTypes() {
		types = append(types, string(t))
	}
	for _, f := range training.ReportFormats() {
		formats = append(formats, string(f))
	}
	return reportForm{r.choices("report", "", types...), r.choices("format", "", formats...), r.choices("language", "", training.Locales()...)}
}

type reportList struct {
	reportForm
	openapi.ReportPage
	Pending bool
}

// refreshReports is how often a browser without scripts looks whether a report is there, in seconds.
const refreshReports = 5

func showReports(r *Request) (View, error) {
	data := reportList{reportForm: r.reportForm()}
	if err := r.filtered("/reports?"+r.asked("page").Encode(), &data.ReportPage); err != nil {
		return View{}, err
	}
	data.Pending = slices.ContainsFunc(data.Items, func(o openapi.Report) bool { return training.ReportState(o.Status).Pending() })
	view := View{Template: "reports", Title: r.T("reports.title"), Data: data, Scripts: []string{"reports.js"}}
	if data.Pending {
		view.Refresh = refreshReports
	}
	return view, nil
}

func changeReports(r *Request) (string, error) {
	if r.Form.Get("action") == "cancel" {
		if err := r.Write(http.MethodDelete, "/reports/"+url.PathEscape(r.Form.Get("report")), nil, nil); err != nil {
			return "", err
		}
		return r.Path + "?done=report.cancelled", nil
	}
	in := openapi.ReportRequest{
		ReportType: openapi.ReportType(r.Form.Get("report_type")), Format: r.written("format"), Locale: r.written("locale"),
	}
	if err := r.Post("/reports/generate", in, nil); err != nil {
		return "", err
	}
	return r.Path + "?done=report.requested", nil
}
