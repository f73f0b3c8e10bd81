package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"outpost/replicate/change"
	"outpost/server/api/openapi"
	"outpost/server/cache"
	"outpost/server/training"
)

func userRoutes() []*route {
	return []*route{
		{method: http.MethodGet, pattern: "/api/v1/users", handle: (*API).listUsers, role: training.Manager, scope: "users:read", namespace: "users"},
		{method: http.MethodPost, pattern: "/api/v1/users", handle: (*API).createUser, role: training.Admin, scope: "users:write", write: true, creates: true},
		{method: http.MethodPost, pattern: "/api/v1/users/bulk", handle: (*API).createUsers, role: training.Admin, scope: "users:write", write: true, creates: true, body: maxBulkBody},
		{method: http.MethodGet, pattern: "/api/v1/users/export", handle: (*API).exportUsers, role: training.Manager, scope: "users:read"},
		{method: http.MethodGet, pattern: "/api/v1/users/:user", handle: (*API).getUser, scope: "users:read", namespace: "users"},
		{method: http.MethodPatch, pattern: "/api/v1/users/:user", handle: (*API).updateUser, role: training.Admin, scope: "users:write", write: true},
		{method: http.MethodDelete, pattern: "/api/v1/users/:user", handle: (*API).deactivateUser, role: training.Admin, scope: "users:write", write: true},
	}
}

type userWriter interface {
	CreatePerson(ctx context.Context, p training.Principal, company int64, n training.NewPerson) (training.PersonDetail, change.LSN, error)
	CreatePeople(ctx context.Context, p training.Principal, company int64, rows []training.BulkPerson, partial bool) (training.BulkOutcome, change.LSN, error)
	TryPeople(ctx context.Context, p training.Principal, company int64, rows []training.BulkPerson) (training.BulkOutcome, error)
	ChangePerson(ctx context.Context, p training.Principal, id, version int64, c training.PersonChange) (training.PersonDetail, change.LSN, error)
	ChangeLocale(ctx context.Context, p training.Principal, version int64, locale *string) (training.PersonDetail, change.LSN, error)
	DeactivatePerson(ctx context.Context, p training.Principal, id, version int64) (change.LSN, error)
}

var (
	personFields       = newProjection[openapi.Person]()
	personDetailFields = newProjection[openapi.PersonDetail]()
)

// columns are those that the fields in mask are made of.
func (p *projection) columns(mask fieldMask) (want training.PersonField) {
	for i, name := range p.names {
		if mask == 0 || mask&(1<<i) != 0 {
			want |= training.PersonFieldOf(name)
		}
	}
	return want
}

func (a *API) listUsers(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	f, mask, err := k.personFilter()
	if err != nil {
		return err
	}
	active := int64(-1)
	if f.Active != nil {
		active = 0
		if *f.Active {
			active = 1
		}
	}
	since := int64(0)
	if !f.UpdatedSince.IsZero() {
		since = f.UpdatedSince.UnixMicro()
	}
	k.key = newKey(k.key, "users").number(f.CompanyID).page(f.Paging).text(string(f.Role)).text(f.Department).text(f.JobRisk).
		number(active).text(f.Search).flag(!f.UpdatedSince.IsZero()).number(since).number(int64(mask))
	if done, err := a.hit(k); done {
		return err
	}
	f.Paging, f.Role, f.Department = clonePaging(f.Paging), training.Role(strings.Clone(string(f.Role))), strings.Clone(f.Department)
	f.JobRisk, f.Search = strings.Clone(f.JobRisk), strings.Clone(f.Search)
	f.Fields = personFields.columns(mask)
	p := k.principal
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		found, err := q.People(ctx, p, f)
		if err != nil {
			return answer{}, err
		}
		body, err := newPage(found, f.Paging, personBody, personFields, mask)
		return answer{value: body, tags: peopleTags(f)}, err
	})
}

// peopleTags are what a list depends on. Logins are told by a table of their own, which touches
// only those lists that look at it.
func peopleTags(f training.PersonFilter) []cache.Tag {
	tables := []string{"users"}
	if f.Fields&training.PersonLastLogin != 0 || f.Sort == "last_login_at" {
		tables = append(tables, "user_activity")
	}
	tags := make([]cache.Tag, len(tables))
	for i, table := range tables {
		tags[i] = cache.Table(table)
		if f.CompanyID != 0 {
			tags[i] = cache.Tenant(table, f.CompanyID)
		}
	}
	return tags
}

const (
	maxSearch          = 200
	maxDepartmentBytes = 4 * training.MaxDepartment // bytes
)

