package primary_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/primary"
	"outpost/server/training"
)

// assigner is learner 2 of the fixture, with the rights of an administrator.
var assigner = training.Principal{UserID: 2, CompanyID: 1, Role: training.Admin, Locale: "de", Zone: "eu"}

// staffed is a fixture with an administrator, and so many more people from key 10 on: those with odd
// keys in IT.
func staffed(t *testing.T, people int, change ...func(*primary.Config)) (*primary.Primary, string) {
	t.Helper()
	p, url := open(t, change...)
	pgtest.Exec(
		t, url, `UPDATE users SET role = 'admin' WHERE id = 2`,
		fmt.Sprintf(`INSERT INTO users (id, company_id, data_zone, email, full_name, department)
			SELECT i, 1, 'eu', 'staff' || i || '@example.com', 'Staff', CASE i %% 2 WHEN 1 THEN 'IT' ELSE 'Sales' END
			FROM generate_series(10, %d) i`, 9+people),
		`SELECT setval(pg_get_serial_sequence('users', 'id'), 100000)`,
	)
	return p, url
}

func assignment(t *testing.T, p *primary.Primary, n training.NewAssignment) training.Assignment {
	t.Helper()
	a, lsn, err := p.CreateAssignment(t.Context(), assigner, n)
	if err != nil || lsn == 0 {
		t.Fatalf("%+v: %v", n, err)
	}
	return a
}

func assign(t *testing.T, p *primary.Primary, at time.Time) {
	t.Helper()
	if err := p.Assign(t.Context(), at); err != nil {
		t.Fatal(err)
	}
}

// enrollments are the enrollments in course 1 as user:cycle:status:assignment:due, due in days from now.
func enrollments(t *testing.T, url string) []string {
	t.Helper()
	return strings.Fields(value[string](t, url, `
		SELECT coalesce(string_agg(concat_ws(':', user_id, cycle, status, coalesce(assignment_id::text, '-'),
			coalesce(round(extract(epoch FROM due_at - now()) / 86400)::text, '-')), ' ' ORDER BY user_id, cycle), '')
		FROM enrollments WHERE course_id = 1`))
}

func expect(t *testing.T, url string, want ...string) {
	t.Helper()
	if got := enrollments(t, url); !slices.Equal(got, want) {
		t.Errorf("enrollments are %q, want %q", got, want)
	}
}

func in(days int) *time.Time {
	at := time.Now().Add(time.Duration(days) * 24 * time.Hour).Truncate(time.Microsecond)
	return &at
}

func TestADepartmentIsHandedItsAssignment(t *testing.T) {
	inModes(t, departmentIsHandedItsAssignment)
}

