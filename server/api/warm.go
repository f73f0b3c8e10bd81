package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"outpost/server/cache"
	"outpost/server/forward"
	"outpost/server/telemetry"
	"outpost/server/training"
)

// Again is what it takes to ask again after a restart: who asked for what. It is written to disk, so
// nothing that a person typed and nothing that grants anything is in it: what somebody may is read
// from the replica when it is asked again, and a request that has a parameter for free text, or a
// certificate's code, which opens it, is not remembered at all.
type Again struct {
	Target string `json:"target"`           // path and query
	User   int64  `json:"user,omitempty"`   // 0: nobody in particular
	Locale string `json:"locale,omitempty"` // that Accept-Language wished for
}

// remember counts a request that was answered from the cache, or that filled it, as n.
func (a *API) remember(k *call, n uint64) {
	a.Hits.Count(k.key, n, func() (Again, bool) { return k.again() })
}

// again copies what it takes to repeat this call's request, false where it is not to be kept. An answer that
// several people share is remembered under whoever asked first: when they may see it no more, it is not asked again.
func (k *call) again() (Again, bool) {
	uri := k.c.Request().URI()
	out := Again{Target: string(uri.PathOriginal())}
	if query := uri.QueryString(); len(query) > 0 {
		out.Target += "?" + string(query)
	}
	if !k.route.repeatable() || !plain(out.Target) {
		return Again{}, false
	}
	if k.known {
		out.User = k.principal.UserID
	}
	out.Locale = k.wish()
	return out, true
}

// wish is the locale that Accept-Language asks for, and nothing else of what the client wrote there.
func (k *call) wish() string {
	w := training.LocaleWishes{AcceptLanguage: k.c.Get(fiber.HeaderAcceptLanguage)}
	if w.AcceptLanguage == "" {
		return ""
	}
	// It decides if it comes out the same whatever is spoken at the company.
	wished := ""
	for _, w.Company = range training.Locales() {
		chosen := training.ChooseLocale(w)
		if wished != "" && chosen != wished {
			return ""
		}
		wished = chosen
	}
	return wished
}

// repeatable says whether a request of this route may be kept.
func (r *route) repeatable() bool {
	return r.method == http.MethodGet && r.namespace != "" && !r.write && !r.session && !strings.Contains(r.pattern, ":code")
}

