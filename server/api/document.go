package api

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/gofiber/fiber/v2"
	"go.yaml.in/yaml/v3"

	"outpost/server/cache"
)

//go:embed openapi.yaml
var openapiYAML []byte

// static is a body that never changes, with its compressed forms.
type static struct {
	etag  string
	forms map[string][]byte // by encoding; "" is the plain one
}

// newDocument makes openapi.json of openapi.yaml.
func newDocument() (*static, error) {
	var document map[string]any
	if err := yaml.Unmarshal(openapiYAML, &document); err != nil {
		return nil, fmt.Errorf("reading openapi.yaml: %w", err)
	}
	body, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("converting openapi.yaml: %w", err)
	}
	s := &static{etag: etag("", 0, body), forms: map[string][]byte{"": body}}
	for _, encoding := range encodings {
		if s.forms[encoding], err = compress(encoding, body); err != nil {
			return nil, fmt.Errorf("compressing openapi.json: %w", err)
		}
	}
	return s, nil
}

// Encodable says that compressed forms exist.
func (s *static) Encodable() bool { return len(s.forms[""]) >= cache.MinEncoded }

// Encoded gives a form.
func (s *static) Encoded(encoding string) ([]byte, error) { return s.forms[encoding], nil }

// ETagFor gives a form's ETag.
func (s *static) ETagFor(encoding string) (string, error) {
	if encoding == "" {
		return s.etag, nil
	}
	return s.etag[:len(s.etag)-1] + "-" + encoding + `"`, nil
}

func (a *API) openapi(k *call) error {
	document, err := a.document()
	if err != nil {
		return err
	}
	return k.body(document, fiber.MIMEApplicationJSON, "no-cache")
}
