package primary_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"outpost/replicate/change"
	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/primary"
	"outpost/server/training"
)

// openQuiz is open with quiz 1 in course 2, whose lessons are a text at 1 and the quiz at 2: of
// question 1 option 1 is right, of question 2 (multiple) options 4 and 5 are, of question 3 option
// 7 is. It takes 60 % and three attempts; the course holds for 30 days. Quiz 2, in the draft, has
// option 9.
func openQuiz(t *testing.T, change ...func(*primary.Config)) (*primary.Primary, string) {
	t.Helper()
	p, url := open(t, change...)
	pgtest.Exec(
		t, url,
		`UPDATE courses SET validity_days = 30 WHERE id = 2`,
		`INSERT INTO lessons (course_id, position, kind) VALUES (3, 1, 'quiz')`,
		`INSERT INTO quizzes (course_id, lesson_id, pass_percent, max_attempts) VALUES (2, 4, 60, 3), (3, 5, 60, NULL)`,
		`INSERT INTO questions (course_id, quiz_id, position, kind) VALUES (2, 1, 1, 'single'), (2, 1, 2, 'multiple'), (2, 1, 3, 'single'), (3, 2, 1, 'single')`,
		`INSERT INTO options (course_id, quiz_id, question_id, position) VALUES
			(2, 1, 1, 1), (2, 1, 1, 2), (2, 1, 1, 3), (2, 1, 2, 1), (2, 1, 2, 2), (2, 1, 2, 3), (2, 1, 3, 1), (2, 1, 3, 2), (3, 2, 4, 1)`,
		`INSERT INTO question_keys (question_id, option_id) VALUES (1, 1), (2, 4), (2, 5), (3, 7), (4, 9)`,
		`INSERT INTO question_explanations (question_id, locale, text) VALUES (1, 'de', 'Weil eins.'), (1, 'en', 'Because one.'), (2, 'en', 'Because four and five.')`,
	)
	return p, url
}

func given(question int64, options ...int64) training.Answer {
	return training.Answer{QuestionID: question, OptionIDs: options}
}

func allRight() []training.Answer {
	return []training.Answer{given(1, 1), given(2, 5, 4), given(3, 7)}
}

func oneRight() []training.Answer { return []training.Answer{given(1, 1), given(2, 4), given(3, 8)} }

func submission(answers []training.Answer) training.Submission {
	return training.Submission{QuizID: 1, Answers: answers, Locale: "de"}
}

func enrolledIn(t *testing.T, p *primary.Primary, course int64) training.Enrollment {
	t.Helper()
	e, _, _, err := p.Enroll(t.Context(), learner, course)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestPassingTheQuizCompletesTheCourse(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		p, url := openQuiz(t, mode)
		e := enrolledIn(t, p, 2)
		failed, lsn, err := p.SubmitAttempt(t.Context(), learner, submission(oneRight()))
		if err != nil || lsn == 0 {
			t.Fatal(err)
		}
		if failed.Number != 1 || failed.Score != 33 || failed.Passed || !failed.InTime || failed.Seconds != nil || *failed.AttemptsLeft != 2 || failed.Certificate != nil {
			t.Errorf("failed: %+v", failed)
		}
		if got := failed.Enrollment; got.Status != training.Assigned || *got.Score != 33 || got.LessonsDone != 0 || got.StartedAt != nil || got.NextLesson != 1 || got.Version != 2 {
			t.Errorf("the enrollment after failing: %+v", got)
		}
		if want := []training.GradedQuestion{{QuestionID: 1, Right: true}, {QuestionID: 2}, {QuestionID: 3}}; !slices.Equal(failed.Questions, want) {
			t.Errorf("%+v", failed.Questions)
		}
		if _, _, err := p.RecordProgress(t.Context(), learner, e.ID, 1, 40); err != nil {
			t.Fatal(err)
		}
		passed, _, err := p.SubmitAttempt(t.Context(), learner, submission(allRight()))
		if err != nil {
			t.Fatal(err)
		}
		if passed.Number != 2 || passed.Score != 100 || !passed.Passed || *passed.AttemptsLeft != 1 {
			t.Errorf("passed: %+v", passed)
		}
		if want := []training.GradedQuestion{
			{QuestionID: 1, Right: true, Explanation: "Weil eins."}, {QuestionID: 2, Right: true, Explanation: "Because four and five."}, {QuestionID: 3, Right: true},
		}; !slices.Equal(passed.Questions, want) {
			t.Errorf("%+v", passed.Questions)
		}
		got := passed.Enrollment
		if got.Status != training.Completed || got.LessonsDone != 2 || got.NextLesson != 0 || *got.Score != 100 || len(got.Progress) != 2 || got.Progress[1].Lesson != 2 ||
			!got.ExpiresAt.Equal(got.CompletedAt.AddDate(0, 0, 30)) {
			t.Errorf("the enrollment after passing: %+v", got)
		}
		c := passed.Certificate
		if c == nil || c.EnrollmentID != e.ID || c.CourseSlug != "two" || !c.IssuedAt.Equal(*got.CompletedAt) || !c.ExpiresAt.Equal(*got.ExpiresAt) {
			t.Fatalf("the certificate: %+v", c)
		}
		if code, ok := training.ParseCertificateCode(c.Code); !ok || code != c.Code {
			t.Errorf("the code is %q", c.Code)
		}
		if n := value[int64](t, url, `SELECT count(*) FROM certificates c JOIN enrollments e ON e.id = c.enrollment_id
			WHERE c.code = $1 AND c.issued_at = e.completed_at AND c.expires_at = e.expires_at AND c.user_id = 1 AND c.company_id = 1 AND c.data_zone = 'eu' AND c.course_id = 2`, c.Code); n != 1 {
			t.Errorf("%d such certificates", n)
		}
		if known, created, _, err := p.Enroll(t.Context(), learner, 2); err != nil || created || !reflect.DeepEqual(known, got) {
			t.Errorf("enrolled again: %+v, %v; the attempt answered %+v", known, err, got)
		}
		if answers := value[string](t, url, `SELECT string_agg(a.number || ':' || question_id || '-' || option_id, ' ' ORDER BY a.number, question_id, option_id)
			FROM quiz_attempt_answers JOIN quiz_attempts a ON a.id = quiz_attempt_id`); answers != "1:1-1 1:2-4 1:3-8 2:1-1 2:2-4 2:2-5 2:3-7" {
			t.Errorf("the answers are %s", answers)
		}
		if _, _, err := p.SubmitAttempt(t.Context(), learner, submission(allRight())); training.CodeOf(err) != training.Conflict {
			t.Errorf("once more after passing: %v", err)
		}
	})
}