// personFilter reads a list's parameters. CompanyID is the company that may be seen: the key holds
// it, and so no answer is shared between companies. Its strings are Fiber's.
func (k *call) personFilter() (f training.PersonFilter, mask fieldMask, err error) {
	if f.Paging, err = k.paging(training.PersonSorts()); err != nil {
		return f, 0, err
	}
	if mask, err = personFields.parse(k.c.Query("fields")); err != nil {
		return f, 0, err
	}
	if f.CompanyID, err = k.companyQuery(); err != nil {
		return f, 0, err
	}
	f.Role, f.Department, f.JobRisk, f.Search = training.Role(k.c.Query("role")), k.c.Query("department"), k.c.Query("job_risk"), k.c.Query("q")
	var errs []training.FieldError
	wrong := func(field, message string) { errs = append(errs, training.FieldError{Field: field, Message: message}) }
	if f.Role != "" && !f.Role.Valid() {
		wrong("role", "must be learner, manager, admin or platform_admin")
	}
	if f.JobRisk != "" && !slices.Contains(training.JobRisks(), f.JobRisk) {
		wrong("job_risk", "must be low, medium or high")
	}
	if len(f.Department) > maxDepartmentBytes {
		wrong("department", "must be at most "+strconv.Itoa(maxDepartmentBytes)+" bytes long")
	}
	if utf8.RuneCountInString(f.Search) > maxSearch {
		wrong("q", "must be at most "+strconv.Itoa(maxSearch)+" characters long")
	}
	switch text := k.c.Query("is_active"); text {
	case "":
	case "true", "false":
		active := text == "true"
		f.Active = &active
	default:
		wrong("is_active", "must be true or false")
	}
	f.UpdatedSince, errs = k.timeQuery("updated_since", errs)
	return f, mask, invalid(errs...)
}

// companyQuery is the company whose people are asked for: the asker's own, or for a platform
// administrator the one that company_id names; 0 for all.
func (k *call) companyQuery() (int64, error) {
	text := k.c.Query("company_id")
	if text == "" {
		if k.principal.Role == training.PlatformAdmin {
			return 0, nil
		}
		return k.principal.CompanyID, nil
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, training.InvalidField("company_id", "must be a whole number above zero")
	}
	if k.principal.Role != training.PlatformAdmin && id != k.principal.CompanyID {
		return 0, training.Errorf(training.NotFound, "There is no such company.")
	}
	return id, nil
}

func (a *API) getUser(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	id, err := k.idParam("user", 64)
	if err != nil {
		return err
	}
	mask, err := personDetailFields.parse(k.c.Query("fields"))
	if err != nil {
		return err
	}
	k.key = newKey(k.key, "user").person(k).number(id).number(int64(mask))
	if done, err := a.hit(k); done {
		return err
	}
	p, want := k.principal, personDetailFields.columns(mask)
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		found, err := q.Person(ctx, p, id, want)
		if err != nil {
			return answer{}, err
		}
		body, err := personDetailFields.pick(personDetailBody(found), mask)
		out := answer{value: body, version: found.Version, validUntil: found.ValidUntil, tags: []cache.Tag{cache.Row("users", id)}}
		if want&training.PersonCompany != 0 {
			out.tags = append(out.tags, cache.Row("companies", found.CompanyID))
		}
		if want&training.PersonLastLogin != 0 {
			out.tags = append(out.tags, cache.Ref("user_activity", "user_id", id))
		}
		if want&training.PersonCourses != 0 {
			out.tags = append(out.tags, cache.Ref("enrollments", "user_id", id))
		}
		return out, err
	})
}

func personBody(p training.Person) openapi.Person {
	return openapi.Person{
		Id: p.ID, CompanyId: p.CompanyID, Email: p.Email, FullName: p.FullName, Role: openapi.Role(p.Role), Department: p.Department,
		JobRisk: p.JobRisk, Locale: p.Locale, IsActive: p.IsActive, LastLoginAt: utc(p.LastLoginAt), CreatedAt: p.CreatedAt.UTC(),
		UpdatedAt: p.UpdatedAt.UTC(), Version: p.Version,
	}
}

func personDetailBody(d training.PersonDetail) openapi.PersonDetail {
	return openapi.PersonDetail{
		Id: d.ID, Email: d.Email, FullName: d.FullName, Role: openapi.Role(d.Role), Department: d.Department,
		JobRisk: d.JobRisk, Locale: d.Locale, IsActive: d.IsActive, LastLoginAt: utc(d.LastLoginAt), CreatedAt: d.CreatedAt.UTC(),
		UpdatedAt: d.UpdatedAt.UTC(), Version: d.Version,
		Company: companyBody(d.Company), Courses: d.Courses, Enrollments: openapi.EnrollmentCounts{
			Assigned: d.Assigned, InProgress: d.InProgress, Completed: d.Completed, Expired: d.Expired,
		},
	}
}
