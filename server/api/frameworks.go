package api

import (
	"context"
	"net/http"

	"outpost/server/api/openapi"
	"outpost/server/cache"
	"outpost/server/training"
)

func frameworkRoutes() []*route {
	return []*route{
		{method: http.MethodGet, pattern: "/api/v1/frameworks", handle: (*API).listFrameworks, scope: "courses:read", namespace: "frameworks"},
	}
}

// frameworkTags are all that an answer about requirements depends on. A course's row changes with its
// title.
func frameworkTags() []cache.Tag {
	return []cache.Tag{
		cache.Table("frameworks"), cache.Table("framework_translations"), cache.Table("requirements"),
		cache.Table("requirement_translations"), cache.Table("requirement_courses"), cache.Table("courses"),
	}
}

// listFrameworks says the same to everyone of a language, but for courses that are not published.
func (a *API) listFrameworks(k *call) error {
	if err := a.reach(k); err != nil {
		return err
	}
	locale, err := k.locale()
	if err != nil {
		return err
	}
	unpublished := k.principal.SeesUnpublished()
	k.key = newKey(k.key, "frameworks").text(locale).flag(unpublished)
	if done, err := a.hit(k); done {
		return err
	}
	return a.miss(k, func(ctx context.Context, q training.Queries) (answer, error) {
		found, err := q.Frameworks(ctx, locale, unpublished)
		if err != nil {
			return answer{}, err
		}
		return answer{value: frameworksBody(locale, found), tags: frameworkTags()}, nil
	})
}

func frameworksBody(locale string, found []training.Framework) openapi.Frameworks {
	body := openapi.Frameworks{Locale: locale, Frameworks: make([]openapi.Framework, len(found))}
	for i, f := range found {
		requirements := make([]openapi.Requirement, len(f.Requirements))
		for n, r := range f.Requirements {
			requirements[n] = requirementBody(r)
		}
		body.Frameworks[i] = openapi.Framework{Code: f.Code, Name: f.Name, Title: f.Title, Requirements: requirements}
	}
	return body
}

func requirementBody(r training.FrameworkRequirement) openapi.Requirement {
	courses := make([]openapi.CourseName, len(r.Courses))
	for i, c := range r.Courses {
		courses[i] = openapi.CourseName{Id: c.ID, Slug: c.Slug, Title: c.Title}
	}
	return openapi.Requirement{Code: r.Code, Text: r.Text, IntervalMonths: positive(r.Interval), Courses: courses}
}
