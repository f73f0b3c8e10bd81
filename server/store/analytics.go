package store

import (
	"context"

	"outpost/server/store/sqlite"
	"outpost/server/training"
)

func (q *queries) CourseTitles(ctx context.Context, ids []int64, locale string) (map[int64]training.CourseTitle, error) {
	list, err := idList(ids)
	if err != nil {
		return nil, err
	}
	rows, err := run(ctx, q, "course_titles", q.sql.CourseTitles, sqlite.CourseTitlesParams{Locale: locale, Ids: list})
	names := make(map[int64]training.CourseTitle, len(rows))
	for _, r := range rows {
		names[r.ID] = training.CourseTitle{Slug: r.Slug, Title: r.Title}
	}
	return names, err
}
