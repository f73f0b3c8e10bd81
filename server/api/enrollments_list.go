package api

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"outpost/server/api/openapi"
	"outpost/server/cache"
	"outpost/server/training"
)

var companyEnrollmentFields = newProjection[openapi.CompanyEnrollment]()

func (a *API) listEnrollments(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	f, err := k.companyEnrollmentFilter()
	if err != nil {
		return err
	}
	mask, err := companyEnrollmentFields.parse(k.c.Query("fields"))
	if err != nil {
		return err
	}
	// Whoever may ask for a company's enrollments sees the same.
	k.key = newKey(k.key, "company_enrollments").number(f.CompanyID).page(f.Paging).text(f.Locale).number(f.UserID).number(f.CourseID).
		text(f.Department).text(string(f.Status)).flag(f.Overdue != nil).flag(f.Overdue != nil && *f.Overdue).number(int64(mask))
	if done, err := a.hit(k); done {
		return err
	}
	f.Paging, f.Department = clonePaging(f.Paging), strings.Clone(f.Department)
	f.Status = training.EnrollmentStatus(strings.Clone(string(f.Status)))
	p, now, read := k.principal, a.Now, a.Read
	if f.Long() {
		read = a.ReadLong
	}
	return a.missBy(k, read, func(ctx context.Context, q training.Queries) (answer, error) {
		f.At = now().UTC().Truncate(time.Microsecond) // as exact as due dates are
		found, err := q.CompanyEnrollments(ctx, p, f)
		if err != nil {
			return answer{}, err
		}
		out := answer{tags: companyEnrollmentTags(f, mask), validUntil: found.ValidUntil(f.At)}
		for i := range found.Items {
			out.tags = append(out.tags, cache.Row("courses", found.Items[i].CourseID))
		}
		out.value, err = newPage(found.Page, f.Paging, func(e training.CompanyEnrollment) openapi.CompanyEnrollment {
			return companyEnrollmentBody(e, f.At)
		}, companyEnrollmentFields, mask)
		return out, err
	})
}

// companyEnrollmentTags are what a list depends on. Without lessons_done it does not change with every
// lesson that somebody does: see sql/sqlite/objects/touched.sql.
func companyEnrollmentTags(f training.CompanyEnrollmentFilter, mask fieldMask) []cache.Tag {
	if f.UserID != 0 {
		return []cache.Tag{cache.Ref("enrollments", "user_id", f.UserID), cache.Row("users", f.UserID)}
	}
	table := "enrollments"
	if lessons, err := companyEnrollmentFields.parse("lessons_done"); err == nil && mask != 0 && mask&lessons == 0 {
		table = "duties"
	}
	if f.CompanyID == 0 {
		return []cache.Tag{cache.Table(table), cache.Table("users")}
	}
	return []cache.Tag{cache.Tenant(table, f.CompanyID), cache.Tenant("users", f.CompanyID)}
}

// companyEnrollmentFilter reads the parameters. CompanyID is the company that may be seen: the key holds
// it, and so no answer is shared between companies. Its strings are Fiber's: clone what stays.
func (k *call) companyEnrollmentFilter() (f training.CompanyEnrollmentFilter, err error) {
	if f.CompanyID, err = k.companyQuery(); err != nil {
		return f, err
	}
	if f.Locale, err = k.locale(); err != nil {
		return f, err
	}
	f.Department, f.Status = k.c.Query("department"), training.EnrollmentStatus(k.c.Query("status"))
	wrong := k.idQueries(map[string]*int64{"course_id": &f.CourseID, "user_id": &f.UserID})
	wrong = append(wrong, k.flagQuery("overdue", &f.Overdue)...)
	switch f.Status {
	case "", training.Assigned, training.InProgress, training.Completed, training.Expired:
	default:
		wrong = append(wrong, training.FieldError{Field: "status", Message: "must be assigned, in_progress, completed or expired"})
	}
	wrong = append(wrong, checkDepartment(f.Department)...)
	if err := invalid(wrong...); err != nil {
		return f, err
	}
	sorts := training.EnrollmentSorts()
	if f.Overdue != nil && *f.Overdue {
		sorts = []string{"due_at", "created_at"} // the longest overdue first
	}
	f.Paging, err = k.paging(sorts)
	return f, err
}

// idQueries reads ids that may be left out, which then are 0.
func (k *call) idQueries(into map[string]*int64) (wrong []training.FieldError) {
	for name, to := range into {
		n, err := k.intQuery(name, 0)
		if *to = int64(n); err != nil || n < 0 || n == 0 && k.c.Query(name) != "" {
			wrong = append(wrong, training.FieldError{Field: name, Message: "must be a whole number above 0"})
		}
	}
	return wrong
}

// flagQuery reads what is true, false or left out.
func (k *call) flagQuery(name string, to **bool) []training.FieldError {
	switch text := k.c.Query(name); text {
	case "":
	case "true", "false":
		is := text == "true"
		*to = &is
	default:
		return []training.FieldError{{Field: name, Message: "must be true or false"}}
	}
	return nil
}

func checkDepartment(name string) []training.FieldError {
	switch {
	case utf8.RuneCountInString(name) > training.MaxDepartment:
		return []training.FieldError{{Field: "department", Message: fmt.Sprintf("must be at most %d characters long", training.MaxDepartment)}}
	case strings.ContainsRune(name, 0):
		return []training.FieldError{{Field: "department", Message: "must not contain NUL"}}
	}
	return nil
}

func companyEnrollmentBody(e training.CompanyEnrollment, at time.Time) openapi.CompanyEnrollment {
	return openapi.CompanyEnrollment{
		Id: e.ID, CompanyId: e.CompanyID, UserId: e.UserID, FullName: e.FullName, Email: e.Email, Department: e.Department,
		CourseId: e.CourseID, CourseSlug: e.CourseSlug, CourseTitle: e.CourseTitle, Status: openapi.EnrollmentStatus(e.StatusAt(at)),
		Overdue: e.Overdue(at), DaysOverdue: e.DaysOverdue(at), DueAt: utc(e.DueAt), CompletedAt: utc(e.CompletedAt),
		LessonsDone: e.LessonsDone, LessonCount: e.Lessons, CreatedAt: e.CreatedAt.UTC(),
	}
}
