package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"outpost/server/mail/mailtest"
	"outpost/server/training"
)

// document is openapi.yaml, which the tests walk through so that no operation escapes them.
type document struct {
	operations []operation // by path and method
	router     routers.Router
}

// operation is one of the document's.
type operation struct {
	*openapi3.Operation
	method, path string
	open         bool          // needs no token
	role         training.Role // the least that may
	scope        string        // that an API key needs; empty: none may
}

// id is the operation's name.
func (o *operation) id() string { return o.OperationID }

// writes says whether it changes anything.
func (o *operation) writes() bool { return o.method != http.MethodGet }

func readDocument(t *testing.T) *document {
	t.Helper()
	spec, err := openapi3.NewLoader().LoadFromFile("../api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"text/html", "text/css", "text/javascript", "image/png", "application/pdf", "text/event-stream"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.FileBodyDecoder)
	}
	d := &document{}
	if d.router, err = gorillamux.NewRouter(spec); err != nil {
		t.Fatal(err)
	}
	for path, item := range spec.Paths.Map() {
		for method, spec := range item.Operations() {
			o := operation{Operation: spec, method: method, path: path}
			o.open = spec.Security != nil && len(*spec.Security) == 0
			if o.role = training.Role(text(spec.Extensions["x-role"])); o.role == "" && !o.open {
				o.role = training.Learner
			}
			o.scope = text(spec.Extensions["x-scope"])
			d.operations = append(d.operations, o)
		}
	}
	slices.SortFunc(d.operations, func(a, b operation) int {
		return strings.Compare(a.path+" "+a.method, b.path+" "+b.method)
	})
	return d
}

func (d *document) find(t *testing.T, id string) operation {
	t.Helper()
	for _, o := range d.operations {
		if o.id() == id {
			return o
		}
	}
	t.Fatalf("openapi.yaml has no operation %s: take it out of this test's table", id)
	return operation{}
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// example is a body that the document shows.
type example struct {
	name, kind string
	value      any // what was decoded from the document; a string for what is not JSON
}

// bodies are the document's examples of what is sent.
func (o *operation) bodies() (list []example) {
	if o.RequestBody == nil {
		return nil
	}
	for kind, media := range o.RequestBody.Value.Content {
		for name, e := range media.Examples {
			list = append(list, example{name, kind, e.Value.Value})
		}
	}
	slices.SortFunc(list, func(a, b example) int { return strings.Compare(a.kind+a.name, b.kind+b.name) })
	return list
}

// encode gives a body's bytes, after change has made of it what no document can hold.
func (e *example) encode(t *testing.T, change func(body map[string]any)) []byte {
	t.Helper()
	if s, ok := e.value.(string); ok && !strings.HasSuffix(e.kind, "json") {
		return []byte(s)
	}
	b, err := json.Marshal(e.value)
	if err != nil {
		t.Fatal(err)
	}
	if change == nil {
		return b
	}
	var body map[string]any
	if err := json.Unmarshal(b, &body); err != nil {
		t.Fatalf("the example %s is no object: %v", e.name, err)
	}
	change(body)
	if b, err = json.Marshal(body); err != nil {
		t.Fatal(err)
	}
	return b
}

// values are what the document shows of a parameter, and what it counts up.
func values(p *openapi3.Parameter) (list []string) {
	add := func(v any) {
		if v != nil {
			list = append(list, fmt.Sprint(v))
		}
	}
	add(p.Example)
	for _, e := range p.Examples {
		add(e.Value.Value)
	}
	if s := p.Schema.Value; s != nil {
		add(s.Example)
		for _, e := range s.Examples {
			add(e)
		}
		for _, e := range s.Enum {
			add(e)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// request is one to an operation, ready to be sent.
type request struct {
	*http.Request
	body []byte
}

// newRequest makes a request whose path has the parameters given.
func (o *operation) newRequest(t *testing.T, api string, path map[string]string, kind string, body []byte) *request {
	t.Helper()
	target := o.path
	for name, value := range path {
		target = strings.ReplaceAll(target, "{"+name+"}", value)
	}
	if strings.Contains(target, "{") {
		t.Fatalf("%s: the path %s has a parameter without a value", o.id(), target)
	}
	r, err := http.NewRequestWithContext(t.Context(), o.method, api+target, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", kind)
	}
	return &request{r, body}
}

// send sends a request. The transport must not unpack what it gets.
func (r *request) send(t *testing.T, transport http.RoundTripper) answer {
	t.Helper()
	response, err := transport.RoundTrip(r.Request)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	defer response.Body.Close()
	var b []byte
	if response.Header.Get("Content-Type") == "text/event-stream" { // which does not end
		b, err = firstEvent(response.Body)
	} else {
		b, err = io.ReadAll(response.Body)
	}
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, b}
}

// firstEvent reads a stream to the end of its first event.
func firstEvent(stream io.Reader) (b []byte, err error) {
	for r := bufio.NewReader(stream); !bytes.Contains(b, []byte("\ndata: ")) || !bytes.HasSuffix(b, []byte("\n\n")); {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return b, err
		}
		b = append(b, line...)
	}
	return b, nil
}

// mail gives the primary somewhere to send mail to.
func (w *world) mail(t *testing.T) *mailtest.Server {
	t.Helper()
	server := mailtest.Start(t, "127.0.0.1:0", nil)
	env := w.env[w.regions[0]]
	env["OUTPOST_SMTP_URL"] = "smtp://" + server.Addr()
	env["OUTPOST_MAIL_FROM"], env["OUTPOST_PUBLIC_URL"] = "Outpost <outpost@example.com>", "https://training.example.com"
	return server
}

// minter makes access tokens, without anybody logging in.
type minter struct {
	w    *world
	kid  string
	key  ed25519.PrivateKey
	whom map[string]training.Principal
}

func newMinter(t *testing.T, w *world) *minter {
	t.Helper()
	m := &minter{w: w, whom: make(map[string]training.Principal)}
	m.kid, m.key = w.signingKey(t)
	return m
}

func (m *minter) token(t *testing.T, email string) string {
	t.Helper()
	who, known := m.whom[email]
	if !known {
		who = m.w.principal(t, email)
		m.whom[email] = who
	}
	return sign(t, m.kid, m.key, who, time.Now())
}

// check holds a request, when it is meant to be right, and its answer against the document.
func (d *document) check(r *request, a answer) error {
	route, path, err := d.router.FindRoute(r.Request)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(r.body))
	options := &openapi3filter.Options{
		IncludeResponseStatus: true, MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
	}
	// The validator reads CSV with commas and without quotes only.
	options.ExcludeRequestBody = r.Header.Get("Content-Type") == "text/csv"
	input := &openapi3filter.RequestValidationInput{Request: r.Request, PathParams: path, Route: route, Options: options}
	if err := openapi3filter.ValidateRequest(context.Background(), input); err != nil && a.status < 400 {
		return fmt.Errorf("the request is not what openapi.yaml says: %w", err)
	}
	documented := route.Operation.Responses.Value(fmt.Sprint(a.status))
	if documented == nil {
		return fmt.Errorf("openapi.yaml says nothing of the status %d", a.status)
	}
	// With fields an answer lacks what its schema requires, as the parameter says.
	options.ExcludeResponseBody = r.URL.Query().Has("fields")
	err = openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: a.status, Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body)), Options: options,
	})
	if err != nil {
		return fmt.Errorf("the answer is not what openapi.yaml says: %w", err)
	}
	return nil
}
