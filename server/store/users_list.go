package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"outpost/server/store/sqlite"
	"outpost/server/training"
)

func (q *queries) People(ctx context.Context, p training.Principal, f training.PersonFilter) (training.Page[training.Person], error) {
	page := training.Page[training.Person]{Page: f.Page, Size: f.Size}
	if err := f.Validate(training.PersonSorts()...); err != nil {
		return page, err
	}
	company, err := companyOf(p, f.CompanyID)
	if err != nil {
		return page, err
	}
	s := userSearch{filter: f, company: company, words: searchWords(f.Search, company)}
	if strings.TrimSpace(f.Search) != "" && s.words == "" {
		return page, nil // signs alone are the beginning of no word
	}
	found, err := q.findUsers(ctx, s)
	if err != nil {
		return page, err
	}
	found, page.NextAfter = cut(f.Paging, found)
	list, err := idList(ids(found))
	if err != nil {
		return page, err
	}
	rows, err := run(ctx, q, "users", q.sql.UsersByID, sqlite.UsersByIDParams{
		Want: int64(f.Fields), Ids: list, AnyCompany: flag(company == 0), CompanyID: company,
	})
	if err != nil {
		return page, err
	}
	if page.Items, err = arrange(found, rows, func(r *sqlite.UsersByIDRow) int64 { return r.ID }, person); err != nil {
		return page, err
	}
	page.Total, err = q.countUsers(ctx, s)
	return page, err
}

// companyOf is the company whose people p may see, when wished is asked for: p's own, and any or
// all (0) only for platform administrators.
func companyOf(p training.Principal, wished int64) (int64, error) {
	switch {
	case p.Role == training.PlatformAdmin:
		return wished, nil
	case !p.Role.Manages():
		return 0, training.Errorf(training.Forbidden, "This is for the role %s.", training.Manager)
	case wished != 0 && wished != p.CompanyID:
		return 0, training.Errorf(training.NotFound, "There is no such company.")
	}
	return p.CompanyID, nil
}

// userSearch is a filter in the terms of the queries.
type userSearch struct {
	filter  training.PersonFilter
	company int64 // 0: all
	words   string
}

func (s userSearch) active() int64 {
	if s.filter.Active == nil {
		return -1
	}
	return flag(*s.filter.Active)
}

func (s userSearch) since() string {
	if s.filter.UpdatedSince.IsZero() {
		return ""
	}
	return formatTime(s.filter.UpdatedSince)
}

// finder runs a query of a page of ids, whatever its own types are called.
type finder func(ctx context.Context, q *queries, name string, arg sqlite.UserIDsByNameParams) ([]place, error)

// within adapts a query that looks at one company.
func within[A ~struct {
	CompanyID  int64
	AfterKey   string
	AfterID    int64
	Role       string
	Department string
	JobRisk    string
	Active     int64
	Since      string
	Skip       int64
	Size       int64
}, R ~struct {
	ID      int64
	SortKey string
}](query func(context.Context, A) ([]R, error),
) finder {
	return func(ctx context.Context, q *queries, name string, arg sqlite.UserIDsByNameParams) ([]place, error) {
		rows, err := run(ctx, q, name, query, A(arg))
		return userPlaces(rows), err
	}
}

// everywhere adapts a query that looks at all companies.
func everywhere[A ~struct {
	AfterKey   string
	AfterID    int64
	Role       string
	Department string
	JobRisk    string
	Active     int64
	Since      string
	Skip       int64
	Size       int64
}, R ~struct {
	ID      int64
	SortKey string
}](query func(context.Context, A) ([]R, error),
) finder {
	return func(ctx context.Context, q *queries, name string, arg sqlite.UserIDsByNameParams) ([]place, error) {
		rows, err := run(ctx, q, name, query, A{
			AfterKey: arg.AfterKey, AfterID: arg.AfterID, Role: arg.Role, Department: arg.Department, JobRisk: arg.JobRisk,
			Active: arg.Active, Since: arg.Since, Skip: arg.Skip, Size: arg.Size,
		})
		return userPlaces(rows), err
	}
}

func userPlaces[R ~struct {
	ID      int64
	SortKey string
}](rows []R,
) []place {
	return places(rows, func(r R) place {
		p := struct {
			ID      int64
			SortKey string
		}(r)
		return place{p.ID, p.SortKey}
	})
}

