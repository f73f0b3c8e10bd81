package api

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"outpost/replicate/change"
	"outpost/server/api/openapi"
	"outpost/server/cache"
	"outpost/server/training"
)

const reportPath = "/api/v1/reports"

func reportRoutes() []*route {
	const one = reportPath + "/:report"
	return []*route{
		{method: http.MethodPost, pattern: reportPath + "/compliance", handle: (*API).requestComplianceReport, scope: "reports:write", write: true, creates: true},
		{method: http.MethodPost, pattern: reportPath + "/generate", handle: (*API).requestReport, scope: "reports:write", write: true, creates: true},
		{method: http.MethodGet, pattern: reportPath, handle: (*API).listReports, scope: "reports:read", namespace: "reports"},
		{method: http.MethodGet, pattern: one + "/status", handle: (*API).getReportStatus, scope: "reports:read", namespace: "reports"},
		{method: http.MethodGet, pattern: one, handle: (*API).getReport, scope: "reports:read"},
		{method: http.MethodDelete, pattern: one, handle: (*API).cancelReport, scope: "reports:write", write: true},
	}
}

type reportWriter interface {
	RequestReport(ctx context.Context, p training.Principal, n training.NewReport) (training.Report, change.LSN, error)
	CancelReport(ctx context.Context, p training.Principal, id int64) (change.LSN, error)
	// ReportDocument is a report whose document is there. NotFound: it has expired; Conflict: it is
	// not completed.
	ReportDocument(ctx context.Context, p training.Principal, id int64) (training.Report, error)
	// ReportPart is a part of its document, counted from 0. Together they have the report's bytes.
	ReportPart(ctx context.Context, id int64, part int) ([]byte, error)
}

func (a *API) requestComplianceReport(k *call) error {
	var in openapi.ComplianceReportRequest
	if err := k.decode(&in, "type"); err != nil {
		return err
	}
	n := wanted(training.ReportType(in.Type), in.Format, in.Locale, in.CompanyId)
	return a.acceptReport(k, n, "type", training.Frameworks())
}

func (a *API) requestReport(k *call) error {
	var in openapi.ReportRequest
	if err := k.decode(&in, "report_type"); err != nil {
		return err
	}
	n := wanted(training.ReportType(in.ReportType), in.Format, in.Locale, in.CompanyId)
	return a.acceptReport(k, n, "report_type", training.ReportTypes())
}

func wanted(t training.ReportType, format, locale *string, company *int64) training.NewReport {
	n := training.NewReport{Type: t, Format: training.ReportFormat(given(format)), Locale: given(locale)}
	if company != nil {
		if n.CompanyID = *company; n.CompanyID == 0 {
			n.CompanyID = -1 // nobody's, where none at all would be one's own
		}
	}
	return n
}

// acceptReport takes a request in; field is what the type is called in it.
func (a *API) acceptReport(k *call, n training.NewReport, field string, types []training.ReportType) (err error) {
	if n.Format == "" {
		n.Format = training.ReportFormats()[0]
	}
	if n.Locale == "" {
		if n.Locale, err = k.locale(); err != nil {
			return err
		}
	}
	if err := invalid(n.Check(field, types)...); err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	r, lsn, err := a.Writer.RequestReport(ctx, k.principal, n)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	body := reportBody(r, a.Now())
	k.c.Set(fiber.HeaderLocation, body.CheckUrl)
	return k.json(http.StatusAccepted, body)
}

var reportFields = newProjection[openapi.Report]()

func (a *API) listReports(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	paging, err := k.paging(training.ReportSorts())
	if err != nil {
		return err
	}
	if k.c.Query("sort") == "" {
		paging.Desc = true // the newest first
	}
	mask, err := reportFields.parse(k.c.Query("fields"))
	if err != nil {
		return err
	}
	state := training.ReportState(k.c.Query("status"))
	if state != "" && !slices.Contains(training.ReportStates(), state) {
		return training.InvalidField("status", "must be queued, processing, completed, failed or expired")
	}
	k.key = newKey(k.key, "reports").person(k).page(paging).text(string(state)).number(int64(mask))
	if done, err := a.hit(k); done {
		return err
	}
	p, now := k.principal, a.Now
	f := training.ReportFilter{Paging: clonePaging(paging), State: training.ReportState(strings.Clone(string(state)))}
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		found, err := q.Reports(ctx, p, f)
		if err != nil {
			return answer{}, err
		}
		at := now()
		out := answer{tags: []cache.Tag{cache.Ref("reports", "requested_by", p.UserID)}}
		for _, r := range found.Items {
			out.validUntil = earlier(out.validUntil, r.ValidUntil(at))
		}
		out.value, err = newPage(found, f.Paging, func(r training.Report) openapi.Report { return reportBody(r, at) }, reportFields, mask)
		return out, err
	})
}

