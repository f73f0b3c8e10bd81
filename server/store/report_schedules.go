package store

import (
	"context"

	"outpost/server/store/sqlite"
	"outpost/server/training"
)

func (q *queries) ReportSchedules(ctx context.Context, p training.Principal, f training.Paging) (training.Page[training.ReportSchedule], error) {
	page := training.Page[training.ReportSchedule]{Page: f.Page, Size: f.Size}
	if err := f.Validate(training.ReportScheduleSorts()...); err != nil {
		return page, err
	}
	from, err := after(f, false)
	if err != nil {
		return page, err
	}
	arg := sqlite.ReportSchedulesParams{
		UserID: p.UserID, CompanyID: p.CompanyID, AfterKey: from.text, AfterID: from.id, Size: int64(f.Size) + 1, Skip: f.Offset(),
	}
	var rows []sqlite.ReportSchedulesRow
	if f.Desc {
		var descending []sqlite.ReportSchedulesDescRow
		descending, err = run(ctx, q, "report_schedules", q.sql.ReportSchedulesDesc, sqlite.ReportSchedulesDescParams(arg))
		for _, r := range descending {
			rows = append(rows, sqlite.ReportSchedulesRow(r))
		}
	} else {
		rows, err = run(ctx, q, "report_schedules", q.sql.ReportSchedules, arg)
	}
	if err != nil {
		return page, err
	}
	var found []place
	found, page.NextAfter = cut(f, places(rows, func(r sqlite.ReportSchedulesRow) place { return place{r.ReportSchedule.ID, r.ReportSchedule.CreatedAt} }))
	var t times
	for _, r := range rows[:len(found)] {
		s := r.ReportSchedule
		out := training.ReportSchedule{
			ID: s.ID, CompanyID: s.CompanyID, UserID: s.UserID, Type: training.ReportType(s.Type), Format: training.ReportFormat(s.Format),
			Locale: s.Locale, Cadence: training.Cadence(s.Cadence), SubjectID: s.CompanyID, FirstAt: t.at(s.FirstAt), NextAt: t.at(s.NextAt),
			LastAt: t.maybe(s.LastAt), CreatedAt: t.at(s.CreatedAt), UpdatedAt: t.at(s.UpdatedAt), Version: s.Version,
		}
		if s.SubjectID != nil {
			out.SubjectID = *s.SubjectID
		}
		page.Items = append(page.Items, out)
	}
	if t.err != nil {
		return page, t.err
	}
	page.Total, err = run(ctx, q, "count_report_schedules", q.sql.CountReportSchedules, sqlite.CountReportSchedulesParams{
		UserID: p.UserID, CompanyID: p.CompanyID,
	})
	return page, err
}
