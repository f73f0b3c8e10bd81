package store

import (
	"context"
	"slices"

	"outpost/server/training"
)

func (q *queries) Frameworks(ctx context.Context, locale string, unpublished bool) ([]training.Framework, error) {
	rows, err := run(ctx, q, "frameworks", q.sql.Frameworks, locale)
	if err != nil {
		return nil, err
	}
	requirements, err := q.Requirements(ctx, "", locale)
	if err != nil {
		return nil, err
	}
	courses, err := q.satisfying(ctx, requirements, locale, unpublished)
	if err != nil {
		return nil, err
	}
	frameworks := make([]training.Framework, len(rows))
	for i, f := range rows {
		frameworks[i] = training.Framework{Code: f.Code, Name: f.Name, Title: f.Title}
		for _, r := range requirements {
			if r.Framework == f.Code {
				frameworks[i].Requirements = append(frameworks[i].Requirements, withCourses(r, courses))
			}
		}
	}
	return frameworks, nil
}

// satisfying are the courses of requirements that may be named, by their ids.
func (q *queries) satisfying(ctx context.Context, requirements []training.Requirement, locale string, unpublished bool) (map[int64]training.CourseName, error) {
	var wanted []place
	for _, r := range requirements {
		for _, id := range r.Courses {
			wanted = append(wanted, place{id: id})
		}
	}
	found, err := q.coursesByID(ctx, locale, training.CourseRow|training.CourseText, wanted)
	if err != nil {
		return nil, err
	}
	courses := make(map[int64]training.CourseName)
	for _, c := range found {
		if c.IsPublished || unpublished {
			courses[c.ID] = training.CourseName{ID: c.ID, Slug: c.Slug, Title: c.Title}
		}
	}
	return courses, nil
}

func withCourses(r training.Requirement, courses map[int64]training.CourseName) training.FrameworkRequirement {
	out := training.FrameworkRequirement{Code: r.Code, Text: r.Text, Interval: r.Interval}
	for _, id := range slices.Sorted(slices.Values(r.Courses)) {
		if c, ok := courses[id]; ok {
			out.Courses = append(out.Courses, c)
		}
	}
	return out
}
