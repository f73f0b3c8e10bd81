package api

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"outpost/server/telemetry"
)

// BenchmarkStage is one part of a hit at a time, in the order of a request. server/auth, server/cache
// and server/telemetry measure more closely what they have of it.
func BenchmarkStage(b *testing.B) {
	for _, s := range []struct {
		name string
		run  func(a *API, k *call) error
	}{
		{"begin", func(a *API, k *call) error {
			a.pool.Put(a.begin(k.c, k.route))
			return nil
		}},
		{"position", func(a *API, k *call) error {
			k.asked = k.cookie
			if err := k.readPosition(); err != nil {
				return err
			}
			return a.reach(k)
		}},
		{"authenticate", (*API).authenticate},
		{"authorize", func(_ *API, k *call) error { return k.authorize() }},
		{"limiter", func(a *API, k *call) error {
			k.verdict = verdict{allowed: true}
			k.limit(a.rates, k.bucket())
			return nil
		}},
		{"key", func(_ *API, k *call) error { return courseKey(k) }},
		{"get", func(a *API, k *call) error {
			if _, _, ok := a.Cache.Get(k.key, k.now); !ok {
				return errors.New("no hit")
			}
			return nil
		}},
		{"answer", func(a *API, k *call) error {
			e, at, _ := a.Cache.Get(k.key, k.now)
			k.c.Response().Reset()
			return k.send(e, at, "outpost; hit")
		}},
		{"headers", func(_ *API, k *call) error {
			k.c.Response().Reset()
			k.headers(12 * time.Microsecond)
			return nil
		}},
		{"metrics", func(_ *API, k *call) error {
			k.route.counts.Cache("hit", k.now)
			k.counts().Request(http.StatusOK, 12*time.Microsecond, k.now)
			return nil
		}},
		{"log", func(a *API, k *call) error {
			a.log(k, http.StatusOK, 12*time.Microsecond)
			return nil
		}},
	} {
		b.Run(s.name, func(b *testing.B) {
			n := newHotNode(b, func(d *Deps) { d.Log = telemetry.NewLog(io.Discard, "json", slog.LevelInfo) })
			n.inside(func(k *call) {
				b.ReportAllocs()
				for b.Loop() {
					if err := s.run(n.API, k); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// courseKey is the part of getCourse that names its answer.
func courseKey(k *call) error {
	ref, err := k.courseRef()
	if err != nil {
		return err
	}
	mask, err := detailFields.parse(k.c.Query("fields"))
	if err != nil {
		return err
	}
	ref.Parts = courseParts(detailFields, mask)
	k.key = newKey(k.key, "course").course(ref).number(int64(mask))
	return nil
}

// inside runs do with the call of a hit whose answer is in the cache, all but answered.
func (n *hotNode) inside(do func(*call)) {
	n.t.Helper()
	hot := n.hot(benchUser, benchCourse, "Accept-Encoding", "br")
	done := false
	n.app.Get("/bench/:course", func(c *fiber.Ctx) error {
		k := n.begin(c, n.route("/api/v1/courses/{course}"))
		if err := n.run(k); err != nil || k.cached != "outpost; hit" {
			n.t.Errorf("no hit: %q, %v", k.cached, err)
			return err
		}
		do(k)
		done = true
		return nil
	})
	n.app.Handler() // builds the tree of routes anew
	ctx := &fasthttp.RequestCtx{}
	hot.Request.CopyTo(&ctx.Request)
	ctx.Request.SetRequestURI("/bench/course-0?locale=en")
	n.handler(ctx)
	if !done {
		n.t.Fatalf("the handler answered %d", ctx.Response.StatusCode())
	}
}

// route is the GET of an endpoint.
func (n *hotNode) route(endpoint string) *route {
	n.t.Helper()
	for _, r := range n.routes() {
		if r.method == http.MethodGet && r.endpoint == endpoint {
			return r
		}
	}
	n.t.Fatalf("there is no GET %s", endpoint)
	return nil
}

// BenchmarkFloor is what an answer costs that needs nothing of the above but headers and metrics.
func BenchmarkFloor(b *testing.B) {
	n := newHotNode(b, nil)
	ctx := &fasthttp.RequestCtx{}
	ctx.Request.SetRequestURI("/livez")
	b.ReportAllocs()
	for b.Loop() {
		ctx.Response.Reset()
		n.handler(ctx)
	}
	if ctx.Response.StatusCode() != http.StatusOK {
		b.Fatalf("answered %d", ctx.Response.StatusCode())
	}
}

// BenchmarkLimiterParallel is many users, each with a bucket of their own.
func BenchmarkLimiterParallel(b *testing.B) {
	l, err := newLimiter("default", Rate{Count: 100_000_000, Per: time.Minute, Burst: 1_000_000}, false)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := uint64(0); pb.Next(); i++ {
			if v := l.take(bucketKey{route: 7, number: i * 31 % benchMany}, time.Now()); !v.allowed {
				b.Error("refused")
				return
			}
		}
	})
}
