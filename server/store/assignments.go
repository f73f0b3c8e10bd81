package store

import (
	"context"
	"fmt"
	"math"
	"time"

	"outpost/server/store/sqlite"
	"outpost/server/training"
)

func (q *queries) Assignments(ctx context.Context, p training.Principal, f training.AssignmentFilter) (training.Page[training.Assignment], error) {
	page := training.Page[training.Assignment]{Page: f.Page, Size: f.Size}
	if err := f.Validate(training.AssignmentSorts()...); err != nil {
		return page, err
	}
	if !p.Role.Manages() {
		return page, training.Errorf(training.Forbidden, "This is for those who manage people.")
	}
	found, err := q.findAssignments(ctx, p, f)
	if err != nil {
		return page, err
	}
	found, page.NextAfter = cut(f.Paging, found)
	page.Items, err = q.assignments(ctx, p, f.Locale, found, !f.Uncounted)
	if err != nil {
		return page, err
	}
	arg := sqlite.CountAssignmentsParams{
		FromCompany: p.CompanyID, ToCompany: p.CompanyID,
		CourseID: f.CourseID, Scope: string(f.Scope), Department: f.Department, UserID: f.UserID, State: state(f.Active),
	}
	if p.Role == training.PlatformAdmin {
		arg.FromCompany, arg.ToCompany = math.MinInt64, math.MaxInt64
	}
	page.Total, err = run(ctx, q, "count_assignments", q.sql.CountAssignments, arg)
	return page, err
}

func (q *queries) Assignment(ctx context.Context, p training.Principal, id int64, locale string) (training.Assignment, error) {
	hidden := training.Errorf(training.NotFound, "There is no such assignment.")
	if !p.Role.Manages() {
		return training.Assignment{}, hidden
	}
	found, err := q.assignments(ctx, p, locale, []place{{id: id}}, true)
	if err != nil {
		return training.Assignment{}, err
	}
	if len(found) == 0 {
		return training.Assignment{}, hidden
	}
	return found[0], nil
}

// state is the filter for whether an assignment is open.
func state(active *bool) string {
	switch {
	case active == nil:
		return ""
	case *active:
		return "open"
	}
	return "ended"
}

func (q *queries) findAssignments(ctx context.Context, p training.Principal, f training.AssignmentFilter) ([]place, error) {
	from, err := after(f.Paging, false)
	if err != nil {
		return nil, err
	}
	all := sqlite.AllAssignmentIDsByCreatedParams{
		AfterKey: from.text, AfterID: from.id, CourseID: f.CourseID, Scope: string(f.Scope), Department: f.Department,
		UserID: f.UserID, State: state(f.Active), Skip: f.Offset(), Size: int64(f.Size) + 1,
	}
	own := sqlite.AssignmentIDsByCreatedParams{
		CompanyID: p.CompanyID, AfterKey: all.AfterKey, AfterID: all.AfterID, CourseID: all.CourseID, Scope: all.Scope,
		Department: all.Department, UserID: all.UserID, State: all.State, Skip: all.Skip, Size: all.Size,
	}
	everywhere := p.Role == training.PlatformAdmin
	switch order(f.Paging) {
	case "created_at":
		if everywhere {
			rows, err := run(ctx, q, "assignments_by_created", q.sql.AllAssignmentIDsByCreated, all)
			return places(rows, func(r sqlite.AllAssignmentIDsByCreatedRow) place { return place{r.ID, r.SortKey} }), err
		}
		rows, err := run(ctx, q, "assignments_by_created", q.sql.AssignmentIDsByCreated, own)
		return places(rows, func(r sqlite.AssignmentIDsByCreatedRow) place { return place{r.ID, r.SortKey} }), err
	case "-created_at":
		if everywhere {
			rows, err := run(ctx, q, "assignments_by_created", q.sql.AllAssignmentIDsByCreatedDesc, sqlite.AllAssignmentIDsByCreatedDescParams(all))
			return places(rows, func(r sqlite.AllAssignmentIDsByCreatedDescRow) place { return place{r.ID, r.SortKey} }), err
		}
		rows, err := run(ctx, q, "assignments_by_created", q.sql.AssignmentIDsByCreatedDesc, sqlite.AssignmentIDsByCreatedDescParams(own))
		return places(rows, func(r sqlite.AssignmentIDsByCreatedDescRow) place { return place{r.ID, r.SortKey} }), err
	case "due_at":
		if everywhere {
			rows, err := run(ctx, q, "assignments_by_due", q.sql.AllAssignmentIDsByDue, sqlite.AllAssignmentIDsByDueParams(all))
			return places(rows, func(r sqlite.AllAssignmentIDsByDueRow) place { return place{r.ID, r.SortKey} }), err
		}
		rows, err := run(ctx, q, "assignments_by_due", q.sql.AssignmentIDsByDue, sqlite.AssignmentIDsByDueParams(own))
		return places(rows, func(r sqlite.AssignmentIDsByDueRow) place { return place{r.ID, r.SortKey} }), err
	case "-due_at":
		if everywhere {
			rows, err := run(ctx, q, "assignments_by_due", q.sql.AllAssignmentIDsByDueDesc, sqlite.AllAssignmentIDsByDueDescParams(all))
			return places(rows, func(r sqlite.AllAssignmentIDsByDueDescRow) place { return place{r.ID, r.SortKey} }), err
		}
		rows, err := run(ctx, q, "assignments_by_due", q.sql.AssignmentIDsByDueDesc, sqlite.AssignmentIDsByDueDescParams(own))
		return places(rows, func(r sqlite.AssignmentIDsByDueDescRow) place { return place{r.ID, r.SortKey} }), err
	}
	return nil, fmt.Errorf("no query sorts assignments by %q", f.Sort)
}

