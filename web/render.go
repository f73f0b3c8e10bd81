package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"outpost/server/api/openapi"
	"outpost/server/training"
)

//go:embed templates
var templates embed.FS

// Policy is the pages' Content-Security-Policy: what this server has, and nothing that stands in a page.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Options are the same for all pages of a node.
type Options struct {
	Region string
	// Demo is what the first page of a demo tells; nil where there is none.
	Demo *Demo
}

// Demo is a world on one machine that anybody may look around in.
type Demo struct {
	Regions  []DemoRegion // the primary first
	Logins   []DemoLogin
	Password string
}

// DemoRegion is one of its regions.
type DemoRegion struct {
	Name    string
	URL     string
	Primary bool
}

// DemoLogin is somebody in whose name a demo may be looked at.
type DemoLogin struct {
	Email string
	Role  training.Role
	Text  string // its name among the texts
}

// Site is all pages.
type Site struct {
	options Options
	sets    map[string]func() (*template.Template, error) // by locale, made when first asked for: they take memory
}

// NewSite makes a Site.
func NewSite(o Options) *Site {
	s := &Site{options: o, sets: make(map[string]func() (*template.Template, error))}
	for _, locale := range training.Locales() {
		s.sets[locale] = sync.OnceValues(func() (*template.Template, error) { return newSet(locale) })
	}
	return s
}

// newSet reads the templates for a language.
func newSet(locale string) (*template.Template, error) {
	all, err := loadWords()
	if err != nil {
		return nil, err
	}
	files, err := loadAssets()
	if err != nil {
		return nil, err
	}
	set, err := template.New("").Funcs(funcs(locale, all[locale], files)).ParseFS(templates, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("reading the templates: %w", err)
	}
	return set, nil
}

// frame is what templates see.
type frame struct {
	*Request
	View
	User    *openapi.User // nil: nobody has signed in
	Nav     []navItem
	Locales []string
	Status  int
}

// Options are the site's.
func (s *Site) Options() *Options { return &s.options }

// Render makes the page of a view.
func (s *Site) Render(r *Request, v View) ([]byte, error) {
	me, err := r.Me()
	if err != nil {
		return nil, err
	}
	set, err := s.sets[r.Locale]()
	if err != nil {
		return nil, err
	}
	f := &frame{Request: r, View: v, User: me, Nav: navOf(r), Locales: training.Locales()}
	var out bytes.Buffer
	if err := set.ExecuteTemplate(&out, v.Template+".html", f); err != nil {
		return nil, fmt.Errorf("rendering %s: %w", v.Template, err)
	}
	return out.Bytes(), nil
}

// RenderProblem makes the page that says no. It asks the API nothing: that may be what fails.
func (s *Site) RenderProblem(r *Request, p *Problem) ([]byte, error) {
	set, err := s.sets[r.Locale]()
	if err != nil {
		return nil, err
	}
	all, err := loadWords()
	if err != nil {
		return nil, err
	}
	title := fmt.Sprintf("problem.%d", p.Status)
	if _, ok := all[r.Locale][title]; !ok {
		title = "problem.other"
	}
	heading, err := all[r.Locale].say(title)
	if err != nil {
		return nil, err
	}
	if r.Problem, err = p.in(r.Locale); err != nil {
		return nil, err
	}
	f := &frame{Request: r, View: View{Title: heading, Data: title}, Nav: navOf(r), Locales: training.Locales(), Status: p.Status}
	var out bytes.Buffer
	if err := set.ExecuteTemplate(&out, "problem.html", f); err != nil {
		return nil, fmt.Errorf("rendering a problem: %w", err)
	}
	return out.Bytes(), nil
}

// T is a text in the request's language, for titles that are made in Go.
func (r *Request) T(name string, blanks ...any) string {
	all, err := loadWords()
	if err == nil {
		var said string
		if said, err = all[r.Locale].say(name, blanks...); err == nil {
			return said
		}
	}
	panic(fmt.Sprintf("web: %v", err)) // a test asks for each text that is named
}

