package api

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/sync/singleflight"

	"outpost/server/api/openapi"
	"outpost/server/auth"
	"outpost/server/training"
	"outpost/web"
)

// A browser holds its session in two cookies that no script can read: the access token, for as long as
// it can be of use, and the refresh token, by which a page that comes later gets a new one. Only pages
// take them. The API takes none, so that no other site's page can make a browser change anything there;
// and of a page's own forms, those that another site sends are refused by what browsers say of where a
// request comes from. So no page has a token in it that would make it another one for everybody.
const (
	cookieSession = "outpost_session"
	cookieRefresh = "outpost_refresh"
	cookieLocale  = "outpost_locale"

	// A session ends when nobody comes for as long as a refresh token is good.
	sessionAge = 30 * 24 * time.Hour
	localeAge  = 365 * 24 * time.Hour
)

// crossOrigin goes by Sec-Fetch-Site and, where a browser sends none, Origin.
var crossOrigin = http.NewCrossOriginProtection()

// openSession takes the credential of a page from its cookies.
func (a *API) openSession(k *call) error {
	if k.forwarded != "" {
		return nil // the edge has done it
	}
	in := &k.c.Request().Header
	if err := crossOrigin.Check(&http.Request{
		Method: k.c.Method(), Host: string(in.Host()), URL: new(url.URL),
		Header: http.Header{"Sec-Fetch-Site": {k.c.Get("Sec-Fetch-Site")}, "Origin": {k.c.Get(fiber.HeaderOrigin)}},
	}); err != nil {
		return training.Errorf(training.Forbidden, "Another site's page has sent this. Go to the page here and send it from there.")
	}
	if chosen := k.c.Cookies(cookieLocale); chosen != "" {
		in.Set(fiber.HeaderAcceptLanguage, chosen)
	}
	token, refresh := k.c.Cookies(cookieSession), k.c.Cookies(cookieRefresh)
	if refresh != "" && (token == "" || a.over(token)) {
		tokens, err := a.refreshed(k, refresh)
		switch {
		case err == nil:
			k.keepSession(tokens)
			token = tokens.AccessToken
		case training.CodeOf(err) == training.Unauthorized:
			k.keepSession(nil)
			token = ""
		case token == "":
			return err
		}
		// An old token may be good while the primary is away: see believe.
	}
	if token == "" {
		in.Del(fiber.HeaderAuthorization)
	} else {
		in.Set(fiber.HeaderAuthorization, "Bearer "+token)
	}
	return nil
}

// sessionToken is the credential of the call.
func (k *call) sessionToken() string {
	token, _ := bearer(k.c.Get(fiber.HeaderAuthorization))
	return strings.Clone(token)
}

// over says whether a token was good and is not any more.
func (a *API) over(token string) bool {
	_, err := a.Auth.Authenticate(a.base, token)
	return reason(err) == auth.Expired
}

// refreshes lets the pages that a browser asks for at the same time refresh its session together: a
// refresh token that is used twice ends the session. The outcome is remembered for as long as the
// slowest of them may take. Of several nodes in one region each remembers its own.
type refreshes struct {
	now   func() time.Time
	group singleflight.Group

	mu   sync.Mutex // guards what follows
	done map[[sha256.Size]byte]*openapi.Tokens
	line []refreshed // the same by age, the oldest first
}

type refreshed struct {
	by [sha256.Size]byte
	at time.Time
}

const (
	refreshesKept = 4096
	refreshKept   = time.Minute
)

func newRefreshes(now func() time.Time) *refreshes {
	return &refreshes{now: now, done: make(map[[sha256.Size]byte]*openapi.Tokens)}
}

// get gives the tokens that came of a refresh token a moment ago.
func (r *refreshes) get(by [sha256.Size]byte) (*openapi.Tokens, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(refreshesKept)
	tokens, ok := r.done[by]
	return tokens, ok
}

func (r *refreshes) add(by [sha256.Size]byte, tokens *openapi.Tokens) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(refreshesKept - 1)
	r.done[by], r.line = tokens, append(r.line, refreshed{by, r.now()})
}

