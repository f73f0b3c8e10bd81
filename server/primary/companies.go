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

// CreateCompany makes a company without any people. A slug that another has is a Conflict.
func (p *Primary) CreateCompany(ctx context.Context, who training.Principal, n training.NewCompany) (training.CompanyDetail, change.LSN, error) {
	return operate(ctx, p, operation{"createCompany", who, n}, func(q *pgsql.Queries, _ time.Time) (training.CompanyDetail, error) {
		row, err := q.InsertCompany(ctx, pgsql.InsertCompanyParams{
			Name: n.Name, Slug: n.Slug, Country: n.Country, DataZone: n.Zone, Locale: n.Locale, PrivacyMode: string(n.PrivacyMode),
		})
		if errors.Is(err, pgx.ErrNoRows) {
			conflict := training.Errorf(training.Conflict, "Another company has this slug.")
			conflict.Fields = []training.FieldError{{Field: "slug", Message: "is taken: give another"}}
			return training.CompanyDetail{}, conflict
		}
		return companyDetail(row, 0), err
	})
}

// ChangeCompany changes the changer's company, or any for a platform administrator. A version that is not
// 0 must be the company's, else it is Precondition. Nothing is written when nothing would be different.
// When a company becomes inactive all its people lose their sessions with it.
func (p *Primary) ChangeCompany(ctx context.Context, who training.Principal, id, version int64, c training.CompanyChange) (training.CompanyDetail, change.LSN, error) {
	request := struct {
		ID, Version int64
		Change      training.CompanyChange
	}{id, version, c}
	return operate(ctx, p, operation{"updateCompany", who, request}, func(q *pgsql.Queries, _ time.Time) (training.CompanyDetail, error) {
		return changeCompany(ctx, q, who, id, version, c)
	})
}

func changeCompany(ctx context.Context, q *pgsql.Queries, who training.Principal, id, version int64, c training.CompanyChange) (training.CompanyDetail, error) {
	if who.Role != training.PlatformAdmin && id != who.CompanyID {
		return training.CompanyDetail{}, notFound(pgx.ErrNoRows, "company")
	}
	if errs := c.Validate(who); len(errs) > 0 {
		return training.CompanyDetail{}, invalid(errs)
	}
	row, err := q.CompanyToChange(ctx, id)
	if err != nil {
		return training.CompanyDetail{}, notFound(err, "company")
	}
	before := companyDetail(row.Company, row.ActiveUsers)
	if version != 0 && version != before.Version {
		return before, training.Errorf(training.Precondition, "The company is not what If-Match says any more.")
	}
	after, differs := c.Apply(before)
	if err := training.MayChangeCompany(who, before, after); err != nil || !differs {
		return before, err
	}
	changed, err := q.UpdateCompany(ctx, pgsql.UpdateCompanyParams{
		ID: id, Name: after.Name, Country: after.Country, Locale: after.Locale, PrivacyMode: string(after.PrivacyMode), IsActive: after.IsActive,
	})
	return companyDetail(changed, row.ActiveUsers), err
}

func companyDetail(c pgsql.Company, activeUsers int64) training.CompanyDetail {
	return training.CompanyDetail{
		Company: company(c), IsActive: c.IsActive, ActiveUsers: int(activeUsers), CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC(),
	}
}

func company(c pgsql.Company) training.Company {
	return training.Company{
		ID: c.ID, Name: c.Name, Slug: c.Slug, Country: c.Country, Zone: c.DataZone, Locale: c.Locale,
		PrivacyMode: training.PrivacyMode(c.PrivacyMode), Version: c.Version,
	}
}