func departmentIsHandedItsAssignment(t *testing.T, mode func(*primary.Config)) {
	p, url := staffed(t, 4, mode)
	a := assignment(t, p, training.NewAssignment{CourseID: 1, Scope: training.DepartmentScope, Department: "IT", DueAt: in(30)})
	if a.CourseTitle != "Eins" || a.CreatedBy != 2 || a.Version != 1 || a.DueAt.Location() != time.UTC {
		t.Errorf("%+v", a)
	}
	expect(t, url) // by the worker, not by the request
	assign(t, p, time.Now())
	expect(t, url, "11:1:assigned:1:30", "13:1:assigned:1:30")
	assign(t, p, time.Now())
	expect(t, url, "11:1:assigned:1:30", "13:1:assigned:1:30")

	// Whoever comes in, in whatever way, has it in the same transaction.
	pgtest.Exec(
		t, url,
		`INSERT INTO users (id, company_id, data_zone, email, full_name, department, is_active) VALUES
			(20, 1, 'eu', 'new@example.com', 'New', 'IT', true), (21, 1, 'eu', 'sales@example.com', 'Sales', 'Sales', true),
			(22, 1, 'eu', 'away@example.com', 'Away', 'IT', false), (23, 2, 'us', 'elsewhere@example.com', 'Elsewhere', 'IT', true)`,
	)
	expect(t, url, "11:1:assigned:1:30", "13:1:assigned:1:30", "20:1:assigned:1:30")
	pgtest.Exec(t, url, `UPDATE users SET department = 'IT' WHERE id = 10`, `UPDATE users SET is_active = true WHERE id = 22`,
		`UPDATE users SET company_id = 1, data_zone = 'eu' WHERE id = 23`, `UPDATE users SET full_name = 'X'`)
	expect(t, url, "10:1:assigned:1:30", "11:1:assigned:1:30", "13:1:assigned:1:30", "20:1:assigned:1:30", "22:1:assigned:1:30", "23:1:assigned:1:30")
	// Whoever leaves the department keeps it; whoever leaves the company does not.
	pgtest.Exec(t, url, `UPDATE enrollments SET status = 'in_progress', started_at = now() WHERE user_id = 11`,
		`UPDATE users SET department = 'Sales' WHERE id = 13`, `UPDATE users SET company_id = 2, data_zone = 'us' WHERE id IN (10, 11)`)
	expect(t, url, "11:1:in_progress:-:-", "13:1:assigned:1:30", "20:1:assigned:1:30", "22:1:assigned:1:30", "23:1:assigned:1:30")
	if zone := value[string](t, url, `SELECT data_zone FROM enrollments WHERE user_id = 11`); zone != "us" {
		t.Errorf("the zone is %q", zone)
	}
	if n := value[int64](t, url, `SELECT count(*) FROM audit_log WHERE subject = 'assignments' AND action = 'createAssignment' AND actor_id = 2`); n != 1 {
		t.Errorf("%d entries in the audit log", n)
	}
	if n := value[int64](t, url, `SELECT count(*) FROM audit_log WHERE subject = 'enrollments' AND action = 'handOut' AND actor_id IS NULL`); n != 2 {
		t.Errorf("%d entries in the audit log of what the worker did", n)
	}
}

func TestAPersonHasAnAssignmentAtOnce(t *testing.T) {
	p, url := staffed(t, 1)
	assignment(t, p, training.NewAssignment{CourseID: 1, Scope: training.UserScope, UserID: 10})
	expect(t, url, "10:1:assigned:1:-")
	if n := value[int64](t, url, `SELECT count(*) FROM assignment_runs WHERE finished_at IS NULL`); n != 0 {
		t.Errorf("%d runs are open", n)
	}
}

// TestWhatSomebodyHasDoneCounts holds the table of who gets what.
func TestWhatSomebodyHasDoneCounts(t *testing.T) {
	for name, c := range map[string]struct {
		had  string // of user 1 in course 1: cycle, status, due, started, completed, expires
		want []string
	}{
		"nothing":                   {``, []string{"1:1:assigned:1:30"}},
		"taken up":                  {`1, 'assigned', NULL, NULL, NULL, NULL`, []string{"1:1:assigned:1:30"}},
		"begun":                     {`1, 'in_progress', NULL, now(), NULL, NULL`, []string{"1:1:in_progress:1:30"}},
		"due later":                 {`1, 'in_progress', now() + interval '40 d', now(), NULL, NULL`, []string{"1:1:in_progress:1:30"}},
		"completed":                 {`1, 'completed', NULL, now(), now() - interval '1 d', NULL`, []string{"1:1:completed:-:-"}},
		"completed for a while":     {`1, 'completed', NULL, now(), now() - interval '1 d', now() + interval '1 d'`, []string{"1:1:completed:-:-"}},
		"run out, not written down": {`2, 'completed', NULL, now(), now() - interval '2 d', now() - interval '1 d'`, []string{"1:2:expired:-:-", "1:3:assigned:1:30"}},
		"run out":                   {`2, 'expired', NULL, now(), now() - interval '2 d', now() - interval '1 d'`, []string{"1:2:expired:-:-", "1:3:assigned:1:30"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, url := staffed(t, 0)
			if c.had != "" {
				pgtest.Exec(t, url, `INSERT INTO enrollments (company_id, data_zone, user_id, course_id, cycle, status, due_at, started_at, completed_at, expires_at)
					VALUES (1, 'eu', 1, 1, `+c.had+`)`)
			}
			assignment(t, p, training.NewAssignment{CourseID: 1, Scope: training.CompanyScope, DueAt: in(30)})
			assign(t, p, time.Now())
			expect(t, url, append(c.want, "2:1:assigned:1:30")...)
		})
	}
}

