package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"outpost/server/api/openapi"
	"outpost/server/cache"
	"outpost/server/training"
)

func dashboardRoutes() []*route {
	return []*route{
		{method: http.MethodGet, pattern: "/api/v1/dashboard", handle: (*API).dashboard, scope: "figures:read", namespace: "dashboard"},
		{method: http.MethodGet, pattern: "/api/v1/me/risk", handle: (*API).myRisk, scope: "me:read", namespace: "risk"},
		{method: http.MethodGet, pattern: "/api/v1/users/:user/risk", handle: (*API).userRisk, scope: "figures:read", namespace: "risk"},
	}
}

const popularCourses = 5

// dashboard is the same for all of a company.
func (a *API) dashboard(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	company, err := k.companyQuery()
	if err != nil {
		return err
	}
	locale, err := k.locale()
	if err != nil {
		return err
	}
	k.key = newKey(k.key, "dashboard").number(company).text(locale)
	if done, err := a.hit(k); done {
		return err
	}
	// The fill may outlive the call, which by then is another request's.
	d := &board{api: a, company: company, locale: locale, request: k.requestID()}
	route := k.route
	return a.compute(k, func(ctx context.Context) (cache.Filled, error) { return d.fill(ctx, route) })
}

// board is a dashboard in the making.
type board struct {
	api     *API
	company int64 // 0: all
	locale  string
	request string // its id

	mu   sync.Mutex // guards what follows: the parts are made side by side
	body openapi.Dashboard
	ats  []training.At // of the parts that were read
	errs []error       // of the others
	ends time.Time     // when it changes with no write
}

// part reads one of the parts and gives how it is put into the body.
type part struct {
	name openapi.DashboardPart
	by   Reading
	read func(ctx context.Context, q training.Queries) (put func(), err error)
}

// fill makes the parts side by side, each in a read of its own that has Limits.Part. One that fails is
// left out. An answer without one, or of more than one incarnation of the replica, is not kept.
func (d *board) fill(ctx context.Context, r *route) (cache.Filled, error) {
	now := d.api.Now()
	parts := []part{
		{openapi.ActiveUsers, d.api.Read, d.activeUsers},
		{openapi.PopularCourses, d.api.Read, d.popularCourses},
		{openapi.ComplianceRate, d.api.ReadLong, func(ctx context.Context, q training.Queries) (func(), error) { return d.compliance(ctx, q, now) }},
		{openapi.RiskScore, d.api.ReadLong, func(ctx context.Context, q training.Queries) (func(), error) { return d.risk(ctx, q, now) }},
	}
	d.body.Degraded, d.body.Withheld = []openapi.DashboardPart{}, []openapi.DashboardPart{}
	var wait sync.WaitGroup
	for _, p := range parts {
		wait.Go(func() { d.make(ctx, p) })
	}
	wait.Wait()
	if err := d.failed(ctx, len(parts)); err != nil {
		return cache.Filled{}, err
	}
	d.body.Degraded, d.body.Withheld = inOrder(parts, d.body.Degraded), inOrder(parts, d.body.Withheld)
	if !d.ends.IsZero() {
		until := d.ends.UTC()
		d.body.ValidUntil = &until
	}
	oldest, newest, same := span(d.ats)
	filled, err := fill(r, d.api.Version, answer{value: d.body, tags: dashboardTags(d.company), validUntil: d.ends}, cache.At(oldest))
	filled.Newest, filled.Store = newest.Position, same && len(d.errs) == 0
	return filled, err
}

// make makes one part.
func (d *board) make(ctx context.Context, p part) {
	ctx, cancel := context.WithTimeout(ctx, d.api.Limits.Part)
	defer cancel()
	at, put, err := d.read(ctx, p)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		put()
		d.ats = append(d.ats, at)
		return
	}
	d.body.Degraded = append(d.body.Degraded, p.name)
	d.errs = append(d.errs, fmt.Errorf("the dashboard's %s: %w", p.name, err))
}

// read survives a panic: in a goroutine of its own it would end the process.
func (d *board) read(ctx context.Context, p part) (at training.At, put func(), err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	at, err = p.by(ctx, func(q training.Queries) (err error) {
		put, err = p.read(ctx, q)
		return err
	})
	return at, put, err
}

// failed is the error of the whole: nobody waits any more, there is no data or no such company, or no
// part could be made. Errors of single parts are logged.
func (d *board) failed(ctx context.Context, parts int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, err := range d.errs {
		if code := training.CodeOf(err); code == training.Unavailable || code == training.NotFound {
			return err
		}
	}
	if len(d.errs) == parts {
		return errors.Join(d.errs...)
	}
	for _, err := range d.errs {
		d.api.Log.LogAttrs(ctx, slog.LevelError, "a part of the dashboard is missing", slog.String("error", err.Error()),
			slog.Int64("company", d.company), slog.String("request_id", d.request))
	}
	return nil
}

