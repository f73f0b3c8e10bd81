package e2e

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"outpost/replicate/pgcluster/pgtest"
	"outpost/server/auth"
	"outpost/server/training"
)

// TestTheSurfaceThroughAnEdge asks an edge what clients ask, rightly and wrongly.
func TestTheSurfaceThroughAnEdge(t *testing.T) {
	w := newWorld(t, []string{"fra", "iad", "syd"})
	w.env["iad"]["OUTPOST_RATE_LIMIT"] = "5/60s+0"
	w.startInside(nil)
	t.Run("errors", func(t *testing.T) { errorsAreProblems(t, w) })
	t.Run("encodings", func(t *testing.T) { encodingsHoldTheSame(t, w) })
	t.Run("rate limit", func(t *testing.T) { requestsAreLimited(t, w, "iad") })
}

// problem is RFC 9457's, with what the contract adds.
type problem struct {
	Type, Title, Detail, Instance string
	Status                        int
	RequestID                     string `json:"request_id"`
	Errors                        []struct{ Field, Message string }
}

// problem holds what every error promises.
func (a answer) problem(t *testing.T) (p problem) {
	t.Helper()
	if kind := a.header.Get("Content-Type"); kind != "application/problem+json" {
		t.Errorf("an error %d is %q: %s", a.status, kind, a.body)
		return p
	}
	a.into(t, &p)
	if p.Type == "" || p.Title != http.StatusText(a.status) || p.Detail == "" || p.Status != a.status {
		t.Errorf("the problem is incomplete: %s", a.body)
	}
	if p.RequestID == "" || p.RequestID != a.header.Get("X-Request-Id") {
		t.Errorf("the request id is %q, the header says %q", p.RequestID, a.header.Get("X-Request-Id"))
	}
	if a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("an error may be stored: %q", a.header.Get("Cache-Control"))
	}
	inside := regexp.MustCompile(`(?i)goroutine|panic|\.go:|fiber|pgx|sqlstate|sqlite|postgres|nats|dial |127\.0\.0\.1|argon2`)
	if shown := inside.Find(a.body); shown != nil {
		t.Errorf("the problem shows %q: %s", shown, a.body)
	}
	return p
}

// send sends exactly these bytes.
func (c *client) send(method, url, body string, header map[string]string) answer {
	c.t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for name, value := range header {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	response, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, b}
}

