package api

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"outpost/server/api/apitest"
	"outpost/server/cache"
	"outpost/server/telemetry"
	"outpost/server/training"
)

// hitAllocations is how often a hit may allocate.
const hitAllocations = 0

func TestAHotHitAllocatesNextToNothing(t *testing.T) {
	for name, header := range map[string][]string{
		"plain": nil, "br": {"Accept-Encoding", "br"}, "zstd": {"Accept-Encoding", "zstd"}, "304": {"If-None-Match", "*"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newHotNode(t, nil)
			ctx := n.hot(benchUser, benchCourse, header...)
			reads := n.world.count()
			allocations := testing.AllocsPerRun(200, func() {
				ctx.Response.Reset()
				n.handler(ctx)
			})
			if allocations > hitAllocations && !raceDetector {
				t.Errorf("a hot hit allocates %v times, at most %d are allowed", allocations, hitAllocations)
			}
			if n.world.count() != reads {
				t.Error("a hot hit read the replica")
			}
		})
	}
}

// The users and courses of the benchmarks; so many of each that a parallel one asks for many keys in
// the name of many.
const (
	benchUser   = 1000
	benchCourse = 500
	benchMany   = 64
)

// hotNode is a node that logs nothing, with a limiter that nothing reaches. As in a real node, asking
// for its position takes no lock.
type hotNode struct {
	*node
	handler fasthttp.RequestHandler
}

func newHotNode(tb testing.TB, bend func(*Deps)) *hotNode {
	tb.Helper()
	n := newNode(tb, func(d *Deps, n *node) {
		n.world.fill()
		at := n.world.published()
		d.Published = func() training.At { return at }
		c, err := cache.New(cache.Options{MaxBytes: 64 << 20, Published: func() cache.At { return cache.At(at) }})
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(c.Close)
		c.Reset(at.Incarnation)
		d.Cache = c
		d.Log = slog.New(slog.DiscardHandler)
		d.Limits.Rate = Rate{Count: 100_000_000, Per: time.Minute, Burst: 1_000_000}
		if bend != nil {
			bend(d)
		}
	})
	n.app.Handler() // builds the tree of routes
	return &hotNode{n, n.app.Server().Handler}
}

// fill adds the users and courses of the benchmarks. The JSON of a course has 2 KB.
func (w *world) fill() {
	user, course := w.users[1], w.courses[0]
	course.Description = course.Description[:1600]
	for i := range int64(benchMany) {
		user.ID, user.Email = benchUser+i, fmt.Sprintf("learner%d@example.com", i)
		w.users[user.ID] = user
		course.ID, course.Slug = benchCourse+i, fmt.Sprintf("course-%d", i)
		w.courses = append(w.courses, course)
	}
}

// request is user's for a course.
func (n *hotNode) request(to *fasthttp.Request, user, course int64, header ...string) {
	to.Header.SetMethod(http.MethodGet)
	to.SetRequestURI(fmt.Sprintf("/api/v1/courses/course-%d?locale=en", course-benchCourse))
	to.Header.SetHost("fra.example.com")
	to.Header.Set("Authorization", "Bearer "+n.token(user))
	to.Header.Set("Outpost-Position", at(100))
	for i := 0; i < len(header); i += 2 {
		to.Header.Set(header[i], header[i+1])
	}
}

// hot prepares a request whose answer is in the cache.
func (n *hotNode) hot(user, course int64, header ...string) *fasthttp.RequestCtx {
	n.t.Helper()
	ctx := &fasthttp.RequestCtx{}
	n.request(&ctx.Request, user, course, header...)
	for range 3 {
		ctx.Response.Reset()
		n.handler(ctx)
	}
	checkHot(n.t, ctx)
	return ctx
}