func (d *board) activeUsers(ctx context.Context, q training.Queries) (func(), error) {
	company, err := q.Profile(ctx, d.company)
	return func() { d.body.ActiveUsers = &company.ActiveUsers }, err
}

func (d *board) popularCourses(ctx context.Context, q training.Queries) (func(), error) {
	found, err := q.PopularCourses(ctx, d.company, d.locale, popularCourses)
	courses := make([]openapi.PopularCourse, len(found))
	for i, c := range found {
		courses[i] = openapi.PopularCourse{CourseId: c.CourseID, Slug: c.Slug, Title: c.Title, Enrollments: c.Enrollments, Completed: c.Completed}
	}
	return func() { d.body.PopularCourses = &courses }, err
}

func (d *board) compliance(ctx context.Context, q training.Queries, now time.Time) (func(), error) {
	c, changes, err := training.ComplianceAt(ctx, q, d.company, now)
	return func() {
		d.ends = earlier(d.ends, changes)
		if !training.Enough(c.People) {
			d.body.Withheld = append(d.body.Withheld, openapi.ComplianceRate)
		}
		if rate := ratio(c.Rate()); rate != nil {
			d.body.ComplianceRate = &openapi.DashboardCompliance{
				Rate: *rate, OnTimeRate: ratio(c.OnTimeRate()), Obligations: c.Obligations, Satisfied: c.Satisfied, People: c.People, Compliant: c.Compliant,
			}
		}
	}, err
}

func (d *board) risk(ctx context.Context, q training.Queries, now time.Time) (func(), error) {
	g, err := training.RiskAt(ctx, q, d.company, now)
	return func() {
		d.ends = earlier(d.ends, training.NextDay(now))
		if !training.Enough(len(g.Scores)) {
			d.body.Withheld = append(d.body.Withheld, openapi.RiskScore)
		}
		if mean, p90 := g.Mean(), g.P90(); mean != nil && p90 != nil {
			d.body.RiskScore = &openapi.DashboardRisk{
				Score: *score(mean), P90: *score(p90), Band: openapi.RiskBand(training.BandOf(*mean)), People: len(g.Scores),
			}
		}
	}, err
}

// inOrder sorts names as the parts stand in the body.
func inOrder(parts []part, names []openapi.DashboardPart) []openapi.DashboardPart {
	sorted := make([]openapi.DashboardPart, 0, len(names))
	for _, p := range parts {
		for _, name := range names {
			if name == p.name {
				sorted = append(sorted, name)
			}
		}
	}
	return sorted
}

// span gives the oldest and the newest of some states, and whether all are of one incarnation.
func span(ats []training.At) (oldest, newest training.At, same bool) {
	oldest, newest = ats[0], ats[0]
	for _, at := range ats[1:] {
		if older(at, oldest) {
			oldest = at
		}
		if older(newest, at) {
			newest = at
		}
	}
	return oldest, newest, oldest.Incarnation == newest.Incarnation
}

func older(a, b training.At) bool {
	if a.Incarnation != b.Incarnation {
		return a.Incarnation < b.Incarnation
	}
	return a.Position.Compare(b.Position) < 0
}

// dashboardTags are what the parts depend on: which requirements there are, only by the courses that
// satisfy them.
func dashboardTags(company int64) []cache.Tag {
	return append(factTags(company), cache.Table("courses"), cache.Table("requirement_courses"))
}

// factTags are what the facts about a company's people depend on, 0: about all.
func factTags(company int64) []cache.Tag {
	of := []string{"users", "duties", "phishing_events", "quiz_attempts"} // duties: see sql/sqlite/objects/touched.sql
	tags := make([]cache.Tag, 0, len(of)+1)
	if company != 0 {
		tags = append(tags, cache.Row("companies", company))
	}
	for _, name := range of {
		if company == 0 {
			tags = append(tags, cache.Table(name))
		} else {
			tags = append(tags, cache.Tenant(name, company))
		}
	}
	return tags
}

// ratio is rounded to 4 digits, score to 1; null stays null.
func ratio(v *float64) *float64 { return round(v, 10000) }
func score(v *float64) *float64 { return round(v, 10) }

func round(v *float64, parts float64) *float64 {
	if v == nil {
		return nil
	}
	rounded := math.Round(*v*parts) / parts
	return &rounded
}