// findUsers gives the places of the page, and one more if there is one.
func (q *queries) findUsers(ctx context.Context, s userSearch) ([]place, error) {
	f := s.filter
	from, err := after(f.Paging, false)
	if err != nil {
		return nil, err
	}
	if f.After == "" && order(f.Paging) == "updated_at" {
		from.text = s.since() // where the index is entered
	}
	arg := sqlite.UserIDsByNameParams{
		CompanyID: s.company, AfterKey: from.text, AfterID: from.id, Role: string(f.Role), Department: f.Department, JobRisk: f.JobRisk,
		Active: s.active(), Since: s.since(), Size: int64(f.Size) + 1, Skip: f.Offset(),
	}
	if s.words != "" {
		return q.searchUsers(ctx, s, arg)
	}
	query, ok := q.userFinder(f.Paging, s.company == 0)
	if !ok {
		return nil, fmt.Errorf("no query sorts people by %q", f.Sort)
	}
	return query(ctx, q, "users_by_"+f.Sort, arg)
}

func (q *queries) userFinder(p training.Paging, all bool) (finder, bool) {
	type pair struct{ within, everywhere finder }
	var found pair
	switch order(p) {
	case "full_name":
		found = pair{within(q.sql.UserIDsByName), everywhere(q.sql.UserIDsEverywhereByName)}
	case "-full_name":
		found = pair{within(q.sql.UserIDsByNameDesc), everywhere(q.sql.UserIDsEverywhereByNameDesc)}
	case "email":
		found = pair{within(q.sql.UserIDsByEmail), everywhere(q.sql.UserIDsEverywhereByEmail)}
	case "-email":
		found = pair{within(q.sql.UserIDsByEmailDesc), everywhere(q.sql.UserIDsEverywhereByEmailDesc)}
	case "created_at":
		found = pair{within(q.sql.UserIDsByCreated), everywhere(q.sql.UserIDsEverywhereByCreated)}
	case "-created_at":
		found = pair{within(q.sql.UserIDsByCreatedDesc), everywhere(q.sql.UserIDsEverywhereByCreatedDesc)}
	case "updated_at":
		found = pair{within(q.sql.UserIDsByUpdated), everywhere(q.sql.UserIDsEverywhereByUpdated)}
	case "-updated_at":
		found = pair{within(q.sql.UserIDsByUpdatedDesc), everywhere(q.sql.UserIDsEverywhereByUpdatedDesc)}
	case "last_login_at":
		found = pair{within(q.sql.UserIDsByLogin), everywhere(q.sql.UserIDsEverywhereByLogin)}
	case "-last_login_at":
		found = pair{within(q.sql.UserIDsByLoginDesc), everywhere(q.sql.UserIDsEverywhereByLoginDesc)}
	default:
		return nil, false
	}
	if all {
		return found.everywhere, true
	}
	return found.within, true
}

func (q *queries) searchUsers(ctx context.Context, s userSearch, a sqlite.UserIDsByNameParams) ([]place, error) {
	arg := sqlite.UserIDsBySearchParams{
		Sort: s.filter.Sort, Words: s.words, AnyCompany: flag(s.company == 0), CompanyID: s.company, Role: a.Role, Department: a.Department,
		JobRisk: a.JobRisk, Active: a.Active, Since: a.Since, AfterKey: a.AfterKey, AfterID: a.AfterID, Skip: a.Skip, Size: a.Size,
	}
	if s.filter.Desc {
		rows, err := run(ctx, q, "users_by_search", q.sql.UserIDsBySearchDesc, sqlite.UserIDsBySearchDescParams(arg))
		return userPlaces(rows), err
	}
	rows, err := run(ctx, q, "users_by_search", q.sql.UserIDsBySearch, arg)
	return userPlaces(rows), err
}

func (q *queries) countUsers(ctx context.Context, s userSearch) (int64, error) {
	f := s.filter
	switch {
	case s.words != "":
		return run(ctx, q, "count_users_by_search", q.sql.CountUsersBySearch, sqlite.CountUsersBySearchParams{
			Words: s.words, AnyCompany: flag(s.company == 0), CompanyID: s.company, Role: string(f.Role), Department: f.Department,
			JobRisk: f.JobRisk, Active: s.active(), Since: s.since(),
		})
	case f.Filtered() && s.company == 0:
		return run(ctx, q, "count_users_everywhere", q.sql.CountUsersEverywhere, sqlite.CountUsersEverywhereParams{
			Role: string(f.Role), Department: f.Department, JobRisk: f.JobRisk, Active: s.active(), Since: s.since(),
		})
	case f.Filtered():
		return run(ctx, q, "count_users", q.sql.CountUsers, sqlite.CountUsersParams{
			CompanyID: s.company, Role: string(f.Role), Department: f.Department, JobRisk: f.JobRisk, Active: s.active(), Since: s.since(),
		})
	case s.company == 0:
		return runPlain(ctx, q, "user_total_everywhere", q.sql.UserTotalEverywhere)
	}
	total, err := run(ctx, q, "user_total", q.sql.UserTotal, s.company)
	return orZero(total, err)
}

// formatTime gives a time as the replica holds it, so that texts compare as times do.
func formatTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }
