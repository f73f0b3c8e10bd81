package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/mail/mailtest"
	"outpost/server/node"
	"outpost/server/training"
)

// step asks one operation for all that the document shows of it. Of each operation there is one, in
// an order in which each finds what it needs.
type step struct {
	operation string
	as        string                                   // an e-mail address; empty: who has the least role that may, in user1's company
	path      func(e *examples) map[string]string      // the parameters in the path
	body      func(e *examples, body map[string]any)   // what no document can hold: a secret, an id that was just made
	bend      map[string]func(e *examples, r *request) // what an example of a parameter needs beside it, or instead
	prepare   func(e *examples)                        // before each request
	learn     func(e *examples, a answer)              // what later steps need
}

// examples is a world that the document's examples are sent to.
type examples struct {
	t        *testing.T
	w        *world
	doc      *document
	queries  *queryLog
	db       *pgx.Conn
	tokens   *minter
	mails    *mailtest.Server
	edge     string
	position string            // of the newest answer, as a client would remember it
	known    map[string]string // what steps leave to later ones
	sent     int
}

// steps go from what is made to what is taken away.
func steps() []step {
	enrollment := func(e *examples) map[string]string {
		return map[string]string{"enrollment": e.known["enrollment"], "lesson": "1"}
	}
	course := func(*examples) map[string]string { return map[string]string{"course": "phishing", "lesson": "1"} }
	quiz := func(e *examples) map[string]string { // the one of the questions in the examples
		return map[string]string{"quiz": e.one(`SELECT quiz_id::text FROM questions WHERE id = 113`)}
	}
	certificate := func(e *examples) map[string]string {
		return map[string]string{"code": e.one(`SELECT max(code) FROM certificates
			WHERE revoked_at IS NULL AND company_id = (SELECT company_id FROM users WHERE email = 'user1@example.com')`)}
	}
	assignment := func(e *examples) map[string]string { return map[string]string{"assignment": e.known["assignment"]} }
	campaign := func(e *examples) map[string]string { return map[string]string{"campaign": e.known["campaign"]} }
	report := func(e *examples) map[string]string { return map[string]string{"report": e.known["report"]} }
	made := func(e *examples) map[string]string { return map[string]string{"course": e.known["course"]} }
	user := func(e *examples) map[string]string { return map[string]string{"user": e.known["user"]} }
	ownCompany := func(e *examples) map[string]string {
		return map[string]string{"company": e.one(`SELECT company_id::text FROM users WHERE email = 'manager@example.com'`)}
	}
	return []step{
		{operation: "live"},
		{operation: "ready"},
		{operation: "openapi"},
		{operation: "docs"},
		{operation: "docsFile", path: func(*examples) map[string]string { return map[string]string{"file": "start.js"} }},
		{operation: "status"},
		{operation: "statusStream"},
		{operation: "statusHistory"},
		{operation: "login", learn: func(e *examples, a answer) { e.keep(a, "refresh_token") }},
		{operation: "refresh", body: func(e *examples, body map[string]any) { body["refresh_token"] = e.known["refresh_token"] }},
		{operation: "me"},
		{operation: "updateMe", bend: map[string]func(*examples, *request){"If-Match": func(e *examples, r *request) {
			r.Header.Set("If-Match", `"`+e.one(`SELECT version::text FROM users WHERE email = 'user1@example.com'`)+`.0123456789abcdef"`)
		}}},
		{operation: "listCourses", bend: map[string]func(*examples, *request){"sort": func(_ *examples, r *request) {
			if q := r.URL.Query(); q.Get("sort") == "relevance" { // of what is sought
				q.Set("q", "passw")
				r.URL.RawQuery = q.Encode()
			}
		}}},
		{operation: "createCourse", learn: func(e *examples, a answer) { e.keepAs(a, "id", "course") }},
		{operation: "getCourseSource", path: made},
		{operation: "putCourse", path: made, bend: unchanged("courses", "course")},
		{operation: "deleteCourse", path: func(e *examples) map[string]string {
			return map[string]string{"course": e.one(`INSERT INTO courses (slug, category, minutes, version)
				VALUES ('to-go-' || (SELECT count(*) FROM courses), 'email', 1, 3) RETURNING id::text`)}
		}},
		{operation: "getCourse", path: course},
		{operation: "getLesson", path: course},
		{operation: "listFrameworks"},
		{operation: "enroll", learn: func(e *examples, a answer) { e.keepAs(a, "id", "enrollment") }},
		{operation: "getEnrollment", path: enrollment},
		{operation: "recordProgress", path: enrollment},
		{operation: "listMyEnrollments"},
		{operation: "getQuiz", path: quiz},
		{operation: "submitAttempt", path: quiz},
		{operation: "listAttempts", path: quiz},
		{operation: "startQuiz", path: func(e *examples) map[string]string {
			return map[string]string{"quiz": e.one(`UPDATE quizzes SET time_limit_seconds = 600
				WHERE course_id = (SELECT course_id FROM enrollments WHERE id = ` + e.known["enrollment"] + `) RETURNING id::text`)}
		}},
		{operation: "listMyCertificates"},
		{operation: "verifyCertificate", path: certificate},
		{operation: "certificatePDF", path: certificate},
		{operation: "revokeCertificate", path: certificate},
		{operation: "createAssignment", prepare: func(e *examples) {
			eventually(e.t, "no assignment stands in the way", func() error { // handing out may lock the same rows
				_, err := e.db.Exec(e.t.Context(), `UPDATE assignments SET ended_at = now() WHERE course_id = 15 AND ended_at IS NULL`)
				return err
			})
		}, learn: func(e *examples, a answer) { e.keepAs(a, "id", "assignment") }},
		{operation: "listAssignments"},
		{operation: "listEnrollments"},
		{operation: "remind"},
		{operation: "getAssignment", path: assignment},
		{operation: "endAssignment", path: assignment},
		{operation: "createPhishingCampaign", learn: func(e *examples, a answer) { e.keepAs(a, "id", "campaign") }},
		{operation: "recordPhishing", body: func(e *examples, body map[string]any) {
			events, _ := body["events"].([]any)
			for _, event := range events {
				if one, ok := event.(map[string]any); ok {
					one["campaign_id"] = json.Number(e.known["campaign"])
				}
			}
		}},
		{operation: "listPhishingCampaigns"},
		{operation: "getPhishingCampaign", path: campaign},
		{operation: "updatePhishingCampaign", path: campaign, bend: unchanged("phishing_campaigns", "campaign")},
		{operation: "getDashboard"},
		{operation: "getAnalytics"},
		{operation: "getMyRisk"},
		{operation: "getUserRisk", path: func(e *examples) map[string]string {
			return map[string]string{"user": e.one(`SELECT id::text FROM users WHERE email = 'user1@example.com'`)}
		}},
		{operation: "requestComplianceReport", learn: func(e *examples, a answer) { e.keepAs(a, "report_id", "report") }},
		{operation: "requestReport"},
		{operation: "listReports", bend: map[string]func(*examples, *request){"fields": func(_ *examples, r *request) {
			r.URL.RawQuery = "fields=report_id" // as it is called here
		}}},
		{operation: "getReportStatus", path: report},
		{operation: "getReport", path: report, prepare: func(e *examples) {
			eventually(e.t, "the report is completed", func() error {
				if state := e.one(`SELECT state || ' ' || error FROM reports WHERE id::text = $1`, e.known["report"]); state != "completed " {
					return errors.New(state)
				}
				return nil
			})
		}},
		{operation: "cancelReport", path: func(e *examples) map[string]string {
			return map[string]string{"report": e.one(`INSERT INTO reports (company_id, data_zone, requested_by, type, format, scope)
				SELECT company_id, data_zone, id, 'to-go', 'pdf', 'user' FROM users WHERE email = 'user1@example.com' RETURNING id::text`)}
		}},
		{operation: "createReportSchedule", as: "manager@example.com", prepare: func(e *examples) {
			e.one(`WITH gone AS (DELETE FROM report_schedules RETURNING id) SELECT count(*)::text FROM gone`) // of equal ones there is one
		}, body: func(_ *examples, body map[string]any) {
			if body["first_at"] != nil { // within the next year
				body["first_at"] = time.Now().AddDate(0, 1, 0).UTC().Format(time.RFC3339)
			}
		}},
		{operation: "listReportSchedules", as: "manager@example.com"},
		{operation: "deleteReportSchedule", as: "manager@example.com", path: func(e *examples) map[string]string {
			return map[string]string{"schedule": e.one(`INSERT INTO report_schedules (company_id, data_zone, user_id, type, format, locale, cadence, first_at, next_at)
				SELECT company_id, data_zone, id, 'risk', 'csv', 'en', 'weekly', now() + interval '1 day', now() + interval '1 day'
				FROM users WHERE email = 'manager@example.com' RETURNING id::text`)}
		}},
		{operation: "exportMe"},
		{operation: "jwks"},
		{operation: "createAPIKey", learn: func(e *examples, a answer) { e.keepAs(a, "id", "key") }},
		{operation: "listAPIKeys"},
		{operation: "revokeAPIKey", path: func(e *examples) map[string]string { return map[string]string{"key": e.known["key"]} }},
		{operation: "createCompany", prepare: func(e *examples) {
			e.one(`WITH gone AS (DELETE FROM companies WHERE slug IN ('mueller-soehne-ag', 'nordwind-spedition') RETURNING id) SELECT count(*)::text FROM gone`)
		}},
		{operation: "listCompanies"},
		{operation: "getCompany", path: ownCompany},
		{operation: "updateCompany", path: ownCompany, bend: map[string]func(*examples, *request){"If-Match": func(e *examples, r *request) {
			e.known["own"] = ownCompany(e)["company"]
			unchanged("companies", "own")["If-Match"](e, r)
		}}},
		{operation: "createUser", learn: func(e *examples, a answer) { e.keepAs(a, "id", "user") }},
		{operation: "createUsers"},
		{operation: "listUsers"},
		{operation: "exportUsers"},
		{operation: "getUser", as: "manager@example.com", path: user},
		{operation: "updateUser", path: user, bend: unchanged("users", "user")},
		{operation: "deactivateUser", path: user, bend: unchanged("users", "user")},
		{operation: "createInvitation", learn: func(e *examples, a answer) {
			e.keepAs(a, "id", e.one(`SELECT email FROM invitations ORDER BY id DESC LIMIT 1`))
		}},
		{operation: "listInvitations"},
		{operation: "listAuditLog"},
		{operation: "acceptInvitation", body: func(e *examples, body map[string]any) { body["token"] = e.mailed("grace@example.org") }},
		{operation: "withdrawInvitation", path: func(e *examples) map[string]string {
			return map[string]string{"invitation": e.known["ada@example.org"]}
		}},
		{operation: "inviteUser", path: func(e *examples) map[string]string {
			return map[string]string{"user": e.one(`DELETE FROM user_credentials WHERE user_id = (SELECT max(id) FROM users
				WHERE company_id = (SELECT company_id FROM users WHERE email = 'user1@example.com') AND is_active AND role = 'learner')
				RETURNING user_id::text`)}
		}},
		{operation: "changePassword", as: "user11@example.com"},
		{operation: "logout"},
		{operation: "forgotPassword"}, // and last what ends user1's sessions
		{operation: "resetPassword", body: func(e *examples, body map[string]any) { body["token"] = e.mailed("user1@example.com") }},
	}
}

