package e2e

import (
	"bytes"
	"database/sql"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/pgcluster/pgtest"
)

// quiz is a quiz as a learner sees it.
type quiz struct {
	ID        int64
	Lesson    int
	Questions []struct {
		ID      int64
		Kind    string
		Options []struct{ ID int64 }
	}
}

type given struct {
	Question int64   `json:"question_id"`
	Options  []int64 `json:"option_ids"`
}

type graded struct {
	Number       int
	Score        int
	Passed       bool
	AttemptsLeft *int `json:"attempts_left"`
	Seconds      *int
	Questions    []struct {
		Right       bool
		Explanation *string
	}
	Enrollment struct {
		ID         int64
		Status     string
		NextLesson *int `json:"next_lesson"`
	}
	Certificate *struct{ Code string }
}

type verification struct {
	Valid    bool
	Status   string
	FullName string `json:"full_name"`
	Company  string
}

// answers are those to a quiz: right ones, or of all questions but the first, nothing.
func (w *world) answers(t *testing.T, q quiz, right bool) map[string][]given {
	t.Helper()
	conn := pgtest.Connect(t, w.url)
	out := []given{}
	for i, question := range q.Questions {
		if !right && i > 0 {
			break
		}
		rows, err := conn.Query(t.Context(), `SELECT option_id FROM question_keys WHERE question_id = $1`, question.ID)
		if err != nil {
			t.Fatal(err)
		}
		options, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, given{question.ID, options})
	}
	return map[string][]given{"answers": out}
}

// quizOf finds the quiz of a course through its lessons, as a client does.
func (c *client) quizOf(api, slug string) (quiz, answer) {
	c.t.Helper()
	var course struct {
		Lessons []struct {
			Position int
			Kind     string
		}
	}
	c.get(api+"/api/v1/courses/"+slug).into(c.t, &course)
	for _, l := range course.Lessons {
		if l.Kind != "quiz" {
			continue
		}
		var lesson struct{ Quiz struct{ ID int64 } }
		c.get(fmt.Sprintf("%s/api/v1/courses/%s/lessons/%d", api, slug, l.Position)).into(c.t, &lesson)
		a := c.get(fmt.Sprintf("%s/api/v1/quizzes/%d?locale=en", api, lesson.Quiz.ID))
		var q quiz
		a.into(c.t, &q)
		return q, a
	}
	c.t.Fatalf("%s has no quiz", slug)
	return quiz{}, answer{}
}

