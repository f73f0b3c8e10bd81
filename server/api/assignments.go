package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"outpost/replicate/change"
	"outpost/server/api/openapi"
	"outpost/server/cache"
	"outpost/server/training"
)

func assignmentRoutes() []*route {
	const pattern = "/api/v1/assignments"
	return []*route{
		{method: http.MethodGet, pattern: pattern, handle: (*API).listAssignments, role: training.Manager, scope: "assignments:read", namespace: "assignments"},
		{method: http.MethodPost, pattern: pattern, handle: (*API).createAssignment, role: training.Admin, scope: "assignments:write", write: true, creates: true},
		{method: http.MethodGet, pattern: pattern + "/:assignment", handle: (*API).getAssignment, role: training.Manager, scope: "assignments:read", namespace: "assignments"},
		{method: http.MethodDelete, pattern: pattern + "/:assignment", handle: (*API).endAssignment, role: training.Admin, scope: "assignments:write", write: true},
	}
}

type assignmentWriter interface {
	CreateAssignment(ctx context.Context, p training.Principal, n training.NewAssignment) (training.Assignment, change.LSN, error)
	EndAssignment(ctx context.Context, p training.Principal, id, version int64) (change.LSN, error)
}

var assignmentFields = newProjection[openapi.Assignment]()

// counted says whether the counts are among the fields asked for. Without them an answer does not
// depend on what people learn.
func counted(mask fieldMask) bool {
	counts, err := assignmentFields.parse("counts")
	return err != nil || mask == 0 || mask&counts != 0
}

func (a *API) listAssignments(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	f, err := k.assignmentFilter()
	if err != nil {
		return err
	}
	mask, err := assignmentFields.parse(k.c.Query("fields"))
	if err != nil {
		return err
	}
	f.Uncounted = !counted(mask)
	k.key = newKey(k.key, "assignments").person(k).page(f.Paging).text(f.Locale).number(f.CourseID).text(string(f.Scope)).
		text(f.Department).number(f.UserID).flag(f.Active != nil).flag(f.Active != nil && *f.Active).number(int64(mask))
	if done, err := a.hit(k); done {
		return err
	}
	f.Paging, f.Department = clonePaging(f.Paging), strings.Clone(f.Department)
	f.Scope = training.AssignmentScope(strings.Clone(string(f.Scope)))
	p, now := k.principal, a.Now
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		found, err := q.Assignments(ctx, p, f)
		if err != nil {
			return answer{}, err
		}
		at := now()
		out := answer{tags: []cache.Tag{ofCompany("assignments", p)}}
		if !f.Uncounted {
			out.tags = append(out.tags, ofCompany("enrollments", p))
		}
		for i := range found.Items {
			out.tags = append(out.tags, cache.Row("courses", found.Items[i].CourseID))
			out.validUntil = earlier(out.validUntil, found.Items[i].ValidUntil(at))
		}
		out.value, err = newPage(found, f.Paging, func(a training.Assignment) openapi.Assignment {
			return assignmentBody(a, at)
		}, assignmentFields, mask)
		return out, err
	})
}

// ofCompany is the tag of a table's rows that the asker may see.
func ofCompany(table string, p training.Principal) cache.Tag {
	if p.Role == training.PlatformAdmin {
		return cache.Table(table)
	}
	return cache.Tenant(table, p.CompanyID)
}

// assignmentFilter reads the parameters. Its strings are Fiber's: clone what stays.
func (k *call) assignmentFilter() (f training.AssignmentFilter, err error) {
	if f.Paging, err = k.paging(training.AssignmentSorts()); err != nil {
		return f, err
	}
	if f.Locale, err = k.locale(); err != nil {
		return f, err
	}
	f.Scope, f.Department = training.AssignmentScope(k.c.Query("scope")), k.c.Query("department")
	wrong := k.idQueries(map[string]*int64{"course_id": &f.CourseID, "user_id": &f.UserID})
	wrong = append(wrong, k.flagQuery("active", &f.Active)...)
	switch f.Scope {
	case "", training.CompanyScope, training.DepartmentScope, training.UserScope:
	default:
		wrong = append(wrong, training.FieldError{Field: "scope", Message: "must be company, department or user"})
	}
	return f, invalid(append(wrong, checkDepartment(f.Department)...)...)
}

