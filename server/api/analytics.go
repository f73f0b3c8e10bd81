package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"outpost/server/api/openapi"
	"outpost/server/cache"
	"outpost/server/training"
)

func analyticsRoutes() []*route {
	return []*route{
		{method: http.MethodGet, pattern: "/api/v1/admin/analytics", handle: (*API).getAnalytics, role: training.Manager, scope: "figures:read", namespace: "figures"},
	}
}

func (a *API) getAnalytics(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	company, err := k.companyQuery()
	if err != nil {
		return err
	}
	days, err := k.intQuery("days", training.DefaultTrend)
	if err != nil {
		return err
	}
	if days < training.MinTrend || days > training.MaxTrend {
		return training.InvalidField("days", "must be from %d to %d", training.MinTrend, training.MaxTrend)
	}
	locale, err := k.locale()
	if err != nil {
		return err
	}
	// Whoever may ask for a company's figures sees the same.
	k.key = newKey(k.key, "analytics").number(company).number(int64(days)).text(locale)
	if done, err := a.hit(k); done {
		return err
	}
	now := a.Now
	return a.missBy(k, a.ReadLong, func(ctx context.Context, q training.Queries) (answer, error) {
		return analyse(ctx, q, company, days, locale, now().UTC().Truncate(time.Microsecond))
	})
}

// analyse reads everything that the figures are made of, the people last but for the courses' names.
func analyse(ctx context.Context, q training.Queries, company int64, days int, locale string, now time.Time) (answer, error) {
	profile, err := q.Profile(ctx, company)
	if err != nil {
		return answer{}, err
	}
	requirements, err := q.Requirements(ctx, "", locale)
	if err != nil {
		return answer{}, err
	}
	analyst := training.NewAnalyst(profile, requirements, days, now)
	filter := training.FactFilter{
		CompanyID: company,
		Want:      training.FactNames | training.FactDuties | training.FactSimulations | training.FactQuiz,
	}
	err = q.Facts(ctx, filter, func(p *training.PersonFacts) error {
		analyst.Add(p)
		return nil
	})
	if err != nil {
		return answer{}, err
	}
	figures := analyst.Done()
	ids := figures.CourseIDs()
	names, err := q.CourseTitles(ctx, ids, locale)
	if err != nil {
		return answer{}, err
	}
	body, err := analyticsBody(profile, figures, names)
	return answer{value: body, tags: analyticsTags(company, ids), validUntil: figures.ValidUntil}, err
}

func analyticsTags(company int64, courses []int64) []cache.Tag {
	tags := append(factTags(company), cache.Table("requirements"), cache.Table("requirement_courses"))
	for _, id := range courses {
		tags = append(tags, cache.Row("courses", id))
	}
	return tags
}

func analyticsBody(company training.CompanyProfile, a *training.Analytics, names map[int64]training.CourseTitle) (openapi.Analytics, error) {
	body := openapi.Analytics{
		CompanyId: positive64(company.ID), PrivacyMode: string(company.Privacy), GeneratedAt: a.At, ValidUntil: a.ValidUntil.UTC(),
		Withheld: append([]string{}, a.Withheld...), Trends: []openapi.AnalyticsDay{}, Departments: []openapi.AnalyticsDepartment{},
		Courses: []openapi.AnalyticsCourse{}, Risk: analyticsRisk(a),
	}
	for i := range a.Trends {
		d := &a.Trends[i]
		body.Trends = append(body.Trends, openapi.AnalyticsDay{
			Date: d.Day.Format(time.DateOnly), Completions: d.Completions, Begun: d.Begun, Overdue: d.Overdue, ComplianceRate: ratio(d.Rate()),
		})
	}
	for i := range a.Departments {
		body.Departments = append(body.Departments, departmentBody(&a.Departments[i]))
	}
	for i := range a.Courses {
		c := &a.Courses[i]
		name, ok := names[c.CourseID]
		if !ok {
			return body, fmt.Errorf("course %d has enrollments and is not there", c.CourseID)
		}
		body.Courses = append(body.Courses, openapi.AnalyticsCourse{
			Id: c.CourseID, Slug: name.Slug, Title: name.Title, Enrollments: c.Enrollments(), Assigned: c.Assigned, InProgress: c.InProgress,
			Completed: c.Completed, Expired: c.Expired, Overdue: c.Overdue, CompletionRate: *ratio(c.CompletionRate()),
		})
	}
	body.Overdue.People, body.Overdue.Enrollments, body.Overdue.Items = a.OverduePeople, a.OverdueCount, []openapi.AnalyticsOverdue{}
	for i := range a.Overdue {
		o := &a.Overdue[i]
		name, ok := names[o.CourseID]
		if !ok {
			return body, fmt.Errorf("course %d has enrollments and is not there", o.CourseID)
		}
		body.Overdue.Items = append(body.Overdue.Items, openapi.AnalyticsOverdue{
			EnrollmentId: o.EnrollmentID, UserId: o.UserID, FullName: o.FullName, Department: o.Department, CourseId: o.CourseID,
			CourseTitle: name.Title, DueAt: o.DueAt.UTC(), DaysOverdue: o.Days,
		})
	}
	return body, nil
}

func departmentBody(g *training.Group[training.DepartmentFigures]) openapi.AnalyticsDepartment {
	body := openapi.AnalyticsDepartment{
		Rest: g.Rest, People: g.People, Overdue: g.Figures.Overdue, ComplianceRate: ratio(g.Figures.Rate()), OnTimeRate: ratio(g.Figures.OnTimeRate()),
	}
	body.Risk.Score, body.Risk.P90, body.Risk.Band = groupScore(&g.Figures.Risk)
	if !g.Rest {
		body.Name = &g.Name
	}
	return body
}

func analyticsRisk(a *training.Analytics) (body openapi.AnalyticsRisk) {
	body.Score, body.P90, body.Band = groupScore(&a.Risk)
	body.Unlisted = text(string(a.Unlisted))
	if a.Unlisted != "" {
		return body
	}
	people := make([]openapi.AnalyticsPerson, len(a.AtRisk))
	for i := range a.AtRisk {
		r := &a.AtRisk[i]
		people[i] = openapi.AnalyticsPerson{Pseudonym: text(r.Pseudonym), Score: *score(&r.Score), Band: string(training.BandOf(r.Score))}
		if r.Sight == training.ByName {
			people[i].UserId, people[i].FullName, people[i].Department = &r.UserID, &r.FullName, &r.Department
			people[i].Components = &openapi.AnalyticsComponents{
				Phishing: ratio(r.Phishing), Reporting: ratio(r.Reporting), Timeliness: ratio(r.Timeliness), Knowledge: ratio(r.Knowledge), Exposure: ratio(r.Exposure),
			}
		}
	}
	body.People = &people
	return body
}

func groupScore(g *training.GroupRisk) (mean, p90 *float64, band *string) {
	if mean = g.Mean(); mean != nil {
		band = text(string(training.BandOf(*mean)))
	}
	return score(mean), score(g.P90()), band
}
