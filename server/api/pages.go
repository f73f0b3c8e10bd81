package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"outpost/replicate/change"
	"outpost/server/cache"
	"outpost/server/training"
	"outpost/web"
)

// Pages are asked for by browsers, which carry the session in a cookie: see session_cookie.go. What
// they show is asked of the API itself, inside of the process: see inside.go.

const (
	htmlType  = "text/html; charset=utf-8"
	varyPages = "Accept-Encoding, Accept-Language, Cookie"
)

// pageRoutes are those of all pages and of what is downloaded from them. A path that has a form has two.
func (a *API) pageRoutes() []*route {
	if a.Site == nil {
		return nil
	}
	// What is downloaded comes first: /people/:user would take /people/export.csv for a person.
	routes := append(downloadRoutes(), &route{method: http.MethodGet, pattern: web.Assets + ":asset", handle: (*API).asset, open: true, free: true, probe: true})
	for _, p := range web.Pages() {
		common := route{pattern: p.Path, open: p.Role == "", role: p.Role, session: true, namespace: "pages"}
		show := common
		show.method, show.handle = http.MethodGet, func(a *API, k *call) error { return a.showPage(k, &p) }
		routes = append(routes, &show)
		if p.Do != nil {
			do := common
			do.method, do.body = http.MethodPost, p.Body
			do.handle = func(a *API, k *call) error { return a.doPage(k, &p) }
			routes = append(routes, &do)
		}
	}
	return routes
}

// downloadRoutes are answers of the API that a page links to: browsers have a cookie for them and no token.
func downloadRoutes() []*route {
	return []*route{
		{method: http.MethodGet, pattern: "/profile/export.json", handle: (*API).exportMe, write: true, session: true},
		{method: http.MethodGet, pattern: "/people/export.csv", handle: (*API).exportUsers, role: training.Manager, session: true},
		{method: http.MethodGet, pattern: "/courses/:course/source.json", handle: (*API).getCourseSource, role: training.PlatformAdmin, write: true, session: true},
		{method: http.MethodGet, pattern: "/status/stream", handle: (*API).watchStatus, open: true, session: true},
		{method: http.MethodGet, pattern: "/reports/:report/document", handle: (*API).getReport, session: true},
	}
}

// request is what a page gets to see of a call. Nothing in it is Fiber's.
func (k *call) pageRequest(ctx context.Context, inside *inside) *web.Request {
	r := &web.Request{
		Context: ctx, Path: strings.Clone(k.c.Path()), Params: make(map[string]string), Query: url.Values{},
		Locale: k.pageLocale(), API: inside, Site: k.api.Site.Options(),
	}
	for _, name := range k.c.Route().Params {
		value := strings.Clone(k.c.Params(name))
		if text, err := url.PathUnescape(value); err == nil {
			value = text
		}
		r.Params[name] = value
	}
	for name, value := range k.c.Context().QueryArgs().All() {
		r.Query.Add(string(name), string(value))
	}
	if k.known {
		r.Viewer = &web.Viewer{UserID: k.principal.UserID, CompanyID: k.principal.CompanyID, Role: k.principal.Role}
	}
	return r
}

// pageLocale is locale that takes no offence.
func (k *call) pageLocale() string {
	requested := k.c.Query("locale")
	if len(requested) > maxLocale {
		requested = ""
	}
	return k.api.locales.choose(training.LocaleWishes{
		Requested: requested, User: k.principal.Locale, AcceptLanguage: k.c.Get(fiber.HeaderAcceptLanguage), Company: k.principal.CompanyLocale,
	})
}

