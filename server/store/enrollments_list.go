package store

import (
	"context"
	"fmt"
	"math"
	"slices"

	"outpost/server/store/sqlite"
	"outpost/server/training"
)

func (q *queries) CompanyEnrollments(ctx context.Context, p training.Principal, f training.CompanyEnrollmentFilter) (training.CompanyEnrollments, error) {
	out := training.CompanyEnrollments{Page: training.Page[training.CompanyEnrollment]{Page: f.Page, Size: f.Size}}
	if err := f.Validate(training.EnrollmentSorts()...); err != nil {
		return out, err
	}
	company, err := companyOf(p, f.CompanyID)
	if err != nil {
		return out, err
	}
	s := enrollmentSearch{filter: f, company: company}
	if s.people, err = q.chosenPeople(ctx, s); err != nil {
		return out, err
	}
	found, err := q.findCompanyEnrollments(ctx, s)
	if err != nil {
		return out, err
	}
	found, out.NextAfter = cut(f.Paging, found)
	list, err := idList(ids(found))
	if err != nil {
		return out, err
	}
	rows, err := run(ctx, q, "company_enrollments", q.sql.CompanyEnrollmentsByID, sqlite.CompanyEnrollmentsByIDParams{
		Locale: f.Locale, Ids: list, AnyCompany: flag(company == 0), CompanyID: company,
	})
	if err != nil {
		return out, err
	}
	out.Items, err = arrange(found, rows, func(r *sqlite.CompanyEnrollmentsByIDRow) int64 { return r.ID }, companyEnrollment)
	if err != nil {
		return out, err
	}
	return out, q.countCompanyEnrollments(ctx, s, &out)
}

// enrollmentSearch is a filter in the terms of the queries.
type enrollmentSearch struct {
	filter  training.CompanyEnrollmentFilter
	company int64  // 0: all
	people  string // the ids of those who are asked for; empty: everybody
}

func (s enrollmentSearch) now() string { return formatTime(s.filter.At) }

func (s enrollmentSearch) overdue() int64 {
	if s.filter.Overdue == nil {
		return -1
	}
	return flag(*s.filter.Overdue)
}

// onlyOverdue says that what is open by its due date is all that has to be looked at.
func (s enrollmentSearch) onlyOverdue() bool { return s.people == "" && s.overdue() == 1 }

// companies are the ids from which to which the company's lies.
func (s enrollmentSearch) companies() (from, to int64) {
	if s.company == 0 {
		return math.MinInt64, math.MaxInt64
	}
	return s.company, s.company
}

// chosenPeople are those whose enrollments are asked for, where not everybody's are: to begin with them
// is to look at little.
func (q *queries) chosenPeople(ctx context.Context, s enrollmentSearch) (string, error) {
	if f := s.filter; f.Department == "" {
		if f.UserID == 0 {
			return "", nil
		}
		return idList([]int64{f.UserID})
	}
	from, to := s.companies()
	people, err := run(ctx, q, "people_of_department", q.sql.PeopleOfDepartment, sqlite.PeopleOfDepartmentParams{
		Department: s.filter.Department, FromCompany: from, ToCompany: to,
	})
	if err != nil {
		return "", err
	}
	if s.filter.UserID != 0 {
		people = slices.DeleteFunc(people, func(id int64) bool { return id != s.filter.UserID })
	}
	if people == nil {
		people = []int64{} // nobody, which is not everybody
	}
	return idList(people)
}