func TestOfTwoAssignmentsTheEarlierCounts(t *testing.T) {
	p, url := staffed(t, 2)
	assignment(t, p, training.NewAssignment{CourseID: 1, Scope: training.CompanyScope, DueAt: in(30)})
	assignment(t, p, training.NewAssignment{CourseID: 1, Scope: training.DepartmentScope, Department: "IT", DueAt: in(10)})
	late := assignment(t, p, training.NewAssignment{CourseID: 1, Scope: training.UserScope, UserID: 10, DueAt: in(60)})
	assign(t, p, time.Now())
	expect(t, url, "1:1:assigned:1:30", "2:1:assigned:1:30", "10:1:assigned:1:30", "11:1:assigned:2:10")

	// Ended, it leaves what the others ask for.
	for _, id := range []int64{2, late.ID} {
		if _, err := p.EndAssignment(t.Context(), assigner, id, 0); err != nil {
			t.Fatal(err)
		}
	}
	assign(t, p, time.Now())
	expect(t, url, "1:1:assigned:1:30", "2:1:assigned:1:30", "10:1:assigned:1:30", "11:1:assigned:1:30")
}

func TestEndingTakesBackWhatWasNotBegun(t *testing.T) { inModes(t, endingTakesBack) }

func endingTakesBack(t *testing.T, mode func(*primary.Config)) {
	p, url := staffed(t, 3, mode)
	if _, _, _, err := p.Enroll(t.Context(), learner, 1); err != nil { // of the learner's own will
		t.Fatal(err)
	}
	a := assignment(t, p, training.NewAssignment{CourseID: 1, Scope: training.CompanyScope, DueAt: in(30), Recurrence: 1})
	assign(t, p, time.Now())
	pgtest.Exec(
		t, url, `UPDATE enrollments SET status = 'in_progress', started_at = now() WHERE user_id = 10`,
		`UPDATE enrollments SET status = 'completed', started_at = now(), completed_at = now() WHERE user_id = 11`,
	)
	if _, err := p.EndAssignment(t.Context(), assigner, a.ID, 7); training.CodeOf(err) != training.Precondition {
		t.Errorf("another version: %v", err)
	}
	stranger := training.Principal{UserID: 4, CompanyID: 2, Role: training.Learner}
	if _, err := p.EndAssignment(t.Context(), stranger, a.ID, 0); training.CodeOf(err) != training.NotFound {
		t.Errorf("a stranger: %v", err)
	}
	for range 2 {
		if _, err := p.EndAssignment(t.Context(), assigner, a.ID, a.Version); err != nil {
			t.Fatal(err)
		}
		assign(t, p, time.Now())
		expect(t, url, "1:1:assigned:1:-", "10:1:in_progress:1:-", "11:1:completed:1:30")
	}
	pgtest.Exec(t, url, `INSERT INTO users (id, company_id, data_zone, email, full_name) VALUES (20, 1, 'eu', 'new@example.com', 'New')`)
	assign(t, p, time.Now().AddDate(1, 0, 0))
	expect(t, url, "1:1:assigned:1:-", "10:1:in_progress:1:-", "11:1:completed:1:30")
	// That it took up what somebody had begun, and let it go, stands in the audit log.
	if n := value[int64](t, url, `SELECT count(*) FROM audit_log a JOIN enrollments e ON e.id = a.subject_id
		WHERE a.subject = 'enrollments' AND e.user_id = 1 AND a.details -> 'update' ? 'due_at' AND a.details -> 'update' ? 'assignment_id'`); n != 2 {
		t.Errorf("the audit log has %d changes of an enrollment", n)
	}
	// What has ended is not in the way of the same again.
	assignment(t, p, training.NewAssignment{CourseID: 1, Scope: training.CompanyScope, DueAt: in(20), Recurrence: 1})
}