// showPage answers with a page, by way of the cache.
func (a *API) showPage(k *call, p *web.Page) error {
	if err := a.reach(k); err != nil {
		return err
	}
	locale := k.pageLocale()
	uri := k.c.Request().URI()
	// It is made from the whole of the request, by whoever asks: nobody else's fits.
	key := newKey(k.key, "page").text(locale).text(string(uri.PathOriginal())).text(string(uri.QueryString())).flag(k.known)
	if k.known {
		key = key.person(k)
	}
	k.key = key
	if done, err := a.hit(k); done {
		return err
	}
	// The fill may outlive the call, which by then is another request's.
	inside := k.inside()
	if k.position.Compare(k.asked) == 0 && k.stale >= 0 {
		inside.from.asked = change.Position{} // it was waited for in vain
	}
	r := k.pageRequest(a.base, inside)
	route, version := k.route, a.Version
	err := a.compute(k, func(ctx context.Context) (cache.Filled, error) {
		r.Context = ctx
		view, err := p.Show(r)
		if err != nil {
			return cache.Filled{}, err
		}
		if view.Next != "" {
			return cache.Filled{}, elsewhere(view.Next)
		}
		body, err := a.Site.Render(r, view)
		if err != nil {
			return cache.Filled{}, err
		}
		filled := inside.filled(route, version, body, view.Until)
		if view.Status != 0 {
			filled.Status = view.Status
		}
		return filled, nil
	})
	k.stale = max(k.stale, inside.stale)
	var next elsewhere
	if errors.As(err, &next) {
		k.goOn(string(next))
		return nil
	}
	return err
}

// elsewhere is what a page says instead of what it would show: the path to go to.
type elsewhere string

// Error gives the text.
func (e elsewhere) Error() string { return "the page is at " + string(e) }

// goOn sends the browser to a path of this server.
func (k *call) goOn(path string) {
	k.c.Response().Header.Set(fiber.HeaderLocation, local(path))
	k.c.Response().SetStatusCode(http.StatusSeeOther)
}

// doPage carries out a form and sends the browser on, or shows the page again with what is wrong. A script
// that sends the form is told in JSON.
func (a *API) doPage(k *call, p *web.Page) error {
	ctx, cancel := context.WithTimeout(a.base, a.Limits.Request)
	defer cancel()
	inside := k.inside()
	r := k.pageRequest(ctx, inside)
	if err := k.form(r); err != nil {
		return err
	}
	r.Keep, r.Speak = k.keepSession, k.speak
	next, err := p.Do(r)
	if inside.position.Compare(k.position) > 0 {
		k.position = inside.position
	}
	var no *web.Problem
	switch {
	case err == nil && k.wantsJSON():
		return k.json(http.StatusOK, struct {
			Next string `json:"next"`
		}{next})
	case err == nil && r.Answer != nil:
		body, err := a.Site.Render(r, *r.Answer)
		if err != nil {
			return err
		}
		return k.html(http.StatusOK, body)
	case err == nil:
		k.goOn(next)
		return nil
	case errors.Is(err, web.ErrAgain):
		no = nil
	case !errors.As(err, &no) || !no.Answerable() || k.wantsJSON():
		return err
	}
	r.Problem = no
	view, showErr := p.Show(r)
	if showErr != nil {
		return errors.Join(err, showErr)
	}
	body, showErr := a.Site.Render(r, view)
	if showErr != nil {
		return errors.Join(err, showErr)
	}
	if no == nil {
		return k.html(http.StatusOK, body)
	}
	if no.RetryAfter > 0 {
		k.c.Response().Header.Set(fiber.HeaderRetryAfter, strconv.Itoa(no.RetryAfter))
	}
	return k.html(no.Status, body)
}

// local is a path of this server, whatever somebody wrote into a link.
func local(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return path
}

func (k *call) wantsJSON() bool {
	return strings.HasPrefix(k.c.Get(fiber.HeaderAccept), fiber.MIMEApplicationJSON)
}

// html answers with a page that is not kept.
func (k *call) html(status int, body []byte) error {
	r := k.c.Response()
	r.SetStatusCode(status)
	r.Header.SetContentType(htmlType)
	err := k.compressed(body)
	set(&r.Header, fiber.HeaderVary, []byte(varyPages))
	return err
}

// form reads what was filled in.
func (k *call) form(r *web.Request) error {
	kind := k.c.Get(fiber.HeaderContentType)
	r.Form = url.Values{}
	switch {
	case isType(kind, fiber.MIMEApplicationForm):
		for name, value := range k.c.Context().PostArgs().All() {
			r.Form.Add(string(name), string(value))
		}
	case isType(kind, fiber.MIMEMultipartForm):
		return k.upload(r)
	default:
		return &problem{status: http.StatusUnsupportedMediaType, detail: "The body must be a form."}
	}
	return nil
}

