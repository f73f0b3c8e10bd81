package api

import (
	"net/http"
	"slices"
	"strings"

	"outpost/server/telemetry"
	"outpost/server/training"
)

// route is one method of one path. A GET is also a HEAD.
type route struct {
	method    string
	pattern   string // in Fiber's form, with :parameters
	handle    func(*API, *call) error
	open      bool          // needs no token
	role      training.Role // the least that may; of a route that is not open, Learner where nothing is said
	scope     string        // that an API key needs; without one no API key may
	free      bool          // not limited: whoever asks it must always get an answer
	write     bool          // done by the primary
	creates   bool          // a write that gets an Idempotency-Key where it is taken in
	body      int           // bytes that a request may have; 0: as many as Limits say
	namespace string        // of the cache
	probe     bool          // machines ask it every few seconds: its log is for debugging only
	session   bool          // for browsers: the credential comes in a cookie, and an error is a page
	awaited   bool          // nodes ask it until it is there: so is a 503's

	number   uint16 // of the rate limit's buckets
	endpoint string // the pattern in OpenAPI's form, for metrics and logs
	counts   *telemetry.Endpoint
}

// routes are all there are, in the order in which they are tried. Each resource lists its own.
func (a *API) routes() []*route {
	routes := slices.Concat(
		sessionRoutes(),
		accountRoutes(),
		keyRoutes(),
		auditRoutes(),
		meRoutes(),
		userRoutes(),
		companyRoutes(),
		courseRoutes(),
		frameworkRoutes(),
		enrollmentRoutes(),
		quizRoutes(),
		certificateRoutes(),
		assignmentRoutes(),
		reminderRoutes(),
		analyticsRoutes(),
		phishingRoutes(),
		reportScheduleRoutes(),
		reportRoutes(),
		dashboardRoutes(),
		statusRoutes(),
		docsRoutes(),
	)
	if a.Snapshot != nil {
		routes = append(routes, &route{method: http.MethodGet, pattern: PathSnapshot, handle: (*API).snapshot, open: true, free: true, awaited: true})
	}
	if a.primary() {
		routes = append(routes, &route{method: http.MethodPost, pattern: PathIdentify, handle: (*API).identify, open: true, free: true})
	}
	routes = append(routes, a.pageRoutes()...)
	routes = append(routes, a.devRoutes()...)
	for i, r := range routes {
		r.number = uint16(i)
		r.endpoint = endpointOf(r.pattern)
		r.counts = a.Metrics.Endpoint(r.method, r.endpoint)
		if !r.open && r.role == "" {
			r.role = training.Learner
		}
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