// TestOneAssignmentThatFailsHoldsUpNoOther, neither to be handed out nor to open again.
func TestOneAssignmentThatFailsHoldsUpNoOther(t *testing.T) {
	p, url := staffed(t, 2)
	bad := assignment(t, p, training.NewAssignment{CourseID: 1, Scope: training.CompanyScope, DueAt: in(30), Recurrence: 1})
	good := assignment(t, p, training.NewAssignment{CourseID: 2, Scope: training.CompanyScope, DueAt: in(30), Recurrence: 1})
	pgtest.Exec(
		t, url, `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'`,
		fmt.Sprintf(`CREATE TRIGGER fail BEFORE INSERT ON enrollments FOR EACH ROW WHEN (NEW.assignment_id = %d) EXECUTE FUNCTION fail()`, bad.ID),
		fmt.Sprintf(`CREATE TRIGGER fail BEFORE INSERT ON assignment_runs FOR EACH ROW WHEN (NEW.assignment_id = %d) EXECUTE FUNCTION fail()`, bad.ID),
	)
	if err := p.Assign(t.Context(), time.Now()); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("assignment %d:", bad.ID)) {
		t.Errorf("the failure is told as %v", err)
	}
	given := func(id int64) int64 {
		return value[int64](t, url, `SELECT count(*) FROM enrollments WHERE assignment_id = $1`, id)
	}
	if n := given(good.ID); n != 4 { // 1, 2, 10 and 11
		t.Errorf("the other was handed to %d people", n)
	}
	if err := p.Assign(t.Context(), in(31).Add(time.Hour)); err == nil {
		t.Error("opening the next occurrence did not fail")
	}
	if n := value[int64](t, url, `SELECT max(occurrence) FROM assignment_runs WHERE assignment_id = $1`, good.ID); n != 2 {
		t.Errorf("the other is at its occurrence %d", n)
	}
	pgtest.Exec(t, url, `DROP TRIGGER fail ON enrollments`, `DROP TRIGGER fail ON assignment_runs`)
	assign(t, p, time.Now())
	if n := given(bad.ID); n != 4 {
		t.Errorf("once nothing is wrong it was handed to %d people", n)
	}
}

// TestNothingNewIsAskedForInVain: of a company that is not active, of a course that was withdrawn.
func TestNothingNewIsAskedForInVain(t *testing.T) {
	for name, c := range map[string]struct{ stop, resume string }{
		"company": {`UPDATE companies SET is_active = false`, `UPDATE companies SET is_active = true`},
		"course":  {`UPDATE courses SET is_published = false`, `UPDATE courses SET is_published = true WHERE id = 1`},
	} {
		t.Run(name, func(t *testing.T) {
			p, url := staffed(t, 1)
			a := assignment(t, p, training.NewAssignment{CourseID: 1, Scope: training.CompanyScope, DueAt: in(30), Recurrence: 1})
			occurrence := func() int64 {
				return value[int64](t, url, `SELECT max(occurrence) FROM assignment_runs WHERE assignment_id = $1`, a.ID)
			}
			pgtest.Exec(t, url, c.stop)
			later := in(31).Add(time.Hour)
			if assign(t, p, later); occurrence() != 1 {
				t.Errorf("occurrence %d was opened", occurrence())
			}
			pgtest.Exec(t, url, c.resume)
			if assign(t, p, later); occurrence() != 2 {
				t.Errorf("afterwards it is at %d", occurrence())
			}
		})
	}
}

func TestARecurringAssignmentOpensTheNextCycle(t *testing.T) { inModes(t, recurringAssignment) }

