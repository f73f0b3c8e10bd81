package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"outpost/server/training"
)

// TestSlowQueriesAreToldWithoutValues takes every query for slow.
func TestSlowQueriesAreToldWithoutValues(t *testing.T) {
	s := reader(t)
	told := map[string]string{}
	s.SlowAfter, s.Slow = time.Nanosecond, func(_ context.Context, queryType, sql string, d time.Duration) {
		told[queryType] = sql
		if d <= 0 {
			t.Errorf("%s took %v", queryType, d)
		}
	}
	const sought = "a-category-that-somebody-asked-for"
	for name, read := range map[string]func(context.Context, training.Queries) (any, error){
		"me": func(ctx context.Context, q training.Queries) (any, error) { return q.Me(ctx, learner) },
		"courses": func(ctx context.Context, q training.Queries) (any, error) {
			return q.Courses(ctx, training.CourseFilter{Paging: training.Paging{Page: 1, Size: 5, Sort: "title"}, Locale: "de", Category: sought})
		},
		"people": func(ctx context.Context, q training.Queries) (any, error) {
			return q.People(ctx, boss, training.PersonFilter{Paging: training.Paging{Page: 1, Size: 5, Sort: "email"}})
		},
		"all people": func(ctx context.Context, q training.Queries) (any, error) {
			return q.People(ctx, root, training.PersonFilter{Paging: training.Paging{Page: 1, Size: 5, Sort: "updated_at"}})
		},
		"signing keys": func(ctx context.Context, q training.Queries) (any, error) { return q.SigningKeys(ctx) },
	} {
		if _, err := ask(t, s, read); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for name, want := range map[string]string{"me": "FROM users", "courses_by_title": "FROM catalogue", "count_courses": "count("} {
		if !strings.HasPrefix(told[name], "-- name: ") || !strings.Contains(told[name], want) {
			t.Errorf("of %s was told %q", name, told[name])
		}
	}
	for name, sql := range told {
		if !strings.HasPrefix(sql, "-- name: ") {
			t.Errorf("of %s no text was told", name)
		}
		if strings.Contains(sql, sought) {
			t.Errorf("of %s a value was told: %s", name, sql)
		}
	}
}

func TestQuickQueriesAreNotTold(t *testing.T) {
	s := reader(t)
	s.SlowAfter, s.Slow = time.Hour, func(_ context.Context, queryType, _ string, _ time.Duration) {
		t.Errorf("%s was told", queryType)
	}
	if _, err := ask(t, s, func(ctx context.Context, q training.Queries) (training.User, error) { return q.Me(ctx, learner) }); err != nil {
		t.Fatal(err)
	}
}