// errorsAreProblems asks wrongly, at the primary and through an edge: both answer the same.
func errorsAreProblems(t *testing.T, w *world) {
	const (
		api     = "/api/v1"
		courses = api + "/courses"
		enroll  = api + "/enrollments"
		login   = api + "/auth/login"
	)
	learner := w.login("syd", "user1@example.com")
	learner.t = t
	learner.enroll(w.api("syd"), "passwords-and-passkeys")
	conn := pgtest.Connect(t, w.url)
	strange := func(company string) string {
		var id int64
		query := `SELECT e.id FROM enrollments e JOIN users u ON u.id = e.user_id WHERE u.email <> 'user1@example.com'
			AND (e.company_id = (SELECT company_id FROM users WHERE email = 'user1@example.com')) = ` + company + ` LIMIT 1`
		if err := conn.QueryRow(t.Context(), query).Scan(&id); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%s/%d", enroll, id)
	}
	colleagues, strangers := strange("true"), strange("false")
	someone := w.principal(t, "user1@example.com")
	kid, key := w.signingKey(t)
	_, other, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now, late := time.Now(), time.Now().Add(-auth.Life-time.Minute)
	const nobody = "-"
	for _, c := range []struct {
		name   string
		method string
		path   string
		body   string
		kind   string // Content-Type; empty: JSON's
		token  string // empty: the learner's; nobody: none
		header string // one more, name: value
		status int
		fields string // in errors
		want   string // in the detail
		says   string // one header of the answer, name: value
	}{
		{name: "malformed JSON", method: "POST", path: enroll, body: `{"course_id":`, status: 400, want: "JSON"},
		{name: "JSON and more", method: "POST", path: enroll, body: `{"course_id":1}{}`, status: 400},
		{name: "no JSON object", method: "POST", path: enroll, body: `[1]`, status: 400},
		{name: "no body", method: "POST", path: enroll, status: 400, want: "empty"},
		{name: "a malformed position", method: "GET", path: courses, header: "Outpost-Position: here", status: 400, want: "Outpost-Position"},
		{name: "a malformed key", method: "POST", path: enroll, body: `{"course_id":1}`, header: "Idempotency-Key: a b", status: 400, want: "Idempotency-Key"},

		{name: "nothing said", method: "POST", path: enroll, body: `{}`, status: 422, fields: "course_id"},
		{name: "an impossible course", method: "POST", path: enroll, body: `{"course_id":0}`, status: 422, fields: "course_id"},
		{name: "a course that is a text", method: "POST", path: enroll, body: `{"course_id":"one"}`, status: 422, fields: "course_id"},
		{name: "a page too far", method: "GET", path: courses + "?page=1001", status: 422, fields: "page"},
		{name: "a page too large", method: "GET", path: courses + "?size=101", status: 422, fields: "size"},
		{name: "an unknown order", method: "GET", path: courses + "?sort=password_hash", status: 422, fields: "sort"},
		{name: "an unknown field", method: "GET", path: courses + "?fields=id,secret", status: 422, fields: "fields"},
		{name: "login without a password", method: "POST", path: login, body: `{"email":"user1@example.com"}`, token: nobody, status: 422, fields: "password"},
		{name: "login without a name", method: "POST", path: login, body: `{"password":"x"}`, token: nobody, status: 422, fields: "username"},

		{name: "a form", method: "POST", path: enroll, body: "course_id=1", kind: "application/x-www-form-urlencoded", status: 415},
		{name: "another charset", method: "POST", path: enroll, body: `{"course_id":1}`, kind: "application/json; charset=latin1", status: 415},
		{name: "too large a body", method: "POST", path: enroll, body: `{"course_id":1,"x":"` + strings.Repeat("x", 2<<20) + `"}`, status: 413},

		{name: "no token", method: "GET", path: courses, token: nobody, status: 401, says: `Www-Authenticate: Bearer realm="outpost"`},
		{name: "no token for a write", method: "POST", path: enroll, body: `{"course_id":1}`, token: nobody, status: 401},
		{name: "garbage", method: "GET", path: courses, token: "garbage", status: 401},
		{name: "garbage in three parts", method: "GET", path: courses, token: "a.b.c", status: 401},
		{name: "an expired token", method: "GET", path: courses, token: sign(t, kid, key, someone, late), status: 401, want: "expired"},
		{name: "an expired token for a write", method: "POST", path: enroll, body: `{"course_id":1}`, token: sign(t, kid, key, someone, late), status: 401, want: "expired"},
		{name: "a token of another key", method: "GET", path: courses, token: sign(t, kid, other, someone, now), status: 401},
		{name: "a token of an unknown key", method: "GET", path: courses, token: sign(t, "unknown", other, someone, now), status: 401},
		{name: "a token of nobody", method: "GET", path: courses, token: sign(t, kid, key, training.Principal{
			UserID: 1 << 40, CompanyID: 1, SessionID: 1, Role: training.PlatformAdmin, Locale: "en", Zone: "global",
		}, now.Add(-5*time.Minute)), status: 401},
		{name: "a wrong password", method: "POST", path: login, body: `{"email":"user1@example.com","password":"wrong"}`, token: nobody, status: 401, want: "The login or the password is wrong."},
		{name: "an unknown account", method: "POST", path: login, body: `{"email":"nobody@example.com","password":"wrong"}`, token: nobody, status: 401, want: "The login or the password is wrong."},

		{name: "a stranger's enrollment", method: "GET", path: strangers, status: 404},
		{name: "a colleague's enrollment", method: "GET", path: colleagues, status: 404},
		{name: "a stranger's progress", method: "PUT", path: strangers + "/lessons/1", body: `{"seconds":1}`, status: 404},
		{name: "a colleague's progress", method: "PUT", path: colleagues + "/lessons/1", body: `{"seconds":1}`, status: 404},
		{name: "an enrollment that is not", method: "GET", path: enroll + "/99999999", status: 404},
		{name: "a course that is not", method: "GET", path: courses + "/nowhere", status: 404},
		{name: "a course to enroll in that is not", method: "POST", path: enroll, body: `{"course_id":99999999}`, status: 404},
		{name: "an unknown route", method: "GET", path: api + "/nothing", status: 404},
		{name: "an unknown route for nobody", method: "GET", path: "/wp-login.php", token: nobody, status: 404},
		{name: "the cluster's own route", method: "GET", path: "/internal/snapshot", status: 404},
		{name: "a wrong method", method: "DELETE", path: courses, status: 405, says: "Allow: GET, HEAD, POST"},
		{name: "a wrong method of a write", method: "GET", path: login, token: nobody, status: 405, says: "Allow: POST"},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := regexp.MustCompile(`\W+`).ReplaceAllString(c.name, "-")
			header := map[string]string{"Authorization": "Bearer " + learner.token, "X-Request-Id": id}
			switch c.token {
			case "":
			case nobody:
				delete(header, "Authorization")
			default:
				header["Authorization"] = "Bearer " + c.token
			}
			if c.body != "" {
				header["Content-Type"] = "application/json"
			}
			if c.kind != "" {
				header["Content-Type"] = c.kind
			}
			if name, value, ok := strings.Cut(c.header, ": "); ok {
				header[name] = value
			}
			var answers []problem
			for _, region := range []string{"fra", "syd"} {
				me := *learner
				me.t = t
				a := me.send(c.method, w.api(region)+c.path, c.body, header)
				if a.status != c.status {
					t.Fatalf("%s answers %d, want %d: %s", region, a.status, c.status, a.body)
				}
				p := a.problem(t)
				if p.RequestID != id {
					t.Errorf("%s calls the request %q, the client %q", region, p.RequestID, id)
				}
				if got := a.header.Get("Outpost-Region"); got != region {
					t.Errorf("Outpost-Region is %q, want %s", got, region)
				}
				if path, _, _ := strings.Cut(c.path, "?"); p.Instance != path {
					t.Errorf("%s: the instance is %q, want %q", region, p.Instance, path)
				}
				if !strings.Contains(p.Detail, c.want) {
					t.Errorf("%s: the detail %q does not say %q", region, p.Detail, c.want)
				}
				var fields []string
				for _, e := range p.Errors {
					fields = append(fields, e.Field)
					if e.Message == "" {
						t.Errorf("%s: %s has no message", region, e.Field)
					}
				}
				if got := strings.Join(fields, " "); got != c.fields {
					t.Errorf("%s: errors names %q, want %q", region, got, c.fields)
				}
				if name, value, ok := strings.Cut(c.says, ": "); ok && a.header.Get(name) != value {
					t.Errorf("%s: %s is %q, want %q", region, name, a.header.Get(name), value)
				}
				answers = append(answers, p)
			}
			if primary, edge := fmt.Sprint(answers[0]), fmt.Sprint(answers[1]); primary != edge {
				t.Errorf("the primary answers\n%s\nthe edge\n%s", primary, edge)
			}
		})
	}
}

