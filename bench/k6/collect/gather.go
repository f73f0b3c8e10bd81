package collect

import (
	"math"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"go.k6.io/k6/v2/metrics"

	"outpost/bench/report/result"
)

// cacheHits is the metric of the scenarios that says whether an answer came from the cache.
const cacheHits = "outpost_cache_hits"

// mostRoutes bounds what is remembered of metrics and their tags; past it, all is looked up anew.
const mostRoutes = 50_000

// gatherer takes k6's samples. One goroutine feeds it, and then asks for what it has.
type gatherer struct {
	requests
	marks   []*mark
	tallies tallies
	routes  map[metrics.TimeSeries]*route
	vus     atomic.Uint64 // float64: the newest sample, for whoever samples the machine
}

func newGatherer(began time.Time, thresholds map[string]metrics.Thresholds) (*gatherer, error) {
	marks, err := newMarks(thresholds)
	if err != nil {
		return nil, err
	}
	return &gatherer{
		requests: *newRequests(began), marks: marks,
		tallies: make(tallies), routes: make(map[metrics.TimeSeries]*route),
	}, nil
}

// users is the newest number of virtual users. Any goroutine may ask.
func (g *gatherer) users() float64 { return math.Float64frombits(g.vus.Load()) }

// route is where the samples of one metric with one set of tags go. There are few, and many samples of each.
type route struct {
	to            func(metrics.Sample)
	marks         []*mark // thresholds that they belong to
	key           key
	cell          *cell
	status, error string
}

func (g *gatherer) take(containers []metrics.SampleContainer) {
	for _, container := range containers {
		for _, sample := range container.GetSamples() {
			r := g.routes[sample.TimeSeries]
			if r == nil {
				if len(g.routes) >= mostRoutes {
					clear(g.routes)
				}
				r = g.route(sample.TimeSeries)
				g.routes[sample.TimeSeries] = r
			}
			if r.to != nil {
				r.to(sample)
			}
			for _, m := range r.marks {
				m.add(sample.Value)
			}
		}
	}
}

func (g *gatherer) route(of metrics.TimeSeries) *route {
	r := &route{}
	for _, m := range g.marks {
		if m.of(of) {
			r.marks = append(r.marks, m)
		}
	}
	phase := phaseOf(of.Tags)
	switch name := of.Metric.Name; {
	case phase != "steady":
		if name == metrics.HTTPReqsName {
			r.to = func(metrics.Sample) { g.leftOut[phase]++ }
		}
	case name == metrics.HTTPReqDurationName:
		r.group(g, of.Tags)
		r.to = func(s metrics.Sample) { g.request(r.cell, r.key, r.status, s.Time, s.Value) }
	case name == metrics.HTTPReqFailedName:
		r.group(g, of.Tags)
		r.to = func(s metrics.Sample) {
			if s.Value != 0 {
				g.failure(r.cell, r.error, s.Time)
			}
		}
	case name == cacheHits:
		r.group(g, of.Tags)
		r.to = func(s metrics.Sample) {
			r.cell.cached++
			if s.Value != 0 {
				r.cell.hits++
			}
		}
	case name == metrics.VUsName:
		r.to = func(s metrics.Sample) { g.vus.Store(math.Float64bits(s.Value)) }
	case name == metrics.VUsMaxName || strings.HasPrefix(name, "http_"):
		// Said by the rest, or a part of the duration.
	default:
		r.to = g.tallies.add
	}
	return r
}

// group finds the group of requests that these tags stand for.
func (r *route) group(g *gatherer, tags *metrics.TagSet) {
	get := func(name string) string { value, _ := tags.Get(name); return value }
	name, host := endpointOf(get("name"))
	r.key = key{endpoint: name, region: get("region"), user: get("user")}
	if r.key.region == "" {
		r.key.region = host
	}
	r.cell = g.cell(r.key)
	r.status = get("status")
	r.error = r.status
	if code := get("error_code"); r.status == "" || r.status == "0" {
		r.status, r.error = result.NoStatus, reason(code)
	}
}

// reason says what became of a request that got no answer. https://grafana.com/docs/k6/latest/javascript-api/error-codes
func reason(code string) string {
	switch {
	case code == "1050" || code == "1211":
		return "timed out"
	case code == "1212":
		return "connection refused"
	case code == "1220":
		return "connection reset"
	case code == "":
		return "no answer"
	default:
		return "no answer: k6's error " + code
	}
}

// phaseOf is the phase that a sample belongs to. What no scenario has marked is steady, but for k6's own
// groups around setup and teardown.
func phaseOf(tags *metrics.TagSet) string {
	if phase, ok := tags.Get("phase"); ok && phase != "" {
		return phase
	}
	switch group, _ := tags.Get("group"); group {
	case "::setup":
		return "setup"
	case "::teardown":
		return "teardown"
	default:
		return "steady"
	}
}

// varying is a part of a path that names one thing among many.
var varying = regexp.MustCompile(`/([0-9]+|[0-9a-fA-F-]{16,}|[^/]*@[^/]*)(/|$)`)

// endpointOf is the name of a request as it may be kept, and the host in it. Where the scenario gave none,
// k6 takes the whole URL: what comes after the path may be secret, and what varies in it would make a
// group of each.
func endpointOf(name string) (endpoint, host string) {
	if !strings.Contains(name, "://") {
		endpoint, _, _ = strings.Cut(name, "?")
		return endpoint, ""
	}
	u, err := url.Parse(name)
	if err != nil {
		return others, ""
	}
	path := u.Path
	for varying.MatchString(path) {
		path = varying.ReplaceAllString(path, "/{id}$2")
	}
	return path, u.Host
}