// unchanged makes If-Match name the version that a row has now.
func unchanged(table, id string) map[string]func(*examples, *request) {
	return map[string]func(*examples, *request){"If-Match": func(e *examples, r *request) {
		r.Header.Set("If-Match", `"`+e.one(`SELECT version::text FROM `+table+` WHERE id::text = $1`, e.known[id])+`.0123456789abcdef"`)
	}}
}

// TestExamples sends every example of the document, of bodies and of parameters, to an edge of a
// world with demo data. All goes well, each answer is what the document says, and no request needs
// five queries of either engine. What authenticating needs on a cold cache is not counted: it is
// remembered for all the requests that come, and has no request's id in the log that is read here.
func TestExamples(t *testing.T) {
	e := newExamples(t)
	covered := make(map[string]bool)
	for _, s := range steps() {
		covered[s.operation] = true
		t.Run(s.operation, func(t *testing.T) {
			e.t = t
			e.run(s)
		})
	}
	for _, engine := range []string{"sqlite", "postgres"} {
		if e.queries.requests(engine) < 3 {
			t.Errorf("hardly any query of %s was counted", engine)
		}
	}
	for _, o := range e.doc.operations {
		if !covered[o.id()] {
			t.Errorf("%s %s (%s) is not covered: add it to steps() in examples_test.go, with what it needs", o.method, o.path, o.id())
		}
	}
}