// principal is an account as a token names it.
func (w *world) principal(t *testing.T, email string) training.Principal {
	t.Helper()
	p := training.Principal{SessionID: 1 << 40}
	const query = "SELECT id, company_id, role, locale, data_zone FROM users WHERE email = $1"
	err := pgtest.Connect(t, w.url).QueryRow(t.Context(), query, email).Scan(&p.UserID, &p.CompanyID, &p.Role, &p.Locale, &p.Zone)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// signingKey is the one that signs the tokens of this world.
func (w *world) signingKey(t *testing.T) (kid string, key ed25519.PrivateKey) {
	t.Helper()
	var seed []byte
	const query = "SELECT k.kid, s.private_key FROM signing_keys k JOIN signing_key_secrets s ON s.signing_key_id = k.id"
	if err := pgtest.Connect(t, w.url).QueryRow(t.Context(), query).Scan(&kid, &seed); err != nil {
		t.Fatal(err)
	}
	return kid, ed25519.NewKeyFromSeed(seed)
}

func sign(t *testing.T, kid string, key ed25519.PrivateKey, p training.Principal, at time.Time) string {
	t.Helper()
	signer, err := auth.NewSigner(kid, key, func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := signer.Sign(p)
	if err != nil {
		t.Fatal(err)
	}
	return token
}
