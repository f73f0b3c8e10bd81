package api

import (
	"net/http"
	"strings"
)

// route is one method of one path. A GET is also a HEAD.
type route struct {
	method    string
	pattern   string // in Fiber's form, with :parameters
	handle    func(*API, *call) error
	open      bool   // needs no token
	free      bool   // not limited: whoever asks it must always get an answer
	write     bool   // done by the primary
	creates   bool   // a write that gets an Idempotency-Key where it is taken in
	namespace string // of the cache
	probe     bool   // machines ask it every few seconds: its log is for debugging only
	awaited   bool   // nodes ask it until it is there: so is a 503's

	number   uint16 // of the rate limit's buckets
	endpoint string // the pattern in OpenAPI's form, for metrics and logs
}

// routes are all there are, in the order in which they are tried.
func (a *API) routes() []*route {
	const get, post, put = http.MethodGet, http.MethodPost, http.MethodPut
	routes := []*route{
		{method: post, pattern: "/api/v1/auth/login", handle: (*API).login, open: true, write: true},
		{method: post, pattern: "/api/v1/auth/refresh", handle: (*API).refresh, open: true, write: true},
		{method: post, pattern: "/api/v1/auth/logout", handle: (*API).logout, write: true},

		{method: get, pattern: "/api/v1/me", handle: (*API).me, namespace: "me"},
		{method: get, pattern: "/api/v1/me/enrollments", handle: (*API).listMyEnrollments, namespace: "enrollments"},

		{method: get, pattern: "/api/v1/courses", handle: (*API).listCourses, namespace: "courses"},
		{method: get, pattern: "/api/v1/courses/:course", handle: (*API).getCourse, namespace: "courses"},
		{method: get, pattern: "/api/v1/courses/:course/lessons/:lesson", handle: (*API).getLesson, namespace: "courses"},

		{method: post, pattern: "/api/v1/enrollments", handle: (*API).enroll, write: true, creates: true},
		{method: get, pattern: "/api/v1/enrollments/:enrollment", handle: (*API).getEnrollment, namespace: "enrollments"},
		{method: put, pattern: "/api/v1/enrollments/:enrollment/lessons/:lesson", handle: (*API).recordProgress, write: true},

		{method: get, pattern: "/api/v1/status", handle: (*API).status, open: true},
		{method: get, pattern: "/livez", handle: (*API).live, open: true, free: true, probe: true},
		{method: get, pattern: "/readyz", handle: (*API).ready, open: true, free: true, probe: true},
		{method: get, pattern: "/openapi.json", handle: (*API).openapi, open: true},
	}
	if a.Snapshot != nil {
		routes = append(routes, &route{method: get, pattern: PathSnapshot, handle: (*API).snapshot, open: true, free: true, awaited: true})
	}
	for i, r := range routes {
		r.number = uint16(i)
		r.endpoint = endpointOf(r.pattern)
	}
	return routes
}

func endpointOf(pattern string) string {
	parts := strings.Split(pattern, "/")
	for i, p := range parts {
		if name, ok := strings.CutPrefix(p, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}
