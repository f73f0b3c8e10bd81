package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

var loadDocument = sync.OnceValues(func() (routers.Router, error) {
	document, err := openapi3.NewLoader().LoadFromData(openapiYAML)
	if err != nil {
		return nil, err
	}
	if err := document.Validate(context.Background()); err != nil {
		return nil, err
	}
	return gorillamux.NewRouter(document)
})

// validate holds an answer against openapi.yaml. Requests that are wrong on purpose are not.
func validate(t testing.TB, request *http.Request, a answered) {
	t.Helper()
	router, err := loadDocument()
	if err != nil {
		t.Fatalf("openapi.yaml: %v", err)
	}
	if request.Method == http.MethodHead || a.Header.Get("Content-Encoding") != "" || request.URL.Query().Has("fields") {
		return
	}
	route, path, err := router.FindRoute(request)
	if err != nil {
		return // not ours: 404 and 405 are tested by themselves
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, PathParams: path, Route: route},
		Status:                 a.StatusCode, Header: a.Header, Body: io.NopCloser(strings.NewReader(a.body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	}
	if err := openapi3filter.ValidateResponse(context.Background(), input); err != nil {
		t.Errorf("%s %s: the answer is not what openapi.yaml says: %v", request.Method, request.URL.Path, err)
	}
}

func TestOpenapiAndRoutesAreTheSame(t *testing.T) {
	n := newNode(t, nil)
	var document struct {
		OpenAPI string                                `json:"openapi"`
		Paths   map[string]map[string]json.RawMessage `json:"paths"`
	}
	a := n.do("GET", "/openapi.json", nil, "")
	if err := json.Unmarshal([]byte(a.body), &document); err != nil {
		t.Fatal(err)
	}
	if document.OpenAPI != "3.1.0" {
		t.Errorf("the document's version is %q", document.OpenAPI)
	}
	var documented, registered []string
	for path, methods := range document.Paths {
		for method := range methods {
			documented = append(documented, strings.ToUpper(method)+" "+path)
		}
	}
	for _, stack := range n.app.Stack() {
		for _, r := range stack {
			if r.Method != http.MethodHead && !strings.HasPrefix(r.Path, "/internal/") {
				registered = append(registered, r.Method+" "+endpointOf(r.Path))
			}
		}
	}
	slices.Sort(documented)
	slices.Sort(registered)
	for _, r := range registered {
		if !slices.Contains(documented, r) {
			t.Errorf("%s is not in openapi.yaml", r)
		}
	}
	for _, d := range documented {
		if !slices.Contains(registered, d) {
			t.Errorf("%s is in openapi.yaml and nowhere else", d)
		}
	}
}

func TestOpenapiSaysWhichRoutesNeedAToken(t *testing.T) {
	router, err := loadDocument()
	if err != nil {
		t.Fatal(err)
	}
	n := newNode(t, nil)
	for _, r := range n.routes() {
		request, err := http.NewRequest(r.method, strings.NewReplacer(":course", "phishing", ":lesson", "1", ":enrollment", "1", ":assignment", "1").Replace(r.pattern), nil)
		if err != nil {
			t.Fatal(err)
		}
		found, _, err := router.FindRoute(request)
		if err != nil {
			t.Errorf("%s %s: %v", r.method, r.pattern, err)
			continue
		}
		security := found.Operation.Security
		if open := security != nil && len(*security) == 0; open != r.open {
			t.Errorf("%s %s: open is %v in openapi.yaml and %v here", r.method, r.pattern, open, r.open)
		}
	}
}
