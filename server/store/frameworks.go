package store

import (
	"context"

	"outpost/server/store/sqlite"
	"outpost/server/training"
)

func (q *queries) Frameworks(ctx context.Context, locale string, unpublished bool) ([]training.Framework, error) {
	rows, err := run(ctx, q, "frameworks", q.sql.Frameworks, locale)
	if err != nil {
		return nil, err
	}
	courses, err := run(ctx, q, "requirement_courses", q.sql.RequirementCourses, sqlite.RequirementCoursesParams{
		Locale: locale, Published: flag(!unpublished),
	})
	if err != nil {
		return nil, err
	}
	satisfy := make(map[int64][]training.CourseName)
	for _, c := range courses {
		satisfy[c.RequirementID] = append(satisfy[c.RequirementID], training.CourseName{ID: c.ID, Slug: c.Slug, Title: c.Title})
	}
	var found []training.Framework
	for _, r := range rows {
		if len(found) == 0 || found[len(found)-1].ID != r.ID {
			found = append(found, training.Framework{ID: r.ID, Code: r.Code, Name: r.Name, Title: r.Title})
		}
		last := &found[len(found)-1]
		last.Requirements = append(last.Requirements, training.FrameworkRequirement{
			ID: r.RequirementID, Code: r.RequirementCode, Text: r.Text, Interval: number(r.IntervalMonths),
			Courses: satisfy[r.RequirementID],
		})
	}
	return found, nil
}
