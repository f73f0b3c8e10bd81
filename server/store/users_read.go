package store

import (
	"context"
	stdsql "database/sql"
	"errors"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"outpost/server/store/sqlite"
	"outpost/server/training"
)

func person(r *sqlite.UsersByIDRow) (training.Person, error) {
	var t times
	p := training.Person{
		ID: r.ID, CompanyID: r.CompanyID, Email: r.Email, FullName: r.FullName, Role: training.Role(r.Role), Department: r.Department,
		JobRisk: r.JobRisk, Locale: r.Locale, IsActive: r.IsActive == 1, LastLoginAt: t.maybe(wanted(r.LastLoginAt)), Version: r.Version,
	}
	t.read(r.CreatedAt, &p.CreatedAt)
	t.read(r.UpdatedAt, &p.UpdatedAt)
	return p, t.err
}

// wanted is nil for what was not read, or is not there.
func wanted(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (q *queries) Person(ctx context.Context, p training.Principal, id int64, fields training.PersonField) (training.PersonDetail, error) {
	r, err := run(ctx, q, "user", q.sql.UserDetail, sqlite.UserDetailParams{
		Want: int64(fields), UserID: id, AnyCompany: anyCompany(p), CompanyID: p.CompanyID, Manages: flag(p.Role.Manages()), AskerID: p.UserID,
	})
	if err != nil {
		return training.PersonDetail{}, notFound(err, "user")
	}
	out := training.PersonDetail{Company: training.Company{
		ID: r.CompanyID, Name: r.CompanyName, Slug: r.CompanySlug, Country: r.CompanyCountry, Zone: r.CompanyZone, Locale: r.CompanyLocale,
		PrivacyMode: training.PrivacyMode(r.CompanyPrivacyMode),
	}}
	out.Person, err = person(&sqlite.UsersByIDRow{
		ID: r.ID, CompanyID: r.CompanyID, Email: r.Email, FullName: r.FullName, Role: r.Role, Department: r.Department, JobRisk: r.JobRisk,
		Locale: r.Locale, IsActive: r.IsActive, LastLoginAt: r.LastLoginAt, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, Version: r.Version,
	})
	if err != nil || fields&training.PersonCourses == 0 {
		return out, err
	}
	c, err := run(ctx, q, "user_courses", q.sql.UserCourses, sqlite.UserCoursesParams{UserID: id, Now: formatTime(q.now())})
	if err != nil {
		return out, err
	}
	out.Courses, out.Assigned, out.InProgress, out.Completed, out.Expired = int(c.Courses), int(c.Assigned), int(c.InProgress), int(c.Completed), int(c.Expired)
	var t times
	if next := t.maybe(wanted(c.NextExpiry)); next != nil {
		out.ValidUntil = *next
	}
	return out, t.err
}

func (q *queries) PeopleForExport(ctx context.Context, p training.Principal, company, afterID int64, size int) ([]training.ExportedPerson, error) {
	company, err := companyOf(p, company)
	if err != nil {
		return nil, err
	}
	var rows []sqlite.UsersForExportRow
	if company == 0 {
		var all []sqlite.UsersForExportEverywhereRow
		all, err = run(ctx, q, "users_for_export", q.sql.UsersForExportEverywhere, sqlite.UsersForExportEverywhereParams{AfterID: afterID, Size: int64(size)})
		for _, r := range all {
			rows = append(rows, sqlite.UsersForExportRow(r))
		}
	} else {
		rows, err = run(ctx, q, "users_for_export", q.sql.UsersForExport, sqlite.UsersForExportParams{CompanyID: company, AfterID: afterID, Size: int64(size)})
	}
	if err != nil {
		return nil, err
	}
	var t times
	people := make([]training.ExportedPerson, len(rows))
	for i, r := range rows {
		people[i] = training.ExportedPerson{ID: r.ID, Email: r.Email, FullName: r.FullName, CreatedAt: t.at(r.CreatedAt)}
	}
	return people, t.err
}

// maxWords bounds what one search looks for.
const maxWords = 8

// searchWords makes of what somebody typed an expression for users_search, where a word begins with its
// tenant. Empty when there is no word.
func searchWords(text string, company int64) string {
	column, tenant := "platform", ""
	if company != 0 {
		column, tenant = "company", "c"+strconv.FormatInt(company, 10)+"x"
	}
	words := prefixes(text, tenant)
	if words == "" {
		return ""
	}
	return column + " : (" + words + ")"
}

// prefixes makes of what somebody typed an expression for what has words that begin so, each behind
// tenant: everything that is neither letter nor digit separates words, and so no operator, quote or column
// gets through. Empty when there is no word.
func prefixes(text, tenant string) string {
	// As the index has it, and as the search of courses does: ß is ss.
	words := strings.FieldsFunc(strings.ReplaceAll(fold(text), "ß", "ss"), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
	words = words[:min(len(words), maxWords)]
	for i, w := range words {
		words[i] = `"` + tenant + w + `"*`
	}
	return strings.Join(words, " AND ")
}

// fold is Postgres' fold_name: neither case nor accents count.
func fold(s string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r >= 0x300 && r <= 0x36f {
			return -1
		}
		return r
	}, norm.NFKD.String(s)))
}

func orZero(n int64, err error) (int64, error) {
	if errors.Is(err, stdsql.ErrNoRows) {
		return 0, nil
	}
	return n, err
}
