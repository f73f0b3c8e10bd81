package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"outpost/replicate/change"
	"outpost/server/api/openapi"
	"outpost/server/cache"
	"outpost/server/report"
	"outpost/server/training"
)

// Whoever has a certificate's code may verify it, with no account: the code cannot be guessed, and
// what it gives away is a name, a company and a course.

const verifyPath = "/api/v1/certificates/"

func certificateRoutes() []*route {
	return []*route{
		{method: http.MethodGet, pattern: verifyPath + ":code", handle: (*API).verifyCertificate, open: true, namespace: "certificates"},
		{method: http.MethodGet, pattern: verifyPath + ":code/pdf", handle: (*API).certificatePDF, open: true, namespace: "certificates"},
		{method: http.MethodDelete, pattern: verifyPath + ":code", handle: (*API).revokeCertificate, role: training.Admin, write: true},
		{method: http.MethodGet, pattern: "/api/v1/me/certificates", handle: (*API).listMyCertificates, scope: "me:read", namespace: "certificates"},
	}
}

type certificateWriter interface {
	RevokeCertificate(ctx context.Context, p training.Principal, code string) (change.LSN, error)
}

// codeParam is the certificate's code, in the one form that it has. What can be none names nothing.
func (k *call) codeParam() (string, error) {
	raw, err := url.PathUnescape(k.c.Params("code"))
	if err != nil {
		return "", notFound()
	}
	code, ok := training.ParseCertificateCode(raw)
	if !ok {
		return "", notFound()
	}
	return code, nil
}

func (a *API) verifyCertificate(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	code, err := k.codeParam()
	if err != nil {
		return err
	}
	locale, err := k.locale()
	if err != nil {
		return err
	}
	k.key = newKey(k.key, "certificate").text(code).text(locale)
	if done, err := a.hit(k); done {
		return err
	}
	now := a.Now
	return a.seek(k, func(ctx context.Context, q training.Queries) (answer, error) {
		v, err := q.Verify(ctx, code, locale)
		if err != nil {
			return answer{}, err
		}
		at := now()
		status := v.StatusAt(at)
		out := verified(&v, at)
		out.value = openapi.CertificateVerification{
			Code: v.Code, Valid: status == training.CertificateValid, Status: openapi.CertificateStatus(status), FullName: v.Holder,
			CourseTitle: v.CourseTitle, Company: v.Company, IssuedAt: v.IssuedAt.UTC(), ExpiresAt: utc(v.ExpiresAt), RevokedAt: utc(v.RevokedAt),
		}
		return out, nil
	})
}

// verified is an answer about a certificate, but for what it says.
func verified(v *training.Verification, at time.Time) answer {
	return answer{
		validUntil: v.ValidUntil(at),
		tags: []cache.Tag{
			cache.Row("certificates", v.ID), cache.Row("users", v.UserID), cache.Row("companies", v.CompanyID), cache.Row("courses", v.CourseID),
		},
	}
}

// seek is miss for what a stranger asks about with no position: something that was written a moment
// ago may not have arrived here, so the primary is asked before it is said not to exist.
func (a *API) seek(k *call, ask question) error {
	err := a.miss(k, ask)
	if training.CodeOf(err) != training.NotFound || a.primary() || k.forwarded != "" {
		return err
	}
	return a.pass(k)
}

func (a *API) certificatePDF(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	code, err := k.codeParam()
	if err != nil {
		return err
	}
	locale, err := k.locale()
	if err != nil {
		return err
	}
	k.key = newKey(k.key, "certificate_pdf").text(code).text(locale)
	done, err := a.hit(k)
	if !done {
		err = a.readPDF(k, code, locale)
	}
	if r := k.c.Response(); err == nil && r.StatusCode() == http.StatusOK {
		r.Header.Set(fiber.HeaderContentDisposition, `inline; filename="certificate-`+code+`.pdf"`)
	}
	return err
}

func (a *API) readPDF(k *call, code, locale string) error {
	now, public := a.Now, a.PublicURL
	return a.seek(k, func(ctx context.Context, q training.Queries) (answer, error) {
		v, err := q.Verify(ctx, code, locale)
		if err != nil {
			return answer{}, err
		}
		if v.RevokedAt != nil {
			return answer{}, training.Errorf(training.NotFound, "This certificate was revoked.")
		}
		at := now()
		document := report.Certificate{
			Locale: locale, Holder: v.Holder, Company: v.Company, Course: v.CourseTitle, Code: v.Code, IssuedAt: v.IssuedAt, ExpiresAt: v.ExpiresAt,
		}
		if public != "" {
			document.VerifyURL = strings.TrimSuffix(public, "/") + verifyPath + v.Code
		}
		out := verified(&v, at)
		out.document = &rendering{contentType: "application/pdf", render: document.PDF}
		return out, nil
	})
}

func (a *API) revokeCertificate(k *call) error {
	code, err := k.codeParam()
	if err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	lsn, err := a.Writer.RevokeCertificate(ctx, k.principal, code)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	k.c.Response().SetStatusCode(http.StatusNoContent)
	return nil
}

var certificateFields = newProjection[openapi.Certificate]()

func (a *API) listMyCertificates(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	paging, err := k.paging(training.CertificateSorts())
	if err != nil {
		return err
	}
	if k.c.Query("sort") == "" {
		paging.Desc = true // the newest first
	}
	mask, err := certificateFields.parse(k.c.Query("fields"))
	if err != nil {
		return err
	}
	locale, err := k.locale()
	if err != nil {
		return err
	}
	k.key = newKey(k.key, "my_certificates").person(k).page(paging).text(locale).number(int64(mask))
	if done, err := a.hit(k); done {
		return err
	}
	p, now := k.principal, a.Now
	f := training.CertificateFilter{Paging: clonePaging(paging), Locale: locale}
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		found, err := q.Certificates(ctx, p, f)
		if err != nil {
			return answer{}, err
		}
		at := now()
		out := answer{tags: []cache.Tag{cache.Ref("certificates", "user_id", p.UserID)}}
		for _, c := range found.Items {
			out.tags = append(out.tags, cache.Row("courses", c.CourseID))
			out.validUntil = earlier(out.validUntil, c.ValidUntil(at))
		}
		out.value, err = newPage(found, f.Paging, func(c training.Certificate) openapi.Certificate {
			return certificateBody(c, at)
		}, certificateFields, mask)
		return out, err
	})
}

func certificateBody(c training.Certificate, at time.Time) openapi.Certificate {
	return openapi.Certificate{
		Code: c.Code, Status: openapi.CertificateStatus(c.StatusAt(at)), EnrollmentId: c.EnrollmentID, CourseId: c.CourseID,
		CourseSlug: c.CourseSlug, CourseTitle: c.CourseTitle, IssuedAt: c.IssuedAt.UTC(), ExpiresAt: utc(c.ExpiresAt), RevokedAt: utc(c.RevokedAt),
	}
}