// assignments reads those at places, and when asked to their counts.
func (q *queries) assignments(ctx context.Context, p training.Principal, locale string, found []place, counted bool) ([]training.Assignment, error) {
	list, err := idList(ids(found))
	if err != nil {
		return nil, err
	}
	rows, err := run(ctx, q, "assignments", q.sql.AssignmentsByID, sqlite.AssignmentsByIDParams{
		Locale: locale, Ids: list, AnyCompany: anyCompany(p), CompanyID: p.CompanyID,
	})
	if err != nil {
		return nil, err
	}
	out, err := arrange(found, rows, func(r *sqlite.AssignmentsByIDRow) int64 { return r.Assignment.ID }, assignment)
	if err != nil || !counted {
		return out, err
	}
	return out, q.countAssignments(ctx, out)
}

// countAssignments asks only about what was found: a stranger's assignment is not counted either.
func (q *queries) countAssignments(ctx context.Context, found []training.Assignment) error {
	byID := make(map[int64]*training.AssignmentCounts, len(found))
	known := make([]int64, len(found))
	for i := range found {
		found[i].Counts = &training.AssignmentCounts{}
		byID[found[i].ID], known[i] = found[i].Counts, found[i].ID
	}
	list, err := idList(known)
	if err != nil {
		return err
	}
	counts, err := run(ctx, q, "assignment_counts", q.sql.AssignmentCounts, sqlite.AssignmentCountsParams{Now: timeText(q.now()), Ids: list})
	if err != nil {
		return err
	}
	var t times
	for _, c := range counts {
		*byID[c.AssignmentID] = training.AssignmentCounts{
			Assigned: c.Assigned, InProgress: c.InProgress, Completed: c.Completed, Expired: c.Expired, Overdue: c.Overdue,
		}
		if c.NextDue != "" && c.NextDue != "infinity" {
			byID[c.AssignmentID].NextDue = t.at(c.NextDue)
		}
	}
	return t.err
}

func assignment(r *sqlite.AssignmentsByIDRow) (training.Assignment, error) {
	a := r.Assignment
	var t times
	out := training.Assignment{
		ID: a.ID, CompanyID: a.CompanyID, CourseID: a.CourseID, CourseSlug: r.Slug, CourseTitle: r.Title,
		Scope: training.AssignmentScope(a.Scope), Department: a.Department, DueAt: t.maybe(a.DueAt),
		Recurrence: number(a.RecurrenceMonths), EndedAt: t.maybe(a.EndedAt),
		CreatedAt: t.at(a.CreatedAt), UpdatedAt: t.at(a.UpdatedAt), Version: a.Version,
	}
	if a.UserID != nil {
		out.UserID = *a.UserID
	}
	if a.CreatedBy != nil {
		out.CreatedBy = *a.CreatedBy
	}
	return out, t.err
}

// timeText is a time as the replica's columns hold it, to be compared with them as text.
func timeText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }
