package api

import (
	"net/http"
	"strings"
	"testing"

	"outpost/server/cache"
	"outpost/server/training"
)

// scenario is one request and what must and must not be in its answer.
type scenario struct {
	name    string
	as      int64 // user; 0: nobody
	method  string
	target  string
	header  map[string]string
	body    string
	status  int
	want    []string
	wantNot []string
	headers map[string]string // exact; "" means absent
}

func (s scenario) run(t *testing.T, n *node) {
	t.Helper()
	header := http.Header{}
	if s.as != 0 {
		header = n.as(s.as)
	}
	for name, value := range s.header {
		header.Set(name, value)
	}
	a := n.do(s.method, s.target, header, s.body)
	if a.StatusCode != s.status {
		t.Fatalf("the status is %d, want %d: %s", a.StatusCode, s.status, a.body)
	}
	for _, want := range s.want {
		if !strings.Contains(a.body, want) {
			t.Errorf("the answer lacks %s: %s", want, a.body)
		}
	}
	for _, bad := range append(s.wantNot, "testpassword", "argon2") {
		if strings.Contains(a.body, bad) {
			t.Errorf("the answer shows %s: %s", bad, a.body)
		}
	}
	for name, want := range s.headers {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

const (
	missed = "outpost; fwd=miss; stored"
	json1  = `{"course_id":42}`
)

func TestScenarios(t *testing.T) {
	n := newNode(t, nil)
	long := strings.Repeat("x", 5000)
	for _, s := range []scenario{
		// Reading.
		{
			name: "me", as: 1, method: "GET", target: "/api/v1/me", status: 200,
			want: []string{`"email":"user1@example.com"`, `"full_name":"Üta <Eins>"`, `"name":"Müller GmbH"`}, wantNot: []string{"user2", "Acme"},
			headers: map[string]string{"Cache-Status": missed, "Cache-Control": "private, no-cache", "Content-Type": "application/json", "Vary": vary, "Outpost-Region": "fra", "Outpost-Stale": "", "Set-Cookie": ""},
		},
		{
			name: "catalogue", as: 1, method: "GET", target: "/api/v1/courses", status: 200,
			want: []string{`"slug":"phishing"`, `"total":1`, `"page":1`, `"size":20`, `"pages":1`, `"has_next":false`, `"has_prev":false`, `"next_after":null`}, wantNot: []string{"draft"},
		},
		{name: "catalogue of a platform admin", as: 9, method: "GET", target: "/api/v1/courses", status: 200, want: []string{"Secret draft", `"total":2`}},
		{name: "empty page", as: 1, method: "GET", target: "/api/v1/courses?category=none", status: 200, want: []string{`"items":[]`, `"total":0`, `"pages":0`}},
		{name: "fields", as: 1, method: "GET", target: "/api/v1/courses?fields=title,id", status: 200, want: []string{`{"id":42,"title":"Phishing"}`}, wantNot: []string{"slug"}},
		{name: "one field of a course", as: 1, method: "GET", target: "/api/v1/courses/42?fields=slug", status: 200, want: []string{`{"slug":"phishing"}`}},
		{name: "course by slug", as: 1, method: "GET", target: "/api/v1/courses/phishing", status: 200, want: []string{`"id":42`, `"lessons":[{`, `Phishing & <mails>`}},
		{name: "course by id, with a slash", as: 1, method: "GET", target: "/api/v1/courses/42/", status: 200, want: []string{`"id":42`}},
		{name: "course in German", as: 1, method: "GET", target: "/api/v1/courses/phishing?locale=de", status: 200, want: []string{`"locale":"de"`}},
		{name: "course in a locale nobody speaks", as: 1, method: "GET", target: "/api/v1/courses/phishing?locale=tlh", status: 200, want: []string{`"locale":"en"`}},
		{name: "the user's locale is stronger than the browser's", as: 1, method: "GET", target: "/api/v1/courses/phishing", header: map[string]string{"Accept-Language": "de"}, status: 200, want: []string{`"locale":"en"`}},
		{name: "the browser's is stronger than the company's", as: 2, method: "GET", target: "/api/v1/courses/phishing", header: map[string]string{"Accept-Language": "fr, en;q=0.8"}, status: 200, want: []string{`"locale":"en"`}},
		{name: "the company's", as: 2, method: "GET", target: "/api/v1/courses/phishing", status: 200, want: []string{`"locale":"de"`}},
		{name: "lesson", as: 1, method: "GET", target: "/api/v1/courses/phishing/lessons/1", status: 200, want: []string{`"quiz":null`, `"prev":null`, `"next":2`, `# Bait\n> & <b>`}},
		{name: "quiz", as: 1, method: "GET", target: "/api/v1/courses/42/lessons/2", status: 200, want: []string{`"quiz":{"id":5`, `"max_attempts":null`}},
		{name: "own enrollments", as: 1, method: "GET", target: "/api/v1/me/enrollments?sort=-due_at", status: 200, want: []string{`"id":70`}, wantNot: []string{"progress", "company_id"}},
		{name: "own enrollment", as: 1, method: "GET", target: "/api/v1/enrollments/70", status: 200, want: []string{`"progress":[]`, `"status":"assigned"`}},
		{name: "status, for all", method: "GET", target: "/api/v1/status", status: 200, want: []string{`"detailed":false`}, headers: map[string]string{"Cache-Control": "no-store", "Cache-Status": ""}},
		{name: "status, for a learner", as: 1, method: "GET", target: "/api/v1/status", status: 200, want: []string{`"detailed":false`}},
		{name: "status, for a platform admin", as: 9, method: "GET", target: "/api/v1/status", status: 200, want: []string{`"detailed":true`}},
		{name: "status, with a bad token", header: map[string]string{"Authorization": "Bearer x"}, method: "GET", target: "/api/v1/status", status: 200},
		{name: "live", method: "GET", target: "/livez", status: 200, want: []string{`"ok"`}},
		{name: "ready", method: "GET", target: "/readyz", status: 200, want: []string{`"ok"`}},
		{name: "a client's request id comes back", method: "GET", target: "/livez", header: map[string]string{"X-Request-Id": "mine-1"}, status: 200, headers: map[string]string{"X-Request-Id": "mine-1"}},
		{
			name: "a trace comes back", method: "GET", target: "/livez", header: map[string]string{"Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, status: 200,
			headers: map[string]string{"Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
		},
		{name: "what is no trace does not", method: "GET", target: "/livez", header: map[string]string{"Traceparent": "00-xyz"}, status: 200, headers: map[string]string{"Traceparent": ""}},

		// Refused: who asks.
		{name: "no token", method: "GET", target: "/api/v1/me", status: 401, headers: map[string]string{"Www-Authenticate": `Bearer realm="outpost"`}},
		{name: "no token for a write", method: "POST", target: "/api/v1/enrollments", body: json1, status: 401},
		{name: "another scheme", method: "GET", target: "/api/v1/me", header: map[string]string{"Authorization": "Basic dXNlcjpwYXNz"}, status: 401},
		{name: "a token that is none", method: "GET", target: "/api/v1/me", header: map[string]string{"Authorization": "Bearer abc.def.ghi"}, status: 401},
		{name: "an empty token", method: "GET", target: "/api/v1/me", header: map[string]string{"Authorization": "Bearer "}, status: 401},
		{name: "a stranger's enrollment", as: 2, method: "GET", target: "/api/v1/enrollments/70", status: 404, wantNot: []string{"phishing", "user1"}},
		{name: "a stranger's progress", as: 2, method: "PUT", target: "/api/v1/enrollments/70/lessons/1", body: `{"seconds":3}`, status: 404},
		{name: "an unpublished course", as: 1, method: "GET", target: "/api/v1/courses/draft", status: 404, wantNot: []string{"Secret"}},
		{name: "an unpublished course, for a platform admin", as: 9, method: "GET", target: "/api/v1/courses/draft", status: 200},
		{name: "a company in the request changes nothing", as: 2, method: "GET", target: "/api/v1/me/enrollments?company_id=3&user_id=1", status: 200, want: []string{`"items":[]`}},

		// Refused: where.
		{name: "no such path", method: "GET", target: "/api/v1/nothing?token=secret", status: 404, wantNot: []string{"token"}},
		{name: "another case", as: 1, method: "GET", target: "/API/V1/ME", status: 404},
		{name: "no such method", as: 1, method: "DELETE", target: "/api/v1/me", status: 405, headers: map[string]string{"Allow": "GET, HEAD, PATCH"}},
		{name: "a method of HTTP that nobody has", method: "TRACE", target: "/api/v1/me", status: 405, headers: map[string]string{"Allow": "GET, HEAD, PATCH"}},
		{name: "a method that is not of HTTP", method: "BREW", target: "/api/v1/auth/login", status: 405, headers: map[string]string{"Allow": "POST"}},
		{name: "options", method: "OPTIONS", target: "/api/v1/courses", status: 405},
		{name: "no such course", as: 1, method: "GET", target: "/api/v1/courses/none", status: 404},
		{name: "no course can be named so", as: 1, method: "GET", target: "/api/v1/courses/%00%ff", status: 404},
		{name: "no such lesson", as: 1, method: "GET", target: "/api/v1/courses/42/lessons/9", status: 404},
		{name: "no lesson can be named so", as: 1, method: "GET", target: "/api/v1/courses/42/lessons/one", status: 404},
		{name: "no enrollment can be named so", as: 1, method: "GET", target: "/api/v1/enrollments/-1", status: 404},
		{name: "an id beyond all numbers", as: 1, method: "GET", target: "/api/v1/enrollments/99999999999999999999", status: 404},
		{name: "the cluster's own path", as: 9, method: "GET", target: "/internal/snapshot", status: 404},

		// Refused: how.
		{name: "page 0", as: 1, method: "GET", target: "/api/v1/courses?page=0", status: 422, want: []string{`"field":"page"`}},
		{name: "page 1001", as: 1, method: "GET", target: "/api/v1/courses?page=1001", status: 422},
		{name: "page x", as: 1, method: "GET", target: "/api/v1/courses?page=x", status: 422, want: []string{`"field":"page"`}},
		{name: "size 101", as: 1, method: "GET", target: "/api/v1/courses?size=101", status: 422, want: []string{`"field":"size"`}},
		{name: "an undocumented order", as: 1, method: "GET", target: "/api/v1/courses?sort=password", status: 422, want: []string{`"field":"sort"`}},
		{name: "no order", as: 1, method: "GET", target: "/api/v1/courses?sort=-", status: 422},
		{name: "an unknown field", as: 1, method: "GET", target: "/api/v1/courses?fields=id,password_hash", status: 422, want: []string{`"field":"fields"`}},
		{name: "an unknown level", as: 1, method: "GET", target: "/api/v1/courses?level=guru", status: 422, want: []string{`"field":"level"`}},
		{name: "a long category", as: 1, method: "GET", target: "/api/v1/courses?category=" + long[:100], status: 422},
		{name: "a long locale", as: 1, method: "GET", target: "/api/v1/courses?locale=" + long[:100], status: 422},
		{name: "a long continuation", as: 1, method: "GET", target: "/api/v1/courses?after=" + long[:600], status: 422},
		{name: "an unknown status", as: 1, method: "GET", target: "/api/v1/me/enrollments?status=lost", status: 422},
		{name: "a malformed position", as: 1, method: "GET", target: "/api/v1/me", header: map[string]string{"Outpost-Position": "here"}, status: 400},
		{name: "a malformed position in the cookie is dust", as: 1, method: "GET", target: "/api/v1/me", header: map[string]string{"Cookie": "outpost_position=zzz"}, status: 200},

		// Writing.
		{
			name: "log in", method: "POST", target: "/api/v1/auth/login", body: `{"username":"user1@example.com","password":"testpassword"}`, status: 200,
			want: []string{`"access_token":"ey`, `"refresh_token":"refresh-1"`, `"token_type":"Bearer"`, `"expires_in":900`}, headers: map[string]string{"Cache-Control": "no-store"},
		},
		{name: "log in by e-mail address", method: "POST", target: "/api/v1/auth/login", body: `{"email":" user1@example.com ","password":"testpassword","remember":true}`, status: 200},
		{name: "a wrong password", method: "POST", target: "/api/v1/auth/login", body: `{"email":"user1@example.com","password":"wrong"}`, status: 401, wantNot: []string{"user1"}},
		{name: "an unknown user", method: "POST", target: "/api/v1/auth/login", body: `{"email":"nobody@example.com","password":"wrong"}`, status: 401, want: []string{"The login or the password is wrong."}},
		{name: "no name", method: "POST", target: "/api/v1/auth/login", body: `{"password":"x"}`, status: 422, want: []string{`"field":"username"`}},
		{name: "neither name nor password", method: "POST", target: "/api/v1/auth/login", body: `{}`, status: 422, want: []string{`"field":"username"`, `"field":"password"`}},
		{name: "no password", method: "POST", target: "/api/v1/auth/login", body: `{"email":"x"}`, status: 422, want: []string{`"field":"password"`, "is required"}},
		{name: "an empty password", method: "POST", target: "/api/v1/auth/login", body: `{"email":"x","password":""}`, status: 422},
		{name: "a password of null", method: "POST", target: "/api/v1/auth/login", body: `{"email":"x","password":null}`, status: 422},
		{name: "a password that is a number", method: "POST", target: "/api/v1/auth/login", body: `{"email":"x","password":1}`, status: 422, want: []string{`"field":"password"`, "must be a text"}},
		{name: "a name with NUL", method: "POST", target: "/api/v1/auth/login", body: `{"email":"x\u0000","password":"x"}`, status: 422, want: []string{`"field":"email"`}},
		{name: "a long name", method: "POST", target: "/api/v1/auth/login", body: `{"email":"` + long[:300] + `","password":"x"}`, status: 422},
		{name: "two names", method: "POST", target: "/api/v1/auth/login", body: `{"email":"a","username":"b","password":"x"}`, status: 422},
		{name: "refresh", method: "POST", target: "/api/v1/auth/refresh", body: `{"refresh_token":"refresh-1"}`, status: 200, want: []string{`"refresh_token":"refresh-2"`}},
		{name: "a bad refresh token", method: "POST", target: "/api/v1/auth/refresh", body: `{"refresh_token":"x"}`, status: 401, wantNot: []string{`"x"`}},
		{name: "enroll", as: 1, method: "POST", target: "/api/v1/enrollments", body: json1, status: 201, want: []string{`"id":101`}},
		{name: "enroll again", as: 1, method: "POST", target: "/api/v1/enrollments", body: json1, status: 200, want: []string{`"id":101`}},
		{name: "enroll in what does not exist", as: 1, method: "POST", target: "/api/v1/enrollments", body: `{"course_id":7}`, status: 404},
		{name: "an empty body", as: 1, method: "POST", target: "/api/v1/enrollments", status: 400},
		{name: "half a body", as: 1, method: "POST", target: "/api/v1/enrollments", body: `{"course_id":`, status: 400},
		{name: "two bodies", as: 1, method: "POST", target: "/api/v1/enrollments", body: json1 + json1, status: 400},
		{name: "an array", as: 1, method: "POST", target: "/api/v1/enrollments", body: `[1]`, status: 400},
		{name: "null", as: 1, method: "POST", target: "/api/v1/enrollments", body: `null`, status: 422},
		{name: "no course", as: 1, method: "POST", target: "/api/v1/enrollments", body: `{}`, status: 422, want: []string{`"field":"course_id"`}},
		{name: "course 0", as: 1, method: "POST", target: "/api/v1/enrollments", body: `{"course_id":0}`, status: 422},
		{name: "course 1e99", as: 1, method: "POST", target: "/api/v1/enrollments", body: `{"course_id":1e99}`, status: 422, want: []string{`"field":"course_id"`, "must be a whole number"}},
		{name: "a form", as: 1, method: "POST", target: "/api/v1/enrollments", body: "course_id=42", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, status: 415},
		{name: "another charset", as: 1, method: "POST", target: "/api/v1/enrollments", body: json1, header: map[string]string{"Content-Type": "application/json; charset=latin1"}, status: 415},
		{name: "a compressed body", as: 1, method: "POST", target: "/api/v1/enrollments", body: json1, header: map[string]string{"Content-Encoding": "gzip"}, status: 415},
		{name: "a charset that is right", as: 1, method: "POST", target: "/api/v1/enrollments", body: json1, header: map[string]string{"Content-Type": "application/json; charset=UTF-8"}, status: 200},
		{name: "a malformed Idempotency-Key", as: 1, method: "POST", target: "/api/v1/enrollments", body: json1, header: map[string]string{"Idempotency-Key": "a b"}, status: 400},
		{name: "progress", as: 1, method: "PUT", target: "/api/v1/enrollments/70/lessons/1", body: `{"seconds":60}`, status: 200, want: []string{`"seconds":60`, `"lessons_done":1`}},
		{name: "progress without seconds", as: 1, method: "PUT", target: "/api/v1/enrollments/70/lessons/1", body: `{}`, status: 422, want: []string{`"field":"seconds"`}},
		{name: "progress below zero", as: 1, method: "PUT", target: "/api/v1/enrollments/70/lessons/1", body: `{"seconds":-1}`, status: 422},
		{name: "progress of half a second", as: 1, method: "PUT", target: "/api/v1/enrollments/70/lessons/1", body: `{"seconds":0.5}`, status: 422},
		{name: "progress in lesson 0", as: 1, method: "PUT", target: "/api/v1/enrollments/70/lessons/0", body: `{"seconds":1}`, status: 404},

		// Failing.
		{name: "a panic", as: 1, method: "GET", target: "/api/v1/courses?category=panic", status: 500},
		{name: "a read that takes too long", as: 1, method: "GET", target: "/api/v1/courses?category=broken", status: 503, headers: map[string]string{"Retry-After": "2"}},
		{name: "log out", as: 2, method: "POST", target: "/api/v1/auth/logout", status: 204},
		{name: "after logging out", as: 2, method: "GET", target: "/api/v1/me", status: 401, want: []string{"The session has ended."}},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, n) })
	}
}

func TestTheSecondReadIsAHitUntilItsRowChanges(t *testing.T) {
	n := newNode(t, nil)
	read := func(user int64, target, status, title string) {
		t.Helper()
		a := n.do("GET", target, n.as(user), "")
		if got := a.Header.Get("Cache-Status"); got != status || !strings.Contains(a.body, title) {
			t.Errorf("%s for %d: %q, want %q with %s", target, user, got, status, title)
		}
	}
	const course, mine = "/api/v1/courses/phishing", "/api/v1/me"
	read(1, course, missed, `"title":"Phishing"`)
	read(1, course, "outpost; hit", `"title":"Phishing"`)
	read(9, course+"?locale=en", missed, `"title":"Phishing"`) // sees unpublished ones: another scope
	read(1, course+"?utm=x", "outpost; hit", `"title":"Phishing"`)
	read(1, course+"?fields=title,slug", missed, `"title"`)
	read(1, course+"?fields=slug,title,slug", "outpost; hit", `"title"`)
	read(1, mine, missed, "user1")
	read(2, mine, missed, "user2") // never user 1's
	read(1, "/api/v1/courses", missed, "Phishing")

	n.world.change(func() { n.world.courses[0].Title = "Baiting" }, cache.Table("courses"), cache.Row("courses", 42))
	read(1, course, missed, `"title":"Baiting"`)
	read(1, course, "outpost; hit", `"title":"Baiting"`)
	read(1, "/api/v1/courses", missed, "Baiting")
	read(1, mine, "outpost; hit", "user1")

	n.world.change(func() {
		u := n.world.users[2]
		u.FullName = "Zwei"
		n.world.users[2] = u
	}, cache.Table("users"), cache.Row("users", 2), cache.Tenant("users", 4))
	read(1, mine, "outpost; hit", "user1") // another company's change leaves this one's entries valid
	read(2, mine, missed, "Zwei")
}

func TestADemotedPersonDoesNotGetWhatTheRoleWasShown(t *testing.T) {
	n := newNode(t, nil)
	header := n.as(9)
	if a := n.do("GET", "/api/v1/courses/draft", header, ""); a.StatusCode != 200 {
		t.Fatalf("a platform admin got %d", a.StatusCode)
	}
	n.world.change(func() {
		u := n.world.users[9]
		u.Role = training.Learner
		n.world.users[9] = u
	}, cache.Row("users", 9))
	if a := n.do("GET", "/api/v1/courses/draft", header, ""); a.StatusCode != 404 {
		t.Errorf("with the same token, the former admin got %d", a.StatusCode)
	}
}
