// Package web is what people see: the pages, their texts in German and English, their styles and scripts.
//
// A page is made of answers of the API, asked for inside the process under the credentials of whoever
// asks for the page. So a page can show nothing that the API does not give to that person, what it
// shows is as exact as the API's answers are, and a form is one of the API's writes in other clothes.
// A page that was made is kept as the API's answers are, until something that it shows has changed.
//
// What it guarantees:
//   - everything but live figures works without a script;
//   - no page has a style or script of its own in it, so that the policy allows none;
//   - text from people and from courses is escaped, and Markdown sanitised.
//
// It must not know Fiber, SQL, the cache or how somebody is authenticated: see API.
package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

// API is asked for what a page is made of.
type API interface {
	// Do answers a request as the API does over HTTP. The error is of what kept it from answering;
	// an answer that says no is an Answer.
	Do(ctx context.Context, r Call) (Answer, error)
}

// Call is a request to the API.
type Call struct {
	Method string
	Target string // path and query: /api/v1/me
	Header http.Header
	Body   []byte
}

// Answer is what the API says. It must not be changed.
type Answer struct {
	Status int
	Header http.Header // of what a page may need: Etag, Location
	Body   []byte
}

// Page is a page at a path: what it shows, and what its forms do.
type Page struct {
	Path string        // with :parameters
	Role training.Role // the least that may see it; empty: everybody, without signing in
	// Show makes the page. It changes nothing, and depends on nothing but the request.
	Show func(r *Request) (View, error)
	// Do carries out the page's form and gives the path to go on to. When it gives a Problem that the
	// person can do something about, the page is shown again, with it. Nil: there is no form.
	Do func(r *Request) (next string, err error)
	// Body is how many bytes a form may have; 0: as many as the API's bodies.
	Body int
}

// View is what a page shows.
type View struct {
	Template string // in templates/
	Title    string // for the tab and the heading
	Data     any    // for the template, as .Data
	Scripts  []string
	// Next is where the browser is sent instead; the rest is then empty.
	Next string
	// Until is when the page changes though no data does, beside what the API's answers say of
	// themselves; zero: never.
	Until time.Time
}

// Viewer is who looks at a page.
type Viewer struct {
	UserID    int64
	CompanyID int64
	Role      training.Role
}

// Request is a request for a page.
type Request struct {
	Context context.Context
	Path    string // as it was asked for
	Params  map[string]string
	Query   url.Values
	Locale  string
	Viewer  *Viewer // nil: nobody has signed in
	// Of a form, else empty. A page that is shown again has the form beside the Problem.
	Form    url.Values
	Files   map[string]File
	Problem *Problem
	// Keep makes the answer to a form begin a session with the tokens, or end it when there are none.
	Keep func(*openapi.Tokens)
	// Speak makes the answer to a form set the language of who has not signed in.
	Speak func(locale string)

	API  API
	Site *Options
	me   *openapi.User
}

// File was uploaded in a form.
type File struct {
	Name    string
	Content []byte
}

// Problem is the API's no.
type Problem struct {
	Status     int
	Detail     string
	Fields     []openapi.FieldError
	RequestID  string
	RetryAfter int // seconds; 0: not said
}

// Error gives the text.
func (p *Problem) Error() string { return fmt.Sprintf("%d %s", p.Status, p.Detail) }

// ErrAgain is what Do gives when nothing is wrong and there is more to do: the page is shown again, with the
// form.
var ErrAgain = errors.New("the page is to be shown again")

// Answerable says whether the person who filled in a form can do something about p there.
func (p *Problem) Answerable() bool {
	switch p.Status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusPreconditionFailed, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return true
	}
	return false
}

// Field is what is wrong with a field of the form; empty: nothing.
func (p *Problem) Field(name string) string {
	if p == nil {
		return ""
	}
	for _, f := range p.Fields {
		if f.Field == name {
			return f.Message
		}
	}
	return ""
}

// Invalid is a Problem with one field of a form, found here.
func Invalid(field, message string) *Problem {
	return &Problem{Status: http.StatusUnprocessableEntity, Fields: []openapi.FieldError{{Field: field, Message: message}}}
}

// NotFound is the Problem of a page that is not there.
func NotFound() *Problem { return &Problem{Status: http.StatusNotFound} }

// Get asks the API and reads its answer into out. target is a path below /api/v1, with a query.
func (r *Request) Get(target string, out any) error {
	_, err := r.send(http.MethodGet, target, nil, nil, out)
	return err
}

// Post sends in as JSON, and reads the answer into out, which may be nil.
func (r *Request) Post(target string, in, out any) error {
	return r.Write(http.MethodPost, target, in, out)
}

// Write is Post with another method; in may be nil.
func (r *Request) Write(method, target string, in, out any) error {
	var body []byte
	header := http.Header{}
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("writing the body of %s %s: %w", method, target, err)
		}
		header.Set("Content-Type", "application/json")
	}
	_, err := r.send(method, target, header, body, out)
	return err
}

// Change is Write of what the person saw in the version that the form's field "etag" names.
func (r *Request) Change(method, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("writing the body of %s %s: %w", method, target, err)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if version := r.Form.Get("version"); version != "" {
		header.Set("If-Match", strconv.Quote(version))
	}
	_, err = r.send(method, target, header, body, out)
	return err
}

// Raw sends a body that is not JSON.
func (r *Request) Raw(method, target, contentType string, body []byte, out any) error {
	_, err := r.send(method, target, http.Header{"Content-Type": {contentType}}, body, out)
	return err
}

func (r *Request) send(method, target string, header http.Header, body []byte, out any) (Answer, error) {
	answer, err := r.API.Do(r.Context, Call{Method: method, Target: "/api/v1" + target, Header: header, Body: body})
	if err != nil {
		return answer, err
	}
	if answer.Status >= 400 {
		return answer, problemOf(answer)
	}
	if out == nil || len(answer.Body) == 0 {
		return answer, nil
	}
	if err := json.Unmarshal(answer.Body, out); err != nil {
		return answer, fmt.Errorf("reading the answer of %s %s: %w", method, target, err)
	}
	return answer, nil
}

func problemOf(a Answer) error {
	var body openapi.Problem
	if err := json.Unmarshal(a.Body, &body); err != nil {
		return fmt.Errorf("reading a problem of status %d: %w", a.Status, err)
	}
	p := &Problem{Status: a.Status, RequestID: body.RequestId}
	if body.Detail != nil {
		p.Detail = *body.Detail
	}
	if body.Errors != nil {
		p.Fields = *body.Errors
	}
	// One that is not a number is as good as none.
	p.RetryAfter, _ = strconv.Atoi(a.Header.Get("Retry-After"))
	return p
}

// Me is who asks, with the company; nil for nobody.
func (r *Request) Me() (*openapi.User, error) {
	if r.Viewer == nil || r.me != nil {
		return r.me, nil
	}
	me := new(openapi.User)
	if err := r.Get("/me", me); err != nil {
		return nil, err
	}
	r.me = me
	return me, nil
}

// Is says whether the viewer may do what role may.
func (r *Request) Is(role training.Role) bool { return r.Viewer != nil && r.Viewer.Role.Includes(role) }

// Param is a parameter of the path, fit to stand in another.
func (r *Request) Param(name string) string { return url.PathEscape(r.Params[name]) }

// asProblem gives the Problem in err.
func asProblem(err error) (*Problem, bool) {
	var p *Problem
	return p, errors.As(err, &p)
}
