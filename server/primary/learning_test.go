package primary_test

import (
	"reflect"
	"sync"
	"testing"
	"time"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/primary"
	"outpost/server/training"
)

func TestEnrollingIsOncePerCycle(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		p, url := open(t, mode)
		e, created, lsn, err := p.Enroll(t.Context(), learner, 1)
		if err != nil || !created || lsn == 0 {
			t.Fatalf("%+v, %v, %v", e, created, err)
		}
		if e.UserID != 1 || e.CompanyID != 1 || e.CourseTitle != "Eins" || e.CourseSlug != "one" || e.Lessons != 2 || e.Cycle != 1 ||
			e.Status != training.Assigned || e.Version != 1 || e.CreatedAt.Location() != time.UTC {
			t.Errorf("%+v", e)
		}
		again, created, _, err := p.Enroll(t.Context(), learner, 1)
		if err != nil || created || again.ID != e.ID {
			t.Errorf("again: %+v, %v, %v", again, created, err)
		}
		pgtest.Exec(t, url, `UPDATE enrollments SET status = 'completed', completed_at = now() - interval '2 d', expires_at = now() - interval '1 d'`)
		next, created, _, err := p.Enroll(t.Context(), learner, 1)
		if err != nil || !created || next.Cycle != 2 {
			t.Errorf("after it expired: %+v, %v, %v", next, created, err)
		}
		if zone := value[string](t, url, `SELECT DISTINCT data_zone FROM enrollments`); zone != "eu" {
			t.Errorf("zone %q", zone)
		}
	})
}

func TestEnrollingAtOnceEnrollsOnce(t *testing.T) {
	p, url := open(t)
	var group sync.WaitGroup
	ids := make(chan int64, 16)
	for n := range cap(ids) {
		group.Go(func() {
			ctx := t.Context()
			if n%2 == 0 {
				ctx = training.WithCaller(ctx, training.Caller{IdempotencyKey: "k"})
			}
			e, _, _, err := p.Enroll(ctx, learner, 1)
			if err != nil {
				t.Error(err)
			}
			ids <- e.ID
		})
	}
	group.Wait()
	if n := value[int64](t, url, `SELECT count(*) FROM enrollments`); n != 1 {
		t.Errorf("%d enrollments", n)
	}
}

func TestWhatCannotBeEnrolledIn(t *testing.T) {
	p, _ := open(t)
	moved := learner
	moved.CompanyID = 2
	for name, c := range map[string]struct {
		who    training.Principal
		course int64
	}{
		"no course": {learner, 99}, "a draft": {learner, 3}, "a number no course has": {learner, -1},
	} {
		if _, _, _, err := p.Enroll(t.Context(), c.who, c.course); training.CodeOf(err) != training.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, _, err := p.Enroll(t.Context(), moved, 1); training.CodeOf(err) != training.Unauthorized {
		t.Errorf("a token of a company that the user has left: %v", err)
	}
}

func TestAnIdempotencyKeyGivesTheSameOutcome(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		p, url := open(t, mode)
		ctx := training.WithCaller(t.Context(), training.Caller{IdempotencyKey: "key-1"})
		first, created, _, err := p.Enroll(ctx, learner, 1)
		if err != nil || !created {
			t.Fatal(err)
		}
		again, created, lsn, err := p.Enroll(ctx, learner, 1)
		if err != nil || !created || again.ID != first.ID || lsn == 0 {
			t.Errorf("the same key: %+v, %v, %v", again, created, err)
		}
		if _, _, _, err := p.Enroll(ctx, learner, 2); training.CodeOf(err) != training.Invalid {
			t.Errorf("the same key for another course: %v", err)
		}
		other := training.Principal{UserID: 2, CompanyID: 1}
		if e, created, _, err := p.Enroll(ctx, other, 1); err != nil || !created || e.ID == first.ID {
			t.Errorf("the same key of another user: %+v, %v, %v", e, created, err)
		}
		second := training.WithCaller(t.Context(), training.Caller{IdempotencyKey: "key-2"})
		for range 2 {
			if e, created, _, err := p.Enroll(second, learner, 1); err != nil || created || e.ID != first.ID {
				t.Errorf("another key: %+v, %v, %v", e, created, err)
			}
		}
		pgtest.Exec(t, url, `UPDATE idempotency_keys SET expires_at = now()`)
		if _, created, _, err := p.Enroll(ctx, learner, 2); err != nil || !created {
			t.Errorf("a key that has expired: %v, %v", created, err)
		}
	})
}

