package primary

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"outpost/replicate/change"
	"outpost/server/primary/pgsql"
	"outpost/server/training"
)

// CreatePeople creates many people at once, by COPY and one statement that judges and inserts.
// When a row is bad, nothing is created and the error tells each row's reasons; with partial the
// good ones are created, and the outcome says which.
func (p *Primary) CreatePeople(
	ctx context.Context, who training.Principal, company int64, rows []training.BulkPerson, partial bool,
) (training.BulkOutcome, change.LSN, error) {
	request := struct {
		Company int64
		Rows    []training.BulkPerson
		Partial bool
	}{company, rows, partial}
	return operate(ctx, p, operation{"createUsers", who, request}, func(q *pgsql.Queries, _ time.Time) (training.BulkOutcome, error) {
		company, err := companyFor(who, company)
		if err != nil {
			return training.BulkOutcome{}, err
		}
		verdicts, err := importPeople(ctx, q, company, rows, partial, false)
		if err != nil {
			return training.BulkOutcome{}, err
		}
		attempted := partial || len(verdicts) == len(rows) && !slices.ContainsFunc(verdicts, isBad)
		out := reportOn(who, company, rows, verdicts, attempted)
		switch {
		case partial:
		case out.Failed > 0 && attempted:
			return out, errAgain // what others created in the same instant stands in the way
		case out.Failed > 0:
			return out, out.Refusal()
		}
		return out, nil
	})
}

// TryPeople says what CreatePeople would come to, and creates nobody. It is judged by the same statement,
// for somebody who may, and whatever Idempotency-Key there is stays as good as it was.
func (p *Primary) TryPeople(ctx context.Context, who training.Principal, company int64, rows []training.BulkPerson) (training.BulkOutcome, error) {
	caller := training.CallerOf(ctx)
	caller.IdempotencyKey = ""
	ctx = training.WithCaller(ctx, caller)
	out, _, err := operate(ctx, p, operation{"createUsers", who, nil}, func(q *pgsql.Queries, _ time.Time) (training.BulkOutcome, error) {
		company, err := companyFor(who, company)
		if err != nil {
			return training.BulkOutcome{}, err
		}
		verdicts, err := importPeople(ctx, q, company, rows, false, true)
		return reportOn(who, company, rows, verdicts, false), err
	})
	return out, err
}

// importPeople stages the rows that may be good and has them judged and, if it is not dry, inserted.
func importPeople(ctx context.Context, q *pgsql.Queries, company int64, rows []training.BulkPerson, partial, dry bool) ([]pgsql.ImportUsersRow, error) {
	batch := rand.Int64()
	staged := make([]pgsql.StageUsersParams, 0, len(rows))
	for _, r := range rows {
		if len(r.Errors) == 0 {
			staged = append(staged, pgsql.StageUsersParams{
				Batch: batch, Row: int32(r.Row), Email: r.Email, FullName: r.FullName, Role: string(r.Role), Department: r.Department,
				JobRisk: r.JobRisk, Locale: r.Locale,
			})
		}
	}
	if len(staged) == 0 {
		return nil, nil
	}
	if _, err := q.StageUsers(ctx, staged); err != nil {
		return nil, err
	}
	verdicts, err := q.ImportUsers(ctx, pgsql.ImportUsersParams{
		CompanyID: company, Batch: batch, Partial: partial, Clean: len(staged) == len(rows) && !dry,
	})
	if err == nil && len(verdicts) > 0 && !verdicts[0].HasCompany {
		err = noCompany()
	}
	return verdicts, err
}

// isBad says that a row was judged so.
func isBad(v pgsql.ImportUsersRow) bool { return v.Twin != 0 || v.TakenBy != 0 }

// reportOn says what became of each row. Rows were inserted only if attempted is true: a good one
// without a person was then taken in the same instant.
func reportOn(who training.Principal, company int64, rows []training.BulkPerson, verdicts []pgsql.ImportUsersRow, attempted bool) (out training.BulkOutcome) {
	for _, r := range rows {
		row := training.BulkRow{Row: r.Row, Errors: r.Errors}
		if len(verdicts) > 0 && int(verdicts[0].Row) == r.Row {
			v := verdicts[0]
			verdicts = verdicts[1:]
			row.ID = v.ID
			switch {
			case v.TakenBy != 0:
				row.Errors = []training.FieldError{takenField(who, company, v.TakenBy)}
			case v.Twin != 0:
				row.Errors = []training.FieldError{{Field: "email", Message: fmt.Sprintf("is that of row %d", v.Twin)}}
			case v.ID == 0 && attempted:
				row.Errors = []training.FieldError{{Field: "email", Message: "has just been taken"}}
			}
		}
		if len(row.Errors) > 0 {
			if out.Failed++; out.Failed > training.MaxBulkErrors {
				continue
			}
		} else if row.ID != 0 {
			out.Created++
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}