// plainPath has numbers and names of courses. What the parameters may hold is as narrow: numbers,
// words that the API itself made up, names of fields. All else, known or not, is somebody's text.
var (
	plainPath   = regexp.MustCompile(`^/[a-z0-9/._-]{1,200}$`)
	plainValues = map[string]*regexp.Regexp{
		"page": plainNumber, "size": plainNumber, "days": plainNumber,
		"company_id": plainNumber, "course_id": plainNumber, "user_id": plainNumber,
		"sort": plainWord, "level": plainWord, "category": plainWord, "status": plainWord, "scope": plainWord,
		"role": plainWord, "job_risk": plainWord, "active": plainWord, "is_active": plainWord,
		"locale": regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z]{2,4}){0,2}$`),
		"fields": regexp.MustCompile(`^[a-z_.,]{0,512}$`),
	}
	plainNumber = regexp.MustCompile(`^[0-9]{0,19}$`)
	plainWord   = regexp.MustCompile(`^-?[a-z_-]{0,32}$`)
)

// maxTarget bounds a target that is kept, in bytes.
const maxTarget = 1024

func plain(target string) bool {
	path, query, _ := strings.Cut(target, "?")
	if len(target) > maxTarget || !plainPath.MatchString(path) {
		return false
	}
	seen := make(map[string]bool)
	for query != "" {
		var parameter string
		parameter, query, _ = strings.Cut(query, "&")
		name, value, _ := strings.Cut(parameter, "=")
		if allowed := plainValues[name]; allowed == nil || seen[name] || !allowed.MatchString(value) {
			return false
		}
		seen[name] = true
	}
	return true
}

// Replay asks again what was asked before a restart, so that the answers are in the cache when
// somebody comes for them. Each goes the way of a miss, by the route's own handler, and so under the
// key that a request of that person has now; authentication, limits, metrics, traces, the log and the
// primary are left out.
type Replay struct {
	api   *API
	hits  *cache.Hits[Again]
	serve fasthttp.RequestHandler
}

// NewReplay makes a replay into the cache of a, which must have Hits.
func (a *API) NewReplay() *Replay {
	d := a.Deps
	d.Hits, d.Tracer = nil, nil
	d.Metrics = telemetry.New(d.Version, d.Region, nil) // that nobody reads
	if d.Forward != nil {
		d.Forward = nowhere{}
	}
	r := &Replay{api: &API{Deps: d, base: a.base}, hits: a.Hits}
	app := fiber.New(fiber.Config{DisableStartupMessage: true, CaseSensitive: true})
	for _, route := range r.api.routes() {
		if route.repeatable() {
			app.Get(route.pattern, func(c *fiber.Ctx) error { return r.handle(c, route) })
		}
	}
	r.serve = app.Handler()
	return r
}

// nowhere is the primary to what need not be answered.
type nowhere struct{}

var errNowhere = errors.New("a replay asks no other region")

func (nowhere) Do(context.Context, forward.Request) (forward.Response, error) {
	return forward.Response{}, errNowhere
}

func (nowhere) Open(context.Context, forward.Request) (forward.Stream, error) {
	return forward.Stream{}, errNowhere
}

// The values that a replayed request carries for its handler.
type (
	replayed struct{}
	replay   struct {
		ctx   context.Context
		again cache.Counted[Again]
		err   error
	}
)

// Ask asks one thing again, as somebody who may what the replica says now. The error tells why it
// was not answered: the person, the thing or the right to it is not there any more.
func (r *Replay) Ask(ctx context.Context, again cache.Counted[Again]) error {
	if !plain(again.What.Target) {
		return fmt.Errorf("%q is not the target of a request that is remembered", again.What.Target)
	}
	var request fasthttp.Request
	request.SetRequestURI(again.What.Target)
	if again.What.Locale != "" {
		request.Header.Set(fiber.HeaderAcceptLanguage, again.What.Locale)
	}
	var c fasthttp.RequestCtx
	c.Init(&request, nil, nil)
	state := &replay{ctx: ctx, again: again, err: notFound()}
	c.SetUserValue(replayed{}, state)
	r.serve(&c)
	return state.err
}

func (r *Replay) handle(c *fiber.Ctx, route *route) error {
	state := c.Context().UserValue(replayed{}).(*replay)
	defer func() {
		if cause := recover(); cause != nil {
			state.err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	k := &call{api: r.api, c: c, route: route, id: []byte("replay"), began: r.api.Now(), stale: -1}
	k.now = k.began
	if state.err = r.identify(state.ctx, k, state.again.What.User); state.err != nil {
		return nil
	}
	if state.err = k.authorize(); state.err != nil {
		return nil
	}
	if state.err = route.handle(r.api, k); state.err == nil {
		r.hits.Count(k.key, state.again.Count, func() (Again, bool) { return state.again.What, true })
	}
	return nil
}

// identify makes the call that of a user as the replica knows them.
func (r *Replay) identify(ctx context.Context, k *call, user int64) error {
	if user == 0 {
		return nil
	}
	var account training.Account
	var locale string
	_, err := r.api.Read(ctx, func(q training.Queries) (err error) {
		if account, err = q.Account(ctx, user, 0); err != nil {
			return err
		}
		locale, err = q.CompanyLocale(ctx, account.CompanyID)
		return err
	})
	if err != nil {
		return err
	}
	if !account.Active {
		return training.Errorf(training.Forbidden, "The account is not active any more.")
	}
	k.known = true
	k.principal = training.Principal{
		UserID: user, CompanyID: account.CompanyID, Role: account.Role, Locale: account.Locale, CompanyLocale: locale, Zone: account.Zone,
	}
	return nil
}