func TestTheTextsCanCompleteTheCourseAfterTheQuiz(t *testing.T) {
	p, url := openQuiz(t)
	e := enrolledIn(t, p, 2)
	passed, _, err := p.SubmitAttempt(t.Context(), learner, submission(allRight()))
	if err != nil || passed.Enrollment.Status != training.InProgress || passed.Enrollment.NextLesson != 1 || passed.Certificate != nil {
		t.Fatalf("%+v, %v", passed, err)
	}
	whole, _, err := p.RecordProgress(t.Context(), learner, e.ID, 1, 5)
	if err != nil || whole.Status != training.Completed || whole.NextLesson != 0 {
		t.Fatalf("%+v, %v", whole, err)
	}
	for range 2 {
		if n := value[int64](t, url, `SELECT count(*) FROM certificates WHERE enrollment_id = $1 AND issued_at = $2 AND expires_at = $3`, e.ID, *whole.CompletedAt, *whole.ExpiresAt); n != 1 {
			t.Errorf("%d certificates", n)
		}
		// Doing a lesson again, even longer, issues no second one.
		if _, _, err := p.RecordProgress(t.Context(), learner, e.ID, 1, 500); err != nil {
			t.Fatal(err)
		}
	}
	pgtest.Exec(t, url, `UPDATE enrollments SET completed_at = now() - interval '2 d', expires_at = now() - interval '1 d'`)
	if _, _, err := p.SubmitAttempt(t.Context(), learner, submission(allRight())); training.CodeOf(err) != training.Conflict {
		t.Errorf("in a completion that has expired: %v", err)
	}
	next := enrolledIn(t, p, 2)
	again, _, err := p.SubmitAttempt(t.Context(), learner, submission(allRight()))
	if err != nil || again.Number != 1 || again.Enrollment.ID != next.ID {
		t.Fatalf("the next cycle: %+v, %v", again, err)
	}
	if _, _, err := p.RecordProgress(t.Context(), learner, next.ID, 1, 5); err != nil {
		t.Fatal(err)
	}
	if n := value[int64](t, url, `SELECT count(DISTINCT code) FROM certificates`); n != 2 {
		t.Errorf("%d certificates after two cycles", n)
	}
}