func (a *API) getReportStatus(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	id, err := k.idParam("report", 64)
	if err != nil {
		return err
	}
	k.key = newKey(k.key, "report").person(k).number(id)
	if done, err := a.hit(k); done {
		return err
	}
	p, now := k.principal, a.Now
	// Whoever was told check_url a moment ago need not have kept the position.
	return a.seek(k, func(ctx context.Context, q training.Queries) (answer, error) {
		r, err := q.Report(ctx, p, id)
		if err != nil {
			return answer{}, err
		}
		at := now()
		return answer{
			value: reportBody(r, at), version: r.Version, validUntil: r.ValidUntil(at), tags: []cache.Tag{cache.Row("reports", id)},
		}, nil
	})
}

// getReport sends the document, which only the primary has.
func (a *API) getReport(k *call) error {
	if !a.primary() {
		return a.relay(k)
	}
	id, err := k.idParam("report", 64)
	if err != nil {
		return err
	}
	ctx, cancel := k.context()
	defer cancel()
	report, err := a.Writer.ReportDocument(ctx, k.principal, id)
	if err != nil {
		return err
	}
	r := k.c.Response()
	tag := `"` + report.SHA256 + `"`
	r.Header.Set(fiber.HeaderETag, tag)
	r.Header.Set(fiber.HeaderCacheControl, "private, no-store")
	if match := k.c.Request().Header.Peek(fiber.HeaderIfNoneMatch); len(match) > 0 && matches(match, tag) {
		r.SetStatusCode(http.StatusNotModified)
		return nil
	}
	r.Header.SetContentType(report.Format.ContentType())
	r.Header.Set(fiber.HeaderContentDisposition, `attachment; filename="`+report.FileName()+`"`)
	if k.c.Method() == http.MethodHead {
		r.Header.SetContentLength(int(report.Bytes))
		r.SkipBody = true
		return nil
	}
	r.SetBodyStream(&sending{api: a, report: report}, int(report.Bytes))
	return nil
}

// sending is a document on its way. Each part is read when the one before it was taken, on a
// connection that is given back at once, so that a slow client holds nothing but that part.
type sending struct {
	api    *API
	report training.Report
	next   int   // part
	given  int64 // bytes
	rest   []byte
}

// Read gives what is left of the part, or of the next one.
func (s *sending) Read(p []byte) (int, error) {
	if s.given == s.report.Bytes {
		return 0, io.EOF
	}
	if len(s.rest) == 0 {
		ctx, cancel := context.WithTimeout(s.api.base, s.api.Limits.Request)
		defer cancel()
		var err error
		if s.rest, err = s.api.Writer.ReportPart(ctx, s.report.ID, s.next); err != nil {
			s.api.Log.Warn("a report was broken off", "report", s.report.ID, "part", s.next, "error", err)
			return 0, err
		}
		s.next++
	}
	n := copy(p, s.rest)
	s.rest, s.given = s.rest[n:], s.given+int64(n)
	return n, nil
}

func (a *API) cancelReport(k *call) error {
	id, err := k.idParam("report", 64)
	if err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	lsn, err := a.Writer.CancelReport(ctx, k.principal, id)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	k.c.Response().SetStatusCode(http.StatusNoContent)
	return nil
}

func reportBody(r training.Report, at time.Time) openapi.Report {
	state := r.StateAt(at)
	url := reportPath + "/" + strconv.FormatInt(r.ID, 10)
	out := openapi.Report{
		ReportId: r.ID, Type: openapi.ReportType(r.Type), Format: openapi.ReportFormat(r.Format), Locale: r.Locale,
		Scope: openapi.ReportScope(r.Scope), CompanyId: r.SubjectID, Status: openapi.ReportState(state), Error: text(r.Error),
		Sha256: text(r.SHA256), CreatedAt: r.CreatedAt.UTC(), CompletedAt: utc(r.CompletedAt), ExpiresAt: utc(r.ExpiresAt),
		CheckUrl: url + "/status",
	}
	if r.SHA256 != "" {
		out.Bytes = &r.Bytes
	}
	if state == training.ReportCompleted {
		out.DownloadUrl = &url
	}
	return out
}