// failPage answers a browser with a page that says what went wrong, or sends it to sign in.
func (k *call) failPage(err error) {
	p := pageProblem(err)
	k.cause = p.cause
	if p.status == http.StatusUnauthorized && !k.wantsJSON() {
		next := string(k.c.Request().URI().RequestURI())
		if k.c.Method() != http.MethodGet {
			next = strings.Clone(k.c.Path())
		}
		k.c.Response().ResetBody()
		k.goOn("/sign-in?next=" + url.QueryEscape(next))
		return
	}
	if k.wantsJSON() {
		k.fail(p)
		return
	}
	r := &web.Request{Context: k.api.base, Path: strings.Clone(k.c.Path()), Locale: k.pageLocale(), Site: k.api.Site.Options()}
	if k.known {
		r.Viewer = &web.Viewer{UserID: k.principal.UserID, CompanyID: k.principal.CompanyID, Role: k.principal.Role}
	}
	no := &web.Problem{Status: p.status, Detail: p.detail, RequestID: k.requestID(), RetryAfter: ceil(p.retry.Seconds())}
	body, renderErr := k.api.Site.RenderProblem(r, no)
	if renderErr == nil {
		k.c.Response().ResetBody()
		k.c.Response().Header.Del(fiber.HeaderETag)
		set(&k.c.Response().Header, fiber.HeaderCacheControl, []byte("no-store"))
		renderErr = k.html(p.status, body)
	}
	if renderErr != nil {
		k.fail(errors.Join(err, renderErr))
		return
	}
	if no.RetryAfter > 0 {
		k.c.Response().Header.Set(fiber.HeaderRetryAfter, strconv.Itoa(no.RetryAfter))
	}
}

// pageProblem is problemOf, which also knows the API's own no to a page.
func pageProblem(err error) *problem {
	var no *web.Problem
	if errors.As(err, &no) {
		detail := no.Detail
		if detail == "" {
			detail = details[no.Status]
		}
		return &problem{status: no.Status, detail: detail, retry: time.Duration(no.RetryAfter) * time.Second}
	}
	return problemOf(err)
}

// browser says whether an answer that no route gives should be a page: it was asked for by somebody who
// looks at it, and not of the API.
func (k *call) browser() bool {
	return k.api.Site != nil && !strings.HasPrefix(k.c.Path(), "/api/") && strings.Contains(k.c.Get(fiber.HeaderAccept), "text/html")
}

// pageHeaders are those that keep a page to itself.
func (k *call) pageHeaders() {
	h := &k.c.Response().Header
	set(h, fiber.HeaderContentSecurityPolicy, []byte(web.Policy))
	set(h, fiber.HeaderReferrerPolicy, []byte("same-origin"))
	set(h, "Cross-Origin-Opener-Policy", []byte("same-origin"))
	if k.secure() {
		set(h, fiber.HeaderStrictTransportSecurity, []byte("max-age=31536000"))
	}
}

// asset answers with one of the pages' files. Its name changes with its content.
func (a *API) asset(k *call) error {
	found, ok, err := web.FindAsset(k.c.Params("asset"))
	if err != nil {
		return err
	}
	if !ok {
		return notFound()
	}
	r := k.c.Response()
	encoding := ""
	if found.Compressible() {
		encoding = chooseEncoding(k.c.Request().Header.Peek(fiber.HeaderAcceptEncoding))
		set(&r.Header, fiber.HeaderVary, []byte(fiber.HeaderAcceptEncoding))
	}
	body, encoding, err := found.Form(encoding)
	if err != nil {
		return err
	}
	if encoding != "" {
		r.Header.SetContentEncoding(encoding)
	}
	set(&r.Header, fiber.HeaderCacheControl, []byte("public, max-age=31536000, immutable"))
	r.Header.SetContentType(found.Type)
	r.SetBodyRaw(body)
	return nil
}