// forget leaves at most as many, and none that is old.
func (r *refreshes) forget(most int) {
	for len(r.line) > 0 && (len(r.line) > most || r.now().Sub(r.line[0].at) >= refreshKept) {
		delete(r.done, r.line[0].by)
		r.line = r.line[1:]
	}
}

// refreshed gives the tokens that follow a refresh token.
func (a *API) refreshed(k *call, refresh string) (*openapi.Tokens, error) {
	hash := sha256.Sum256([]byte(refresh))
	refresh = strings.Clone(refresh)
	inside := k.inside()
	made, err, _ := a.refreshes.group.Do(string(hash[:]), func() (any, error) {
		if tokens, ok := a.refreshes.get(hash); ok {
			return tokens, nil
		}
		body, err := json.Marshal(openapi.RefreshRequest{RefreshToken: refresh})
		if err != nil {
			return nil, err
		}
		answer, err := inside.Do(a.base, web.Call{
			Method: http.MethodPost, Target: "/api/v1/auth/refresh", Header: http.Header{fiber.HeaderContentType: {fiber.MIMEApplicationJSON}}, Body: body,
		})
		switch {
		case err != nil:
			return nil, err
		case answer.Status == http.StatusUnauthorized:
			return nil, training.Errorf(training.Unauthorized, "The session has ended.")
		case answer.Status != http.StatusOK:
			return nil, unavailable("Your session cannot be continued right now.", fmt.Errorf("refreshing a session was answered with %d", answer.Status))
		}
		tokens := new(openapi.Tokens)
		if err := json.Unmarshal(answer.Body, tokens); err != nil {
			return nil, fmt.Errorf("reading the tokens of a refreshed session: %w", err)
		}
		a.refreshes.add(hash, tokens)
		return tokens, nil
	})
	if err != nil {
		return nil, err
	}
	return made.(*openapi.Tokens), nil
}

// keepSession gives the browser its cookies, or takes them, and with them what it kept of the person's pages:
// its back button shows nothing of them to whoever sits there next.
func (k *call) keepSession(t *openapi.Tokens) {
	if t == nil {
		set(&k.c.Response().Header, "Clear-Site-Data", []byte(`"cache"`))
		k.setSessionCookie(cookieSession, "", -1)
		k.setSessionCookie(cookieRefresh, "", -1)
		return
	}
	// While the primary is away, a token is good for longer than it says.
	k.setSessionCookie(cookieSession, t.AccessToken, time.Duration(t.ExpiresIn)*time.Second+auth.MaxGrace)
	k.setSessionCookie(cookieRefresh, t.RefreshToken, sessionAge)
}

// speak makes the browser remember a language.
func (k *call) speak(locale string) { k.setSessionCookie(cookieLocale, locale, localeAge) }

func (k *call) setSessionCookie(name, value string, age time.Duration) {
	cookie := &fiber.Cookie{
		Name: name, Value: value, Path: "/", HTTPOnly: true, Secure: k.secure(), SameSite: fiber.CookieSameSiteLaxMode, MaxAge: int(age.Seconds()),
	}
	if age < 0 {
		cookie.MaxAge, cookie.Expires = 0, time.Unix(1, 0)
	}
	k.c.Cookie(cookie)
}

// upload reads a form that has files.
func (k *call) upload(r *web.Request) error {
	form, err := k.c.MultipartForm()
	if err != nil {
		return badRequest("The form cannot be read.")
	}
	defer func() { _ = form.RemoveAll() }() // of files on disk, which a body of this size has none of
	for name, values := range form.Value {
		for _, value := range values {
			r.Form.Add(strings.Clone(name), strings.Clone(value))
		}
	}
	r.Files = make(map[string]web.File)
	for name, headers := range form.File {
		if len(headers) == 0 {
			continue
		}
		file, err := headers[0].Open()
		if err != nil {
			return fmt.Errorf("opening an uploaded file: %w", err)
		}
		content, err := io.ReadAll(file)
		if err = orClose(err, file); err != nil {
			return fmt.Errorf("reading an uploaded file: %w", err)
		}
		r.Files[strings.Clone(name)] = web.File{Name: strings.Clone(headers[0].Filename), Content: content}
	}
	return nil
}

func orClose(err error, c io.Closer) error {
	if closeErr := c.Close(); err == nil {
		err = closeErr
	}
	return err
}