func recurringAssignment(t *testing.T, mode func(*primary.Config)) {
	p, url := staffed(t, 3, mode)
	a := assignment(t, p, training.NewAssignment{CourseID: 1, Scope: training.DepartmentScope, Department: "IT", DueAt: in(30), Recurrence: 2})
	pgtest.Exec(t, url, `UPDATE users SET department = 'IT' WHERE id IN (10, 12)`)
	assign(t, p, time.Now())
	expect(t, url, "10:1:assigned:1:30", "11:1:assigned:1:30", "12:1:assigned:1:30")

	// A hundred days pass: what was made for then is moved into the past.
	pgtest.Exec(
		t, url, `UPDATE assignments SET created_at = created_at - interval '100 d', due_at = due_at - interval '100 d'`,
		`UPDATE assignment_runs SET opens_at = opens_at - interval '100 d', due_at = due_at - interval '100 d', next_at = next_at - interval '100 d'`,
		`UPDATE enrollments SET created_at = created_at - interval '100 d', due_at = due_at - interval '100 d'`,
		// 10 was done in time, 11 late, 12 not at all.
		`UPDATE enrollments SET status = 'completed', completed_at = now() - interval '80 d', expires_at = now() + interval '285 d' WHERE user_id = 10`,
		`UPDATE enrollments SET status = 'completed', completed_at = now() - interval '5 d' WHERE user_id = 11`,
	)
	due := a.DueAt.Add(-100 * 24 * time.Hour)
	then := training.Assignment{CreatedAt: a.CreatedAt.Add(-100 * 24 * time.Hour), DueAt: &due, Recurrence: 2}
	next := then.Occurrence(time.Now())
	if next.Number != 3 {
		t.Fatalf("the occurrence is %+v", next)
	}
	left := int(time.Until(*next.DueAt).Hours()/24 + 0.5)
	assign(t, p, time.Now())
	want := []string{"10:1:completed:1:-70", fmt.Sprintf("10:2:assigned:1:%d", left), "11:1:completed:1:-70", "12:1:assigned:1:-70"}
	// (It opened more than a week ago, before 11 was done.)
	expect(t, url, want...)
	assign(t, p, time.Now())
	expect(t, url, want...)

	// 12 is done at last, which counts for the occurrence in which it was.
	pgtest.Exec(t, url, `UPDATE enrollments SET status = 'completed', completed_at = now() WHERE user_id = 12`)
	assign(t, p, time.Now())
	expect(t, url, append(want[:len(want)-1], "12:1:completed:1:-70")...)
	// And with the next one begins another.
	assign(t, p, next.DueAt.Add(time.Second))
	if n := value[int64](t, url, `SELECT count(*) FROM enrollments WHERE user_id = 12 AND cycle = 2 AND status = 'assigned'`); n != 1 {
		t.Errorf("12 has %d second cycles", n)
	}
	if n := value[int64](t, url, `SELECT count(*) FROM enrollments WHERE user_id = 10`); n != 2 {
		t.Errorf("10 has %d cycles, and the second is open", n)
	}
}

func TestWhoComesAfterTheDueDateHasAsMuchTime(t *testing.T) {
	p, url := staffed(t, 0)
	assignment(t, p, training.NewAssignment{CourseID: 1, Scope: training.CompanyScope, DueAt: in(30)})
	assign(t, p, time.Now())
	pgtest.Exec(
		t, url, `UPDATE assignment_runs SET opens_at = opens_at - interval '50 d', due_at = due_at - interval '50 d'`,
		`INSERT INTO users (id, company_id, data_zone, email, full_name) VALUES (20, 1, 'eu', 'new@example.com', 'New')`,
	)
	expect(t, url, "1:1:assigned:1:30", "2:1:assigned:1:30", "20:1:assigned:1:30")
}

func TestManyWhoJoinAtOnceAreLeftToTheWorker(t *testing.T) {
	p, url := staffed(t, 0)
	assignment(t, p, training.NewAssignment{CourseID: 1, Scope: training.CompanyScope})
	assign(t, p, time.Now())
	began := time.Now()
	pgtest.Exec(t, url, `INSERT INTO users (company_id, data_zone, email, full_name)
		SELECT 1, 'eu', 'bulk' || i || '@example.com', 'Bulk' FROM generate_series(1, 3000) i`)
	t.Logf("3,000 people joined in %v", time.Since(began))
	if n := value[int64](t, url, `SELECT count(*) FROM enrollments`); n != 2 {
		t.Errorf("%d enrollments before the worker", n)
	}
	began = time.Now()
	assign(t, p, time.Now())
	t.Logf("and were seen to in %v", time.Since(began))
	if n := value[int64](t, url, `SELECT count(*) FROM enrollments`); n != 3002 {
		t.Errorf("%d enrollments", n)
	}
}

