package store

import (
	"context"

	"outpost/server/store/sqlite"
	"outpost/server/training"
)

func (q *queries) Me(ctx context.Context, p training.Principal) (training.User, error) {
	row, err := run(ctx, q, "me", q.sql.Me, sqlite.MeParams{UserID: p.UserID, CompanyID: p.CompanyID})
	if err != nil {
		return training.User{}, notFound(err, "user")
	}
	u, c := row.User, row.Company
	var t times
	user := training.User{
		ID: u.ID, Email: u.Email, FullName: u.FullName, Role: training.Role(u.Role), Department: u.Department,
		JobRisk: u.JobRisk, Locale: u.Locale, IsActive: u.IsActive == 1,
		Company:   company(c),
		CreatedAt: t.at(u.CreatedAt), UpdatedAt: t.at(u.UpdatedAt), Version: u.Version,
	}
	return user, t.err
}

func (q *queries) Account(ctx context.Context, userID, sessionID int64) (training.Account, error) {
	row, err := run(ctx, q, "account", q.sql.Account, sqlite.AccountParams{UserID: userID, SessionID: sessionID})
	if err != nil {
		return training.Account{}, notFound(err, "user")
	}
	account := training.Account{
		Active: row.IsActive == 1 && row.CompanyIsActive == 1, Role: training.Role(row.Role), CompanyID: row.CompanyID,
		Zone: row.DataZone, Locale: row.Locale, SessionRevoked: row.SessionRevokedAt != nil,
	}
	if row.TokensRevokedAt != "" {
		account.RevokedBefore, err = parseTime(row.TokensRevokedAt)
	}
	return account, err
}

func (q *queries) CompanyLocale(ctx context.Context, companyID int64) (string, error) {
	locale, err := run(ctx, q, "company_locale", q.sql.CompanyLocale, companyID)
	return locale, notFound(err, "company")
}
