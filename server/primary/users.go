package primary

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"outpost/replicate/change"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// CreatePerson creates somebody in a company: the creator's own, or any for a platform
// administrator. An address that somebody has is a Conflict.
func (p *Primary) CreatePerson(ctx context.Context, who training.Principal, company int64, n training.NewPerson) (training.PersonDetail, change.LSN, error) {
	request := struct {
		Company int64
		Person  training.NewPerson
	}{company, n}
	return operate(ctx, p, operation{"createUser", who, request}, func(q *pgsql.Queries, _ time.Time) (training.PersonDetail, error) {
		company, err := companyFor(who, company)
		if err != nil {
			return training.PersonDetail{}, err
		}
		id, err := q.InsertUser(ctx, pgsql.InsertUserParams{
			Email: n.Email, FullName: n.FullName, Role: string(n.Role), Department: n.Department, JobRisk: n.JobRisk, Locale: n.Locale,
			CompanyID: company,
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return training.PersonDetail{}, hindrance(ctx, q, who, company, n.Email)
		}
		if err != nil {
			return training.PersonDetail{}, err
		}
		row, err := q.LockUser(ctx, pgsql.LockUserParams{ID: id, CompanyID: company, Email: n.Email})
		return personDetail(row), err
	})
}

// hindrance says why a person was not inserted.
func hindrance(ctx context.Context, q *pgsql.Queries, who training.Principal, company int64, email string) error {
	h, err := q.UserHindrance(ctx, pgsql.UserHindranceParams{CompanyID: company, Email: email})
	switch {
	case err != nil:
		return err
	case !h.HasCompany:
		return noCompany()
	case h.TakenBy == 0:
		return errAgain // whoever had the address is gone
	}
	return taken(who, company, h.TakenBy)
}

func noCompany() *training.Error {
	return training.InvalidField("company_id", "must be a company that there is")
}

// taken says that an address is somebody's. Addresses are one for the whole platform, so that it
// is refused cannot be hidden; whose it is, at another company, is not said to anyone but platform
// administrators.
func taken(who training.Principal, company, by int64) *training.Error {
	return &training.Error{
		Code: training.Conflict, Message: "The e-mail address cannot be used.",
		Fields: []training.FieldError{takenField(who, company, by)},
	}
}

func takenField(who training.Principal, company, by int64) training.FieldError {
	switch {
	case by == company:
		return training.FieldError{Field: "email", Message: "is somebody's in this company already"}
	case who.Role == training.PlatformAdmin:
		return training.FieldError{Field: "email", Message: "is somebody's in another company"}
	}
	return training.FieldError{Field: "email", Message: "cannot be used: it is not free"}
}

// companyFor is the company that who creates people in, when wished is asked for; 0 for none.
func companyFor(who training.Principal, wished int64) (int64, error) {
	if wished == 0 || wished == who.CompanyID {
		return who.CompanyID, nil
	}
	if who.Role != training.PlatformAdmin {
		return 0, training.Errorf(training.Forbidden, "Only platform administrators name a company.")
	}
	return wished, nil
}

// ChangePerson changes somebody of the changer's company, or anybody for a platform administrator.
// A version that is not 0 must be the person's, else it is Precondition. Nothing is written when
// nothing would be different. Whoever becomes inactive loses all sessions with it.
func (p *Primary) ChangePerson(ctx context.Context, who training.Principal, id, version int64, c training.PersonChange) (training.PersonDetail, change.LSN, error) {
	request := struct {
		ID, Version int64
		Change      training.PersonChange
	}{id, version, c}
	return operate(ctx, p, operation{"updateUser", who, request}, func(q *pgsql.Queries, _ time.Time) (training.PersonDetail, error) {
		return changePerson(ctx, q, who, id, version, c)
	})
}

// ChangeLocale is ChangePerson of oneself, to another language; nil leaves it as it is.
func (p *Primary) ChangeLocale(ctx context.Context, who training.Principal, version int64, locale *string) (training.PersonDetail, change.LSN, error) {
	request := struct {
		Version int64
		Locale  *string
	}{version, locale}
	return operate(ctx, p, operation{"updateMe", who, request}, func(q *pgsql.Queries, _ time.Time) (training.PersonDetail, error) {
		return changePerson(ctx, q, who, who.UserID, version, training.PersonChange{Locale: locale})
	})
}

// DeactivatePerson is ChangePerson to not active.
func (p *Primary) DeactivatePerson(ctx context.Context, who training.Principal, id, version int64) (change.LSN, error) {
	inactive := false
	request := struct{ ID, Version int64 }{id, version}
	_, lsn, err := operate(ctx, p, operation{"deactivateUser", who, request}, func(q *pgsql.Queries, _ time.Time) (training.PersonDetail, error) {
		return changePerson(ctx, q, who, id, version, training.PersonChange{IsActive: &inactive})
	})
	return lsn, err
}

func changePerson(ctx context.Context, q *pgsql.Queries, who training.Principal, id, version int64, c training.PersonChange) (training.PersonDetail, error) {
	lock := pgsql.LockUserParams{ID: id}
	if who.Role != training.PlatformAdmin {
		lock.CompanyID = who.CompanyID
	}
	if c.Email != nil {
		lock.Email = *c.Email
	}
	row, err := q.LockUser(ctx, lock)
	if err != nil {
		return training.PersonDetail{}, notFound(err, "user")
	}
	out := personDetail(row)
	after, differs := c.Apply(out.Person)
	if err := training.MayChange(who, out.Person, after); err != nil {
		return out, err
	}
	switch {
	case version != 0 && version != out.Version:
		return out, training.Errorf(training.Precondition, "The user is not what If-Match says any more.")
	case row.TakenBy != 0:
		return out, taken(who, out.CompanyID, row.TakenBy)
	case !differs:
		return out, nil
	}
	changed, err := q.UpdateUser(ctx, pgsql.UpdateUserParams{
		ID: id, Email: after.Email, FullName: after.FullName, Role: string(after.Role), Department: after.Department, JobRisk: after.JobRisk,
		Locale: after.Locale, IsActive: after.IsActive,
	})
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == uniqueViolation {
		return out, errAgain // somebody took the address meanwhile: the next attempt sees who
	}
	out.Person = personOf(changed, out.LastLoginAt)
	return out, err
}

const uniqueViolation = "23505"

func personDetail(r pgsql.LockUserRow) training.PersonDetail {
	return training.PersonDetail{
		Person: personOf(r.User, utc(r.LastLoginAt)), Courses: int(r.Courses), Assigned: int(r.Assigned), InProgress: int(r.InProgress),
		Completed: int(r.Completed), Expired: int(r.Expired),
		Company: company(r.Company),
	}
}

func personOf(u pgsql.User, lastLogin *time.Time) training.Person {
	return training.Person{
		ID: u.ID, CompanyID: u.CompanyID, Email: u.Email, FullName: u.FullName, Role: training.Role(u.Role), Department: u.Department,
		JobRisk: u.JobRisk, Locale: u.Locale, IsActive: u.IsActive, LastLoginAt: lastLogin, CreatedAt: u.CreatedAt.UTC(),
		UpdatedAt: u.UpdatedAt.UTC(), Version: u.Version,
	}
}