func (a *API) getAssignment(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	id, err := k.idParam("assignment", 64)
	if err != nil {
		return err
	}
	locale, err := k.locale()
	if err != nil {
		return err
	}
	k.key = newKey(k.key, "assignment").person(k).number(id).text(locale)
	if done, err := a.hit(k); done {
		return err
	}
	p, now := k.principal, a.Now
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		found, err := q.Assignment(ctx, p, id, locale)
		if err != nil {
			return answer{}, err
		}
		at := now()
		return answer{
			value: assignmentBody(found, at), version: found.Version, validUntil: found.ValidUntil(at),
			tags: []cache.Tag{
				cache.Row("assignments", found.ID), cache.Tenant("enrollments", found.CompanyID), cache.Row("courses", found.CourseID),
			},
		}, nil
	})
}

func (a *API) createAssignment(k *call) error {
	var in openapi.AssignmentRequest
	if err := k.decode(&in, "course_id", "scope"); err != nil {
		return err
	}
	n, errs := newAssignment(in)
	errs = append(errs, n.Validate(a.Now())...)
	if err := invalid(errs...); err != nil {
		return err
	}
	p, err := k.reader()
	if err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	made, lsn, err := a.Writer.CreateAssignment(ctx, p, n)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	return k.resource(http.StatusCreated, made.Version, assignmentBody(made, a.Now()))
}

func newAssignment(in openapi.AssignmentRequest) (n training.NewAssignment, errs []training.FieldError) {
	n = training.NewAssignment{CourseID: in.CourseId, Scope: training.AssignmentScope(in.Scope)}
	if in.Department != nil {
		if n.Department = *in.Department; strings.ContainsRune(n.Department, 0) {
			errs = append(errs, training.FieldError{Field: "department", Message: "must not contain NUL"})
		}
	}
	if in.UserId != nil {
		n.UserID = *in.UserId
	}
	if in.RecurrenceMonths != nil {
		if n.Recurrence = *in.RecurrenceMonths; n.Recurrence == 0 {
			n.Recurrence = -1 // there, and not possible
		}
	}
	if in.DueAt != nil {
		// Postgres keeps microseconds.
		if due, err := time.Parse(time.RFC3339, *in.DueAt); err != nil {
			errs = append(errs, training.FieldError{Field: "due_at", Message: "must be a time such as 2026-12-31T23:00:00Z"})
		} else {
			due = due.UTC().Truncate(time.Microsecond)
			n.DueAt = &due
		}
	}
	return n, errs
}

func (a *API) endAssignment(k *call) error {
	id, err := k.idParam("assignment", 64)
	if err != nil {
		return err
	}
	version, err := k.ifMatch()
	if err != nil {
		return err
	}
	ctx, cancel, err := k.writing()
	if err != nil {
		return err
	}
	defer cancel()
	lsn, err := a.Writer.EndAssignment(ctx, k.principal, id, version)
	if err != nil {
		return err
	}
	a.wrote(k, lsn)
	k.c.Response().SetStatusCode(http.StatusNoContent)
	return nil
}

// assignmentBody shows the occurrence that is open at that time, or was when the assignment ended.
func assignmentBody(a training.Assignment, at time.Time) openapi.Assignment {
	if a.EndedAt != nil && a.EndedAt.Before(at) {
		at = *a.EndedAt
	}
	o := a.Occurrence(at)
	body := openapi.Assignment{
		Id: a.ID, CompanyId: a.CompanyID, CourseId: a.CourseID, CourseSlug: a.CourseSlug, CourseTitle: a.CourseTitle,
		Scope: openapi.AssignmentScope(a.Scope), Department: text(a.Department), UserId: positive64(a.UserID), DueAt: utc(a.DueAt),
		RecurrenceMonths: positive(a.Recurrence), Occurrence: o.Number, CurrentDueAt: utc(o.DueAt), Active: a.EndedAt == nil,
		EndedAt: utc(a.EndedAt), CreatedBy: positive64(a.CreatedBy), CreatedAt: a.CreatedAt.UTC(), UpdatedAt: a.UpdatedAt.UTC(), Version: a.Version,
	}
	if c := a.Counts; c != nil {
		body.Counts = &openapi.AssignmentCounts{
			Assigned: c.Assigned, InProgress: c.InProgress, Completed: c.Completed, Expired: c.Expired, Overdue: c.Overdue,
		}
	}
	return body
}

// positive64 is null for 0, which the domain uses for none.
func positive64(n int64) *int64 {
	if n <= 0 {
		return nil
	}
	return &n
}