// funcs are what templates can do beside printing.
func funcs(locale string, w words, a *assets) template.FuncMap {
	f := newFormat(locale)
	return template.FuncMap{
		"t":    w.say,
		"tn":   func(name string, n any, blanks ...any) (string, error) { return countOf(w, f, name, n, blanks...) },
		"word": w.word, "number": f.number, "percent": f.percent,
		"date": f.date, "longdate": f.longDate, "moment": f.moment,
		"rfc3339": func(v any) (string, error) {
			t, err := timeOf(v)
			return t.Format(time.RFC3339), err
		},
		"asset": a.url, "markdown": markdown, "inline": inline, "icon": icon,
		"dict":  dict,
		"field": newField, "isnil": func(v any) bool { return deref(v) == nil },
		"initial": initial, "share": share, "lower": strings.ToLower, "contains": slices.Contains[[]string],
		"sub": func(a, b float64) float64 { return a - b }, "f64": toFloat, "bytes": f.bytes,
		"words": func(of string) []choice { return w.valuesOf(of) },
		"query": withQuery, "deref": deref, "add": func(a, b int) int { return a + b },
	}
}

func countOf(w words, f format, name string, n any, blanks ...any) (string, error) {
	var count int64
	switch n := deref(n).(type) {
	case int:
		count = int64(n)
	case int64:
		count = n
	default:
		return "", fmt.Errorf("%s counts a %T", name, n)
	}
	return w.count(name, count, f.number(count), blanks...)
}

// dict gives a template inside another several values by name.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("a dict of %d names and values", len(pairs))
	}
	d := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("%v is no name in a dict", pairs[i])
		}
		d[name] = pairs[i+1]
	}
	return d, nil
}

// initial is the first letter of a name.
func initial(name string) string {
	for _, letter := range name {
		return strings.ToUpper(string(letter))
	}
	return ""
}

// share is part of whole from 0 to 1.
func share(part, whole any) float64 {
	p, w := toFloat(part), toFloat(whole)
	if w == 0 {
		return 0
	}
	return p / w
}

func toFloat(v any) float64 {
	switch n := deref(v).(type) {
	case int:
		return float64(n)
	case int64:
		return float64(n)
	case float64:
		return n
	case float32:
		return float64(n)
	}
	return 0
}

// withQuery is the page that is shown with some of its parameters changed: an empty value takes one away. To
// change anything but the page is to go back to its beginning.
func withQuery(r *frame, pairs ...any) (string, error) {
	changed, err := dict(pairs...)
	if err != nil {
		return "", err
	}
	q := url.Values{}
	for name, values := range r.Query {
		q[name] = values
	}
	q.Del("done")
	q.Del("page")
	q.Del("after")
	for name, v := range changed {
		if text := fmt.Sprint(deref(v)); text == "" {
			q.Del(name)
		} else {
			q.Set(name, text)
		}
	}
	if len(q) == 0 {
		return r.Path, nil
	}
	return r.Path + "?" + q.Encode(), nil
}

// field is an input with its label, value and what is wrong with it.
type field struct {
	Name, Label, Value, Error string
	ID                        string
	Options                   map[string]any // Type, Hint, Autocomplete, Required, Rows, Choices, Min, Max, Maxlength, Inputmode, Placeholder, Accept, List, Suggest
}

// newField takes the name, the label, the value where no form was filled in, and options by name.
func newField(r *frame, name, label string, value any, pairs ...any) (*field, error) {
	options, err := dict(pairs...)
	if err != nil {
		return nil, err
	}
	in := &field{Name: name, Label: label, ID: "f-" + name, Error: r.Problem.Field(name), Options: options}
	if v := deref(value); v != nil {
		in.Value = fmt.Sprint(v)
	}
	if r.Form.Has(name) && options["Type"] != "password" {
		in.Value = r.Form.Get(name)
	}
	if id, ok := options["ID"].(string); ok {
		in.ID = id
	}
	return in, nil
}