// findCompanyEnrollments gives the places of the page, and one more if there is one.
func (q *queries) findCompanyEnrollments(ctx context.Context, s enrollmentSearch) ([]place, error) {
	f := s.filter
	from, err := after(f.Paging, false)
	if err != nil {
		return nil, err
	}
	all := sqlite.AllEnrollmentIDsByCreatedParams{
		AfterKey: from.text, AfterID: from.id, CourseID: f.CourseID, Status: string(f.Status),
		Now: s.now(), Overdue: s.overdue(), Size: int64(f.Size) + 1, Skip: f.Offset(),
	}
	own := sqlite.CompanyEnrollmentIDsByCreatedParams{
		CompanyID: s.company, AfterKey: all.AfterKey, AfterID: all.AfterID, CourseID: all.CourseID,
		Status: all.Status, Now: all.Now, Overdue: all.Overdue, Size: all.Size, Skip: all.Skip,
	}
	switch {
	case s.people != "":
		return q.findPeopleEnrollments(ctx, s, own)
	case s.onlyOverdue() && f.Sort == "due_at":
		return q.findOverdue(ctx, s, own)
	}
	everywhere := s.company == 0
	switch order(f.Paging) {
	case "created_at":
		if everywhere {
			return find(ctx, q, "all_enrollments_by_created", q.sql.AllEnrollmentIDsByCreated, all)
		}
		return find(ctx, q, "company_enrollments_by_created", q.sql.CompanyEnrollmentIDsByCreated, own)
	case "-created_at":
		if everywhere {
			return find(ctx, q, "all_enrollments_by_created", q.sql.AllEnrollmentIDsByCreatedDesc, sqlite.AllEnrollmentIDsByCreatedDescParams(all))
		}
		return find(ctx, q, "company_enrollments_by_created", q.sql.CompanyEnrollmentIDsByCreatedDesc, sqlite.CompanyEnrollmentIDsByCreatedDescParams(own))
	case "due_at":
		if everywhere {
			return find(ctx, q, "all_enrollments_by_due", q.sql.AllEnrollmentIDsByDue, sqlite.AllEnrollmentIDsByDueParams(all))
		}
		return find(ctx, q, "company_enrollments_by_due", q.sql.CompanyEnrollmentIDsByDue, sqlite.CompanyEnrollmentIDsByDueParams(own))
	case "-due_at":
		if everywhere {
			return find(ctx, q, "all_enrollments_by_due", q.sql.AllEnrollmentIDsByDueDesc, sqlite.AllEnrollmentIDsByDueDescParams(all))
		}
		return find(ctx, q, "company_enrollments_by_due", q.sql.CompanyEnrollmentIDsByDueDesc, sqlite.CompanyEnrollmentIDsByDueDescParams(own))
	}
	return nil, fmt.Errorf("no query sorts a company's enrollments by %q", f.Sort)
}

func (q *queries) findOverdue(ctx context.Context, s enrollmentSearch, a sqlite.CompanyEnrollmentIDsByCreatedParams) ([]place, error) {
	all := sqlite.AllOverdueIDsParams{
		Now: a.Now, AfterKey: a.AfterKey, AfterID: a.AfterID, CourseID: a.CourseID, Status: a.Status,
		Skip: a.Skip, Size: a.Size,
	}
	own := sqlite.CompanyOverdueIDsParams{
		CompanyID: a.CompanyID, Now: a.Now, AfterKey: a.AfterKey, AfterID: a.AfterID, CourseID: a.CourseID, Status: a.Status,
		Skip: a.Skip, Size: a.Size,
	}
	switch everywhere := s.company == 0; {
	case everywhere && s.filter.Desc:
		return find(ctx, q, "all_overdue", q.sql.AllOverdueIDsDesc, sqlite.AllOverdueIDsDescParams(all))
	case everywhere:
		return find(ctx, q, "all_overdue", q.sql.AllOverdueIDs, all)
	case s.filter.Desc:
		return find(ctx, q, "company_overdue", q.sql.CompanyOverdueIDsDesc, sqlite.CompanyOverdueIDsDescParams(own))
	}
	return find(ctx, q, "company_overdue", q.sql.CompanyOverdueIDs, own)
}

func (q *queries) findPeopleEnrollments(ctx context.Context, s enrollmentSearch, a sqlite.CompanyEnrollmentIDsByCreatedParams) ([]place, error) {
	arg := sqlite.PeopleEnrollmentIDsParams{
		Sort: s.filter.Sort, People: s.people, AnyCompany: flag(s.company == 0), CompanyID: a.CompanyID, AfterKey: a.AfterKey,
		AfterID: a.AfterID, CourseID: a.CourseID, Status: a.Status, Now: a.Now, Overdue: a.Overdue,
		Skip: a.Skip, Size: a.Size,
	}
	if s.filter.Desc {
		return find(ctx, q, "people_enrollments", q.sql.PeopleEnrollmentIDsDesc, sqlite.PeopleEnrollmentIDsDescParams(arg))
	}
	return find(ctx, q, "people_enrollments", q.sql.PeopleEnrollmentIDs, arg)
}