func TestAttemptsAreLimited(t *testing.T) {
	p, _ := openQuiz(t)
	enrolledIn(t, p, 2)
	for n := 1; n <= 3; n++ {
		got, _, err := p.SubmitAttempt(t.Context(), learner, submission(nil))
		if err != nil || got.Number != n || got.Score != 0 || *got.AttemptsLeft != 3-n {
			t.Fatalf("%+v, %v", got, err)
		}
		if told := got.Questions[0].Explanation != ""; told != (n == 3) {
			t.Errorf("attempt %d tells what is right: %v", n, told)
		}
	}
	_, _, err := p.SubmitAttempt(t.Context(), learner, submission(allRight()))
	if training.CodeOf(err) != training.Conflict || err.Error() != "submitAttempt: conflict: No attempt is left: 3 of 3 were used." {
		t.Errorf("a fourth attempt: %v", err)
	}
}

func TestAttemptsAtOnceAreCountedOneByOne(t *testing.T) {
	p, url := openQuiz(t)
	enrolledIn(t, p, 2)
	var group sync.WaitGroup
	var mu sync.Mutex
	var numbers []int
	refused := 0
	for range 12 {
		group.Go(func() {
			got, _, err := p.SubmitAttempt(t.Context(), learner, submission(oneRight()))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				numbers = append(numbers, got.Number)
			case training.CodeOf(err) == training.Conflict:
				refused++
			default:
				t.Error(err)
			}
		})
	}
	group.Wait()
	slices.Sort(numbers)
	if !slices.Equal(numbers, []int{1, 2, 3}) || refused != 9 {
		t.Errorf("attempts %v, %d refused", numbers, refused)
	}
	if n := value[int64](t, url, `SELECT count(*) FROM quiz_attempts`); n != 3 {
		t.Errorf("%d attempts", n)
	}
}

func TestTheSameKeyUsesUpNoAttempt(t *testing.T) {
	p, url := openQuiz(t)
	enrolledIn(t, p, 2)
	ctx := training.WithCaller(t.Context(), training.Caller{IdempotencyKey: "k"})
	first, _, err := p.SubmitAttempt(ctx, learner, submission(allRight()))
	if err != nil {
		t.Fatal(err)
	}
	again, lsn, err := p.SubmitAttempt(ctx, learner, submission(allRight()))
	if err != nil || lsn == 0 || !reflect.DeepEqual(again, first) {
		t.Errorf("again: %+v, %v\nfirst: %+v", again, err, first)
	}
	english := submission(allRight())
	english.Locale = "en"
	if _, _, err := p.SubmitAttempt(ctx, learner, english); err != nil {
		t.Errorf("the same answers by a browser in another language: %v", err)
	}
	if _, _, err := p.SubmitAttempt(ctx, learner, submission(oneRight())); training.CodeOf(err) != training.Invalid {
		t.Errorf("other answers under the key: %v", err)
	}
	if n := value[int64](t, url, `SELECT count(*) FROM quiz_attempts`); n != 1 {
		t.Errorf("%d attempts", n)
	}
}

