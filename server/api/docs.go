package api

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"
	swagger "github.com/swaggest/swgui/v5/static" // Swagger UI as it was released, packed
)

//go:embed docs
var docs embed.FS

// docsPolicy lets the page load what this server has, and ask it alone. Swagger UI writes styles
// into its elements.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func docsRoutes() []*route {
	return []*route{
		{method: http.MethodGet, pattern: "/docs", handle: (*API).docsPage, open: true},
		{method: http.MethodGet, pattern: "/docs/:file", handle: (*API).docsFile, open: true},
	}
}

// asset is a file of the documentation: plain, and packed where that is smaller.
type asset struct {
	kind, etag    string
	plain, packed []byte
}

// kinds do not depend on what the machine knows of them.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".png": "image/png",
}

// newDocs reads all files of the documentation by their names.
func newDocs() (map[string]*asset, error) {
	pages := make(map[string]*asset)
	for _, name := range []string{"index.html", "start.js"} {
		body, err := docs.ReadFile("docs/" + name)
		if err != nil {
			return nil, fmt.Errorf("reading the documentation's page: %w", err)
		}
		pages[name] = newAsset(name, body, nil)
	}
	for _, name := range []string{"swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"} {
		p, err := readSwagger(name)
		if err != nil {
			return nil, fmt.Errorf("reading Swagger UI: %w", err)
		}
		pages[name] = p
	}
	return pages, nil
}

func readSwagger(name string) (*asset, error) {
	if body, err := swagger.FS.ReadFile(name); err == nil {
		return newAsset(name, body, nil), nil
	}
	packed, err := swagger.FS.ReadFile(name + ".gz")
	if err != nil {
		return nil, err
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return newAsset(name, body, packed), nil
}

func newAsset(name string, plain, packed []byte) *asset {
	return &asset{kind: kinds[path.Ext(name)], etag: etag("", 0, plain), plain: plain, packed: packed}
}

func (a *API) docsPage(k *call) error { return k.docs("index.html") }

func (a *API) docsFile(k *call) error { return k.docs(k.c.Params("file")) }

func (k *call) docs(name string) error {
	pages, err := k.api.docs()
	if err != nil {
		return err
	}
	p, ok := pages[name]
	if !ok {
		return notFound()
	}
	r := k.c.Response()
	h := &r.Header
	set(h, fiber.HeaderContentSecurityPolicy, []byte(docsPolicy))
	set(h, fiber.HeaderReferrerPolicy, []byte("no-referrer"))
	set(h, fiber.HeaderCacheControl, []byte("no-cache"))
	set(h, fiber.HeaderVary, []byte(fiber.HeaderAcceptEncoding))
	body, tag := p.plain, p.etag
	if p.packed != nil && takesGzip(k.c.Get(fiber.HeaderAcceptEncoding)) {
		body, tag = p.packed, strings.TrimSuffix(tag, `"`)+`-gzip"`
		h.SetContentEncoding("gzip")
	}
	set(h, fiber.HeaderETag, []byte(tag))
	if match := k.c.Request().Header.Peek(fiber.HeaderIfNoneMatch); len(match) > 0 && matches(match, tag) {
		h.Del(fiber.HeaderContentEncoding)
		r.SetStatusCode(http.StatusNotModified)
		return nil
	}
	h.SetContentType(p.kind)
	r.SetBodyRaw(body)
	return nil
}

// takesGzip says whether the client takes this one encoding, the only one there is of these files.
func takesGzip(accept string) bool {
	for item := range strings.SplitSeq(accept, ",") {
		name, parameters, _ := strings.Cut(item, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return weightOf([]byte(parameters)) > 0
		}
	}
	return false
}
