package handler

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"runtime"

	"github.com/gofiber/fiber/v2"
	_ "modernc.org/sqlite" // the driver

	"outpost/server/store/sqlite"
	"outpost/server/training"
)

// serveSQLite asks a replica's file, which its node goes on writing, by the product's own
// statements. It checks nothing.
func serveSQLite(ctx context.Context, app *fiber.App) (func() error, error) {
	path, err := setting(EnvReplica)
	if err != nil {
		return nil, err
	}
	values := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)", "query_only(1)", "temp_store(2)", "cache_size(-8192)"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+values.Encode())
	if err != nil {
		return nil, fmt.Errorf("opening the replica: %w", err)
	}
	// More would only wait for a processor.
	connections := 2 * runtime.GOMAXPROCS(0)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	queries, err := sqlite.Prepare(ctx, db)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("preparing: %w", err), db.Close())
	}
	app.Get("/api/v1/users", func(c *fiber.Ctx) error {
		q, err := readQuery(c)
		if err != nil {
			return err
		}
		// A context that can end would cost a goroutine for each statement.
		l, err := fromSQLite(context.Background(), queries, q)
		if err != nil {
			return err
		}
		body, err := l.encode()
		if err != nil {
			return err
		}
		c.Response().Header.SetContentType(fiber.MIMEApplicationJSON)
		c.Response().SetBodyRaw(body)
		return nil
	})
	return func() error { return errors.Join(queries.Close(), db.Close()) }, nil
}

// wanted are the product's names of the fields.
func (f field) wanted() (want training.PersonField) {
	for name, one := range map[string]field{"full_name": fullName, "role": role, "department": department, "job_risk": jobRisk, "locale": locale, "is_active": isActive, "version": version} {
		if f&one != 0 {
			want |= training.PersonFieldOf(name)
		}
	}
	return want
}

func fromSQLite(ctx context.Context, queries *sqlite.Queries, q query) (*list, error) {
	places, err := find(ctx, queries, q)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(places))
	at := make(map[int64]int, len(places))
	for i, p := range places {
		ids[i] = p.ID
		at[p.ID] = i
	}
	text, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	rows, err := queries.UsersByID(ctx, sqlite.UsersByIDParams{Want: int64(q.fields.wanted()), Ids: string(text), CompanyID: q.company})
	if err != nil {
		return nil, err
	}
	l := &list{query: q, people: make([]person, len(rows))}
	for _, r := range rows {
		l.people[at[r.ID]] = person{
			id: r.ID, companyID: r.CompanyID, fullName: r.FullName, role: r.Role, department: r.Department, jobRisk: r.JobRisk,
			locale: r.Locale, isActive: r.IsActive == 1, version: r.Version, sortKey: places[at[r.ID]].SortKey,
		}
	}
	l.total, err = queries.UserTotal(ctx, q.company)
	return l, err
}

// place is a person's in an order.
type place struct {
	ID      int64
	SortKey string
}

// find gives the places of the page, and one more if there is one.
func find(ctx context.Context, s *sqlite.Queries, q query) ([]place, error) {
	arg := sqlite.UserIDsByNameParams{CompanyID: q.company, AfterID: math.MinInt64, Active: -1, Skip: int64(q.skip()), Size: int64(q.size) + 1}
	if q.sort[0] == '-' {
		arg.AfterKey, arg.AfterID = "\U0010FFFF", math.MaxInt64
	}
	switch q.sort {
	case "full_name":
		return places(s.UserIDsByName(ctx, arg))
	case "-full_name":
		return places(s.UserIDsByNameDesc(ctx, sqlite.UserIDsByNameDescParams(arg)))
	case "email":
		return places(s.UserIDsByEmail(ctx, sqlite.UserIDsByEmailParams(arg)))
	case "-email":
		return places(s.UserIDsByEmailDesc(ctx, sqlite.UserIDsByEmailDescParams(arg)))
	case "created_at":
		return places(s.UserIDsByCreated(ctx, sqlite.UserIDsByCreatedParams(arg)))
	case "-created_at":
		return places(s.UserIDsByCreatedDesc(ctx, sqlite.UserIDsByCreatedDescParams(arg)))
	case "updated_at":
		return places(s.UserIDsByUpdated(ctx, sqlite.UserIDsByUpdatedParams(arg)))
	}
	return places(s.UserIDsByUpdatedDesc(ctx, sqlite.UserIDsByUpdatedDescParams(arg)))
}

func places[R ~struct {
	ID      int64
	SortKey string
}](rows []R, err error,
) ([]place, error) {
	out := make([]place, len(rows))
	for i, r := range rows {
		out[i] = place(r)
	}
	return out, err
}