// TestACourseIsLearnedToItsCertificate goes through one edge, and verifies at another.
func TestACourseIsLearnedToItsCertificate(t *testing.T) {
	w := newWorld(t, []string{"fra", "iad", "syd"})
	const explained = "EXPLAINED-8d1f-ONLY-AFTERWARDS"
	pgtest.Exec(
		t, w.url,
		`UPDATE question_explanations SET text = '`+explained+`'`,
		`UPDATE quizzes SET max_attempts = 1 WHERE course_id = (SELECT id FROM courses WHERE slug = 'passwords-and-passkeys')`,
	)
	w.startInside(nil)
	iad, syd := w.api("iad"), w.api("syd")
	learner := w.login("iad", "user1@example.com")
	public := &client{t: t, http: learner.http}
	q, shown := learner.quizOf(iad, "phishing")
	attempts := fmt.Sprintf("%s/api/v1/quizzes/%d/attempts", iad, q.ID)
	e, _ := learner.enroll(iad, "phishing")
	var code, position string

	t.Run("the quiz gives nothing away", func(t *testing.T) {
		if len(q.Questions) < 5 || len(q.Questions[0].Options) < 3 {
			t.Fatalf("%s", shown.body)
		}
		for _, telling := range []string{`"right`, `correct"`, `"is_`, `"explanation`, explained} {
			if bytes.Contains(shown.body, []byte(telling)) {
				t.Errorf("the quiz says %q", telling)
			}
		}
	})
	t.Run("failing tells how many attempts are left", func(t *testing.T) {
		key := []string{"Idempotency-Key", "the-same-attempt"}
		first := learner.must(http.StatusCreated, http.MethodPost, attempts, w.answers(t, q, false), key...)
		again := learner.must(http.StatusCreated, http.MethodPost, attempts, w.answers(t, q, false), key...)
		if !bytes.Equal(first.body, again.body) {
			t.Errorf("the same key: %s, then %s", first.body, again.body)
		}
		var g graded
		first.into(t, &g)
		if g.Number != 1 || g.Passed || *g.AttemptsLeft != 4 || g.Certificate != nil || !g.Questions[0].Right || bytes.Contains(first.body, []byte(explained)) {
			t.Errorf("%s", first.body)
		}
		var list struct {
			Attempts     []graded
			AttemptsLeft *int `json:"attempts_left"`
		}
		learner.get(strings.Replace(attempts, iad, syd, 1), "Outpost-Position", again.position()).into(t, &list)
		if len(list.Attempts) != 1 || *list.AttemptsLeft != 4 {
			t.Errorf("elsewhere: %+v", list)
		}
	})
	t.Run("where to go on is the same on both engines", func(t *testing.T) {
		for lesson := 1; lesson < q.Lesson; lesson++ {
			a := learner.must(http.StatusOK, http.MethodPut, progressURL(iad, e.ID, lesson), map[string]int{"seconds": 10 * lesson})
			read := learner.get(enrollmentURL(syd, e.ID), "Outpost-Position", a.position())
			if !bytes.Equal(a.body, read.body) {
				t.Errorf("written %s, read %s", a.body, read.body)
			}
		}
	})
	t.Run("passing completes the course and certifies it", func(t *testing.T) {
		a := learner.must(http.StatusCreated, http.MethodPost, attempts, w.answers(t, q, true))
		var g graded
		a.into(t, &g)
		if g.Number != 2 || g.Score != 100 || !g.Passed || g.Enrollment.ID != e.ID || g.Enrollment.Status != "completed" || g.Enrollment.NextLesson != nil ||
			g.Certificate == nil || !bytes.Contains(a.body, []byte(explained)) {
			t.Fatalf("%s", a.body)
		}
		code, position = g.Certificate.Code, a.position()
		var read struct{ Status string }
		learner.get(enrollmentURL(syd, e.ID), "Outpost-Position", position).into(t, &read)
		if read.Status != "completed" {
			t.Errorf("elsewhere the enrollment is %s", read.Status)
		}
		learner.must(http.StatusConflict, http.MethodPost, attempts, w.answers(t, q, true))
	})
	t.Run("a quiz with a time limit and one attempt", func(t *testing.T) {
		timed, _ := learner.quizOf(iad, "passwords-and-passkeys")
		url := fmt.Sprintf("%s/api/v1/quizzes/%d", iad, timed.ID)
		learner.must(http.StatusConflict, http.MethodPost, url+"/start", nil) // not enrolled
		learner.enroll(iad, "passwords-and-passkeys")
		learner.must(http.StatusConflict, http.MethodPost, url+"/attempts", w.answers(t, timed, true)) // not started
		first := learner.must(http.StatusCreated, http.MethodPost, url+"/start", nil)
		second := learner.must(http.StatusOK, http.MethodPost, strings.Replace(url, iad, syd, 1)+"/start", nil)
		if !bytes.Equal(first.body, second.body) {
			t.Errorf("started twice: %s, %s", first.body, second.body)
		}
		a := learner.must(http.StatusCreated, http.MethodPost, url+"/attempts", w.answers(t, timed, false))
		var g graded
		a.into(t, &g)
		if g.Passed || *g.AttemptsLeft != 0 || g.Seconds == nil || !bytes.Contains(a.body, []byte(explained)) {
			t.Errorf("%s", a.body)
		}
		if b := learner.must(http.StatusConflict, http.MethodPost, url+"/start", nil); !bytes.Contains(b.body, []byte("1 of 1")) {
			t.Errorf("%s", b.body)
		}
	})
	verify := func(headers ...string) (v verification) {
		public.get(syd+"/api/v1/certificates/"+code, headers...).into(t, &v)
		return v
	}
	t.Run("verified at another edge by anybody", func(t *testing.T) {
		a := public.get(syd+"/api/v1/certificates/"+strings.ToLower(code), "Outpost-Position", position)
		var v verification
		a.into(t, &v)
		if !v.Valid || v.FullName == "" || v.Company == "" || bytes.Contains(a.body, []byte("user1")) || a.header.Get("Outpost-Region") != "syd" {
			t.Errorf("%s", a.body)
		}
		if again := verify(); again != v {
			t.Errorf("%+v, then %+v", v, again)
		}
		public.must(http.StatusNotFound, http.MethodGet, syd+"/api/v1/certificates/"+strings.Repeat("0", 28), nil)
		var mine struct{ Items []struct{ Code string } }
		learner.get(syd+"/api/v1/me/certificates").into(t, &mine)
		if len(mine.Items) != 1 || mine.Items[0].Code != code {
			t.Errorf("own certificates: %+v", mine)
		}
	})
	t.Run("its document is the same everywhere", func(t *testing.T) {
		there := public.get(syd + "/api/v1/certificates/" + code + "/pdf")
		here := public.get(iad + "/api/v1/certificates/" + code + "/pdf")
		if !bytes.HasPrefix(there.body, []byte("%PDF-")) || !bytes.Equal(there.body, here.body) || there.header.Get("ETag") != here.header.Get("ETag") ||
			there.header.Get("Content-Type") != "application/pdf" {
			t.Errorf("%v, %v", there.header, here.header)
		}
		public.must(http.StatusNotModified, http.MethodGet, syd+"/api/v1/certificates/"+code+"/pdf", nil, "If-None-Match", here.header.Get("ETag"))
	})
	t.Run("expiry comes with the clock", func(t *testing.T) {
		soon := time.Now().Add(2 * time.Second)
		pgtest.Exec(t, w.url, `UPDATE certificates SET expires_at = now() + interval '2 s' WHERE code = '`+code+`'`)
		eventually(t, "the certificate has expired", func() error {
			if v := verify(); v.Status != "expired" {
				return fmt.Errorf("it is %s", v.Status)
			}
			return nil
		})
		if time.Now().Before(soon) {
			t.Error("it expired before its time")
		}
	})
	t.Run("revoking is seen at once", func(t *testing.T) {
		manager := w.login("iad", "manager@example.com")
		a := manager.must(http.StatusNoContent, http.MethodDelete, iad+"/api/v1/certificates/"+code, nil)
		learner.must(http.StatusForbidden, http.MethodDelete, iad+"/api/v1/certificates/"+code, nil)
		if v := verify("Outpost-Position", a.position()); v.Valid || v.Status != "revoked" {
			t.Errorf("%+v", v)
		}
		public.must(http.StatusNotFound, http.MethodGet, syd+"/api/v1/certificates/"+code+"/pdf", nil, "Outpost-Position", a.position())
	})
	t.Run("no key leaves Postgres", func(t *testing.T) { w.keysStay(t, []byte(explained), []byte(code)) })
}

// keysStay searches every region's files, which do hold the control.
func (w *world) keysStay(t *testing.T, needle, control []byte) {
	found := 0
	err := filepath.WalkDir(w.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, needle) {
			t.Errorf("%s holds what is right", path)
		}
		if bytes.Contains(b, control) {
			found++
		}
		return err
	})
	if err != nil || found < len(w.regions) {
		t.Errorf("the search found its control in %d files: %v", found, err)
	}
	for _, region := range w.regions {
		file, err := sql.Open("sqlite", "file:"+w.replicaFile(region)+"?mode=ro&_pragma=busy_timeout(5000)")
		if err != nil {
			t.Fatal(err)
		}
		private := -1
		err = file.QueryRowContext(t.Context(), `SELECT count(*) FROM sqlite_schema
			WHERE name IN ('question_keys', 'question_explanations', 'quiz_attempt_answers', 'quiz_starts')`).Scan(&private)
		file.Close()
		if err != nil || private != 0 {
			t.Errorf("%s has %d of the tables: %v", region, private, err)
		}
	}
}