func newExamples(t *testing.T) *examples {
	e := &examples{t: t, doc: readDocument(t), queries: newQueryLog(), known: make(map[string]string), edge: "syd"}
	e.w = newWorld(t, []string{"fra", "syd"})
	for _, env := range e.w.env {
		env["OUTPOST_SLOW_SQLITE"], env["OUTPOST_SLOW_POSTGRES"] = "1ns", "1ns" // each query is told of
	}
	e.mails = e.w.mail(t)
	e.w.startInside(func(_ string, o *node.Options) { o.Log = e.queries.log(t) })
	e.db, e.tokens = pgtest.Connect(t, e.w.url), newMinter(t, e.w)
	return e
}

// run sends what the document shows of one operation: each body with the parameters that must be
// there, and each value of each other parameter with the first body.
func (e *examples) run(s step) {
	o := e.doc.find(e.t, s.operation)
	bodies := o.bodies()
	if len(bodies) == 0 {
		bodies = []example{{}}
	}
	for _, body := range bodies {
		e.ask(&s, &o, body, nil)
	}
	for _, p := range o.Parameters {
		if p.Value.In == "path" {
			continue
		}
		for _, value := range values(p.Value) {
			e.ask(&s, &o, bodies[0], func(r *request) {
				if p.Value.In == "header" {
					r.Header.Set(p.Value.Name, value)
				} else {
					r.URL.RawQuery = url.Values{p.Value.Name: {value}}.Encode()
				}
				if bend := s.bend[p.Value.Name]; bend != nil {
					bend(e, r)
				}
			})
		}
	}
}

