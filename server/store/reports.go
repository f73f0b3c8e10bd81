package store

import (
	"context"

	"outpost/server/store/sqlite"
	"outpost/server/training"
)

func (q *queries) Report(ctx context.Context, p training.Principal, id int64) (training.Report, error) {
	r, err := run(ctx, q, "report", q.sql.Report, sqlite.ReportParams{ID: id, RequestedBy: p.UserID, CompanyID: p.CompanyID})
	if err != nil {
		return training.Report{}, notFound(err, "report")
	}
	return report(&r)
}

func report(r *sqlite.Report) (training.Report, error) {
	var t times
	out := training.Report{
		ID: r.ID, CompanyID: r.CompanyID, RequestedBy: r.RequestedBy, Type: training.ReportType(r.Type), Format: training.ReportFormat(r.Format),
		Locale: r.Locale, Scope: training.ReportScope(r.Scope), SubjectID: r.CompanyID, State: training.ReportState(r.State), Error: r.Error,
		SHA256: r.Sha256, Bytes: r.Bytes, CompletedAt: t.maybe(r.CompletedAt), ExpiresAt: t.maybe(r.ExpiresAt),
		CreatedAt: t.at(r.CreatedAt), UpdatedAt: t.at(r.UpdatedAt), Version: r.Version,
	}
	if r.SubjectID != nil {
		out.SubjectID = *r.SubjectID
	}
	if r.ScheduleID != nil {
		out.ScheduleID = *r.ScheduleID
	}
	return out, t.err
}

func (q *queries) Reports(ctx context.Context, p training.Principal, f training.ReportFilter) (training.Page[training.Report], error) {
	page := training.Page[training.Report]{Page: f.Page, Size: f.Size}
	if err := f.Validate(training.ReportSorts()...); err != nil {
		return page, err
	}
	from, err := after(f.Paging, false)
	if err != nil {
		return page, err
	}
	arg := sqlite.ReportsParams{
		RequestedBy: p.UserID, CompanyID: p.CompanyID, State: string(f.State),
		AfterKey: from.text, AfterID: from.id, Size: int64(f.Size) + 1, Skip: f.Offset(),
	}
	var rows []sqlite.ReportsRow
	if f.Desc {
		var descending []sqlite.ReportsDescRow
		descending, err = run(ctx, q, "reports", q.sql.ReportsDesc, sqlite.ReportsDescParams(arg))
		for _, r := range descending {
			rows = append(rows, sqlite.ReportsRow(r))
		}
	} else {
		rows, err = run(ctx, q, "reports", q.sql.Reports, arg)
	}
	if err != nil {
		return page, err
	}
	var found []place
	found, page.NextAfter = cut(f.Paging, places(rows, func(r sqlite.ReportsRow) place { return place{r.Report.ID, r.Report.CreatedAt} }))
	for i := range found {
		r, err := report(&rows[i].Report)
		if err != nil {
			return page, err
		}
		page.Items = append(page.Items, r)
	}
	page.Total, err = run(ctx, q, "count_reports", q.sql.CountReports, sqlite.CountReportsParams{
		RequestedBy: p.UserID, CompanyID: p.CompanyID, State: string(f.State),
	})
	return page, err
}
