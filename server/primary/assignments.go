package primary

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/change"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// CreateAssignment assigns a published course to the principal's company, one of its departments or
// one of its people. A person has it when this returns; a company's people get it within moments, from
// the worker. What is assigned to the same people already is a Conflict, whatever its dates. Nobody
// needs to be in the department: whoever joins it later gets the assignment then.
func (p *Primary) CreateAssignment(ctx context.Context, who training.Principal, n training.NewAssignment) (training.Assignment, change.LSN, error) {
	out, lsn, err := operate(ctx, p, operation{"createAssignment", who, n}, func(q *pgsql.Queries, at time.Time) (training.Assignment, error) {
		return createAssignment(ctx, q, who, n, at)
	})
	if err == nil {
		p.wakeAssigner()
	}
	return out, lsn, err
}

func createAssignment(ctx context.Context, q *pgsql.Queries, who training.Principal, n training.NewAssignment, at time.Time) (training.Assignment, error) {
	errs := n.Validate(at)
	c, err := q.AssignmentContext(ctx, pgsql.AssignmentContextParams{
		CourseID: n.CourseID, UserID: n.UserID, CompanyID: who.CompanyID, Scope: string(n.Scope), Department: n.Department,
	})
	if err != nil {
		return training.Assignment{}, err
	}
	if !c.HasCourse && n.CourseID > 0 {
		errs = append(errs, training.FieldError{Field: "course_id", Message: "is no published course"})
	}
	if !c.HasUser && n.UserID > 0 {
		errs = append(errs, training.FieldError{Field: "user_id", Message: "is no active person of the company"})
	}
	switch {
	case len(errs) > 0:
		return training.Assignment{}, invalid(errs)
	case c.TwinID != 0:
		return training.Assignment{}, training.Errorf(training.Conflict,
			"The course is assigned to them already, by assignment %d. End that one first.", c.TwinID)
	}
	arg := pgsql.InsertAssignmentParams{
		Locale: who.Locale, CourseID: n.CourseID, Scope: string(n.Scope), Department: n.Department, DueAt: n.DueAt,
		CreatedBy: &who.UserID, CompanyID: who.CompanyID,
	}
	if n.UserID != 0 {
		arg.UserID = &n.UserID
	}
	if n.Recurrence != 0 {
		months := int32(n.Recurrence)
		arg.RecurrenceMonths = &months
	}
	row, err := q.InsertAssignment(ctx, arg)
	if errors.Is(err, pgx.ErrNoRows) {
		return training.Assignment{}, errAgain
	}
	return training.Assignment{
		ID: row.ID, CompanyID: who.CompanyID, CourseID: n.CourseID, CourseSlug: row.Slug, CourseTitle: row.Title, Scope: n.Scope,
		Department: n.Department, UserID: n.UserID, DueAt: utc(n.DueAt), Recurrence: n.Recurrence, CreatedBy: who.UserID,
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.CreatedAt.UTC(), Version: 1,
	}, err
}

// EndAssignment ends an assignment of the principal's company, for a platform administrator of any.
// The worker then takes back within moments what nobody had begun; what was begun stays, without
// its due date, unless another assignment asks for the same. Ending it twice is no error. The version,
// where one is given, must be the assignment's.
func (p *Primary) EndAssignment(ctx context.Context, who training.Principal, id, version int64) (change.LSN, error) {
	_, lsn, err := operate(ctx, p, operation{"endAssignment", who, [2]int64{id, version}}, func(q *pgsql.Queries, _ time.Time) (struct{}, error) {
		a, err := q.LockAssignment(ctx, pgsql.LockAssignmentParams{
			ID: id, AnyCompany: who.Role == training.PlatformAdmin, CompanyID: who.CompanyID,
		})
		switch {
		case err != nil:
			return struct{}{}, notFound(err, "assignment")
		case a.EndedAt != nil:
			return struct{}{}, nil
		case version != 0 && version != a.Version:
			return struct{}{}, training.Errorf(training.Precondition, "The assignment is not what If-Match says.")
		}
		return struct{}{}, q.EndAssignment(ctx, id)
	})
	if err == nil {
		p.wakeAssigner()
	}
	return lsn, err
}
