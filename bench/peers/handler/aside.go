package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/redis/go-redis/v9"
)

// ttl is for how long the peer may answer with what is not so any more.
const ttl = time.Minute

// serveAside looks into Redis, asks Postgres for what is not there, and puts it there.
func serveAside(ctx context.Context, app *fiber.App) (func() error, error) {
	tokens, err := newTokens()
	if err != nil {
		return nil, err
	}
	addr, err := setting(EnvRedis)
	if err != nil {
		return nil, err
	}
	pool, err := openPool(ctx)
	if err != nil {
		return nil, err
	}
	store := redis.NewClient(&redis.Options{Addr: addr, PoolSize: 64, MinIdleConns: 64})
	var turn atomic.Int64
	nothing := os.Getenv(EnvNothing) != ""
	app.Get("/api/v1/users", func(c *fiber.Ctx) error {
		q, err := tokens.allowed(c)
		if err != nil {
			return err
		}
		key := "users:" + string(c.Request().URI().QueryString()) // with the company
		if nothing {
			key += ":" + strconv.FormatInt(turn.Add(1), 10)
		}
		body, err := store.Get(c.UserContext(), key).Bytes()
		if errors.Is(err, redis.Nil) {
			l, err := fromPostgres(c.UserContext(), pool, q)
			if err != nil {
				return err
			}
			if body, err = l.json(); err != nil {
				return err
			}
			if err := store.Set(c.UserContext(), key, body, ttl).Err(); err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
		c.Response().Header.SetContentType(fiber.MIMEApplicationJSON)
		c.Response().SetBodyRaw(body)
		return nil
	})
	return func() error { pool.Close(); return store.Close() }, nil
}

// The list on the wire, for encoding/json: a field that was not asked for is nil.
type (
	pageJSON struct {
		Items     []personJSON `json:"items"`
		Total     int64        `json:"total"`
		Page      int          `json:"page"`
		Size      int          `json:"size"`
		Pages     int          `json:"pages"`
		HasNext   bool         `json:"has_next"`
		HasPrev   bool         `json:"has_prev"`
		NextAfter *string      `json:"next_after"`
	}
	personJSON struct {
		CompanyID  *int64  `json:"company_id,omitempty"`
		Department *string `json:"department,omitempty"`
		FullName   *string `json:"full_name,omitempty"`
		ID         *int64  `json:"id,omitempty"`
		IsActive   *bool   `json:"is_active,omitempty"`
		JobRisk    *string `json:"job_risk,omitempty"`
		Locale     *string `json:"locale,omitempty"`
		Role       *string `json:"role,omitempty"`
		Version    *int64  `json:"version,omitempty"`
	}
)

func (l *list) json() ([]byte, error) {
	out := pageJSON{NextAfter: given(true, l.cut()), Total: l.total, Page: l.page, Size: l.size, Pages: l.pages(), HasNext: l.page < l.pages(), HasPrev: l.page > 1}
	if *out.NextAfter == "" {
		out.NextAfter = nil
	}
	out.Items = make([]personJSON, len(l.people))
	for i, p := range l.people {
		has := func(f field) bool { return l.fields&f != 0 }
		out.Items[i] = personJSON{
			CompanyID: given(has(companyID), p.companyID), Department: given(has(department), p.department),
			FullName: given(has(fullName), p.fullName), ID: given(has(id), p.id), IsActive: given(has(isActive), p.isActive),
			JobRisk: given(has(jobRisk), p.jobRisk), Locale: given(has(locale), p.locale), Role: given(has(role), p.role), Version: given(has(version), p.version),
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(out); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

func given[T any](is bool, v T) *T {
	if !is {
		return nil
	}
	return &v
}
