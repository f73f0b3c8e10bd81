package web_test

import (
	"maps"
	"net/http"
	"testing"

	"outpost/server/training"
	"outpost/web"
)

// Who looks at pages: the demo's people, by what their company lets be seen of its people.
const (
	nobody       = ""
	learner      = "user1@example.com"
	individual   = "manager@example.com"   // by name
	aggregate    = "manager3@example.com"  // not at all
	pseudonymous = "manager4@example.com"  // by pseudonym
	tiny         = "manager10@example.com" // four people, too few for most figures
	platform     = "admin@example.com"
	certified    = "user2@example.com" // who has completed a course
)

// listed is a page as somebody sees it.
type listed struct {
	name string // of its picture, and in what a test says
	page string // its path as web.Pages() has it; empty: it is none of those
	path string // where to go, with {ids}: see find; empty: page
	as   string
	// important ones have pictures in the other language, colours and width, too.
	important bool
	// first ones are where people come in: see TestFirstLoadIsSmall.
	first  bool
	status int64 // 0: 200
}

// list is every page there is. Whoever adds a page adds it here.
func list() []listed {
	return []listed{
		{name: "front", page: "/"},
		{name: "front-learner", page: "/", as: learner},
		{name: "demo", page: "/demo", important: true},
		{name: "language", page: "/language"},
		{name: "sign-in", page: "/sign-in", important: true, first: true},
		{name: "sign-in-signed-out", page: "/sign-out", path: "/sign-in?done=signedout"},
		{name: "password-forgot", page: "/password/forgot"},
		{name: "password-forgot-sent", page: "/password/forgot", path: "/password/forgot?done=forgot"},
		{name: "password", page: "/password"},
		{name: "password-link", page: "/password", path: "/password#token=abc"},
		{name: "invitation", page: "/invitation"},
		{name: "learn", page: "/learn", as: learner, important: true, first: true},
		{name: "learn-manager", page: "/learn", as: individual},
		{name: "learn-platform", page: "/learn", as: platform},
		{name: "learn-done", page: "/learn", as: certified},
		{name: "catalogue", page: "/catalogue", as: learner},
		{name: "course", page: "/learn/:course", path: "/learn/{my-course}", as: learner},
		{name: "course-new", page: "/learn/:course", path: "/learn/{course}", as: platform},
		{name: "lesson", page: "/learn/:course/:lesson", path: "/learn/{my-course}/1", as: learner, important: true},
		{name: "lesson-quiz", page: "/learn/:course/:lesson", path: "/learn/{my-course}/{my-quiz}", as: learner},
		{name: "certificates", page: "/certificates", as: certified},
		{name: "certificates-none", page: "/certificates", as: learner},
		{name: "verify", page: "/verify"},
		{name: "verify-unknown", page: "/verify/:code", path: "/verify/OP-0000-0000-0000", status: http.StatusNotFound},
		{name: "verify-valid", page: "/verify/:code", path: "/verify/{certificate}", as: certified},
		{name: "profile", page: "/profile", as: learner},
		{name: "profile-manager", page: "/profile", as: individual},
		{name: "dashboard", page: "/dashboard", as: individual, important: true, first: true},
		{name: "dashboard-year", page: "/dashboard", path: "/dashboard?days=365", as: individual},
		{name: "dashboard-aggregate", page: "/dashboard", as: aggregate},
		{name: "dashboard-pseudonymous", page: "/dashboard", as: pseudonymous},
		{name: "dashboard-tiny", page: "/dashboard", as: tiny},
		{name: "dashboard-platform", page: "/dashboard", as: platform},
		{name: "people", page: "/people", as: individual, important: true},
		{name: "people-none", page: "/people", path: "/people?q=nobodyofthisname", as: individual},
		{name: "person", page: "/people/:user", path: "/people/{user}", as: individual},
		{name: "person-aggregate", page: "/people/:user", path: "/people/{user}", as: aggregate},
		{name: "people-add", page: "/people/add", as: individual},
		{name: "people-import", page: "/people/import", as: individual},
		{name: "assignments", page: "/assignments", as: individual},
		{name: "assignment-new", page: "/assignments/new", as: individual},
		{name: "assignment", page: "/assignments/:assignment", path: "/assignments/{assignment}", as: individual},
		{name: "overdue", page: "/overdue", as: individual},
		{name: "overdue-none", page: "/overdue", path: "/overdue?department=none+such", as: individual},
		{name: "phishing", page: "/phishing", as: individual},
		{name: "phishing-new", page: "/phishing/new", as: individual},
		{name: "campaign", page: "/phishing/:campaign", path: "/phishing/{campaign}", as: individual},
		{name: "reports", page: "/reports", as: individual},
		{name: "reports-learner", page: "/reports", as: learner},
		{name: "schedules", page: "/reports/schedules", as: individual},
		{name: "api-keys", page: "/api-keys", as: individual},
		{name: "audit", page: "/audit", as: individual},
		{name: "audit-platform", page: "/audit", as: platform},
		{name: "company", page: "/company", as: individual},
		{name: "companies", page: "/companies", as: platform},
		{name: "company-new", page: "/companies/new", as: platform},
		{name: "company-one", page: "/companies/:company", path: "/companies/{company}", as: platform},
		{name: "courses", page: "/courses", as: platform},
		{name: "course-write-new", page: "/courses/new", as: platform},
		{name: "course-write", page: "/courses/:course", path: "/courses/{course}", as: platform},
		{name: "lesson-write", page: "/courses/:course/lessons/:lesson", path: "/courses/phishing/lessons/{lesson}", as: platform},
		{name: "lesson-write-new", page: "/courses/:course/lessons/new", path: "/courses/phishing/lessons/new", as: platform},
		{name: "quiz-write-new", page: "/courses/:course/lessons/new-quiz", path: "/courses/phishing/lessons/new-quiz", as: platform},
		{name: "question-write", page: "/courses/:course/lessons/:lesson/questions/:question", path: "/courses/phishing/lessons/{quiz-lesson}/questions/{question}", as: platform},
		{name: "question-write-new", page: "/courses/:course/lessons/:lesson/questions/new", path: "/courses/phishing/lessons/{quiz-lesson}/questions/new", as: platform},
		{name: "status", page: "/status", important: true},
		{name: "status-platform", page: "/status", as: platform},

		{name: "problem-403", path: "/people", as: learner, status: http.StatusForbidden},
		{name: "problem-404", path: "/nothing/here", status: http.StatusNotFound},
		{name: "problem-404-learner", path: "/nothing/here", as: learner, status: http.StatusNotFound},
	}
}

// TestEveryPageIsListed finds what somebody forgot, on either side.
func TestEveryPageIsListed(t *testing.T) {
	unlisted := make(map[string]training.Role)
	for _, p := range web.Pages() {
		unlisted[p.Path] = p.Role
	}
	names, roles := make(map[string]bool), maps.Clone(unlisted)
	for _, l := range list() {
		role, ok := roles[l.page]
		if l.page != "" && !ok {
			t.Errorf("%s is listed as %s, which web.Pages() does not have", l.name, l.page)
		}
		if l.as == nobody && role != "" {
			t.Errorf("%s is for %ss, and is looked at by nobody", l.name, role)
		}
		if names[l.name] {
			t.Errorf("two pages are listed as %s", l.name)
		}
		names[l.name] = true
		delete(unlisted, l.page)
	}
	for path := range unlisted {
		t.Errorf("%s is not listed in pages_test.go: whoever adds a page adds it there, as everybody who sees something else on it", path)
	}
}
