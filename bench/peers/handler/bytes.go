package handler

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/gofiber/fiber/v2"
)

// Answer is what to say to one path.
type Answer struct {
	Header [][2]string
	Body   string
}

// serveBytes says what it was told to, with as many headers, and looks at nothing but the path.
func serveBytes(_ context.Context, app *fiber.App) (func() error, error) {
	path, err := setting(EnvAnswers)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading what to answer: %w", err)
	}
	var told map[string]Answer
	if err := json.Unmarshal(text, &told); err != nil {
		return nil, fmt.Errorf("reading what to answer: %w", err)
	}
	type answer struct {
		header [][2][]byte
		body   []byte
	}
	answers := make(map[string]*answer, len(told))
	for path, t := range told {
		a := &answer{body: []byte(t.Body)}
		for _, h := range t.Header {
			switch h[0] {
			case "Date", "Content-Length", "Content-Type": // fasthttp's own
			default:
				a.header = append(a.header, [2][]byte{[]byte(h[0]), []byte(h[1])})
			}
		}
		answers[path] = a
	}
	app.Get("/*", func(c *fiber.Ctx) error {
		a := answers[c.OriginalURL()]
		if a == nil {
			return fiber.ErrNotFound
		}
		r := c.Response()
		for _, h := range a.header {
			r.Header.SetCanonical(h[0], h[1])
		}
		r.Header.SetContentType(fiber.MIMEApplicationJSON)
		r.SetBodyRaw(a.body)
		return nil
	})
	return func() error { return nil }, nil
}
