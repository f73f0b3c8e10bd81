package store

import (
	"context"

	"outpost/server/store/sqlite"
	"outpost/server/training"
)

func (q *queries) Verify(ctx context.Context, code, locale string) (training.Verification, error) {
	r, err := run(ctx, q, "certificate", q.sql.CertificateByCode, sqlite.CertificateByCodeParams{Locale: locale, Code: code})
	if err != nil {
		return training.Verification{}, notFound(err, "certificate")
	}
	c, err := certificate(&r.Certificate, r.Slug, r.Title)
	return training.Verification{Certificate: c, Holder: r.FullName, Company: r.Company, Locale: locale}, err
}

func certificate(c *sqlite.Certificate, slug, title string) (training.Certificate, error) {
	var t times
	out := training.Certificate{
		ID: c.ID, CompanyID: c.CompanyID, UserID: c.UserID, EnrollmentID: c.EnrollmentID, CourseID: c.CourseID, CourseSlug: slug,
		CourseTitle: title, Code: c.Code, IssuedAt: t.at(c.IssuedAt), ExpiresAt: t.maybe(c.ExpiresAt), RevokedAt: t.maybe(c.RevokedAt),
		Version: c.Version,
	}
	return out, t.err
}

func (q *queries) Certificates(ctx context.Context, p training.Principal, f training.CertificateFilter) (training.Page[training.Certificate], error) {
	page := training.Page[training.Certificate]{Page: f.Page, Size: f.Size}
	if err := f.Validate(training.CertificateSorts()...); err != nil {
		return page, err
	}
	found, err := q.findCertificates(ctx, p, f)
	if err != nil {
		return page, err
	}
	found, page.NextAfter = cut(f.Paging, found)
	list, err := idList(ids(found))
	if err != nil {
		return page, err
	}
	rows, err := run(ctx, q, "certificates", q.sql.CertificatesByID, sqlite.CertificatesByIDParams{
		Locale: f.Locale, Ids: list, UserID: p.UserID, CompanyID: p.CompanyID,
	})
	if err != nil {
		return page, err
	}
	page.Items, err = arrange(found, rows, func(r *sqlite.CertificatesByIDRow) int64 { return r.Certificate.ID },
		func(r *sqlite.CertificatesByIDRow) (training.Certificate, error) {
			return certificate(&r.Certificate, r.Slug, r.Title)
		})
	if err != nil {
		return page, err
	}
	page.Total, err = run(ctx, q, "count_certificates", q.sql.CountCertificates, sqlite.CountCertificatesParams{
		UserID: p.UserID, CompanyID: p.CompanyID,
	})
	return page, err
}

func (q *queries) findCertificates(ctx context.Context, p training.Principal, f training.CertificateFilter) ([]place, error) {
	from, err := after(f.Paging, false)
	if err != nil {
		return nil, err
	}
	arg := sqlite.CertificateIDsParams{
		UserID: p.UserID, CompanyID: p.CompanyID, AfterKey: from.text, AfterID: from.id, Size: int64(f.Size) + 1, Skip: f.Offset(),
	}
	if f.Desc {
		rows, err := run(ctx, q, "certificates_by_issued", q.sql.CertificateIDsDesc, sqlite.CertificateIDsDescParams(arg))
		return places(rows, func(r sqlite.CertificateIDsDescRow) place { return place{r.ID, r.SortKey} }), err
	}
	rows, err := run(ctx, q, "certificates_by_issued", q.sql.CertificateIDs, arg)
	return places(rows, func(r sqlite.CertificateIDsRow) place { return place{r.ID, r.SortKey} }), err
}