// find runs a query of a page of ids.
func find[A any, R ~struct {
	ID      int64
	SortKey string
}](ctx context.Context, q *queries, name string, query func(context.Context, A) ([]R, error), arg A,
) ([]place, error) {
	rows, err := run(ctx, q, name, query, arg)
	return userPlaces(rows), err
}

// countCompanyEnrollments says how many there are, and when they are others with no write.
func (q *queries) countCompanyEnrollments(ctx context.Context, s enrollmentSearch, out *training.CompanyEnrollments) (err error) {
	f, next := s.filter, ""
	switch everywhere := s.company == 0; {
	case s.people != "":
		var row sqlite.CountPeopleEnrollmentsRow
		row, err = run(ctx, q, "count_people_enrollments", q.sql.CountPeopleEnrollments, sqlite.CountPeopleEnrollmentsParams{
			Status: string(f.Status), Now: s.now(), Overdue: s.overdue(), People: s.people, AnyCompany: flag(everywhere), CompanyID: s.company,
			CourseID: f.CourseID,
		})
		out.Total, next = row.Total, row.NextChange
	case s.onlyOverdue() && everywhere:
		var row sqlite.CountAllOverdueRow
		row, err = run(ctx, q, "count_all_overdue", q.sql.CountAllOverdue, sqlite.CountAllOverdueParams{
			Now: s.now(), CourseID: f.CourseID, Status: string(f.Status),
		})
		out.Total, next = row.Total, row.NextChange
	case s.onlyOverdue():
		var row sqlite.CountCompanyOverdueRow
		row, err = run(ctx, q, "count_company_overdue", q.sql.CountCompanyOverdue, sqlite.CountCompanyOverdueParams{
			CompanyID: s.company, Now: s.now(), CourseID: f.CourseID, Status: string(f.Status),
		})
		out.Total, next = row.Total, row.NextChange
	case f.Status == "" && f.Overdue == nil:
		out.Total, err = run(ctx, q, "enrollment_total", q.sql.EnrollmentTotal, sqlite.EnrollmentTotalParams{CompanyID: s.company, CourseID: f.CourseID})
	default:
		arg := sqlite.CountCompanyEnrollmentsParams{Status: string(f.Status), Now: s.now(), Overdue: s.overdue(), CourseID: f.CourseID}
		arg.FromCompany, arg.ToCompany = s.companies()
		var row sqlite.CountCompanyEnrollmentsRow
		row, err = run(ctx, q, "count_company_enrollments", q.sql.CountCompanyEnrollments, arg)
		out.Total, next = row.Total, row.NextChange
	}
	if err != nil || next == "" || next == "infinity" || !f.Timed() {
		return err
	}
	out.NextChange, err = parseTime(next)
	return err
}

func companyEnrollment(r *sqlite.CompanyEnrollmentsByIDRow) (training.CompanyEnrollment, error) {
	var t times
	return training.CompanyEnrollment{
		Enrollment: training.Enrollment{
			ID: r.ID, UserID: r.UserID, CompanyID: r.CompanyID, CourseID: r.CourseID, CourseSlug: r.Slug, CourseTitle: r.Title,
			Status: training.EnrollmentStatus(r.Status), DueAt: t.maybe(r.DueAt), CompletedAt: t.maybe(r.CompletedAt), ExpiresAt: t.maybe(r.ExpiresAt),
			LessonsDone: int(r.LessonsDone), Lessons: int(r.Lessons), CreatedAt: t.at(r.CreatedAt),
		},
		FullName: r.FullName, Email: r.Email, Department: r.Department, IsActive: r.IsActive == 1,
	}, t.err
}