// ask sends one request and checks its answer.
func (e *examples) ask(s *step, o *operation, body example, bend func(*request)) {
	e.t.Helper()
	if s.prepare != nil {
		s.prepare(e)
	}
	var path map[string]string
	if s.path != nil {
		path = s.path(e)
	}
	var sent []byte
	if body.value != nil {
		var change func(map[string]any)
		if s.body != nil {
			change = func(b map[string]any) { s.body(e, b) }
		}
		sent = body.encode(e.t, change)
	}
	r := o.newRequest(e.t, e.w.api(e.edge), path, body.kind, sent)
	e.sent++
	id := fmt.Sprintf("%s-%d", o.id(), e.sent)
	r.Header.Set("X-Request-Id", id)
	if e.position != "" {
		r.Header.Set("Outpost-Position", e.position)
	}
	if !o.open {
		r.Header.Set("Authorization", "Bearer "+e.token(s.as, o.role))
	}
	if bend != nil {
		bend(r)
	}
	name := fmt.Sprintf("%s %s %s %s", r.Method, r.URL.RequestURI(), body.name, sent)
	a := r.send(e.t, http.DefaultTransport)
	e.position = a.position()
	if a.status >= 300 {
		e.t.Errorf("%s answers %d: %s", name, a.status, a.body)
	}
	if err := e.doc.check(r, a); err != nil {
		e.t.Errorf("%s: %v\n%s", name, err, a.body)
	}
	for engine, queries := range e.queries.of(id) {
		if len(queries) >= 5 {
			e.t.Errorf("%s needs %d queries of %s: %s", name, len(queries), engine, strings.Join(queries, ", "))
		}
	}
	if s.learn != nil && a.status < 300 {
		s.learn(e, a)
	}
}

// token is one of the account named, or of the first in user1's company that has at least the role.
func (e *examples) token(email string, least training.Role) string {
	e.t.Helper()
	if email == "" {
		switch least {
		case training.Manager, training.Admin:
			email = "manager@example.com"
		case training.PlatformAdmin:
			email = "admin@example.com"
		default:
			email = "user1@example.com"
		}
	}
	return e.tokens.token(e.t, email)
}

// keep remembers a field of an answer under its own name.
func (e *examples) keep(a answer, field string) { e.keepAs(a, field, field) }

func (e *examples) keepAs(a answer, field, name string) {
	e.t.Helper()
	var body map[string]any
	a.into(e.t, &body)
	switch v := body[field].(type) {
	case string:
		e.known[name] = v
	case float64:
		e.known[name] = fmt.Sprintf("%.0f", v)
	default:
		e.t.Fatalf("the answer has no %s: %s", field, a.body)
	}
}

// mailed waits for a mail with a token and gives that.
func (e *examples) mailed(to string) string { return tokenMailed(e.t, e.mails, to) }

// mailedToken is one to accept an invitation or to set a password.
var mailedToken = regexp.MustCompile(`op[ip]_[\w-]{43}`)

// one reads a value from Postgres.
func (e *examples) one(query string, args ...any) string {
	e.t.Helper()
	var v string
	if err := e.db.QueryRow(e.t.Context(), query, args...).Scan(&v); err != nil {
		e.t.Fatalf("%s: %v", query, err)
	}
	return v
}