func TestProgressCompletesACourse(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		p, url := open(t, mode)
		e, _, _, err := p.Enroll(t.Context(), learner, 1)
		if err != nil {
			t.Fatal(err)
		}
		half, lsn, err := p.RecordProgress(t.Context(), learner, e.ID, 3, 30)
		if err != nil || lsn == 0 {
			t.Fatal(err)
		}
		if half.Status != training.InProgress || half.LessonsDone != 1 || half.StartedAt == nil || half.CompletedAt != nil || half.Version != 2 ||
			len(half.Progress) != 1 || half.Progress[0].Lesson != 3 || half.Progress[0].Seconds != 30 {
			t.Errorf("half: %+v", half)
		}
		same, lsn, err := p.RecordProgress(t.Context(), learner, e.ID, 3, 20)
		if err != nil || lsn == 0 || same.Version != half.Version || same.Progress[0] != half.Progress[0] {
			t.Errorf("again, shorter: %+v, %v", same, err)
		}
		if known, created, _, err := p.Enroll(t.Context(), learner, 1); err != nil || created || !reflect.DeepEqual(known, same) {
			t.Errorf("enrolled again: %+v, %v, %v; progress answered %+v", known, created, err, same)
		}
		longer, _, err := p.RecordProgress(t.Context(), learner, e.ID, 3, 40)
		if err != nil || longer.Version != 3 || longer.Progress[0].Seconds != 40 || !longer.Progress[0].DoneAt.Equal(half.Progress[0].DoneAt) {
			t.Errorf("again, longer: %+v, %v", longer, err)
		}
		whole, _, err := p.RecordProgress(t.Context(), learner, e.ID, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		if whole.Status != training.Completed || whole.LessonsDone != 2 || whole.CompletedAt == nil || len(whole.Progress) != 2 || whole.Progress[0].Lesson != 1 {
			t.Errorf("whole: %+v", whole)
		}
		// 365 days of the course, but six months of its strictest requirement.
		if want := training.ExpiresAt(*whole.CompletedAt, 365, 6); !whole.ExpiresAt.Equal(*want) {
			t.Errorf("expires %v, want %v", whole.ExpiresAt, want)
		}
		if known, _, _, err := p.Enroll(t.Context(), learner, 1); err != nil || !reflect.DeepEqual(known, whole) {
			t.Errorf("enrolled again: %+v, %v; progress answered %+v", known, err, whole)
		}
		if got := value[string](t, url, `SELECT coalesce(string_agg(action || ' by ' || coalesce(actor_id, 0), ','), '') FROM audit_log
			WHERE subject = 'certificates'`); got != "recordProgress by 1" {
			t.Errorf("the audit log says %q of the certificate", got)
		}
		later, _, err := p.RecordProgress(t.Context(), learner, e.ID, 1, 99)
		if err != nil || later.Status != training.Completed || !later.CompletedAt.Equal(*whole.CompletedAt) || !later.ExpiresAt.Equal(*whole.ExpiresAt) {
			t.Errorf("later: %+v, %v", later, err)
		}
		if n := value[int64](t, url, `SELECT count(*) FROM lesson_progress WHERE data_zone = 'eu' AND company_id = 1 AND user_id = 1`); n != 2 {
			t.Errorf("%d lessons done", n)
		}
	})
}