func TestWhatCannotBeAttempted(t *testing.T) {
	p, url := openQuiz(t)
	other := training.Principal{UserID: 4, CompanyID: 2, Role: training.Learner}
	submit := func(who training.Principal, quiz int64, answers []training.Answer) error {
		_, _, err := p.SubmitAttempt(t.Context(), who, training.Submission{QuizID: quiz, Answers: answers, Locale: "en"})
		return err
	}
	if err := submit(learner, 1, allRight()); training.CodeOf(err) != training.Conflict {
		t.Errorf("without an enrollment: %v", err)
	}
	enrolledIn(t, p, 2)
	for name, c := range map[string]struct {
		who     training.Principal
		quiz    int64
		answers []training.Answer
		want    training.Code
	}{
		"no quiz":                     {learner, 99, nil, training.NotFound},
		"a quiz of a draft":           {learner, 2, nil, training.NotFound},
		"somebody who is not in it":   {other, 1, allRight(), training.Conflict},
		"a question of another quiz":  {learner, 1, []training.Answer{given(4, 9)}, training.Invalid},
		"an option of another":        {learner, 1, []training.Answer{given(1, 7)}, training.Invalid},
		"an option of nothing":        {learner, 1, []training.Answer{given(1, -1)}, training.Invalid},
		"two options where one is":    {learner, 1, []training.Answer{given(1, 1, 2)}, training.Invalid},
		"a question twice":            {learner, 1, []training.Answer{given(1, 1), given(1, 1)}, training.Invalid},
		"a token of a former company": {training.Principal{UserID: 1, CompanyID: 2, Role: training.Learner}, 1, nil, training.Unauthorized},
	} {
		if err := submit(c.who, c.quiz, c.answers); training.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	pgtest.Exec(t, url, `UPDATE enrollments SET status = 'expired'`)
	if err := submit(learner, 1, allRight()); training.CodeOf(err) != training.Conflict {
		t.Errorf("in an expired enrollment: %v", err)
	}
	if n := value[int64](t, url, `SELECT count(*) FROM quiz_attempts`); n != 0 {
		t.Errorf("%d attempts were used up", n)
	}
}

func TestAQuizWithATimeLimitIsStarted(t *testing.T) {
	inModes(t, func(t *testing.T, mode func(*primary.Config)) {
		p, url := openQuiz(t, mode)
		if _, _, _, err := p.StartQuiz(t.Context(), learner, 1); training.CodeOf(err) != training.Conflict {
			t.Errorf("without an enrollment: %v", err)
		}
		enrolledIn(t, p, 2)
		if _, _, _, err := p.StartQuiz(t.Context(), learner, 1); training.CodeOf(err) != training.Conflict {
			t.Errorf("without a time limit: %v", err)
		}
		pgtest.Exec(t, url, `UPDATE quizzes SET time_limit_seconds = 60 WHERE id = 1`)
		if _, _, err := p.SubmitAttempt(t.Context(), learner, submission(allRight())); training.CodeOf(err) != training.Conflict {
			t.Errorf("without a start: %v", err)
		}
		start, created, _, err := p.StartQuiz(t.Context(), learner, 1)
		if err != nil || !created || start.EndsAt.Sub(start.StartedAt) != time.Minute {
			t.Fatalf("%+v, %v, %v", start, created, err)
		}
		if again, created, _, err := p.StartQuiz(t.Context(), learner, 1); err != nil || created || again != start {
			t.Errorf("again: %+v, %v, %v", again, created, err)
		}
		shift(t, url, 30)
		got, _, err := p.SubmitAttempt(t.Context(), learner, submission(oneRight()))
		if err != nil || !got.InTime || got.Score != 33 || got.Seconds == nil || *got.Seconds < 30 || *got.Seconds > 59 {
			t.Fatalf("in time: %+v, %v", got, err)
		}
		if n := value[int64](t, url, `SELECT count(*) FROM quiz_starts`); n != 0 {
			t.Error("the start outlives its attempt")
		}
		begin(t, p)
		shift(t, url, 60+int(training.Grace/time.Second)+1)
		late, _, err := p.SubmitAttempt(t.Context(), learner, submission(allRight()))
		if err != nil || late.InTime || late.Score != 0 || late.Passed || late.Number != 2 || late.Questions[0].Right || *late.Enrollment.Score != 0 {
			t.Errorf("too late: %+v, %v", late, err)
		}
		begin(t, p)
		shift(t, url, 65)
		passed, _, err := p.SubmitAttempt(t.Context(), learner, submission(allRight()))
		if err != nil || !passed.InTime || !passed.Passed || passed.Number != 3 || passed.Enrollment.Progress[0].Seconds < 65 {
			t.Errorf("within the grace: %+v, %v", passed, err)
		}
		if _, _, _, err := p.StartQuiz(t.Context(), learner, 1); training.CodeOf(err) != training.Conflict {
			t.Errorf("a start after passing: %v", err)
		}
	})
}

func TestAStartThatRunsOutIsAnAttempt(t *testing.T) {
	p, url := openQuiz(t)
	enrolledIn(t, p, 2)
	pgtest.Exec(t, url, `UPDATE quizzes SET time_limit_seconds = 60, max_attempts = 2 WHERE id = 1`)
	begin(t, p)
	shift(t, url, 100)
	begin(t, p)
	if got := value[string](t, url, `SELECT number || ' ' || score || ' ' || passed || ' ' || seconds FROM quiz_attempts`); got != "1 0 false 60" {
		t.Errorf("the attempt that ran out is %s", got)
	}
	if score := value[int](t, url, `SELECT score FROM enrollments`); score != 0 {
		t.Errorf("the score is %d", score)
	}
	shift(t, url, 100)
	if _, _, _, err := p.StartQuiz(t.Context(), learner, 1); training.CodeOf(err) != training.Conflict {
		t.Errorf("a third start: %v", err)
	}
	// It still runs out as one: handing it in late uses up the second, not a third.
	if late, _, err := p.SubmitAttempt(t.Context(), learner, submission(allRight())); err != nil || late.Number != 2 || late.InTime || *late.AttemptsLeft != 0 {
		t.Errorf("late: %+v, %v", late, err)
	}
	// Whoever takes the limit away leaves no start behind that still counts.
	pgtest.Exec(t, url, `UPDATE quizzes SET max_attempts = 9`)
	begin(t, p)
	shift(t, url, 100)
	pgtest.Exec(t, url, `UPDATE quizzes SET time_limit_seconds = NULL`)
	if got, _, err := p.SubmitAttempt(t.Context(), learner, submission(allRight())); err != nil || !got.Passed || got.Seconds != nil {
		t.Errorf("without the limit: %+v, %v", got, err)
	}
}

// begin starts an attempt at quiz 1.
func begin(t *testing.T, p *primary.Primary) {
	t.Helper()
	if _, created, _, err := p.StartQuiz(t.Context(), learner, 1); err != nil || !created {
		t.Fatalf("starting: %v, %v", created, err)
	}
}

// shift makes what was started so many seconds older.
func shift(t *testing.T, url string, seconds int) {
	t.Helper()
	pgtest.Exec(t, url, fmt.Sprintf(`UPDATE quiz_starts SET started_at = started_at - interval '%d s', ends_at = ends_at - interval '%[1]d s'`, seconds))
}

func TestACertificateIsRevokedByItsCompany(t *testing.T) {
	p, url := openQuiz(t)
	e := enrolledIn(t, p, 1)
	for _, lesson := range []int{1, 3} {
		if _, _, err := p.RecordProgress(t.Context(), learner, e.ID, lesson, 1); err != nil {
			t.Fatal(err)
		}
	}
	code := value[string](t, url, `SELECT code FROM certificates`)
	pgtest.Exec(t, url, `UPDATE users SET role = 'admin' WHERE id IN (2, 4)`)
	admin := training.Principal{UserID: 2, CompanyID: 1, Role: training.Admin}
	foreign := training.Principal{UserID: 4, CompanyID: 2, Role: training.Admin}
	for name, c := range map[string]struct {
		who  training.Principal
		code string
	}{"another company's": {foreign, code}, "none": {admin, "0"}} {
		if _, err := p.RevokeCertificate(t.Context(), c.who, c.code); training.CodeOf(err) != training.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	var at time.Time
	for n := range 2 {
		lsn, err := p.RevokeCertificate(t.Context(), admin, code)
		if err != nil || lsn == 0 {
			t.Fatal(err)
		}
		revoked := value[time.Time](t, url, `SELECT revoked_at FROM certificates`)
		if n == 1 && !revoked.Equal(at) {
			t.Error("revoking it again moved the time")
		}
		at = revoked
	}
	if got := value[string](t, url, `SELECT string_agg(action || ' by ' || actor_id || ' of ' || company_id, ',') FROM audit_log
		WHERE subject = 'certificates' AND details ? 'update'`); got != "revokeCertificate by 2 of 1" {
		t.Errorf("the audit log says %q", got)
	}
}

func TestAQuizNeedsFewerThanFiveStatements(t *testing.T) {
	seen := &observed{}
	p, url := openQuiz(t, func(c *primary.Config) { c.Observe = seen.see })
	e := enrolledIn(t, p, 2)
	if _, _, err := p.RecordProgress(t.Context(), learner, e.ID, 1, 1); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, url, `UPDATE quizzes SET time_limit_seconds = 60 WHERE id = 1`, `UPDATE users SET role = 'admin' WHERE id = 2`)
	submit := func(answers []training.Answer) func(context.Context) (change.LSN, error) {
		return func(ctx context.Context) (change.LSN, error) {
			_, lsn, err := p.SubmitAttempt(ctx, learner, submission(answers))
			return lsn, err
		}
	}
	start := func(ctx context.Context) (change.LSN, error) {
		_, _, lsn, err := p.StartQuiz(ctx, learner, 1)
		return lsn, err
	}
	for n, step := range []struct {
		name string
		do   func(context.Context) (change.LSN, error)
	}{
		{"start", start},
		{"start while it runs", start},
		{"fail", submit(nil)},
		{"start again", start},
		{"pass", submit(allRight())},
		{"revoke", func(ctx context.Context) (change.LSN, error) {
			return p.RevokeCertificate(ctx, training.Principal{UserID: 2, CompanyID: 1, Role: training.Admin}, value[string](t, url, `SELECT code FROM certificates`))
		}},
	} {
		seen.take()
		if _, err := step.do(training.WithCaller(t.Context(), training.Caller{IdempotencyKey: fmt.Sprint("key-", n)})); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if types, total := seen.take(); total >= 5 || types["commit"] != 1 || types["begin_operation"] != 1 || types["remember"] != 1 {
			t.Errorf("%s: %v", step.name, types)
		}
	}
}