// TestNobodyFallsBetweenAssignmentsAndThoseWhoJoin makes people, moves them and assigns, all at once
// and with several workers.
func TestNobodyFallsBetweenAssignmentsAndThoseWhoJoin(t *testing.T) {
	p, url := staffed(t, 1200)
	var group sync.WaitGroup
	for n := range 4 {
		conn := pgtest.Connect(t, url)
		group.Go(func() {
			for i := range 25 {
				var err error
				if n%2 == 0 {
					_, err = conn.Exec(t.Context(), `INSERT INTO users (company_id, data_zone, email, full_name, department)
						VALUES (1, 'eu', $1, 'Late', 'IT')`, fmt.Sprintf("late%d-%d@example.com", n, i))
				} else {
					_, err = conn.Exec(t.Context(), `UPDATE users SET department = 'IT' WHERE id = $1`, 10+2*(25*n+i))
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Go(func() {
		for _, course := range []int64{1, 2} {
			if _, _, err := p.CreateAssignment(t.Context(), assigner, training.NewAssignment{CourseID: course, Scope: training.DepartmentScope, Department: "IT"}); err != nil {
				t.Error(err)
			}
		}
	})
	for range 3 {
		group.Go(func() {
			if err := p.Assign(t.Context(), time.Now()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	assign(t, p, time.Now())
	missing := value[int64](t, url, `SELECT count(*) FROM users u CROSS JOIN assignments a WHERE u.department = 'IT' AND u.company_id = 1
		AND NOT EXISTS (SELECT FROM enrollments e WHERE e.user_id = u.id AND e.assignment_id = a.id)`)
	if n := value[int64](t, url, `SELECT count(*) FROM enrollments`); missing != 0 || n < 2*650 {
		t.Errorf("%d of %d are missing", missing, n)
	}
}

// TestAnAssignmentWaitsForWhoIsJoining holds what keeps the two from missing each other: a run never
// begins while somebody is half in.
func TestAnAssignmentWaitsForWhoIsJoining(t *testing.T) {
	p, url := staffed(t, 0)
	tx, err := pgtest.Connect(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `UPDATE users SET department = 'IT' WHERE id = 1`); err != nil {
		t.Fatal(err)
	}
	made := make(chan error, 1)
	go func() {
		_, _, err := p.CreateAssignment(t.Context(), assigner, training.NewAssignment{CourseID: 1, Scope: training.DepartmentScope, Department: "IT"})
		if err == nil {
			err = p.Assign(t.Context(), time.Now())
		}
		made <- err
	}()
	const waiting = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
	for deadline := time.Now().Add(20 * time.Second); value[int64](t, url, waiting) == 0; {
		select {
		case err := <-made:
			t.Fatalf("it did not wait: %v", err)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("it neither waits nor is made")
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-made; err != nil {
		t.Fatal(err)
	}
	expect(t, url, "1:1:assigned:1:-")
}

func TestWhatIsAssignedToThemAlreadyIsRefused(t *testing.T) {
	p, url := staffed(t, 1)
	n := training.NewAssignment{CourseID: 1, Scope: training.UserScope, UserID: 10}
	var group sync.WaitGroup
	results := make([]error, 8)
	for i := range results {
		group.Go(func() { _, _, results[i] = p.CreateAssignment(t.Context(), assigner, n) })
	}
	group.Wait()
	made := 0
	for _, err := range results {
		switch {
		case err == nil:
			made++
		case training.CodeOf(err) != training.Conflict:
			t.Error(err)
		}
	}
	if made != 1 {
		t.Errorf("%d of 8 were made", made)
	}
	expect(t, url, "10:1:assigned:1:-")

	for name, c := range map[string]struct {
		n      training.NewAssignment
		fields []string
	}{
		"an unpublished course":    {training.NewAssignment{CourseID: 3, Scope: training.CompanyScope}, []string{"course_id"}},
		"somebody else's person":   {training.NewAssignment{CourseID: 1, Scope: training.UserScope, UserID: 4}, []string{"user_id"}},
		"somebody who has left":    {training.NewAssignment{CourseID: 1, Scope: training.UserScope, UserID: 3}, []string{"user_id"}},
		"nobody, in no course":     {training.NewAssignment{CourseID: 99, Scope: training.UserScope, UserID: 99}, []string{"course_id", "user_id"}},
		"a date that has passed":   {training.NewAssignment{CourseID: 99, Scope: training.CompanyScope, DueAt: in(-1)}, []string{"due_at", "course_id"}},
		"a department nobody has ": {training.NewAssignment{CourseID: 1, Scope: training.DepartmentScope, Department: "Nowhere"}, nil},
	} {
		_, _, err := p.CreateAssignment(t.Context(), assigner, c.n)
		var refused *training.Error
		if len(c.fields) == 0 {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if !errors.As(err, &refused) || refused.Code != training.Invalid || len(refused.Fields) != len(c.fields) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, f := range refused.Fields {
			if f.Field != c.fields[i] {
				t.Errorf("%s: %v", name, refused.Fields)
			}
		}
	}
}

func TestAssigningTwiceUnderOneKeyAssignsOnce(t *testing.T) {
	p, _ := staffed(t, 0)
	ctx := training.WithCaller(t.Context(), training.Caller{IdempotencyKey: "k", IP: "192.0.2.1"})
	n := training.NewAssignment{CourseID: 1, Scope: training.CompanyScope, DueAt: in(30), Recurrence: 12}
	first, _, err := p.CreateAssignment(ctx, assigner, n)
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := p.CreateAssignment(ctx, assigner, n)
	if err != nil || again.ID != first.ID || !again.DueAt.Equal(*first.DueAt) {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestCompletionsThatRunOutAreWrittenDown(t *testing.T) {
	p, url := open(t)
	pgtest.Exec(t, url, `INSERT INTO enrollments (company_id, data_zone, user_id, course_id, cycle, status, completed_at, expires_at)
		SELECT 1, 'eu', 1, 1, i, 'completed', now() - interval '1 y', now() + (i - 1100) * interval '1 s' - interval '1 s' FROM generate_series(1, 1200) i`)
	assign(t, p, time.Now())
	if n := value[int64](t, url, `SELECT count(*) FROM enrollments WHERE status = 'expired'`); n < 1100 || n > 1150 {
		t.Errorf("%d have run out", n)
	}
	assign(t, p, time.Now().Add(time.Hour))
	if n := value[int64](t, url, `SELECT count(*) FROM enrollments WHERE status = 'completed'`); n != 0 {
		t.Errorf("%d are left", n)
	}
}

func TestAssignmentsTakeFewerThanFiveStatements(t *testing.T) {
	var seen observed
	p, url := open(t, func(c *primary.Config) { c.Observe = seen.see })
	pgtest.Exec(t, url, `UPDATE users SET role = 'admin' WHERE id = 2`)
	ctx := training.WithCaller(t.Context(), training.Caller{IdempotencyKey: "k"})
	seen.take()
	a, _, err := p.CreateAssignment(ctx, assigner, training.NewAssignment{CourseID: 1, Scope: training.CompanyScope})
	if err != nil {
		t.Fatal(err)
	}
	if types, n := seen.take(); n > 4 {
		t.Errorf("making one takes %d statements: %v", n, types)
	}
	if _, err := p.EndAssignment(ctx, assigner, a.ID, 0); err != nil {
		t.Fatal(err)
	}
	if types, n := seen.take(); n > 4 {
		t.Errorf("ending one takes %d statements: %v", n, types)
	}
}
