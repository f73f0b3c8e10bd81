package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"outpost/replicate/replica"
	"outpost/server/store"
	"outpost/server/training"
)

// busy is the replica of the benchmarks, made once.
var busy struct {
	once sync.Once
	path string
}

// busyStore gives a store over a company of 2,000 in a catalogue of 60 courses with texts of the length
// that ours have; learner 1 is in 30 of them.
func busyStore(b *testing.B, bend ...func(*replica.Options)) *store.Store {
	b.Helper()
	busy.once.Do(func() {
		busy.path = filepath.Join(shared.folder, "busy.db")
		replicate(b, busy.path, busyFixture()...)
	})
	return store.New(open(b, busy.path, bend...))
}

func busyFixture() []string {
	return []string{
		`INSERT INTO companies (name, slug, country, locale, data_zone, privacy_mode) VALUES ('Eins', 'eins', 'DE', 'de', 'eu', 'aggregate')`,
		`INSERT INTO users (company_id, data_zone, email, full_name, role, department, locale)
			SELECT 1, 'eu', 'user' || i || '@example.com', 'Given' || i % 97 || ' Family' || i, CASE i WHEN 2 THEN 'admin' ELSE 'learner' END, 'Department ' || i % 12, 'de'
			FROM generate_series(1, 2000) i`,
		`INSERT INTO courses (slug, category, level, minutes, is_published, validity_days, created_at)
			SELECT 'course-' || i, CASE WHEN i % 3 = 0 THEN 'email' ELSE 'data' END, 'beginner', 10 + i % 7, true, 365,
			'2026-01-01'::timestamptz + i * interval '1 h' FROM generate_series(1, 60) i`,
		`INSERT INTO course_translations (course_id, locale, title, description)
			SELECT i, l, 'Title ' || l || ' ' || (i * 37) % 61, repeat('What it is about & why. ', 10) FROM generate_series(1, 60) i, unnest(ARRAY['en', 'de']) l`,
		`INSERT INTO lessons (course_id, position, kind) SELECT i, n, 'text' FROM generate_series(1, 60) i, generate_series(1, 8) n`,
		`INSERT INTO enrollments (company_id, data_zone, user_id, course_id, status, due_at, created_at)
			SELECT 1, 'eu', u, i, 'assigned', '2026-06-01'::timestamptz + i * interval '1 day', '2026-02-01'::timestamptz + i * interval '1 h'
			FROM generate_series(1, 50) u, generate_series(1, 30) i`,
		`INSERT INTO lesson_progress (company_id, data_zone, user_id, enrollment_id, lesson_id, seconds)
			SELECT 1, 'eu', e.user_id, e.id, l.id, 20 FROM enrollments e JOIN lessons l ON l.course_id = e.course_id AND l.position <= e.course_id % 8`,
	}
}

// questions are the lists of a page of 20, and the smallest question there is.
func questions() map[string]func(context.Context, training.Queries) error {
	first := func(sort string) training.Paging { return training.Paging{Page: 1, Size: 20, Sort: sort} }
	one := training.Principal{UserID: 1, CompanyID: 1, Role: training.Learner, Locale: "de"}
	head := training.Principal{UserID: 2, CompanyID: 1, Role: training.Admin, Locale: "de"}
	return map[string]func(context.Context, training.Queries) error{
		"nothing": func(context.Context, training.Queries) error { return nil },
		"me": func(ctx context.Context, q training.Queries) error {
			_, err := q.Me(ctx, one)
			return err
		},
		"courses": func(ctx context.Context, q training.Queries) error {
			_, err := q.Courses(ctx, training.CourseFilter{Paging: first("title"), Locale: "de"})
			return err
		},
		"courses by created_at": func(ctx context.Context, q training.Queries) error {
			_, err := q.Courses(ctx, training.CourseFilter{Paging: first("created_at"), Locale: "de"})
			return err
		},
		"users": func(ctx context.Context, q training.Queries) error {
			_, err := q.People(ctx, head, training.PersonFilter{Paging: first("full_name"), CompanyID: 1, Fields: ^training.PersonField(0)})
			return err
		},
		"enrollments": func(ctx context.Context, q training.Queries) error {
			_, err := q.Enrollments(ctx, one, training.EnrollmentFilter{Paging: first("created_at"), UserID: 1, Locale: "de"})
			return err
		},
	}
}

// BenchmarkMiss reads what a miss reads, with a context that can end, as a request's does.
func BenchmarkMiss(b *testing.B) {
	s := busyStore(b)
	for name, ask := range questions() {
		b.Run(name, func(b *testing.B) {
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			b.ReportAllocs()
			began := used(b)
			for b.Loop() {
				if _, err := s.Read(ctx, func(q training.Queries) error { return ask(ctx, q) }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((used(b)-began).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}

// used is the processor time of this program so far: on a machine that others use too it says more
// than the clock.
func used(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkMissTogether asks for the catalogue from 64 goroutines at once, of which so many may read.
func BenchmarkMissTogether(b *testing.B) {
	ask := questions()["courses"]
	for _, readers := range []int{1, 2, 4, 8, 16} {
		b.Run(fmt.Sprintf("%d readers", readers), func(b *testing.B) {
			s := busyStore(b, func(o *replica.Options) { o.Readers = readers })
			b.ReportAllocs()
			b.SetParallelism(max(1, 64/runtime.GOMAXPROCS(0)))
			began := used(b)
			b.ResetTimer()
			b.RunParallel(func(p *testing.PB) {
				ctx, cancel := context.WithCancel(b.Context())
				defer cancel()
				for p.Next() {
					if _, err := s.Read(ctx, func(q training.Queries) error { return ask(ctx, q) }); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64((used(b)-began).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}
