package handler

import (
	"context"
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// servePostgres asks Postgres, whoever may.
func servePostgres(ctx context.Context, app *fiber.App) (func() error, error) {
	tokens, err := newTokens()
	if err != nil {
		return nil, err
	}
	pool, err := openPool(ctx)
	if err != nil {
		return nil, err
	}
	app.Get("/api/v1/users", func(c *fiber.Ctx) error {
		q, err := tokens.allowed(c)
		if err != nil {
			return err
		}
		l, err := fromPostgres(c.UserContext(), pool, q)
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
	return func() error { pool.Close(); return nil }, nil
}

// connectionsOf one handler to Postgres: with more, its processes wait for each other.
const connectionsOf = 16

func openPool(ctx context.Context) (*pgxpool.Pool, error) {
	url, err := setting(EnvPostgres)
	if err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("reading the URL of Postgres: %w", err)
	}
	config.MaxConns, config.MinConns = connectionsOf, connectionsOf
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connecting to Postgres: %w", err)
	}
	return pool, nil
}

const (
	selectPeople = `SELECT id, company_id, full_name, role, department, job_risk, locale, is_active, version, %[1]s FROM users
		WHERE company_id = $1 ORDER BY %[2]s%[3]s, id%[3]s LIMIT $2 OFFSET $3`
	countPeople = "SELECT count(*) FROM users WHERE company_id = $1"
)

// statementOf is what gives a page in that order: one of eight texts, each of which a connection
// prepares once.
func statementOf(sort string) string {
	desc := ""
	if sort[0] == '-' {
		sort, desc = sort[1:], " DESC"
	}
	switch sort {
	case "full_name", "email":
		return fmt.Sprintf(selectPeople, sort+"_folded", sort+`_folded COLLATE "C"`, desc)
	}
	return fmt.Sprintf(selectPeople, sort, sort, desc)
}

// statements are made once.
var statements = func() map[string]string {
	all := make(map[string]string, len(sorts))
	for _, sort := range sorts {
		all[sort] = statementOf(sort)
	}
	return all
}()

// fromPostgres asks for the page and the total in one round trip.
func fromPostgres(ctx context.Context, pool *pgxpool.Pool, q query) (*list, error) {
	l := &list{query: q, people: make([]person, 0, q.size+1)}
	batch := new(pgx.Batch)
	batch.Queue(statements[q.sort], q.company, q.size+1, q.skip()).Query(func(rows pgx.Rows) error {
		var p person
		var at time.Time
		key := any(&p.sortKey)
		byTime := q.sort == "created_at" || q.sort == "-created_at" || q.sort == "updated_at" || q.sort == "-updated_at"
		if byTime {
			key = &at
		}
		_, err := pgx.ForEachRow(rows, []any{&p.id, &p.companyID, &p.fullName, &p.role, &p.department, &p.jobRisk, &p.locale, &p.isActive, &p.version, key}, func() error {
			if byTime {
				p.sortKey = at.UTC().Format("2006-01-02T15:04:05.000000Z")
			}
			l.people = append(l.people, p)
			return nil
		})
		return err
	})
	batch.Queue(countPeople, q.company).QueryRow(func(row pgx.Row) error { return row.Scan(&l.total) })
	if err := pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("asking Postgres: %w", err)
	}
	return l, nil
}
