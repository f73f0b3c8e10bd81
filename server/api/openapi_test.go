package api

import (
	"bytes"
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
	"go.yaml.in/yaml/v3"

	"outpost/server/training"
)

var loadDocument = sync.OnceValues(func() (routers.Router, error) {
	openapi3filter.RegisterBodyDecoder("application/pdf", openapi3filter.FileBodyDecoder)
	document, err := openapi3.NewLoader().LoadFromData(openapiYAML)
	if err != nil {
		return nil, err
	}
	if err := document.Validate(context.Background()); err != nil {
		return nil, err
	}
	for _, kind := range []string{"text/html", "text/css", "text/javascript", "image/png", "application/pdf"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.FileBodyDecoder)
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

// operations are those of the document by method and path.
func operations(t *testing.T) map[string]*openapi3.Operation {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(openapiYAML)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]*openapi3.Operation)
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			found[method+" "+path] = operation
		}
	}
	return found
}

// TestOpenapiSaysWhoMay holds what the document says of tokens, roles and scopes against the routes.
func TestOpenapiSaysWhoMay(t *testing.T) {
	documented := operations(t)
	n := newNode(t, nil)
	for _, r := range n.routes() {
		if strings.HasPrefix(r.pattern, "/internal/") {
			continue
		}
		name := r.method + " " + r.endpoint
		operation := documented[name]
		if operation == nil {
			t.Errorf("%s is not in openapi.yaml", name)
			continue
		}
		if open := operation.Security != nil && len(*operation.Security) == 0; open != r.open {
			t.Errorf("%s: open is %v in openapi.yaml and %v here", name, open, r.open)
		}
		role, scope := extension(t, operation, "x-role"), extension(t, operation, "x-scope")
		if role == "" && !r.open {
			role = string(training.Learner)
		}
		if role != string(r.role) {
			t.Errorf("%s: the least role is %q in openapi.yaml and %q here", name, role, r.role)
		}
		if scope != r.scope {
			t.Errorf("%s: the scope is %q in openapi.yaml and %q here", name, scope, r.scope)
		}
		for status, wanted := range map[string]bool{"401": !r.open, "403": !r.open, "429": !r.free, "503": r.write} {
			if wanted && operation.Responses.Value(status) == nil {
				t.Errorf("%s can be answered with %s, of which openapi.yaml says nothing", name, status)
			}
		}
	}
}

func extension(t *testing.T, operation *openapi3.Operation, name string) string {
	t.Helper()
	value, ok := operation.Extensions[name]
	if !ok {
		return ""
	}
	text, ok := value.(string)
	if !ok {
		t.Errorf("%s: %s is %v and no text", operation.OperationID, name, value)
	}
	return text
}

// TestOpenapiHasExamples wants one of each body that is sent, and of each JSON body that comes back
// when all went well; and each must be what its schema says.
func TestOpenapiHasExamples(t *testing.T) {
	for name, operation := range operations(t) {
		if operation.Description == "" {
			t.Errorf("%s is not described", name)
		}
		for _, p := range operation.Parameters {
			if p.Value.Description == "" {
				t.Errorf("%s: the parameter %s is not described", name, p.Value.Name)
			}
		}
		if body := operation.RequestBody; body != nil {
			for kind, media := range body.Value.Content {
				checkExamples(t, name+", the body as "+kind, media)
			}
		}
		for status, response := range operation.Responses.Map() {
			if !strings.HasPrefix(status, "2") {
				continue
			}
			for kind, media := range response.Value.Content {
				if strings.HasSuffix(kind, "json") {
					checkExamples(t, name+", the answer "+status, media)
				}
			}
		}
	}
}

func checkExamples(t *testing.T, what string, media *openapi3.MediaType) {
	t.Helper()
	if len(media.Examples) == 0 {
		t.Errorf("%s has no example", what)
	}
	for name, example := range media.Examples {
		if media.Schema == nil || example.Value.Value == nil {
			t.Errorf("%s: the example %s has no value, or no schema", what, name)
			continue
		}
		text, err := json.Marshal(example.Value.Value)
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := json.Unmarshal(text, &value); err != nil {
			t.Fatal(err)
		}
		if err := media.Schema.Value.VisitJSON(value, openapi3.MultiErrors()); err != nil {
			t.Errorf("%s: the example %s is not what its schema says: %v", what, name, err)
		}
	}
}

// TestOpenapiUsesItsComponents finds what nothing refers to.
func TestOpenapiUsesItsComponents(t *testing.T) {
	var document struct {
		Components map[string]map[string]any `yaml:"components"`
	}
	if err := yaml.Unmarshal(openapiYAML, &document); err != nil {
		t.Fatal(err)
	}
	for kind, components := range document.Components {
		for name := range components {
			ref := `"#/components/` + kind + "/" + name + `"`
			if kind == "securitySchemes" {
				ref = "- " + name + ": []"
			}
			if !bytes.Contains(openapiYAML, []byte(ref)) {
				t.Errorf("nothing refers to %s/%s", kind, name)
			}
		}
	}
}