func checkHot(tb testing.TB, ctx *fasthttp.RequestCtx) {
	tb.Helper()
	encoding := ctx.Request.Header.Peek("Accept-Encoding")
	status := http.StatusOK
	if len(ctx.Request.Header.Peek("If-None-Match")) > 0 {
		status, encoding = http.StatusNotModified, nil
	}
	h := &ctx.Response.Header
	if got := string(h.Peek("Cache-Status")); got != "outpost; hit" || ctx.Response.StatusCode() != status || string(h.ContentEncoding()) != string(encoding) {
		tb.Fatalf("answered %d, encoded %q, %s", ctx.Response.StatusCode(), h.ContentEncoding(), got)
	}
}

// BenchmarkHit is the whole of a hit from a parsed request to an answer ready to be written.
func BenchmarkHit(b *testing.B) {
	for _, v := range []struct {
		name   string
		bend   func(*Deps)
		header []string
	}{
		{name: "plain"},
		{name: "br", header: []string{"Accept-Encoding", "br"}},
		{name: "zstd", header: []string{"Accept-Encoding", "zstd"}},
		{name: "304", header: []string{"If-None-Match", "*"}},
		{name: "unlimited", bend: func(d *Deps) { d.Limits.Rate = Rate{} }},
		{name: "logged", bend: func(d *Deps) { d.Log = telemetry.NewLog(io.Discard, "json", slog.LevelInfo) }},
		{name: "unsampled", bend: func(d *Deps) { d.Tracer = unsampled(b) }},
	} {
		b.Run(v.name, func(b *testing.B) {
			n := newHotNode(b, v.bend)
			ctx := n.hot(benchUser, benchCourse, v.header...)
			b.ReportAllocs()
			for b.Loop() {
				ctx.Response.Reset()
				n.handler(ctx)
			}
			checkHot(b, ctx)
		})
	}
}

// unsampled traces, but has drawn none of the requests.
func unsampled(b *testing.B) *telemetry.Tracer {
	tracer, err := telemetry.NewTracer(b.Context(), telemetry.TraceOptions{
		Endpoint: "http://127.0.0.1:9", Service: "outpost", Region: "fra", Sampler: "parentbased_always_off", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(tracer.Close)
	return tracer
}

// BenchmarkHitParallel is many users asking for many courses at once. What is slower here than the
// time of a hit over the number of cores is waiting for each other.
func BenchmarkHitParallel(b *testing.B) {
	n := newHotNode(b, nil)
	asks := make([][]*fasthttp.RequestCtx, runtime.GOMAXPROCS(0))
	for g := range asks {
		for i := range int64(benchMany) {
			asks[g] = append(asks[g], n.hot(benchUser+(i+int64(g)*17)%benchMany, benchCourse+i*31%benchMany, "Accept-Encoding", "br"))
		}
	}
	var started atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		mine := asks[started.Add(1)-1]
		for i := 0; pb.Next(); i++ {
			ctx := mine[i%benchMany]
			ctx.Response.Reset()
			n.handler(ctx)
		}
	})
}

// BenchmarkHitWire is a hit from the bytes of a request to those of its answer, without a network.
func BenchmarkHitWire(b *testing.B) {
	n := newHotNode(b, nil)
	raw := n.rawHit(benchUser, benchCourse)
	wire := apitest.Listen(b, n)
	b.ReportAllocs()
	wire.Ask(b, raw, "HTTP/1.1 200 OK", b.Loop)
}

// BenchmarkHitWireParallel is the same with a connection for each core.
func BenchmarkHitWireParallel(b *testing.B) {
	n := newHotNode(b, nil)
	raws := make([][]byte, benchMany)
	for i := range raws {
		raws[i] = n.rawHit(benchUser+int64(i), benchCourse+int64(i))
	}
	wire := apitest.Listen(b, n)
	var started atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) { wire.Ask(b, raws[started.Add(1)%benchMany], "HTTP/1.1 200 OK", pb.Next) })
}

func (n *hotNode) rawHit(user, course int64) []byte {
	n.t.Helper()
	ctx := n.hot(user, course, "Accept-Encoding", "br")
	return []byte(ctx.Request.Header.String())
}