func TestProgressAtOnceIsCountedOnce(t *testing.T) {
	p, _ := open(t)
	e, _, _, err := p.Enroll(t.Context(), learner, 1)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for n := range 12 {
		group.Go(func() {
			if _, _, err := p.RecordProgress(t.Context(), learner, e.ID, 1+n%2*2, n); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	after, _, err := p.RecordProgress(t.Context(), learner, e.ID, 1, 0)
	if err != nil || after.LessonsDone != 2 || after.Status != training.Completed {
		t.Errorf("%+v, %v", after, err)
	}
}

func TestWhatIsNotOnesOwnProgress(t *testing.T) {
	p, url := open(t)
	e, _, _, err := p.Enroll(t.Context(), learner, 2)
	if err != nil {
		t.Fatal(err)
	}
	stranger := training.Principal{UserID: 4, CompanyID: 2, Role: training.Learner}
	colleague := training.Principal{UserID: 2, CompanyID: 1, Role: training.Learner}
	manager := training.Principal{UserID: 2, CompanyID: 1, Role: training.Manager}
	elsewhere := training.Principal{UserID: 1, CompanyID: 2, Role: training.Learner}
	for name, c := range map[string]struct {
		who             training.Principal
		id              int64
		lesson, seconds int
		want            training.Code
	}{
		"a stranger":         {stranger, e.ID, 1, 1, training.NotFound},
		"a colleague":        {colleague, e.ID, 1, 1, training.NotFound},
		"a manager":          {manager, e.ID, 1, 1, training.NotFound},
		"in another company": {elsewhere, e.ID, 1, 1, training.NotFound},
		"no enrollment":      {learner, 99, 1, 1, training.NotFound},
		"no lesson":          {learner, e.ID, 9, 1, training.NotFound},
		"far from a lesson":  {learner, e.ID, 1 << 40, 1, training.NotFound},
		"before a lesson":    {learner, e.ID, -1 << 40, 1, training.NotFound},
		"a quiz":             {learner, e.ID, 2, 1, training.Invalid},
		"negative seconds":   {learner, e.ID, 1, -1, training.Invalid},
		"too many seconds":   {learner, e.ID, 1, 1 << 40, training.Invalid},
	} {
		if _, _, err := p.RecordProgress(t.Context(), c.who, c.id, c.lesson, c.seconds); training.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	pgtest.Exec(t, url, `UPDATE enrollments SET status = 'expired'`)
	if _, _, err := p.RecordProgress(t.Context(), learner, e.ID, 1, 1); training.CodeOf(err) != training.Conflict {
		t.Errorf("in an expired enrollment: %v", err)
	}
	if n := value[int64](t, url, `SELECT count(*) FROM lesson_progress`); n != 0 {
		t.Errorf("%d lessons done", n)
	}
}

func TestARequestNeedsFewerThanFiveStatements(t *testing.T) {
	seen := &observed{}
	p, _ := open(t, func(c *primary.Config) { c.Observe = seen.see })
	var e training.Enrollment
	var s training.Session
	var k training.APIKey
	keyed := training.WithCaller(t.Context(), training.Caller{IdempotencyKey: "k"})
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"login", func() (err error) {
			s, _, err = p.Login(t.Context(), training.LoginRequest{Login: "änne@example.com", Password: "right"})
			return err
		}},
		{"refresh", func() error {
			_, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: s.RefreshToken})
			return err
		}},
		{"reuse", func() error {
			if _, _, err := p.Refresh(t.Context(), training.RefreshRequest{Token: s.RefreshToken}); training.CodeOf(err) != training.Unauthorized {
				return err
			}
			return nil
		}},
		{"where from", func() error { _, err := p.KnowsSource(t.Context(), "änne@example.com", "192.0.2.1"); return err }},
		{"logout", func() error { _, err := p.Logout(t.Context(), s.Principal); return err }},
		{"API key", func() (err error) {
			k, _, _, err = p.CreateAPIKey(keyed, learner, training.NewAPIKey{Name: "k", Scopes: []string{"me:read"}})
			return err
		}},
		{"revoke", func() error { _, err := p.RevokeAPIKey(keyed, learner, k.ID); return err }},
		{"revoke again", func() error { _, err := p.RevokeAPIKey(t.Context(), learner, k.ID); return err }},
		{"enroll", func() (err error) { e, _, _, err = p.Enroll(keyed, learner, 1); return err }},
		{"enroll again", func() error {
			_, _, _, err := p.Enroll(training.WithCaller(t.Context(), training.Caller{IdempotencyKey: "l"}), learner, 1)
			return err
		}},
		{"progress", func() error { _, _, err := p.RecordProgress(t.Context(), learner, e.ID, 1, 1); return err }},
		{"completion", func() error { _, _, err := p.RecordProgress(t.Context(), learner, e.ID, 3, 1); return err }},
	} {
		seen.take()
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if types, total := seen.take(); total >= 5 || types["wal_insert"]+types["commit"] != 1 && step.name != "where from" {
			t.Errorf("%s: %v", step.name, types)
		}
	}
}
