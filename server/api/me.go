package api

import (
	"context"
	"net/http"
	"strings"

	"outpost/server/api/openapi"
	"outpost/server/cache"
	"outpost/server/training"
)

func meRoutes() []*route {
	return []*route{
		{method: http.MethodGet, pattern: "/api/v1/me", handle: (*API).me, scope: "me:read", namespace: "me"},
		{method: http.MethodPatch, pattern: "/api/v1/me", handle: (*API).updateMe, write: true},
		{method: http.MethodGet, pattern: "/api/v1/me/enrollments", handle: (*API).listMyEnrollments, scope: "me:read", namespace: "enrollments"},
		// Done by the primary: much of it is in no replica.
		{method: http.MethodGet, pattern: "/api/v1/me/export", handle: (*API).exportMe, scope: "me:read", write: true},
	}
}

func (a *API) me(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	k.key = newKey(k.key, "me").person(k)
	if done, err := a.hit(k); done {
		return err
	}
	p := k.principal
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		u, err := q.Me(ctx, p)
		if err != nil {
			return answer{}, err
		}
		return answer{
			value: userBody(u), version: u.Version,
			tags: []cache.Tag{cache.Row("users", u.ID), cache.Row("companies", u.Company.ID)},
		}, nil
	})
}

// updateMe changes what is one's own to change. No scope: whoever holds an API key changes nobody's language.
func (a *API) updateMe(k *call) error {
	version, err := k.ifMatch()
	if err != nil {
		return err
	}
	change, err := k.personChange("locale")
	if err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	d, lsn, err := a.Writer.ChangeLocale(ctx, k.principal, version, change.Locale)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	return k.resource(http.StatusOK, d.Version, userBody(d.User()))
}

func userBody(u training.User) openapi.User {
	return openapi.User{
		Id: u.ID, Email: u.Email, FullName: u.FullName, Role: openapi.Role(u.Role), Department: u.Department,
		JobRisk: u.JobRisk, Locale: u.Locale, CreatedAt: u.CreatedAt.UTC(), UpdatedAt: u.UpdatedAt.UTC(),
		Company: companyBody(u.Company),
	}
}

func companyBody(c training.Company) openapi.Company {
	return openapi.Company{
		Id: c.ID, Name: c.Name, Slug: c.Slug, Country: c.Country, DataZone: c.Zone, Locale: c.Locale, PrivacyMode: string(c.PrivacyMode),
	}
}

var enrollmentFields = newProjection[openapi.EnrollmentSummary]()

func (a *API) listMyEnrollments(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	paging, err := k.paging(training.EnrollmentSorts())
	if err != nil {
		return err
	}
	mask, err := enrollmentFields.parse(k.c.Query("fields"))
	if err != nil {
		return err
	}
	locale, err := k.locale()
	if err != nil {
		return err
	}
	p := k.principal
	f := training.EnrollmentFilter{
		Paging: paging, UserID: p.UserID, Locale: locale, Status: training.EnrollmentStatus(k.c.Query("status")),
	}
	switch f.Status {
	case "", training.Assigned, training.InProgress, training.Completed, training.Expired:
	default:
		return training.InvalidField("status", "must be assigned, in_progress, completed or expired")
	}
	k.key = newKey(k.key, "my_enrollments").person(k).page(f.Paging).text(f.Locale).text(string(f.Status)).number(int64(mask))
	if done, err := a.hit(k); done {
		return err
	}
	f.Paging, f.Status = clonePaging(f.Paging), training.EnrollmentStatus(strings.Clone(string(f.Status)))
	now := a.Now
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		found, err := q.Enrollments(ctx, p, f)
		if err != nil {
			return answer{}, err
		}
		at := now()
		out := answer{tags: []cache.Tag{cache.Ref("enrollments", "user_id", f.UserID)}}
		for _, e := range found.Items {
			out.tags = append(out.tags, cache.Row("courses", e.CourseID))
			out.validUntil = earlier(out.validUntil, e.ValidUntil(at))
		}
		out.value, err = newPage(found, f.Paging, func(e training.Enrollment) openapi.EnrollmentSummary {
			return summaryBody(e, at)
		}, enrollmentFields, mask)
		return out, err
	})
}
